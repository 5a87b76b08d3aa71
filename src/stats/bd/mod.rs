//! Bjøntegaard deltas (ITU-T VCEG-M33, 2001): how much less bitrate for the same quality, and how much more quality for
//! the same bitrate, as the mean over the range that two rate-quality curves share.

mod curve;

pub use curve::Method;

use super::{Interval, interval};
use crate::error::{Error, Result};
use curve::Curve;

/// One measured point: bitrate in any unit, above zero, and a quality in the unit of its metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub rate: f64,
    pub quality: f64,
}

/// Fewer points do not determine the original's polynomial, and make the others a guess.
const MIN_POINTS: usize = 4;

/// BD-rate in percent: how the bitrate of `test` compares with that of `anchor` at equal quality, on average over the
/// common range of quality. -10 means a tenth less. The mean is that of log rate.
///
/// # Errors
/// [`Error::Usage`]: fewer than four points, a rate that is not above zero, equal rates, quality that does not rise with
/// the rate, or no common range.
pub fn rate(anchor: &[Point], test: &[Point], method: Method) -> Result<f64> {
    let of = |p: &Point| (p.quality, p.rate.log10());
    let difference = mean_difference(&sorted("anchor", anchor)?, &sorted("test", test)?, of, method)
        .ok_or_else(|| no_overlap("quality", anchor, test, |p| p.quality))?;
    Ok((10_f64.powf(difference) - 1.0) * 100.0)
}

/// BD-quality, in the metric's unit: how the quality of `test` compares with that of `anchor` at equal bitrate, on average
/// over the common range of log rate. Positive is more.
///
/// # Errors
/// As [`rate`].
pub fn quality(anchor: &[Point], test: &[Point], method: Method) -> Result<f64> {
    let of = |p: &Point| (p.rate.log10(), p.quality);
    mean_difference(&sorted("anchor", anchor)?, &sorted("test", test)?, of, method)
        .ok_or_else(|| no_overlap("bitrate", anchor, test, |p| p.rate))
}

/// The same points measured with each clip: `[clip][point]`, rate and quality of the clip.
#[derive(Clone, Copy, Debug)]
pub struct Clips<'a> {
    pub anchor: &'a [Vec<Point>],
    pub test: &'a [Vec<Point>],
}

/// A delta ([`rate`] or [`quality`]) of the curves of means over clips, with its 95 % interval over clips, which are left
/// out or resampled as a whole, in both curves together. No interval of a single clip.
///
/// # Errors
/// As the delta; the clips of the two curves or the points of the clips are not equally many; some clips alone decide
/// whether there is a delta.
pub fn over_clips(
    clips: Clips<'_>,
    method: Method,
    delta: fn(&[Point], &[Point], Method) -> Result<f64>,
) -> Result<(f64, Option<Interval>)> {
    let n = clips.anchor.len();
    let ragged = |curve: &[Vec<Point>]| curve.iter().any(|c| c.len() != curve[0].len());
    if n == 0 || clips.test.len() != n || ragged(clips.anchor) || ragged(clips.test) {
        return Err(Error::usage("BD over clips needs every clip at every point of both curves"));
    }
    let all: Vec<usize> = (0..n).collect();
    let figure = |places: &[usize]| delta(&mean_curve(clips.anchor, places), &mean_curve(clips.test, places), method);
    let found = figure(&all)?;
    let hangs = |e: Error| Error::usage(format!("BD has no interval, it hangs on single clips: {e}"));
    let interval = if n > 1 { Some(interval::of_figure(n, figure).map_err(hangs)?) } else { None };
    Ok((found, interval))
}

fn mean_curve(clips: &[Vec<Point>], places: &[usize]) -> Vec<Point> {
    let n = places.len() as f64;
    let mean = |point: usize, of: fn(&Point) -> f64| places.iter().map(|c| of(&clips[*c][point])).sum::<f64>() / n;
    (0..clips[0].len()).map(|k| Point { rate: mean(k, |p| p.rate), quality: mean(k, |p| p.quality) }).collect()
}

/// By rising rate, and checked.
fn sorted(name: &str, points: &[Point]) -> Result<Vec<Point>> {
    let wrong = |what: String| Err(Error::usage(format!("BD: the {name} curve {what}")));
    if points.len() < MIN_POINTS {
        return wrong(format!("has {} points; at least {MIN_POINTS} are needed", points.len()));
    }
    if let Some(p) = points.iter().find(|p| !(p.rate > 0.0 && p.rate.is_finite() && p.quality.is_finite())) {
        return wrong(format!(
            "has the point {} at rate {}; rates must be above zero and all be finite",
            p.quality, p.rate
        ));
    }
    let mut points = points.to_vec();
    points.sort_by(|a, b| a.rate.total_cmp(&b.rate));
    for pair in points.windows(2) {
        let [a, b] = [pair[0], pair[1]];
        if a.rate == b.rate {
            return wrong(format!("has two points at rate {}; one of them must go", a.rate));
        }
        if a.quality >= b.quality {
            return wrong(format!(
                "does not rise: {} at rate {}, but {} at rate {}; leave out points that a cheaper one beats (their convex \
                 hull), or measure with more clips and seeds",
                a.quality, a.rate, b.quality, b.rate
            ));
        }
    }
    Ok(points)
}

/// The mean of test minus anchor over the common range of x. `None` without one.
fn mean_difference(anchor: &[Point], test: &[Point], of: impl Fn(&Point) -> (f64, f64), method: Method) -> Option<f64> {
    let curve = |points: &[Point]| Curve::through(&points.iter().map(&of).collect::<Vec<_>>(), method);
    let (a, b) = (curve(anchor), curve(test));
    let (low, high) = (a.start().max(b.start()), a.end().min(b.end()));
    (low < high).then(|| (b.integral(low, high) - a.integral(low, high)) / (high - low))
}

fn no_overlap(what: &str, anchor: &[Point], test: &[Point], of: fn(&Point) -> f64) -> Error {
    let range = |points: &[Point]| {
        let low = points.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        format!("{low} to {high}")
    };
    Error::usage(format!(
        "BD: the curves have no {what} in common: the anchor's is {}, the test's {}; measure both over the same range",
        range(anchor),
        range(test)
    ))
}

#[cfg(test)]
mod tests;
