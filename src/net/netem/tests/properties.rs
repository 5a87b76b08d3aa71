//! What holds for every link, and the kernel's order once more.

use super::*;
use crate::net::netem::random::threshold;
use crate::net::spec::tests::link;
use crate::net::spec::{Odds, Queue};
use crate::units::{Probability, Rng};
use proptest::prelude::*;

/// Words of all that needs no link in common.
fn words() -> impl Strategy<Value = String> {
    let delay = prop_oneof![
        Just(String::new()),
        (0..100u32, 0..100u32, 0..100u32).prop_map(|(t, j, c)| format!("delay {t}ms {j}ms {c}% ")),
        (0..100u32, 1..100u32).prop_map(|(t, j)| format!("delay {t}ms {j}ms distribution pareto ")),
    ];
    let loss = prop_oneof![
        Just(String::new()),
        (0..=100u32, 0..=100u32).prop_map(|(p, c)| format!("loss {p}% {c}% ")),
        (0..=100u32, 0..=100u32, 0..=100u32, 0..=100u32)
            .prop_map(|(p, r, h, k)| format!("loss gemodel {p}% {r}% {h}% {k}% ")),
        (0..=50u32, 0..=50u32, 0..=50u32, 0..=100u32, 0..=50u32)
            .prop_map(|(a, b, c, d, e)| format!("loss state {a}% {b}% {c}% {d}% {e}% ")),
    ];
    let more = (0..=100u32, 0..=100u32, 0..=100u32, 0..=100u32, 1..5u32).prop_map(|(d, c, r, rho, gap)| {
        format!("duplicate {d}% {rho}% corrupt {c}% {rho}% reorder {r}% {rho}% gap {gap} ")
    });
    (delay, loss, prop_oneof![Just(String::new()), more]).prop_map(|(d, l, m)| d + &l + &m)
}

/// Send times that never run backwards.
fn times() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(0..50_000_000u64, 1..200).prop_map(|gaps| {
        let later = |at: &mut u64, gap: &u64| {
            *at += gap;
            Some(*at)
        };
        gaps.iter().scan(0, later).collect()
    })
}

/// Packets of a call, with their sizes.
fn packets() -> impl Strategy<Value = Vec<(u64, PacketInfo)>> {
    (times(), any::<u64>()).prop_map(|(times, seed)| {
        let mut rng = Seed(seed).stream("sizes");
        let packet = |at| {
            (
                at,
                PacketInfo {
                    wire_bytes: 60 + (rng.bits() % 1400) as usize,
                    purpose: if rng.bits().is_multiple_of(8) { Purpose::Control } else { Purpose::Media },
                },
            )
        };
        times.into_iter().map(packet).collect()
    })
}

/// Admits all of them; per packet what was delivered, at or after its sending.
fn run(link: &LinkSpec, chance: Chance, seed: u64, packets: &[(u64, PacketInfo)]) -> Vec<Vec<Delivery>> {
    deliveries(Netem::new(link.clone(), chance, Seed(seed), Direction::Forward), packets)
}

/// A link of some speed without reordering, duplicates or slots, on which no delay can be negative.
fn bottleneck() -> impl Strategy<Value = LinkSpec> {
    (link(), 1000..200_000u64, 0..40u64, 0..5u32, 0..200u64, any::<bool>()).prop_map(
        |(link, speed, jitter, queue, wait, cells)| {
            let cell = if cells { (-8, 53, 5) } else { (14, 0, 0) };
            let rate = Rate { bytes_per_second: speed, overhead: cell.0, cell: cell.1, cell_overhead: cell.2 };
            LinkSpec {
                jitter: Duration::from_millis(jitter),
                delay: Duration::from_millis(jitter * 4 + wait),
                rate: Some(rate),
                queue: match queue {
                    0 => None,
                    1 => Some(Queue::Time(Duration::from_millis(wait))),
                    n => Some(Queue::Packets(n)),
                },
                reorder: Odds::default(),
                gap: 0,
                slot: None,
                duplicate: Odds::default(),
                later: Vec::new(),
                ..link
            }
        },
    )
}

proptest! {
    #[test]
    fn packets_are_conserved_and_never_early(
        link in link(), by_packet in any::<bool>(), packets in packets(), seed in any::<u64>()
    ) {
        let deliveries = run(&link, chance(by_packet), seed, &packets);
        let duplicated = link.phases().any(|(_, l)| l.duplicate != Odds::default());
        let corrupted = link.phases().any(|(_, l)| l.corrupt != Odds::default());
        let (mut sent, mut whole, mut corrupt, mut dropped, mut copies) = (0, 0, 0, 0, 0);
        for ((at, _), out) in packets.iter().zip(&deliveries) {
            prop_assert!(out.iter().all(|d| d.at >= Time(*at)));
            sent += 1;
            whole += out.iter().filter(|d| !d.corrupt).count();
            corrupt += out.iter().filter(|d| d.corrupt).count();
            dropped += usize::from(out.is_empty());
            copies += out.len().saturating_sub(1);
        }
        prop_assert_eq!(sent + copies, whole + corrupt + dropped);
        prop_assert!(duplicated || copies == 0);
        prop_assert!(corrupted || corrupt == 0);
        // Same case, same fates.
        prop_assert_eq!(run(&link, chance(by_packet), seed, &packets), deliveries);
    }

    #[test]
    fn no_more_is_held_than_the_limit(
        link in link(), limit in 1..6u32, by_packet in any::<bool>(), packets in packets(), seed in any::<u64>()
    ) {
        let link = LinkSpec { limit, delay: Duration::from_millis(300), later: Vec::new(), ..link };
        // As in netem, the copy of a packet that was let in is counted before the packet itself.
        let most = limit as usize + usize::from(link.duplicate != Odds::default());
        let deliveries = run(&link, chance(by_packet), seed, &packets);
        for (n, (at, _)) in packets.iter().enumerate() {
            let held = deliveries[..=n].iter().flatten().filter(|d| d.at > Time(*at)).count();
            prop_assert!(held <= most, "{} of {}", held, most);
        }
    }

    #[test]
    fn a_rate_is_never_exceeded_and_nothing_overtakes_on_it(
        link in bottleneck(), by_packet in any::<bool>(), packets in packets(), seed in any::<u64>()
    ) {
        let deliveries = run(&link, chance(by_packet), seed, &packets);
        let rate = link.rate.unwrap();
        let through: Vec<(i64, i64)> = packets.iter().zip(&deliveries)
            .filter_map(|((_, p), out)| out.first().map(|d| (d.at.0 as i64, packet_time(&rate, p.wire_bytes))))
            .collect();
        // In order of sending, each takes its time after the one before: so it holds over every window.
        for pair in through.windows(2) {
            prop_assert!(pair[1].0 - pair[0].0 >= pair[1].1, "{:?}", pair);
        }
        // Without jitter what waits is known to the nanosecond.
        if link.jitter.is_zero() {
            for (n, ((at, p), out)) in packets.iter().zip(&deliveries).enumerate() {
                let arrives = Time(*at) + link.delay;
                let Some(d) = out.first() else { continue };
                let before = deliveries[..n].iter().flatten().filter(|d| d.at > arrives).count();
                match link.queue {
                    None => {}
                    Some(Queue::Time(most)) => {
                        prop_assert!(d.at.since(arrives).as_nanos() as i64 - packet_time(&rate, p.wire_bytes) <= most.as_nanos() as i64);
                    }
                    Some(Queue::Packets(most)) => prop_assert!(before < most as usize),
                }
            }
        }
    }

    #[test]
    fn draws_come_in_the_order_of_the_kernel(
        duplicate in 0..=60u32, loss in 0..=60u32, corrupt in 0..=60u32, reorder in 0..=60u32, gap in 1..4u32,
        jitter in 0..90u32, rate in prop_oneof![Just(None), (20..200u32).prop_map(Some)], times in times(), seed in any::<u64>()
    ) {
        let rated = rate.map_or(String::new(), |r| format!("rate {r}kbit"));
        let words = format!(
            "duplicate {duplicate}% loss {loss}% corrupt {corrupt}% delay 60ms {jitter}ms reorder {reorder}% gap {gap} {rated} limit 12"
        );
        let spec: NetSpec = (words + " chance packet").parse().unwrap();
        let mut kernel = Kernel {
            rng: Seed(seed).stream("net media Forward"),
            odds: [duplicate, loss, corrupt, reorder].map(|p| threshold(Probability::new(f64::from(p) / 100.0).unwrap())),
            gap: if reorder > 0 { gap } else { 0 },
            jitter: i64::from(jitter) * 1_000_000,
            byte_ns: rate.map(|r| 8_000_000 / i64::from(r)).filter(|_| rate.is_some_and(|r| 8_000_000 % r == 0)),
            counter: 0,
            queue: Vec::new(),
        };
        prop_assume!(rate.is_none() || kernel.byte_ns.is_some());
        let mut netem = Netem::new(spec.forward, spec.chance, Seed(seed), Direction::Forward);
        for at in times {
            let expected = kernel.packet(at as i64);
            let seen: Vec<_> = fates(&mut netem, at, &MEDIA).iter().map(|(d, whole)| ((at + d) as i64, !whole)).collect();
            prop_assert_eq!(seen, expected);
        }
    }

    #[test]
    fn two_settings_meet_the_same_realisation(words in words(), seed in any::<u64>(), thin in 1..4u64, thick in 1..5u64) {
        // One sends a packet every `thin` slots, the other `thick` packets per slot, with reports in between: the
        // first packet of a slot meets the same for both.
        let (mut one, mut other) = (netem(&words, seed, Direction::Forward), netem(&words, seed, Direction::Forward));
        let sparse: Vec<_> = (0..100).map(|k| fates(&mut one, k * thin * SLOT, &MEDIA)).collect();
        let mut dense = Vec::new();
        for k in 0..100 * thin {
            fates(&mut other, k * SLOT, &RTCP);
            let fates: Vec<_> = (0..thick).map(|i| fates(&mut other, k * SLOT + i * SLOT / thick, &MEDIA)).collect();
            if k % thin == 0 {
                dense.push(fates[0].clone());
            }
        }
        prop_assert_eq!(sparse, dense);
    }

    #[test]
    fn reports_and_repair_never_shift_what_media_meets_where_no_rate_is_set(
        words in words(), packet_mode in any::<bool>(), times in times(), seed in any::<u64>()
    ) {
        let words = if packet_mode { words + " chance packet" } else { words };
        let run = |reports: u64| -> Vec<_> {
            let mut netem = netem(&words, seed, Direction::Forward);
            let with_reports = |at: &u64| {
                for packet in [RTCP, REPAIR] {
                    (0..reports).for_each(|_| _ = fates(&mut netem, *at, &packet));
                }
                fates(&mut netem, *at, &MEDIA)
            };
            times.iter().map(with_reports).collect()
        };
        prop_assert_eq!(run(0), run(3));
    }
}

/// netem_enqueue() once more, as plainly as can be: packets of 100 bytes, a delay of 60 ms, a limit of 12.
struct Kernel {
    rng: Rng,
    /// Of duplication, loss, corruption and reordering.
    odds: [u32; 4],
    gap: u32,
    jitter: i64,
    /// The time of a byte.
    byte_ns: Option<i64>,
    counter: u32,
    /// What waits: its time of sending.
    queue: Vec<i64>,
}

impl Kernel {
    fn draw(&mut self) -> u32 {
        (self.rng.bits() >> 32) as u32
    }

    fn happens(&mut self, which: usize) -> bool {
        self.odds[which] > 0 && self.odds[which] >= self.draw()
    }

    fn packet(&mut self, now: i64) -> Vec<(i64, bool)> {
        self.queue.retain(|at| *at > now);
        let duplicated = self.happens(0);
        let mut out = Vec::new();
        self.enqueue(now, duplicated, &mut out);
        out
    }

    fn enqueue(&mut self, now: i64, duplicated: bool, out: &mut Vec<(i64, bool)>) {
        let count = 1 + u32::from(duplicated) - u32::from(self.happens(1));
        if count == 0 {
            return;
        }
        let corrupt = self.happens(2);
        if self.queue.len() >= 12 {
            return;
        }
        if count == 2 {
            self.enqueue(now, false, out);
        }
        if self.gap == 0 || self.counter < self.gap - 1 || self.odds[3] < self.draw() {
            let mut delay = 60_000_000;
            if self.jitter > 0 {
                delay += i64::from(self.draw()) % (2 * self.jitter) - self.jitter;
            }
            let mut from = now;
            if let Some(byte) = self.byte_ns {
                if let Some(last) = self.queue.iter().max() {
                    delay = (delay - (last - now)).max(0);
                    from = *last;
                }
                delay += 100 * byte;
            }
            self.counter += 1;
            let at = from + delay;
            if at > now {
                self.queue.push(at);
            }
            out.push((at.max(now), corrupt));
        } else {
            self.counter = 0;
            out.push((now, corrupt));
        }
    }
}
