//! 95 % intervals over clips: Student's t below 30 clips, the BCa bootstrap from 30 on.

use super::distribution::{normal_cdf, normal_quantile, student_quantile};
use crate::error::Result;
use crate::units::{Rng, Seed};

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

/// From so many clips on the interval is a bootstrap.
pub const BOOTSTRAP_CLIPS: usize = 30;
const RESAMPLES: usize = 4000;

/// Of the mean of the clips' means; `None` for a single clip.
pub fn of_mean(means: &[f64]) -> Option<Interval> {
    let (n, centre) = (means.len(), mean(means));
    match n {
        0 | 1 => None,
        _ if means.iter().all(|m| *m == means[0]) => Some(Interval { low: means[0], high: means[0] }),
        _ if n < BOOTSTRAP_CLIPS => Some(student(centre, deviation(means), n)),
        _ => {
            let mut rng = resampling();
            let mut pick = || means[place(&mut rng, n)];
            let resampled = (0..RESAMPLES).map(|_| (0..n).map(|_| pick() - centre).sum::<f64>() / n as f64).collect();
            // The jackknife mean without clip i departs from the mean by -(m_i - mean) / (n - 1); the factor cancels out.
            Some(bca(centre, resampled, means.iter().map(|m| m - centre)))
        }
    }
}

/// Of any figure made of `n` clips, two or more, by leaving out and resampling clips: below 30 clips Student's t with the
/// jackknife's standard error (Tukey 1958), which for a mean is the usual one; the BCa bootstrap from 30 on. `figure` gets
/// the places of the clips, some of them repeatedly.
///
/// # Errors
/// The figure cannot be had without some clip, or of some resample: it hangs on single clips.
pub fn of_figure(n: usize, figure: impl Fn(&[usize]) -> Result<f64>) -> Result<Interval> {
    let all: Vec<usize> = (0..n).collect();
    let centre = figure(&all)?;
    let without = |i: usize| figure(&all.iter().copied().filter(|k| *k != i).collect::<Vec<_>>());
    let without = (0..n).map(without).collect::<Result<Vec<f64>>>()?;
    let middle = mean(&without);
    if n < BOOTSTRAP_CLIPS {
        return Ok(student(centre, (n as f64 - 1.0) * deviation(&without), n));
    }
    let mut rng = resampling();
    let mut resample = || (0..n).map(|_| place(&mut rng, n)).collect::<Vec<_>>();
    let resampled = (0..RESAMPLES).map(|_| Ok(figure(&resample())? - centre)).collect::<Result<_>>()?;
    Ok(bca(centre, resampled, without.iter().map(|w| middle - w)))
}

pub fn mean(values: &[f64]) -> f64 {
    // Around the first value, so that equal values have exactly that mean and differ from it by exactly nothing.
    let first = values.first().copied().unwrap_or_default();
    first + values.iter().map(|v| v - first).sum::<f64>() / values.len() as f64
}

/// The standard deviation of a sample; 0 for a single value.
pub fn deviation(values: &[f64]) -> f64 {
    let centre = mean(values);
    (values.iter().map(|v| (v - centre).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0).max(1.0)).sqrt()
}

fn resampling() -> Rng {
    Seed(0).stream("bootstrap")
}

fn place(rng: &mut Rng, n: usize) -> usize {
    (rng.unit() * n as f64) as usize
}

fn student(centre: f64, deviation: f64, n: usize) -> Interval {
    let half = student_quantile(0.975, n as f64 - 1.0) * deviation / (n as f64).sqrt();
    Interval { low: centre - half, high: centre + half }
}

/// Bias-corrected and accelerated (Efron 1987): percentiles of the `resampled` departures from `centre`, shifted by their
/// bias (z0) and by how the standard error changes with the figure (a, from the `influence` of each clip, in any unit).
fn bca(centre: f64, mut resampled: Vec<f64>, influence: impl Iterator<Item = f64> + Clone) -> Interval {
    resampled.sort_by(f64::total_cmp);
    let n = resampled.len() as f64;
    let below = resampled.iter().filter(|m| **m < 0.0).count() as f64;
    let ties = resampled.iter().filter(|m| **m == 0.0).count() as f64;
    let half_a_resample = 0.5 / n;
    let z0 = normal_quantile(((below + 0.5 * ties) / n).clamp(half_a_resample, 1.0 - half_a_resample));
    let sum = |power: i32| influence.clone().map(|d| d.powi(power)).sum::<f64>();
    let squares = sum(2);
    let acceleration = if squares > 0.0 { sum(3) / (6.0 * squares.powf(1.5)) } else { 0.0 };

    let end = |z: f64| {
        let shifted = z0 + (z0 + z) / (1.0 - acceleration * (z0 + z));
        let place = normal_cdf(shifted) * (n - 1.0);
        let (low, high) = (resampled[place.floor() as usize], resampled[place.ceil() as usize]);
        centre + low + (high - low) * place.fract()
    };
    let z = normal_quantile(0.975);
    Interval { low: end(-z), high: end(z) }
}
