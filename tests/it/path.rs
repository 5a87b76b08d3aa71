//! The simulated path end to end: two PeerConnections and the network between them. Several tests keep watch over
//! weaknesses of `rtc` 0.21.1 that the path works around.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use codecbench::net::spec::NetSpec;
use codecbench::peer::Peers;
use codecbench::peer::sim::{Arrival, Kind, LossReport, Outgoing, Sim, TrackSpec, WireRecord};
use codecbench::units::{Seed, Time};
use std::collections::HashSet;
use std::time::Duration;

const OPUS: (&str, u8, u32, u16) = ("opus", 111, 48_000, 2);

fn track((name, payload_type, clock_rate, channels): (&'static str, u8, u32, u16), fmtp: &str) -> TrackSpec {
    TrackSpec {
        kind: Kind::Audio,
        name,
        payload_type,
        clock_rate,
        channels,
        fmtp: fmtp.parse().unwrap(),
        offers_fmtp: false,
        repair: Default::default(),
        patience: Duration::ZERO,
    }
}

/// What a call of one packet each 20 ms looks like.
#[derive(Clone)]
struct Plan {
    net: NetSpec,
    seed: u64,
    packets: u64,
    spacing: Duration,
    sequence: u16,
    timestamp: u32,
}

impl Plan {
    fn new(net: &str, seconds: u64) -> Plan {
        let net = net.parse().unwrap();
        Plan { net, seed: 1, packets: seconds * 50, spacing: Duration::from_millis(20), sequence: 0, timestamp: 0 }
    }

    /// Packet `n`; its sizes differ, and its payload tells it from the others.
    fn packet(&self, n: u64) -> Outgoing {
        let ticks = (n * self.spacing.as_micros() as u64 * 48 / 1000) as u32;
        Outgoing {
            sequence: self.sequence.wrapping_add(n as u16),
            timestamp: self.timestamp.wrapping_add(ticks),
            marker: n == 0,
            payload: n.to_le_bytes().repeat(1 + n as usize % 100),
            descriptor: None,
        }
    }

    fn sent(&self, n: u64) -> Time {
        Time::ZERO + self.spacing * n as u32
    }

    fn run(&self) -> Call {
        let mut sim = Sim::connect(&[track(OPUS, "")], &self.net, Seed(self.seed)).unwrap();
        let (mut arrivals, mut reports) = (Vec::new(), Vec::new());
        for n in 0..self.packets {
            sim.send(self.sent(n), 0, self.packet(n)).unwrap();
            arrivals.extend(sim.arrivals());
            reports.extend(sim.taps().reports());
        }
        sim.advance(self.sent(self.packets) + Duration::from_secs(2)).unwrap();
        arrivals.extend(sim.arrivals());
        reports.extend(sim.taps().reports());
        Call { arrivals, reports, wire: sim.taps().wire(), back: sim.wire_back(), datagram_bytes: sim.datagram_bytes() }
    }
}

#[derive(Debug, PartialEq)]
struct Call {
    arrivals: Vec<Arrival>,
    reports: Vec<LossReport>,
    wire: Vec<WireRecord>,
    back: Vec<WireRecord>,
    datagram_bytes: usize,
}

impl Call {
    /// The number of each packet that arrived, from its payload; everything else about it must fit.
    fn numbers(&self, plan: &Plan) -> Vec<u64> {
        let number = |arrival: &Arrival| {
            let n = u64::from_le_bytes(arrival.payload[..8].try_into().unwrap());
            let sent = plan.packet(n);
            assert_eq!(
                (arrival.sequence, arrival.timestamp, &arrival.payload),
                (sent.sequence, sent.timestamp, &sent.payload)
            );
            assert!(arrival.at >= plan.sent(n));
            n
        };
        self.arrivals.iter().map(number).collect()
    }

    fn media(&self) -> impl Iterator<Item = &WireRecord> {
        self.wire.iter().filter(|w| w.sequence.is_some())
    }
}

#[test]
fn over_a_clean_path_each_packet_arrives_as_it_is_sent() {
    let plan = Plan::new("none", 10);
    let call = plan.run();
    assert_eq!(call.numbers(&plan), (0..500).collect::<Vec<_>>());
    assert!(call.arrivals.iter().zip(0..).all(|(a, n)| a.at == plan.sent(n)));
}

#[test]
fn delay_is_exact_and_no_call_is_too_long() {
    // The jitter buffer that `rtc` ships would lose a packet every 10 s.
    for seconds in [60, 300] {
        let plan = Plan::new("delay 40ms", seconds);
        let call = plan.run();
        assert_eq!(call.numbers(&plan), (0..seconds * 50).collect::<Vec<_>>());
        assert!(call.arrivals.iter().zip(0..).all(|(a, n)| a.at == plan.sent(n) + Duration::from_millis(40)));
    }
}

#[test]
fn what_netem_drops_is_missing_and_all_else_arrives() {
    for net in ["delay 40ms 10ms loss 5%", "loss 10% burst 3", "delay 100ms 80ms loss 20% chance packet"] {
        let plan = Plan::new(net, 60);
        let call = plan.run();
        let mut numbers = call.numbers(&plan);
        numbers.sort_unstable();
        let passed = |w: &&WireRecord| !w.dropped;
        let kept: Vec<u64> = call.media().filter(passed).map(|w| u64::from(w.sequence.unwrap())).collect();
        assert_eq!(numbers, kept, "{net}");
        assert!(numbers.len() < 3000);
        // In order of arrival.
        assert!(call.arrivals.windows(2).all(|w| w[0].at <= w[1].at));
    }
}

#[test]
fn jitter_reorders() {
    let plan = Plan::new("delay 100ms 80ms", 20);
    let numbers = plan.run().numbers(&plan);
    assert_eq!(numbers.len(), 1000);
    assert!(numbers.windows(2).any(|w| w[1] < w[0]));
}

#[test]
fn no_packet_is_too_late_for_srtp() {
    // Hundreds of packets overtake some; the replay window that `rtc` has by itself is 64.
    let plan = Plan { packets: 4000, spacing: Duration::from_micros(2500), ..Plan::new("delay 1s 500ms", 0) };
    assert_eq!(plan.run().arrivals.len(), 4000);
}

#[test]
fn the_handshake_is_never_lost() {
    // `rtc` does not re-arm the retransmission timer of DTLS: at 20 % loss of everything one call in three fails.
    for seed in 0..300 {
        let net = "delay 40ms 10ms loss 20%".parse().unwrap();
        Sim::connect(&[track(OPUS, "")], &net, Seed(seed)).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    }
    let net = "loss 100%".parse().unwrap();
    let mut sim = Sim::connect(&[track(OPUS, "")], &net, Seed(1)).unwrap();
    sim.send(Time::ZERO, 0, Plan::new("none", 1).packet(0)).unwrap();
    sim.advance(Time::from_millis(60_000)).unwrap();
    assert_eq!((sim.arrivals().len(), sim.taps().wire()[0].dropped), (0, true));
}

#[test]
fn a_case_is_the_same_in_every_run_and_thread() {
    // Although `rtc` draws SSRCs, credentials and keys at random.
    for net in ["delay 40ms 10ms loss 5%", "delay 30ms 20ms distribution normal loss 5% burst 3 chance packet"] {
        let plan = Plan::new(net, 30);
        let first = plan.run();
        assert_eq!(plan.run(), first);
        let there = plan.clone();
        assert_eq!(std::thread::spawn(move || there.run()).join().unwrap(), first);
        let other = Plan { seed: 2, ..plan };
        assert_ne!(other.run().arrivals, first.arrivals);
    }
}

#[test]
fn foretold_sizes_are_those_of_the_real_datagrams() {
    for net in ["none", "delay 40ms 30ms loss 30%"] {
        let call = Plan::new(net, 30).run();
        let passed: usize = call.wire.iter().filter(|w| !w.dropped).map(|w| w.bytes).sum();
        assert_eq!(passed, call.datagram_bytes, "{net}");
        // IPv4 and UDP, RTP header, the extension with the transport-wide sequence number, 8 bytes of payload, the tag.
        assert_eq!(call.wire[0].bytes, 28 + 12 + 8 + 8 + 10);
        // A sender report: header, sender, its 20 bytes; SRTCP's index and tag.
        let report = call.wire.iter().find(|w| w.sequence.is_none()).unwrap();
        assert_eq!(report.bytes, 28 + 8 + 20 + 14);
    }
}

#[test]
fn nothing_is_sent_twice() {
    // No NACK, RTX, RED or FEC for audio, as in browsers.
    let plan = Plan::new("delay 100ms loss 10%", 60);
    let call = plan.run();
    let sequences: Vec<_> = call.media().map(|w| w.sequence.unwrap()).collect();
    assert_eq!(sequences, (0..3000).collect::<Vec<_>>());
    // A sender report each 5 s, and nothing else.
    assert_eq!(call.wire.len() - sequences.len(), 12);
    assert!(call.media().zip(0..).all(|(w, n)| w.sent == plan.sent(n)));
}

#[test]
fn the_receiver_sends_feedback_and_reports() {
    let call = Plan::new("none", 60).run();
    // Transport-wide feedback each 100 ms, a receiver report each 5 s.
    assert_eq!((call.reports.len(), call.back.len()), (12, 12 + 600));
    assert!(call.back.iter().all(|w| w.sequence.is_none()));
    let times: Vec<_> = call.reports.iter().map(|r| r.at).collect();
    assert_eq!(times, (1..=12).map(|k| Time::from_millis(k * 5000)).collect::<Vec<_>>());
    // They go through the way back.
    assert!(Plan::new("none back loss 100%", 60).run().reports.is_empty());
    let late = Plan::new("none back delay 300ms", 60).run();
    assert!(late.reports.iter().zip(times).all(|(r, t)| r.at == t + Duration::from_millis(300)));
}

#[test]
fn reports_tell_the_loss_since_the_last_one() {
    // `rtc` takes no statistics of incoming reports; what arrives must fit what netem did.
    let plan = Plan::new("loss 10% burst 2 back none", 60);
    let call = plan.run();
    assert_eq!(call.reports.len(), 12);
    let highest_by = |time: Time| {
        let arrived = |w: &&WireRecord| w.sent <= time && !w.dropped;
        call.media().filter(arrived).last().and_then(|w| w.sequence).unwrap()
    };
    let mut previous = None;
    for report in &call.reports {
        // Packets are counted up to the highest that arrived (RFC 3550, section 6.4.1); in one instant the order of
        // packet and report is open, but the same for all reports.
        let highest = highest_by(report.at - Duration::from_nanos(1));
        let counted = |w: &&WireRecord| w.sequence <= Some(highest) && w.sequence > previous;
        let lost = call.media().filter(counted).filter(|w| w.dropped).count();
        let expected = call.media().filter(counted).count();
        assert!(
            (report.fraction_lost - lost as f64 / expected as f64).abs() <= 1.5 / 250.0,
            "{report:?}: {lost} of {expected}"
        );
        previous = Some(highest);
    }
    let mean = call.reports.iter().map(|r| r.fraction_lost).sum::<f64>() / 12.0;
    assert!((0.02..0.3).contains(&mean));
}

#[test]
fn sender_reports_follow_virtual_time() {
    // `rtc` takes their NTP time from the system's clock. The round trip that the sender computes from what the
    // receiver echoes is right only if it does not.
    let call = Plan::new("delay 40ms back delay 30ms", 60).run();
    let round_trips: Vec<_> = call.reports.iter().filter_map(|r| r.round_trip).collect();
    assert!(round_trips.len() >= 11);
    for round_trip in round_trips {
        assert!(round_trip.abs_diff(Duration::from_millis(70)) < Duration::from_micros(50), "{round_trip:?}");
    }
}

#[test]
fn duplicates_are_removed_on_arrival() {
    let plan = Plan::new("delay 20ms", 1);
    let mut sim = Sim::connect(&[track(OPUS, "")], &plan.net, Seed(1)).unwrap();
    for n in 0..50 {
        sim.send(plan.sent(n), 0, plan.packet(n)).unwrap();
        sim.send(plan.sent(n), 0, plan.packet(n)).unwrap();
    }
    sim.advance(Time::from_millis(2000)).unwrap();
    assert_eq!(sim.taps().wire().len(), 100);
    let sequences: Vec<u16> = sim.arrivals().iter().map(|a| a.sequence).collect();
    assert_eq!(sequences, (0..50).collect::<Vec<_>>());
}

#[test]
fn what_netem_duplicates_arrives_once_and_what_it_corrupts_never() {
    for chance in ["grid", "packet"] {
        let plan = Plan::new(&format!("delay 20ms duplicate 30% corrupt 20% loss 10% chance {chance}"), 60);
        let call = plan.run();
        let mut numbers = call.numbers(&plan);
        numbers.sort_unstable();
        let kept: Vec<u64> = call.media().filter(|w| !w.dropped).map(|w| u64::from(w.sequence.unwrap())).collect();
        assert_eq!(numbers, kept);
        // Copies are paid for: more went over the wire than arrived.
        let whole: usize = call.wire.iter().filter(|w| !w.dropped).map(|w| w.bytes).sum();
        assert!(call.datagram_bytes > whole * 11 / 10, "{} {whole}", call.datagram_bytes);
    }
}

#[test]
fn a_slow_link_queues_and_overflows() {
    // About 180 kbit/s are offered.
    let plan = Plan::new("delay 40ms rate 2mbit queue 100ms at 10s rate 100kbit at 20s rate 2mbit", 30);
    let call = plan.run();
    let numbers = call.numbers(&plan);
    assert!(numbers.windows(2).all(|w| w[0] < w[1]));
    let delays: Vec<_> = call.arrivals.iter().zip(&numbers).map(|(a, n)| (*n, a.at.since(plan.sent(*n)))).collect();
    let most = |from: u64, to: u64| delays.iter().filter(|(n, _)| (from..to).contains(n)).map(|d| d.1).max().unwrap();
    assert!(most(0, 500) < Duration::from_millis(45));
    // 40 ms, at most 100 ms in the queue, and its own time: 918 bytes at 100 kbit/s.
    let slow = most(500, 1000);
    assert!(slow > Duration::from_millis(130) && slow <= Duration::from_millis(40 + 100 + 74), "{slow:?}");
    assert!(most(1050, 1500) < Duration::from_millis(45));
    let dropped: Vec<u64> = call.media().zip(0..).filter(|(w, _)| w.dropped).map(|(_, n)| n).collect();
    assert!(dropped.len() > 100 && dropped.iter().all(|n| (500..1010).contains(n)));
}

#[test]
fn sequence_numbers_and_timestamps_come_round() {
    // Both wrap in mid call, with packets overtaking one another across the wrap. (The jitter that `rtc` reports is
    // wrong from then on; nothing here reads it.)
    for net in ["none", "delay 100ms 90ms", "delay 100ms 90ms loss 20%"] {
        let plan = Plan { sequence: 65_500, timestamp: u32::MAX - 40_000, ..Plan::new(net, 10) };
        let call = plan.run();
        let arrived: HashSet<u64> = call.numbers(&plan).into_iter().collect();
        let kept: HashSet<u64> = call.media().zip(0u64..).filter(|(w, _)| !w.dropped).map(|(_, n)| n).collect();
        assert_eq!(arrived, kept, "{net}");
        assert!(call.reports.iter().all(|r| r.fraction_lost < 0.5));
    }
    // A sequence number that comes round again is no duplicate: 80,000 packets of 2.5 ms.
    let plan = Plan { packets: 80_000, spacing: Duration::from_micros(2500), ..Plan::new("delay 20ms", 0) };
    assert_eq!(plan.run().arrivals.len(), 80_000);
}

#[test]
fn every_audio_codec_and_its_fmtp_line_go_through_the_session_description() {
    let codecs = [OPUS, ("PCMU", 0, 8000, 1), ("PCMA", 8, 8000, 1), ("G722", 9, 8000, 1), ("L16", 96, 48_000, 2)];
    for codec in codecs.into_iter().chain([("L16", 97, 16_000, 1), ("flac", 98, 44_100, 1)]) {
        for fmtp in ["", "minptime=10;useinbandfec=1", "x-unknown=1;stereo=1"] {
            let track = track(codec, fmtp);
            let mut sim = Sim::connect(std::slice::from_ref(&track), &NetSpec::default(), Seed(1))
                .unwrap_or_else(|e| panic!("{codec:?}: {e}"));
            assert_eq!(sim.taps().negotiated(0), &track.fmtp);
            sim.send(Time::ZERO, 0, Plan::new("none", 1).packet(7)).unwrap();
            assert_eq!(sim.arrivals().len(), 1, "{codec:?}");
        }
    }
}

#[test]
fn time_does_not_run_backwards() {
    let mut sim = Sim::connect(&[track(OPUS, "")], &NetSpec::default(), Seed(1)).unwrap();
    sim.advance(Time::from_millis(100)).unwrap();
    assert!(sim.advance(Time::from_millis(99)).is_err());
    assert!(sim.send(Time::from_millis(50), 0, Plan::new("none", 1).packet(0)).is_err());
    sim.send(Time::from_millis(100), 0, Plan::new("none", 1).packet(0)).unwrap();
}
