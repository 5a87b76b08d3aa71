//! Synthesised clips: the embedded default that needs no corpus. The artificial voices have what codecs and PESQ look
//! for in speech (pitch, moving formants, fricatives, pauses), but they are no speech: nobody should publish a score
//! of them.
//!
//! Only additions, multiplications and divisions of `f64` are used, which IEEE 754 defines to the bit, and no libm, which
//! differs from platform to platform: the same samples everywhere.

pub(super) mod tone;
mod voice;

use super::{Clip, Content, Pcm, PcmFormat};
use crate::units::{Rng, Seed};
use tone::{LEN, RATE, decay, sine, white};

/// A synthesised clip, not made yet.
pub struct Synth {
    pub id: &'static str,
    pub content: Content,
    pub format: PcmFormat,
    pub heard: &'static str,
    make: fn() -> Vec<f64>,
}

const MONO: PcmFormat = PcmFormat::mono(48_000);

const VOICE: &str = "artificial voice: phrases of syllables with pitch contour, moving formants, fricatives and pauses";

/// All of them, each 8 s at 48 kHz.
pub static ALL: [Synth; 10] = [
    Synth { id: "synth-voice-1", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(0) },
    Synth { id: "synth-voice-2", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(1) },
    Synth { id: "synth-voice-3", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(2) },
    Synth { id: "synth-voice-4", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(3) },
    Synth { id: "synth-voice-5", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(4) },
    Synth { id: "synth-voice-6", content: Content::Speech, format: MONO, heard: VOICE, make: || voice::speak(5) },
    Synth {
        id: "synth-music",
        content: Content::Music,
        format: PcmFormat { sample_rate: 48_000, channels: 2 },
        heard: "plucked chords, bass and percussive noise, in stereo",
        make: music,
    },
    Synth {
        id: "synth-sweep",
        content: Content::Signal,
        format: MONO,
        heard: "a sine from 50 Hz to 20 kHz, the same time for every octave",
        make: sweep,
    },
    Synth { id: "synth-silence", content: Content::Signal, format: MONO, heard: "digital silence", make: silence },
    Synth { id: "synth-noise", content: Content::Signal, format: MONO, heard: "white noise", make: noise },
];

impl Synth {
    /// Makes the clip; the same samples each time.
    pub fn clip(&self) -> Clip {
        let samples = (self.make)();
        let peak = samples.iter().fold(0.0_f64, |m, x| m.max(x.abs()));
        let gain = if peak > 0.0 { PEAK / peak } else { 0.0 };
        let samples = samples.iter().map(|x| (x * gain).round() as i16).collect();
        let mut clip = Clip::new(self.id, self.content, Pcm { format: self.format, samples });
        if self.content == Content::Speech {
            clip.talker = Some(self.id.to_owned());
        }
        clip.notes = vec!["synthesised".into()];
        clip
    }
}

/// Half of full scale.
const PEAK: f64 = 16_384.0;

/// The length of each.
pub const SECONDS: f64 = 8.0;

/// Four chords of two seconds, each note plucked on its own place between left and right, over a bass and a beat.
fn music() -> Vec<f64> {
    /// Semitones above 55 Hz (A1).
    const CHORDS: [[i32; 5]; 4] =
        [[0, 24, 27, 31, 36], [-4, 20, 24, 27, 32], [3, 15, 22, 27, 31], [-2, 22, 26, 29, 34]];
    let mut out = vec![0.0; 2 * LEN];
    let mut rng = Seed(20).stream("synth-music");
    for beat in 0..32 {
        let start = beat * LEN / 32;
        let chord = &CHORDS[beat / 8];
        if beat % 4 == 0 {
            pluck(&mut out, start, note(chord[0]), 0.9, 0.5, 1.2);
        }
        let which = 1 + (beat * 3 + beat / 8) % 4;
        pluck(&mut out, start, note(chord[which]), 0.5, 0.15 + 0.7 * (which - 1) as f64 / 3.0, 0.6);
        if beat % 8 == 0 {
            chord[1..].iter().for_each(|n| pluck(&mut out, start, note(*n), 0.25, 0.5, 1.8));
        }
        // A dull stroke on even beats, a bright one on odd ones.
        let (level, seconds, dull) = if beat % 2 == 0 { (0.35, 0.09, 0.9) } else { (0.25, 0.04, 0.1) };
        stroke(&mut out, start, &mut rng, level, seconds, dull);
    }
    out
}

/// Twelve partials that fade the faster the higher they are.
fn pluck(out: &mut [f64], start: usize, hz: f64, level: f64, right: f64, seconds: f64) {
    for partial in (1..=12).take_while(|p| hz * f64::from(*p) < 20_000.0) {
        let p = f64::from(partial);
        let fade = decay(1.0 / (RATE * seconds / (0.6 + 0.4 * p)));
        let mut amplitude = level / p;
        for (k, frame) in out[2 * start..].chunks_exact_mut(2).take((6.0 * seconds * RATE) as usize).enumerate() {
            // Two milliseconds of attack, so that no note begins with a click.
            let value = amplitude * sine(hz * p * k as f64 / RATE) * (k as f64 / 96.0).min(1.0);
            frame[0] += value * (1.0 - right);
            frame[1] += value * right;
            amplitude *= fade;
        }
    }
}

/// A burst of noise, different to either side; `dull` is the coefficient of a one-pole low-pass filter.
fn stroke(out: &mut [f64], start: usize, rng: &mut Rng, level: f64, seconds: f64, dull: f64) {
    let fade = decay(1.0 / (RATE * seconds));
    let (mut amplitude, mut low) = (level, [0.0; 2]);
    for frame in out[2 * start..].chunks_exact_mut(2).take((8.0 * seconds * RATE) as usize) {
        for (side, sample) in frame.iter_mut().enumerate() {
            low[side] = dull * low[side] + (1.0 - dull) * white(rng);
            *sample += amplitude * low[side];
        }
        amplitude *= fade;
    }
}

fn note(semitones: i32) -> f64 {
    const SEMITONE: f64 = 1.059_463_094_359_295_3;
    (0..semitones.abs()).fold(55.0, |hz, _| if semitones > 0 { hz * SEMITONE } else { hz / SEMITONE })
}

fn sweep() -> Vec<f64> {
    /// Natural logarithm of 20000 / 50.
    const LN_SPAN: f64 = 5.991_464_547_107_982;
    let up = 1.0 / decay(LN_SPAN / LEN as f64);
    let (mut hz, mut phase) = (50.0, 0.0);
    let faded = |k: usize| (k.min(LEN - 1 - k) as f64 / 480.0).min(1.0);
    let step = |k| {
        phase += hz / RATE;
        hz *= up;
        faded(k) * sine(phase)
    };
    (0..LEN).map(step).collect()
}

fn silence() -> Vec<f64> {
    vec![0.0; LEN]
}

fn noise() -> Vec<f64> {
    let mut rng = Seed(21).stream("synth-noise");
    (0..LEN).map(|_| white(&mut rng)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_functions_are_the_usual_ones() {
        for k in -3000..3000 {
            let x = f64::from(k) / 617.0;
            assert!((sine(x) - (std::f64::consts::TAU * x).sin()).abs() < 1e-10, "{x}");
        }
        for k in 0..=500 {
            let x = f64::from(k) / 1000.0;
            assert!((decay(x) - (-x).exp()).abs() < 1e-9, "{x}");
        }
        assert!((note(12) - 110.0).abs() < 1e-9 && (note(-12) - 27.5).abs() < 1e-9);
    }

    #[test]
    fn samples_are_the_same_on_every_platform() {
        let mut all = blake3::Hasher::new();
        ALL.iter().for_each(|s| {
            all.update(s.clip().hash.as_bytes());
        });
        assert_eq!(
            all.finalize().to_hex().as_str(),
            "915e18b7348374a8a5436a42a7ee35f8cd73511674bdc36c4d002fbef6c3e37f"
        );
    }

    #[test]
    fn every_clip_has_its_length_and_level_and_differs_from_the_others() {
        let clips: Vec<Clip> = ALL.iter().map(Synth::clip).collect();
        let hashes: std::collections::BTreeSet<&str> = clips.iter().map(|c| c.hash.as_str()).collect();
        assert_eq!(hashes.len(), ALL.len());
        for (clip, synth) in clips.iter().zip(&ALL) {
            assert_eq!((clip.id.as_str(), clip.signal.format, clip.signal.len()), (synth.id, synth.format, LEN));
            let peak = clip.signal.samples.iter().map(|s| s.unsigned_abs()).max().unwrap();
            assert_eq!(peak, if synth.id == "synth-silence" { 0 } else { 16_384 }, "{}", synth.id);
        }
    }

    #[test]
    fn voices_rest_at_both_ends_and_pesq_hears_utterances_in_them() {
        for synth in ALL.iter().filter(|s| s.content == Content::Speech) {
            let clip = synth.clip();
            let edge = 48_000 * 4 / 10;
            let quiet = |samples: &[i16]| samples.iter().all(|s| s.unsigned_abs() < 20);
            assert!(quiet(&clip.signal.samples[..edge]) && quiet(&clip.signal.samples[LEN - edge..]), "{}", synth.id);

            let wide = clip.in_format(PcmFormat::mono(16_000)).unwrap();
            let best = pesq::pesq_wb(&wide.samples, &wide.samples).unwrap();
            assert!(best > 4.6, "{}: {best}", synth.id);
            let mut rng = Seed(1).stream("test");
            let worse: Vec<i16> =
                wide.samples.iter().map(|s| s.saturating_add((1000.0 * white(&mut rng)) as i16)).collect();
            let noisy = pesq::pesq_wb(&wide.samples, &worse).unwrap();
            assert!(noisy < 2.5, "{}: {noisy}", synth.id);
        }
    }
}
