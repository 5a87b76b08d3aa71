//! Means with intervals, paired differences, and verdicts in plain words.
//!
//! The clip is the sampling unit: a figure is to hold for clips that were not measured, so an interval shows how much
//! clips differ. Seeds are nested in clips: their values are averaged within the clip first, which makes the clip's mean
//! steadier but never counts as another clip.
//!
//! Intervals cover 95 %: Student's t on the clip means below 30 clips, the BCa bootstrap over clips (Efron 1987) from 30 on,
//! where there is enough data to show its own skew.

mod distribution;

use crate::units::Seed;
use distribution::{normal_cdf, normal_quantile, student_quantile};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Below so many clips there are figures, but no verdict.
pub const MIN_CLIPS: usize = 6;

/// From so many clips on the interval is a bootstrap.
const BOOTSTRAP_CLIPS: usize = 30;
const RESAMPLES: usize = 4000;
/// Sign flips are enumerated up to so many clips, and drawn above.
const EXACT_CLIPS: usize = 15;
const DRAWN_FLIPS: usize = 20_000;

/// A mean over clips with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub mean: f64,
    /// `None` for a single clip: one clip does not show how clips differ.
    pub interval: Option<Interval>,
    /// Clips.
    pub n: usize,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub low: f64,
    pub high: f64,
}

impl Summary {
    /// How the interval was made, for captions.
    pub fn method(&self) -> &'static str {
        match self.n {
            0 | 1 => "no interval from one clip",
            n if n < BOOTSTRAP_CLIPS => "95 % interval, Student's t on clip means",
            _ => "95 % interval, BCa bootstrap over clips",
        }
    }
}

/// The mean over clips of finite values, `clips[clip][seed]`, and its interval. Clips without any value are left out;
/// `None` when none is left.
pub fn summary(clips: &[Vec<f64>]) -> Option<Summary> {
    let means: Vec<f64> = clips.iter().filter(|seeds| !seeds.is_empty()).map(|seeds| mean(seeds)).collect();
    (!means.is_empty()).then(|| Summary { mean: mean(&means), interval: interval(&means), n: means.len() })
}

/// One value per clip and seed; `None` where the case failed or could not be scored.
pub type Entries<C, S> = BTreeMap<(C, S), Option<f64>>;

/// How B differs from A, paired by clip and seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// B minus A: the mean over clips of the clip's mean difference over its seeds.
    pub difference: Summary,
    /// How likely a mean difference at least this large is if A and B were interchangeable: sign flips of the clips'
    /// differences, all of them up to 15 clips, 20,000 drawn above. It cannot be below 2 / 2^clips.
    pub p_value: f64,
    pub pairs: usize,
    /// Clip and seed entries of A or B that have no partner, because a case failed or was not run.
    pub dropped: usize,
}

/// Pairs the entries of two settings. `None` when no clip and seed has a value in both.
pub fn paired<C: Ord + Clone, S: Ord + Clone>(a: &Entries<C, S>, b: &Entries<C, S>) -> Option<Paired> {
    let mut by_clip: BTreeMap<&C, Vec<f64>> = BTreeMap::new();
    let keys: BTreeSet<&(C, S)> = a.keys().chain(b.keys()).collect();
    for key in &keys {
        if let (Some(Some(a)), Some(Some(b))) = (a.get(key), b.get(key)) {
            by_clip.entry(&key.0).or_default().push(b - a);
        }
    }
    let clips: Vec<Vec<f64>> = by_clip.into_values().collect();
    let means: Vec<f64> = clips.iter().map(|seeds| mean(seeds)).collect();
    let pairs = clips.iter().map(Vec::len).sum();
    Some(Paired { difference: summary(&clips)?, p_value: sign_flip(&means), pairs, dropped: keys.len() - pairs })
}

impl Paired {
    /// What is missing from the comparison, to be said beside it; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        let all = self.pairs + self.dropped;
        (self.dropped > 0).then(|| format!("{} of {all} pairs left out: a case failed or is missing", self.dropped))
    }

    /// What the difference amounts to. `margin`: the smallest difference that matters, in the metric's unit.
    pub fn verdict(&self, prefer: Prefer, margin: f64) -> Verdict {
        let Summary { mean, interval, n } = self.difference;
        let Some(Interval { low, high }) = interval.filter(|_| n >= MIN_CLIPS) else {
            return Verdict::TooFew { clips: n };
        };
        let spans_zero = low <= 0.0 && high >= 0.0;
        match (spans_zero, low >= -margin && high <= margin) {
            (true, true) => Verdict::Same,
            (true, false) => Verdict::Undecided { margin },
            (false, true) => Verdict::Negligible,
            (false, false) => match (prefer, mean > 0.0) {
                (Prefer::Neither, true) => Verdict::Higher,
                (Prefer::Neither, false) => Verdict::Lower,
                (Prefer::Higher, true) | (Prefer::Lower, false) => Verdict::Better,
                (Prefer::Higher, false) | (Prefer::Lower, true) => Verdict::Worse,
            },
        }
    }
}

/// Which way a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Prefer {
    Higher,
    Lower,
    Neither,
}

/// B against A, in words by its `Display`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    TooFew {
        clips: usize,
    },
    Better,
    Worse,
    /// Surely different, where neither way is the better one.
    Higher,
    Lower,
    /// Surely not zero, and surely within the margin.
    Negligible,
    /// Within the margin, zero included.
    Same,
    Undecided {
        margin: f64,
    },
}

impl Verdict {
    /// In a word or two, for a column.
    pub fn short(&self) -> &'static str {
        match self {
            Verdict::TooFew { .. } => "too few clips",
            Verdict::Better => "better",
            Verdict::Worse => "worse",
            Verdict::Higher => "higher",
            Verdict::Lower => "lower",
            Verdict::Negligible => "negligible",
            Verdict::Same => "no difference",
            Verdict::Undecided { .. } => "not decided",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::TooFew { clips: 1 } => f.write_str("only 1 clip: no verdict, only figures"),
            Verdict::TooFew { clips } => write!(f, "only {clips} clips: no verdict, only figures"),
            Verdict::Better => f.write_str("better"),
            Verdict::Worse => f.write_str("worse"),
            Verdict::Higher => f.write_str("higher"),
            Verdict::Lower => f.write_str("lower"),
            Verdict::Negligible => f.write_str("a real but negligible difference"),
            Verdict::Same => f.write_str("no measurable difference"),
            Verdict::Undecided { margin } => write!(
                f,
                "not decided: the interval spans zero and exceeds the margin of \u{b1}{margin}; more clips or seeds needed"
            ),
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    // Around the first value, so that equal values have exactly that mean and differ from it by exactly nothing.
    let first = values.first().copied().unwrap_or_default();
    first + values.iter().map(|v| v - first).sum::<f64>() / values.len() as f64
}

fn interval(means: &[f64]) -> Option<Interval> {
    match means.len() {
        0 | 1 => None,
        _ if means.iter().all(|m| *m == means[0]) => Some(Interval { low: means[0], high: means[0] }),
        n if n < BOOTSTRAP_CLIPS => Some(student(means)),
        _ => Some(bca(means)),
    }
}

fn student(means: &[f64]) -> Interval {
    let (n, centre) = (means.len() as f64, mean(means));
    let variance = means.iter().map(|m| (m - centre).powi(2)).sum::<f64>() / (n - 1.0);
    let half = student_quantile(0.975, n - 1.0) * (variance / n).sqrt();
    Interval { low: centre - half, high: centre + half }
}

/// Bias-corrected and accelerated: percentiles of the resampled means, shifted by their bias (z0) and by how the
/// standard error changes with the mean (a, from the jackknife).
fn bca(means: &[f64]) -> Interval {
    let (n, centre) = (means.len(), mean(means));
    let mut rng = Seed(0).stream("bootstrap");
    let mut pick = || means[(rng.unit() * n as f64) as usize];
    let mut resampled: Vec<f64> =
        (0..RESAMPLES).map(|_| (0..n).map(|_| pick() - centre).sum::<f64>() / n as f64).collect();
    resampled.sort_by(f64::total_cmp);

    let below = resampled.iter().filter(|m| **m < 0.0).count() as f64;
    let ties = resampled.iter().filter(|m| **m == 0.0).count() as f64;
    let half_a_resample = 0.5 / RESAMPLES as f64;
    let z0 = normal_quantile(((below + 0.5 * ties) / RESAMPLES as f64).clamp(half_a_resample, 1.0 - half_a_resample));
    // The jackknife mean without clip i departs from the mean by -(m_i - mean) / (n - 1).
    let sum = |power: i32| means.iter().map(|m| (m - centre).powi(power)).sum::<f64>();
    let acceleration = sum(3) / (6.0 * sum(2).powf(1.5));

    let end = |z: f64| {
        let shifted = z0 + (z0 + z) / (1.0 - acceleration * (z0 + z));
        let place = normal_cdf(shifted) * (RESAMPLES - 1) as f64;
        let (low, high) = (resampled[place.floor() as usize], resampled[place.ceil() as usize]);
        centre + low + (high - low) * place.fract()
    };
    let z = normal_quantile(0.975);
    Interval { low: end(-z), high: end(z) }
}

/// Two-sided: the share of sign patterns whose mean is at least as far from zero as the one observed.
fn sign_flip(differences: &[f64]) -> f64 {
    let n = differences.len();
    let observed = differences.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order may differ in the last bits, and still tie.
    let threshold = observed - 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    let extreme = |negative: &dyn Fn(usize) -> bool| {
        let sum: f64 = differences.iter().enumerate().map(|(i, d)| if negative(i) { -d } else { *d }).sum();
        sum.abs() >= threshold
    };
    if n <= EXACT_CLIPS {
        let count = (0..1_u32 << n).filter(|pattern| extreme(&|i| pattern >> i & 1 == 1)).count();
        return count as f64 / f64::from(1_u32 << n);
    }
    let mut rng = Seed(0).stream("sign-flip");
    let mut drawn = || -> Vec<u64> { (0..n.div_ceil(64)).map(|_| rng.bits()).collect() };
    let count =
        (0..DRAWN_FLIPS).map(|_| drawn()).filter(|bits| extreme(&|i| bits[i / 64] >> (i % 64) & 1 == 1)).count();
    // The observed pattern is one of those possible.
    (count + 1) as f64 / (DRAWN_FLIPS + 1) as f64
}
