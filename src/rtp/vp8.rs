//! VP8 (RFC 7741): every packet carries a picture number of 15 bits; with temporal layers also TL0PICIDX, the layer and
//! whether the picture is a switching point.
//!
//! The payload does not say what a picture refers to. A receiver takes it, as libwebrtc does, to be all that it could be:
//! without layers the picture before; with layers the base picture that TL0PICIDX names and, but for switching points,
//! the newest picture of every layer up to its own. While a picture in between is unknown, that cannot be told, and the
//! picture waits.

use super::api::{Described, Frame, Packetizer, Payload, PayloadFormat, VideoPacket};
use super::gather::{Format, Gather, Head, Unwrap, Whole};
use super::number::{Numbers, check, shares};
use crate::error::Result;
use std::collections::BTreeMap;

pub static VP8: PayloadFormat = PayloadFormat {
    name: "VP8",
    described: false,
    packetizer: |_| Box::new(Vp8Packetizer { numbers: Numbers::new("VP8"), base: 255 }),
    depacketizer: || Box::new(Gather::new(Vp8Format::default())),
};

/// Most pictures that wait for what they refer to, and most that are remembered.
const WAITING: usize = 100;
const REMEMBERED: usize = 1000;

struct Vp8Packetizer {
    numbers: Numbers,
    /// TL0PICIDX.
    base: u8,
}

impl Packetizer for Vp8Packetizer {
    fn packetize(&mut self, picture: &Described<'_>, max_payload: usize) -> Result<Vec<Payload>> {
        check("VP8", picture, max_payload)?;
        let number = self.numbers.next(picture)?.number;
        let layers = (picture.layers > 1).then(|| {
            self.base = self.base.wrapping_add(u8::from(picture.layer == 0));
            Layers { base: self.base, layer: picture.layer, switch: picture.switch }
        });
        let mut header = Descriptor { start: true, number: Some((number & 0x7fff) as u16), layers };
        let room = max_payload - header.write().len();
        let payloads = shares(picture.data.len(), room).map(|share| {
            let marker = share.end == picture.data.len();
            let mut data = header.write();
            header.start = false;
            data.extend_from_slice(&picture.data[share]);
            Payload { data, marker, descriptor: None }
        });
        Ok(payloads.collect())
    }
}

/// The payload descriptor (RFC 7741, section 4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Descriptor {
    /// The payload begins with the first partition of a picture.
    start: bool,
    /// 15 bits.
    number: Option<u16>,
    layers: Option<Layers>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Layers {
    /// TL0PICIDX: number of the newest picture of layer 0, this one included.
    base: u8,
    layer: u8,
    switch: bool,
}

impl Descriptor {
    fn write(&self) -> Vec<u8> {
        let mut out = vec![0x80 | u8::from(self.start) << 4];
        out.push(u8::from(self.number.is_some()) << 7 | if self.layers.is_some() { 0x60 } else { 0 });
        out.extend(self.number.iter().flat_map(|n| (n | 0x8000).to_be_bytes()));
        if let Some(Layers { base, layer, switch }) = self.layers {
            out.extend([base, layer << 6 | u8::from(switch) << 5]);
        }
        out
    }

    /// The descriptor and what follows it.
    fn read(payload: &[u8]) -> Option<(Descriptor, &[u8])> {
        let (first, mut rest) = payload.split_first()?;
        let start = first & 0x10 != 0 && first & 7 == 0;
        let mut next = || {
            let (byte, after) = rest.split_first()?;
            rest = after;
            Some(*byte)
        };
        let (mut number, mut layers) = (None, None);
        if first & 0x80 != 0 {
            let has = next()?;
            if has & 0x80 != 0 {
                let high = next()?;
                let long = high & 0x80 != 0;
                number = Some(if long { u16::from(high & 0x7f) << 8 | u16::from(next()?) } else { high.into() });
            }
            let base = if has & 0x40 != 0 { Some(next()?) } else { None };
            let layer = if has & 0x30 != 0 { Some(next()?).filter(|_| has & 0x20 != 0) } else { None };
            layers = base.zip(layer);
        }
        let layers = layers.map(|(base, l)| Layers { base, layer: l >> 6, switch: l & 0x20 != 0 });
        Some((Descriptor { start, number, layers }, rest)).filter(|_| !rest.is_empty())
    }
}

#[derive(Default)]
struct Vp8Format {
    numbers: Unwrap<15>,
    /// Whole pictures by number; `true`: a key picture.
    known: BTreeMap<i64, (Layers, bool)>,
    waiting: BTreeMap<i64, Frame>,
}

impl Format for Vp8Format {
    fn head(&self, packet: &VideoPacket) -> Option<Head> {
        let (descriptor, data) = Descriptor::read(&packet.payload)?;
        // The first bit of a picture is clear in key pictures (RFC 6386, section 9.1).
        let key = descriptor.start && data.first().is_some_and(|b| b & 1 == 0);
        Some(Head { start: Some(descriptor.start), end: packet.marker, key })
    }

    fn join(&mut self, whole: Whole, out: &mut Vec<Frame>) {
        let parts = whole.packets.iter().map(|p| Descriptor::read(&p.payload).map(|(_, data)| data));
        let Some(parts) = parts.collect::<Option<Vec<_>>>() else { return };
        let data = parts.concat();
        let descriptor = whole.packets.first().and_then(|p| Descriptor::read(&p.payload));
        let Some((descriptor, first)) = descriptor else { return };
        let key = first.first().is_some_and(|b| b & 1 == 0);
        let Some(number) = descriptor.number else { return out.extend(whole.in_a_row(key, data)) };
        let number = self.numbers.next(number.into());
        let Ok(id) = u64::try_from(number) else { return };
        let mut frame = Frame { id, ..whole.frame(key, data) };
        let Some(layers) = descriptor.layers else {
            frame.depends_on = if key { Vec::new() } else { Vec::from_iter(id.checked_sub(1)) };
            return out.push(frame);
        };
        frame.layer = layers.layer;
        self.known.insert(number, (layers, key));
        self.waiting.insert(number, frame);
        self.release(out);
    }
}

impl Vp8Format {
    /// Lets go all pictures of which it is known now what they refer to.
    fn release(&mut self, out: &mut Vec<Frame>) {
        let ready: Vec<(i64, Vec<u64>)> =
            self.waiting.keys().filter_map(|n| self.references(*n).map(|refs| (*n, refs))).collect();
        for (number, depends_on) in ready {
            out.extend(self.waiting.remove(&number).map(|frame| Frame { depends_on, ..frame }));
        }
        while self.waiting.len() > WAITING {
            self.waiting.pop_first();
        }
        while self.known.len() > REMEMBERED {
            self.known.pop_first();
        }
    }

    /// What the picture could refer to; `None`: a picture in between is unknown.
    fn references(&self, number: i64) -> Option<Vec<u64>> {
        let (own, key) = *self.known.get(&number)?;
        if key {
            return Some(Vec::new());
        }
        let earlier = self.known.range(..number).rev();
        let (base, _) = earlier.clone().find(|(_, (l, _))| l.layer == 0)?;
        let step = u8::from(own.layer == 0);
        if self.known.get(base)?.0.base != own.base.wrapping_sub(step) {
            return None;
        }
        let mut found = vec![*base];
        if own.layer > 0 && !own.switch {
            // The newest of each other layer, as far back as no picture is unknown and up to the last key picture.
            let mut newest = [None; 4];
            let mut expected = number;
            let mut all = false;
            for (n, (layers, key)) in earlier {
                expected -= 1;
                if *n != expected {
                    return None;
                }
                let place = &mut newest[usize::from(layers.layer & 3)];
                *place = place.or(Some(*n));
                all = *key || newest[..=usize::from(own.layer & 3)].iter().all(Option::is_some);
                if all {
                    break;
                }
            }
            if !all {
                return None;
            }
            found.extend(newest[1..=usize::from(own.layer & 3)].iter().flatten());
        }
        found.into_iter().map(|n| u64::try_from(n).ok()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_descriptor_is_that_of_the_rfc() {
        let layers = Some(Layers { base: 7, layer: 2, switch: true });
        let whole = Descriptor { start: true, number: Some(0x1234), layers };
        assert_eq!(whole.write(), [0x90, 0xe0, 0x92, 0x34, 7, 0xa0]);
        // Without extension; with 7-bit number, KEYIDX and no TID; second partition.
        let read = |bytes: &[u8]| Descriptor::read(bytes).unwrap().0;
        assert_eq!(read(&[0x10, 1]), Descriptor { start: true, number: None, layers: None });
        assert_eq!(read(&[0x91, 0x90, 5, 0xff, 1]), Descriptor { start: false, number: Some(5), layers: None });
        assert_eq!(Descriptor::read(&[0x90, 0xe0, 0x92, 0x34, 7, 0xa0]), None, "no data");
    }

    proptest! {
        #[test]
        fn descriptors_round_trip_and_garbage_is_read_or_refused(
            number in prop::option::of(0..0x8000u16), layer in 0..4u8,
            (start, base, switch, has) in any::<(bool, u8, bool, bool)>(),
            garbage in prop::collection::vec(any::<u8>(), 0..16),
        ) {
            let own = Descriptor { start, number, layers: has.then_some(Layers { base, layer, switch }) };
            let mut bytes = own.write();
            bytes.push(9);
            prop_assert_eq!(Descriptor::read(&bytes), Some((own, &[9u8][..])));
            Descriptor::read(&garbage);
        }
    }
}
