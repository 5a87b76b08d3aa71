//! AV1 (AV1 RTP payload format, version 1.0): OBUs without size fields, gathered and cut to fit, with the Dependency
//! Descriptor on every packet.
//!
//! What comes out is OBU for OBU what went in, each with a size field in its shortest form; temporal delimiters, tile
//! lists and padding stay out (sections 4.4 and 5).

use super::api::{Described, Frame, Packetizer, Payload, PayloadFormat, VideoPacket};
use super::descriptor::{DependencyWriter, Resolver, mandatory};
use super::gather::{Format, Gather, Head, Whole};
use super::number::check;
use crate::error::{Error, Result};

pub static AV1: PayloadFormat = PayloadFormat {
    name: "AV1",
    described: true,
    packetizer: |_| Box::new(Av1Packetizer { dependencies: DependencyWriter::new("AV1") }),
    depacketizer: || Box::new(Gather::new(Av1Format::default())),
};

/// OBU types (AV1 bitstream, section 6.2.2) that do not travel.
const LEFT_OUT: [u8; 3] = [2, 8, 15];
const HAS_SIZE: u8 = 2;
const HAS_EXTENSION: u8 = 4;

/// A part of an OBU shorter than this is not worth its own length field: it waits for the next packet.
const LEAST_PART: usize = 16;

struct Av1Packetizer {
    dependencies: DependencyWriter,
}

impl Packetizer for Av1Packetizer {
    fn packetize(&mut self, picture: &Described<'_>, max_payload: usize) -> Result<Vec<Payload>> {
        check("AV1", picture, max_payload)?;
        let reason = format!("picture {} is not a sequence of OBUs", picture.id);
        let obus = obus(picture.data).filter(|o| !o.is_empty()).ok_or(Error::Codec { codec: "AV1", reason })?;
        let packets = pack(&obus, max_payload);
        let descriptors = self.dependencies.next(picture, packets.len())?;
        let last = packets.len() - 1;
        let payload = |(k, (packet, descriptor)): (usize, (Packet<'_>, _))| Payload {
            data: packet.write(picture.key && k == 0),
            marker: k == last,
            descriptor: Some(descriptor),
        };
        Ok(packets.into_iter().zip(descriptors).enumerate().map(payload).collect())
    }
}

/// The OBUs that travel, without size fields. `None`: malformed.
fn obus(mut data: &[u8]) -> Option<Vec<Vec<u8>>> {
    let mut all = Vec::new();
    while let Some(header) = data.first() {
        let length = 1 + usize::from(header & HAS_EXTENSION != 0);
        let (head, rest) = data.split_at_checked(length)?;
        let (body, after) = match header & HAS_SIZE {
            0 => (rest, &[][..]),
            _ => {
                let (size, rest) = read_leb128(rest)?;
                rest.split_at_checked(size)?
            }
        };
        if header & 0x80 != 0 {
            return None;
        }
        if !LEFT_OUT.contains(&(header >> 3 & 15)) {
            all.push([&[header & !HAS_SIZE], &head[1..], body].concat());
        }
        data = after;
    }
    Some(all)
}

/// What one packet carries.
#[derive(Default)]
struct Packet<'a> {
    /// The first element continues the last one of the packet before (Z); the last one goes on in the next (Y).
    continues: bool,
    continued: bool,
    elements: Vec<&'a [u8]>,
}

impl Packet<'_> {
    /// How many bytes one more element may have. Up to three elements are counted in the aggregation header (W), and the
    /// last has no length field; of more, each has one.
    fn room(&self, max_payload: usize) -> usize {
        let used = 1 + self.elements.iter().map(|e| leb128_length(e.len()) + e.len()).sum::<usize>();
        let left = max_payload.saturating_sub(used);
        if self.elements.len() < 3 {
            return left;
        }
        (1..=4).filter_map(|n| left.checked_sub(n).filter(|room| leb128_length(*room) <= n)).max().unwrap_or(0)
    }

    /// The payload (section 4.4). `new`: it begins a coded video sequence (N).
    fn write(&self, new: bool) -> Vec<u8> {
        let counted = if self.elements.len() <= 3 { self.elements.len() } else { 0 };
        let bits = [(self.continues, 7), (self.continued, 6), (new, 3)];
        let mut out = vec![bits.iter().map(|(on, place)| u8::from(*on) << place).sum::<u8>() | (counted as u8) << 4];
        for (k, element) in self.elements.iter().enumerate() {
            if k + 1 != counted {
                write_leb128(element.len(), &mut out);
            }
            out.extend_from_slice(element);
        }
        out
    }
}

fn pack(obus: &[Vec<u8>], max_payload: usize) -> Vec<Packet<'_>> {
    let mut packets = vec![Packet::default()];
    for obu in obus {
        let mut rest = obu.as_slice();
        while let Some(packet) = packets.last_mut() {
            let room = packet.room(max_payload);
            if room < rest.len().min(LEAST_PART) {
                packets.push(Packet::default());
                continue;
            }
            let (part, after) = rest.split_at(rest.len().min(room));
            packet.elements.push(part);
            rest = after;
            if rest.is_empty() {
                break;
            }
            packet.continued = true;
            packets.push(Packet { continues: true, ..Packet::default() });
        }
    }
    packets
}

#[derive(Default)]
struct Av1Format {
    dependencies: Resolver,
}

impl Format for Av1Format {
    fn head(&self, packet: &VideoPacket) -> Option<Head> {
        let header = packet.payload.first()?;
        let (continues, new) = (header & 0x80 != 0, header & 8 != 0);
        let described = packet.descriptor.as_deref().and_then(mandatory);
        let told = if continues { Some(false) } else { new.then_some(true) };
        let start = described.map(|d| d.start).or(told);
        Some(Head { start, end: packet.marker || described.is_some_and(|d| d.end), key: new })
    }

    fn join(&mut self, whole: Whole, out: &mut Vec<Frame>) {
        let Some(data) = join(whole.packets.iter().map(|p| p.payload.as_slice())) else { return };
        match whole.packets.first().and_then(|p| p.descriptor.as_deref()) {
            Some(descriptor) => self.dependencies.join(descriptor, &whole, data, out),
            None => {
                let key = whole.packets.first().and_then(|p| p.payload.first()).is_some_and(|b| b & 8 != 0);
                out.extend(whole.in_a_row(key, data));
            }
        }
    }
}

/// The OBUs of the payloads of one picture, with size fields. `None`: malformed, or none.
fn join<'a>(payloads: impl Iterator<Item = &'a [u8]>) -> Option<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = Vec::new();
    let mut open = false;
    for payload in payloads {
        let (header, mut rest) = payload.split_first()?;
        let counted = usize::from(header >> 4 & 3);
        if open != (header & 0x80 != 0) || rest.is_empty() {
            return None;
        }
        let mut count = 0;
        while !rest.is_empty() {
            count += 1;
            let size = if count == counted { rest.len() } else { 0 };
            let (size, after) = if size > 0 { (size, rest) } else { read_leb128(rest)? };
            let (element, after) = after.split_at_checked(size)?;
            rest = after;
            match all.last_mut().filter(|_| open) {
                Some(last) => last.extend_from_slice(element),
                None => all.push(element.to_vec()),
            }
            open = false;
        }
        if counted != 0 && count != counted {
            return None;
        }
        open = header & 0x40 != 0;
    }
    if open {
        return None;
    }
    let mut out = Vec::new();
    for obu in all.iter().filter(|o| !o.is_empty()) {
        // A sender may leave size fields in (section 4.4): each element is one OBU either way.
        for obu in obus(obu)? {
            let (head, body) = obu.split_at_checked(1 + usize::from(obu[0] & HAS_EXTENSION != 0))?;
            out.push(head[0] | HAS_SIZE);
            out.extend_from_slice(&head[1..]);
            write_leb128(body.len(), &mut out);
            out.extend_from_slice(body);
        }
    }
    (!out.is_empty()).then_some(out)
}

/// A number in groups of seven bits, the lowest first (AV1 bitstream, section 4.10.5).
fn read_leb128(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0;
    for (k, byte) in bytes.iter().take(8).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * k);
        if byte & 0x80 == 0 {
            return Some((u32::try_from(value).ok()? as usize, &bytes[k + 1..]));
        }
    }
    None
}

fn write_leb128(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn leb128_length(value: usize) -> usize {
    (value.max(1).ilog2() / 7 + 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// An OBU with a size field.
    fn sized(kind: u8, extension: Option<u8>, body: &[u8]) -> Vec<u8> {
        let mut out = vec![kind << 3 | HAS_SIZE | if extension.is_some() { HAS_EXTENSION } else { 0 }];
        out.extend(extension);
        write_leb128(body.len(), &mut out);
        out.extend_from_slice(body);
        out
    }

    fn payloads(data: &[u8], max: usize) -> Vec<Vec<u8>> {
        let obus = obus(data).unwrap();
        pack(&obus, max).iter().map(|p| p.write(false)).collect()
    }

    #[test]
    fn few_obus_are_counted_and_many_have_lengths() {
        let data = [sized(2, None, &[]), sized(1, None, &[5; 3]), sized(6, None, &[6; 4])].concat();
        assert_eq!(payloads(&data, 64), [vec![0x20, 4, 8, 5, 5, 5, 48, 6, 6, 6, 6]]);
        let data = [1, 3, 4, 5].map(|kind| sized(kind, None, &[kind])).concat();
        assert_eq!(payloads(&data, 64), [vec![0, 2, 8, 1, 2, 24, 3, 2, 32, 4, 2, 40, 5]]);
        let cut = payloads(&sized(6, None, &[6; 80]), 64);
        assert_eq!((cut[0][0], cut[0].len(), cut[1][0], cut[1].len()), (0x50, 64, 0x90, 19));
    }

    #[test]
    fn a_missing_part_is_noticed() {
        let cut = payloads(&sized(6, None, &[6; 180]), 64);
        let join = |parts: &[usize]| join(parts.iter().map(|k| cut[*k].as_slice()));
        assert_eq!(join(&[0, 1, 2]), Some(sized(6, None, &[6; 180])));
        assert_eq!(join(&[0, 1]), None);
        assert_eq!(join(&[1, 2]), None);
    }

    proptest! {
        #[test]
        fn obus_come_out_as_they_went_in(
            all in prop::collection::vec((0..16u8, prop::option::of(any::<u8>()), prop::collection::vec(any::<u8>(), 0..400)), 1..9),
            max in 64..300usize,
        ) {
            let sized = |left_out: bool| {
                let kept = all.iter().filter(|(kind, ..)| left_out || !LEFT_OUT.contains(kind));
                kept.flat_map(|(kind, extension, body)| sized(*kind, *extension, body)).collect::<Vec<u8>>()
            };
            let (data, kept) = (sized(true), sized(false));
            prop_assume!(!kept.is_empty());
            let payloads = payloads(&data, max);
            prop_assert!(payloads.iter().all(|p| p.len() <= max));
            prop_assert_eq!(join(payloads.iter().map(Vec::as_slice)), Some(kept));
        }

        #[test]
        fn any_bytes_are_read_or_refused(all in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..20), 0..5)) {
            join(all.iter().map(Vec::as_slice));
            all.iter().for_each(|bytes| { obus(bytes); });
        }
    }
}
