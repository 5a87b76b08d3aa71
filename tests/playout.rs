//! The receiver alone: hand-made arrivals in, sound and its origins out.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::{Decoder, l16::L16};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::playout::audio::{Origin, Packet, Played, Playout, Receiver};
use codecbench::units::Time;
use std::time::Duration;

const FORMAT: PcmFormat = PcmFormat::mono(8000);
/// Samples of a 20 ms packet.
const FRAME: i64 = 160;

fn decoder() -> Box<dyn Decoder<Pcm>> {
    let settings = (L16.settle)(&Default::default(), &FORMAT).unwrap();
    (L16.decoder)(&settings).unwrap()
}

/// Packet `n` of a ramp, captured from 20 n ms on, that arrives `transit_ms` after its last sample.
fn packet(n: i64, transit_ms: u64) -> Packet {
    let samples = (n * FRAME..(n + 1) * FRAME).map(|s| (s % 30_000) as i16 + 1);
    Packet {
        at: Time::from_millis(20 * (n as u64 + 1) + transit_ms),
        sequence: n,
        position: n * FRAME,
        payload: samples.flat_map(i16::to_be_bytes).collect(),
    }
}

fn play(receiver: Receiver, warm_up: Duration, mut packets: Vec<Packet>, seconds: u64) -> Played {
    packets.sort_by_key(|p| p.at);
    let mut playout = Playout::new(receiver, FORMAT, decoder(), warm_up);
    let mut packets = packets.into_iter().peekable();
    for ms in 0..seconds * 1000 {
        while let Some(p) = packets.next_if(|p| p.at <= Time::from_millis(ms)) {
            playout.insert(p);
        }
        while playout.next_pull().is_some_and(|t| t <= Time::from_millis(ms)) {
            playout.pull().unwrap();
        }
    }
    playout.finish()
}

fn total(played: &Played, origin: Origin) -> usize {
    played.stretches.iter().filter(|s| s.origin == origin).map(|s| s.samples).sum()
}

const FIXED: Receiver = Receiver::Fixed(Duration::from_millis(60));

#[test]
fn a_steady_stream_plays_whole_at_network_delay_plus_target() {
    let played = play(FIXED, Duration::ZERO, (0..200).map(|n| packet(n, 40)).collect(), 4);
    assert_eq!(played.ticks[0].at, Time::from_millis(20 + 40 + 60));
    assert_eq!(played.heard.samples[..30_000 - 1], (1..30_000).collect::<Vec<i16>>());
    assert!(played.stretches.iter().all(|s| s.origin == Origin::Decoded));
}

#[test]
fn a_lost_packet_is_concealed_and_nothing_shifts() {
    let played = play(FIXED, Duration::ZERO, (0..150).filter(|n| *n != 20).map(|n| packet(n, 40)).collect(), 2);
    assert_eq!(total(&played, Origin::Concealed), FRAME as usize);
    assert_eq!(played.heard.samples[21 * FRAME as usize], (21 * FRAME + 1) as i16);
    assert_eq!(played.heard.samples[20 * FRAME as usize], 0, "L16 conceals with silence");
}

#[test]
fn a_packet_after_its_time_is_late_and_one_before_is_not() {
    let on_time = play(FIXED, Duration::ZERO, (0..100).map(|n| packet(n, if n == 20 { 95 } else { 40 })).collect(), 1);
    assert!(on_time.late.is_empty() && total(&on_time, Origin::Concealed) == 0);
    let late = play(FIXED, Duration::ZERO, (0..100).map(|n| packet(n, if n == 20 { 105 } else { 40 })).collect(), 1);
    assert_eq!(late.late, [20]);
    assert_eq!(total(&late, Origin::Concealed), FRAME as usize);
}

#[test]
fn reordered_packets_play_in_order() {
    let swapped =
        play(FIXED, Duration::ZERO, (0..100).map(|n| packet(n, if n % 7 == 3 { 75 } else { 40 })).collect(), 1);
    assert_eq!(swapped.heard.samples[..4000], (1..=4000).collect::<Vec<i16>>());
}

#[test]
fn a_gap_without_missing_sequence_number_is_silence_not_loss() {
    let dtx = |n: i64| Packet { sequence: if n < 20 { n } else { n - 10 }, ..packet(n, 40) };
    let played = play(FIXED, Duration::ZERO, (0..20).chain(30..100).map(dtx).collect(), 1);
    assert_eq!(total(&played, Origin::Silent), 10 * FRAME as usize);
    assert_eq!(total(&played, Origin::Concealed), 0);
}

#[test]
fn the_fixed_receiver_settles_on_the_fastest_packet() {
    // The first packet is 30 ms slow; in the second half of the warm-up that must not count any more.
    let packets = (0..200).map(|n| packet(n, if n == 0 { 70 } else { 40 })).collect();
    let played = play(FIXED, Duration::from_secs(2), packets, 4);
    let tick = played.ticks.last().unwrap();
    let delay = tick.at.as_ms() - tick.position as f64 / 8.0;
    assert_eq!(delay, 20.0 + 40.0 + 60.0);
}

#[test]
fn the_adaptive_receiver_follows_a_delay_step_up() {
    let packets = (0..500).map(|n| packet(n, if n < 150 { 30 } else { 130 })).collect();
    let played = play(Receiver::Adaptive, Duration::ZERO, packets, 9);
    let lost_early = played.late.iter().filter(|n| **n < 150).count();
    let lost_at_the_end = played.late.iter().filter(|n| **n > 300).count();
    assert_eq!((lost_early, lost_at_the_end), (0, 0));
    let tick = played.ticks.last().unwrap();
    let delay = tick.at.as_ms() - tick.position as f64 / 8.0;
    assert!((150.0..=190.0).contains(&delay), "{delay} ms");
}

#[test]
fn receivers_parse_and_print() {
    for text in ["adaptive", "fixed:60ms", "fixed:2.5ms"] {
        assert_eq!(text.parse::<Receiver>().unwrap().to_string(), text);
    }
    for text in ["fixed", "fixed:60", "fixed:-1ms", "fixed:9000ms", "none", ""] {
        assert!(text.parse::<Receiver>().unwrap_err().to_string().contains("fixed:60ms"), "{text}");
    }
}
