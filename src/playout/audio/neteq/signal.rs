//! What concealment, merging and time scaling have in common: a signal at 4 kHz, its correlations and their peaks, linear
//! prediction, and cross-fades.

/// The rate in Hz at which pitch is looked for.
const LOW_RATE: usize = 4000;

/// Samples at the full rate per sample at 4 kHz; 1 at the least.
pub fn low_step(sample_rate: u32) -> usize {
    (sample_rate as usize / LOW_RATE).max(1)
}

/// NetEq's low-pass filters before 4 kHz, in 4096ths: up to which rate, and the taps. They let much through above 2 kHz, which
/// then folds back: what looks most alike is decided with that.
const LOW_PASS: [(u32, &[f32]); 4] = [
    (8000, &[1229.0, 1638.0, 1229.0]),
    (16_000, &[614.0, 819.0, 1229.0, 819.0, 614.0]),
    (32_000, &[584.0, 512.0, 625.0, 667.0, 625.0, 512.0, 584.0]),
    (u32::MAX, &[1019.0, 390.0, 427.0, 440.0, 427.0, 390.0, 1019.0]),
];

/// The last `count` samples of `signal` at 4 kHz. What lies before its start and after its end is silence.
pub fn decimated(signal: &[f32], sample_rate: u32, count: usize) -> Vec<f32> {
    let step = low_step(sample_rate);
    let taps = LOW_PASS.iter().find(|(rate, _)| sample_rate <= *rate).map_or(LOW_PASS[0].1, |(_, taps)| taps);
    let at = |i: isize| usize::try_from(i).ok().and_then(|i| signal.get(i)).copied().unwrap_or(0.0);
    let first = signal.len() as isize - (count * step) as isize - (taps.len() / 2) as isize;
    let sample = |i: usize| {
        let start = first + (i * step) as isize;
        taps.iter().zip(start..).map(|(tap, n)| tap * at(n)).sum::<f32>() / 4096.0
    };
    (0..count).map(sample).collect()
}

/// The scalar product of two equally long signals.
pub fn product(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

pub fn energy(signal: &[f32]) -> f64 {
    product(signal, signal)
}

/// The places of the `count` greatest values, each at least three places from the others, refined by a parabola through the
/// neighbours, and the values there.
pub fn peaks(values: &[f64], count: usize) -> Vec<(f64, f64)> {
    let mut rest = values.to_vec();
    let mut found = Vec::with_capacity(count);
    for _ in 0..count.min(values.len()) {
        let Some(at) = (0..rest.len()).max_by(|a, b| rest[*a].total_cmp(&rest[*b]).then(b.cmp(a))) else { break };
        found.push(match (at.checked_sub(1).map(|i| values[i]), values.get(at + 1)) {
            (Some(left), Some(right)) => parabola(left, values[at], *right, at),
            _ => (at as f64, values[at]),
        });
        let near = at.saturating_sub(2)..(at + 3).min(rest.len());
        rest[near].fill(f64::NEG_INFINITY);
    }
    found
}

fn parabola(left: f64, middle: f64, right: f64, at: usize) -> (f64, f64) {
    let bend = left - 2.0 * middle + right;
    if bend >= 0.0 {
        return (at as f64, middle);
    }
    let shift = (0.5 * (left - right) / bend).clamp(-0.5, 0.5);
    (at as f64 + shift, middle - 0.25 * (left - right) * shift)
}

/// The prediction error filter of that order (its first coefficient, 1, left out) for these autocorrelations, by the
/// Levinson-Durbin recursion; `None`: it would not be stable.
pub fn prediction(autocorrelation: &[f64], order: usize) -> Option<Vec<f64>> {
    let mut filter: Vec<f64> = Vec::with_capacity(order);
    let mut error = *autocorrelation.first()?;
    for i in 0..order {
        if error <= 0.0 {
            return None;
        }
        let sum: f64 = filter.iter().enumerate().map(|(j, a)| a * autocorrelation[i - j]).sum();
        let reflection = -(autocorrelation[i + 1] + sum) / error;
        if reflection.abs() >= 1.0 {
            return None;
        }
        let before = filter.clone();
        filter.iter_mut().zip(before.iter().rev()).for_each(|(a, mirrored)| *a += reflection * mirrored);
        filter.push(reflection);
        error *= 1.0 - reflection * reflection;
    }
    Some(filter)
}

/// Autocorrelations at lags 0 to `order`.
pub fn autocorrelation(signal: &[f32], order: usize) -> Vec<f64> {
    (0..=order).map(|lag| product(&signal[lag.min(signal.len())..], signal)).collect()
}

/// The prediction error of the last `count` samples of `signal`, which has `filter.len()` more before them.
pub fn residual(signal: &[f32], filter: &[f64], count: usize) -> Vec<f32> {
    let start = signal.len() - count;
    let error = |n: usize| {
        let predicted: f64 = filter.iter().enumerate().map(|(j, a)| a * f64::from(signal[n - 1 - j])).sum();
        (f64::from(signal[n]) + predicted) as f32
    };
    (start..signal.len()).map(error).collect()
}

/// The weight of the sound that comes in at sample `i` of a straight cross-fade over `length`.
pub fn rising(i: usize, length: usize) -> f32 {
    (i + 1) as f32 / (length + 1) as f32
}

/// One channel of interleaved sound.
pub fn channel(sound: &[i16], channel: usize, channels: usize) -> Vec<f32> {
    sound.iter().skip(channel).step_by(channels).map(|s| f32::from(*s)).collect()
}

pub fn rounded(sample: f32) -> i16 {
    sample.round() as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_lie_between_places_and_keep_their_distance() {
        let values: Vec<f64> = (0..40).map(|i| 10.0 - (f64::from(i) - 12.3).powi(2)).collect();
        let found = peaks(&values, 1)[0];
        assert!((found.0 - 12.3).abs() < 1e-9 && (found.1 - 10.0).abs() < 1e-9, "{found:?}");
        let places = peaks(&values, 3);
        assert!(places.iter().enumerate().all(|(i, a)| places[..i].iter().all(|b| (a.0 - b.0).abs() >= 2.0)));
    }

    #[test]
    fn prediction_finds_the_filter_that_made_a_signal() {
        let mut rng = crate::units::Seed(1).stream("noise");
        let (mut y1, mut y2) = (0.0, 0.0);
        let signal: Vec<f32> = (0..20_000)
            .map(|_| {
                let y = rng.normal() + 1.2 * y1 - 0.7 * y2;
                (y2, y1) = (y1, y);
                y as f32
            })
            .collect();
        let filter = prediction(&autocorrelation(&signal, 2), 2).unwrap();
        assert!((filter[0] + 1.2).abs() < 0.02 && (filter[1] - 0.7).abs() < 0.02, "{filter:?}");
        let rest = residual(&signal, &filter, 10_000);
        assert!((energy(&rest) / 10_000.0 - 1.0).abs() < 0.05);
        assert_eq!(prediction(&[0.0; 3], 2), None);
    }

    #[test]
    fn decimation_ends_with_the_signal_and_keeps_its_level() {
        let signal: Vec<f32> = (0..100).map(|n| n as f32).collect();
        let low = decimated(&signal, 16_000, 3);
        assert!(low.iter().zip([88.0, 92.0, 96.0]).all(|(a, b)| (a - b).abs() < 0.1), "{low:?}");
        assert_eq!(decimated(&signal[..4], 16_000, 5)[..3], [0.0; 3]);
    }
}
