//! A recorded call's very packets into our receiver: what it decides can be compared with what the recorded one did, free of
//! chance.
//!
//! A recording is a table (CSV, or CSV in gzip) with a first line of column names and a line per packet. Needed are `t_out_ms`
//! (when it reached the receiver, in ms), `seq` and `rtp_ts` (of its RTP header, RFC 3550, section 5.1) and `hex` (the
//! payload in hexadecimal digits). Where there is a column `kind`, only rows with `rtp` count; of `dir` only `AC`; of `fate`
//! only `D` (delivered); a row with a value in `red` has a payload of redundant audio (RFC 2198). Packets without a payload are
//! left out: bandwidth probes, of which a decoder learns nothing. Other columns are ignored.

use crate::codec::audio::opus::packet::OpusPacket;
use crate::codec::{Request, audio};
use crate::error::{Error, Result};
use crate::media::PcmFormat;
use crate::playout::audio::{Packet, Played, Playout, Receiver};
use crate::rtp::red::{self, Block};
use crate::rtp::turns::Turns;
use crate::units::{Time, from_ms};
use std::io::Read;
use std::path::Path;
use std::time::Duration;

/// The payload type of Opus in Chromium's offers, and so within its redundant audio.
const OPUS_PAYLOAD_TYPE: u8 = 111;

/// One packet as it reached the receiver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    pub at: Time,
    pub sequence: u16,
    pub timestamp: u32,
    /// It holds redundant audio (RFC 2198).
    pub red: bool,
    pub payload: Vec<u8>,
}

/// Reads a recording; packets in order of arrival.
///
/// # Errors
/// [`Error::Input`] with the line, where the file cannot be read or a needed column is missing or no number.
pub fn read(path: &Path) -> Result<Vec<Received>> {
    let wrong = |reason: String| Error::input(path, reason);
    let bytes = std::fs::read(path).map_err(|e| wrong(e.to_string()))?;
    let mut text = String::new();
    let read = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_string(&mut text),
        false => bytes.as_slice().read_to_string(&mut text),
    };
    read.map_err(|e| wrong(e.to_string()))?;

    let mut lines = (1..).zip(text.lines());
    let header: Vec<&str> = lines.next().map(|(_, line)| line.split(',').collect()).unwrap_or_default();
    let column = |name: &str| header.iter().position(|h| *h == name);
    let needed = |name: &str| {
        column(name)
            .ok_or_else(|| wrong(format!("line 1: no column '{name}'; t_out_ms, seq, rtp_ts and hex are needed")))
    };
    let (at, sequence, timestamp, hex) = (needed("t_out_ms")?, needed("seq")?, needed("rtp_ts")?, needed("hex")?);
    let filters: Vec<(usize, &str)> = [("kind", "rtp"), ("dir", "AC"), ("fate", "D")]
        .into_iter()
        .filter_map(|(name, wanted)| Some((column(name)?, wanted)))
        .collect();
    let red = column("red");

    let mut packets: Vec<Received> = Vec::new();
    for (number, line) in lines {
        let cells: Vec<&str> = line.split(',').collect();
        let cell = |column: usize| cells.get(column).copied().unwrap_or_default();
        if filters.iter().any(|(column, wanted)| cell(*column) != *wanted) || cell(hex).is_empty() {
            continue;
        }
        let of_line = |what: String| wrong(format!("line {number}: {what}"));
        let no_number =
            |column: usize| of_line(format!("{} is '{}', no number in range", header[column], cell(column)));
        let ms: f64 = cell(at).parse().map_err(|_| no_number(at))?;
        packets.push(Received {
            at: Time::ZERO + from_ms(Some(ms).filter(|ms| (0.0..1e9).contains(ms)).ok_or_else(|| no_number(at))?),
            sequence: cell(sequence).parse().map_err(|_| no_number(sequence))?,
            timestamp: cell(timestamp).parse().map_err(|_| no_number(timestamp))?,
            red: red.is_some_and(|column| !cell(column).is_empty()),
            payload: bytes_of(cell(hex))
                .ok_or_else(|| of_line("hex is no even number of hexadecimal digits".into()))?,
        });
        let packet = &packets[packets.len() - 1];
        if !frames_of(packet).iter().all(|block| OpusPacket::parse(block.data).is_some()) {
            let what = "its payload is no Opus packet (RFC 6716, section 3.4): is it encrypted, or another codec's?";
            return Err(of_line(what.into()));
        }
    }
    if packets.is_empty() {
        return Err(wrong("no packet in it reached the receiver".into()));
    }
    packets.sort_by_key(|packet| packet.at);
    Ok(packets)
}

fn bytes_of(hex: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = hex.chars().map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    digits.len().is_multiple_of(2).then(|| digits.chunks_exact(2).map(|d| (d[0] * 16 + d[1]) as u8).collect())
}

/// The coded frames in a packet, its own last.
fn frames_of(packet: &Received) -> Vec<Block<'_>> {
    match packet.red {
        true => red::unpack(OPUS_PAYLOAD_TYPE, packet.timestamp, &packet.payload).unwrap_or_default(),
        false => vec![Block { timestamp: packet.timestamp, data: &packet.payload }],
    }
}

/// Plays recorded Opus packets, up to half a second after the last one.
///
/// `request`: what the receiver read in its fmtp line (whether it decodes two channels). `phase`: when the sound card makes its
/// first pull, below 10 ms; see [`Playout::new`].
///
/// # Errors
/// The decoder's.
pub fn play(packets: &[Received], request: &Request, receiver: Receiver, phase: Duration) -> Result<Played> {
    let codec = audio("opus")?;
    let settings = (codec.configure)(request, &PcmFormat::mono(48_000))?;
    let mut playout = Playout::new(receiver, settings.format, settings.decoder()?, Duration::ZERO, phase);
    let first = packets.first().map_or((0, 0), |first| (first.sequence, first.timestamp));
    let mut turns = Turns::new(first.0, first.1);
    let pull_until = |playout: &mut Playout, until: Time| -> Result<()> {
        while playout.next_pull().is_some_and(|pull| pull < until) {
            playout.pull()?;
        }
        Ok(())
    };
    for packet in packets {
        pull_until(&mut playout, packet.at)?;
        let numbers = turns.count(packet.sequence, packet.timestamp);
        unpacked(packet, numbers, settings.format).into_iter().for_each(|frame| playout.insert(frame));
    }
    if let Some(last) = packets.last() {
        pull_until(&mut playout, last.at + Duration::from_millis(500))?;
    }
    Ok(playout.finish())
}

/// The frames in a packet with these numbers: its own, then the copies of earlier ones backwards in time.
fn unpacked(packet: &Received, (sequence, timestamp): (i64, i64), format: PcmFormat) -> Vec<Packet> {
    let frame = |(earlier, block): (i64, Block<'_>)| Packet {
        at: packet.at,
        sequence: sequence - earlier,
        // Opus's RTP clock is 48 kHz whatever is coded (RFC 7587, section 4.1).
        position: (timestamp - i64::from(packet.timestamp.wrapping_sub(block.timestamp)))
            * i64::from(format.sample_rate)
            / 48_000,
        payload: block.data.to_vec(),
        redundant: earlier > 0,
    };
    (0..).zip(frames_of(packet).into_iter().rev()).map(frame).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_text(text: &str) -> Result<Vec<Received>> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("call.csv");
        std::fs::write(&file, text).unwrap();
        read(&file)
    }

    #[test]
    fn rows_that_reached_the_receiver_come_in_order_of_arrival() {
        let packets = read_text(
            "fate,t_out_ms,kind,seq,rtp_ts,hex,red\n\
             D,30.5,rtp,7,960,780b,\nL,,rtp,8,1920,780b,\nD,10,rtp,6,0,f0ffff,\nD,11,rtcp,,,8fcd,\nD,12,rtp,9,0,,\n",
        );
        let packets = packets.unwrap();
        let seen: Vec<(f64, u16, u32)> = packets.iter().map(|p| (p.at.as_ms(), p.sequence, p.timestamp)).collect();
        assert_eq!(seen, [(10.0, 6, 0), (30.5, 7, 960)]);
        assert_eq!(packets[0].payload, [0xf0, 0xff, 0xff]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line() {
        let head = "t_out_ms,seq,rtp_ts,hex";
        for (text, says) in [
            ("seq,rtp_ts,hex\n".to_owned(), "line 1: no column 't_out_ms'"),
            (format!("{head}\n1,2,3,7\n"), "line 2: hex is no even number"),
            (format!("{head}\n1,2,3,78\nx,2,3,78\n"), "line 3: t_out_ms is 'x'"),
            (format!("{head}\n1,70000,3,78\n"), "line 2: seq is '70000'"),
            // Two frames of equal length in an odd number of bytes.
            (format!("{head}\n1,2,3,7901\n"), "line 2: its payload is no Opus packet"),
            (format!("{head}\n"), "no packet in it reached the receiver"),
        ] {
            let error = read_text(&text).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    /// A lost packet of redundant audio (RFC 2198, one block back) is played from the copy in the next.
    #[test]
    fn copies_in_redundant_audio_are_played() {
        let frame = |n: u8| Block { timestamp: 960 * u32::from(n), data: &[0xf8] };
        let packet = |n: u8| Received {
            at: Time::ZERO + Duration::from_millis(40 + 20 * u64::from(n)),
            sequence: n.into(),
            timestamp: 960 * u32::from(n),
            red: true,
            payload: red::pack(OPUS_PAYLOAD_TYPE, frame(n), &(n.max(1) - 1..n).map(frame).collect::<Vec<_>>()),
        };
        let packets: Vec<Received> = (0..50).filter(|n| *n != 20).map(packet).collect();
        let receiver = Receiver::Fixed(Duration::from_millis(60));
        let played = play(&packets, &Request::default(), receiver, Duration::ZERO).unwrap();
        assert!(played.played.contains(&20) && played.late.is_empty());
    }
}
