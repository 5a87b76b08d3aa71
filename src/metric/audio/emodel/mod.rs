//! The E-model: from delay, loss and codec to the transmission rating R and the MOS that planners expect of a
//! conversation (MOS-CQE). Narrow-band after ITU-T G.107 (06/2015), wide-band after G.107.1, full-band after G.107.2.
//!
//! The narrow-band model is whole: every input of table 3 with its default. Of the wide-band and full-band models only
//! the terms that a call changes are here, the equipment and the delay; the rest stands at its default, which makes
//! Ro less Is 129 and 148. Their scale factors were not checked against the Recommendations' text.

mod codecs;
mod fit;
mod g107;
mod inputs;

pub use crate::metric::equipment::{Band, Equipment};
pub use codecs::{PUBLISHED, Published, published};
pub use fit::{Fit, Point, fit, rating_of_mos};
pub use inputs::{Impairment, Inputs};

use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, CallFacts, Evidence, Metric, Scale};
use crate::metric::validity::Validity;
use serde::Serialize;

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
    limits: &[(
        crate::metric::validity::When::Content(crate::media::Content::Music),
        "plans telephone conversations, not music",
    )],
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
