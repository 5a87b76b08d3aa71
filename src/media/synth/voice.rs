//! The artificial voice: a glottal pulse train and noise through a chain of moving formants.

use super::tone::{LEN, RATE, decay, sine, white};
use crate::units::{Rng, Seed};

/// The silent edge of a clip, in samples: 0.45 s.
const EDGE: usize = 21_600;
/// Control values change this often, in samples: 1 ms.
const STEP: usize = 48;

struct Talker {
    pitch: f64,
    /// Formant frequencies relative to a man's.
    tract: f64,
    /// Share of a pitch period in which the glottis is open.
    open: f64,
    breath: f64,
    /// Mean length of a vowel, in seconds.
    vowel: f64,
}

const TALKERS: [Talker; 6] = [
    Talker { pitch: 98.0, tract: 0.95, open: 0.50, breath: 0.010, vowel: 0.15 },
    Talker { pitch: 196.0, tract: 1.14, open: 0.65, breath: 0.025, vowel: 0.14 },
    Talker { pitch: 121.0, tract: 1.00, open: 0.55, breath: 0.015, vowel: 0.12 },
    Talker { pitch: 226.0, tract: 1.18, open: 0.62, breath: 0.030, vowel: 0.16 },
    Talker { pitch: 148.0, tract: 1.05, open: 0.60, breath: 0.020, vowel: 0.13 },
    Talker { pitch: 262.0, tract: 1.25, open: 0.60, breath: 0.020, vowel: 0.11 },
];

/// First three formants of eight vowels in Hz, rounded from the usual tables of a man's voice.
const VOWELS: [[f64; 3]; 8] = [
    [730.0, 1090.0, 2440.0],
    [530.0, 1840.0, 2480.0],
    [270.0, 2290.0, 3010.0],
    [570.0, 840.0, 2410.0],
    [300.0, 870.0, 2240.0],
    [660.0, 1720.0, 2410.0],
    [490.0, 1350.0, 1690.0],
    [500.0, 1500.0, 2500.0],
];
const HIGHER: [f64; 2] = [3400.0, 4500.0];
const BANDWIDTHS: [f64; 5] = [70.0, 90.0, 130.0, 200.0, 280.0];

/// What the talker does during one step.
#[derive(Clone, Copy, Default)]
struct Control {
    voiced: f64,
    hiss: f64,
    /// Centre of the hiss in Hz.
    place: f64,
    pitch: f64,
    formants: [f64; 3],
}

/// The clip of talker 0 to 5.
pub(super) fn speak(talker: usize) -> Vec<f64> {
    let t = &TALKERS[talker];
    let mut rng = Seed(talker as u64 + 1).stream("synth-voice");
    let controls = text(t, &mut rng);
    let mut out = Vec::with_capacity(LEN);
    let (mut phase, mut pulse) = (0.0, 1.0);
    let mut formants = [Resonator::default(); 5];
    let (mut hiss, mut last) = (Resonator::default(), 0.0);
    for step in 0..LEN / STEP {
        let c = controls.get(step).copied().unwrap_or_default();
        for (i, formant) in formants.iter_mut().enumerate() {
            let hz = if i < 3 { c.formants[i].max(200.0) } else { HIGHER[i - 3] };
            formant.tune(hz * t.tract, BANDWIDTHS[i]);
        }
        hiss.tune(c.place.max(1500.0), 0.4 * c.place.max(1500.0));
        for _ in 0..STEP {
            phase += c.pitch / RATE;
            if phase >= 1.0 {
                phase -= 1.0;
                // No two periods of a voice are quite the same.
                pulse = 1.0 + 0.06 * white(&mut rng);
            }
            let noise = white(&mut rng);
            let source = c.voiced * (pulse * glottis(phase, t.open) + t.breath * noise);
            let voice = formants.iter_mut().fold(source, |x, f| f.run(x));
            // The difference lets the hiss rise with frequency, as frication does.
            let rough = hiss.run(noise);
            out.push(voice + 1.3 * c.hiss * (rough - last) + 2e-5 * white(&mut rng));
            last = rough;
        }
    }
    out
}

/// Phrases of syllables with pauses between, from edge to edge.
fn text(t: &Talker, rng: &mut Rng) -> Vec<Control> {
    let steps = |seconds: f64| (seconds * RATE) as usize / STEP;
    let end = (LEN - EDGE) / STEP;
    let mut out = vec![Control::default(); EDGE / STEP];
    while out.len() + steps(0.8) < end {
        let length = steps(1.2 + 1.2 * rng.unit()).min(end - out.len());
        let (start, mut before) = (out.len(), VOWELS[7]);
        while out.len() - start < length {
            // The pitch falls along the phrase and jumps a little from syllable to syllable.
            let pitch = t.pitch * (1.15 - 0.3 * (out.len() - start) as f64 / length as f64 + 0.1 * white(rng));
            let vowel = VOWELS[(rng.unit() * 8.0) as usize];
            consonant(&mut out, rng, before, vowel);
            syllable(&mut out, before, vowel, pitch, steps(t.vowel * (0.7 + 0.6 * rng.unit())), 0.7 + 0.3 * rng.unit());
            before = vowel;
        }
        out.truncate(end);
        fade(&mut out, steps(0.03));
        let pause = steps(0.2 + 0.25 * rng.unit());
        out.extend(std::iter::repeat_n(Control::default(), pause));
    }
    out.truncate(end);
    fade(&mut out, steps(0.03));
    out
}

/// A stop (a gap and a burst), a fricative, or nothing but the voice.
fn consonant(out: &mut Vec<Control>, rng: &mut Rng, before: [f64; 3], after: [f64; 3]) {
    let formants = mix(before, after, 0.5);
    let place = 2000.0 + 6000.0 * rng.unit();
    let quiet = Control { formants, place, ..Control::default() };
    match (rng.unit() * 3.0) as u32 {
        0 => {
            out.extend(std::iter::repeat_n(quiet, 45));
            out.extend((0..15).map(|i| Control { hiss: 0.5 * (1.0 - f64::from(i) / 15.0), ..quiet }));
        }
        1 => {
            let length = 60 + (60.0 * rng.unit()) as usize;
            let shape = |i: usize| (i.min(length - i) as f64 / 20.0).min(1.0);
            out.extend((0..length).map(|i| Control { hiss: 0.25 * shape(i), ..quiet }));
        }
        _ => {}
    }
}

/// A vowel: the formants glide to it within its first 40 %, the pitch bends with a slow vibrato.
fn syllable(out: &mut Vec<Control>, from: [f64; 3], to: [f64; 3], pitch: f64, length: usize, level: f64) {
    for i in 0..length {
        let x = i as f64 / length as f64;
        let rise = (i.min(length - i) as f64 / 15.0).min(1.0);
        out.push(Control {
            voiced: level * (0.15 + 0.85 * rise),
            pitch: pitch * (1.0 + 0.03 * sine(0.5 * x) + 0.01 * sine(5.5 * out.len() as f64 / 1000.0)),
            formants: mix(from, to, (x / 0.4).min(1.0)),
            ..Control::default()
        });
    }
}

/// The last `length` steps fade out.
fn fade(out: &mut [Control], length: usize) {
    for (i, c) in out.iter_mut().rev().take(length).enumerate() {
        let gain = i as f64 / length as f64;
        (c.voiced, c.hiss) = (c.voiced * gain, c.hiss * gain);
    }
}

fn mix(a: [f64; 3], b: [f64; 3], x: f64) -> [f64; 3] {
    std::array::from_fn(|i| a[i] + (b[i] - a[i]) * x)
}

/// The derivative of the air flow at this phase of the pitch period: the flow is x^2 - x^3 while the glottis is open, and
/// the jump at its closure is what excites the formants.
fn glottis(phase: f64, open: f64) -> f64 {
    let x = phase / open;
    if x < 1.0 { 2.0 * x - 3.0 * x * x } else { 0.0 }
}

/// A two-pole resonator with gain 1 at 0 Hz.
#[derive(Clone, Copy, Default)]
struct Resonator {
    gain: f64,
    feedback: [f64; 2],
    memory: [f64; 2],
}

impl Resonator {
    fn tune(&mut self, hz: f64, bandwidth: f64) {
        let radius = decay(0.5 * std::f64::consts::TAU * bandwidth / RATE);
        self.feedback = [2.0 * radius * sine(0.25 + hz / RATE), -radius * radius];
        self.gain = 1.0 - self.feedback[0] - self.feedback[1];
    }

    fn run(&mut self, x: f64) -> f64 {
        let y = self.gain * x + self.feedback[0] * self.memory[0] + self.feedback[1] * self.memory[1];
        self.memory = [y, self.memory[0]];
        y
    }
}
