//! Several tracks, audio and video, in one call.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use codecbench::net::Purpose;
use codecbench::peer::pacer::Pacer;
use codecbench::peer::sim::{LossReport, Sim, WireRecord};
use codecbench::peer::{self, Arrival, Kind, Outgoing, Peers, TrackSpec, Transport};
use codecbench::units::{Bitrate, Seed, Time};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

fn opus(repair: &str) -> TrackSpec {
    TrackSpec {
        kind: Kind::Audio,
        name: "opus",
        payload_type: 111,
        clock_rate: 48_000,
        channels: 2,
        fmtp: "useinbandfec=1".parse().unwrap(),
        offers_fmtp: false,
        repair: repair.parse().unwrap(),
        patience: Duration::from_secs(1),
    }
}

fn video(name: &'static str, payload_type: u8, fmtp: &str, repair: &str) -> TrackSpec {
    TrackSpec {
        kind: Kind::Video,
        name,
        payload_type,
        clock_rate: 90_000,
        channels: 0,
        fmtp: fmtp.parse().unwrap(),
        offers_fmtp: name == "H264",
        ..opus(repair)
    }
}

fn vp8(repair: &str) -> TrackSpec {
    video("VP8", 96, "", repair)
}

/// Packets of a picture.
const PARTS: u64 = 6;

/// The n-th packet of a track, and when it is sent: of audio one each 20 ms, of video six each 33 1/3 ms, of which the last
/// has the marker and the first a descriptor, a long one each tenth picture.
fn packet(kind: Kind, n: u64) -> (Time, Outgoing) {
    let text = |length: u64| (0..length).map(|i| (n + i) as u8).collect::<Vec<u8>>();
    let sequence = (65_000 + n) as u16;
    match kind {
        Kind::Audio => {
            let timestamp = 960 * n as u32;
            (Time::from_millis(20 * n), Outgoing { sequence, timestamp, payload: text(80), ..Default::default() })
        }
        Kind::Video => {
            let (picture, part) = (n / PARTS, n % PARTS);
            let descriptor = (part == 0).then(|| text(if picture % 10 == 0 { 40 } else { 3 }));
            let (timestamp, marker) = (3000 * picture as u32, part + 1 == PARTS);
            let packet = Outgoing { sequence, timestamp, marker, payload: text(200 + 150 * part), descriptor };
            (Time(picture * 1_000_000_000 / 30), packet)
        }
    }
}

struct Call {
    tracks: Vec<Kind>,
    sent: Vec<u64>,
    arrivals: Vec<Arrival>,
    reports: Vec<LossReport>,
    key_requests: Vec<(Time, usize)>,
    wire: Vec<WireRecord>,
    round_trips: Vec<Option<Duration>>,
}

fn run(tracks: &[TrackSpec], net: &str, seconds: u64) -> Call {
    let mut peers = peer::connect(Transport::Virtual, tracks, &net.parse().unwrap(), Seed(5)).unwrap();
    run_on(&mut *peers, tracks, seconds)
}

fn run_on(peers: &mut dyn Peers, tracks: &[TrackSpec], seconds: u64) -> Call {
    let kinds: Vec<Kind> = tracks.iter().map(|t| t.kind).collect();
    let mut call = Call {
        sent: vec![0; tracks.len()],
        tracks: kinds.clone(),
        arrivals: Vec::new(),
        reports: Vec::new(),
        key_requests: Vec::new(),
        wire: Vec::new(),
        round_trips: Vec::new(),
    };
    let end = Time::from_millis(1000 * seconds);
    let next = |call: &Call, track: usize| packet(kinds[track], call.sent[track]).0;
    while let Some(track) = (0..tracks.len()).filter(|t| next(&call, *t) < end).min_by_key(|t| next(&call, *t)) {
        let (now, outgoing) = packet(kinds[track], call.sent[track]);
        peers.send(now, track, outgoing).unwrap();
        call.sent[track] += 1;
    }
    peers.advance(end + Duration::from_secs(2)).unwrap();
    call.arrivals = peers.arrivals();
    call.reports = peers.taps().reports();
    call.key_requests = peers.taps().key_requests();
    call.wire = peers.taps().wire();
    call.round_trips = (0..tracks.len()).map(|track| peers.taps().round_trip(track)).collect();
    call
}

impl Call {
    /// The share of a track's packets that arrived; all that is in them must be as it was sent.
    fn arrived(&self, track: usize) -> f64 {
        let mut numbers = BTreeSet::new();
        for arrival in self.arrivals.iter().filter(|a| a.track == track) {
            let n = u64::from(arrival.sequence.wrapping_sub(65_000));
            let (sent_at, sent) = packet(self.tracks[track], n);
            assert!(arrival.at >= sent_at);
            assert_eq!(arrival.payload, sent.payload, "packet {n} of track {track}");
            assert_eq!(
                (arrival.timestamp, arrival.marker, &arrival.descriptor),
                (sent.timestamp, sent.marker, &sent.descriptor)
            );
            numbers.insert(n);
        }
        numbers.len() as f64 / self.sent[track] as f64
    }

    fn wire(&self, track: usize, purpose: Purpose) -> impl Iterator<Item = &WireRecord> {
        self.wire.iter().filter(move |w| w.track == Some(track) && w.purpose == purpose)
    }
}

#[test]
fn all_packets_arrive_on_their_tracks_over_a_clean_path() {
    let tracks = [opus(""), vp8(""), video("AV1", 45, "level-idx=5", ""), opus("")];
    let call = run(&tracks, "none", 10);
    assert_eq!(call.sent, [500, 1800, 1800, 500]);
    for track in 0..4 {
        assert_eq!(call.arrived(track), 1.0);
        assert_eq!(call.wire(track, Purpose::Media).count() as u64, call.sent[track]);
        assert_eq!(call.round_trips[track], None);
    }
    assert_eq!(call.arrivals.len(), 500 + 1800 + 1800 + 500);
    assert!(call.arrivals.iter().all(|a| !a.rebuilt && !a.retransmitted));
    assert!(call.wire.iter().all(|w| w.track.is_some() == (w.purpose != Purpose::Control)));
    assert!(call.key_requests.is_empty());
}

#[test]
fn each_track_has_its_codec_and_its_fmtp() {
    let h264 = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f";
    let tracks = [
        video("H264", 103, h264, "nack"),
        opus("nack red:1"),
        video("VP9", 98, "profile-id=0", "nack flexfec:5"),
        video("AV1", 45, "level-idx=5;profile=0;tier=0", ""),
        vp8("nack"),
        video("H265", 51, "level-id=93", ""),
    ];
    let sim = Sim::connect(&tracks, &"none".parse().unwrap(), Seed(1)).unwrap();
    for (i, track) in tracks.iter().enumerate() {
        assert_eq!(sim.taps().negotiated(i), &track.fmtp);
    }
    // Each alone as well.
    for track in tracks.iter().chain([&video("H264", 103, "", "nack")]) {
        let sim = Sim::connect(std::slice::from_ref(track), &"none".parse().unwrap(), Seed(1)).unwrap();
        assert_eq!(sim.taps().negotiated(0), &track.fmtp);
    }
}

#[test]
fn video_with_nack_stands_loss_and_audio_without_does_not() {
    let call = run(&[opus(""), vp8("nack")], "delay 25ms loss 10%", 60);
    assert!((call.arrived(0) - 0.9).abs() < 0.02, "{}", call.arrived(0));
    assert!(call.arrived(1) > 0.99, "{}", call.arrived(1));
    let again: Vec<&Arrival> = call.arrivals.iter().filter(|a| a.retransmitted).collect();
    assert!(again.iter().all(|a| a.track == 1));
    // Each came 25 ms after it was sent, or as RTX one round trip later at the soonest.
    for arrival in call.arrivals.iter().filter(|a| a.track == 1) {
        let delay = arrival.at.since(packet(Kind::Video, u64::from(arrival.sequence.wrapping_sub(65_000))).0);
        let least = Duration::from_millis(if arrival.retransmitted { 75 } else { 25 });
        assert!(if arrival.retransmitted { delay >= least } else { delay == least }, "{delay:?}");
    }
    // One retransmission per loss, and one more for each that was lost, or the request for it.
    let lost = call.wire(1, Purpose::Media).filter(|w| w.dropped).count() as f64;
    let sent_again = call.wire(1, Purpose::Retransmission).count() as f64;
    assert!((0.95..1.3).contains(&(sent_again / lost)), "{sent_again} for {lost}");
    assert_eq!(call.wire(0, Purpose::Retransmission).count(), 0);
    assert!(again.iter().any(|a| a.descriptor.as_ref().is_some_and(|d| d.len() == 40)));
    assert_eq!(call.round_trips[0], None);
    let trip = call.round_trips[1].unwrap();
    assert!((50..60).contains(&trip.as_millis()), "{trip:?}");
    // Two bytes more than the original, so it has a transport-wide number as well.
    let sizes: BTreeSet<usize> = call.wire(1, Purpose::Media).map(|w| w.bytes + 2).collect();
    assert!(call.wire(1, Purpose::Retransmission).all(|w| sizes.contains(&w.bytes)));
    // RTX has sequence numbers of its own, from 0 on.
    let numbers: Vec<u16> = call.wire(1, Purpose::Retransmission).filter_map(|w| w.sequence).collect();
    assert_eq!(numbers, (0..numbers.len() as u16).collect::<Vec<_>>());
}

#[test]
fn a_call_of_several_tracks_is_the_same_twice() {
    let tracks = [opus("nack flexfec:5 gcc"), vp8("nack flexfec:8 gcc"), video("AV1", 45, "", "nack")];
    let run = || run(&tracks, "delay 25ms 5ms loss 10% rate 3mbit", 10);
    let (one, two) = (run(), run());
    // Not by assert_eq: nobody wants to read that.
    assert!(one.wire == two.wire && one.arrivals == two.arrivals);
    assert!(one.reports == two.reports && one.key_requests == two.key_requests);
}

#[test]
fn fec_rebuilds_packets_of_each_track_with_their_descriptors() {
    let call = run(&[opus("flexfec:4"), vp8("flexfec:6")], "delay 25ms loss 5%", 60);
    for (track, length) in [(0, 4), (1, 6)] {
        let rebuilt: Vec<&Arrival> = call.arrivals.iter().filter(|a| a.track == track && a.rebuilt).collect();
        assert_eq!(call.wire(track, Purpose::Fec).count() as u64, call.sent[track] / length);
        // A packet is missing when it is lost and one of the others of its block as well.
        let missing = 0.05 * (1.0 - 0.95_f64.powi(length as i32));
        assert!((1.0 - call.arrived(track) - missing).abs() < 0.01, "{} of {missing}", 1.0 - call.arrived(track));
        assert!(rebuilt.len() as f64 > 0.03 * call.sent[track] as f64);
        assert_eq!(rebuilt.iter().any(|a| a.descriptor.is_some()), track == 1);
    }
}

#[test]
fn a_request_for_a_key_picture_takes_the_way_back() {
    let net = "forward delay 10ms back delay 40ms at 5s loss 100%".parse().unwrap();
    let mut sim = Sim::connect(&[opus(""), vp8(""), vp8("")], &net, Seed(1)).unwrap();
    let (at, later) = (Time::from_millis(1000), Time::from_millis(6000));
    sim.request_key(at, 2).unwrap();
    sim.request_key(at, 1).unwrap();
    sim.advance(Time::from_millis(1039)).unwrap();
    assert_eq!(sim.taps().key_requests(), []);
    sim.advance(Time::from_millis(1040)).unwrap();
    assert_eq!(sim.taps().key_requests(), [(Time::from_millis(1040), 2), (Time::from_millis(1040), 1)]);
    assert_eq!(sim.taps().key_requests(), []);
    // This one is lost.
    sim.request_key(later, 1).unwrap();
    sim.advance(Time::from_millis(9000)).unwrap();
    assert_eq!(sim.taps().key_requests(), []);
    let sent = sim.wire_back();
    assert_eq!(
        sent.iter().filter(|w| [at, later].contains(&w.sent)).map(|w| w.dropped).collect::<Vec<_>>(),
        [false, false, true]
    );
    let says = |error: codecbench::Error| error.to_string();
    assert!(says(sim.request_key(Time::from_millis(9000), 0).unwrap_err()).contains("track 0 is audio"));
    assert!(says(sim.request_key(Time::from_millis(9000), 3).unwrap_err()).contains("no track 3"));
}

#[test]
fn more_missing_packets_than_are_asked_for_are_a_request_for_a_key_picture() {
    // 180 packets a second, of which none comes for 8 s.
    let call = run(&[opus("nack"), vp8("nack")], "delay 20ms at 2s loss 100% at 10s loss 0%", 12);
    assert_eq!(call.key_requests.iter().map(|k| k.1).collect::<Vec<_>>(), [1]);
    let at = call.key_requests[0].0.as_ms();
    assert!((10_040.0..10_080.0).contains(&at), "{at}");
    assert!(call.arrivals.iter().filter(|a| a.track == 1).all(|a| !a.retransmitted));
}

#[test]
fn reports_are_of_their_tracks() {
    let call = run(&[opus(""), vp8("nack")], "delay 20ms loss 10%", 20);
    let of = |track| call.reports.iter().filter(move |r| r.track == track);
    assert!((2..=4).contains(&of(0).count()) && (15..=20).contains(&of(1).count()), "{:?}", call.reports);
    for track in [0, 1] {
        let mean = of(track).map(|r| r.fraction_lost).sum::<f64>() / of(track).count() as f64;
        // What came again does not count as received.
        assert!((mean - 0.1).abs() < 0.04, "{mean} of track {track}");
    }
}

#[test]
fn a_descriptor_must_fit() {
    let mut sim = Sim::connect(&[opus(""), vp8("")], &"none".parse().unwrap(), Seed(1)).unwrap();
    let with = |length| Outgoing { descriptor: Some(vec![1; length]), ..Default::default() };
    for (track, length) in [(0, 3), (1, 0), (1, 256)] {
        let error = sim.send(Time::ZERO, track, with(length)).unwrap_err().to_string();
        assert!(error.contains(&format!("track {track}: a dependency descriptor of {length} bytes")), "{error}");
    }
    assert!(sim.send(Time::ZERO, 2, with(3)).is_err());
    for (sequence, length) in [1, 16, 17, 255].into_iter().enumerate() {
        sim.send(Time::ZERO, 1, Outgoing { sequence: sequence as u16, ..with(length) }).unwrap();
    }
    let lengths: Vec<usize> = sim.arrivals().iter().map(|a| a.descriptor.as_ref().unwrap().len()).collect();
    assert_eq!(lengths, [1, 16, 17, 255]);
}

/// Congestion control sees all tracks, and the pacer keeps the queue of the link short.
#[test]
fn a_paced_call_fills_its_link_and_no_more() {
    let net = "delay 20ms rate 1mbit queue 500ms".parse().unwrap();
    let tracks = [opus("gcc"), vp8("nack gcc")];
    let mut sim = Sim::connect(&tracks, &net, Seed(1)).unwrap();
    let mut target = Bitrate(300_000);
    let mut pacer: Pacer<Outgoing> = Pacer::new(target);
    let (mut sequence, mut targets) = (0_u16, Vec::new());
    for ms in 0..60_000 {
        let now = Time::from_millis(ms);
        sim.advance(now).unwrap();
        if let Some(new) = sim.taps().target() {
            target = new;
            pacer.set_target(now, target);
        }
        if ms % 20 == 0 {
            sim.send(now, 0, packet(Kind::Audio, ms / 20).1).unwrap();
        }
        if ms % 33 == 0 {
            let bytes = f64::from(target.0.saturating_sub(40_000)) * 0.033 / 8.0;
            let parts = (bytes / 1100.0).ceil().max(1.0) as usize;
            for part in 0..parts {
                let payload = vec![0; bytes as usize / parts];
                let timestamp = 90 * ms as u32;
                let (marker, size) = (part + 1 == parts, payload.len());
                pacer.push(now, size, Outgoing { sequence, timestamp, marker, payload, descriptor: None });
                sequence = sequence.wrapping_add(1);
            }
        }
        while let Some(paced) = pacer.pop(now) {
            sim.send(now, 1, paced.packet).unwrap();
        }
        targets.push(target.0);
    }
    let mean = targets[30_000..].iter().map(|t| f64::from(*t)).sum::<f64>() / 30_000.0;
    assert!((500_000.0..1_100_000.0).contains(&mean), "{mean}");
    let bytes = |track| sim.taps().wire().iter().filter(|w| w.track == Some(track)).map(|w| w.bytes).sum::<usize>();
    assert!(bytes(0) > 60 * 50 * 100 && bytes(1) > 60 * 50_000, "{} {}", bytes(0), bytes(1));
}

#[test]
fn video_over_sockets_arrives_as_in_virtual_time() {
    let tracks = [opus(""), vp8("nack")];
    let net = "delay 20ms".parse().unwrap();
    let mut live = peer::connect(Transport::Live, &tracks, &net, Seed(5)).unwrap();
    assert_eq!(live.taps().negotiated(0), &tracks[0].fmtp);
    let mut call = run_on(&mut *live, &tracks, 1);
    assert_eq!([call.arrived(0), call.arrived(1)], [1.0, 1.0]);
    assert_eq!([0, 1].map(|track| call.wire(track, Purpose::Media).count() as u64), [50, 180]);
    live.request_key(Time::from_millis(3000), 1).unwrap();
    live.advance(Time::from_millis(3200)).unwrap();
    call.key_requests = live.taps().key_requests();
    let (at, track) = call.key_requests[0];
    assert!(at >= Time::from_millis(3020) && track == 1, "{at:?}");
    let mut order = BTreeMap::new();
    call.arrivals.iter().for_each(|a| *order.entry(a.track).or_insert(0) += 1);
    assert_eq!(order, BTreeMap::from([(0, 50), (1, 180)]));
}
