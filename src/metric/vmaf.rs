//! VMAF (Netflix), by libvmaf and the models that are built into it.

use super::pictures::{check, pooled};
use super::validity::VMAF_1080;
use super::{Better, Evidence, Metric, Scale, Value, vmaf_raw};
use crate::error::{Error, Result};
use crate::media::Picture;
use std::ffi::CStr;

pub static VMAF: Metric<Picture> = Metric {
    scale: Scale {
        id: "vmaf",
        title: "VMAF",
        unit: "points",
        better: Better::Higher,
        cap: Some(100.0),
        source: "Netflix VMAF, model vmaf_v0.6.1 (1080p television at three heights), each picture within 0 to 100; \
                 arithmetic mean over the pictures; libvmaf",
        margin: 1.0,
    },
    validity: VMAF_1080,
    version: || version(V0_6_1),
    score: |evidence| score("vmaf", V0_6_1, evidence),
};

/// "No enhancement gain": sharpening and raised contrast are not rewarded, as a codec comparison wants it.
pub static NEG: Metric<Picture> = Metric {
    scale: Scale {
        id: "vmaf-neg",
        title: "VMAF NEG",
        unit: "points",
        better: Better::Higher,
        cap: Some(100.0),
        source: "Netflix VMAF, model vmaf_v0.6.1neg (no enhancement gain, 1080p television at three heights), each picture \
                 within 0 to 100; arithmetic mean over the pictures; libvmaf",
        margin: 1.0,
    },
    validity: VMAF_1080,
    version: || version(V0_6_1_NEG),
    score: |evidence| score("vmaf-neg", V0_6_1_NEG, evidence),
};

const V0_6_1: &CStr = c"vmaf_v0.6.1";
const V0_6_1_NEG: &CStr = c"vmaf_v0.6.1neg";
/// Four halvings must leave something to filter.
const SMALLEST: u32 = 32;

fn score(id: &'static str, model: &CStr, evidence: &Evidence<'_, Picture>) -> Result<Value> {
    check(id, evidence, SMALLEST)?;
    let scores = vmaf_raw::model(model, evidence.reference, evidence.degraded, evidence.threads);
    pooled(id, evidence, scores.map_err(|reason| Error::Metric { metric: id, reason })?)
}

fn version(model: &CStr) -> String {
    format!("libvmaf {}, {}", vmaf_raw::version(), model.to_string_lossy())
}
