//! The E-model: from delay, loss and codec to the transmission rating R and the MOS that planners expect of a
//! conversation (MOS-CQE). Narrow-band after ITU-T G.107 (06/2015), wide-band after G.107.1, full-band after G.107.2.
//!
//! The narrow-band model is whole: every input of table 3 with its default. Of the wide-band and full-band models only
//! the terms that a call changes are here, the equipment and the delay; the rest stands at its default, which makes
//! Ro less Is 129 and 148. Their scale factors were not checked against the Recommendations' text.

mod codecs;
mod fit;
mod g107;

pub use codecs::{Equipment, PUBLISHED, Published, published};
pub use fit::{Fit, Point, fit, rating_of_mos};

use crate::error::{Error, Result, unknown};
use crate::media::Pcm;
use crate::metric::{Better, CallFacts, Evidence, Metric, Scale, Validity};
use serde::{Deserialize, Serialize};
use std::str::FromStr;

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
    fn total_loss(self) -> f64 {
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

/// All inputs, by their names in G.107, table 3. Levels in dB or dBm0, delays in ms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inputs {
    /// Send and receive loudness rating.
    pub slr: f64,
    pub rlr: f64,
    /// Sidetone masking rating, listener sidetone rating.
    pub stmr: f64,
    pub lstr: f64,
    /// D-value of the telephone, send side. (That of the receive side enters through `lstr`.)
    pub ds: f64,
    /// Talker echo loudness rating, and weighted echo path loss.
    pub telr: f64,
    pub wepl: f64,
    /// Mean one-way delay of the echo path; 0 where nothing echoes.
    pub t: f64,
    /// Round-trip delay of the four-wire loop; 0 where nothing echoes.
    pub tr: f64,
    /// Absolute delay from mouth to ear.
    pub ta: f64,
    /// Quantisation distortion units.
    pub qdu: f64,
    /// Equipment impairment factor of the codec, and its packet-loss robustness.
    pub ie: f64,
    pub bpl: f64,
    /// Packet loss in percent, and the burst ratio: 1 for random loss.
    pub ppl: f64,
    pub burst_r: f64,
    /// Circuit noise at the 0 dBr point (dBm0p), noise floor at the receive side (dBmp).
    pub nc: f64,
    pub nfor: f64,
    /// Room noise at the send and the receive side, dB(A).
    pub ps: f64,
    pub pr: f64,
    /// Advantage factor: what users forgive for mobility.
    pub a: f64,
    /// Delay sensitivity, and the least delay that anybody minds (G.107, table 1): 1 and 100 ms for usual talk.
    pub st: f64,
    pub mt: f64,
}

impl Default for Inputs {
    fn default() -> Inputs {
        Inputs {
            slr: 8.0,
            rlr: 2.0,
            stmr: 15.0,
            lstr: 18.0,
            ds: 3.0,
            telr: 65.0,
            wepl: 110.0,
            t: 0.0,
            tr: 0.0,
            ta: 0.0,
            qdu: 1.0,
            ie: 0.0,
            bpl: 4.3,
            ppl: 0.0,
            burst_r: 1.0,
            nc: -70.0,
            nfor: -64.0,
            ps: 35.0,
            pr: 35.0,
            a: 0.0,
            st: 1.0,
            mt: 100.0,
        }
    }
}

impl Inputs {
    /// The input of that name, in any case: "Ta", "BurstR".
    pub fn by_name(&mut self, name: &str) -> Option<&mut f64> {
        Some(match name.to_ascii_lowercase().as_str() {
            "slr" => &mut self.slr,
            "rlr" => &mut self.rlr,
            "stmr" => &mut self.stmr,
            "lstr" => &mut self.lstr,
            "ds" => &mut self.ds,
            "telr" => &mut self.telr,
            "wepl" => &mut self.wepl,
            "t" => &mut self.t,
            "tr" => &mut self.tr,
            "ta" => &mut self.ta,
            "qdu" => &mut self.qdu,
            "ie" => &mut self.ie,
            "bpl" => &mut self.bpl,
            "ppl" => &mut self.ppl,
            "burstr" => &mut self.burst_r,
            "nc" => &mut self.nc,
            "nfor" => &mut self.nfor,
            "ps" => &mut self.ps,
            "pr" => &mut self.pr,
            "a" => &mut self.a,
            "st" => &mut self.st,
            "mt" => &mut self.mt,
            _ => return None,
        })
    }

    pub const NAMES: [&'static str; 22] = [
        "SLR", "RLR", "STMR", "LSTR", "Ds", "TELR", "WEPL", "T", "Tr", "Ta", "Qdu", "Ie", "Bpl", "Ppl", "BurstR", "Nc",
        "Nfor", "Ps", "Pr", "A", "sT", "mT",
    ];
}

/// What one cause takes from R.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Impairment {
    /// Its symbol in the Recommendation.
    pub id: &'static str,
    pub title: &'static str,
    pub points: f64,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rating {
    pub r: f64,
    pub mos: f64,
    /// R before any impairment.
    pub ro: f64,
    /// `ro` less the sum of these is `r`; the advantage factor counts as a negative one.
    pub impairments: Vec<Impairment>,
}

/// The rating of a connection. A pure function; the inputs must be finite, `bpl` and `burst_r` positive.
pub fn rate(band: Band, inputs: &Inputs) -> Rating {
    let impairment = |id, title, points| Impairment { id, title, points };
    let loss = effective_equipment(band, inputs) - inputs.ie;
    let (ro, mut impairments) = match band {
        Band::Nb => g107::circuit(inputs),
        Band::Wb | Band::Fb => (band.best(), Vec::new()),
    };
    impairments.push(impairment("Idd", "delay", band.stretch() * absolute_delay(inputs)));
    impairments.push(impairment("Ie", "codec", inputs.ie));
    impairments.push(impairment("Ie,eff - Ie", "packet loss", loss));
    if inputs.a != 0.0 {
        impairments.push(impairment("-A", "advantage of access", -inputs.a));
    }
    let r = ro - impairments.iter().map(|i| i.points).sum::<f64>();
    Rating { r, mos: mos(r / band.stretch()), ro, impairments }
}

/// G.107, Annex B: from R on the narrow-band scale. Below an R of 6.5 the cubic gives slightly less than 1.
pub fn mos(r: f64) -> f64 {
    match r {
        r if r <= 0.0 => 1.0,
        r if r >= 100.0 => 4.5,
        r => 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6,
    }
}

/// G.107, equation 7-29: the codec and what loss does to it.
fn effective_equipment(band: Band, inputs: &Inputs) -> f64 {
    let Inputs { ie, bpl, ppl, burst_r, .. } = *inputs;
    ie + (band.total_loss() - ie) * ppl / (ppl / burst_r + bpl)
}

/// G.107, equation 7-27: nothing up to mT, then growing with the delay's octaves above it.
fn absolute_delay(inputs: &Inputs) -> f64 {
    if inputs.ta <= inputs.mt {
        return 0.0;
    }
    let octaves = (inputs.ta / inputs.mt).log2();
    let power = 6.0 * inputs.st;
    let bend = |x: f64| (1.0 + x.powf(power)).powf(1.0 / power);
    25.0 * (bend(octaves) - 3.0 * bend(octaves / 3.0) + 2.0)
}

const SOURCE: &str = "E-model of the codec's band (G.107, G.107.1, G.107.2) from the call's measured mouth-to-ear delay, \
                      effective loss and burst ratio and the codec's published Ie and Bpl; no echo, all else at its \
                      default; G.722 and the wide and full bands rest on figures not checked against the ITU texts";

const VALIDITY: Validity = Validity {
    intrusive: false,
    limits: &[(crate::metric::When::Content(crate::media::Content::Music), "plans telephone conversations, not music")],
    source: "scope of ITU-T G.107: transmission planning, not measurement of one call",
};

pub static R_FACTOR: Metric<Pcm> = Metric {
    scale: Scale {
        id: "r-factor",
        title: "E-model rating R",
        unit: "R",
        better: Better::Higher,
        cap: Some(148.0),
        source: SOURCE,
        margin: 1.0,
    },
    validity: VALIDITY,
    version: || "codecbench emodel 1".into(),
    score: |evidence| Ok(of_call("r-factor", evidence)?.r.into()),
};

pub static MOS_CQE: Metric<Pcm> = Metric {
    scale: Scale {
        id: "mos-cqe",
        title: "E-model conversational quality",
        unit: "MOS-CQE",
        better: Better::Higher,
        cap: Some(4.5),
        source: SOURCE,
        margin: 0.05,
    },
    validity: VALIDITY,
    version: || "codecbench emodel 1".into(),
    score: |evidence| Ok(of_call("mos-cqe", evidence)?.mos.into()),
};

fn of_call(metric: &'static str, evidence: &Evidence<'_, Pcm>) -> Result<Rating> {
    let failed = |reason: String| Error::Metric { metric, reason };
    let call = evidence.call.as_ref().ok_or_else(|| failed("needs a call: files have no delay and no loss".into()))?;
    let equipment = match call.equipment {
        Some(equipment) => equipment,
        None => published(call.codec, call.bitrate).map_err(failed)?,
    };
    let bpl = match equipment.bpl {
        Some(bpl) => bpl,
        None if call.loss_percent == 0.0 => Inputs::default().bpl,
        None => return Err(failed(format!("{} has no published Bpl, and packets were lost", call.codec))),
    };
    Ok(rate(equipment.band, &inputs_of(call, equipment.ie, bpl)))
}

/// Echo is taken as cancelled: the delay adds nothing but its own impairment.
fn inputs_of(call: &CallFacts, ie: f64, bpl: f64) -> Inputs {
    Inputs { ta: call.mouth_to_ear_ms, ppl: call.loss_percent, burst_r: call.burst_ratio, ie, bpl, ..Inputs::default() }
}
