//! Excitation in the place of lost frames (RFC 3951, section 4.5): the pitch of what was heard last goes on, mixed with
//! noise as far as it was not voiced, and dies away. The RFC leaves its exact form to the implementer.

use super::filter::bounded;

/// Samples of the past that are kept; the longest lag and the stretch that is compared fit in twice.
const KEPT: usize = 320;

/// The pitch is looked for between these lags, 400 to 57 Hz.
const LAGS: std::ops::RangeInclusive<usize> = 20..=140;

/// Samples that are compared with those a lag before.
const COMPARED: usize = 80;

/// Below this mean amplitude the concealment is noise alone: 30 dB.
const QUIET: f32 = 30.0;

/// Remembers the excitation and goes on with it.
pub(super) struct Concealer {
    /// The newest at the end.
    past: Vec<f32>,
    loss: Option<Loss>,
    noise: u32,
}

/// A loss that goes on.
#[derive(Clone, Copy)]
struct Loss {
    /// Samples made so far.
    made: usize,
    /// Samples of one pitch period, and how far the past repeats itself with it, 0 to 1.
    pitch: usize,
    voicing: f32,
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer { past: vec![0.0; KEPT], loss: None, noise: 777 }
    }
}

impl Concealer {
    /// Takes note of the excitation of a received frame; whether a loss came before it.
    pub fn heard(&mut self, excitation: &[f32]) -> bool {
        self.remember(excitation);
        self.loss.take().is_some()
    }

    /// `count` samples to go on with.
    pub fn conceal(&mut self, count: usize) -> Vec<f32> {
        let mut loss = self.loss.unwrap_or_else(|| begun(&self.past));
        loss.made += count;
        let level = fading(loss.made);
        // Two periods are repeated where one is short, lest it buzz.
        let lag = if loss.pitch < 80 { 2 * loss.pitch } else { loss.pitch };
        let voiced = ((loss.voicing - 0.4) / 0.3).clamp(0.0, 1.0);
        let (mut periodic, mut noise) = (self.past.clone(), self.past.clone());
        let mut mixed = Vec::with_capacity(count);
        for i in 0..count {
            let (p, n) = (periodic[periodic.len() - lag], noise[noise.len() - self.random_lag()]);
            noise.push(n);
            let within = [1.0, 0.95, 0.9][(i / 80).min(2)];
            let sample = bounded(within * level * (voiced * p + (1.0 - voiced) * n));
            periodic.push(sample);
            mixed.push(sample);
        }
        let power = mixed.iter().map(|s| s * s).sum::<f32>() / count.max(1) as f32;
        if power.sqrt() < QUIET {
            mixed = noise[noise.len() - count..].iter().map(|n| n * level).collect();
        }
        self.loss = Some(loss);
        self.remember(&mixed);
        mixed
    }

    fn remember(&mut self, excitation: &[f32]) {
        self.past.extend_from_slice(excitation);
        self.past.drain(..self.past.len() - KEPT);
    }

    /// 50 to 119.
    fn random_lag(&mut self) -> usize {
        self.noise = self.noise.wrapping_mul(69_069).wrapping_add(1) & 0x7fff_ffff;
        50 + (self.noise % 70) as usize
    }
}

/// Pitch and voicing of what was heard before the loss.
fn begun(past: &[f32]) -> Loss {
    let newest = &past[KEPT - COMPARED..];
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let energy = product(newest, newest);
    let mut loss = Loss { made: 0, pitch: *LAGS.end(), voicing: 0.0 };
    for pitch in LAGS {
        let before = &past[KEPT - COMPARED - pitch..][..COMPARED];
        let scale = (energy * product(before, before)).sqrt();
        let likeness = if scale > 0.0 { product(newest, before) / scale } else { 0.0 };
        if likeness > loss.voicing {
            loss = Loss { pitch, voicing: likeness, ..loss };
        }
    }
    // The RFC looks at the root of this correlation.
    loss.voicing = loss.voicing.sqrt();
    loss
}

/// The level, over that of the frame before, of a frame that ends so many samples after the loss began: full for 40 ms,
/// nothing after 160 ms.
fn fading(samples: usize) -> f32 {
    match samples {
        0..=320 => 1.0,
        321..=640 => 0.9,
        641..=960 => 0.7,
        961..=1280 => 0.5,
        _ => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(range: std::ops::Range<usize>) -> Vec<f32> {
        range.map(|n| if n % 60 == 7 { 4000.0 } else { (n % 60) as f32 * 5.0 }).collect()
    }

    #[test]
    fn a_voiced_past_goes_on_in_its_pitch() {
        let mut concealer = Concealer::default();
        assert!(!concealer.heard(&pulses(0..480)));
        let made = concealer.conceal(240);
        for (i, (made, expected)) in made.iter().zip(pulses(480..720)).enumerate() {
            assert!((made / expected - 1.0).abs() < 0.16 || expected == 0.0, "sample {i}: {made} for {expected}");
        }
        assert!(concealer.heard(&pulses(720..960)) && !concealer.heard(&pulses(960..1200)));
    }

    #[test]
    fn it_dies_away_and_is_silent_after_160_ms() {
        let mut concealer = Concealer::default();
        concealer.heard(&pulses(0..480));
        let energy = |s: Vec<f32>| s.iter().map(|s| s * s).sum::<f32>();
        let energies: Vec<f32> = (0..10).map(|_| energy(concealer.conceal(160))).collect();
        assert!(energies.windows(3).all(|three| three[2] <= 0.6 * three[0]), "{energies:?}");
        assert!(energies[7] > 0.0 && energies[8] == 0.0, "{energies:?}");
    }

    #[test]
    fn silence_goes_on_as_silence() {
        assert_eq!(Concealer::default().conceal(240), vec![0.0; 240]);
    }
}
