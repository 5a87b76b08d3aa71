//! Made-up sound where packets are missing: NetEq's *expand*.
//!
//! The last pitch period is repeated, mixed with the one before it, and turns into noise of the same spectrum the sooner the
//! less periodic the sound was; it fades the faster the less voiced it was, and ends in silence. Each call makes one period.

use super::signal::{
    autocorrelation, channel, decimated, energy, low_step, peaks, prediction, product, residual, rising, rounded,
};
use crate::media::PcmFormat;
use crate::units::{Rng, Seed, from_ms};

/// What is looked at of the past, in ms.
pub const PAST_MS: f64 = 32.0;
/// Correlation at the low rate: lags, window, and samples in all.
const LAGS: std::ops::Range<usize> = 10..64;
const WINDOW: usize = 60;
const LOW_SAMPLES: usize = 124;
const CANDIDATES: usize = 3;
/// Of the linear prediction.
const ORDER: usize = 6;
/// Longest and shortest period, and how far around a peak of the correlation the period is looked for, in ms.
const LONGEST_MS: f64 = 15.0;
const SHORTEST_MS: f64 = 2.5;
const NEAR_MS: f64 = 0.5;

/// Samples per channel that are always decoded beyond what is played, so that what is made up can be overlapped with
/// them: 0.625 ms.
pub fn overlap(format: PcmFormat) -> usize {
    format.samples(from_ms(0.625))
}

/// Concealment from its first call until real sound is there again.
pub struct Expand {
    format: PcmFormat,
    /// Periods in samples, and which one is next: it goes to and fro.
    lags: [usize; 3],
    index: usize,
    rising: bool,
    calls: u32,
    /// It does not fade any more: real sound takes over.
    held: bool,
    noise: Rng,
    voices: Vec<Voice>,
}

/// One channel.
struct Voice {
    /// The last longest period (with the overlap before it), and the one before that at the same energy.
    periods: [Vec<f32>; 2],
    /// Of the noise: the spectrum's filter, its last outputs (the newest first), its gain.
    filter: Vec<f64>,
    outputs: [f64; ORDER],
    gain: f64,
    /// The share of the repeated period now, and where it goes.
    share: f64,
    voiced: f64,
    /// What the gain loses per sample, and what it is.
    slope: f64,
    /// The sound was just growing louder: it keeps its level for the first call.
    onset: bool,
    mute: f64,
}

impl Expand {
    /// Goes on from `past`: [`PAST_MS`] of interleaved sound, up to and with the overlap.
    pub fn new(past: &[i16], format: PcmFormat) -> Expand {
        let channels = format.channels as usize;
        let histories: Vec<Vec<f32>> = (0..channels).map(|c| channel(past, c, channels)).collect();
        let (correlation_lag, distortion_lag) = pitch(&histories[0], format);
        // Of the two the first, and the mean, rounded towards each.
        let (sum, up) = (correlation_lag + distortion_lag, usize::from(correlation_lag > distortion_lag));
        Expand {
            format,
            lags: [distortion_lag, (sum + 1 - up) / 2, (sum + up) / 2],
            index: 0,
            rising: true,
            calls: 0,
            held: false,
            noise: Seed(1).stream("expand"),
            voices: histories.iter().map(|h| Voice::new(h, format, correlation_lag, distortion_lag)).collect(),
        }
    }

    /// The gain of the first channel, 0 to 1.
    pub fn mute_factor(&self) -> f64 {
        self.voices[0].mute
    }

    /// The gain of each channel.
    pub fn mute_factors(&self) -> impl Iterator<Item = f64> + '_ {
        self.voices.iter().map(|v| v.mute)
    }

    /// Whether nothing is heard any more.
    pub fn is_silent(&self) -> bool {
        self.voices.iter().all(|v| v.mute <= 0.0)
    }

    /// From here on it only lends sound to what follows: it starts with its first period again, and fades no more.
    pub fn hold(&mut self) {
        (self.index, self.rising, self.held) = (0, true, true);
    }

    /// One more period, interleaved. `tail`, the overlap that is decoded but not played, is turned into what is made up.
    pub fn next(&mut self, tail: &mut [i16]) -> Vec<i16> {
        let channels = self.voices.len();
        let lag = self.lags[self.index];
        let mut out = vec![0; lag * channels];
        let noise: Vec<f64> = (0..lag).map(|_| self.noise.normal()).collect();
        for (c, voice) in self.voices.iter_mut().enumerate() {
            let overlap = tail.len() / channels;
            let period = voice.period(lag + overlap, self.index);
            if voice.mute > 0.05 && voice.share > 0.5 {
                for (i, sample) in tail.iter_mut().skip(c).step_by(channels).enumerate() {
                    let weight = rising(i, overlap);
                    *sample = rounded(f32::from(*sample) * (1.0 - weight) + voice.mute as f32 * period[i] * weight);
                }
            }
            let mut made = voice.mix(&period[overlap..], &noise, self.format);
            voice.fade(&mut made, self.calls, self.held, self.format);
            out.iter_mut().skip(c).step_by(channels).zip(made).for_each(|(o, m)| *o = rounded(m as f32));
        }
        self.calls += 1;
        match self.index {
            0 => self.rising = true,
            2 => self.rising = false,
            _ => {}
        }
        self.index = if self.rising { self.index + 1 } else { self.index - 1 };
        out
    }
}

/// The period of the sound's end: as its correlation has it, and as its least difference from itself has it.
fn pitch(past: &[f32], format: PcmFormat) -> (usize, usize) {
    let samples = |ms: f64| format.samples(from_ms(ms));
    let step = low_step(format.sample_rate);
    let low = decimated(past, format.sample_rate, LOW_SAMPLES);
    let from = LOW_SAMPLES - WINDOW;
    let values: Vec<f64> = LAGS.map(|lag| product(&low[from..], &low[from - lag..])).collect();
    let length = samples(SHORTEST_MS);
    let end = &past[past.len() - length..];
    let difference = |lag: usize| -> f32 {
        let before = &past[past.len() - length - lag..];
        end.iter().zip(before).map(|(a, b)| (a - b).abs()).sum()
    };
    let (shortest, longest) = (samples(SHORTEST_MS), samples(LONGEST_MS) - 1);
    let candidates = peaks(&values, CANDIDATES).into_iter().map(|(place, value)| {
        let lag = ((place + LAGS.start as f64) * step as f64).round() as usize;
        let near = samples(NEAR_MS);
        let around = lag.saturating_sub(near).clamp(shortest, longest)..=(lag + near).clamp(shortest, longest);
        let best = around.map(|l| (l, difference(l))).min_by(|a, b| a.1.total_cmp(&b.1)).unwrap_or((lag, 1.0));
        (lag, best.0, value / f64::from(best.1).max(1e-3))
    });
    let best = candidates.max_by(|a, b| a.2.total_cmp(&b.2));
    best.map_or((shortest, shortest), |(correlation, distortion, _)| (correlation, distortion))
}

impl Voice {
    fn new(past: &[f32], format: PcmFormat, correlation_lag: usize, distortion_lag: usize) -> Voice {
        let samples = |ms: f64| format.samples(from_ms(ms));
        let end = |length: usize, back: usize| &past[past.len() - length - back..past.len() - back];
        let length = (distortion_lag + 10).min(samples(LONGEST_MS)).max(samples(LONGEST_MS / 2.0));
        let lags = correlation_lag.min(distortion_lag)..=correlation_lag.max(distortion_lag);
        let last = end(length, 0);
        let likeness = lags.map(|lag| (product(last, end(length, lag)), lag)).max_by(|a, b| a.0.total_cmp(&b.0));
        let likeness = likeness.map_or(0.0, |(value, lag)| {
            let norm = (energy(last) * energy(end(length, lag))).sqrt();
            if norm > 0.0 { (value / norm).min(1.0) } else { 0.0 }
        });

        let longest = correlation_lag.max(distortion_lag) + overlap(format);
        let newest = end(longest, 0).to_vec();
        let mut before = end(longest, distortion_lag).to_vec();
        let (e1, e2) = (energy(&newest), energy(&before));
        // Last amplitude over the one before, 0.5 to 2.
        let ratio = if e1 / 4.0 < e2 && e1 > e2 / 4.0 {
            let ratio = (e1 / e2).sqrt();
            before.iter_mut().for_each(|s| *s *= ratio as f32);
            ratio
        } else {
            before.copy_from_slice(&newest);
            if e1 / 4.0 < e2 || e2 == 0.0 { 0.5 } else { 2.0 }
        };

        let spectrum = end(samples(20.0), 0);
        let filter = prediction(&autocorrelation(spectrum, ORDER), ORDER).unwrap_or_else(|| vec![0.0; ORDER]);
        let rest = residual(spectrum, &filter, spectrum.len() - ORDER);
        let mut outputs = [0.0; ORDER];
        outputs.iter_mut().zip(past.iter().rev()).for_each(|(o, s)| *o = f64::from(*s));

        let x = likeness;
        let voiced = if x > 0.48 { -5179.0 + 19_931.0 * x - 16_422.0 * x * x + 5776.0 * x * x * x } else { 0.0 };
        let voiced = (voiced / 4096.0).clamp(0.0, 1.0);
        let per_sample = 8000.0 / f64::from(format.sample_rate);
        let (onset, slope) = if ratio > 1.5 {
            let slope = (1.0 - 1.0 / ratio) / distortion_lag as f64;
            (true, slope / if ratio > 1.8 { 2.0 } else { 8.0 })
        } else if voiced > 0.8 && ratio > 0.98 {
            (false, 0.0)
        } else {
            let slope = ((1.0 - ratio) / distortion_lag as f64).max(0.0);
            (false, if voiced <= 0.8 { slope.max(0.005 * per_sample) } else { slope })
        };
        Voice {
            periods: [newest, before],
            filter,
            outputs,
            gain: (energy(&rest) / rest.len().max(1) as f64).sqrt(),
            share: 1.0,
            voiced,
            slope,
            onset,
            mute: 1.0,
        }
    }

    /// The last `length` samples of the periods, mixed 1:0, 3:1 or 1:1.
    fn period(&self, length: usize, index: usize) -> Vec<f32> {
        let weight = [0.0, 0.25, 0.5][index];
        let [newest, before] = &self.periods;
        let from = newest.len() - length;
        newest[from..].iter().zip(&before[from..]).map(|(a, b)| a * (1.0 - weight) + b * weight).collect()
    }

    /// That period with its share of noise.
    fn mix(&mut self, period: &[f32], noise: &[f64], format: PcmFormat) -> Vec<f64> {
        let ms = period.len() as f64 * 1000.0 / f64::from(format.sample_rate);
        let turn_ms = match ms {
            ..4.0 => 8.0,
            ..8.0 => 16.0,
            _ => 32.0,
        };
        let step = 1000.0 / (turn_ms * f64::from(format.sample_rate));
        let sample = |(voiced, noise): (&f32, &f64)| {
            let predicted: f64 = self.filter.iter().zip(&self.outputs).map(|(a, o)| a * o).sum();
            let unvoiced = self.gain * noise - predicted;
            self.outputs.rotate_right(1);
            self.outputs[0] = unvoiced;
            let mixed = self.share * f64::from(*voiced) + (1.0 - self.share) * unvoiced;
            self.share = (self.share - step).max(self.voiced);
            mixed
        };
        period.iter().zip(noise).map(sample).collect()
    }

    fn fade(&mut self, made: &mut [f64], calls: u32, held: bool, format: PcmFormat) {
        let per_sample = 8000.0 / f64::from(format.sample_rate);
        match calls {
            3 => self.slope = self.slope.max(0.001 * per_sample),
            7 => self.slope = self.slope.max(0.002 * per_sample),
            _ => {}
        }
        if calls == 0 && self.onset {
            return;
        }
        let slope = if held { 0.0 } else { self.slope };
        for (i, sample) in made.iter_mut().enumerate() {
            *sample *= self.mute * (1.0 - slope * i as f64).max(0.0);
        }
        if !held {
            let gain = self.mute * (1.0 - slope * made.len() as f64).max(0.0);
            self.mute = if calls > 3 && gain >= self.mute { 0.0 } else { gain };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const FORMAT: PcmFormat = PcmFormat::mono(48_000);

    fn tone(n: usize) -> i16 {
        (8000.0 * (n as f64 * TAU * 200.0 / 48_000.0).sin() + 3000.0 * (n as f64 * TAU * 600.0 / 48_000.0).sin()) as i16
    }

    fn level(sound: &[i16]) -> f64 {
        energy(&channel(sound, 0, 1)) / sound.len() as f64
    }

    /// Expands the end of `past` for so many ms.
    fn made(past: &[i16], ms: usize) -> Vec<i16> {
        let mut expand = Expand::new(past, FORMAT);
        let mut tail = past[past.len() - overlap(FORMAT)..].to_vec();
        let mut out = Vec::new();
        while out.len() < ms * 48 {
            out.extend(expand.next(&mut tail));
        }
        out
    }

    #[test]
    fn a_steady_tone_goes_on_in_phase_and_is_half_as_loud_after_a_tenth_of_a_second() {
        let past: Vec<i16> = (0..1536).map(tone).collect();
        let out = made(&past, 400);
        let worst = (0..480).map(|i| (i32::from(out[i]) - i32::from(tone(1536 + i))).abs()).max();
        assert!(worst < Some(500), "off by {worst:?}");
        let before = level(&past);
        let at = |ms: usize| level(&out[ms * 48..(ms + 10) * 48]) / before;
        assert!(at(10) > 0.9, "{}", at(10));
        assert!((0.1..0.6).contains(&at(100)), "{}", at(100));
        assert!(at(380) < 0.01, "{}", at(380));
    }

    #[test]
    fn noise_fades_within_some_10_ms_and_keeps_its_spectrum() {
        let mut rng = Seed(7).stream("noise");
        let mut y = 0.0;
        let past: Vec<i16> = (0..1536)
            .map(|_| {
                y = 0.9 * y + 800.0 * rng.normal();
                y as i16
            })
            .collect();
        let out = made(&past, 100);
        let before = level(&past);
        assert!(level(&out[..240]) > 0.2 * before, "{} of {before}", level(&out[..240]));
        assert!(level(&out[40 * 48..50 * 48]) < 0.05 * before);
    }

    #[test]
    fn silence_stays_silent_and_both_channels_are_made() {
        assert!(made(&[0; 1536], 20).iter().all(|s| *s == 0));
        let format = PcmFormat { sample_rate: 48_000, channels: 2 };
        let past: Vec<i16> = (0..1536).flat_map(|n| [tone(n), -tone(n) / 2]).collect();
        let mut tail = past[past.len() - 2 * overlap(format)..].to_vec();
        let out = Expand::new(&past, format).next(&mut tail);
        assert!(out.chunks_exact(2).all(|s| (i32::from(s[0]) + 2 * i32::from(s[1])).abs() <= 4));
    }
}
