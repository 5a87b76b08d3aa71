//! The sender's clock, fitted to arrivals: a line by recursive least squares that forgets nothing, but doubts its offset
//! when the network's delay has jumped (libwebrtc, `modules/video_coding/timing/timestamp_extrapolator`).

use crate::units::Time;
use std::time::Duration;

/// Without a picture for so long the fit starts anew.
const SILENCE: Duration = Duration::from_secs(10);
/// The nominal rate, in ticks per ms.
const RATE: f64 = 90.0;
/// Variance of the offset that is not known, in ticks².
const UNKNOWN: f64 = 1e10;
/// Pictures before the fit is used.
const START: u32 = 2;
/// CUSUM of the residuals, in ticks: each counts up to `LARGEST`, less `DRIFT`; a jump when `ALARM` is reached.
const LARGEST: f64 = 7000.0;
const DRIFT: f64 = 6600.0;
const ALARM: f64 = 60_000.0;
/// A rate below this is no clock.
const SLOWEST: f64 = 1e-3;

/// Says when a picture of a timestamp is to be expected.
#[derive(Default)]
pub struct SenderClock {
    fit: Option<Fit>,
}

struct Fit {
    start: Time,
    first: i64,
    /// Arrival and timestamp of the newest picture.
    last: (Time, i64),
    /// Ticks per ms, and ticks at `start`; both counted from `first`.
    line: [f64; 2],
    covariance: [[f64; 2]; 2],
    pictures: u32,
    late: f64,
    early: f64,
}

impl SenderClock {
    /// A picture is complete. One that is older than the last counts only as a sign of another delay.
    pub fn arrived(&mut self, at: Time, timestamp: i64) {
        match &mut self.fit {
            Some(fit) if at.since(fit.last.0) <= SILENCE => fit.arrived(at, timestamp),
            fit => {
                let covariance = [[1.0, 0.0], [0.0, UNKNOWN]];
                let (start, first, last) = (at, timestamp, (at, timestamp));
                let mut new =
                    Fit { start, first, last, line: [RATE, 0.0], covariance, pictures: 0, late: 0.0, early: 0.0 };
                new.arrived(at, timestamp);
                *fit = Some(new);
            }
        }
    }

    /// When a picture of that timestamp is expected; `None` before the first arrival.
    pub fn expected(&self, timestamp: i64) -> Option<Time> {
        let fit = self.fit.as_ref()?;
        let (from, ms) = if fit.pictures < START {
            (fit.last.0, (timestamp - fit.last.1) as f64 / RATE)
        } else if fit.line[0] < SLOWEST {
            (fit.start, 0.0)
        } else {
            (fit.start, ((timestamp - fit.first) as f64 - fit.line[1]) / fit.line[0])
        };
        Some(Time((from.0 as f64 + ms * 1e6).round().max(0.0) as u64))
    }
}

impl Fit {
    fn arrived(&mut self, at: Time, timestamp: i64) {
        let ms = at.as_ms() - self.start.as_ms();
        let residual = (timestamp - self.first) as f64 - ms * self.line[0] - self.line[1];
        if self.jumped(residual) && self.pictures >= START {
            self.covariance[1][1] = UNKNOWN;
        }
        let old = timestamp < self.last.1;
        self.last.0 = at;
        if old {
            return;
        }
        self.last.1 = timestamp;
        let [p, q] = self.covariance;
        let gain = [p[0] * ms + p[1], q[0] * ms + q[1]];
        let variance = 1.0 + ms * gain[0] + gain[1];
        let gain = gain.map(|g| g / variance);
        for (value, gain) in self.line.iter_mut().zip(gain) {
            *value += gain * residual;
        }
        let row = [ms * p[0] + q[0], ms * p[1] + q[1]];
        for (k, own) in self.covariance.iter_mut().enumerate() {
            *own = [own[0] - gain[k] * row[0], own[1] - gain[k] * row[1]];
        }
        self.pictures = (self.pictures + 1).min(START);
    }

    fn jumped(&mut self, residual: f64) -> bool {
        let residual = residual.clamp(-LARGEST, LARGEST);
        self.early = (self.early + residual - DRIFT).max(0.0);
        self.late = (self.late + residual + DRIFT).min(0.0);
        let jumped = self.early > ALARM || self.late < -ALARM;
        if jumped {
            (self.early, self.late) = (0.0, 0.0);
        }
        jumped
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    #[test]
    fn a_steady_path_is_followed_exactly_and_jitter_is_smoothed() {
        let mut clock = SenderClock::default();
        for k in 0..300i64 {
            clock.arrived(Time::from_millis(1000 + 40 * k as u64), 7_000_000 + 3600 * k);
        }
        let expected = clock.expected(7_000_000 + 3600 * 400).unwrap();
        assert!((expected.as_ms() - 17_000.0).abs() < 0.01, "{expected:?}");

        let (mut clock, mut rng) = (SenderClock::default(), Seed(1).stream("jitter"));
        for k in 0..3000u64 {
            let jitter = (rng.unit() * 20e6) as u64;
            clock.arrived(Time(1_000_000_000 + 40_000_000 * k + jitter), 3600 * k as i64);
        }
        let off = clock.expected(3600 * 3000).unwrap().as_ms() - 121_000.0;
        assert!((8.0..12.0).contains(&off), "{off}: the mean of the jitter is 10 ms");
    }

    #[test]
    fn a_longer_path_is_noticed() {
        let mut clock = SenderClock::default();
        let at = |k: u64| Time::from_millis(40 * k + if k < 500 { 100 } else { 400 });
        (0..900).for_each(|k| clock.arrived(at(k), 3600 * k as i64));
        let off = clock.expected(3600 * 900).unwrap().as_ms() - at(900).as_ms();
        // What is below the drift of the detector, 6600 ticks, is left to the fit, which is slow to forget.
        assert!(off.abs() < DRIFT / RATE, "{off}");
        // Silence starts anew.
        let late = Time::from_millis(60_000);
        clock.arrived(late, 3600 * 901);
        assert_eq!(clock.expected(3600 * 901), Some(late));
    }
}
