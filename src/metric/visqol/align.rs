//! Alignment in time by the envelopes' cross-correlation, for the whole signals and again for each pair of patches.

use realfft::RealFftPlanner;
use realfft::num_complex::Complex;

/// By how many samples `degraded` must be moved to the right to match `reference`; 0 if that is more than half of
/// `reference`, which is taken for a wrong match. Both have at least one sample.
pub fn lag(reference: &[f64], degraded: &[f64], planner: &mut RealFftPlanner<f64>) -> i64 {
    let lag = best_lag(&envelope(reference), &envelope(degraded), planner);
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
    let sign = |n: usize| if n.is_multiple_of(2) { 1.0 } else { -1.0 };
    let first = signal.iter().map(|x| x - mean).sum::<f64>() / points;
    let last = 2.0 * signal.iter().enumerate().map(|(n, x)| (x - mean) * sign(n)).sum::<f64>() / points;
    signal.iter().enumerate().map(|(n, x)| (2.0 * (x - mean) - first - last * sign(n)).abs() + mean).collect()
}

/// The lag of the largest product sum; of equal ones the lowest.
fn best_lag(reference: &[f64], degraded: &[f64], planner: &mut RealFftPlanner<f64>) -> i64 {
    let longer = reference.len().max(degraded.len());
    let points = transform_length(2 * longer - 1);
    let forward = planner.plan_fft_forward(points);
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
    let back = planner.plan_fft_inverse(points);
    // The first and the last bin of a real signal's spectrum are real; rounding may have left a trace.
    product[0].im = 0.0;
    product[points / 2].im = 0.0;
    let done = back.process_with_scratch(&mut product, &mut buffer, &mut back.make_scratch_vec());
    debug_assert!(done.is_ok(), "the buffers are the plan's own");
    let furthest = longer as i64 - 1;
    let mut best = (-furthest, f64::NEG_INFINITY);
    for lag in -furthest..=furthest {
        let value = buffer[lag.rem_euclid(points as i64) as usize];
        if value > best.1 {
            best = (lag, value);
        }
    }
    best.0
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
