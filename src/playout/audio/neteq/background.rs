//! How loud the background of the sound is, as NetEq estimates it: the energy of quiet stretches whose spectrum is flat.

use super::signal::{autocorrelation, energy, prediction, residual};

/// Samples that are looked at, at any rate, and those of them whose prediction error is.
pub(super) const SPAN: usize = 256;
const RESIDUAL: usize = 64;
const ORDER: usize = 8;
/// Mean square below which a stretch may be background, at the start.
const THRESHOLD: f64 = 500_000.0;
/// Per pull: a factor of four in four seconds.
const RISE: f64 = 1.0035;
/// The threshold's distance from the loudest stretch, as a factor of the mean square: 60 dB.
const DEPTH: f64 = 1e-6;

/// The background of one channel.
pub(super) struct Background {
    threshold: f64,
    loudest: f64,
    mean_square: Option<f64>,
}

impl Default for Background {
    fn default() -> Background {
        Background { threshold: THRESHOLD, loudest: 0.0, mean_square: None }
    }
}

impl Background {
    /// Mean square per sample; `None` as long as none was heard.
    pub fn mean_square(&self) -> Option<f64> {
        self.mean_square
    }

    /// Looks at the last [`SPAN`] samples that were decoded.
    pub fn update(&mut self, recent: &[f32]) {
        // In whole units of 16-bit samples, as everywhere below: sound that begins fainter than one leaves a threshold of one.
        let (total, samples) = (energy(recent), recent.len().max(1) as f64);
        let mean_square = (total / samples).floor();
        if mean_square >= self.threshold.floor() {
            self.loudest = (self.loudest * (1.0 - 1.0 / 1024.0)).max(mean_square);
            self.threshold = (self.threshold * RISE).max(self.loudest * DEPTH);
            return;
        }
        if total <= 0.0 || recent.len() < SPAN {
            return;
        }
        self.threshold = mean_square.max(1.0);
        let Some(filter) = prediction(&autocorrelation(recent, ORDER), ORDER) else { return };
        let rest: Vec<f32> = residual(recent, &filter, RESIDUAL).iter().map(|s| s.round()).collect();
        if mean_square > 0.0 && 5.0 * energy(&rest) >= 16.0 * mean_square {
            self.mean_square = Some(mean_square);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    #[test]
    fn white_noise_is_background_and_a_tone_is_not() {
        let mut rng = Seed(1).stream("noise");
        let mut background = Background::default();
        let tone: Vec<f32> = (0..SPAN).map(|n| 100.0 * (n as f32 * 0.2).sin()).collect();
        background.update(&tone);
        assert_eq!(background.mean_square(), None);
        let noise: Vec<f32> = (0..SPAN).map(|_| (20.0 * rng.normal()) as f32).collect();
        background.update(&noise);
        let found = background.mean_square().unwrap();
        assert!((200.0..700.0).contains(&found), "{found}");
        // Louder sound leaves it as it is.
        background.update(&[8000.0; SPAN]);
        assert_eq!(background.mean_square(), Some(found));
    }
}
