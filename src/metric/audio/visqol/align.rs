//! Alignment in time by the envelopes' cross-correlation, for the whole signals and again for each pair of patches.

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::{Arc, Mutex, PoisonError};

/// By how many samples `degraded` must be moved to the right to match `reference`; 0 if that is more than half of
/// `reference`, which is taken for a wrong match. Both have at least one sample.
pub fn lag(reference: &[f64], degraded: &[f64]) -> i64 {
    let lag = best_lag(&envelope(reference), &envelope(degraded));
    if lag.unsigned_abs() as f64 > reference.len() as f64 / 2.0 { 0 } else { lag }
}

/// `signal` moved to the right, zeros before it, or to the left, its beginning lost.
pub fn moved(signal: &[f64], lag: i64) -> Vec<f64> {
    let by = lag.unsigned_abs() as usize;
    match lag < 0 {
        true => signal[by.min(signal.len())..].to_vec(),
        false => std::iter::repeat_n(0.0, by).chain(signal.iter().copied()).collect(),
    }
}

/// The envelope that ViSQOL 3.3.3 computes, which is not the analytic one: it doubles the bins of the one-sided spectrum
/// but the first, clears the last, and goes back through a *real* inverse transform of the next power of two. That is
/// twice the signal less its mean, less what the two bins held; so no transform is needed.
fn envelope(signal: &[f64]) -> Vec<f64> {
    let points = signal.len().next_power_of_two() as f64;
    let mean = signal.iter().sum::<f64>() / signal.len() as f64;
    let first = signal.iter().map(|x| x - mean).sum::<f64>() / points;
    let even: f64 = signal.iter().step_by(2).map(|x| x - mean).sum();
    let odd: f64 = signal.iter().skip(1).step_by(2).map(|x| x - mean).sum();
    let last = 2.0 * (even - odd) / points;
    let offsets = [first + last, first - last];
    signal.iter().zip(offsets.iter().cycle()).map(|(x, offset)| (2.0 * (x - mean) - offset).abs() + mean).collect()
}

/// The lag of the largest product sum; of equal ones the lowest.
fn best_lag(reference: &[f64], degraded: &[f64]) -> i64 {
    let longer = reference.len().max(degraded.len());
    let points = transform_length(2 * longer - 1);
    let Plan { forward, back } = plan(points);
    let mut buffer = forward.make_input_vec();
    let mut scratch = forward.make_scratch_vec();
    let mut transform = |signal: &[f64]| {
        buffer[..signal.len()].copy_from_slice(signal);
        buffer[signal.len()..].fill(0.0);
        let mut spectrum = forward.make_output_vec();
        let done = forward.process_with_scratch(&mut buffer, &mut spectrum, &mut scratch);
        debug_assert!(done.is_ok(), "the buffers are the plan's own");
        spectrum
    };
    let mut product = transform(reference);
    product.iter_mut().zip(transform(degraded)).for_each(|(r, d): (&mut Complex<f64>, _)| *r *= d.conj());
    // The first and the last bin of a real signal's spectrum are real; rounding may have left a trace.
    product[0].im = 0.0;
    product[points / 2].im = 0.0;
    let done = back.process_with_scratch(&mut product, &mut buffer, &mut back.make_scratch_vec());
    debug_assert!(done.is_ok(), "the buffers are the plan's own");
    let furthest = longer as i64 - 1;
    let mut best = (-furthest, f64::NEG_INFINITY);
    let mut see = |lag: i64, value: f64| {
        if value > best.1 {
            best = (lag, value);
        }
    };
    let behind = &buffer[points - furthest as usize..];
    (-furthest..0).zip(behind).for_each(|(lag, value)| see(lag, *value));
    (0..=furthest).zip(&buffer).for_each(|(lag, value)| see(lag, *value));
    best.0
}

/// Transforms of one length, there and back.
#[derive(Clone)]
struct Plan {
    forward: Arc<dyn RealToComplex<f64>>,
    back: Arc<dyn ComplexToReal<f64>>,
}

/// Planning a long transform takes as long as doing one. The calls of a run have clips of few lengths, one after the other.
fn plan(points: usize) -> Plan {
    const KEPT: usize = 4;
    static PLANS: Mutex<Vec<(usize, Plan)>> = Mutex::new(Vec::new());
    let mut plans = PLANS.lock().unwrap_or_else(PoisonError::into_inner);
    // The latest last.
    let place = plans.iter().position(|(of, _)| *of == points);
    let plan = place.map(|place| plans.remove(place).1).unwrap_or_else(|| {
        let mut planner = RealFftPlanner::new();
        Plan { forward: planner.plan_fft_forward(points), back: planner.plan_fft_inverse(points) }
    });
    if plans.len() == KEPT {
        plans.remove(0);
    }
    plans.push((points, plan.clone()));
    plan
}

/// The least even 2^a 3^b 5^c of at least so many points, which transforms quickly.
fn transform_length(least: usize) -> usize {
    let smooth = |n: &usize| {
        let mut n = *n;
        for p in [2, 3, 5] {
            while n.is_multiple_of(p) {
                n /= p;
            }
        }
        n == 1
    };
    (least.max(2)..).filter(|n| n.is_multiple_of(2)).find(smooth).unwrap_or(2 * least)
}
