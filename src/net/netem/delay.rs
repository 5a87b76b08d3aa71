//! Delay with jitter, as `tabledist()` of `net/sched/sch_netem.c` has it, in whole nanoseconds: uniform in [T-J, T+J), or
//! T + J t / 8192 for a random entry t of a table ([`super::tables`]). A negative value means at once.
//!
//! Packets overtake one another when the jitter is larger than their distance, unless the link has a rate. A correlation of
//! delays is all but without effect: of the correlated draw only the remainder by 2 J or by the size of the table is used.

use super::random::{Correlated, Draw, Prng};
use super::tables::{SCALE, table};
use crate::net::spec::LinkSpec;
use std::time::Duration;

/// Delays of one stream.
pub(super) struct Delays {
    mean: i64,
    draws: Correlated,
}

impl Delays {
    pub(super) fn new(link: &LinkSpec) -> Delays {
        let draws = Correlated::new(Draw::Delay, link.delay_correlation);
        Delays { mean: link.delay.as_nanos() as i64, draws }
    }

    /// The delay of the packet at hand in ns; may be negative.
    pub(super) fn next(&mut self, link: &LinkSpec, prng: &mut Prng) -> i64 {
        if link.jitter.is_zero() {
            return self.mean;
        }
        tabledist(self.mean, link.jitter, self.draws.next(prng), table(&link.distribution))
    }
}

/// What `draw` makes of mean and jitter, in ns. The jitter is at most 2^31 - 1 ns, as in the kernel.
pub(super) fn tabledist(mean: i64, jitter: Duration, draw: u32, table: Option<&[i16]>) -> i64 {
    let sigma = jitter.as_nanos().min(i32::MAX as u128) as i64;
    if sigma == 0 {
        return mean;
    }
    let Some(table) = table else {
        return i64::from(draw) % (2 * sigma) + mean - sigma;
    };
    let t = i64::from(table[draw as usize % table.len()]);
    let x = (sigma % SCALE) * t;
    let rounded = if x >= 0 { x + SCALE / 2 } else { x - SCALE / 2 };
    rounded / SCALE + (sigma / SCALE) * t + mean
}

#[cfg(test)]
mod tests {
    use super::tabledist;
    use crate::net::netem::{Netem, SLOT, tables};
    use crate::net::spec::{Distribution, NetSpec};
    use crate::net::{Direction, Impairment, PacketInfo, Purpose};
    use crate::units::{Seed, Time, ms};
    use std::time::Duration;

    /// The delays in ms of packets that leave one per slot.
    fn delays(words: &str, packets: u64) -> Vec<f64> {
        let spec: NetSpec = words.parse().unwrap();
        let mut netem = Netem::new(spec.forward, spec.chance, Seed(1), Direction::Forward);
        let mut out = Vec::new();
        for n in 0..packets {
            netem.admit(Time(n * SLOT), &PacketInfo { wire_bytes: 100, purpose: Purpose::Media }, &mut out);
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

    #[test]
    fn correlation_of_delays_does_nothing_as_in_netem() {
        let Some(vectors) = crate::net::vectors() else { return };
        const N: usize = 200_000;
        for case in vectors["delay_correlation"]["cases"].as_array().unwrap() {
            let number = |name: &str| case[name].as_f64().unwrap();
            let distribution = case["distribution"].as_str().unwrap();
            let jitter = case["jitter_ms"].as_f64().unwrap_or(5.0);
            let words =
                format!("delay 100ms {jitter}ms {}% distribution {distribution}", number("correlation_percent"));
            for chance in ["grid", "packet"] {
                let x = delays(&format!("{words} chance {chance}"), N as u64);
                let (mean, deviation) = moments(&x);
                let lag =
                    x.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / N as f64 / deviation.powi(2);
                assert!(lag.abs() < 4.0 / (N as f64).sqrt(), "{words}: {lag}");
                let error = 4.0 * number("sd_in_jitter_units") / (2.0 * N as f64).sqrt();
                assert!((deviation / jitter - number("sd_in_jitter_units")).abs() < error, "{words}: {deviation}");
            }
        }
        // Where the jitter is of the order of 2^32 ns, it does something.
        let x = delays("delay 2147ms 2147ms 75% chance packet", N as u64);
        let (mean, deviation) = moments(&x);
        let lag = x.windows(2).map(|w| (w[0] - mean) * (w[1] - mean)).sum::<f64>() / N as f64 / deviation.powi(2);
        assert!((lag - 0.75).abs() < 0.02, "{lag}");
    }

    #[test]
    fn tables_have_the_moments_that_netem_has() {
        for (name, distribution) in [
            ("normal", Distribution::Normal),
            ("pareto", Distribution::Pareto),
            ("paretonormal", Distribution::ParetoNormal),
        ] {
            let x = delays(&format!("delay 100ms 20ms distribution {name}"), 100_000);
            let (mean, deviation) = moments(&x);
            let (m, d) = tables::moments(&distribution);
            assert!((mean - (100.0 + 20.0 * m)).abs() < 4.0 * 20.0 * d / 1e5f64.sqrt(), "{name}: {mean}");
            assert!((deviation - 20.0 * d).abs() < 0.3, "{name}: {deviation}");
            let values = tables::table(&distribution).unwrap();
            let edge = |v: i16| 100.0 + 20.0 * f64::from(v) / 8192.0;
            assert!(x.iter().all(|d| *d >= edge(values[0]) - 1e-6 && *d <= edge(values[4095]) + 1e-6));
        }
    }

    #[test]
    fn a_delay_is_that_of_the_kernels_arithmetic() {
        // By hand: sigma 20,000,001 = 2441 * 8192 + 3329.
        let table = [-8193i16, 4096];
        let sigma = Duration::from_nanos(20_000_001);
        assert_eq!(tabledist(5, sigma, 0, Some(&table)), -((3329 * 8193 + 4096) / 8192) - 2441 * 8193 + 5);
        assert_eq!(tabledist(5, sigma, 3, Some(&table)), (3329 * 4096 + 4096) / 8192 + 2441 * 4096 + 5);
        assert_eq!(tabledist(5, sigma, 40_000_003, None), 1 + 5 - 20_000_001);
        assert_eq!(tabledist(5, Duration::ZERO, 7, None), 5);
        assert_eq!(tabledist(0, Duration::from_secs(9), 0, None), -i64::from(i32::MAX));
    }
}
