//! What all video metrics share: the pair must be comparable, each picture gets one number, and the clip their mean.

use crate::error::{Error, Result};
use crate::media::{Footage, FrameRate, Picture, PictureFormat};
use crate::metric::api::{Evidence, Series, Value};

/// Says why these two cannot be compared picture by picture: no pictures, or another number, size or rate of them.
///
/// # Errors
/// One line with both sides.
pub fn comparable(reference: &Footage, degraded: &Footage) -> Result<(), String> {
    let (a, b) = (reference.pictures.len(), degraded.pictures.len());
    alike((&reference.format, a), (&degraded.format, b))?;
    if a == 0 {
        return Err("there are no pictures".into());
    }
    for (name, footage) in [("reference", reference), ("degraded footage", degraded)] {
        let odd = |p: &Picture| (p.width, p.height) != (footage.format.width, footage.format.height);
        if let Some(i) = footage.pictures.iter().position(odd) {
            let Picture { width, height, .. } = footage.pictures[i];
            return Err(format!(
                "picture {i} of the {name} is {width}x{height} in footage of {}",
                size(&footage.format)
            ));
        }
    }
    Ok(())
}

/// Says why two sides of that format and number of pictures cannot be compared.
///
/// # Errors
/// As [`comparable`].
pub fn alike((a, of_a): (&PictureFormat, usize), (b, of_b): (&PictureFormat, usize)) -> Result<(), String> {
    let differ = |what: &str, a: String, b: String| {
        Err(format!("the reference has {a}, the degraded footage {b}: only footage of the same {what} is compared"))
    };
    let pictures = |n: usize| format!("{n} picture{}", if n == 1 { "" } else { "s" });
    if size(a) != size(b) {
        return differ("size", size(a), size(b));
    }
    if a.rate != b.rate {
        return differ("frame rate", format!("{} fps", a.rate), format!("{} fps", b.rate));
    }
    if of_a != of_b {
        return differ("length", pictures(of_a), pictures(of_b));
    }
    Ok(())
}

fn size(format: &PictureFormat) -> String {
    format!("{}x{}", format.width, format.height)
}

/// Pairs of what should have been on show and what was.
#[cfg(feature = "video")]
pub(in crate::metric) fn pairs(reference: &Footage, degraded: &Footage) -> impl Iterator<Item = (Picture, Picture)> {
    reference.pictures.iter().cloned().zip(degraded.pictures.iter().cloned())
}

/// As [`comparable`], and neither side is shorter than `smallest` luma samples.
pub(in crate::metric) fn check(metric: &'static str, evidence: &Evidence<'_, Picture>, smallest: u32) -> Result<()> {
    match comparable(evidence.reference, evidence.degraded) {
        Ok(()) => large_enough(metric, &evidence.reference.format, smallest),
        Err(reason) => Err(Error::Metric { metric, reason }),
    }
}

pub(in crate::metric) fn large_enough(metric: &'static str, format: &PictureFormat, smallest: u32) -> Result<()> {
    if format.width.min(format.height) < smallest {
        let reason = format!("the pictures are {}, it needs at least {smallest}x{smallest}", size(format));
        return Err(Error::Metric { metric, reason });
    }
    Ok(())
}

/// One number per pair of pictures, and their arithmetic mean. `start` makes what a thread keeps between pictures;
/// `score` may depend on nothing else of it, so the numbers are the same with any number of threads.
pub(in crate::metric) fn per_picture<S>(
    metric: &'static str,
    evidence: &Evidence<'_, Picture>,
    smallest: u32,
    start: impl Fn() -> S + Sync,
    score: impl Fn(&mut S, &Picture, &Picture) -> Result<f64, String> + Sync,
) -> Result<Value> {
    check(metric, evidence, smallest)?;
    let (reference, degraded) = (&evidence.reference.pictures, &evidence.degraded.pictures);
    let mut values = vec![Ok(0.0); reference.len()];
    let share = values.len().div_ceil(evidence.threads.max(1));
    let part = |values: &mut [Result<f64, String>], first: usize| {
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
    let values = values.into_iter().collect::<Result<_, _>>();
    pooled(metric, evidence.reference.format.rate, values.map_err(|reason| Error::Metric { metric, reason })?)
}

/// The arithmetic mean of the values, one per picture, with their series.
pub(in crate::metric) fn pooled(metric: &'static str, rate: FrameRate, values: Vec<f64>) -> Result<Value> {
    if let Some(i) = values.iter().position(|v| !v.is_finite()) {
        return Err(Error::Metric { metric, reason: format!("picture {i} has the score {}", values[i]) });
    }
    let series = Series {
        name: metric,
        step_ms: 1000.0 / rate.per_second(),
        values: values.iter().map(|v| *v as f32).collect(),
    };
    Ok(Value { value: values.iter().sum::<f64>() / values.len() as f64, series: Some(series) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn footage(width: u32, height: u32, fps: u32, pictures: usize) -> Footage {
        let format = PictureFormat { width, height, rate: FrameRate::new(fps, 1) };
        Footage { format, pictures: vec![Picture::grey(width, height, 90); pictures] }
    }

    #[test]
    fn what_cannot_be_compared_is_told_in_a_line() {
        let a = footage(32, 16, 25, 2);
        for (b, expected) in [
            (footage(32, 16, 25, 1), "the reference has 2 pictures, the degraded footage 1 picture: "),
            (footage(16, 32, 25, 2), "the reference has 32x16, the degraded footage 16x32: "),
            (footage(32, 16, 50, 2), "the reference has 25 fps, the degraded footage 50 fps: "),
        ] {
            let reason = comparable(&a, &b).unwrap_err();
            assert!(reason.starts_with(expected) && !reason.contains('\n'), "{reason}");
        }
        let none = footage(32, 16, 25, 0);
        assert_eq!(comparable(&none, &none).unwrap_err(), "there are no pictures");
        let mut odd = a.clone();
        odd.pictures[1] = Picture::grey(16, 16, 90);
        assert_eq!(comparable(&a, &odd).unwrap_err(), "picture 1 of the degraded footage is 16x16 in footage of 32x16");
    }

    #[test]
    fn the_number_of_threads_changes_nothing() {
        let a = footage(4, 2, 25, 7);
        let files = Evidence::files(&a, &a);
        let score = |threads| {
            let files = Evidence { threads, ..Evidence::files(&a, &a) };
            per_picture("m", &files, 2, || (), |(), a, _| Ok(f64::from(a.data[0]))).unwrap()
        };
        let one = score(1);
        assert_eq!((one.value, one.series.as_ref().unwrap().values.len()), (90.0, 7));
        assert_eq!(one.series.as_ref().unwrap().step_ms, 40.0);
        assert!([0, 2, 3, 7, 100].into_iter().all(|threads| score(threads) == one));
        let failed = per_picture("m", &files, 2, || (), |(), _, _| Ok(f64::NAN)).unwrap_err();
        assert_eq!(failed.to_string(), "m: picture 0 has the score NaN");
        assert!(
            per_picture("m", &files, 3, || (), |(), _, _| Ok(0.0)).unwrap_err().to_string().contains("at least 3x3")
        );
    }
}
