//! VMAF (Netflix), by libvmaf and the models that are built into it.

pub(super) mod raw;

use super::pictures::{check, large_enough, pairs, pooled};
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::VMAF_1080;
use std::ffi::CStr;

pub static VMAF: Metric<Picture> = Metric {
    scale: Scale {
        id: V0_6_1.id,
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
    score: |evidence| score(V0_6_1, evidence),
};

/// "No enhancement gain": sharpening and raised contrast are not rewarded, as a codec comparison wants it.
pub static NEG: Metric<Picture> = Metric {
    scale: Scale {
        id: V0_6_1_NEG.id,
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
    score: |evidence| score(V0_6_1_NEG, evidence),
};

const V0_6_1: Model = Model { id: "vmaf", name: c"vmaf_v0.6.1" };
const V0_6_1_NEG: Model = Model { id: "vmaf-neg", name: c"vmaf_v0.6.1neg" };
/// Four halvings must leave something to filter.
const SMALLEST: u32 = 32;

/// A model that is built into libvmaf, with the metric that it is.
#[derive(Clone, Copy)]
pub struct Model {
    id: &'static str,
    name: &'static CStr,
}

impl Model {
    pub fn of(metric: &Metric<Picture>) -> Option<Model> {
        [V0_6_1, V0_6_1_NEG].into_iter().find(|model| model.id == metric.scale.id)
    }

    /// The metric's score of pairs of that format, at least one, that come one by one and are not kept.
    ///
    /// # Errors
    /// [`Error::Metric`]: the pictures are too small, or what libvmaf refused.
    pub fn score(
        self,
        format: PictureFormat,
        pairs: impl Iterator<Item = (Picture, Picture)>,
        threads: usize,
    ) -> Result<Value> {
        large_enough(self.id, &format, SMALLEST)?;
        let scores = raw::model(self.name, format, pairs, threads);
        pooled(self.id, format.rate, scores.map_err(|reason| Error::Metric { metric: self.id, reason })?)
    }
}

fn score(model: Model, evidence: &Evidence<'_, Picture>) -> Result<Value> {
    check(model.id, evidence, SMALLEST)?;
    let (reference, degraded) = (evidence.reference, evidence.degraded);
    model.score(reference.format, pairs(reference, degraded), evidence.threads)
}

fn version(model: Model) -> String {
    format!("libvmaf {}, {}", raw::version(), model.name.to_string_lossy())
}
