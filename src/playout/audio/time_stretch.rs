//! Time scaling by waveform similarity: one pitch period is taken out or put in, cross-faded over that period, so that
//! the pitch stays (the accelerate and preemptive expand of libwebrtc's NetEq).
//!
//! The period is the lag of 2.5 to 15 ms at which 30 ms of the signal are most like themselves, sought at 4 kHz and
//! refined at the full rate on the two periods that meet. All channels share it.

use crate::media::PcmFormat;

/// The stretch that is looked at, in ms: the two periods meet in its middle.
pub const SPAN_MS: usize = 30;
const LONGEST_MS: usize = SPAN_MS / 2;
/// Lags and window at the low rate.
const LOW_RATE: usize = 4000;
const LAGS: std::ops::RangeInclusive<usize> = 10..=60;
const WINDOW: usize = 50;

/// The period of a signal, and how alike two of them are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Samples per channel.
    pub samples: usize,
    /// Normalised correlation of the two periods that meet in the middle, -1 to 1; 0 for silence.
    pub likeness: f64,
}

/// Finds the period of `span`, which is [`SPAN_MS`] long. Interleaved samples.
pub fn period(span: &[i16], format: PcmFormat) -> Period {
    let channels = format.channels as usize;
    let mono: Vec<f32> =
        span.chunks_exact(channels).map(|c| c.iter().map(|s| f32::from(*s)).sum::<f32>() / channels as f32).collect();
    let step = (format.sample_rate as usize / LOW_RATE).max(1);
    let low: Vec<f32> = mono.chunks_exact(step).map(|c| c.iter().sum::<f32>()).collect();
    let start = *LAGS.end();
    let mut best = (*LAGS.start(), f64::NEG_INFINITY);
    for lag in LAGS {
        let Some(window) = low.get(start..start + WINDOW) else { break };
        let value = likeness(window, &low[start - lag..]);
        if value > best.1 {
            best = (lag, value);
        }
    }
    let (middle, lag) = (format.sample_rate as usize * LONGEST_MS / 1000, best.0 * step);
    let mut found = Period { samples: lag.min(middle), likeness: f64::NEG_INFINITY };
    for samples in (lag - step).max(1)..=(lag + step).min(middle).min(mono.len() - middle) {
        let value = likeness(&mono[middle - samples..middle], &mono[middle..]);
        if value > found.likeness {
            found = Period { samples, likeness: value };
        }
    }
    found
}

/// `span` without `cut` samples per channel before its middle.
pub fn shorten(span: &[i16], format: PcmFormat, cut: usize) -> Vec<i16> {
    let channels = format.channels as usize;
    let (middle, cut) = (middle(format) * channels, cut * channels);
    let mut out = span[..middle - cut].to_vec();
    fade(&span[middle - cut..middle], &span[middle..middle + cut], channels, &mut out);
    out.extend_from_slice(&span[middle + cut..]);
    out
}

/// `span` with the `more` samples per channel before its middle played twice.
pub fn lengthen(span: &[i16], format: PcmFormat, more: usize) -> Vec<i16> {
    let channels = format.channels as usize;
    let (middle, more) = (middle(format) * channels, more * channels);
    let mut out = span[..middle].to_vec();
    fade(&span[middle..middle + more], &span[middle - more..middle], channels, &mut out);
    out.extend_from_slice(&span[middle..]);
    out
}

/// Samples per channel before the middle of the span, where what is played changes at the earliest in [`lengthen`].
pub fn middle(format: PcmFormat) -> usize {
    format.sample_rate as usize * LONGEST_MS / 1000
}

/// Appends `from` turning into `to`, both interleaved and equally long. The weight starts and ends level: a straight one
/// would bend the signal where it begins and ends.
pub fn fade(from: &[i16], to: &[i16], channels: usize, out: &mut Vec<i16>) {
    let frames = from.len() / channels;
    out.extend(from.iter().zip(to).enumerate().map(|(i, (a, b))| {
        let weight = (i / channels + 1) as f32 / (frames + 1) as f32;
        let weight = weight * weight * (3.0 - 2.0 * weight);
        (f32::from(*a) * (1.0 - weight) + f32::from(*b) * weight).round() as i16
    }));
}

/// Normalised correlation of `a` with as much of `b`.
fn likeness(a: &[f32], b: &[f32]) -> f64 {
    let (mut product, mut a2, mut b2) = (0f32, 0f32, 0f32);
    for (x, y) in a.iter().zip(b) {
        product += x * y;
        a2 += x * x;
        b2 += y * y;
    }
    let energy = f64::from(a2) * f64::from(b2);
    if energy > 0.0 { f64::from(product) / energy.sqrt() } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn tone(format: PcmFormat, hz: f64) -> Vec<i16> {
        let n = format.sample_rate as usize * SPAN_MS / 1000;
        let at = |i: usize| (8000.0 * (TAU * hz * i as f64 / f64::from(format.sample_rate)).sin()) as i16;
        (0..n).flat_map(|i| std::iter::repeat_n(at(i), format.channels as usize)).collect()
    }

    #[test]
    fn the_period_of_a_tone_is_found_at_every_rate() {
        for (rate, channels) in [(8000, 1), (16_000, 1), (44_100, 1), (48_000, 2)] {
            let format = PcmFormat { sample_rate: rate, channels };
            for hz in [100.0, 120.0, 220.0, 400.0] {
                let found = period(&tone(format, hz), format);
                let periods = found.samples as f64 * hz / f64::from(rate);
                assert!((periods - periods.round()).abs() < 0.03 && periods > 0.9, "{hz} Hz at {rate}: {periods}");
                assert!(found.likeness > 0.98, "{found:?}");
            }
        }
    }

    #[test]
    fn a_periodic_signal_is_shortened_and_lengthened_without_a_trace() {
        let format = PcmFormat { sample_rate: 48_000, channels: 2 };
        let span = tone(format, 100.0);
        for (out, samples) in [(shorten(&span, format, 480), 960), (lengthen(&span, format, 480), 1920)] {
            assert_eq!(out.len(), samples * 2);
            let worst = out.iter().zip(span.iter().cycle()).map(|(a, b)| (a - b).abs()).max();
            // 1440 samples are three whole periods: the span repeats itself.
            assert!(worst <= Some(2), "off by {worst:?}");
        }
    }

    #[test]
    fn noise_is_unlike_itself_and_silence_is_no_error() {
        let format = PcmFormat::mono(16_000);
        let mut rng = crate::units::Seed(3).stream("noise");
        let noise: Vec<i16> = (0..480).map(|_| (rng.normal() * 1000.0) as i16).collect();
        assert!(period(&noise, format).likeness < 0.9);
        assert!(period(&[0; 480], format).samples > 0);
    }
}
