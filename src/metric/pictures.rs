//! What all video metrics share: the pair must be comparable, each picture gets one number, and the clip their mean.

use super::{Evidence, Series, Value};
use crate::error::{Error, Result};
use crate::media::{Footage, Picture};

/// Says why these two cannot be compared picture by picture: no pictures, or another number, size or rate of them.
///
/// # Errors
/// One line with both sides.
pub fn comparable(reference: &Footage, degraded: &Footage) -> Result<(), String> {
    let size = |footage: &Footage| format!("{}x{}", footage.format.width, footage.format.height);
    let differ = |what: &str, a: String, b: String| {
        Err(format!("the reference has {a}, the degraded footage {b}: only footage of the same {what} is compared"))
    };
    let pictures = |n: usize| format!("{n} picture{}", if n == 1 { "" } else { "s" });
    let (a, b) = (reference.pictures.len(), degraded.pictures.len());
    let (rate_a, rate_b) = (reference.format.rate, degraded.format.rate);
    if size(reference) != size(degraded) {
        return differ("size", size(reference), size(degraded));
    }
    if rate_a != rate_b {
        return differ("frame rate", format!("{rate_a} fps"), format!("{rate_b} fps"));
    }
    if a != b {
        return differ("length", pictures(a), pictures(b));
    }
    if a == 0 {
        return Err("there are no pictures".into());
    }
    for (name, footage) in [("reference", reference), ("degraded footage", degraded)] {
        let odd = |p: &Picture| (p.width, p.height) != (footage.format.width, footage.format.height);
        if let Some(i) = footage.pictures.iter().position(odd) {
            let Picture { width, height, .. } = footage.pictures[i];
            return Err(format!("picture {i} of the {name} is {width}x{height} in footage of {}", size(footage)));
        }
    }
    Ok(())
}

/// As [`comparable`], and neither side is shorter than `smallest` luma samples.
pub(super) fn check(metric: &'static str, evidence: &Evidence<'_, Picture>, smallest: u32) -> Result<()> {
    let failed = |reason: String| Err(Error::Metric { metric, reason });
    let format = evidence.reference.format;
    if let Err(reason) = comparable(evidence.reference, evidence.degraded) {
        return failed(reason);
    }
    if format.width.min(format.height) < smallest {
        let (width, height) = (format.width, format.height);
        return failed(format!("the pictures are {width}x{height}, it needs at least {smallest}x{smallest}"));
    }
    Ok(())
}

/// One number per pair of pictures, and their arithmetic mean. `start` makes what a thread keeps between pictures;
/// `score` may depend on nothing else of it, so the numbers are the same with any number of threads.
pub(super) fn per_picture<S>(
    metric: &'static str,
    evidence: &Evidence<'_, Picture>,
    smallest: u32,
    start: impl Fn() -> S + Sync,
    score: impl Fn(&mut S, &Picture, &Picture) -> f64 + Sync,
) -> Result<Value> {
    check(metric, evidence, smallest)?;
    let (reference, degraded) = (&evidence.reference.pictures, &evidence.degraded.pictures);
    let mut values = vec![0.0; reference.len()];
    let share = values.len().div_ceil(evidence.threads.max(1));
    let part = |values: &mut [f64], first: usize| {
        let mut scratch = start();
        for (i, value) in values.iter_mut().enumerate() {
            *value = score(&mut scratch, &reference[first + i], &degraded[first + i]);
        }
    };
    match share == values.len() {
        true => part(&mut values, 0),
        false => std::thread::scope(|scope| {
            for (i, values) in values.chunks_mut(share).enumerate() {
                scope.spawn(move || part(values, i * share));
            }
        }),
    }
    pooled(metric, evidence, values)
}

/// The arithmetic mean of the values, one per picture, with their series.
pub(super) fn pooled(metric: &'static str, evidence: &Evidence<'_, Picture>, values: Vec<f64>) -> Result<Value> {
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::Metric { metric, reason: format!("picture {i} has the score {}", values[i]) });
    }
    let series = Series {
        name: metric,
        step_ms: 1000.0 / evidence.reference.format.rate.per_second(),
        values: values.iter().map(|v| *v as f32).collect(),
    };
    Ok(Value { value: values.iter().sum::<f64>() / values.len() as f64, series: Some(series) })
}
