//! What an Opus packet shows without decoding it: its table of contents (RFC 6716, section 3.1), how its frames are packed
//! (section 3.2), and whether its first frame carries in-band FEC, "LBRR" (sections 4.2.3 and 4.2.4).

use std::time::Duration;

/// The farthest that deep redundancy reaches, 1040 ms, in samples at 48 kHz.
pub(super) const DEEPEST: usize = 49_920;

/// A packet so short holds no audio: it is DTX (RFC 6716, section 3.2.1; libwebrtc draws the line here too).
pub(super) const DTX_BYTES: usize = 2;

/// The readable part of one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusPacket {
    pub mode: Mode,
    pub bandwidth: Bandwidth,
    /// The duration of one Opus frame; a packet holds one or more.
    pub frame: Duration,
    pub frames: usize,
    pub channels: u8,
    /// The first frame repeats, at lower quality, the media before this packet: one [`OpusPacket::frame`] of it.
    pub lbrr: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mode {
    Silk,
    Hybrid,
    Celt,
}

impl Mode {
    pub fn name(self) -> &'static str {
        match self {
            Mode::Silk => "SILK",
            Mode::Hybrid => "hybrid",
            Mode::Celt => "CELT",
        }
    }
}

/// The audio bandwidths of RFC 6716, Table 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bandwidth {
    /// To 4 kHz.
    Narrow,
    /// To 6 kHz.
    Medium,
    /// To 8 kHz.
    Wide,
    /// To 12 kHz.
    SuperWide,
    /// To 20 kHz.
    Full,
}

impl Bandwidth {
    pub fn name(self) -> &'static str {
        match self {
            Bandwidth::Narrow => "narrowband",
            Bandwidth::Medium => "mediumband",
            Bandwidth::Wide => "wideband",
            Bandwidth::SuperWide => "superwideband",
            Bandwidth::Full => "fullband",
        }
    }
}

impl OpusPacket {
    /// `None`: a receiver must refuse the packet (RFC 6716, section 3.4).
    pub fn parse(packet: &[u8]) -> Option<OpusPacket> {
        let (toc, body) = packet.split_first()?;
        let (mode, bandwidth, frame) = configuration(toc >> 3);
        let channels = if toc & 4 == 0 { 1 } else { 2 };
        let (frames, first) = match toc & 3 {
            0 => (1, body),
            1 if body.len() % 2 == 0 => (2, &body[..body.len() / 2]),
            1 => return None,
            2 => {
                let (length, rest) = frame_length(body)?;
                within_limit(rest.get(length..)?)?;
                (2, &rest[..length])
            }
            _ => any_number_of_frames(body, frame)?,
        };
        let lbrr = carries_lbrr(mode, frame, channels, within_limit(first)?);
        Some(OpusPacket { mode, bandwidth, frame, frames, channels, lbrr })
    }
}

/// RFC 6716, Table 2.
fn configuration(number: u8) -> (Mode, Bandwidth, Duration) {
    use Bandwidth::{Full, Medium, Narrow, SuperWide, Wide};
    let ms = Duration::from_millis;
    let silk_frame = [10, 20, 40, 60][number as usize % 4];
    match number {
        0..12 => (Mode::Silk, [Narrow, Medium, Wide][number as usize / 4], ms(silk_frame)),
        12..16 => (Mode::Hybrid, if number < 14 { SuperWide } else { Full }, ms([10, 20][number as usize % 2])),
        _ => {
            let bandwidth = [Narrow, Wide, SuperWide, Full][number as usize / 4 % 4];
            (Mode::Celt, bandwidth, Duration::from_micros(2500 << (number % 4)))
        }
    }
}

/// Code 3 (section 3.2.5): a count, padding, and frames of equal or of signalled length. Gives the count and first frame.
fn any_number_of_frames(body: &[u8], frame: Duration) -> Option<(usize, &[u8])> {
    let (header, mut rest) = body.split_first()?;
    let frames = usize::from(header & 63);
    if frames == 0 || frame * frames as u32 > Duration::from_millis(120) {
        return None;
    }
    if header & 64 != 0 {
        let mut padding = 0;
        loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            // 255: 254 bytes of padding, and a further length byte.
            padding += usize::from(*byte).min(254);
            if *byte != 255 {
                break;
            }
        }
        rest = &rest[..rest.len().checked_sub(padding)?];
    }
    if header & 128 == 0 {
        return (rest.len() % frames == 0).then(|| (frames, &rest[..rest.len() / frames]));
    }
    let (mut first, mut sum) = (None, 0);
    for _ in 1..frames {
        let (length, after) = frame_length(rest)?;
        (first, sum, rest) = (first.or(Some(length)), sum + length, after);
    }
    within_limit(rest.get(sum..)?)?;
    Some((frames, &rest[..first.unwrap_or(rest.len())]))
}

/// A frame length of one or two bytes (section 3.2.1), and what follows it.
fn frame_length(bytes: &[u8]) -> Option<(usize, &[u8])> {
    match bytes {
        [first @ 0..=251, rest @ ..] => Some((usize::from(*first), rest)),
        [first, second, rest @ ..] => Some((usize::from(*first) + 4 * usize::from(*second), rest)),
        _ => None,
    }
}

/// No frame is longer than 1275 bytes (section 3.4, requirement R2).
fn within_limit(frame: &[u8]) -> Option<&[u8]> {
    (frame.len() <= 1275).then_some(frame)
}

/// The SILK layer starts with one voice-activity flag per 20 ms (or 10 ms) and one LBRR flag, for the mid and then the
/// side channel. These bits have even odds, so they stand plainly at the top of the first byte.
fn carries_lbrr(mode: Mode, frame: Duration, channels: u8, data: &[u8]) -> bool {
    let Some(first) = data.first().filter(|_| mode != Mode::Celt) else { return false };
    let silk_frames = (frame.as_millis() as u32 / 20).max(1);
    (1..=u32::from(channels)).any(|c| first >> (8 - c * (silk_frames + 1)) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    /// libopus's own answer: 1, 0, or negative for a packet that it refuses.
    fn libopus_has_lbrr(packet: &[u8]) -> i32 {
        #[expect(unsafe_code, reason = "the safe crate does not expose opus_packet_has_lbrr")]
        // SAFETY: the pointer and length are those of one live, non-empty slice, which libopus only reads.
        unsafe {
            opusic_sys::opus_packet_has_lbrr(packet.as_ptr(), packet.len() as i32)
        }
    }

    /// Compares one packet with what libopus reads in it; says whether it has LBRR.
    fn agrees(packet: &[u8]) -> bool {
        let parsed = OpusPacket::parse(packet);
        let frames = opus::packet::parse(packet).map(|p| p.frames.len()).ok();
        assert_eq!(parsed.map(|p| p.frames), frames, "{packet:?}");
        let Some(parsed) = parsed else { return false };
        assert_eq!(parsed.lbrr, libopus_has_lbrr(packet) == 1, "{packet:?}");
        let samples = opus::packet::get_samples_per_frame(packet, 48_000).unwrap();
        assert_eq!(parsed.frame, Duration::from_nanos(samples as u64 * 1_000_000_000 / 48_000));
        assert_eq!(parsed.channels, opus::packet::get_nb_channels(packet).unwrap() as u8);
        let name = format!("{:?}", opus::packet::get_bandwidth(packet).unwrap()).to_lowercase();
        assert_eq!(parsed.bandwidth.name(), name);
        parsed.lbrr
    }

    #[test]
    fn random_bytes_are_read_as_libopus_reads_them() {
        let mut rng = Seed(11).stream("packets");
        for _ in 0..200_000 {
            let length = 1 + (rng.bits() % if rng.bits().is_multiple_of(8) { 1500 } else { 24 }) as usize;
            let packet: Vec<u8> = (0..length).map(|_| rng.bits() as u8).collect();
            agrees(&packet);
        }
        assert_eq!(OpusPacket::parse(&[]), None);
    }

    #[test]
    fn coded_speech_shows_lbrr_where_libopus_finds_it_in_every_packing() {
        let mut seen = [0; 2];
        let mut modes = std::collections::BTreeSet::new();
        for (channels, stereo) in [(opus::Channels::Mono, false), (opus::Channels::Stereo, true)] {
            for (frame_ms, bitrate) in
                [(10, 24_000), (20, 16_000), (20, 24_000), (20, 40_000), (40, 24_000), (60, 20_000), (20, 128_000)]
            {
                for fec in [false, true] {
                    let mut encoder = opus::Encoder::new(48_000, channels, opus::Application::Voip).unwrap();
                    encoder.set_bitrate(opus::Bitrate::Bits(bitrate)).unwrap();
                    encoder.set_inband_fec(fec).unwrap();
                    encoder.set_packet_loss_perc(20).unwrap();
                    let pcm = voice(48_000, stereo);
                    let frame = 48 * frame_ms * if stereo { 2 } else { 1 };
                    let packets: Vec<Vec<u8>> =
                        pcm.chunks_exact(frame).map(|f| encoder.encode_vec(f, 1275).unwrap()).collect();
                    for packet in &packets {
                        let lbrr = agrees(packet);
                        assert!(fec || !lbrr);
                        seen[usize::from(lbrr)] += 1;
                        modes.insert(OpusPacket::parse(packet).unwrap().mode);
                    }
                    for pair in packets.windows(2) {
                        let mut joined = vec![0; 4000];
                        let parts = [pair[0].as_slice(), pair[1].as_slice()];
                        // Packets of different configuration cannot be joined.
                        if let Ok(length) = opus::Repacketizer::new().unwrap().combine(&parts, &mut joined) {
                            assert_eq!(agrees(&joined[..length]), agrees(&pair[0]));
                            opus::packet::pad(&mut joined, length).unwrap();
                            assert_eq!(agrees(&joined), agrees(&pair[0]), "code 3 with padding");
                        }
                    }
                }
            }
        }
        assert!(seen[0] > 300 && seen[1] > 300, "without and with LBRR: {seen:?}");
        assert_eq!(modes.len(), 3, "SILK, hybrid and CELT occur");
    }

    /// Two seconds of pulses at 110 Hz through two resonances, with pauses of noise.
    fn voice(sample_rate: usize, stereo: bool) -> Vec<i16> {
        let mut rng = Seed(3).stream("voice");
        let (mut y1, mut y2) = (0.0, 0.0);
        let turn = std::f64::consts::TAU * 700.0 / sample_rate as f64;
        let mut out = Vec::new();
        for n in 0..2 * sample_rate {
            let voiced = n / (sample_rate / 4) % 4 != 3;
            let pulse = if voiced && n.is_multiple_of(sample_rate / 110) { 6000.0 } else { 60.0 * rng.normal() };
            let y = pulse + 2.0 * 0.98 * turn.cos() * y1 - 0.98 * 0.98 * y2;
            (y1, y2) = (y, y1);
            out.push((y / 4.0).clamp(-30_000.0, 30_000.0) as i16);
            if stereo {
                out.push((y / 7.0 + 200.0 * rng.normal()).clamp(-30_000.0, 30_000.0) as i16);
            }
        }
        out
    }
}
