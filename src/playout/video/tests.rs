use super::*;
use crate::error::{Error, Result};
use crate::media::FrameRate;
use crate::rtp::api::{Described, PayloadFormat, VideoPacket};
use crate::units::{Seed, ms};
use std::sync::{Arc, Mutex};

const FORMAT: PictureFormat = PictureFormat { width: 16, height: 16, rate: FrameRate::new(30, 1) };
const FIXED: Receiver = Receiver::Fixed(Duration::from_millis(100));

/// Decodes data that end in "#id;reference;reference": refuses what refers to a picture it has not decoded, and "bad".
#[derive(Clone, Default)]
struct Checker {
    seen: BTreeSet<u64>,
    /// Pictures that came without one that they refer to.
    wrong: Arc<Mutex<Vec<u64>>>,
}

impl Decoder<Picture> for Checker {
    fn decode(&mut self, input: Input<'_>, out: &mut Footage) -> Result<()> {
        let error = |reason: &str| Error::Codec { codec: "checker", reason: reason.into() };
        let Input::Unit(data) = input else { return Err(error("not a unit")) };
        let text = data.rsplit(|b| *b == b'#').next().map(String::from_utf8_lossy).unwrap_or_default();
        let ids: Vec<u64> = text.split(';').filter_map(|id| id.parse().ok()).collect();
        let (id, references) = ids.split_first().ok_or_else(|| error("bad"))?;
        if references.iter().any(|r| !self.seen.contains(r)) {
            self.wrong.lock().unwrap().push(*id);
        }
        self.seen.insert(*id);
        out.pictures.push(Picture::grey(16, 16, shade(*id)));
        Ok(())
    }
}

fn shade(id: u64) -> u8 {
    (16 + id % 200) as u8
}

fn screen(receiver: Receiver) -> Screen {
    Screen::new(receiver, FORMAT, Box::new(Checker::default()), Duration::ZERO)
}

fn text(id: u64, references: &[u64]) -> String {
    references.iter().fold(format!("#{id}"), |text, r| format!("{text};{r}"))
}

/// Number `id` of 30 pictures per second, complete `transit` ms after its capture, the first captured at 1 s.
fn frame(id: u64, depends_on: &[u64], transit: f64) -> Frame {
    let at = Time((1e9 + id as f64 * 1e9 / 30.0 + transit * 1e6) as u64);
    Frame {
        id,
        timestamp: 3000 * id as i64,
        key: depends_on.is_empty(),
        layer: 0,
        depends_on: depends_on.to_vec(),
        data: text(id, depends_on).into_bytes(),
        bytes: 1500,
        first_at: at,
        at,
        retransmitted: false,
    }
}

/// A row of pictures, each after the one before, with these transit times in ms.
fn row(transits: impl IntoIterator<Item = f64>) -> Vec<Frame> {
    let own = |(id, transit): (usize, f64)| {
        let id = id as u64;
        frame(id, &Vec::from_iter(id.checked_sub(1)), transit)
    };
    transits.into_iter().enumerate().map(own).collect()
}

/// Runs the receiver: pictures come at their times. Nothing happens late.
fn show(mut screen: Screen, mut frames: Vec<Frame>) -> Shown {
    frames.sort_by_key(|f| f.at);
    for frame in frames {
        let at = frame.at;
        while let Some(event) = screen.next_event().filter(|event| *event < at) {
            screen.advance(event);
        }
        screen.advance(at);
        screen.insert(frame, at);
        screen.advance(at);
    }
    screen.finish()
}

fn times(shown: &Shown) -> Vec<f64> {
    shown.renders.iter().map(|r| r.at.as_ms()).collect()
}

#[test]
fn a_fixed_receiver_renders_at_capture_plus_the_fastest_plus_its_delay() {
    let transits = (0..200).map(|k| 50.0 + if k == 0 { 0.0 } else { 90.0 * Seed(1).draw_unit("jitter", &[k]) });
    let shown = show(screen(FIXED), row(transits));
    assert_eq!((shown.renders.len(), shown.decoded, shown.overtaken), (200, 200, 0));
    for (k, at) in times(&shown).into_iter().enumerate() {
        let expected = 1000.0 + k as f64 * 1000.0 / 30.0 + 50.0 + 100.0;
        assert!((at - expected).abs() < 1e-3, "picture {k} at {at}, not {expected}");
        assert_eq!(shown.renders[k].picture, Some(Picture::grey(16, 16, shade(k as u64))));
    }
}

#[test]
fn the_fastest_picture_is_looked_for_in_the_first_half_of_the_warm_up() {
    let warm_up = |ms| Screen::new(FIXED, FORMAT, Box::new(Checker::default()), Duration::from_millis(ms));
    // Picture 30 is captured at 2 s, picture 60 at 3 s.
    let transits = || {
        (0..90).map(|k| {
            if k < 30 {
                60.0
            } else if k < 60 {
                50.0
            } else {
                40.0
            }
        })
    };
    let last = |shown: Shown| times(&shown).last().copied().unwrap() - (1000.0 + 89.0 * 1000.0 / 30.0);
    assert!((last(show(warm_up(0), row(transits()))) - 160.0).abs() < 1e-3);
    assert!((last(show(warm_up(5000), row(transits()))) - 150.0).abs() < 1e-3);
    assert!((last(show(warm_up(10_000), row(transits()))) - 140.0).abs() < 1e-3);
}

#[test]
fn a_late_picture_is_rendered_at_once_and_a_newer_one_due_by_then_overtakes_it() {
    // Pictures 3 to 6 wait for 3, which comes 300 ms late: 6 is captured 100 ms after it.
    let shown = show(screen(FIXED), row((0..12).map(|k| if k == 3 { 350.0 } else { 50.0 })));
    let rendered: Vec<u64> = shown.renders.iter().map(|r| r.id).collect();
    // At 1.1 s + 350 ms = 1.45 s pictures up to 9 (captured at 1.3 s, due at 1.45 s) are due.
    assert_eq!(rendered, [0, 1, 2, 9, 10, 11]);
    assert_eq!((shown.decoded, shown.overtaken, shown.undecodable), (12, 6, 0));
    assert!((times(&shown)[3] - 1450.0).abs() < 1e-3);
}

#[test]
fn what_lacks_a_reference_waits_for_a_key_picture_and_is_never_decoded() {
    let mut frames = row([50.0; 30]);
    frames[20] = frame(20, &[], 50.0);
    frames.remove(10);
    let shown = show(screen(FIXED), frames);
    let rendered: Vec<u64> = shown.renders.iter().map(|r| r.id).collect();
    assert_eq!(rendered, (0..10).chain(20..30).collect::<Vec<_>>());
    assert_eq!((shown.undecodable, shown.decode_errors, shown.key_requests.len()), (9, 0, 0));
}

#[test]
fn a_picture_that_nothing_refers_to_may_be_missing() {
    // Of two layers: odd pictures refer to the even one before, even ones to the even one before.
    let layered = |id: u64| frame(id, &Vec::from_iter(id.checked_sub(if id.is_multiple_of(2) { 2 } else { 1 })), 50.0);
    let mut frames: Vec<Frame> = (0..20).map(layered).collect();
    // Picture 5 comes after its successor was decoded.
    frames[5].at = frames[5].at + Duration::from_millis(300);
    let shown = show(screen(FIXED), frames);
    assert_eq!(shown.renders.len(), 19);
    assert_eq!((shown.undecodable, shown.decode_errors), (1, 0));
}

#[test]
fn only_the_pictures_of_the_scored_pass_and_the_one_before_are_kept() {
    let mut screen = screen(FIXED);
    screen.keep_from(3000 * 10);
    let shown = show(screen, row([50.0; 20]));
    let kept: Vec<u64> = shown.renders.iter().filter(|r| r.picture.is_some()).map(|r| r.id).collect();
    assert_eq!(kept, (9..20).collect::<Vec<_>>());
    assert_eq!(shown.renders.len(), 20);
}

/// Requests in ms until `end`, when packets come every 20 ms from 0 to `heard`, of a key picture from `key` on.
fn requests(mut screen: Screen, heard: u64, key: u64, end: u64) -> Vec<f64> {
    for at in (0..end).map(Time::from_millis) {
        let now = at.0 / 1_000_000;
        if now % 20 == 0 && now <= heard {
            screen.heard(at, now >= key);
        }
        screen.advance(at);
        screen.take_key_request();
    }
    screen.finish().key_requests.iter().map(|t| t.as_ms()).collect()
}

#[test]
fn a_key_picture_is_asked_for_every_200_ms_until_one_comes_and_while_there_are_packets() {
    let every = |from: u64, to: u64| (from..to).step_by(200).map(|t| t as f64).collect::<Vec<_>>();
    assert_eq!(requests(screen(FIXED), 900, u64::MAX, 1000), every(200, 1000));
    assert_eq!(requests(screen(FIXED), 900, 500, 1000), every(200, 500), "one is coming");
    assert_eq!(requests(screen(FIXED), 0, u64::MAX, 9000), every(200, 5000), "the stream rests after 5 s");
}

#[test]
fn without_a_picture_to_decode_for_3_s_a_key_picture_is_asked_for() {
    let mut screen = screen(FIXED);
    let mut asked = Vec::new();
    for frame in row([50.0; 300]) {
        let at = frame.at;
        if frame.id == 10 {
            continue;
        }
        while let Some(event) = screen.next_event().filter(|event| *event < at) {
            screen.advance(event);
            if screen.take_key_request() {
                asked.push(event);
            }
        }
        screen.insert(frame, at);
    }
    // Picture 9 is decoded when it is rendered, 9/30 s + 150 ms after 1 s.
    let last = 1000.0 + 300.0 + 150.0;
    let asked: Vec<f64> = asked.iter().map(|t| t.as_ms()).collect();
    // The last packet comes 11.02 s after the start.
    assert_eq!(asked.len(), 3);
    for (k, at) in asked.iter().enumerate() {
        assert!((at - last - 3000.0 * (k + 1) as f64).abs() < 1e-3, "{asked:?}");
    }
}

#[test]
fn what_the_decoder_refuses_counts_as_lost_and_a_key_picture_is_asked_for_at_once() {
    let mut frames = row([50.0; 30]);
    frames[10].data = b"#bad".to_vec();
    frames[20] = frame(20, &[], 50.0);
    let refused = 1000.0 + 10.0 * 1000.0 / 30.0 + 150.0;
    let shown = show(screen(FIXED), frames);
    assert_eq!((shown.decode_errors, shown.undecodable, shown.renders.len()), (1, 9, 20));
    let asked: Vec<f64> = shown.key_requests.iter().map(|t| t.as_ms()).collect();
    // Picture 20 comes 283 ms after picture 10 is refused.
    assert_eq!(asked.len(), 2);
    assert!((asked[0] - refused).abs() < 1e-3 && (asked[1] - refused - 200.0).abs() < 1e-3, "{asked:?}");
}

#[test]
fn when_loss_is_past_repair_only_a_key_picture_is_taken() {
    let mut screen = screen(FIXED);
    let frames = row([50.0; 2]);
    let now = frames[0].at;
    screen.insert(frames[0].clone(), now);
    screen.advance(now);
    screen.need_key(now);
    assert!(screen.take_key_request());
    assert!(!screen.take_key_request(), "once");
    screen.insert(frames[1].clone(), frames[1].at);
    let shown = screen.finish();
    assert_eq!((shown.decoded, shown.undecodable), (1, 1));
}

#[test]
fn the_adaptive_receiver_shows_a_steady_stream_without_freeze_or_growing_delay() {
    let shown = show(screen(Receiver::ADAPTIVE), row([50.0; 900]));
    let at: Vec<Time> = shown.renders.iter().map(|r| r.at).collect();
    assert_eq!((at.len(), freezes(&at).count()), (900, 0));
    let last = shown.renders.last().unwrap();
    let delay = last.at.as_ms() - last.complete_at.as_ms();
    assert!((0.0..25.0).contains(&delay), "{delay}");
    assert!(freezes(&at[30..]).frame_rate().unwrap() > 29.9);
}

#[test]
fn the_adaptive_delay_grows_with_jitter_and_shrinks_back() {
    // 20 s steady, 20 s with normal jitter of 25 ms, 60 s steady.
    let normal = |k: u64| crate::units::normal(Seed(5).draw_unit("u", &[k]), Seed(5).draw_unit("v", &[k]));
    let transit = |k: u64| 150.0 + if (600..1200).contains(&k) { (25.0 * normal(k)).max(-75.0) } else { 0.0 };
    let shown = show(screen(Receiver::ADAPTIVE), row((0..3000).map(transit)));
    let target = |k: usize| ms(shown.delays[k].1);
    let (before, during, after) = (target(590), target(1190), target(2990));
    assert!(before < 25.0 && during > before + 20.0 && after < before + 10.0, "{before} {during} {after}");
    assert!(shown.renders.len() > 2900, "{}", shown.renders.len());
    let rendered = |k: u64| {
        let render = shown.renders.iter().find(|r| r.id >= k).unwrap();
        render.at.as_ms() - (1000.0 + render.id as f64 * 1000.0 / 30.0)
    };
    assert!(rendered(2990) < rendered(1190) - 15.0, "{} {}", rendered(2990), rendered(1190));
}

#[test]
fn bounds_hold_the_adaptive_delay() {
    let bounds = Receiver::Adaptive {
        min: Duration::from_millis(200),
        max: Duration::from_millis(300),
        conceal: crate::playout::receiver::Conceal::NetEq,
    };
    let shown = show(screen(bounds), row([50.0; 300]));
    let last = shown.renders.last().unwrap();
    assert!((last.at.as_ms() - last.complete_at.as_ms() - 200.0).abs() < 2.0);
}

#[test]
fn retransmissions_let_the_adaptive_receiver_allow_for_the_round_trip() {
    let run = |round_trip: u64| {
        let mut screen = screen(Receiver::ADAPTIVE);
        screen.set_round_trip(Duration::from_millis(round_trip));
        let mut frames = row((0..300).map(|k| if k % 30 == 29 { 150.0 } else { 50.0 }));
        frames.iter_mut().filter(|f| f.id % 30 == 29).for_each(|f| f.retransmitted = true);
        let shown = show(screen, frames);
        ms(shown.delays.last().unwrap().1)
    };
    assert!((run(100) - run(0) - 90.0).abs() < 1.0);
}

/// Data that the format takes, with `text` at its end.
fn wrap(format: &str, key: bool, text: &str) -> Vec<u8> {
    let head: Vec<u8> = match format {
        "VP8" => vec![u8::from(!key)],
        "H264" if key => [&[0, 0, 0, 1, 0x67, 9][..], &[0, 0, 0, 1, 0x68, 9], &[0, 0, 0, 1, 0x65]].concat(),
        "H264" => vec![0, 0, 0, 1, 0x41],
        "AV1" => vec![0x32, text.len() as u8 | 0x80, (text.len() >> 7) as u8],
        _ => Vec::new(),
    };
    [head, text.as_bytes().to_vec()].concat()
}

/// 90 pictures of one of three patterns as packets, some lost, with a key picture now and then.
fn lossy(format: &PayloadFormat, pattern: u64) -> Vec<VideoPacket> {
    let layers = 1 + (pattern % 3) as u8;
    let rows: &[u8] = [&[0][..], &[0, 1], &[0, 2, 1, 2]][usize::from(layers) - 1];
    let mut rng = Seed(pattern).stream(format.name);
    let mut packetizer = (format.packetizer)(&"packetization-mode=1".parse().unwrap());
    let (loss, mut newest, mut place, mut packets) = (rng.unit() * 0.2, [None::<u64>; 3], 0, Vec::new());
    for id in 0..90u64 {
        let key = id == 0 || rng.unit() < 0.03;
        place = if key { 0 } else { place + 1 };
        let layer = rows[place % rows.len()];
        let switch = layer == 0 || rng.unit() < 0.5;
        let lower = if switch { 1 } else { usize::from(layer) + 1 };
        let depends_on: Vec<u64> = if key { vec![] } else { newest[..lower].iter().flatten().copied().collect() };
        if switch {
            newest[usize::from(layer)..].fill(None);
        }
        newest[usize::from(layer)] = Some(id);
        let filler = ".".repeat(130 + (rng.unit() * 500.0) as usize);
        let data = wrap(format.name, key, &format!("{filler}{}", text(id, &depends_on)));
        let picture =
            Described { id, key, layer, depends_on: &depends_on, switch, layers, size: (16, 16), data: &data };
        for payload in packetizer.packetize(&picture, 200).unwrap() {
            let at = Time::from_millis(33 * id + (rng.unit() * 60.0) as u64);
            packets.push(VideoPacket {
                at: if rng.unit() < 0.05 { at + Duration::from_millis(100) } else { at },
                sequence: packets.len() as u16,
                timestamp: (3000 * id) as u32,
                marker: payload.marker,
                payload: payload.data,
                descriptor: payload.descriptor,
                retransmitted: false,
            });
        }
    }
    packets.retain(|_| rng.unit() >= loss);
    packets.sort_by_key(|p| p.at);
    packets
}

#[test]
fn nothing_undecodable_reaches_the_decoder_in_1000_patterns_of_loss_per_format() {
    for format in crate::codec::VIDEO.iter().map(|codec| codec.rtp.unwrap().payload.unwrap()) {
        let (mut rendered, mut never) = (0, 0);
        for pattern in 0..1000 {
            let receiver = if pattern % 2 == 0 { FIXED } else { Receiver::ADAPTIVE };
            let checker = Checker::default();
            let wrong = checker.wrong.clone();
            let mut screen = Screen::new(receiver, FORMAT, Box::new(checker), Duration::ZERO);
            let mut depacketizer = (format.depacketizer)();
            let mut frames = Vec::new();
            for packet in lossy(format, pattern) {
                let at = packet.at;
                screen.advance(at);
                screen.heard(at, depacketizer.insert(packet, &mut frames));
                frames.drain(..).for_each(|frame| screen.insert(frame, at));
                screen.advance(at);
            }
            let shown = screen.finish();
            assert!(wrong.lock().unwrap().is_empty(), "{} pattern {pattern}: {:?}", format.name, wrong.lock().unwrap());
            assert_eq!(shown.decode_errors, 0);
            for render in &shown.renders {
                let id = render.timestamp as u64 / 3000;
                assert_eq!(render.picture, Some(Picture::grey(16, 16, shade(id))), "{} {pattern}", format.name);
            }
            assert!(shown.renders.is_sorted_by_key(|r| (r.at, r.id)));
            assert_eq!(shown.decoded, shown.renders.len() + shown.overtaken);
            rendered += shown.renders.len();
            never += 90 - shown.renders.len();
        }
        assert!(rendered > 10_000 && never > 10_000, "{}: {rendered} {never}", format.name);
    }
}
