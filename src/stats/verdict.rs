//! What differences amount to, in words that hold for all of them together.
//!
//! **The family is the report.** Who reads a report picks out what stands out, whatever the metric or the network, so all
//! its comparisons are corrected together (Holm 1979, on the p-values of Student's test): where no setting differs at all,
//! at most one report in twenty has any false verdict. Comparisons that chance has no part in (every clip the same on
//! both sides) and those with too few clips get no such verdict and do not count.
//!
//! A verdict needs three witnesses that zero is out of the question: the adjusted p-value, the 95 % interval (from 30 clips on a bootstrap, which sees
//! skew), and the sign flips (which need no normal distribution). Sign flips cannot be corrected themselves: six clips
//! never give less than 1/32.
//!
//! "No measurable difference" is a claim too, that of equivalence: the whole 95 % interval lies within the margin. These
//! are two one-sided tests (Schuirmann 1987) at 2.5 % each, twice as strict as usual; they are not corrected further.

use super::power::{LEVEL, detectable};
use super::{Interval, MIN_CLIPS, Paired};
use std::collections::BTreeMap;
use std::fmt;

/// What is to be judged. `margin`: the smallest difference that matters, in the metric's unit.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub paired: Paired,
    pub prefer: Prefer,
    pub margin: f64,
}

/// An answer, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judged {
    pub verdict: Verdict,
    /// [`Paired::p_value`] after Holm's correction over the family; at least as large.
    pub p_adjusted: f64,
    /// The smallest true difference that would have got a verdict four times in five, with these clips, their spread and
    /// this family; in the metric's unit. `None` where there is no verdict either, and where no clip differs from another.
    pub detectable: Option<f64>,
}

/// Judges all comparisons of one report together, in their order.
pub fn judge(family: &[Question]) -> Vec<Judged> {
    let asked: Vec<usize> = (0..family.len()).filter(|i| counts(&family[*i].paired)).collect();
    let raw: Vec<f64> = asked.iter().map(|i| family[*i].paired.p_value).collect();
    let adjusted: BTreeMap<usize, f64> = asked.iter().copied().zip(holm(&raw)).collect();
    let mut known = BTreeMap::new();
    let one = |(i, q): (usize, &Question)| {
        let clips = q.paired.difference.n;
        let p_adjusted = adjusted.get(&i).copied().unwrap_or(q.paired.p_value);
        let in_spreads = || *known.entry(clips).or_insert_with(|| detectable(clips, asked.len().max(1)));
        let told = clips >= MIN_CLIPS && q.paired.spread > 0.0;
        let detectable = told.then(in_spreads).map(|d| d * q.paired.spread);
        Judged { verdict: verdict(q, p_adjusted, asked.len()), p_adjusted, detectable }
    };
    family.iter().enumerate().map(one).collect()
}

fn counts(paired: &Paired) -> bool {
    paired.difference.n >= MIN_CLIPS && (paired.spread > 0.0 || paired.difference.mean != 0.0)
}

fn verdict(q: &Question, p_adjusted: f64, comparisons: usize) -> Verdict {
    let Paired { difference, sign_flip, .. } = q.paired;
    let Some(Interval { low, high }) = difference.interval.filter(|_| difference.n >= MIN_CLIPS) else {
        return Verdict::TooFew { clips: difference.n };
    };
    let spans_zero = low <= 0.0 && high >= 0.0;
    let differs = !spans_zero && p_adjusted <= LEVEL && sign_flip <= LEVEL;
    match (differs, low >= -q.margin && high <= q.margin) {
        (true, true) => Verdict::Negligible,
        (false, true) => Verdict::Same,
        (false, false) if spans_zero => Verdict::Undecided(Open::Wide { margin: q.margin }),
        (false, false) if q.paired.p_value <= LEVEL && p_adjusted > LEVEL => {
            Verdict::Undecided(Open::OneOfMany { comparisons })
        }
        (false, false) => Verdict::Undecided(Open::Close),
        (true, false) => match (q.prefer, difference.mean > 0.0) {
            (Prefer::Neither, true) => Verdict::Higher,
            (Prefer::Neither, false) => Verdict::Lower,
            (Prefer::Higher, true) | (Prefer::Lower, false) => Verdict::Better,
            (Prefer::Higher, false) | (Prefer::Lower, true) => Verdict::Worse,
        },
    }
}

/// Holm's step-down adjustment: p-values in, p-values out, in the same order. Whoever takes those at most 5 % is wrong
/// about any of them in at most 5 % of all families, however the tests hang together.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut least = 0.0_f64;
    for (rank, i) in order.into_iter().enumerate() {
        least = least.max((p_values.len() - rank) as f64 * p_values[i]).min(1.0);
        adjusted[i] = least;
    }
    adjusted
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
    /// Surely within the margin.
    Same,
    Undecided(Open),
}

/// Why a comparison is not decided.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Open {
    /// The interval spans zero and exceeds the margin.
    Wide { margin: f64 },
    /// It would be a difference if it were the only comparison.
    OneOfMany { comparisons: usize },
    /// The interval excludes zero, but not so clearly that all tests bear it out.
    Close,
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
            Verdict::Undecided(_) => "not decided",
        }
    }

    /// Surely different, and by more than nothing that matters.
    pub fn differs(&self) -> bool {
        matches!(self, Verdict::Better | Verdict::Worse | Verdict::Higher | Verdict::Lower)
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
            Verdict::Undecided(open) => write!(f, "not decided: {open}; more clips or seeds needed"),
        }
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Open::Wide { margin } => {
                write!(f, "the interval spans zero and exceeds the margin of \u{b1}{margin}")
            }
            Open::OneOfMany { comparisons } => {
                write!(f, "it would differ if it stood alone, but not as one of {comparisons} comparisons (Holm)")
            }
            Open::Close => f.write_str("the interval excludes zero, but too narrowly (t-test and sign flips at 4 %)"),
        }
    }
}
