//! What a network does to voice packets: one of 20 ms each, for `codecbench net` and the list of presets.

use super::netem::Netem;
use super::spec::{Distribution, LinkSpec, Loss, NetSpec, Odds};
use super::trace::Kind;
use super::{Direction, Impairment, PacketInfo, Purpose};
use crate::units::{Seed, Time, ms};
use std::time::Duration;

/// The distance of two packets.
pub const SPACING: Duration = Duration::from_millis(20);

/// A packet with 160 bytes of payload: RTP's header, SRTP's tag of 80 bits, UDP and IPv4 around it.
pub const WIRE_BYTES: usize = 160 + 12 + 10 + 8 + 20;

/// One packet and its arrivals: none, it was lost; more than one, it was duplicated.
#[derive(Clone, Debug, PartialEq)]
pub struct Packet {
    pub sent: Time,
    /// Ascending.
    pub arrivals: Vec<Time>,
}

impl Packet {
    /// Of its first arrival, in ms.
    pub fn delay(&self) -> Option<f64> {
        self.arrivals.first().map(|at| ms(at.since(self.sent)))
    }
}

/// Sends `packets` voice packets the way forward, the first at [`Time::ZERO`].
pub fn survey(net: &NetSpec, packets: u64, seed: Seed) -> Vec<Packet> {
    let mut link = Netem::new(net.forward.clone(), net.chance, seed, Direction::Forward);
    let info = PacketInfo { wire_bytes: WIRE_BYTES, purpose: Purpose::Media };
    let mut deliveries = Vec::new();
    let sent = |n| Time(n * SPACING.as_nanos() as u64);
    let mut all: Vec<Packet> = (0..packets).map(|n| Packet { sent: sent(n), arrivals: Vec::new() }).collect();
    for n in 0..=packets {
        match n < packets {
            true => _ = link.admit(sent(n), &info, &mut deliveries),
            false => link.advance(Time(i64::MAX as u64), &mut deliveries),
        }
        // What SRTP would refuse has not arrived.
        for delivery in deliveries.drain(..).filter(|d| !d.corrupt) {
            all[delivery.packet as usize].arrivals.push(delivery.at);
        }
    }
    all.iter_mut().for_each(|packet| packet.arrivals.sort_unstable());
    all
}

/// Figures of a survey. What no packet shows is `None`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    pub packets: usize,
    /// Share of the packets that never arrived.
    pub loss: f64,
    /// Packets lost in a row, on average; `None`: none was lost.
    pub mean_burst: Option<f64>,
    /// Of first arrivals; `None`: none arrived.
    pub delay: Option<Delay>,
    /// Share of the arrived packets that came after a later one (RFC 4737, section 3.3: Type-P-Reordered).
    pub reordered: f64,
    /// Share of the packets that arrived more than once.
    pub duplicated: f64,
}

/// In ms. A percentile is the smallest delay that so many packets do not exceed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Delay {
    pub mean: f64,
    pub sd: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
}

impl Figures {
    /// Of packets in the order in which they were sent.
    pub fn of(packets: &[Packet]) -> Figures {
        let lost = packets.iter().filter(|p| p.arrivals.is_empty()).count();
        let after_good = |n: usize| n == 0 || !packets[n - 1].arrivals.is_empty();
        let bursts = (0..packets.len()).filter(|n| packets[*n].arrivals.is_empty() && after_good(*n)).count();
        let share = |part: usize, whole: usize| if whole > 0 { part as f64 / whole as f64 } else { 0.0 };
        let duplicated = packets.iter().filter(|p| p.arrivals.len() > 1).count();
        Figures {
            packets: packets.len(),
            loss: share(lost, packets.len()),
            mean_burst: (bursts > 0).then(|| lost as f64 / bursts as f64),
            delay: Delay::of(packets.iter().filter_map(Packet::delay).collect()),
            reordered: share(reordered(packets), packets.len() - lost),
            duplicated: share(duplicated, packets.len()),
        }
    }
}

impl Delay {
    fn of(mut delays: Vec<f64>) -> Option<Delay> {
        delays.sort_by(f64::total_cmp);
        let n = delays.len() as f64;
        let percentile = |p: f64| delays.get(((p * n).ceil() as usize).max(1) - 1).copied();
        let mean = delays.iter().sum::<f64>() / n;
        let variance = delays.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / n;
        Some(Delay { mean, sd: variance.sqrt(), p50: percentile(0.5)?, p95: percentile(0.95)?, p99: percentile(0.99)? })
    }
}

/// What the way forward does by its models' closed forms; `None` where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Theory {
    /// Share of the packets that are lost in the long run.
    pub loss: Option<f64>,
    /// Packets in a row.
    pub mean_burst: Option<f64>,
    /// Mean and standard deviation in ms.
    pub delay: Option<(f64, f64)>,
}

impl Theory {
    /// A schedule, a queue, duplicates and slots have no closed form here; a trace that stands alone has its own share.
    pub fn of(net: &NetSpec) -> Theory {
        let link = &net.forward;
        let LinkSpec { rate, slot, trace, duplicate, later, corrupt, .. } = link;
        if rate.is_some() || slot.is_some() || !later.is_empty() || *duplicate != Odds::default() {
            return Theory::default();
        }
        let queue = trace.as_ref().is_some_and(|t| matches!(t.kind, Kind::Opportunities { .. }));
        let alone = trace.is_none() && *corrupt == Odds::default();
        Theory {
            loss: (!queue).then(|| net.asked_loss() / 100.0),
            mean_burst: alone.then(|| burst(link)).flatten(),
            delay: trace.is_none().then(|| moments(link)).flatten(),
        }
    }
}

/// Of independent loss 1/(1-p), of a Gilbert chain 1/r.
fn burst(link: &LinkSpec) -> Option<f64> {
    match link.loss {
        Loss::Random(Odds { p, correlation }) if correlation.get() == 0.0 && p.get() < 1.0 => {
            Some(1.0 / (1.0 - p.get()))
        }
        Loss::GilbertElliott { p, r, bad, good } => {
            let gilbert = bad.get() == 1.0 && good.get() == 0.0 && p.get() > 0.0 && r.get() > 0.0;
            gilbert.then(|| 1.0 / r.get())
        }
        _ => None,
    }
}

/// As long as no delay would be negative, and correlation is none.
fn moments(link: &LinkSpec) -> Option<(f64, f64)> {
    let (mean, jitter) = (ms(link.delay), ms(link.jitter));
    if link.delay_correlation.get() > 0.0 || link.reorder != Odds::default() {
        return None;
    }
    match link.distribution {
        _ if jitter == 0.0 => Some((mean, 0.0)),
        Distribution::Uniform if mean >= jitter => Some((mean, jitter / 3f64.sqrt())),
        // The mean, deviation and least of netem's tables, in deviations asked.
        Distribution::Normal if mean >= 4.0 * jitter => Some((mean, jitter)),
        Distribution::Pareto if mean >= 0.667 * jitter => Some((mean - 0.0335 * jitter, 0.8197 * jitter)),
        Distribution::ParetoNormal if mean >= 1.502 * jitter => Some((mean - 0.0253 * jitter, 0.8339 * jitter)),
        _ => None,
    }
}

/// Packets whose first arrival comes when a later one is there already. At one instant, the one sent first comes first.
fn reordered(packets: &[Packet]) -> usize {
    let mut order: Vec<(Time, usize)> =
        packets.iter().enumerate().filter_map(|(n, p)| Some((*p.arrivals.first()?, n))).collect();
    order.sort_unstable();
    let mut highest = 0;
    let late = |(_, n): &&(Time, usize)| {
        highest = highest.max(*n);
        *n < highest
    };
    order.iter().filter(late).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One packet each 20 ms; its arrivals as delays in ms.
    fn packets(delays: &[&[u64]]) -> Vec<Packet> {
        let packet = |(n, delays): (usize, &&[u64])| {
            let sent = Time::from_millis(20 * n as u64);
            Packet { sent, arrivals: delays.iter().map(|d| sent + Duration::from_millis(*d)).collect() }
        };
        delays.iter().enumerate().map(packet).collect()
    }

    #[test]
    fn figures_of_a_hand_made_survey() {
        // Lost: 1, 2 and 4. The packet sent at 60 ms comes at 160 ms, after those of 100 and 120 ms (at 110 and 130 ms).
        let figures = Figures::of(&packets(&[&[10], &[], &[], &[100], &[], &[10, 30], &[10], &[10]]));
        assert_eq!((figures.packets, figures.loss, figures.mean_burst), (8, 0.375, Some(1.5)));
        assert_eq!((figures.reordered, figures.duplicated), (0.2, 0.125));
        let delay = figures.delay.unwrap();
        assert_eq!((delay.mean, delay.p50, delay.p95, delay.p99), (28.0, 10.0, 100.0, 100.0));
        assert!((delay.sd - 36.0).abs() < 1e-9);
    }

    #[test]
    fn a_network_that_loses_everything_and_one_that_does_nothing() {
        let all = Figures::of(&survey(&"loss 100%".parse().unwrap(), 50, Seed(1)));
        assert_eq!((all.loss, all.mean_burst, all.delay, all.reordered), (1.0, Some(50.0), None, 0.0));
        let none = Figures::of(&survey(&"none".parse().unwrap(), 50, Seed(1)));
        assert_eq!((none.loss, none.mean_burst, none.reordered, none.duplicated), (0.0, None, 0.0, 0.0));
        assert_eq!(none.delay, Some(Delay { mean: 0.0, sd: 0.0, p50: 0.0, p95: 0.0, p99: 0.0 }));
        assert_eq!(Figures::of(&[]).delay, None);
    }

    #[test]
    fn burst_loss_and_jitter_have_their_closed_forms() {
        let net = "delay 50ms 20ms loss gemodel 2% 25% chance packet".parse().unwrap();
        let figures = Figures::of(&survey(&net, 100_000, Seed(5)));
        // p/(p+r) and 1/r; four standard errors, the loss' widened by its bursts.
        assert!((figures.loss - 0.02 / 0.27).abs() < 0.009, "{figures:?}");
        assert!((figures.mean_burst.unwrap() - 4.0).abs() < 0.35, "{figures:?}");
        let delay = figures.delay.unwrap();
        assert!((delay.mean - 50.0).abs() < 0.16 && (delay.sd - 20.0 / 3f64.sqrt()).abs() < 0.1, "{delay:?}");
        assert!((delay.p95 - 68.0).abs() < 0.4, "{delay:?}");
        // A neighbour overtakes if its delay is more than 20 ms less: the share of a triangle, (40-20)²/(2·40²).
        assert!((figures.reordered - 0.125).abs() < 0.01, "{figures:?}");
    }
}
