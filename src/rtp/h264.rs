//! H.264 (RFC 6184) in packetization modes 0 (single NAL units) and 1 (also STAP-A and FU-A), with the Dependency
//! Descriptor on every packet.
//!
//! What comes out is NAL unit for NAL unit what went in, each behind a start code of four bytes.

use super::api::{Described, Frame, Packetizer, Payload, PayloadFormat, VideoPacket};
use super::descriptor::{DependencyWriter, Resolver, mandatory};
use super::gather::{Format, Gather, Head, Whole};
use super::number::{check, shares};
use crate::error::{Error, Result};

pub static H264: PayloadFormat = PayloadFormat {
    name: "H264",
    described: true,
    packetizer: |fmtp| {
        let cut = fmtp.get("packetization-mode") == Some("1");
        Box::new(H264Packetizer { cut, dependencies: DependencyWriter::new("H264") })
    },
    depacketizer: || Box::new(Gather::new(H264Format::default())),
};

/// NAL unit types (RFC 6184, section 5.2; H.264, table 7-1).
const IDR: u8 = 5;
const SPS: u8 = 7;
const STAP_A: u8 = 24;
const FU_A: u8 = 28;

struct H264Packetizer {
    /// Packetization mode 1: NAL units are aggregated and cut.
    cut: bool,
    dependencies: DependencyWriter,
}

impl Packetizer for H264Packetizer {
    fn packetize(&mut self, picture: &Described<'_>, max_payload: usize) -> Result<Vec<Payload>> {
        check("H264", picture, max_payload)?;
        let error = |reason: String| Error::Codec { codec: "H264", reason };
        let units = nal_units(picture.data);
        if units.is_empty() {
            return Err(error(format!("picture {} has no NAL unit behind a start code", picture.id)));
        }
        let mut all = Vec::new();
        let mut next = 0;
        while let Some(unit) = units.get(next) {
            if !self.cut || unit.len() > max_payload {
                if !self.cut && unit.len() > max_payload {
                    return Err(error(format!(
                        "a NAL unit of {} bytes in packetization mode 0, where {max_payload} are the most",
                        unit.len()
                    )));
                }
                if self.cut {
                    fragment(unit, max_payload, &mut all)
                } else {
                    all.push(unit.to_vec())
                }
                next += 1;
                continue;
            }
            let mut size = 1;
            let fits = |unit: &&&[u8]| {
                size += 2 + unit.len();
                size <= max_payload
            };
            let together = units[next..].iter().take_while(fits).count().max(1);
            all.push(aggregate(&units[next..next + together]));
            next += together;
        }
        let descriptors = self.dependencies.next(picture, all.len())?;
        let last = all.len() - 1;
        let payload = |(k, (data, descriptor))| Payload { data, marker: k == last, descriptor: Some(descriptor) };
        Ok(all.into_iter().zip(descriptors).enumerate().map(payload).collect())
    }
}

/// The NAL units of a byte stream (H.264, annex B). No NAL unit ends in a zero byte: such are padding.
pub fn nal_units(stream: &[u8]) -> Vec<&[u8]> {
    let mut starts = Vec::new();
    let mut at = 0;
    while let Some(found) = stream.get(at..).and_then(|rest| rest.windows(3).position(|w| w == [0, 0, 1])) {
        at += found + 3;
        starts.push(at);
    }
    let ends = starts.iter().skip(1).map(|s| s - 3).chain([stream.len()]);
    let units = starts.iter().zip(ends).map(|(start, end)| {
        let unit = &stream[*start..end];
        &unit[..unit.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1)]
    });
    units.filter(|unit| !unit.is_empty()).collect()
}

/// A single NAL unit as it is, several as STAP-A (RFC 6184, section 5.7.1).
fn aggregate(units: &[&[u8]]) -> Vec<u8> {
    if let [unit] = units {
        return unit.to_vec();
    }
    let importance = units.iter().map(|u| u[0] & 0x60).max().unwrap_or(0);
    let mut out = vec![importance | STAP_A];
    for unit in units {
        out.extend((unit.len() as u16).to_be_bytes());
        out.extend_from_slice(unit);
    }
    out
}

/// A NAL unit in parts, as FU-A (RFC 6184, section 5.8).
fn fragment(unit: &[u8], max_payload: usize, all: &mut Vec<Vec<u8>>) {
    let (header, body) = (unit[0], &unit[1..]);
    for share in shares(body.len(), max_payload - 2) {
        let (start, end) = (share.start == 0, share.end == body.len());
        let mut out = vec![header & 0xe0 | FU_A, u8::from(start) << 7 | u8::from(end) << 6 | header & 0x1f];
        out.extend_from_slice(&body[share]);
        all.push(out);
    }
}

#[derive(Default)]
struct H264Format {
    dependencies: Resolver,
}

impl Format for H264Format {
    fn head(&self, packet: &VideoPacket) -> Option<Head> {
        let first = packet.payload.first()? & 0x1f;
        let of = match first {
            STAP_A => packet.payload.get(3)? & 0x1f,
            FU_A => packet.payload.get(1)? & 0x1f,
            1..=23 => first,
            _ => return None,
        };
        let key = matches!(of, IDR | SPS);
        let described = packet.descriptor.as_deref().and_then(mandatory);
        let start = described.map(|d| d.start).or((of == SPS && first != FU_A).then_some(true));
        Some(Head { start, end: packet.marker || described.is_some_and(|d| d.end), key })
    }

    fn join(&mut self, whole: Whole, out: &mut Vec<Frame>) {
        let Some(units) = units(whole.packets.iter().map(|p| p.payload.as_slice())) else { return };
        let data = units.iter().flat_map(|unit| [0, 0, 0, 1].iter().chain(unit)).copied().collect();
        match whole.packets.first().and_then(|p| p.descriptor.as_deref()) {
            Some(descriptor) => self.dependencies.join(descriptor, &whole, data, out),
            None => {
                let key = units.iter().any(|u| u[0] & 0x1f == IDR);
                out.extend(whole.in_a_row(key, data));
            }
        }
    }
}

/// The NAL units of the payloads of one picture; none is empty. `None`: malformed.
fn units<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> Option<Vec<Vec<u8>>> {
    let mut units: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for payload in payloads {
        let (first, mut rest) = payload.split_first()?;
        let kind = first & 0x1f;
        if open && kind != FU_A {
            return None;
        }
        match kind {
            1..=23 => units.push(payload.to_vec()),
            STAP_A => {
                while let Some((length, after)) = rest.split_first_chunk::<2>() {
                    let (unit, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
                    if unit.is_empty() {
                        return None;
                    }
                    units.push(unit.to_vec());
                    rest = after;
                }
                if !rest.is_empty() {
                    return None;
                }
            }
            FU_A => {
                let (header, body) = rest.split_first()?;
                let (start, end) = (header & 0x80 != 0, header & 0x40 != 0);
                if start == open {
                    return None;
                }
                if start {
                    units.push(vec![first & 0xe0 | header & 0x1f]);
                }
                units.last_mut()?.extend_from_slice(body);
                open = !end;
            }
            _ => return None,
        }
    }
    (!open && !units.is_empty()).then_some(units)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::fmtp::Fmtp;
    use proptest::prelude::*;

    fn picture(data: &[u8]) -> Described<'_> {
        Described { id: 0, key: true, layer: 0, depends_on: &[], switch: true, layers: 1, size: (64, 64), data }
    }

    fn packetize(mode: &str, data: &[u8], max: usize) -> Result<Vec<Vec<u8>>> {
        let fmtp: Fmtp = format!("packetization-mode={mode}").parse().unwrap();
        let payloads = (H264.packetizer)(&fmtp).packetize(&picture(data), max)?;
        Ok(payloads.into_iter().map(|p| p.data).collect())
    }

    #[test]
    fn start_codes_of_either_length_and_padding_are_taken_off() {
        let stream = [0, 0, 0, 1, 0x67, 9, 0, 0, 1, 0x68, 0, 0, 0, 0, 1, 0x65, 1, 2, 0, 0];
        assert_eq!(nal_units(&stream), [&[0x67, 9][..], &[0x68], &[0x65, 1, 2]]);
        assert!(nal_units(&[1, 2, 3]).is_empty());
    }

    #[test]
    fn parameter_sets_go_together_and_a_long_slice_is_cut() {
        let mut stream = vec![0, 0, 0, 1, 0x67, 9, 0, 0, 1, 0x68, 5, 0, 0, 1, 0x65];
        stream.extend([7; 99]);
        let payloads = packetize("1", &stream, 64).unwrap();
        assert_eq!(payloads[0], [0x60 | 24, 0, 2, 0x67, 9, 0, 2, 0x68, 5]);
        assert_eq!((payloads[1][..2].to_vec(), payloads[1].len()), (vec![0x60 | 28, 0x80 | 5], 51));
        assert_eq!((payloads[2][..2].to_vec(), payloads[2].len()), (vec![0x60 | 28, 0x40 | 5], 52));
        let joined = units(payloads.iter().map(Vec::as_slice)).unwrap();
        assert_eq!(joined.iter().map(Vec::as_slice).collect::<Vec<_>>(), nal_units(&stream));
    }

    #[test]
    fn mode_0_sends_single_units_and_refuses_what_does_not_fit() {
        let stream = [0, 0, 1, 0x67, 9, 0, 0, 1, 0x65, 1];
        assert_eq!(packetize("0", &stream, 64).unwrap(), [vec![0x67, 9], vec![0x65, 1]]);
        let long: Vec<u8> = [0, 0, 1].into_iter().chain([0x65; 65]).collect();
        let error = packetize("0", &long, 64).unwrap_err().to_string();
        assert_eq!(error, "H264: a NAL unit of 65 bytes in packetization mode 0, where 64 are the most");
    }

    #[test]
    fn fragments_without_beginning_or_end_are_refused() {
        let refused = |payloads: &[&[u8]]| units(payloads.iter().copied()).is_none();
        assert!(refused(&[&[28, 0x05, 1]]));
        assert!(refused(&[&[28, 0x85, 1]]));
        assert!(refused(&[&[28, 0x85, 1], &[1, 2], &[28, 0x45, 1]]));
        assert!(refused(&[&[24, 0, 3, 1, 2]]));
        assert!(!refused(&[&[28, 0x85, 1], &[28, 0x45, 1]]));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5),
        ) {
            units(payloads.iter().map(Vec::as_slice));
            payloads.iter().for_each(|p| { nal_units(p); });
        }
    }
}
