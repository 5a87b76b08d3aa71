//! Where a marker that went through a codec is heard again.

use crate::media::{Pcm, PcmFormat};
use crate::units::Seed;
use std::f64::consts::{PI, TAU};
use std::ops::Range;

/// Lags on each side from which the correlation is interpolated, and interpolated points per lag.
const REACH: i64 = 16;
const FINE: i64 = 8;

/// White noise at -18 dB of full scale, the same in all channels: its correlation has one sharp peak.
pub(super) fn noise(format: PcmFormat, samples: usize) -> Pcm {
    let mut rng = Seed(1).stream("delay marker");
    let values = (0..samples).map(|_| (4000.0 * rng.normal()).clamp(-32_000.0, 32_000.0) as i16).collect();
    Pcm { format: PcmFormat::mono(format.sample_rate), samples: values }.with_channels(format.channels)
}

/// A voice-like hum of 120 Hz and its overtones that comes and goes at irregular times: for codecs that keep no waveform,
/// but when there was sound. The same in all channels.
pub(super) fn hum(format: PcmFormat, samples: usize) -> Pcm {
    let mut rng = Seed(1).stream("delay hum");
    let rate = f64::from(format.sample_rate);
    let (mut level, mut wanted, mut left) = (0.0, 0.0, 0.0);
    let values = (0..samples).map(|n| {
        if left <= 0.0 {
            wanted = if wanted > 0.0 { 0.0 } else { 1.0 };
            left = rate * (0.06 + 0.14 * rng.unit());
        }
        left -= 1.0;
        // 3 ms of rise and fall.
        level += (wanted - level) / (0.003 * rate);
        let phase = TAU * 120.0 * n as f64 / rate;
        let tones: f64 = (1..=24).map(|k| (f64::from(k) * phase).cos() / (1.0 + f64::from(k) / 4.0)).sum();
        (1500.0 * level * tones) as i16
    });
    let samples = values.collect();
    Pcm { format: PcmFormat::mono(format.sample_rate), samples }.with_channels(format.channels)
}

pub(super) fn first_channel(pcm: &Pcm) -> Vec<f64> {
    pcm.samples.iter().step_by(pcm.format.channels as usize).map(|s| f64::from(*s)).collect()
}

/// The level of each `step` samples over the two periods of the hum around it, without its mean.
pub(super) fn envelope(signal: &[f64], step: usize, window: usize) -> Vec<f64> {
    let mut sums = vec![0.0];
    let mut sum = 0.0;
    sums.extend(signal.iter().map(|v| {
        sum += v * v;
        sum
    }));
    let level = |n: usize| {
        let (from, to) = (n.saturating_sub(window / 2), (n + window / 2).min(signal.len()));
        ((sums[to] - sums[from]) / (to - from).max(1) as f64).sqrt()
    };
    let levels: Vec<f64> = (0..signal.len()).step_by(step).map(level).collect();
    let mean = levels.iter().sum::<f64>() / levels.len().max(1) as f64;
    levels.iter().map(|l| l - mean).collect()
}

/// By how many samples `heard` is later than the stretch `of` of `sent`; `None` if nothing there has a normalised correlation
/// above `least` with it.
pub(super) fn shift(sent: &[f64], heard: &[f64], of: Range<usize>, lags: (i64, i64), least: f64) -> Option<f64> {
    if of.end as i64 + lags.1 > heard.len() as i64 {
        return None;
    }
    let marker = &sent[of.clone()];
    let window = |lag: i64| &heard[(of.start as i64 + lag) as usize..(of.end as i64 + lag) as usize];
    let product = |lag: i64| marker.iter().zip(window(lag)).map(|(a, b)| a * b).sum::<f64>();
    let products: Vec<f64> = (lags.0..=lags.1).map(product).collect();
    let (best, peak) = (lags.0..)
        .zip(&products)
        .skip(REACH as usize)
        .take(products.len() - 2 * REACH as usize)
        .max_by(|a, b| a.1.total_cmp(b.1))?;
    let energy = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    if *peak <= least * (energy(marker) * energy(window(best))).sqrt() {
        return None;
    }
    // The correlation is band-limited like the signals: between the lags it is read by a windowed sinc, and the top of
    // that by a parabola.
    let at = |t: f64| -> f64 {
        let middle = t.round() as i64;
        (middle - REACH + 1..middle + REACH)
            .filter_map(|lag| {
                let (x, value) = (t - lag as f64, products.get((lag - lags.0) as usize)?);
                let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                Some(value * sinc * (0.5 + 0.5 * (PI * x / (REACH + 1) as f64).cos()))
            })
            .sum()
    };
    let fine = |k: i64| best as f64 + k as f64 / FINE as f64;
    let top = (-FINE..=FINE).max_by(|a, b| at(fine(*a)).total_cmp(&at(fine(*b))))?;
    let (before, here, after) = (at(fine(top - 1)), at(fine(top)), at(fine(top + 1)));
    let curve = before - 2.0 * here + after;
    let offset = if curve < 0.0 { 0.5 * (before - after) / curve } else { 0.0 };
    Some(fine(top) + offset / FINE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_between_samples_is_found() {
        // Noise below a third of the sampling rate, read 7.3 samples earlier by its own cosines.
        let mut rng = Seed(2).stream("tones");
        let tones: Vec<(f64, f64)> = (0..200).map(|_| (2.0 * rng.unit(), 2.0 * PI * rng.unit())).collect();
        let signal = |t: f64| tones.iter().map(|(w, phase)| (w * t + phase).cos()).sum::<f64>();
        let sent: Vec<f64> = (0..3000).map(|n| signal(f64::from(n))).collect();
        let heard: Vec<f64> = (0..3000).map(|n| signal(f64::from(n) - 7.3)).collect();
        let found = shift(&sent, &heard, 1000..2600, (-40, 200), 0.15).unwrap();
        assert!((found - 7.3).abs() < 0.02, "{found}");
        assert_eq!(shift(&sent, &vec![0.0; 3000], 1000..2600, (-40, 200), 0.15), None);
    }

    #[test]
    fn a_shift_of_the_envelope_is_found_to_a_millisecond() {
        let hum = first_channel(&hum(PcmFormat::mono(8000), 40_000));
        // Every sample with another sign: no waveform is left.
        let mut rng = Seed(3).stream("signs");
        let late: Vec<f64> = (0..40_000)
            .map(|n: usize| n.checked_sub(200).map_or(0.0, |n| hum[n] * if rng.unit() < 0.5 { -1.0 } else { 1.0 }))
            .collect();
        let (sent, heard) = (envelope(&hum, 8, 134), envelope(&late, 8, 134));
        let found = shift(&sent, &heard, 1000..3000, (-20, 250), 0.5).unwrap();
        assert!((found - 25.0).abs() < 1.0, "{found} ms");
    }
}
