//! How much delay the jitter of pictures asks for, as libwebrtc estimates it (`modules/video_coding/timing`:
//! `jitter_estimator`, `frame_delay_variation_kalman_filter`, defaults of 2023).
//!
//! How much longer a picture took than the one before is explained by how much larger it is: a line (ms per byte, and ms)
//! that a Kalman filter follows. What the line leaves over is noise with a mean and a variance. The delay asked for lets
//! the largest picture through, and the noise with 2.33 deviations (99 %) less 30 ms.

use crate::units::{Time, from_ms, ms};
use std::collections::VecDeque;
use std::time::Duration;

/// Pictures before the first size filter starts, and before the estimate is kept from falling below the last filtered one.
const START_SIZES: u32 = 5;
const START: u32 = 30;
const FIRST_SIZE: f64 = 500.0;
/// Forgetting of mean and variance of sizes, and decay of the largest.
const FORGET_SIZE: f64 = 0.97;
const DECAY_LARGEST: f64 = 0.9999;
/// In deviations: delays are cut off, are outliers; sizes are outliers.
const CUT: f64 = 3.5;
const OUTLIER: f64 = 15.0;
const SIZE_OUTLIER: f64 = 3.0;
/// A picture smaller than the last by this share of the largest has queued behind it, and says nothing of its own size.
const CONGESTED: f64 = -0.25;
const ALPHA_MOST: u32 = 400;
const NOISE_DEVIATIONS: f64 = 2.33;
const NOISE_OFFSET_MS: f64 = 30.0;
const LEAST_MS: f64 = 1.0;
const MOST_MS: f64 = 10_000.0;
/// What the operating system of a receiver adds.
const SYSTEM_MS: f64 = 10.0;
/// After so many retransmitted pictures the round trip is allowed for, until none came for so long.
const RETRANSMITTED: u32 = 3;
const RETRANSMITTED_FOR: Duration = Duration::from_secs(60);
/// The allowance: so much of the round trip, up to so much (field trial WebRTC-RttMult, on by default).
const ROUND_TRIP_SHARE: f64 = 0.9;
const ROUND_TRIP_MOST_MS: f64 = 200.0;
/// Gaps of which the frame rate is the mean; its bounds. Below 10 fps jitter counts less, below 5 fps not at all.
const GAPS: usize = 30;
const FASTEST: f64 = 200.0;
const SLOW: (f64, f64) = (5.0, 10.0);

pub struct Jitter {
    last: Option<(Time, i64)>,
    last_size: Option<f64>,
    sizes: u32,
    size_sum: f64,
    mean_size: f64,
    variance_size: f64,
    largest: f64,
    kalman: Kalman,
    noise_mean: f64,
    noise_variance: f64,
    alpha: u32,
    last_update: Option<Time>,
    gaps: VecDeque<f64>,
    pictures: u32,
    filtered_ms: f64,
    retransmitted: u32,
    last_retransmitted: Time,
}

impl Default for Jitter {
    fn default() -> Jitter {
        Jitter {
            last: None,
            last_size: None,
            sizes: 0,
            size_sum: 0.0,
            mean_size: FIRST_SIZE,
            variance_size: 100.0,
            largest: FIRST_SIZE,
            kalman: Kalman::default(),
            noise_mean: 0.0,
            noise_variance: 4.0,
            alpha: 1,
            last_update: None,
            gaps: VecDeque::new(),
            pictures: 0,
            filtered_ms: 0.0,
            retransmitted: 0,
            last_retransmitted: Time::ZERO,
        }
    }
}

impl Jitter {
    /// A picture that came without retransmission goes to the decoder at `now`. `at`: when it was complete.
    pub fn picture(&mut self, now: Time, at: Time, timestamp: i64, bytes: usize) {
        let Some((last_at, last_timestamp)) = self.last.replace((at, timestamp)) else {
            return self.update(now, 0.0, bytes as f64);
        };
        if timestamp < last_timestamp {
            self.last = Some((last_at, last_timestamp));
            return;
        }
        let variation = at.as_ms() - last_at.as_ms() - (timestamp - last_timestamp) as f64 / 90.0;
        self.update(now, variation, bytes as f64);
    }

    /// A picture with a retransmitted packet goes to the decoder.
    pub fn retransmitted(&mut self, now: Time) {
        self.retransmitted = (self.retransmitted + 1).min(RETRANSMITTED);
        self.last_retransmitted = now;
    }

    /// The delay asked for.
    pub fn delay(&mut self, now: Time, round_trip: Duration) -> Duration {
        if now.since(self.last_retransmitted) > RETRANSMITTED_FOR {
            self.retransmitted = 0;
        }
        let mut delay = (self.estimate() + SYSTEM_MS).max(self.filtered_ms);
        if self.retransmitted >= RETRANSMITTED {
            delay += (ms(round_trip) * ROUND_TRIP_SHARE).min(ROUND_TRIP_MOST_MS);
        }
        let share = self.frame_rate().map_or(1.0, |rate| ((rate - SLOW.0) / (SLOW.1 - SLOW.0)).clamp(0.0, 1.0));
        from_ms(delay * share)
    }

    fn update(&mut self, now: Time, variation: f64, size: f64) {
        if size == 0.0 {
            return;
        }
        let step = size - self.last_size.unwrap_or(0.0);
        self.size(size);
        if self.last_size.replace(size).is_none() {
            return;
        }
        let deviation = self.noise_variance.sqrt();
        let most = CUT * deviation + 0.5;
        let variation = variation.clamp(-most, most);
        let rest = variation - self.kalman.expected(step);
        let large = size > self.mean_size + SIZE_OUTLIER * self.variance_size.sqrt();
        if rest.abs() < OUTLIER * deviation || large {
            if step > CONGESTED * self.largest {
                self.noise(now, rest);
                self.kalman.update(variation, step, self.largest, self.noise_variance);
            }
        } else {
            self.noise(now, (OUTLIER * deviation).copysign(rest));
        }
        if self.pictures < START {
            self.pictures += 1;
        } else {
            self.filtered_ms = self.estimate();
        }
    }

    fn size(&mut self, size: f64) {
        if self.sizes < START_SIZES {
            self.size_sum += size;
            self.sizes += 1;
        } else if self.sizes == START_SIZES {
            self.mean_size = self.size_sum / f64::from(START_SIZES);
            self.sizes += 1;
        }
        let mean = FORGET_SIZE * self.mean_size + (1.0 - FORGET_SIZE) * size;
        if size < self.mean_size + 2.0 * self.variance_size.sqrt() {
            // A key picture does not move the mean.
            self.mean_size = mean;
        }
        let variance = FORGET_SIZE * self.variance_size + (1.0 - FORGET_SIZE) * (size - mean).powi(2);
        self.variance_size = variance.max(1.0);
        self.largest = (DECAY_LARGEST * self.largest).max(size);
    }

    fn noise(&mut self, now: Time, rest: f64) {
        if let Some(last) = self.last_update.replace(now) {
            self.gaps.push_back(ms(now.since(last)));
            if self.gaps.len() > GAPS {
                self.gaps.pop_front();
            }
        }
        let alpha = f64::from(self.alpha - 1) / f64::from(self.alpha);
        self.alpha = (self.alpha + 1).min(ALPHA_MOST);
        // Slow streams forget as fast in time as one of 30 fps; the rate is trusted bit by bit at the start.
        let scale = self.frame_rate().map_or(1.0, |rate| {
            let trust = f64::from(self.alpha.min(START)) / f64::from(START);
            trust * (30.0 / rate) + 1.0 - trust
        });
        let alpha = alpha.powf(scale);
        let variance = alpha * self.noise_variance + (1.0 - alpha) * (rest - self.noise_mean).powi(2);
        self.noise_mean = alpha * self.noise_mean + (1.0 - alpha) * rest;
        // Never zero, or every picture would be an outlier for ever.
        self.noise_variance = variance.max(1.0);
    }

    fn estimate(&self) -> f64 {
        let noise = (NOISE_DEVIATIONS * self.noise_variance.sqrt() - NOISE_OFFSET_MS).max(1.0);
        (self.kalman.slope * (self.largest - self.mean_size) + noise).clamp(LEAST_MS, MOST_MS)
    }

    fn frame_rate(&self) -> Option<f64> {
        let mean = self.gaps.iter().sum::<f64>() / self.gaps.len() as f64;
        (mean > 0.0).then(|| (1000.0 / mean).min(FASTEST))
    }
}

/// Delay variation by size variation: `slope` in ms per byte, `offset` in ms.
struct Kalman {
    slope: f64,
    offset: f64,
    covariance: [[f64; 2]; 2],
}

/// 8 Gbit/s.
const STEEPEST: f64 = 1e-6;
const PROCESS_NOISE: [f64; 2] = [2.5e-10, 1e-10];

impl Default for Kalman {
    fn default() -> Kalman {
        // libwebrtc's first slope; "512 kbit/s" by its comment, which leaves out a factor of 1000.
        Kalman { slope: 8.0 / 512e3, offset: 0.0, covariance: [[1e-4, 0.0], [0.0, 1e2]] }
    }
}

impl Kalman {
    fn expected(&self, step: f64) -> f64 {
        self.slope * step + self.offset
    }

    fn update(&mut self, variation: f64, step: f64, largest: f64, noise_variance: f64) {
        self.covariance[0][0] += PROCESS_NOISE[0];
        self.covariance[1][1] += PROCESS_NOISE[1];
        let [p, q] = self.covariance;
        let innovation = variation - self.expected(step);
        let spread = [p[0] * step + p[1], q[0] * step + q[1]];
        // A deviation where a variance belongs, as in libwebrtc.
        let noise = (300.0 * (-step.abs() / largest).exp() + 1.0) * noise_variance.sqrt();
        let variance = step * spread[0] + spread[1] + noise.max(1.0);
        let gain = spread.map(|s| s / variance);
        self.slope = (self.slope + gain[0] * innovation).max(STEEPEST);
        self.offset += gain[1] * innovation;
        let row = [step * p[0] + q[0], step * p[1] + q[1]];
        for (k, own) in self.covariance.iter_mut().enumerate() {
            *own = [own[0] - gain[k] * row[0], own[1] - gain[k] * row[1]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    /// The delay asked for after so many pictures of 30 fps, whose transit times in ms and sizes in bytes are given.
    fn after(pictures: u64, picture: impl Fn(u64) -> (f64, usize)) -> f64 {
        let mut jitter = Jitter::default();
        for k in 0..pictures {
            let (transit, bytes) = picture(k);
            let at = Time((k as f64 * 100e6 / 3.0 + transit * 1e6) as u64);
            jitter.picture(at, at, 3000 * k as i64, bytes);
        }
        ms(jitter.delay(Time(pictures * 100_000_000 / 3), Duration::ZERO))
    }

    #[test]
    fn a_steady_path_asks_for_the_least() {
        let delay = after(600, |_| (50.0, 1500));
        assert!((10.0..13.0).contains(&delay), "{delay}");
        // The figure that a second implementation in Python gave for key pictures of 6000 bytes at 1 Mbit/s.
        let delay = after(3000, |k| if k % 10 == 0 { (98.0, 6000) } else { (62.0, 1500) });
        assert!((delay - 14.995).abs() < 0.001, "{delay}");
    }

    #[test]
    fn noise_is_asked_for_by_its_deviation() {
        let at = |k: u64| Seed(3).draw_unit("jitter", &[k]);
        let normal = |k: u64| crate::units::normal(at(k), at(k + 1_000_000));
        // The difference of two normal transits of 20 ms: 28.3 ms, cut off at 3.5 deviations.
        let delay = after(3000, |k| (100.0 + 20.0 * normal(k), 1500));
        let expected = 2.33 * 28.3 - 30.0 + 10.0;
        assert!((delay - expected).abs() < 6.0, "{delay}, not {expected}");
    }

    #[test]
    fn large_pictures_are_asked_for_by_the_rate_of_the_link() {
        // 1 Mbit/s: 0.008 ms per byte. Each tenth picture has 6000 bytes, the others 1500. Without noise delays would be cut
        // off at 4 ms; with normal transits of 10 ms the deviation is 14.1 ms.
        let at = |k: u64| Seed(4).draw_unit("jitter", &[k]);
        let delay = after(3000, |k| {
            let bytes = if k % 10 == 0 { 6000 } else { 1500 };
            (150.0 + 10.0 * crate::units::normal(at(k), at(k + 1_000_000)) + 0.008 * bytes as f64, bytes)
        });
        let expected = 0.008 * 4500.0 + 2.33 * 14.1 - 30.0 + 10.0;
        assert!((delay - expected).abs() < 6.0, "{delay}, not {expected}");
    }

    #[test]
    fn the_round_trip_is_allowed_for_after_three_retransmitted_pictures() {
        let mut jitter = Jitter::default();
        let now = Time::from_millis(1000);
        let mut asked = |pictures: u32, at: Time, round_trip: u64| {
            (0..pictures).for_each(|_| jitter.retransmitted(now));
            ms(jitter.delay(at, Duration::from_millis(round_trip)))
        };
        let without = asked(2, now, 100);
        assert_eq!(asked(1, now, 100), without + 90.0);
        assert_eq!(asked(0, now, 1000), without + 200.0);
        assert_eq!(asked(0, Time::from_millis(62_000), 100), without);
    }
}
