//! One constant alignment of two signals, for metrics that are defined on aligned ones.

use super::correlate::Correlator;
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::metric::api::{Evidence, mono_at, zero_mean};

/// The alignment reaches so far either way.
pub(super) const REACH_MS: usize = 100;

/// The mono mixes of both signals over the time they share, each at its own rate; with [`Evidence::align`] after one
/// whole-sample alignment.
pub(super) fn overlap(metric: &'static str, evidence: &Evidence<'_, Pcm>) -> Result<(Pcm, Pcm)> {
    let (mut reference, mut degraded) = (evidence.reference.to_mono(), evidence.degraded.to_mono());
    for (signal, which) in [(&reference, "reference"), (&degraded, "degraded")] {
        if signal.samples.iter().all(|s| *s == 0) {
            return Err(Error::Metric { metric, reason: format!("the {which} signal is silent") });
        }
    }
    if evidence.align {
        let rate = degraded.format.sample_rate;
        if reference.format.sample_rate != rate {
            reference = Pcm { format: PcmFormat::mono(rate), samples: mono_at(&reference, rate)? };
        }
        let reach = rate as usize * REACH_MS / 1000;
        let lag = best_lag(&zero_mean(&reference.samples), &zero_mean(&degraded.samples), reach)?;
        reference.samples.drain(..usize::try_from(-lag).unwrap_or(0));
        degraded.samples.drain(..usize::try_from(lag).unwrap_or(0));
    }
    // Lengths in the product of both rates, so that equal times are equal numbers.
    let (from, to) = (reference.format.sample_rate as usize, degraded.format.sample_rate as usize);
    let shared = (reference.len() * to).min(degraded.len() * from);
    reference.samples.truncate(shared / to);
    degraded.samples.truncate(shared / from);
    Ok((reference, degraded))
}

/// How many samples `degraded` lies behind `reference`, at most `reach` either way, by the largest correlation of either
/// sign: inverted polarity is inaudible. Neither is empty.
pub(super) fn best_lag(reference: &[f64], degraded: &[f64], reach: usize) -> Result<isize> {
    let reach = reach.min(reference.len() - 1).min(degraded.len() - 1);
    let mut delayed = vec![0.0; reach];
    delayed.extend_from_slice(degraded);
    let window = reference.len().max(degraded.len());
    let mut correlator = Correlator::new(window, 2 * reach + 1);
    let correlation = correlator.correlate(reference, &delayed)?;
    let best = correlation.iter().enumerate().max_by(|a, b| a.1.abs().total_cmp(&b.1.abs())).map_or(reach, |(k, _)| k);
    Ok(best as isize - reach as isize)
}
