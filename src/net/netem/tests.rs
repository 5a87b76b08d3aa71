use super::*;
use crate::net::dice::threshold;
use crate::net::spec::NetSpec;
use crate::net::spec::tests::link;
use crate::net::spec::{Odds, Queue, Rate};
use crate::units::{Probability, Rng};
use proptest::prelude::*;
use std::time::Duration;

const MEDIA: PacketInfo = PacketInfo { wire_bytes: 100, rtcp: false };
const RTCP: PacketInfo = PacketInfo { wire_bytes: 100, rtcp: true };

fn netem(words: &str, seed: u64, direction: Direction) -> Netem {
    let spec: NetSpec = words.parse().unwrap();
    Netem::new(spec.forward, spec.chance, Seed(seed), direction)
}

/// What becomes of one packet and its copy: the delay in ns, and whether it is whole.
fn fates(netem: &mut Netem, at: u64, packet: &PacketInfo) -> Vec<(u64, bool)> {
    let mut out = Vec::new();
    netem.admit(Time(at), packet, &mut out);
    assert!(out.len() <= 2);
    let since = |d: &Delivery| d.at.0.checked_sub(at).expect("delivered before it was sent");
    out.iter().map(|d| (since(d), !d.corrupt)).collect()
}

/// What becomes of one packet that is not duplicated: its delay, or lost.
fn fate(netem: &mut Netem, at: u64, packet: &PacketInfo) -> Option<u64> {
    let fates = fates(netem, at, packet);
    assert!(fates.len() <= 1);
    fates.first().map(|f| f.0)
}

/// Whole milliseconds after which packets leave that are sent `step` ms apart; `None`: dropped.
fn leaves(words: &str, packets: u64, step: u64) -> Vec<Option<u64>> {
    let mut netem = netem(words, 1, Direction::Forward);
    let mut leave = |n: u64| fate(&mut netem, n * step * 1_000_000, &MEDIA).map(|d| n * step + d / 1_000_000);
    (0..packets).map(&mut leave).collect()
}

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
        let packet = |at| (at, PacketInfo { wire_bytes: 60 + (rng.bits() % 1400) as usize, rtcp: rng.bits() % 8 == 0 });
        times.into_iter().map(packet).collect()
    })
}

/// Admits all of them; per packet what was delivered, at or after its sending.
fn run(link: &LinkSpec, chance: Chance, seed: u64, packets: &[(u64, PacketInfo)]) -> Vec<Vec<Delivery>> {
    let mut netem = Netem::new(link.clone(), chance, Seed(seed), Direction::Forward);
    let mut admit = |(at, packet): &(u64, PacketInfo)| {
        let mut out = Vec::new();
        netem.admit(Time(*at), packet, &mut out);
        out
    };
    packets.iter().map(&mut admit).collect()
}

fn chance(packet: bool) -> Chance {
    if packet { Chance::Packet } else { Chance::Grid }
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
    fn two_settings_meet_the_same_weather(words in words(), seed in any::<u64>(), thin in 1..4u64, thick in 1..5u64) {
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
    fn rtcp_never_shifts_what_media_meets_where_no_rate_is_set(
        words in words(), packet_mode in any::<bool>(), times in times(), seed in any::<u64>()
    ) {
        let words = if packet_mode { words + " chance packet" } else { words };
        let run = |reports: u64| -> Vec<_> {
            let mut netem = netem(&words, seed, Direction::Forward);
            let with_reports = |at: &u64| {
                (0..reports).for_each(|_| _ = fates(&mut netem, *at, &RTCP));
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

#[test]
fn a_rate_spaces_packets_and_counts_what_frames_add() {
    // 100 bytes at 80 kbit/s are 10 ms; two at once, then one late.
    assert_eq!(leaves("rate 80kbit", 3, 0), [Some(10), Some(20), Some(30)]);
    assert_eq!(leaves("rate 80kbit delay 5ms", 3, 20), [Some(15), Some(35), Some(55)]);
    assert_eq!(leaves("rate 80kbit 50", 2, 0), [Some(15), Some(30)]);
    // Cells of 48 with 5 on top, as ATM has them: 100 bytes are 3 cells of 53, 159 bytes.
    let rate = |cell, cell_overhead| Rate { bytes_per_second: 1000, overhead: 0, cell, cell_overhead };
    assert_eq!(packet_time(&rate(48, 5), 100), 159_000_000);
    assert_eq!(packet_time(&rate(50, 0), 100), 100_000_000);
    assert_eq!(packet_time(&Rate { overhead: -200, ..rate(0, 0) }, 100), 0);
    // Jitter on it delays, and nothing overtakes.
    let jittered: Vec<_> = leaves("rate 800kbit delay 50ms 40ms", 200, 5).into_iter().flatten().collect();
    assert!(jittered.len() == 200 && jittered.windows(2).all(|w| w[0] <= w[1]));
}

#[test]
fn media_and_reports_wait_for_one_link() {
    let mut netem = netem("rate 80kbit", 1, Direction::Forward);
    assert_eq!(fate(&mut netem, 0, &MEDIA), Some(10_000_000));
    assert_eq!(fate(&mut netem, 0, &RTCP), Some(20_000_000));
    assert_eq!(fate(&mut netem, 0, &MEDIA), Some(30_000_000));
}

#[test]
fn a_full_queue_and_a_full_link_drop_what_comes() {
    // What waits 20 ms may, what would wait 30 ms may not.
    let queue = leaves("rate 80kbit queue 20ms", 5, 0);
    assert_eq!(queue, [Some(10), Some(20), Some(30), None, None]);
    assert_eq!(leaves("rate 80kbit queue 3p", 5, 0), queue);
    assert_eq!(leaves("rate 80kbit limit 3", 5, 0), queue);
    // Those on their way count for netem's limit, and not for a queue.
    assert_eq!(leaves("delay 40ms limit 2", 4, 10), [Some(40), Some(50), None, None]);
    assert!(leaves("delay 40ms rate 80kbit queue 1p", 4, 10).iter().all(Option::is_some));
}

#[test]
fn every_so_many_packets_one_is_sent_at_once() {
    for chance in ["packet", "grid"] {
        let words = format!("gap 5 delay 10ms chance {chance}");
        let mut netem = netem(&words, 1, Direction::Forward);
        let at_once: Vec<bool> = (0..20).map(|k| fate(&mut netem, k * SLOT, &MEDIA) == Some(0)).collect();
        assert_eq!(at_once, (0..20).map(|k| k % 5 == 4).collect::<Vec<_>>(), "{chance}");
    }
    let words = "delay 10ms reorder 25%";
    for words in [words.to_owned(), format!("{words} chance packet")] {
        let mut netem = netem(&words, 1, Direction::Forward);
        let share = (0..40_000).filter(|k| fate(&mut netem, k * SLOT, &MEDIA) == Some(0)).count() as f64 / 4e4;
        assert!((share - 0.25).abs() < 4.0 * (0.25 * 0.75 / 4e4f64).sqrt(), "{words}: {share}");
    }
}

#[test]
fn a_copy_has_a_fate_of_its_own_and_no_copy() {
    for chance in ["packet", "grid"] {
        let mut netem = netem(&format!("duplicate 50% loss 20% corrupt 10% chance {chance}"), 1, Direction::Forward);
        const N: usize = 40_000;
        let all: Vec<_> = (0..N as u64).map(|k| fates(&mut netem, k * SLOT, &MEDIA)).collect();
        let share = |of: &dyn Fn(&Vec<(u64, bool)>) -> usize| all.iter().map(of).sum::<usize>() as f64 / N as f64;
        // Lost is what is lost and not duplicated; two arrive of what is duplicated, not lost, and its copy not lost.
        for (seen, expected) in [
            (share(&|f| usize::from(f.is_empty())), 0.2 * 0.5),
            (share(&|f| usize::from(f.len() == 2)), 0.5 * 0.8 * 0.8),
            (share(&|f| usize::from(f.first().is_some_and(|f| !f.1))), 0.1 * 0.9),
        ] {
            assert!((seen - expected).abs() < 4.0 * (0.25 / N as f64).sqrt(), "{chance}: {seen} and not {expected}");
        }
    }
}

#[test]
fn packets_leave_in_slots() {
    // The first slot after 0 begins 10 ms after a packet fell due; what falls due in between leaves with it.
    assert_eq!(leaves("slot 10ms", 6, 4), [Some(0), Some(14), Some(14), Some(14), Some(26), Some(26)]);
    assert_eq!(leaves("slot 10ms packets 2", 4, 0), [Some(0), Some(0), Some(10), Some(10)]);
    assert_eq!(leaves("slot 10ms bytes 150", 4, 0), [Some(0), Some(0), Some(10), Some(10)]);
    for words in ["slot 2ms 6ms", "slot distribution uniform 4ms 2ms chance packet"] {
        let mut netem = netem(words, 1, Direction::Forward);
        let mut waits: Vec<f64> = Vec::new();
        for k in 1..5000 {
            waits.push(fate(&mut netem, k * SLOT, &MEDIA).unwrap() as f64 / 1e6);
        }
        assert!(waits.iter().all(|w| (2.0..=6.0).contains(w)), "{words}");
        assert!((waits.iter().sum::<f64>() / waits.len() as f64 - 4.0).abs() < 0.1, "{words}");
    }
}

#[test]
fn a_schedule_changes_the_link_at_its_times() {
    let words = "delay 10ms at 1s delay 30ms at 2s loss 100% at 3s none";
    for chance in ["packet", "grid"] {
        let mut netem = netem(&format!("{words} chance {chance}"), 1, Direction::Forward);
        let mut at = |ms: u64| fate(&mut netem, ms * 1_000_000, &MEDIA).map(|d| d / 1_000_000);
        let seen = [0, 999, 1000, 1999, 2000, 2999, 3000, 9000].map(&mut at);
        assert_eq!(seen, [Some(10), Some(10), Some(30), Some(30), None, None, Some(0), Some(0)]);
    }
    // The other words go on as they were: what is lost does not change when the rate does.
    let lost = |words: &str| -> Vec<bool> { leaves(words, 400, 20).iter().map(Option::is_none).collect() };
    for chance in ["packet", "grid"] {
        let words = format!("loss gemodel 10% 20% rate 1mbit chance {chance}");
        assert_eq!(lost(&words), lost(&format!("{words} at 4s rate 2mbit")), "{chance}");
    }
}

#[test]
fn a_seed_in_the_words_is_the_directions_own() {
    let run = |words: &str, seed| -> Vec<_> {
        let mut netem = netem(words, seed, Direction::Forward);
        (0..100).map(|k| fate(&mut netem, k * SLOT, &MEDIA)).collect()
    };
    assert_eq!(run("seed 5 loss 30%", 1), run("seed 5 loss 30%", 2));
    assert_eq!(run("seed 5 loss 30%", 1), run("loss 30%", 5));
    assert_ne!(run("seed 6 loss 30%", 1), run("seed 5 loss 30%", 1));
}

#[test]
fn a_trace_of_fates_adds_its_delay_and_its_loss() {
    let fates = [Some(5), None, Some(7)].map(|ms| ms.map(Duration::from_millis)).to_vec();
    let kind = Kind::Fates { step: Duration::from_nanos(SLOT), fates };
    let trace = Arc::new(Trace { name: "t".into(), hash: "h".into(), kind });
    let link = LinkSpec { trace: Some(trace), delay: Duration::from_millis(10), ..LinkSpec::default() };
    for by_packet in [false, true] {
        let mut netem = Netem::new(link.clone(), chance(by_packet), Seed(1), Direction::Forward);
        let seen: Vec<_> = (0..6).map(|k| fate(&mut netem, k * SLOT, &MEDIA).map(|d| d / 1_000_000)).collect();
        assert_eq!(seen, [Some(15), None, Some(17), Some(15), None, Some(17)]);
    }
}

#[test]
fn directions_seeds_and_packets_of_a_slot_differ() {
    let run = |seed, direction, step: u64| -> Vec<_> {
        let mut netem = netem("delay 50ms 10ms loss 30%", seed, direction);
        (0..100).map(|k| fate(&mut netem, k * step, &MEDIA)).collect()
    };
    let base = run(1, Direction::Forward, SLOT);
    assert_eq!(base, run(1, Direction::Forward, SLOT));
    assert_ne!(base, run(1, Direction::Back, SLOT));
    assert_ne!(base, run(2, Direction::Forward, SLOT));
    // A hundred packets in one slot have fates of their own.
    let crowd = run(1, Direction::Forward, 1);
    assert!(crowd.iter().any(Option::is_some) && crowd.iter().any(Option::is_none));
    assert_eq!(crowd[0], base[0]);
}

#[test]
fn a_bad_slot_is_bad_for_reports_too() {
    let mut netem = netem("loss gemodel 20% 20%", 5, Direction::Forward);
    for k in 0..1000 {
        assert_eq!(fate(&mut netem, k * SLOT, &MEDIA).is_none(), fate(&mut netem, k * SLOT, &RTCP).is_none());
    }
}

#[test]
fn packets_closer_than_the_jitter_overtake_one_another() {
    let mut netem = netem("delay 50ms 40ms", 1, Direction::Forward);
    let arrivals: Vec<u64> = (0..100).map(|k| k * SLOT + fate(&mut netem, k * SLOT, &MEDIA).unwrap()).collect();
    assert!(arrivals.windows(2).any(|w| w[1] < w[0]));
}
