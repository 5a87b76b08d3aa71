//! Sample-rate conversion for codecs and metrics that want another rate than the clip's.

use super::pcm::{Pcm, PcmFormat};
use crate::error::{Error, Result};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler};

/// Points of the anti-aliasing filter at the lower of the two rates, at least: flat within 0.1 dB up to 0.9 of its
/// Nyquist frequency, reaching 256 or a few more of its samples to either side.
const POINTS: usize = 512;

/// `pcm` at `sample_rate`, same channels, no delay: output sample k lies at the time of input k * in / out, and the
/// length is round(len * out / in).
///
/// Computed in `f64`, so that the last bits of an FFT, which differ from CPU to CPU, do not reach the 16-bit samples.
///
/// # Errors
/// [`Error::Usage`] if one of the rates is 0.
pub fn resample(pcm: &Pcm, sample_rate: u32) -> Result<Pcm> {
    let (from, to) = (pcm.format.sample_rate as usize, sample_rate as usize);
    let format = PcmFormat { sample_rate, ..pcm.format };
    if from == to || pcm.is_empty() {
        return Ok(Pcm { format, samples: pcm.samples.clone() });
    }
    let channels = usize::from(pcm.format.channels);
    let fault = |e: &dyn std::fmt::Display| Error::usage(format!("cannot resample from {from} Hz to {to} Hz: {e}"));

    let input: Vec<f64> = pcm.samples.iter().map(|s| f64::from(*s)).collect();
    let input = InterleavedSlice::new(&input, channels, pcm.len()).map_err(|e| fault(&e))?;
    let mut resampler = Fft::<f64>::new_custom(from, to, block(from, to), 1, channels, WINDOW, FixedSync::Both)
        .map_err(|e| fault(&e))?;
    let mut output = resampler.process_all(&input, pcm.len(), None).map_err(|e| fault(&e))?.take_data();

    output.truncate((pcm.len() * to + from / 2) / from * channels);
    let samples = output.iter().map(|x| x.round().clamp(-32768.0, 32767.0) as i16).collect();
    Ok(Pcm { format, samples })
}

const WINDOW: rubato::WindowFunction = rubato::WindowFunction::BlackmanHarris2;

/// Input samples per block: an even number of the smallest whole-number blocks. The filter's delay is half a block; an
/// odd block would make it a fraction of a sample, which rubato rounds away (44.1 kHz with blocks of 7 * 147).
fn block(from: usize, to: usize) -> usize {
    let (mut a, mut b) = (from.max(1), to);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    let smallest = (from / a, to / a);
    let blocks = POINTS.div_ceil(smallest.0.min(smallest.1).max(1));
    smallest.0 * blocks.next_multiple_of(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES: [(u32, u32); 9] = [
        (44_100, 48_000),
        (48_000, 44_100),
        (48_000, 16_000),
        (16_000, 48_000),
        (16_000, 8_000),
        (8_000, 16_000),
        (44_100, 16_000),
        (22_050, 48_000),
        (11_025, 8_000),
    ];

    fn sine(rate: u32, hz: f64, len: usize, amplitude: f64) -> Pcm {
        let at = |k: usize| (amplitude * (TAU * hz * k as f64 / f64::from(rate)).sin()).round() as i16;
        Pcm { format: PcmFormat::mono(rate), samples: (0..len).map(at).collect() }
    }

    /// Amplitude and phase (radians) of the sine of `hz` in the middle of `pcm`, by correlation under a Hann window.
    fn measure(pcm: &Pcm, hz: f64) -> (f64, f64) {
        let (n, edge) = (pcm.len(), pcm.len() / 8);
        let (mut re, mut im, mut sum) = (0.0, 0.0, 0.0);
        for k in edge..n - edge {
            let w = (std::f64::consts::PI * (k - edge) as f64 / (n - 2 * edge) as f64).sin().powi(2);
            let angle = TAU * hz * k as f64 / f64::from(pcm.format.sample_rate);
            re += w * f64::from(pcm.samples[k]) * angle.sin();
            im += w * f64::from(pcm.samples[k]) * angle.cos();
            sum += w;
        }
        (2.0 * (re * re + im * im).sqrt() / sum, im.atan2(re))
    }

    #[test]
    fn sines_keep_their_time_and_their_level_up_to_nine_tenths_of_nyquist() {
        for (from, to) in RATES {
            let nyquist = f64::from(from.min(to)) / 2.0;
            for part in [0.02, 0.1, 0.5, 0.8, 0.9] {
                let hz = nyquist * part;
                let out = resample(&sine(from, hz, from as usize, 20_000.0), to).unwrap();
                let (amplitude, phase) = measure(&out, hz);
                let db = 20.0 * (amplitude / 20_000.0).log10();
                assert!(db.abs() < 0.1, "{from} to {to}, {hz} Hz: {db} dB");
                let samples = phase / (TAU * hz) * f64::from(to);
                assert!(samples.abs() < 0.01, "{from} to {to}, {hz} Hz: late by {samples} samples");
            }
        }
    }

    #[test]
    fn what_the_lower_rate_cannot_carry_is_gone() {
        for (from, to) in RATES.into_iter().filter(|(from, to)| from > to) {
            let out = resample(&sine(from, f64::from(to) * 0.505, from as usize, 20_000.0), to).unwrap();
            // The first and the last of the samples see a sine that starts and stops.
            let middle = &out.samples[out.len() / 8..out.len() * 7 / 8];
            let peak = middle.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert!(peak <= 2, "{from} to {to}: peak {peak}, that is {} dB", 20.0 * (f64::from(peak) / 2e4).log10());
        }
    }

    #[test]
    fn lengths_are_exact_and_channels_stay_apart() {
        for (from, to) in RATES {
            for len in [1, 2, 159, 4_411, 20_000] {
                let mono = sine(from, 440.0, len, 9_000.0);
                let expected = (len as f64 * f64::from(to) / f64::from(from)).round() as usize;
                let left = resample(&mono, to).unwrap();
                assert_eq!(left.len(), expected, "{len} from {from} to {to}");
                let stereo = Pcm {
                    format: PcmFormat { sample_rate: from, channels: 2 },
                    samples: mono.samples.iter().flat_map(|s| [*s, 0]).collect(),
                };
                let both = resample(&stereo, to).unwrap();
                assert!(both.samples.chunks_exact(2).map(|c| c[0]).eq(left.samples.iter().copied()));
                assert!(both.samples.chunks_exact(2).all(|c| c[1] == 0));
            }
        }
    }

    #[test]
    fn equal_rates_change_nothing_and_loud_signals_are_clipped_not_wrapped() {
        let pcm = sine(48_000, 997.0, 4_800, 32_767.0);
        assert_eq!(resample(&pcm, 48_000).unwrap(), pcm);
        let square = Pcm {
            format: PcmFormat::mono(16_000),
            samples: (0..16_000).map(|k| if k / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect(),
        };
        let out = resample(&square, 48_000).unwrap();
        assert!((0..400).all(|half| (out.samples[half * 120 + 60] > 20_000) == (half % 2 == 0)));
        assert_eq!(out, resample(&square, 48_000).unwrap());
    }
}
