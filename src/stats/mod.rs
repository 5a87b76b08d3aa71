//! Means with intervals, paired differences, and verdicts in plain words.
//!
//! The clip is the sampling unit: a figure is to hold for clips that were not measured, so an interval shows how much
//! clips differ. Seeds are nested in clips: their values are averaged within the clip first, which makes the clip's mean
//! steadier but never counts as another clip.
//!
//! Intervals cover 95 %: Student's t on the clip means below 30 clips, the BCa bootstrap over clips (Efron 1987) from 30 on,
//! where there is enough data to show its own skew. What comparisons amount to is judged for all of a report together:
//! [`judge`].

pub mod bd;
mod distribution;
mod flip;
pub mod front;
mod interval;
mod power;
mod verdict;

pub use interval::Interval;
pub use power::detectable;
pub use verdict::{Judged, Open, Prefer, Question, Verdict, holm, judge};

use distribution::student_two_sided;
use flip::sign_flip;
use interval::{BOOTSTRAP_CLIPS, deviation, mean};
use std::collections::{BTreeMap, BTreeSet};

/// Below so many clips there are figures, but no verdict.
pub const MIN_CLIPS: usize = 6;

/// A mean over clips with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    pub mean: f64,
    /// `None` for a single clip: one clip does not show how clips differ.
    pub interval: Option<Interval>,
    /// Clips.
    pub n: usize,
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
    (!means.is_empty()).then(|| Summary { mean: mean(&means), interval: interval::of_mean(&means), n: means.len() })
}

/// One value per clip and seed; `None` where the case failed or could not be scored.
pub type Entries<C, S> = BTreeMap<(C, S), Option<f64>>;

/// How B differs from A, paired by clip and seed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// B minus A: the mean over clips of the clip's mean difference over its seeds.
    pub difference: Summary,
    /// The standard deviation of the clips' differences; 0 for a single clip.
    pub spread: f64,
    /// How likely a mean difference at least this far from zero is if the truth is zero: Student's paired t-test on clips,
    /// two-sided. 1 for a single clip.
    pub p_value: f64,
    /// The same without the normal distribution, if A and B are interchangeable: the share of sign flips of the clips'
    /// differences, all of them up to 15 clips, 20,000 drawn above. It cannot be below 2 / 2^clips.
    pub sign_flip: f64,
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
    let (difference, spread) = (summary(&clips)?, deviation(&means));
    let p_value = match (means.len(), difference.mean == 0.0) {
        (1, _) | (_, true) => 1.0,
        (n, false) => student_two_sided(difference.mean / spread * (n as f64).sqrt(), n as f64 - 1.0),
    };
    let dropped = keys.len() - pairs;
    Some(Paired { difference, spread, p_value, sign_flip: sign_flip(&means), pairs, dropped })
}

impl Paired {
    /// What is missing from the comparison, to be said beside it; `None` when nothing is.
    pub fn missing(&self) -> Option<String> {
        let all = self.pairs + self.dropped;
        (self.dropped > 0).then(|| format!("{} of {all} pairs left out: a case failed or is missing", self.dropped))
    }
}
