//! Recorded networks: every form is read as it is documented, and nothing that is broken passes in silence.

#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use codecbench::net::trace::{Kind, Recording, Replay, parse, read};
use codecbench::units::Time;
use proptest::prelude::*;
use std::sync::Arc;
use std::time::Duration;

const MS: fn(u64) -> Duration = Duration::from_millis;

fn kind(data: &[u8], name: &str) -> Kind {
    match parse(data, name).unwrap() {
        Recording::Trace(trace) => trace.kind.clone(),
        Recording::Words(words) => panic!("{name}: words: {words}"),
    }
}

/// The fates in ms, and the step in ms.
fn fates(data: &[u8], name: &str) -> (Vec<Option<f64>>, f64) {
    match kind(data, name) {
        Kind::Fates { step, fates } => {
            (fates.iter().map(|f| f.map(|d| d.as_secs_f64() * 1e3)).collect(), step.as_secs_f64() * 1e3)
        }
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn mahimahi_traces_are_opportunities_that_repeat_after_the_last() {
    let read = kind(b"5\n5\n12\r\n20\n\n", "any");
    assert_eq!(read, Kind::Opportunities { at: vec![MS(5), MS(5), MS(12), MS(20)], period: MS(20) });
    // The well-known one of 12 Mbit/s.
    assert_eq!(kind(b"1", "12mbps"), Kind::Opportunities { at: vec![MS(1)], period: MS(1) });
    let mask_like = "1\n".repeat(30);
    assert!(matches!(kind(mask_like.as_bytes(), "x.down"), Kind::Opportunities { .. }));
}

#[test]
fn delay_error_files_have_a_delay_or_a_loss_per_packet() {
    let expected = [Some(40.0), Some(62.0), None, Some(41.0)];
    assert_eq!(fates(b"40\n62\n-1\n41\n", "profile"), (expected.to_vec(), 20.0));
    // Without a loss, and never descending: the ending decides.
    assert_eq!(fates(b"40\n40\n41\n", "dly_error_profile_1.dat").0, [Some(40.0), Some(40.0), Some(41.0)]);
}

#[test]
fn error_patterns_say_which_frames_are_lost() {
    let lost = [None, Some(0.0), Some(0.0), None];
    let words = [0x6B20_u16, 0x6B21, 0x6B21, 0x6B20];
    assert_eq!(fates(&words.map(u16::to_le_bytes).concat(), "ep"), (lost.to_vec(), 20.0));
    assert_eq!(fates(&words.map(u16::to_be_bytes).concat(), "ep").0, lost);
    assert_eq!(fates(b" !! ", "ep").0, lost);
    let mask = fates("1001".repeat(5).as_bytes(), "mask").0;
    assert!(mask.len() == 20 && mask[..4] == lost && mask[16..] == lost);
    let column: String = (0..20).map(|n| if n % 4 == 0 { "1\n" } else { "0\n" }).collect();
    assert_eq!(fates(column.as_bytes(), "mask.txt").0.iter().filter(|f| f.is_none()).count(), 5);
    // Few figures, or figures that rise as times do, are times.
    assert!(matches!(kind(b"0\n1\n", "x"), Kind::Opportunities { .. }));
    let times = "10\n".repeat(9) + &"11\n".repeat(9) + "101\n";
    assert!(matches!(kind(times.as_bytes(), "x"), Kind::Opportunities { .. }));
}

#[test]
fn phases_become_words() {
    let words = |json: &str| match parse(json.as_bytes(), "t.json").unwrap() {
        Recording::Words(words) => words,
        Recording::Trace(t) => panic!("{t:?}"),
    };
    let two = r#"{"type": "video", "downlink": {}, "uplink": {"trace_pattern": [
        {"duration": 500, "capacity": 300, "loss": 0, "rtt": 85, "jitter": 0},
        {"duration": 250.5, "capacity": 291.76, "loss": 0.1, "rtt": 85, "jitter": 0, "time": 0.5},
        {"duration": 200, "capacity": 0, "loss": 0.1, "rtt": 100, "jitter": 4}]}}"#;
    assert_eq!(
        words(two),
        "forward delay 42.5ms loss 0% rate 300kbit at 500ms loss 10% rate 291.76kbit at 750.5ms delay 50ms 4ms loss 100% \
         back delay 42.5ms loss 0% at 750.5ms delay 50ms"
    );
    // Percent, where any says so; the list alone is an uplink; what does not change is not said again.
    let list = r#"[{"duration": 1000, "capacity": 1000, "loss": 5}, {"duration": 1000, "capacity": 1000, "loss": 5}]"#;
    assert_eq!(words(list), "forward delay 0ms loss 5% rate 1000kbit back delay 0ms loss 0%");
}

#[test]
fn broken_files_are_told_with_the_place_and_what_would_be_right() {
    let pcap = &legacy_pcap(1, &[])[..];
    let le_words = |w: &[u16]| w.iter().flat_map(|w| w.to_le_bytes()).collect::<Vec<u8>>();
    let phase = |p: &str| format!(r#"{{"uplink": {{"trace_pattern": [{p}]}}}}"#).into_bytes();
    let ethernet_arp = [&[0xFF; 12][..], &[0x08, 0x06], &[0; 46]].concat();
    let broken: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "the file is empty"),
        ("blank", b" \n\n \t\n".to_vec(), "the file is empty"),
        ("words", b"12\ntwelve\n13\n".to_vec(), "line 2: 'twelve' is not a whole number of milliseconds"),
        ("nan.down", b"1\n2\nNaN\n".to_vec(), "line 3: 'NaN'"),
        ("inf.dat", b"1\ninf\n".to_vec(), "line 2: 'inf'"),
        ("fraction", b"1\n2.5\n".to_vec(), "line 2: '2.5'"),
        ("columns.up", b"1 2 3\n".to_vec(), "line 1: '1 2 3'"),
        ("exponent", b"1\n1e9\n".to_vec(), "line 2: '1e9'"),
        ("overflow", b"1\n99999999999999999999\n".to_vec(), "line 2: '99999999999999999999'"),
        ("huge.up", b"1\n99999999999\n".to_vec(), "line 2: 99999999999 ms is longer than a day"),
        ("negative.up", b"-1\n2\n".to_vec(), "line 1: -1: a time of a Mahimahi trace is 0 ms or more"),
        (
            "unsorted.down",
            b"10\n30\n20\n".to_vec(),
            "line 3: 20 comes after 30: the times of a Mahimahi trace never descend",
        ),
        ("unsorted", b"100\n300000\n200000\n".to_vec(), "line 2: 300000 ms is too long for a delay"),
        ("zero.up", b"0\n0\n0\n".to_vec(), "all times are 0 ms"),
        ("minus-two.dat", b"40\n-2\n".to_vec(), "line 2: -2: a delay is 0 ms or more, or -1"),
        ("long.dat", b"40\n-1\n60001\n".to_vec(), "line 3: 60001 ms is too long for a delay; at most 60000 ms"),
        ("garbage", vec![0x7F, b'E', b'L', b'F', 2, 1, 1, 0], "byte 0 (0x7F): neither text nor"),
        ("late-garbage", [b"1\n2\n3\n", &[0xFF, 0xFE, 0][..]].concat(), "byte 6 (0xFF)"),
        ("gzip", vec![0x1F, 0x8B, 8, 0, 0, 0], "byte 0 (0x1F)"),
        ("cut.g192", le_words(&[0x6B21, 0x6B20])[..3].to_vec(), "cut within its last word"),
        ("stream.g192", le_words(&[0x6B21, 0x00A0, 0x007F]), "word 2 is 0x00A0: a G.192 error pattern has"),
        ("bytes", b"!!! !A!".to_vec(), "byte 5 is 0x41: a byte error pattern has 0x21 and 0x20 only"),
        ("json", br#"{"uplink": {"trace_pattern": ["#.to_vec(), "line 1, column 30: no JSON"),
        ("other.json", br#"{"downlink": {}}"#.to_vec(), "no phases: an OpenNetLab trace has uplink.trace_pattern"),
        ("no-list.json", br#"{"uplink": {"trace_pattern": 7}}"#.to_vec(), "uplink: trace_pattern is no list"),
        ("no-capacity.json", phase(r#"{"duration": 5}"#), "uplink, phase 1: no capacity"),
        ("negative.json", phase(r#"{"duration": -5, "capacity": 1}"#), "phase 1: duration: -5 is no number from 0 to"),
        ("zero.json", phase(r#"{"duration": 0, "capacity": 1}"#), "lasts longer than 0 ms"),
        ("text.json", phase(r#"{"duration": 5, "capacity": "1 Mbit"}"#), "capacity: \"1 Mbit\" is no number"),
        ("loss.json", phase(r#"{"duration": 5, "capacity": 1, "loss": 101}"#), "loss: 101 is no number from 0 to 100"),
        ("item.json", phase("3"), "phase 1: 3 is no object"),
        ("header.pcap", pcap[..20].to_vec(), "the pcap header is cut"),
        ("cut.pcap", legacy_pcap(1, &[(0, &[0; 60])])[..50].to_vec(), "the capture is cut after 0 packets"),
        ("none.pcap", pcap.to_vec(), "no RTP stream of two packets or more: 0 packets"),
        ("arp.pcap", legacy_pcap(1, &[(0, &ethernet_arp)]), "1 packets, 0 of them UDP over IP"),
        ("cut.pcapng", capture(10, |_| true)[..60].to_vec(), "the capture is cut after 0 packets"),
        ("header.pcapng", vec![0x0A, 0x0D, 0x0D, 0x0A], "the capture is cut after 0 packets"),
        (
            "damaged.pcapng",
            [0x0A0D_0D0A_u32, 12, 0, 12].map(u32::to_le_bytes).concat(),
            "the capture is damaged after 0 packets",
        ),
        ("lone.pcapng", capture(1, |_| true), "no RTP stream of two packets"),
    ];
    assert!(broken.len() >= 30);
    let folder = tempfile::tempdir().unwrap();
    for (name, data, says) in broken {
        let path = folder.path().join(name);
        std::fs::write(&path, data).unwrap();
        let error = read(&path).expect_err(name);
        let text = error.to_string();
        assert!(text.starts_with(&path.to_string_lossy().into_owned()), "{text}");
        assert!(text.contains(says), "{name}: {text}");
        assert!(!text.contains('\n') && text.len() < 300, "{name}: {text}");
        assert_eq!(error.exit_code(), 2, "{name}");
    }
    assert!(read(folder.path()).unwrap_err().to_string().ends_with("is a folder, not a trace"));
    assert!(read(&folder.path().join("missing")).unwrap_err().to_string().contains("missing: "));
    // As large as you like, without taking room.
    let large = folder.path().join("large");
    std::fs::File::create(&large).unwrap().set_len((256 << 20) + 1).unwrap();
    assert!(read(&large).unwrap_err().to_string().contains("is larger than 256 MiB"));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(
        beginning in 0..BEGINNINGS.len(), bytes in prop::collection::vec(any::<u8>(), 0..400), ending in 0..4usize
    ) {
        let data = [BEGINNINGS[beginning], &bytes].concat();
        let _ = parse(&data, ["x", "x.up", "x.dat", "x.json"][ending]);
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in "([0-9-]{1,21}|[01]{1,30}|NaN|-1|\\{|\\[|\"uplink\":|é)[ \n,]{0,2}", more in "([0-9-]{1,6}\n){0,50}") {
        let _ = parse(format!("{text}{more}").as_bytes(), "x");
    }

    #[test]
    fn no_flipped_byte_of_a_capture_makes_its_reader_panic(at in 0..1000usize, value in any::<u8>(), lost in 0..9u64) {
        let mut data = capture(12, |n| n != lost);
        let at = at % data.len();
        data[at] = value;
        let _ = parse(&data, "x.pcapng");
        let mut data = legacy_pcap(1, &[(0, &data), (1, &[0x45; 70])]);
        let at = at % data.len();
        data[at] = value;
        let _ = parse(&data, "x.pcap");
    }

    #[test]
    fn opportunities_keep_order_cause_and_rate(
        gaps in prop::collection::vec(0..9u64, 1..30), sends in prop::collection::vec((0..9_000_000u64, 1..4000usize), 1..80)
    ) {
        let at: Vec<u64> = gaps.iter().scan(1, |t, gap| { *t += gap; Some(*t) }).collect();
        let text: String = at.iter().map(|t| format!("{t}\n")).collect();
        let Recording::Trace(trace) = parse(text.as_bytes(), "x.up").unwrap() else { panic!() };
        let mut replay = Replay::new(trace);
        let (mut now, mut left) = (Time::ZERO, Vec::new());
        for (gap, bytes) in sends {
            now = now + Duration::from_nanos(gap);
            let leaves = replay.admit(now, bytes, true).unwrap();
            prop_assert!(leaves > now);
            left.push((now, leaves, bytes));
        }
        prop_assert!(left.windows(2).all(|w| w[0].1 <= w[1].1));
        // The second implementation: bytes on a line, opportunity by opportunity.
        let period = *at.last().unwrap();
        let mut waiting: Vec<(usize, Time, usize)> = left.iter().enumerate().map(|(n, (now, _, b))| (n, *now, *b)).collect();
        let mut cycle = 0;
        while !waiting.is_empty() {
            for t in &at {
                let instant = Time::from_millis(cycle * period + t);
                let mut room = 1500;
                while room > 0 && waiting.first().is_some_and(|w| w.1 < instant) {
                    let taken = waiting[0].2.min(room);
                    room -= taken;
                    waiting[0].2 -= taken;
                    if waiting[0].2 == 0 {
                        prop_assert_eq!(left[waiting[0].0].1, instant);
                        waiting.remove(0);
                    }
                }
            }
            cycle += 1;
        }
    }
}

/// What leads into each reader.
const BEGINNINGS: &[&[u8]] = &[
    b"",
    b"\x20\x6B",
    b"\x6B\x21",
    b"!! ",
    b"1\n2\n",
    b"{\"uplink\":",
    b"[{",
    b"\xD4\xC3\xB2\xA1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xFF\xFF\0\0\x01\0\0\0",
    b"\xA1\xB2\x3C\x4D\x00\x02\x00\x04\0\0\0\0\0\0\0\0\0\0\xFF\xFF\0\0\0\x71",
    b"\x34\xCD\xB2\xA1\x02\x00\x04\x00\0\0\0\0\0\0\0\0\xFF\xFF\0\0\x65\0\0\0",
    b"\x0A\x0D\x0D\x0A\x1C\0\0\0\x4D\x3C\x2B\x1A\x01\0\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x1C\0\0\0",
    b"\x0A\x0D\x0D\x0A\0\0\0\x1C\x1A\x2B\x3C\x4D\0\x01\0\0\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\0\0\0\x1C",
];

#[test]
fn fates_go_by_time_or_by_packet() {
    let Recording::Trace(trace) = parse(b"10\n-1\n30\n", "x.dat").unwrap() else { panic!() };
    let at = |ms: u64| Time::from_millis(ms);
    let mut by_packet = Replay::new(Arc::clone(&trace));
    let told: Vec<_> = (0..4).map(|n| by_packet.admit(at(n), 200, true)).collect();
    assert_eq!(told, [Some(at(10)), None, Some(at(32)), Some(at(13))]);
    let mut by_time = Replay::new(trace);
    let told: Vec<_> = [0, 19, 20, 40, 60].map(|n| by_time.admit(at(n), 200, false)).to_vec();
    assert_eq!(told, [Some(at(10)), Some(at(29)), None, Some(at(70)), Some(at(70))]);
}

mod captures {
    use super::*;
    use codecbench::net::spec::NetSpec;
    use codecbench::peer::Peers;
    use codecbench::peer::sim::{Kind, Outgoing, Sim, TrackSpec};
    use codecbench::units::{Seed, ms};
    use std::process::Command;

    /// A simulated call of so many packets, its capture, and each packet's fate in ms.
    fn call(net: &str, packets: u64) -> (Vec<u8>, Vec<Option<f64>>) {
        let net: NetSpec = net.parse().unwrap();
        let track = TrackSpec {
            kind: Kind::Audio,
            name: "opus",
            payload_type: 111,
            clock_rate: 48_000,
            channels: 2,
            fmtp: "".parse().unwrap(),
            offers_fmtp: false,
            repair: Default::default(),
            patience: Default::default(),
        };
        let mut sim = Sim::connect(std::slice::from_ref(&track), &net, Seed(3)).unwrap();
        sim.keep_packets();
        let mut arrivals = Vec::new();
        // The sequence wraps, and so does the timestamp.
        let first = 65_000_u16;
        for n in 0..packets {
            let sequence = first.wrapping_add(n as u16);
            let timestamp = 0xFFFF_0000_u32.wrapping_add(960 * n as u32);
            sim.send(
                Time::from_millis(20 * n),
                0,
                Outgoing { sequence, timestamp, marker: n == 0, payload: vec![n as u8; 60], descriptor: None },
            )
            .unwrap();
            arrivals.extend(sim.arrivals());
        }
        sim.advance(Time::from_millis(20 * packets + 5000)).unwrap();
        arrivals.extend(sim.arrivals());
        let mut fates = vec![None; packets as usize];
        for a in arrivals {
            let n = a.sequence.wrapping_sub(first);
            fates[n as usize] = Some(ms(a.at.since(Time::from_millis(20 * u64::from(n)))));
        }
        (sim.capture().unwrap(), fates)
    }

    #[test]
    fn our_own_capture_read_back_is_the_network_that_the_call_met() {
        let (file, expected) = call("delay 40ms 30ms loss gemodel 5% 40%", 1500);
        let (read, step) = fates(&file, "call.pcapng");
        assert_eq!(step, 20.0);
        assert!(read.iter().filter(|f| f.is_none()).count() > 100);
        assert_eq!(read.len(), expected.len());
        for (n, (a, b)) in read.iter().zip(&expected).enumerate() {
            assert_eq!(a.is_none(), b.is_none(), "packet {n}");
            assert!((a.unwrap_or(0.0) - b.unwrap_or(0.0)).abs() < 1e-5, "packet {n}: {a:?} {b:?}");
        }
    }

    #[test]
    fn an_arrival_side_alone_gives_losses_and_delays_above_the_least() {
        let (file, expected) = call("delay 40ms 30ms loss gemodel 5% 40%", 1500);
        let receiver = packets(&file).into_iter().filter(|p| p.0 == 1).map(|p| (p.1, p.2)).collect::<Vec<_>>();
        for link in [1, 101, 113, 276, 0] {
            let framed: Vec<(u64, Vec<u8>)> = receiver.iter().map(|(at, ip)| (*at, link_header(link, ip))).collect();
            let file = legacy_pcap(link, &framed.iter().map(|(at, f)| (*at, &f[..])).collect::<Vec<_>>());
            let (read, step) = fates(&file, "received.pcap");
            assert_eq!(step, 20.0);
            // Losses before the first arrival and after the last do not show.
            let first = expected.iter().position(Option::is_some).unwrap();
            let expected: Vec<_> = expected[first..].iter().take(read.len()).copied().collect();
            let least = expected.iter().flatten().copied().fold(f64::MAX, f64::min);
            assert!(read.len() > 1480 && read.len() == expected.len());
            for (a, b) in read.iter().zip(&expected) {
                assert_eq!(a.is_none(), b.is_none());
                // The legacy format has microseconds.
                assert!((a.unwrap_or(0.0) - b.map_or(0.0, |b| b - least)).abs() < 0.0021, "{a:?} {b:?} {least}");
            }
        }
    }

    /// Interface, nanoseconds and bytes of each packet, by the parser's own reading.
    fn packets(file: &[u8]) -> Vec<(u32, u64, Vec<u8>)> {
        use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
        use pcap_parser::{Block, PcapBlockOwned, PcapError, PcapNGReader};
        let mut reader = PcapNGReader::new(1 << 16, file).unwrap();
        let mut found = Vec::new();
        loop {
            match reader.next() {
                Ok((offset, block)) => {
                    if let PcapBlockOwned::NG(Block::EnhancedPacket(p)) = &block {
                        assert!(!p.truncated());
                        let at = u64::from(p.ts_high) << 32 | u64::from(p.ts_low);
                        found.push((p.if_id, at, p.packet_data().to_vec()));
                    }
                    reader.consume(offset);
                }
                Err(PcapError::Eof) => return found,
                Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
                Err(e) => panic!("{e:?}"),
            }
        }
    }

    #[test]
    fn a_capture_has_what_was_sent_and_what_arrived() {
        let (file, fates) = call("delay 40ms loss 10%", 500);
        let packets = packets(&file);
        assert!(packets.windows(2).all(|w| w[0].1 <= w[1].1), "in order of time");
        let media = |side: u32| packets.iter().filter(|p| p.0 == side && p.2[29] & 127 == 111).count();
        assert_eq!(media(0), 500);
        assert_eq!(media(1), fates.iter().flatten().count());
        // Reports of both peers are there as well.
        assert!(packets.iter().any(|p| p.0 == 1 && p.2[29] == 201 || p.2[29] == 205));
    }

    #[test]
    fn tshark_reads_rtp_out_of_it() {
        let version = Command::new("tshark").arg("--version").output();
        if !version.is_ok_and(|v| v.status.success()) {
            eprintln!("SKIPPED: no tshark here, so no capture was shown to it");
            return;
        }
        let (file, fates) = call("delay 40ms loss 10%", 500);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("call.pcapng");
        std::fs::write(&path, &file).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new("tshark");
            command.env("HOME", folder.path()).args(["-r", &path.to_string_lossy()]).args(arguments);
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let check = ["-o", "ip.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"];
        let rtp = ["-d", "udp.port==5004,rtp", "-Y", "rtp && frame.interface_name == \"receiver\"", "-T", "fields"];
        let fields = ["-e", "rtp.ssrc", "-e", "rtp.p_type", "-e", "ip.checksum.status", "-e", "udp.checksum.status"];
        let told = run(&[&check[..], &rtp, &fields].concat());
        assert_eq!(told.lines().count(), fates.iter().flatten().count());
        assert!(told.lines().all(|l| l == "0x0c0dec01\t111\t1\t1"), "{}", told.lines().next().unwrap_or_default());
        // Its own statistics count what the receiver misses, between the first arrival and the last.
        let streams = run(&["-q", "-d", "udp.port==5004,rtp", "-z", "rtp,streams"]);
        let stream = |source: &str| {
            let line = streams.lines().find(|l| l.contains(source)).unwrap_or_else(|| panic!("{streams}"));
            let words: Vec<&str> = line.split_whitespace().collect();
            let ssrc = words.iter().position(|w| *w == "0x0C0DEC01").unwrap();
            (words[ssrc + 2].parse::<usize>().unwrap(), words[ssrc + 3].parse::<usize>().unwrap())
        };
        assert_eq!(stream(" 192.0.2.1 "), (500, 0));
        let place = |there: &Option<f64>| there.is_some();
        let (first, last) = (fates.iter().position(place).unwrap(), fates.iter().rposition(place).unwrap());
        let lost = fates[first..=last].iter().filter(|f| f.is_none()).count();
        assert_eq!(stream(" 198.51.100.1 "), (fates.iter().flatten().count(), lost));
        assert_eq!(run(&["-d", "udp.port==5004,rtp", "-Y", "_ws.malformed"]), "");
    }

    fn link_header(link: u32, ip: &[u8]) -> Vec<u8> {
        let header: &[u8] = match link {
            // A VLAN tag.
            1 => &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 7, 8, 0],
            113 => &[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0],
            276 => &[8, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0],
            0 => &[2, 0, 0, 0],
            _ => &[],
        };
        [header, ip].concat()
    }
}

/// A pcap file of microseconds: nanoseconds and frame.
fn legacy_pcap(link: u32, frames: &[(u64, &[u8])]) -> Vec<u8> {
    let mut file = [0xA1B2_C3D4_u32, 4 << 16 | 2, 0, 0, 65_535, link].map(u32::to_le_bytes).concat();
    for (at, frame) in frames {
        let length = frame.len() as u32;
        let head = [(at / 1_000_000_000) as u32, (at % 1_000_000_000 / 1000) as u32, length, length];
        file.extend(head.map(u32::to_le_bytes).concat());
        file.extend(*frame);
    }
    file
}

/// A pcapng file of so many RTP packets, each 20 ms after the other, those that `there` says.
fn capture(packets: u64, there: impl Fn(u64) -> bool) -> Vec<u8> {
    use codecbench::net::pcapng::{Frame, write};
    let at = "192.0.2.1:5004".parse().unwrap();
    let rtp = |n: u64| {
        let mut rtp = vec![0x80, 111, 0, n as u8];
        rtp.extend((960 * n as u32).to_be_bytes());
        rtp.extend(7_u32.to_be_bytes());
        rtp.extend([0xAA; 40]);
        rtp
    };
    let payloads: Vec<(u64, Vec<u8>)> = (0..packets).filter(|n| there(*n)).map(|n| (n, rtp(n))).collect();
    let frames = payloads.iter().map(|(n, payload)| Frame {
        interface: 0,
        at: Time::from_millis(20 * n + 7),
        source: at,
        destination: at,
        payload,
    });
    write(&["only"], frames)
}

#[test]
fn ipv6_duplicates_and_new_starts() {
    // UDP over IPv6 with a hop-by-hop header, Ethernet.
    let frame = |sequence: u16, timestamp: u32| {
        let mut rtp = vec![0x80, 0];
        rtp.extend(sequence.to_be_bytes());
        rtp.extend(timestamp.to_be_bytes());
        rtp.extend(9_u32.to_be_bytes());
        rtp.extend([0; 160]);
        let udp_length = 8 + rtp.len() as u16;
        let udp = [&[0x13, 0x8C, 0x13, 0x8C][..], &udp_length.to_be_bytes(), &[0, 0], &rtp].concat();
        let ip =
            [&[0x60, 0, 0, 0][..], &(udp_length + 8).to_be_bytes(), &[0, 64], &[1; 32], &[17, 0, 1, 4, 0, 0, 0, 0]];
        [&[0; 12][..], &[0x86, 0xDD], &ip.concat(), &udp].concat()
    };
    let at = |ms: u64| ms * 1_000_000;
    // Packet 11 is missing, 12 comes twice, 14 before 13; then the sender starts anew.
    let frames = [
        (at(100), frame(10, 0)),
        (at(145), frame(12, 320)),
        (at(150), frame(12, 320)),
        (at(180), frame(14, 640)),
        (at(190), frame(13, 480)),
        (at(205), frame(40_000, 77)),
        (at(220), frame(40_001, 237)),
    ];
    let file = legacy_pcap(1, &frames.iter().map(|(at, f)| (*at, &f[..])).collect::<Vec<_>>());
    let (fates, step) = fates(&file, "x.pcap");
    assert_eq!(step, 20.0);
    let expected = [Some(0.0), None, Some(5.0), Some(30.0), Some(0.0), Some(5.0), Some(0.0)];
    assert_eq!(fates, expected);
}

mod program {
    use serde_json::Value;
    use std::process::{Command, Output};

    fn codecbench(arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_codecbench")).args(arguments).output().unwrap()
    }

    #[test]
    fn net_tells_what_a_recorded_network_does() {
        let folder = tempfile::tempdir().unwrap();
        let trace = folder.path().join("profile.dat");
        std::fs::write(&trace, "40\n-1\n-1\n90\n").unwrap();
        let (words, out) = (format!("trace {}", trace.display()), folder.path().join("out"));
        let told = codecbench(&["net", &words, "--packets", "1000", "--json", "--out", &out.to_string_lossy()]);
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        let told: Value = serde_json::from_slice(&told.stdout).unwrap();
        assert_eq!(
            (&told["loss"], &told["mean_burst"], &told["theory"]["loss"]),
            (&0.5.into(), &2.0.into(), &0.5.into())
        );
        assert_eq!((&told["delay_ms"]["mean"], &told["delay_ms"]["sd"]), (&65.0.into(), &25.0.into()));
        assert_eq!((&told["delay_ms"]["p50"], &told["delay_ms"]["p99"]), (&40.0.into(), &90.0.into()));
        // Packet 3 comes at 150 ms, packet 4 at 120 ms, and so on.
        assert!((told["reordered"].as_f64().unwrap() - 249.0 / 500.0).abs() < 1e-9, "{told}");
        assert_eq!(std::fs::read_to_string(out.join("packets.csv")).unwrap().lines().count(), 1001);
        assert!(out.join("delay.png").metadata().unwrap().len() > 10_000);

        std::fs::write(&trace, "40\nforty\n").unwrap();
        let told = codecbench(&["net", &words]);
        let text = String::from_utf8_lossy(&told.stderr);
        assert!(told.status.code() == Some(2) && text.contains("profile.dat: line 2: 'forty'"), "{text}");
    }

    #[test]
    fn the_presets_are_listed_with_what_they_do() {
        let told: Value = serde_json::from_slice(&codecbench(&["list", "networks", "--json"]).stdout).unwrap();
        let networks = told["networks"].as_array().unwrap();
        let names: Vec<&str> = networks.iter().map(|n| n["name"].as_str().unwrap()).collect();
        for name in ["wifi", "lte-driving", "3g", "satellite", "office", "congested", "rfc8867-5.1", "rfc8867-5.2"] {
            assert!(names.contains(&name), "{names:?}");
        }
        for n in networks {
            assert!(n["delay_ms"]["p95"].as_f64() >= n["delay_ms"]["p50"].as_f64(), "{n}");
            assert!(n["words"].is_string() && n["source"].is_string() && n["loss"].is_f64(), "{n}");
        }
    }
}
