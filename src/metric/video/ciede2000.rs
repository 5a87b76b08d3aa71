//! Colour difference (CIE 142-2001, "CIEDE2000"), by libvmaf.

use super::pictures::{check, pooled};
use super::vmaf::raw;
use crate::error::{Error, Result};
use crate::media::Picture;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::PICTURE_DISTANCE;

/// The mean difference of a picture's pixels on libvmaf's scale, a kind of decibel: 45 - 20 log10(mean).
pub static CIEDE2000: Metric<Picture> = Metric {
    scale: Scale {
        id: "ciede2000",
        title: "CIEDE2000",
        unit: "dB",
        better: Better::Higher,
        cap: Some(CAP_DB),
        source: "45 - 20 log10(mean CIEDE2000 difference) of each picture as libvmaf defines it (weights 0.65, 1 and 4; \
                 its own BT.709 matrix), capped at 100 dB; arithmetic mean over the pictures; libvmaf",
        margin: 0.2,
    },
    validity: PICTURE_DISTANCE,
    version: || format!("libvmaf {}, ciede", raw::version()),
    score,
};

/// libvmaf gives infinity to equal pictures.
const CAP_DB: f64 = 100.0;

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    let metric = "ciede2000";
    check(metric, evidence, 2)?;
    let (reference, degraded) = (evidence.reference, evidence.degraded);
    let scores = raw::feature(c"ciede", c"ciede2000", reference, degraded, evidence.threads);
    let scores = scores.map_err(|reason| Error::Metric { metric, reason })?;
    pooled(metric, reference.format.rate, scores.into_iter().map(|score| score.min(CAP_DB)).collect())
}
