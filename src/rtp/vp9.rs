//! VP9 (RFC 9628) in flexible mode: every packet says how many pictures back the references lie (P_DIFF), one spatial
//! layer.

use super::api::{Described, Frame, Packetizer, Payload, PayloadFormat, VideoPacket};
use super::gather::{Format, Gather, Head, Unwrap, Whole};
use super::number::{Numbers, check, shares};
use crate::error::Result;

pub static VP9: PayloadFormat = PayloadFormat {
    name: "VP9",
    described: false,
    packetizer: |_| Box::new(Vp9Packetizer { numbers: Numbers::new("VP9") }),
    depacketizer: || Box::new(Gather::new(Vp9Format::default())),
};

/// P_DIFF has 7 bits, and there are at most three of them (RFC 9628, section 4.2).
const FARTHEST: u64 = 127;
const MOST: usize = 3;

struct Vp9Packetizer {
    numbers: Numbers,
}

impl Packetizer for Vp9Packetizer {
    fn packetize(&mut self, picture: &Described<'_>, max_payload: usize) -> Result<Vec<Payload>> {
        check("VP9", picture, max_payload)?;
        let numbered = self.numbers.next(picture)?;
        let back: Vec<u8> = numbered.back.iter().filter(|b| **b <= FARTHEST).map(|b| *b as u8).collect();
        if back.len() != numbered.back.len() || back.len() > MOST || back.is_empty() != picture.key {
            let reason = format!(
                "picture {} refers {:?} pictures back; flexible mode can tell 1 to {MOST} of up to {FARTHEST}",
                picture.id, numbered.back
            );
            return Err(self.numbers.error(reason));
        }
        let mut header = Descriptor {
            number: Some((numbered.number & 0x7fff) as u16),
            predicted: !picture.key,
            flexible: true,
            start: true,
            end: false,
            layer: (picture.layers > 1).then_some((picture.layer, picture.switch)),
            back,
            size: picture.key.then_some(picture.size),
        };
        // The first packet's descriptor is the longest.
        let room = max_payload - header.write().len();
        let payloads = shares(picture.data.len(), room).map(|share| {
            header.end = share.end == picture.data.len();
            let mut data = header.write();
            header = header.later();
            data.extend_from_slice(&picture.data[share.clone()]);
            Payload { data, marker: share.end == picture.data.len(), descriptor: None }
        });
        Ok(payloads.collect())
    }
}

/// The payload descriptor (RFC 9628, section 4.2).
#[derive(Clone, Debug, PartialEq, Eq)]
struct Descriptor {
    /// 15 bits.
    number: Option<u16>,
    /// It refers to other pictures (P).
    predicted: bool,
    flexible: bool,
    /// First packet of the picture (B), last packet (E).
    start: bool,
    end: bool,
    /// Temporal layer and whether it is a switching point (U).
    layer: Option<(u8, bool)>,
    /// In flexible mode: how many pictures back the references lie.
    back: Vec<u8>,
    /// Of the scalability structure.
    size: Option<(u32, u32)>,
}

impl Descriptor {
    /// That of the packets after the first.
    fn later(&self) -> Descriptor {
        Descriptor { start: false, size: None, ..self.clone() }
    }

    fn write(&self) -> Vec<u8> {
        let bit = |on: bool, place: u32| u8::from(on) << place;
        let mut out = vec![
            bit(self.number.is_some(), 7)
                | bit(self.predicted, 6)
                | bit(self.layer.is_some(), 5)
                | bit(self.flexible, 4)
                | bit(self.start, 3)
                | bit(self.end, 2)
                | bit(self.size.is_some(), 1)
                // Z: no higher spatial layer refers to it.
                | 1,
        ];
        out.extend(self.number.iter().flat_map(|n| (n | 0x8000).to_be_bytes()));
        out.extend(self.layer.map(|(layer, switch)| layer << 5 | bit(switch, 4)));
        let last = self.back.len().saturating_sub(1);
        out.extend(self.back.iter().enumerate().map(|(k, back)| back << 1 | bit(k < last, 0)));
        if let Some((width, height)) = self.size {
            // One spatial layer, its size follows, no picture group.
            out.push(0x10);
            out.extend([width, height].iter().flat_map(|side| (*side as u16).to_be_bytes()));
        }
        out
    }

    /// The descriptor and what follows it; `None` also for a higher spatial layer.
    fn read(payload: &[u8]) -> Option<(Descriptor, &[u8])> {
        let mut rest = payload;
        let mut next = || {
            let (byte, after) = rest.split_first()?;
            rest = after;
            Some(*byte)
        };
        let first = next()?;
        let has = |place: u32| first >> place & 1 != 0;
        let (predicted, flexible, start, end) = (has(6), has(4), has(3), has(2));
        let mut number = None;
        if has(7) {
            let high = next()?;
            let long = high & 0x80 != 0;
            number = Some(if long { u16::from(high & 0x7f) << 8 | u16::from(next()?) } else { high.into() });
        }
        let mut layer = None;
        if has(5) {
            let byte = next()?;
            if byte >> 1 & 7 != 0 {
                return None;
            }
            layer = Some((byte >> 5, byte >> 4 & 1 != 0));
            if !flexible {
                next()?;
            }
        }
        let mut back = Vec::new();
        let mut more = flexible && predicted;
        while more {
            let byte = next()?;
            back.push(byte >> 1);
            more = byte & 1 != 0;
            if more && back.len() == MOST {
                return None;
            }
        }
        let mut size = None;
        if has(1) {
            let structure = next()?;
            for _ in 0..if structure & 0x10 != 0 { (structure >> 5) + 1 } else { 0 } {
                let mut side = || Some(u32::from(next()?) << 8 | u32::from(next()?));
                size = Some((side()?, side()?));
            }
            for _ in 0..if structure & 8 != 0 { next()? } else { 0 } {
                for _ in 0..next()? >> 2 & 3 {
                    next()?;
                }
            }
        }
        let descriptor = Descriptor { number, predicted, flexible, start, end, layer, back, size };
        Some((descriptor, rest)).filter(|_| !rest.is_empty())
    }
}

#[derive(Default)]
struct Vp9Format {
    numbers: Unwrap<15>,
}

impl Format for Vp9Format {
    fn head(&self, packet: &VideoPacket) -> Option<Head> {
        let (descriptor, _) = Descriptor::read(&packet.payload)?;
        Some(Head { start: Some(descriptor.start), end: descriptor.end || packet.marker, key: !descriptor.predicted })
    }

    fn join(&mut self, whole: Whole, out: &mut Vec<Frame>) {
        let parts = whole.packets.iter().map(|p| Descriptor::read(&p.payload).map(|(_, data)| data));
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return };
        let data = parts.concat();
        let Some((descriptor, _)) = whole.packets.first().and_then(|p| Descriptor::read(&p.payload)) else { return };
        let key = !descriptor.predicted;
        let Some(number) = descriptor.number else { return out.extend(whole.in_a_row(key, data)) };
        let number = self.numbers.next(number.into());
        let Ok(id) = u64::try_from(number) else { return };
        // Without flexible mode the pattern is not followed: the picture before is what it needs at most.
        let back = if descriptor.flexible || key { descriptor.back } else { vec![1] };
        let depends_on = back.iter().map(|b| id.checked_sub(u64::from(*b)).filter(|_| *b > 0));
        let Some(depends_on) = depends_on.collect() else { return };
        let layer = descriptor.layer.map_or(0, |l| l.0);
        out.push(Frame { id, depends_on, layer, ..whole.frame(key, data) });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn references_that_flexible_mode_cannot_tell_are_refused() {
        let mut packetizer = (VP9.packetizer)(&Default::default());
        let size = (64, 64);
        let mut packetize = |id: u64, depends_on: &[u64]| {
            let key = id == 0;
            let data = &[1; 10];
            let picture = Described { id, key, layer: 0, depends_on, switch: true, layers: 1, size, data };
            packetizer.packetize(&picture, 1200).map(|p| p.len()).map_err(|e| e.to_string())
        };
        (0..130).for_each(|id: u64| assert_eq!(packetize(id, &Vec::from_iter(id.checked_sub(1))), Ok(1)));
        assert_eq!(packetize(130, &[129, 3]), Ok(1));
        assert!(
            packetize(131, &[3])
                .unwrap_err()
                .ends_with("[128] pictures back; flexible mode can tell 1 to 3 of up to 127")
        );
        assert!(packetize(132, &[]).unwrap_err().contains("picture 132 refers []"));
        assert!(packetize(133, &[132, 131, 130, 129]).is_err());
    }

    #[test]
    fn the_descriptor_is_that_of_the_rfc() {
        let key = Descriptor {
            number: Some(0x1234),
            predicted: false,
            flexible: true,
            start: true,
            end: false,
            layer: Some((0, true)),
            back: vec![],
            size: Some((640, 360)),
        };
        assert_eq!(key.write(), [0xbb, 0x92, 0x34, 0x10, 0x10, 0x02, 0x80, 0x01, 0x68]);
        let later = Descriptor { predicted: true, end: true, layer: Some((2, false)), back: vec![1, 3], ..key.later() };
        assert_eq!(later.write(), [0xf5, 0x92, 0x34, 0x40, 3, 6]);
        // A picture group of two pictures (G), each with references, is passed over.
        let group = [0x0a, 0x08, 2, 0x04, 1, 0x28, 1, 2, 77];
        assert_eq!(Descriptor::read(&group).unwrap().1, [77]);
        assert_eq!(Descriptor::read(&[0x38, 0x02, 1]), None, "a higher spatial layer");
    }

    proptest! {
        #[test]
        fn descriptors_round_trip_and_garbage_is_read_or_refused(
            number in prop::option::of(0..0x8000u16), (start, end) in any::<(bool, bool)>(),
            layer in prop::option::of((0..8u8, any::<bool>())),
            back in prop::collection::vec(1..128u8, 0..4),
            size in prop::option::of((1..65536u32, 1..65536u32)),
            garbage in prop::collection::vec(any::<u8>(), 0..24),
        ) {
            let own = Descriptor { number, predicted: !back.is_empty(), flexible: true, start, end, layer, back, size };
            let mut bytes = own.write();
            bytes.push(9);
            prop_assert_eq!(Descriptor::read(&bytes), Some((own, &[9u8][..])));
            Descriptor::read(&garbage);
        }
    }
}
