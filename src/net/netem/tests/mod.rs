mod properties;

use super::*;
use crate::net::spec::{NetSpec, Rate};
use std::time::Duration;

const MEDIA: PacketInfo = PacketInfo { wire_bytes: 100, purpose: Purpose::Media };
const REPAIR: PacketInfo = PacketInfo { wire_bytes: 100, purpose: Purpose::Retransmission };
const RTCP: PacketInfo = PacketInfo { wire_bytes: 100, purpose: Purpose::Control };

fn netem(words: &str, seed: u64, direction: Direction) -> Netem {
    let spec: NetSpec = words.parse().unwrap();
    Netem::new(spec.forward, spec.chance, Seed(seed), direction)
}

/// What becomes of one packet and its copy: the delay in ns, and whether it is whole.
type Fates = Vec<(u64, bool)>;

fn fates(netem: &mut Netem, at: u64, packet: &PacketInfo) -> Fates {
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

/// What was delivered of each packet in the end, as it was told.
fn deliveries(mut netem: Netem, packets: &[(u64, PacketInfo)]) -> Vec<Vec<Delivery>> {
    let (mut told, mut owed) = (Vec::new(), vec![0; packets.len()]);
    for (n, (at, packet)) in packets.iter().enumerate() {
        owed[n] = netem.admit(Time(*at), packet, &mut told);
        owed[n] += told.iter().filter(|d| d.packet == n as u64 && !d.corrupt).count();
    }
    netem.advance(Time(i64::MAX as u64), &mut told);
    assert_eq!(netem.wakes(), None);
    let mut all = vec![Vec::new(); packets.len()];
    told.into_iter().for_each(|d| all[d.packet as usize].push(d));
    let whole = |all: &Vec<Delivery>| all.iter().filter(|d| !d.corrupt).count();
    assert_eq!(all.iter().map(whole).collect::<Vec<_>>(), owed);
    all
}

/// Whole milliseconds after which packets leave that are sent `step` ms apart; `None`: dropped.
fn leaves(words: &str, packets: u64, step: u64) -> Vec<Option<u64>> {
    let packets: Vec<_> = (0..packets).map(|n| (n * step * 1_000_000, MEDIA)).collect();
    let told = deliveries(netem(words, 1, Direction::Forward), &packets);
    told.iter().map(|of_one| of_one.first().map(|d| d.at.0 / 1_000_000)).collect()
}

fn chance(packet: bool) -> Chance {
    if packet { Chance::Packet } else { Chance::Grid }
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
        let share = |of: &dyn Fn(&Fates) -> usize| all.iter().map(of).sum::<usize>() as f64 / N as f64;
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
        let packets: Vec<_> = (1..5000).map(|k| (k * SLOT, MEDIA)).collect();
        let told = deliveries(netem(words, 1, Direction::Forward), &packets);
        let wait = |((at, _), told): (&(u64, PacketInfo), &Vec<Delivery>)| (told[0].at.0 - at) as f64 / 1e6;
        let waits: Vec<f64> = packets.iter().zip(&told).map(wait).collect();
        assert!(waits.iter().all(|w| (2.0..=6.0).contains(w)), "{words}");
        assert!((waits.iter().sum::<f64>() / waits.len() as f64 - 4.0).abs() < 0.1, "{words}");
    }
}

#[test]
fn a_packet_that_comes_moves_the_slot_of_those_not_yet_due() {
    // Alone it is due at 40 ms, past the slot that opened at 0, so at its coming one is drawn for 30 ms; that is given up when it
    // is due, and it leaves at 70. The one at 20 ms finds a slot of 30 ms that is over too early, so one is drawn for 50 ms.
    assert_eq!(leaves("delay 40ms slot 30ms", 1, 20), [Some(70)]);
    assert_eq!(leaves("delay 40ms slot 30ms", 2, 20), [Some(50), Some(80)]);
    assert_eq!(leaves("slot 10ms at 5ms none", 3, 4), [Some(0), Some(5), Some(8)]);
    assert_eq!(leaves("slot 10ms at 5ms slot 20ms", 3, 4), [Some(0), Some(8), Some(28)]);
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
