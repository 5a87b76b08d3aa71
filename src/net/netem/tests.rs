use super::*;
use crate::net::spec::NetSpec;
use proptest::prelude::*;

const MEDIA: PacketInfo = PacketInfo { wire_bytes: 100, rtcp: false };
const RTCP: PacketInfo = PacketInfo { wire_bytes: 100, rtcp: true };

fn netem(words: &str, seed: u64, direction: Direction) -> Netem {
    let spec: NetSpec = words.parse().unwrap();
    Netem::new(spec.forward, spec.chance, Seed(seed), direction)
}

/// What becomes of one packet: its delay, or lost.
fn fate(netem: &mut Netem, at: u64, packet: &PacketInfo) -> Option<u64> {
    let mut out = Vec::new();
    netem.admit(Time(at), packet, &mut out);
    assert!(out.len() <= 1);
    out.first().map(|d| d.at.0.checked_sub(at).expect("delivered before it was sent"))
}

fn words() -> impl Strategy<Value = String> {
    let delay = prop_oneof![
        Just(String::new()),
        (0..100u32, 0..100u32).prop_map(|(t, j)| format!("delay {t}ms {j}ms ")),
        (0..100u32, 1..100u32).prop_map(|(t, j)| format!("delay {t}ms {j}ms distribution normal ")),
    ];
    let loss = prop_oneof![
        Just(String::new()),
        (0..=100u32).prop_map(|p| format!("loss {p}%")),
        (0..=100u32, 0..=100u32, 0..=100u32, 0..=100u32)
            .prop_map(|(p, r, h, k)| format!("loss gemodel {p}% {r}% {h}% {k}%")),
    ];
    (delay, loss).prop_map(|(d, l)| d + &l)
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

proptest! {
    #[test]
    fn packets_are_delivered_once_or_dropped_and_never_early(
        words in words(), packet_mode in any::<bool>(), times in times(), seed in any::<u64>()
    ) {
        let words = if packet_mode { words + " chance packet" } else { words };
        let run = || -> Vec<Option<u64>> {
            let mut netem = netem(&words, seed, Direction::Forward);
            times.iter().map(|at| fate(&mut netem, *at, &MEDIA)).collect()
        };
        let fates = run();
        prop_assert_eq!(fates.len(), times.len());
        // Same case, same fates.
        prop_assert_eq!(run(), fates);
    }

    #[test]
    fn two_settings_meet_the_same_weather(words in words(), seed in any::<u64>(), thin in 1..4u64, thick in 1..5u64) {
        // One sends a packet every `thin` slots, the other `thick` packets per slot, with reports in between: the
        // first packet of a slot meets the same for both.
        let (mut one, mut other) = (netem(&words, seed, Direction::Forward), netem(&words, seed, Direction::Forward));
        let sparse: Vec<_> = (0..100).map(|k| fate(&mut one, k * thin * SLOT, &MEDIA)).collect();
        let mut dense = Vec::new();
        for k in 0..100 * thin {
            fate(&mut other, k * SLOT, &RTCP);
            let fates: Vec<_> = (0..thick).map(|i| fate(&mut other, k * SLOT + i * SLOT / thick, &MEDIA)).collect();
            if k % thin == 0 {
                dense.push(fates[0]);
            }
        }
        prop_assert_eq!(sparse, dense);
    }

    #[test]
    fn rtcp_never_shifts_what_media_meets(
        words in words(), packet_mode in any::<bool>(), times in times(), seed in any::<u64>()
    ) {
        let words = if packet_mode { words + " chance packet" } else { words };
        let run = |reports: u64| -> Vec<Option<u64>> {
            let mut netem = netem(&words, seed, Direction::Forward);
            let with_reports = |at: &u64| {
                (0..reports).for_each(|_| _ = fate(&mut netem, *at, &RTCP));
                fate(&mut netem, *at, &MEDIA)
            };
            times.iter().map(with_reports).collect()
        };
        prop_assert_eq!(run(0), run(3));
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
