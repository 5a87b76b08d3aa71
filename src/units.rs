//! Quantities with their units as types, and the seed from which all chance comes.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

/// An instant of virtual time, in nanoseconds since the call's first capture (of the warm-up).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub u64);

impl Time {
    pub const ZERO: Time = Time(0);

    pub const fn from_millis(ms: u64) -> Time {
        Time(ms * 1_000_000)
    }

    /// Milliseconds, with fraction.
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time since `earlier`; zero if `earlier` is later.
    pub fn since(self, earlier: Time) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Time;
    fn add(self, d: Duration) -> Time {
        Time(self.0 + d.as_nanos() as u64)
    }
}

impl Sub<Duration> for Time {
    type Output = Time;
    fn sub(self, d: Duration) -> Time {
        Time(self.0.saturating_sub(d.as_nanos() as u64))
    }
}

/// Milliseconds of a duration, with fraction.
pub fn ms(d: Duration) -> f64 {
    d.as_nanos() as f64 / 1e6
}

/// A duration of so many milliseconds, rounded to the nanosecond. Negative values become zero.
pub fn from_ms(ms: f64) -> Duration {
    Duration::from_nanos((ms * 1e6).round().max(0.0) as u64)
}

/// Bits per second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bitrate(pub u32);

impl Bitrate {
    /// "12.8 kbit/s".
    pub fn in_kilobits(self) -> String {
        format!("{} kbit/s", f64::from(self.0) / 1000.0)
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bit/s", self.0)
    }
}

/// A probability, 0 to 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    pub const ZERO: Probability = Probability(0.0);
    pub const ONE: Probability = Probability(1.0);

    pub fn new(p: f64) -> Result<Probability> {
        if (0.0..=1.0).contains(&p) {
            Ok(Probability(p))
        } else {
            Err(Error::usage(format!("a probability must be within 0 and 100 %, not {} %", p * 100.0)))
        }
    }

    pub fn get(self) -> f64 {
        self.0
    }

    pub fn percent(self) -> f64 {
        self.0 * 100.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = Error;
    fn try_from(p: f64) -> Result<Probability> {
        Probability::new(p)
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> f64 {
        p.0
    }
}

/// `5%` as people and tc write it: a percentage, the sign may be missing.
impl FromStr for Probability {
    type Err = Error;
    fn from_str(text: &str) -> Result<Probability> {
        let percent: f64 = text
            .trim_end_matches('%')
            .parse()
            .map_err(|_| Error::usage(format!("'{text}' is not a percentage such as 5%")))?;
        Probability::new(percent / 100.0)
    }
}

/// The seed of a case. Every random number comes from it through a named stream or a named key, so that adding one
/// consumer never changes what another one draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seed(pub u64);

impl Seed {
    /// A sequence of random numbers of its own for `name`.
    pub fn stream(self, name: &str) -> Rng {
        Rng(self.key(name, &[]))
    }

    /// One random number that depends on the seed, `name` and `place` alone: for chance on a time grid, where what a
    /// packet meets must not depend on how many packets came before.
    pub fn draw(self, name: &str, place: &[u64]) -> u64 {
        mix(self.key(name, place))
    }

    /// As [`Seed::draw`], uniform in [0, 1).
    pub fn draw_unit(self, name: &str, place: &[u64]) -> f64 {
        unit(self.draw(name, place))
    }

    fn key(self, name: &str, place: &[u64]) -> u64 {
        let mut key = mix(self.0 ^ 0x636f_6465_6362_656e);
        for byte in name.bytes() {
            key = mix(key ^ u64::from(byte));
        }
        for p in place {
            key = mix(key ^ p.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        }
        key
    }
}

/// SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// Uniform over all 64-bit numbers.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Uniform in [0, 1).
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// Standard normal (Box-Muller, the first of the pair).
    pub fn normal(&mut self) -> f64 {
        normal(self.unit(), self.unit())
    }
}

/// Box-Muller: two uniforms in [0, 1) to one standard normal.
pub fn normal(u: f64, v: f64) -> f64 {
    (-2.0 * (1.0 - u).ln()).sqrt() * (std::f64::consts::TAU * v).cos()
}

fn unit(x: u64) -> f64 {
    (x >> 11) as f64 / (1u64 << 53) as f64
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splitmix_equals_its_published_sequence() {
        // First outputs for state 1234567 as printed by the reference implementation.
        let mut rng = Rng(1_234_567);
        assert_eq!(rng.bits(), 6_457_827_717_110_365_317);
        assert_eq!(rng.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn draws_are_uniform_and_depend_on_every_part_of_their_key() {
        let seed = Seed(7);
        let n = 100_000;
        let mean = (0..n).map(|k| seed.draw_unit("loss", &[0, k])).sum::<f64>() / n as f64;
        assert!((mean - 0.5).abs() < 4.0 / (12.0 * n as f64).sqrt());
        assert_ne!(seed.draw("loss", &[0, 1]), seed.draw("loss", &[1, 0]));
        assert_ne!(seed.draw("loss", &[0, 1]), seed.draw("delay", &[0, 1]));
        assert_ne!(seed.draw("loss", &[0, 1]), Seed(8).draw("loss", &[0, 1]));
    }

    #[test]
    fn percentages_parse_and_are_bounded() {
        assert_eq!("5%".parse::<Probability>().unwrap().get(), 0.05);
        assert_eq!("0.5".parse::<Probability>().unwrap().get(), 0.005);
        assert!("120%".parse::<Probability>().unwrap_err().to_string().contains("120 %"));
        assert!("-1%".parse::<Probability>().is_err());
        assert!("NaN".parse::<Probability>().is_err());
        assert!("five".parse::<Probability>().is_err());
    }
}
