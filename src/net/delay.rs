//! Delay with jitter. Packets overtake one another when the jitter is larger than their distance, as in netem without a
//! rate.

use super::netem::{Dice, Draw};
use super::spec::{Distribution, LinkSpec};
use crate::units::normal;
use std::time::Duration;

/// The delay of the packet at hand. Uniform: whole nanoseconds in [T-J, T+J); normal: mean T, standard deviation J. A
/// negative value means at once, as netem has it.
pub(super) fn delay(link: &LinkSpec, dice: &mut Dice) -> Duration {
    if link.jitter.is_zero() {
        return link.delay;
    }
    let jitter = link.jitter.as_nanos() as f64;
    let deviation = match link.distribution {
        Distribution::Uniform => (dice.packet(Draw::Delay) * 2.0 * jitter).floor() - jitter,
        Distribution::Normal => normal(dice.packet(Draw::Delay), dice.packet(Draw::DelayToo)) * jitter,
    };
    Duration::from_nanos((link.delay.as_nanos() as f64 + deviation).round().max(0.0) as u64)
}

#[cfg(test)]
mod tests {
    use crate::net::netem::{Netem, SLOT};
    use crate::net::spec::NetSpec;
    use crate::net::{Direction, Impairment, PacketInfo};
    use crate::units::{Seed, Time, ms};

    /// The delays in ms of packets that leave one per slot.
    fn delays(words: &str, packets: u64) -> Vec<f64> {
        let spec: NetSpec = words.parse().unwrap();
        let mut netem = Netem::new(spec.forward, spec.chance, Seed(1), Direction::Forward);
        let mut out = Vec::new();
        for n in 0..packets {
            netem.admit(Time(n * SLOT), &PacketInfo { wire_bytes: 100, rtcp: false }, &mut out);
        }
        out.iter().enumerate().map(|(n, d)| ms(d.at.since(Time(n as u64 * SLOT)))).collect()
    }

    /// Mean and standard deviation.
    fn moments(x: &[f64]) -> (f64, f64) {
        let mean = x.iter().sum::<f64>() / x.len() as f64;
        (mean, (x.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / x.len() as f64).sqrt())
    }

    #[test]
    fn without_jitter_every_packet_takes_the_same_time() {
        assert!(delays("delay 40ms", 1000).iter().all(|d| *d == 40.0));
        assert!(delays("none", 1000).iter().all(|d| *d == 0.0));
    }

    #[test]
    fn uniform_jitter_fills_its_interval() {
        for chance in ["grid", "packet"] {
            let x = delays(&format!("delay 40ms 10ms chance {chance}"), 100_000);
            let (mean, deviation) = moments(&x);
            assert!(x.iter().all(|d| (30.0..50.0).contains(d)));
            assert!((mean - 40.0).abs() < 4.0 * 10.0 / 3f64.sqrt() / 1e5f64.sqrt(), "{mean}");
            // The standard deviation of a uniform variable is J/sqrt(3).
            assert!((deviation - 10.0 / 3f64.sqrt()).abs() < 0.03, "{deviation}");
            let (least, most) = (x.iter().copied().fold(f64::MAX, f64::min), x.iter().copied().fold(0.0, f64::max));
            assert!(least < 30.01 && most > 49.99);
        }
    }

    #[test]
    fn normal_jitter_has_its_mean_and_deviation() {
        for chance in ["grid", "packet"] {
            let x = delays(&format!("delay 100ms 10ms distribution normal chance {chance}"), 100_000);
            let (mean, deviation) = moments(&x);
            assert!((mean - 100.0).abs() < 4.0 * 10.0 / 1e5f64.sqrt(), "{mean}");
            assert!((deviation - 10.0).abs() < 0.1, "{deviation}");
            let within = x.iter().filter(|d| (*d - 100.0).abs() < 10.0).count() as f64 / 1e5;
            assert!((within - 0.6827).abs() < 0.006, "{within}");
        }
    }

    #[test]
    fn a_delay_below_zero_means_at_once() {
        let x = delays("delay 5ms 10ms", 10_000);
        let at_once = x.iter().filter(|d| **d == 0.0).count() as f64 / 1e4;
        // A quarter of [-5, 15).
        assert!((at_once - 0.25).abs() < 0.02, "{at_once}");
    }
}
