//! The receiver alone: hand-made arrivals in, sound and its origins out. What the adaptive receiver adds is in
//! `adaptive.rs`.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::audio::l16::L16;
use codecbench::codec::{Decoder, Input};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::playout::audio::{Origin, Packet, Played, Playout, Receiver};
use codecbench::units::{Time, ms};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const FORMAT: PcmFormat = PcmFormat::mono(8000);
/// Samples of a 20 ms packet.
const FRAME: i64 = 160;

fn decoder() -> Box<dyn Decoder<Pcm>> {
    let settings = (L16.configure)(&Default::default(), &FORMAT).unwrap();
    settings.decoder().unwrap()
}

/// Packet `n` of a ramp, captured from 20 n ms on, that arrives `transit_ms` after its last sample.
fn packet(n: i64, transit_ms: u64) -> Packet {
    let samples = (n * FRAME..(n + 1) * FRAME).map(|s| (s % 30_000) as i16 + 1);
    Packet {
        at: Time::from_millis(20 * (n as u64 + 1) + transit_ms),
        sequence: n,
        position: n * FRAME,
        payload: samples.flat_map(i16::to_be_bytes).collect(),
        redundant: false,
    }
}

fn play(receiver: Receiver, warm_up: Duration, mut packets: Vec<Packet>, seconds: u64) -> Played {
    packets.sort_by_key(|p| p.at);
    run(Playout::new(receiver, FORMAT, decoder(), warm_up, Duration::ZERO), packets, seconds)
}

/// Packets in order of arrival into that receiver.
fn run(mut playout: Playout, packets: Vec<Packet>, seconds: u64) -> Played {
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
fn a_late_copy_of_a_packet_that_was_there_is_not_late() {
    // Every packet again after 200 ms, as a retransmission that nobody needed; every fifth one is lost and only
    // repeated.
    let copies = (0..100).map(|n| packet(n, 240));
    let packets: Vec<Packet> = (0..100).filter(|n| n % 5 != 3).map(|n| packet(n, 40)).chain(copies).collect();
    for receiver in [FIXED, "adaptive".parse().unwrap()] {
        let played = play(receiver, Duration::ZERO, packets.clone(), 1);
        assert!(played.late.iter().all(|n| n % 5 == 3), "{receiver}: {:?}", played.late);
    }
}

#[test]
fn a_copy_in_a_later_packet_is_played_where_the_packet_is_lost_and_only_there() {
    let copy = |n: i64| Packet { at: packet(n + 1, 40).at, redundant: true, ..packet(n, 40) };
    let packets = (0..100).filter(|n| n % 5 != 3).map(|n| packet(n, 40)).chain((0..99).map(copy)).collect();
    let played = play(FIXED, Duration::ZERO, packets, 1);
    assert_eq!(played.heard.samples[..6000], (1..=6000).collect::<Vec<i16>>());
    assert!(played.stretches.iter().take(40).all(|s| s.origin == Origin::Decoded) && played.late.is_empty());
    assert!(played.played.contains(&2) && played.played.contains(&3));
}

#[test]
fn a_packet_takes_the_place_of_its_copy_if_it_comes_in_time() {
    let copy = |n: i64| Packet { redundant: true, payload: vec![0; 2 * FRAME as usize], ..packet(n, 40) };
    let packets = (0..50).map(copy).chain((0..50).map(|n| packet(n, 80))).collect();
    let played = play(FIXED, Duration::ZERO, packets, 1);
    assert!(played.stretches.iter().take(40).all(|s| s.origin == Origin::Decoded));
    assert_eq!(played.heard.samples[..6000], (1..=6000).collect::<Vec<i16>>());
}

/// A decoder that notes what it is asked, and whose packets reach back so far.
struct Deep {
    reach: Duration,
    asked: Arc<Mutex<Vec<(f64, f64)>>>,
}

impl Decoder<Pcm> for Deep {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> codecbench::Result<()> {
        let (samples, value) = match input {
            Input::Unit(data) => (data.len() / 2, 1),
            Input::Recover { offset, missing, .. } => {
                assert!(missing <= offset);
                self.asked.lock().unwrap().push((ms(offset), ms(missing)));
                (FORMAT.samples(missing), 2)
            }
            Input::Lost(missing) => (FORMAT.samples(missing), 3),
        };
        out.samples.extend(std::iter::repeat_n(value, samples));
        Ok(())
    }

    fn reach(&self, _from: &[u8]) -> Duration {
        self.reach
    }
}

fn play_with(decoder: Deep, receiver: Receiver, packets: Vec<Packet>) -> Played {
    run(Playout::new(receiver, FORMAT, Box::new(decoder), Duration::ZERO, Duration::ZERO), packets, 4)
}

#[test]
fn a_hole_is_recovered_oldest_first_as_far_as_the_reach_goes() {
    // Six packets lost behind a delay that still lets the seventh come in time.
    let packets: Vec<Packet> = (0..100).filter(|n| !(50..56).contains(n)).map(|n| packet(n, 40)).collect();
    for (reach, recovered) in [(0, 0), (20, 1), (80, 4), (1000, 6)] {
        let asked = Arc::default();
        let decoder = Deep { reach: Duration::from_millis(reach), asked: Arc::clone(&asked) };
        let played = play_with(decoder, Receiver::Fixed(Duration::from_millis(200)), packets.clone());
        let expected: Vec<(f64, f64)> = (1..=recovered).rev().map(|n| (20.0 * n as f64, 20.0)).collect();
        assert_eq!(*asked.lock().unwrap(), expected, "reach {reach} ms");
        let hole = &played.heard.samples[50 * FRAME as usize..56 * FRAME as usize];
        assert_eq!(hole.iter().filter(|s| **s == 2).count(), recovered * FRAME as usize);
        assert_eq!(hole.iter().filter(|s| **s == 3).count(), (6 - recovered) * FRAME as usize);
        assert!(hole.is_sorted_by(|a, b| a >= b), "concealed first, then recovered");
    }
}

#[test]
fn gstreamer_counts_from_the_first_packet_drops_what_is_late_and_plays_silence_for_it() {
    let receiver = "gstreamer:latency=100ms".parse().unwrap();
    // The first packet is 15 ms slower than the others: that stays in the delay. One comes 116 ms late, one is lost.
    let transit = |n| match n {
        0 => 55,
        20 => 40 + 116,
        _ => 40,
    };
    let packets = (0..100).filter(|n| *n != 50).map(|n| packet(n, transit(n))).collect();
    let played = play(receiver, Duration::from_secs(1), packets, 2);
    assert_eq!(played.ticks[0].at, Time::from_millis(20 + 55 + 100));
    assert_eq!(played.late, [20]);
    assert_eq!(total(&played, Origin::Concealed), 2 * FRAME as usize);
    let frame = |n: usize| &played.heard.samples[n * FRAME as usize..(n + 1) * FRAME as usize];
    assert!([20, 50].iter().all(|n| frame(*n).iter().all(|s| *s == 0)));
    assert_eq!(frame(51)[0], (51 * FRAME + 1) as i16);
    assert!(played.stretches.iter().all(|s| matches!(s.origin, Origin::Decoded | Origin::Concealed)));
}

#[test]
fn receivers_parse_and_print() {
    for text in [
        "adaptive",
        "fixed:60ms",
        "fixed:2.5ms",
        "adaptive:min=40ms",
        "adaptive:max=500ms",
        "adaptive:conceal=codec",
        "gstreamer:latency=200ms",
    ] {
        assert_eq!(text.parse::<Receiver>().unwrap().to_string(), text);
    }
    for (text, canonical) in [
        ("adaptive:max=500ms,min=40ms", "adaptive:min=40ms,max=500ms"),
        ("adaptive:min=0ms,max=2000ms", "adaptive"),
        ("adaptive:conceal=neteq", "adaptive"),
        ("fixed:060.0ms", "fixed:60ms"),
        ("gstreamer", "gstreamer:latency=200ms"),
    ] {
        assert_eq!(text.parse::<Receiver>().unwrap().to_string(), canonical);
    }
    for text in [
        "fixed",
        "fixed:60",
        "fixed:-1ms",
        "fixed:9000ms",
        "none",
        "",
        "adaptive:",
        "adaptive:60ms",
        "adaptive:min=1",
        "adaptive:min=50ms,max=40ms",
        "adaptive:min=1ms,min=2ms",
        "adaptive:min=NaNms",
        "adaptive:mid=3ms",
        "adaptive:conceal=",
        "adaptive:conceal=codec,conceal=codec",
        "gstreamer:200ms",
        "gstreamer:latency=-1ms",
    ] {
        assert!(text.parse::<Receiver>().unwrap_err().to_string().contains("fixed:60ms"), "{text}");
    }
}
