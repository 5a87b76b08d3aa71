//! The adaptive receiver alone, in virtual time: delay, scaling, concealment and sound under hand-made arrivals.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::audio::l16::L16;
use codecbench::codec::{self, Decoder, Request};
use codecbench::media::{Pcm, PcmFormat, synth};
use codecbench::playout::audio::{Origin, Packet, Played, Playout, TICK, Tick};
use codecbench::units::{Seed, Time, ms};
use proptest::prelude::*;
use std::time::Duration;

const FORMAT: PcmFormat = PcmFormat::mono(16_000);
const PER_MS: usize = 16;

fn l16(format: PcmFormat) -> Box<dyn Decoder<Pcm>> {
    (L16.configure)(&Request::default(), &format).unwrap().decoder().unwrap()
}

/// Artificial voice, as long as asked.
fn voice(seconds: usize) -> Vec<i16> {
    let voice = synth::ALL[0].clip().in_format(FORMAT).unwrap();
    voice.samples.iter().copied().cycle().take(seconds * 1000 * PER_MS).collect()
}

/// A tone with two harmonics of slowly moving level.
fn tone(hz: f64, seconds: usize) -> Vec<i16> {
    let at = |n: usize| {
        let t = n as f64 / 16_000.0 * std::f64::consts::TAU;
        let wave = (hz * t).sin() + 0.5 * (2.0 * hz * t + 1.0).sin() + 0.25 * (3.0 * hz * t + 2.0).sin();
        (5000.0 * (1.0 + 0.2 * (1.3 * t).sin()) * wave) as i16
    };
    (0..seconds * 1000 * PER_MS).map(at).collect()
}

/// 20 ms packets of that sound; packet `n` takes `transit_ms(n)`, or is lost.
fn packets(sound: &[i16], transit_ms: impl Fn(u64) -> Option<f64>) -> Vec<Packet> {
    let frames = sound.chunks_exact(20 * PER_MS).enumerate();
    let mut packets: Vec<Packet> = frames
        .filter_map(|(n, frame)| {
            Some(Packet {
                at: Time(20_000_000 * (n as u64 + 1) + (transit_ms(n as u64)? * 1e6) as u64),
                sequence: n as i64,
                position: (n * 20 * PER_MS) as i64,
                payload: frame.iter().flat_map(|s| s.to_be_bytes()).collect(),
                redundant: false,
            })
        })
        .collect();
    packets.sort_by_key(|p| p.at);
    packets
}

/// Plays until the last packet has arrived.
fn play(receiver: &str, packets: Vec<Packet>) -> Played {
    play_with(receiver, packets, FORMAT, l16(FORMAT))
}

fn play_with(receiver: &str, packets: Vec<Packet>, format: PcmFormat, decoder: Box<dyn Decoder<Pcm>>) -> Played {
    let end = packets.last().unwrap().at;
    let mut playout = Playout::new(receiver.parse().unwrap(), format, decoder, Duration::ZERO, Duration::ZERO);
    for packet in packets {
        while playout.next_pull().is_some_and(|t| t < packet.at) {
            playout.pull().unwrap();
        }
        playout.insert(packet);
    }
    while playout.next_pull().is_some_and(|t| t <= end) {
        playout.pull().unwrap();
    }
    playout.finish()
}

/// Milliseconds of that origin that were played from `from_s` on.
fn total(played: &Played, origin: Origin, from_s: f64) -> f64 {
    let late = |s: &&codecbench::playout::audio::Stretch| s.position as f64 >= from_s * 16_000.0;
    let samples: usize = played.stretches.iter().filter(|s| s.origin == origin).filter(late).map(|s| s.samples).sum();
    samples as f64 / PER_MS as f64
}

/// What stands between the network and the ear, in ms: delay beyond frame and `network_ms`.
fn beyond(tick: &Tick, network_ms: f64) -> f64 {
    tick.at.as_ms() - tick.position as f64 / PER_MS as f64 - 20.0 - network_ms
}

fn at(played: &Played, second: f64) -> &Tick {
    played.ticks.iter().rfind(|t| t.at.as_ms() <= 1000.0 * second).unwrap()
}

/// What was heard, but for the step from silence to the first sample.
fn heard(played: &Played) -> &[i16] {
    &played.heard.samples[20 * PER_MS..]
}

/// The largest second difference: what a click raises.
fn bend(sound: &[i16]) -> i32 {
    sound.windows(3).map(|w| (i32::from(w[0]) - 2 * i32::from(w[1]) + i32::from(w[2])).abs()).max().unwrap()
}

fn sane(played: &Played, format: PcmFormat) {
    assert_eq!(played.heard.len(), played.ticks.len() * format.samples(TICK));
    assert!(played.ticks.windows(2).all(|t| t[1].at == t[0].at + TICK));
}

#[test]
fn without_jitter_and_loss_the_delay_falls_to_the_target_and_then_nothing_is_scaled() {
    let sound = voice(60);
    let played = play("adaptive", packets(&sound, |_| Some(40.0)));
    sane(&played, FORMAT);
    for origin in [Origin::Stretched, Origin::Compressed, Origin::Concealed, Origin::Inserted] {
        assert_eq!(total(&played, origin, 10.0), 0.0, "{origin:?}");
    }
    let (early, last) = (at(&played, 10.0), at(&played, 59.0));
    assert_eq!(early.target, Duration::from_millis(20));
    assert_eq!(beyond(early, 40.0), beyond(last, 40.0));
    // Below the target and 20 ms nothing is taken out.
    assert!((10.0..40.0).contains(&beyond(last, 40.0)), "{} ms", beyond(last, 40.0));
    // From there on it is the sound itself.
    let from = played.ticks.iter().position(|t| t == early).unwrap() * 10 * PER_MS;
    let to = early.position as usize;
    assert_eq!(played.heard.samples[from..from + 100_000], sound[to..to + 100_000]);
}

#[test]
fn a_delay_step_conceals_no_more_than_itself_and_the_delay_comes_back_in_20_s() {
    // Up for good, and up for 5 s only.
    for (down_at, last_network) in [(u64::MAX, 240.0), (1250, 40.0)] {
        let step = |n| Some(if (1000..down_at).contains(&n) { 240.0 } else { 40.0 });
        let played = play("adaptive", packets(&voice(60), step));
        sane(&played, FORMAT);
        let made: f64 = [Origin::Concealed, Origin::Inserted].map(|o| total(&played, o, 15.0)).iter().sum();
        assert!((100.0..=240.0).contains(&made), "{made} ms made up");
        let highest = played.ticks.iter().map(|t| t.target).max().unwrap();
        assert!(highest >= Duration::from_millis(200), "{highest:?}");
        for second in [50.0, 59.0] {
            let after = beyond(at(&played, second), last_network);
            assert!((10.0..40.0).contains(&after), "{after} ms at {second} s");
        }
    }
}

#[test]
fn clock_drift_does_not_move_the_buffer_level_in_10_minutes() {
    let sound = voice(600);
    for ppm in [-200.0, 200.0] {
        let played = play("adaptive", packets(&sound, |n| Some(200.0 + n as f64 * 20.0 * ppm * 1e-6)));
        sane(&played, FORMAT);
        let held = |from: f64, to: f64| {
            let span = played.ticks.iter().filter(|t| (from..to).contains(&(t.at.as_ms() / 1000.0)));
            let held: Vec<f64> = span.map(|t| ms(t.held.unwrap())).collect();
            held.iter().sum::<f64>() / held.len() as f64
        };
        for minute in 1..9 {
            let level = held(60.0 * f64::from(minute), 60.0 * f64::from(minute + 1));
            assert!((10.0..60.0).contains(&level), "{ppm} ppm: {level} ms in minute {minute}");
        }
        let scaled = [Origin::Stretched, Origin::Compressed].map(|o| total(&played, o, 30.0));
        let expected = 570_000.0 * 200e-6;
        let right = if ppm > 0.0 { scaled[0] - scaled[1] } else { scaled[1] - scaled[0] };
        assert!((right - expected).abs() < 30.0, "{ppm} ppm: {scaled:?} instead of {expected}");
        assert!(total(&played, Origin::Concealed, 5.0) + total(&played, Origin::Inserted, 5.0) < 60.0);
    }
}

/// The period in samples at which a signal is most like itself, by autocorrelation.
fn pitch(sound: &[i16], lags: std::ops::Range<usize>) -> usize {
    let product =
        |lag: usize| -> f64 { sound.iter().zip(&sound[lag..]).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum() };
    lags.max_by(|a, b| (product(*a) / (sound.len() - a) as f64).total_cmp(&(product(*b) / (sound.len() - b) as f64)))
        .unwrap()
}

#[test]
fn time_scaling_keeps_the_pitch_and_clicks_nowhere() {
    for hz in [95.0, 140.0, 233.0] {
        let sound = tone(hz, 8);
        // A minimum that comes to hold at once makes the buffer grow; a faster path makes it shrink.
        let played = play("adaptive:min=300ms", packets(&sound, |n| Some(if n < 250 { 240.0 } else { 40.0 })));
        let scaled = [Origin::Stretched, Origin::Compressed].map(|o| total(&played, o, 0.0));
        assert!(scaled[0] > 150.0 && scaled[1] > 50.0, "{scaled:?}");
        let made = total(&played, Origin::Concealed, 0.0) + total(&played, Origin::Inserted, 0.0);
        assert_eq!(made, 0.0);
        assert!(
            bend(heard(&played)) <= bend(&sound) * 5 / 4,
            "{hz} Hz: a click: {} against {}",
            bend(heard(&played)),
            bend(&sound)
        );
        let period = 16_000.0 / hz;
        for second in 0..6 {
            let part = &played.heard.samples[second * 16_000..(second + 1) * 16_000];
            let found = pitch(part, 60..180) as f64;
            let periods = (found / period).round();
            assert!((found / periods - period).abs() <= 1.0, "{hz} Hz, second {second}: {found} for {period}");
        }
    }
}

#[test]
fn scaled_voice_has_no_click_above_its_own() {
    let sound = voice(8);
    let played = play("adaptive:min=300ms", packets(&sound, |n| Some(if n < 250 { 240.0 } else { 40.0 })));
    assert!(total(&played, Origin::Stretched, 0.0) > 150.0);
    assert!(bend(heard(&played)) <= bend(&sound) * 5 / 4);
}

#[test]
fn a_loss_begins_and_ends_without_a_click_though_the_decoder_is_mute() {
    let sound = tone(140.0, 8);
    let played = play("adaptive:min=60ms", packets(&sound, |n| (n % 50 != 49 && n % 50 != 48).then_some(40.0)));
    let made = total(&played, Origin::Concealed, 1.0) + total(&played, Origin::Inserted, 1.0);
    assert!(made >= 100.0, "{made}");
    assert!(bend(heard(&played)) <= bend(&sound) * 3 / 2, "{} against {}", bend(heard(&played)), bend(&sound));
}

#[test]
fn a_long_outage_falls_silent_and_ends() {
    let played = play("adaptive", packets(&tone(140.0, 20), |n| (!(500..600).contains(&n)).then_some(40.0)));
    let silent = played.heard.samples.chunks_exact(160).filter(|t| t.iter().all(|s| *s == 0)).count();
    assert!(silent > 100, "{silent} silent ticks in 2 s of outage");
    assert!(beyond(at(&played, 19.0), 40.0) <= 40.0);
}

#[test]
fn bounds_hold() {
    let jitter = |n: u64| Some(40.0 + 150.0 * Seed(1).draw_unit("jitter", &[n]));
    let sound = voice(30);
    let target = |receiver: &str| ms(at(&play(receiver, packets(&sound, jitter)), 29.0).target);
    assert!((120.0..=180.0).contains(&target("adaptive")), "{}", target("adaptive"));
    assert_eq!(target("adaptive:max=60ms"), 60.0);
    assert_eq!(target("adaptive:min=400ms"), 400.0);
}

#[test]
fn jitter_inside_the_target_costs_little_concealment_and_loss_of_packets_counts_none_late() {
    let jitter = |n: u64| Some(40.0 + 60.0 * Seed(2).draw_unit("jitter", &[n]));
    let played = play("adaptive", packets(&voice(60), jitter));
    let made = total(&played, Origin::Concealed, 5.0) + total(&played, Origin::Inserted, 5.0);
    assert!(made < 0.01 * 55_000.0, "{made} ms");
}

#[test]
fn pauses_of_the_sender_are_not_concealed_and_cost_no_delay() {
    let clip = synth::ALL[0].clip();
    let settings = {
        let request = Request { fmtp: "usedtx=1".parse().unwrap(), ..Request::default() };
        (codec::audio("opus").unwrap().configure)(&request, &PcmFormat::mono(48_000)).unwrap()
    };
    let format = settings.format;
    let source = clip.in_format(format).unwrap();
    let frame = format.samples(settings.frame);
    let mut encoder = settings.encoder().unwrap();
    // Four seconds of voice, four of silence, in turn.
    let loudness = |n: usize| if (n / 200).is_multiple_of(2) { 1 } else { 0 };
    let (mut units, frames) = (Vec::new(), 2000);
    for n in 0..frames {
        let start = n * frame % (source.len() - frame);
        let mut part = source.slice(start, frame);
        part.samples.iter_mut().for_each(|s| *s *= loudness(n));
        encoder.encode(Time::ZERO + format.duration(n * frame), &part, &mut units).unwrap();
    }
    assert!(units.len() < frames * 4 / 5, "{} packets: nothing was left out", units.len());
    let jitter = |n: usize| 40.0 + 30.0 * Seed(3).draw_unit("jitter", &[n as u64]);
    let mut packets: Vec<Packet> = units
        .iter()
        .enumerate()
        .map(|(n, unit)| Packet {
            at: unit.pts + unit.duration + Duration::from_micros((1000.0 * jitter(n)) as u64),
            sequence: n as i64,
            position: format.samples(unit.pts.since(Time::ZERO)) as i64,
            payload: unit.data.clone(),
            redundant: false,
        })
        .collect();
    packets.sort_by_key(|p| p.at);
    let decoder = settings.decoder().unwrap();
    let played = play_with("adaptive", packets, format, decoder);
    sane(&played, format);
    let sum = |origin| played.stretches.iter().filter(|s| s.origin == origin).map(|s| s.samples).sum::<usize>() / 48;
    assert!(sum(Origin::Silent) > 8000, "{} ms silent", sum(Origin::Silent));
    assert!(sum(Origin::Concealed) == 0, "{} ms concealed", sum(Origin::Concealed));
    assert!(sum(Origin::Inserted) < 400, "{} ms inserted", sum(Origin::Inserted));
    assert!(played.late.len() * 100 < units.len(), "{} late", played.late.len());
    let delays: Vec<f64> = played.ticks.iter().map(|t| t.at.as_ms() - t.position as f64 / 48.0).collect();
    let worst = delays[1000..].iter().fold(0.0, |a: f64, b| a.max(*b));
    assert!(worst < 20.0 + 70.0 + 100.0, "{worst} ms");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn any_arrivals_give_10_ms_per_pull_and_positions_that_go_back_only_by_what_was_inserted(
        fates in proptest::collection::vec((0u8..10, 0.0f64..400.0, 0.0f64..1.0), 30..150),
        receiver in prop_oneof![Just("adaptive"), Just("adaptive:min=100ms,max=200ms"), Just("fixed:60ms")],
        gap in prop_oneof![Just(0i64), Just(25)],
        loss in 0u8..6,
    ) {
        let sound = voice(3);
        let whole = packets(&sound, |_| Some(20.0));
        let mut arrivals: Vec<Packet> = Vec::new();
        for (packet, (fate, delay, spread)) in whole.into_iter().zip(&fates) {
            let late = |by: f64| packet.at + Duration::from_micros((by * 1000.0) as u64);
            // From a place in the middle on, sequence numbers lag behind: the sender was silent.
            let silent = if packet.sequence > 60 { gap } else { 0 };
            let sequence = packet.sequence - silent;
            if silent > 0 && packet.sequence <= 60 + gap { continue; }
            if *fate >= loss {
                arrivals.push(Packet { at: late(delay * spread), sequence, ..packet.clone() });
            }
            if *fate % 3 == 0 {
                arrivals.push(Packet { at: late(*delay), sequence, redundant: *fate % 2 == 0, ..packet.clone() });
            }
        }
        arrivals.sort_by_key(|p| p.at);
        prop_assume!(!arrivals.is_empty());
        let played = play(receiver, arrivals);
        sane(&played, FORMAT);
        let (mut back, mut longest) = (0, 0);
        for pair in played.ticks.windows(2) {
            back = (pair[0].position - pair[1].position).max(back);
        }
        // All that was made up in one go, or one pitch period.
        let mut run = 0;
        for stretch in &played.stretches {
            let made = !matches!(stretch.origin, Origin::Decoded | Origin::Recovered | Origin::Compressed);
            run = if made { run + stretch.samples } else { 0 };
            longest = run.max(longest);
        }
        prop_assert!(back <= longest as i64, "back by {back}, inserted {longest}");
        prop_assert!(played.late.iter().all(|n| !played.played.contains(n)));
    }
}
