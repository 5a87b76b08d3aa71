//! What a call can use against loss: each method alone against its closed form, and all of them together.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::call::{self, Call};
use codecbench::codec::{self, Decoder, Feedback, Input, Request, Settings, Unit};
use codecbench::media::{Clip, Content, Pcm, PcmFormat};
use codecbench::plan::Case;
use codecbench::units::{Bitrate, Probability, Seed, Time, from_ms};
use std::sync::Arc;
use std::time::Duration;

fn request(fmtp: &str, repair: &str) -> Request {
    Request { fmtp: fmtp.parse().unwrap(), repair: repair.parse().unwrap(), ..Default::default() }
}

/// A call of `seconds` after a warm-up of 6 s, 20 ms packets.
fn run(codec: &str, request: Request, receiver: &str, net: &str, seconds: usize) -> Call {
    let mut rng = Seed(9).stream("clip");
    let pcm = match codec {
        "opus" => {
            let voice = codecbench::media::synth::ALL[0].clip().signal.clone();
            let samples = voice.samples.iter().copied().cycle().take(seconds * voice.format.sample_rate as usize);
            Pcm { format: voice.format, samples: samples.collect() }
        }
        _ => {
            let samples = (0..8000 * seconds).map(|_| (rng.normal() * 3000.0) as i16).collect();
            Pcm { format: PcmFormat::mono(8000), samples }
        }
    };
    let clip = Arc::new(Clip::new("clip", Content::Signal, pcm));
    let case = Case {
        request,
        receiver: receiver.parse().unwrap(),
        warm_up: Duration::from_secs(6),
        ..Case::new(clip, codec::audio(codec).unwrap(), net.parse().unwrap(), Seed(3))
    };
    call::run(&case).unwrap()
}

fn pcmu(repair: &str, receiver: &str, net: &str) -> Call {
    run("PCMU", request("", repair), receiver, net, 120)
}

fn fact(call: &Call, id: &str) -> f64 {
    *call.scores.values.get(id).unwrap_or_else(|| panic!("no {id} in {:?}", call.scores.values))
}

const LOSSY: &str = "delay 50ms loss 10%";
/// Of the network loss among 6000 packets: three standard deviations and a little.
const NEAR: f64 = 1.3;

#[test]
fn a_clean_path_sounds_the_same_and_costs_what_the_method_adds() {
    let plain = run("PCMU", request("", ""), "fixed:60ms", "delay 50ms", 10);
    let wire = fact(&plain, "wire-bitrate");
    assert!(!plain.scores.values.contains_key("repair-bitrate"));
    // 160 bytes each 20 ms are 64 kbit/s. RED: a copy with 4 bytes of header, and 1 of its own. FlexFEC, one per 5: 160
    // bytes, 20 of its own header, 12 of RTP, 10 of SRTP, 28 of UDP and IP, ten times a second.
    for (repair, bitrate) in [
        ("nack", 0.0),
        ("red:1", (165.0 * 8.0) * 50.0 / 1000.0),
        ("red:2", (329.0 * 8.0) * 50.0 / 1000.0),
        ("flexfec:5", (230.0 * 8.0) * 10.0 / 1000.0),
    ] {
        let call = run("PCMU", request("", repair), "fixed:60ms", "delay 50ms", 10);
        assert_eq!(call.degraded, plain.degraded, "{repair}");
        let (added, named) = (fact(&call, "wire-bitrate") - wire, fact(&call, "repair-bitrate"));
        assert!((named - bitrate).abs() < 0.2 && (added - bitrate).abs() < 0.2, "{repair}: {named}, {added} kbit/s");
        assert_eq!(fact(&call, "effective-loss"), 0.0);
    }
    let plain = run("opus", request("useinbandfec=1", ""), "fixed:60ms", "delay 50ms", 4);
    for repair in ["dred:500ms", "deep-plc", "red:1 nack flexfec"] {
        let call = run("opus", request("useinbandfec=1", repair), "fixed:60ms", "delay 50ms", 4);
        assert_eq!(call.degraded, plain.degraded, "{repair}");
        assert_eq!(fact(&call, "payload-bitrate"), fact(&plain, "payload-bitrate"));
    }
}

#[test]
fn red_leaves_what_is_lost_with_all_its_copies() {
    for (repair, residual, tolerance) in [("red:1", 1.0, 0.4), ("red:2", 0.1, 0.13)] {
        let call = pcmu(repair, "fixed:100ms", LOSSY);
        let (network, effective) = (fact(&call, "network-loss"), fact(&call, "effective-loss"));
        assert!((network - 10.0).abs() < NEAR, "{network}");
        assert!((effective - residual).abs() < tolerance, "{repair}: {effective} % of {network} % are left");
        assert!((fact(&call, "recovered-red") + effective - network).abs() < 0.05);
        assert!((fact(&call, "concealed") - effective).abs() < 0.1, "{:?}", call.scores.values);
    }
    // A copy comes one packet later: a receiver that waits less has no use for it.
    let hasty = pcmu("red:1", "fixed:10ms", LOSSY);
    assert_eq!(fact(&hasty, "recovered-red"), 0.0);
    assert!((fact(&hasty, "repair-late") - 9.0).abs() < NEAR);
}

#[test]
fn flexfec_rebuilds_one_loss_per_block() {
    // Lost, and one of the three other packets of the block or its repair packet as well: p (1 - (1 - p)^4) = 3.44 %.
    let call = pcmu("flexfec:4", "fixed:150ms", LOSSY);
    let (network, effective) = (fact(&call, "network-loss"), fact(&call, "effective-loss"));
    assert!((network - 10.0).abs() < NEAR && (effective - 3.44).abs() < 0.9, "{effective} % of {network} % are left");
    assert!((fact(&call, "recovered-flexfec") + effective - network).abs() < 0.05);
    // The first packets of a block of 20 wait 400 ms for their repair packet.
    let long = pcmu("flexfec:20", "fixed:60ms", "delay 50ms loss 2%");
    assert!(fact(&long, "repair-late") > 3.0 * fact(&long, "recovered-flexfec"), "{:?}", long.scores.values);
}

#[test]
fn nack_needs_a_round_trip_of_patience() {
    let patient = pcmu("nack", "fixed:500ms", LOSSY);
    assert!(fact(&patient, "effective-loss") < 0.1, "{:?}", patient.scores.values);
    assert!((fact(&patient, "recovered-nack") - fact(&patient, "network-loss")).abs() < 0.1);
    // A request comes through nine times in ten, and so does an answer; what is asked for again was lost on either way:
    // sent again per packet p (1 - p) (1 + q + ...) with q = 1 - (1 - p)^2, which is p / (1 - p) = 11.1 %.
    assert!((fact(&patient, "retransmitted") - 11.1).abs() < 1.5, "{:?}", patient.scores.values);
    // 20 ms until the loss is noticed, 100 ms for the answer: too late after 60 ms.
    let hasty = pcmu("nack", "fixed:60ms", LOSSY);
    assert_eq!(fact(&hasty, "recovered-nack"), 0.0);
    assert!((fact(&hasty, "effective-loss") - fact(&hasty, "network-loss")).abs() < 1e-9);
    assert!((fact(&hasty, "repair-late") - 8.1).abs() < NEAR, "{:?}", hasty.scores.values);
    // On the edge: 20 + 100 ms and less than 130.
    assert!(fact(&pcmu("nack", "fixed:130ms", LOSSY), "effective-loss") < 3.5);
}

#[test]
fn congestion_control_yields_to_a_narrow_link() {
    let call = |repair, rate: &str| {
        let net = format!("delay 40ms rate {rate} queue 300ms");
        run("opus", request("maxaveragebitrate=64000", repair), "adaptive", &net, 30)
    };
    let (stubborn, yielding) = (call("none", "50kbit"), call("gcc", "50kbit"));
    assert!(
        fact(&yielding, "payload-bitrate") < 0.8 * fact(&stubborn, "payload-bitrate"),
        "{:?}",
        yielding.scores.values
    );
    assert!(fact(&yielding, "network-loss") < 0.5 * fact(&stubborn, "network-loss"), "{:?}", yielding.scores.values);
    // Where there is room it takes nothing away.
    let (free, wide) = (call("none", "1mbit"), call("gcc", "1mbit"));
    assert_eq!(fact(&wide, "payload-bitrate"), fact(&free, "payload-bitrate"));
}

#[test]
fn all_at_once_is_better_than_each_and_the_same_each_time() {
    let all = "nack red:1 flexfec:5 dred:500ms deep-plc gcc";
    let call = || run("opus", request("useinbandfec=1", all), "fixed:200ms", "delay 50ms 10ms loss 15% burst 3", 8);
    let (one, two) = (call(), call());
    assert_eq!(one.scores, two.scores);
    assert_eq!(one.degraded, two.degraded);
    let alone = run("opus", request("", "red:1"), "fixed:200ms", "delay 50ms 10ms loss 15% burst 3", 8);
    assert!(fact(&one, "effective-loss") < 0.5 * fact(&alone, "effective-loss"), "{:?}", one.scores.values);
    for (name, value) in [("dred_ms", "500"), ("deep_plc", "on"), ("gcc_max_bitrate", "510000")] {
        assert_eq!(one.scores.effective[name], value);
    }
}

#[test]
fn deep_redundancy_fills_bursts_that_in_band_fec_cannot() {
    let net = "delay 50ms loss 15% burst 4";
    let call = |fmtp, repair| run("opus", request(fmtp, repair), "fixed:200ms", net, 20);
    let (plain, deep, both) = (call("", ""), call("", "dred:500ms"), call("useinbandfec=1", "dred:500ms"));
    assert!(fact(&deep, "dred-reach") > 60.0, "{:?}", deep.scores);
    assert!(deep.scores.observed.dred_reach_ms.is_some() && plain.scores.observed.dred_reach_ms.is_none());
    assert_eq!(fact(&plain, "recovered"), 0.0);
    assert_eq!(fact(&deep, "recovered"), 0.0, "no in-band FEC was negotiated");
    assert!(fact(&deep, "recovered-dred") > 1.0, "{:?}", deep.scores.values);
    assert!(fact(&both, "recovered") > 0.0, "{:?}", both.scores.values);
    assert_eq!(fact(&plain, "effective-loss"), fact(&deep, "effective-loss"), "recovered by the decoder, not there");
}

#[test]
fn congestion_control_stays_below_the_asked_bitrate_and_uses_a_free_path() {
    // No bitrate was asked for: the estimate of 300 kbit/s is used from the first feedback on.
    let free = run("opus", request("", "gcc"), "fixed:60ms", "delay 20ms", 4);
    assert!(fact(&free, "payload-bitrate") > 100.0, "{:?}", free.scores.values);
    let capped = run("opus", request("maxaveragebitrate=24000", "gcc"), "fixed:60ms", "delay 20ms", 4);
    assert!(fact(&capped, "payload-bitrate") < 30.0, "{:?}", capped.scores.values);
    // Heavy loss without delay: the loss-based half backs off.
    let lossy = run("opus", request("", "gcc"), "fixed:60ms", "delay 20ms loss 30%", 10);
    assert!(fact(&lossy, "payload-bitrate") < 0.5 * fact(&free, "payload-bitrate"), "{:?}", lossy.scores.values);
}

#[test]
fn the_encoder_follows_its_target_within_its_bounds() {
    for (fmtp, asked, target, becomes) in [
        ("", None, 12_000, 12_000),
        ("", None, 96_000, 96_000),
        ("maxaveragebitrate=20000", None, 96_000, 20_000),
        ("", Some(Bitrate(40_000)), 96_000, 40_000),
        ("", None, 0, 6_000),
        ("stereo=1", None, 1_000_000, 510_000),
    ] {
        let governed = configure("opus", &Request { bitrate: asked, ..request(fmtp, "gcc") });
        let plain = Request { bitrate: asked, ..request(fmtp, "") };
        let steady = configure("opus", &Request { bitrate: Some(Bitrate(becomes)), ..plain.clone() });
        let told = |settings| encode(settings, 0.0, Some(Bitrate(target)));
        assert_eq!(told(&governed), encode(&steady, 0.0, None), "'{fmtp}' {asked:?} {target}");
        let plain = configure("opus", &plain);
        assert_eq!(told(&plain), encode(&plain, 0.0, None), "without gcc nothing is followed");
    }
}

#[test]
fn recovered_bursts_are_nearer_to_what_was_lost_than_concealed_ones() {
    let settings = configure("opus", &Request { bitrate: Some(Bitrate(32_000)), ..request("", "dred:500ms") });
    let units = encode(&settings, 0.2, None);
    let mut reach = Duration::ZERO;
    // Of each second, 100 ms are lost.
    let decode = |repair: &str, mut recover: Option<&mut Duration>| {
        let settings = configure("opus", &request("", repair));
        let mut decoder: Box<dyn Decoder<Pcm>> = settings.decoder().unwrap();
        let mut out = Pcm::silence(settings.format, 0);
        for (i, unit) in units.iter().enumerate() {
            let place = i % 50;
            let input = match (&mut recover, place) {
                (Some(reach), 40..45) => {
                    let next = &units[(i - place + 45).min(units.len() - 1)].data;
                    **reach = (**reach).max(decoder.reach(next));
                    let offset = settings.frame * (45 - place) as u32;
                    Input::Recover { from: next, offset, missing: settings.frame }
                }
                (None, 40..45) if repair != "none" => Input::Lost(settings.frame),
                _ => Input::Unit(&unit.data),
            };
            let before = out.len();
            decoder.decode(input, &mut out).unwrap();
            assert_eq!(out.len() - before, settings.format.samples(settings.frame));
        }
        levels(&out)
    };
    let clean = decode("none", None);
    let error = |levels: &[f64]| {
        let lost = (0..clean.len()).filter(|i| (40..45).contains(&(i % 50)));
        let errors: Vec<f64> = lost.map(|i| (levels[i] - clean[i]).abs()).collect();
        errors.iter().sum::<f64>() / errors.len() as f64
    };
    let concealed = error(&decode("dred:10ms", None));
    let neural = error(&decode("deep-plc", None));
    let deep = error(&decode("dred:500ms", Some(&mut reach)));
    assert!(reach >= Duration::from_millis(100), "{reach:?}");
    assert!(deep < 0.5 * concealed && deep < neural, "{deep:.1} dB deep, {concealed:.1} plain, {neural:.1} neural");
    assert_ne!(neural, concealed);
}

#[test]
fn other_codecs_say_what_they_have_not() {
    let settings = configure("PCMU", &request("", "nack dred:500ms deep-plc gcc"));
    let named: Vec<&str> = settings.changes.iter().map(|c| c.requested.as_str()).collect();
    assert_eq!(named, ["dred:500ms", "deep-plc", "gcc"]);
}

fn configure(name: &str, request: &Request) -> Settings<Pcm> {
    (codec::audio(name).unwrap().configure)(request, &PcmFormat::mono(48_000)).unwrap()
}

/// The first voice, ten seconds of it, after one report of that loss and one target.
fn encode(settings: &Settings<Pcm>, loss: f64, target: Option<Bitrate>) -> Vec<Unit> {
    let voice = codecbench::media::synth::ALL[0].clip().in_format(settings.format).unwrap();
    let mut encoder = settings.encoder().unwrap();
    let loss = Some(Probability::new(loss).unwrap());
    encoder.adapt(Feedback { at: Time::from_millis(1), loss, target, key_wanted: false }).unwrap();
    let (mut units, frame) = (Vec::new(), settings.format.samples(settings.frame));
    for i in 0..(voice.len() / frame).min(500) {
        encoder.encode(Time::ZERO + settings.frame * i as u32, &voice.slice(i * frame, frame), &mut units).unwrap();
    }
    units
}

/// The level of each 20 ms in dB, silence at 20.
fn levels(pcm: &Pcm) -> Vec<f64> {
    let frame = pcm.format.samples(from_ms(20.0));
    let power = |part: &[i16]| part.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / part.len() as f64;
    pcm.samples.chunks_exact(frame).map(|part| 10.0 * (power(part) + 100.0).log10()).collect()
}
