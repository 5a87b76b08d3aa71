//! What the E-model knows of a codec, published or the user's own.

use crate::error::{Error, Result, unknown};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// What the E-model knows of a codec.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Equipment {
    pub band: Band,
    /// Without loss.
    pub ie: f64,
    /// Packet-loss robustness; `None` where nobody published it.
    pub bpl: Option<f64>,
}

impl Equipment {
    /// "Ie 11, Bpl 19, narrow-band".
    pub fn words(&self) -> String {
        let bpl = self.bpl.map_or(String::new(), |bpl| format!(", Bpl {bpl}"));
        format!("Ie {}{bpl}, {}", self.ie, self.band.words())
    }
}

/// Which of the three models. Their R lie on one extended scale; their MOS do not: each is that of listeners who know
/// nothing better than that bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Band {
    /// G.107: 300 to 3400 Hz.
    Nb,
    /// G.107.1: 50 to 7000 Hz.
    Wb,
    /// G.107.2: 20 to 20000 Hz.
    Fb,
}

impl FromStr for Band {
    type Err = Error;

    fn from_str(name: &str) -> Result<Band> {
        match name {
            "nb" => Ok(Band::Nb),
            "wb" => Ok(Band::Wb),
            "fb" => Ok(Band::Fb),
            _ => Err(unknown("band", name, &["nb", "wb", "fb"])),
        }
    }
}

impl Band {
    pub fn words(self) -> &'static str {
        match self {
            Band::Nb => "narrow-band",
            Band::Wb => "wide-band",
            Band::Fb => "full-band",
        }
    }

    /// The largest R, over 100.
    pub fn stretch(self) -> f64 {
        match self {
            Band::Nb => 1.0,
            Band::Wb => 1.29,
            Band::Fb => 1.48,
        }
    }

    /// R without any codec, loss and delay, all else at its default.
    pub fn best(self) -> f64 {
        match self {
            Band::Nb => 93.206_208,
            Band::Wb => 129.0,
            Band::Fb => 148.0,
        }
    }

    /// What Ie,eff approaches when everything is lost. G.107.1 is quoted with 95 and with 129; 95 is its equation 7-15.
    pub(super) fn total_loss(self) -> f64 {
        match self {
            Band::Nb | Band::Wb => 95.0,
            Band::Fb => 132.0,
        }
    }

    pub fn recommendation(self) -> &'static str {
        match self {
            Band::Nb => "ITU-T G.107 (06/2015)",
            Band::Wb => "ITU-T G.107.1, delay and equipment terms; factors not checked against its text",
            Band::Fb => "ITU-T G.107.2, delay and equipment terms; factors not checked against its text",
        }
    }
}
