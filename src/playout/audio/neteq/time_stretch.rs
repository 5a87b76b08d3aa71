//! Time scaling by waveform similarity: one pitch period is taken out or put in, cross-faded over that period, so that
//! the pitch stays (*accelerate* and *preemptive expand* of libwebrtc's NetEq).
//!
//! The period is the lag of 2.5 to 15 ms at which 12.5 ms of the signal at 4 kHz have the greatest correlation, refined by a
//! parabola. The first channel alone decides; all channels are cut alike.

use super::signal::{decimated, energy, low_step, peaks, product, rising, rounded};
use crate::media::PcmFormat;
use crate::units::from_ms;

/// The stretch that is looked at, in ms: for taking out, the two periods meet in its middle.
pub const SPAN_MS: usize = 30;
/// Lags and window at the low rate.
const LAGS: std::ops::Range<usize> = 10..60;
const WINDOW: std::ops::Range<usize> = 60..110;
/// Likeness from which two periods may stand for each other.
const ALIKE: f64 = 0.9;

/// The period of a signal, how alike two of them are, and how loud they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Period {
    /// Samples per channel.
    pub samples: usize,
    /// Normalised correlation of the two periods that meet in the middle, 0 to 1; 0 for silence.
    pub likeness: f64,
    /// Mean square of both.
    pub mean_square: f64,
}

impl Period {
    /// Whether it may be taken out or put in: it is like its neighbour, or nobody can hear the difference.
    pub fn may_go(&self, passive: bool) -> bool {
        passive || self.likeness > ALIKE
    }

    /// Whether this is no active speech, with that background (mean square).
    pub fn is_passive(&self, background: Option<f64>) -> bool {
        self.mean_square <= 8.0 * background.unwrap_or(NO_BACKGROUND)
    }
}

/// What stands for the background's mean square while none was heard.
const NO_BACKGROUND: f64 = 75_000.0;

/// Finds the period of `span`, the first channel of [`SPAN_MS`] of sound.
pub fn period(span: &[f32], format: PcmFormat) -> Period {
    let (step, middle) = (low_step(format.sample_rate), middle(format));
    let count = span.len() / step;
    let low = decimated(&span[..count * step], format.sample_rate, count);
    let window = &low[WINDOW.start.min(count)..WINDOW.end.min(count)];
    let values: Vec<f64> = LAGS.map(|lag| product(window, &low[(WINDOW.start - lag).min(count)..])).collect();
    let place = peaks(&values, 1).first().map_or(0.0, |p| p.0);
    let longest = middle.min(span.len() - middle);
    let samples = (((place + LAGS.start as f64) * step as f64).round() as usize).min(longest);
    let (first, second) = (&span[middle - samples..middle], &span[middle..middle + samples]);
    let (e1, e2) = (energy(first), energy(second));
    let norm = (e1 * e2).sqrt();
    let likeness = if norm > 0.0 { (product(first, second) / norm).max(0.0) } else { 0.0 };
    Period { samples, likeness, mean_square: (e1 + e2) / (2 * samples.max(1)) as f64 }
}

/// `span` (interleaved) without `cut` samples per channel before its middle.
pub fn shorten(span: &[i16], format: PcmFormat, cut: usize) -> Vec<i16> {
    let channels = format.channels as usize;
    let (middle, cut) = (middle(format) * channels, cut * channels);
    let mut out = span[..middle - cut].to_vec();
    fade(&span[middle - cut..middle], &span[middle..middle + cut], channels, &mut out);
    out.extend_from_slice(&span[middle + cut..]);
    out
}

/// `span` (interleaved) with the `more` samples per channel before sample `at` played twice.
pub fn lengthen(span: &[i16], format: PcmFormat, at: usize, more: usize) -> Vec<i16> {
    let channels = format.channels as usize;
    let (at, more) = (at * channels, more * channels);
    let mut out = span[..at].to_vec();
    fade(&span[at..at + more], &span[at - more..at], channels, &mut out);
    out.extend_from_slice(&span[at..]);
    out
}

/// Samples per channel before the middle of the span.
pub fn middle(format: PcmFormat) -> usize {
    format.samples(from_ms(SPAN_MS as f64 / 2.0))
}

/// Appends `from` turning into `to`, both interleaved and equally long, in a straight line.
fn fade(from: &[i16], to: &[i16], channels: usize, out: &mut Vec<i16>) {
    let frames = from.len() / channels;
    out.extend(from.iter().zip(to).enumerate().map(|(i, (a, b))| {
        let weight = rising(i / channels, frames);
        rounded(f32::from(*a) * (1.0 - weight) + f32::from(*b) * weight)
    }));
}

#[cfg(test)]
mod tests {
    use super::super::signal::channel;
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
                let found = period(&channel(&tone(format, hz), 0, channels as usize), format);
                let periods = found.samples as f64 * hz / f64::from(rate);
                assert!((periods - periods.round()).abs() < 0.06 && periods > 0.9, "{hz} Hz at {rate}: {periods}");
                assert!(found.likeness > 0.9 && found.may_go(false), "{hz} Hz at {rate}: {found:?}");
                assert!(!found.is_passive(None));
            }
        }
    }

    #[test]
    fn a_periodic_signal_is_shortened_and_lengthened_without_a_trace() {
        let format = PcmFormat { sample_rate: 48_000, channels: 2 };
        let span = tone(format, 100.0);
        for (out, samples) in [(shorten(&span, format, 480), 960), (lengthen(&span, format, 720, 480), 1920)] {
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
        let noise: Vec<f32> = (0..480).map(|_| (rng.normal() * 1000.0) as f32).collect();
        let found = period(&noise, format);
        assert!(!found.may_go(found.is_passive(None)), "{found:?}");
        let quiet: Vec<f32> = noise.iter().map(|s| s * 0.7).collect();
        assert!(period(&quiet, format).is_passive(None), "below an RMS of 775");
        assert!(period(&[0.0; 480], format).samples > 0);
    }
}
