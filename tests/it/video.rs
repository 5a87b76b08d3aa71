//! Calls of video, end to end: what is shown is what was coded, or it is not shown.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::{self, Codec, Input, Request, Unit};
use codecbench::media::{Clip, Footage, Picture};
use codecbench::plan::Case;
use codecbench::playout::video::{Screen, freezes};
use codecbench::rtp::api::{Described, VideoPacket};
use codecbench::units::{Bitrate, Seed, Time};
use codecbench::{call, corpus};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The first `pictures` of an artificial clip, at a quarter of its size.
fn clip(name: &str, pictures: usize) -> Arc<Clip<Picture>> {
    let whole = corpus::video(name).unwrap().remove(0);
    let mut format = whole.format();
    (format.width, format.height) = (320, 180);
    let mut footage = Footage::clone(&whole.in_format(format).unwrap());
    footage.pictures.truncate(pictures);
    Arc::new(Clip::video(name, whole.content, footage))
}

fn case(
    codec: &'static Codec<Picture>,
    clip: Arc<Clip<Picture>>,
    net: &str,
    repair: &str,
    layers: u8,
) -> Case<Picture> {
    Case {
        request: Request {
            bitrate: Some(Bitrate(300_000)),
            layers: Some(layers),
            repair: repair.parse().unwrap(),
            ..Request::default()
        },
        receiver: "adaptive".parse().unwrap(),
        warm_up: Duration::from_secs(1),
        ..Case::new(clip, codec, net.parse().unwrap(), Seed(1))
    }
}

/// What the decoder makes of all units, by the number of the source picture.
fn decoded(case: &Case<Picture>, units: &[Unit]) -> BTreeMap<u64, Picture> {
    let settings = (case.codec.configure)(&case.request, &case.clip.format()).unwrap();
    let mut decoder = settings.decoder().unwrap();
    let picture = |unit: &Unit| {
        let mut out = Footage::new(settings.format);
        decoder.decode(Input::Unit(&unit.data), &mut out).unwrap();
        assert_eq!(out.pictures.len(), 1, "one picture for each unit");
        (unit.picture.as_ref().unwrap().id, out.pictures.remove(0))
    };
    units.iter().map(picture).collect()
}

#[test]
fn on_a_clean_path_every_picture_is_the_one_that_was_coded() {
    for codec in codec::VIDEO {
        for layers in [1, 3] {
            let case = case(codec, clip("synth-talk", 60), "delay 30ms", "none", layers);
            let seen = call::video::talk(&case).unwrap();
            // The same pictures, coded without a call.
            let settings = (codec.configure)(&case.request, &case.clip.format()).unwrap();
            let mut encoder = settings.encoder().unwrap();
            let mut direct = Vec::new();
            for (tick, picture) in seen.captured(&case).unwrap().iter().enumerate() {
                let pts = Time::ZERO + settings.format.rate.at(tick);
                encoder.encode(pts, picture, &mut direct).unwrap();
            }
            assert!(direct == seen.units(), "{} with {layers} layers codes something else in a call", codec.name);
            let clean = decoded(&case, &direct);
            let pass: Vec<_> = seen.renders().iter().filter(|r| r.picture.is_some()).collect();
            assert!(pass.len() >= 55, "{} with {layers} layers: only {} pictures", codec.name, pass.len());
            for render in pass {
                let tick = seen.tick(render) as u64;
                assert!(render.picture.as_ref() == clean.get(&tick), "{} ({layers} layers), {tick}", codec.name);
            }
        }
    }
}

/// Packets of `units` with their capture times.
fn packets(codec: &Codec<Picture>, units: &[Unit], layers: u8, size: (u32, u32)) -> Vec<VideoPacket> {
    let mut packetizer = (codec.rtp.unwrap().payload.unwrap().packetizer)(&"packetization-mode=1".parse().unwrap());
    let mut all = Vec::new();
    for unit in units {
        let p = unit.picture.as_ref().unwrap();
        let described = Described {
            id: p.id,
            key: p.key,
            layer: p.layer,
            depends_on: &p.depends_on,
            switch: p.switch,
            layers,
            size,
            data: &unit.data,
        };
        for part in packetizer.packetize(&described, 300).unwrap() {
            all.push(VideoPacket {
                at: unit.pts + Duration::from_millis(20),
                sequence: 65_500u16.wrapping_add(all.len() as u16),
                timestamp: (unit.pts.0 * 9 / 100_000) as u32,
                marker: part.marker,
                payload: part.data,
                descriptor: part.descriptor,
                retransmitted: false,
            });
        }
    }
    all
}

#[test]
fn what_lost_packets_leave_is_never_shown_broken() {
    const PATTERNS: u64 = 1000;
    for codec in codec::VIDEO {
        for layers in [1, 3] {
            let case = case(codec, clip("synth-talk", 24), "none", "none", layers);
            let settings = (codec.configure)(&case.request, &case.clip.format()).unwrap();
            let mut encoder = settings.encoder().unwrap();
            let mut units = Vec::new();
            for (i, picture) in case.clip.signal.pictures.iter().enumerate() {
                // A second key picture, from which all may go on.
                let key_wanted = i == 12;
                encoder.adapt(codec::Feedback { key_wanted, ..Default::default() }).unwrap();
                encoder.encode(Time::ZERO + settings.format.rate.at(i), picture, &mut units).unwrap();
            }
            let clean = decoded(&case, &units);
            let all = packets(codec, &units, layers, (320, 180));
            let (mut shown, mut whole) = (0, 0);
            for pattern in 0..PATTERNS / 2 {
                let seed = Seed(pattern);
                let loss = 0.15 * seed.draw_unit("rate", &[]);
                let arrive = all.iter().enumerate().filter(|(i, _)| seed.draw_unit("loss", &[*i as u64]) >= loss);
                let decoder = settings.decoder().unwrap();
                let mut screen = Screen::new("fixed:40ms".parse().unwrap(), settings.format, decoder, Duration::ZERO);
                let mut depacketizer = (codec.rtp.unwrap().payload.unwrap().depacketizer)();
                for (_, packet) in arrive {
                    let now = packet.at;
                    let mut frames = Vec::new();
                    let key = depacketizer.insert(packet.clone(), &mut frames);
                    screen.heard(now, key);
                    frames.into_iter().for_each(|frame| screen.insert(frame, now));
                    screen.advance(now);
                }
                let result = screen.finish();
                assert_eq!(result.decode_errors, 0, "{}, pattern {pattern}", codec.name);
                for render in &result.renders {
                    let tick = (render.timestamp as f64 / 3000.0).round() as u64;
                    assert!(
                        render.picture.as_ref() == clean.get(&tick),
                        "{} with {layers} layers, pattern {pattern}: picture {tick} is broken",
                        codec.name
                    );
                }
                shown += result.renders.len();
                whole += units.len();
            }
            assert!(shown * 10 > whole && shown < whole, "{}: {shown} of {whole} were shown", codec.name);
        }
    }
}

#[test]
fn retransmission_at_a_short_round_trip_leaves_hardly_a_freeze() {
    for codec in codec::VIDEO {
        let freezes = |repair: &str| {
            let count = |seed: u64| {
                let mut case = case(codec, clip("synth-talk", 300), "delay 25ms loss 5% burst 3", repair, 1);
                (case.seed, case.warm_up) = (Seed(seed), Duration::from_secs(5));
                call::video::run(&case, false).unwrap().0.scores.values["freezes"] / 6.0
            };
            (1..=3).map(count).sum::<f64>() / 3.0
        };
        let (with, without) = (freezes("nack"), freezes("none"));
        assert!(with < 1.0 && without > with, "{}: {with} and {without} freezes in 10 s", codec.name);
    }
}

#[test]
fn freezes_are_counted_as_on_a_hand_made_timeline() {
    // 30 pictures each 33 ms, a gap of 200 ms (more than 33 + 150), 10 pictures, a gap of 120 ms (more than 3 x 33 but
    // less than 33 + 150), 10 pictures.
    let gaps = [vec![33; 29], vec![200], vec![33; 10], vec![120], vec![33; 10]].concat();
    let mut at = Time::from_millis(1000);
    let mut renders = vec![at];
    for gap in gaps {
        at = at + Duration::from_millis(gap);
        renders.push(at);
    }
    let found = freezes(&renders);
    assert_eq!((found.count(), found.total()), (1, Duration::from_millis(200)));
}

#[test]
fn a_call_is_a_pure_function_of_its_case() {
    let case = case(codec::VIDEO[0], clip("synth-pan", 60), "delay 40ms 10ms loss 5%", "nack gcc", 3);
    let (one, two) = (call::video::run(&case, false).unwrap().0, call::video::run(&case, false).unwrap().0);
    assert_eq!(one.scores, two.scores);
    assert!(one.degraded == two.degraded);
}
