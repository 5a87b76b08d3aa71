//! What the first bytes of a coded picture say: VP8 by RFC 6386, sections 9 and 19.2, VP9 by its bitstream specification
//! (version 0.6), section 6.2. Anything that is not such a header is `None`, never a panic.

use crate::bits::Bits;

/// Out of a coded picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// 0 to 3; for VP8 its "version".
    pub profile: u8,
    pub key: bool,
    pub shown: bool,
    /// In luma samples, where it is stated: key pictures.
    pub size: Option<(u32, u32)>,
    /// The index of the quantiser: 0 to 127 for VP8, 0 to 255 for VP9.
    pub qp: u8,
    /// The reference slots that it replaces, as bits; for VP8 1 is the last, 2 the golden, 4 the alternate picture.
    pub writes: u8,
    /// Its probabilities are the start of the next picture's.
    pub keeps_entropy: bool,
}

pub(super) fn vp8(data: &[u8]) -> Option<Header> {
    let tag = u32::from_le_bytes([*data.first()?, *data.get(1)?, *data.get(2)?, 0]);
    let (key, profile, shown) = (tag & 1 == 0, (tag >> 1 & 7) as u8, tag >> 4 & 1 == 1);
    let (mut size, mut start) = (None, 3);
    if key {
        let head = data.get(3..10)?;
        if head[..3] != [0x9d, 0x01, 0x2a] {
            return None;
        }
        // The two upper bits of each are a scale for display.
        let side = |at: usize| u32::from(u16::from_le_bytes([head[at], head[at + 1]]) & 0x3fff);
        size = Some((side(3), side(5)));
        start = 10;
    }
    let mut bits = BoolReader::new(data.get(start..)?)?;
    if key {
        bits.literal(2); // colour space, clamping
    }
    if bits.flag() {
        segmentation(&mut bits);
    }
    bits.literal(1 + 6 + 3); // the loop filter's type, level and sharpness
    if bits.flag() && bits.flag() {
        for _ in 0..8 {
            bits.optional(6 + 1);
        }
    }
    bits.literal(2); // token partitions
    let qp = bits.literal(7) as u8;
    for _ in 0..5 {
        bits.optional(4 + 1);
    }
    let (writes, keeps_entropy) = if key { (7, bits.flag()) } else { references(&mut bits) };
    Some(Header { profile, key, shown, size, qp, writes, keeps_entropy })
}

/// RFC 6386, section 19.2, update_segmentation().
fn segmentation(bits: &mut BoolReader<'_>) {
    let (map, data) = (bits.flag(), bits.flag());
    if data {
        bits.literal(1);
        for width in [7 + 1, 7 + 1, 7 + 1, 7 + 1, 6 + 1, 6 + 1, 6 + 1, 6 + 1] {
            bits.optional(width);
        }
    }
    if map {
        for _ in 0..3 {
            bits.optional(8);
        }
    }
}

/// What a picture that is no key picture replaces, and whether its probabilities stay.
fn references(bits: &mut BoolReader<'_>) -> (u8, bool) {
    let (golden, alternate) = (bits.flag(), bits.flag());
    let copied_golden = !golden && bits.literal(2) != 0;
    let copied_alternate = !alternate && bits.literal(2) != 0;
    bits.literal(2); // sign biases
    let keeps_entropy = bits.flag();
    let last = bits.flag();
    let writes = u8::from(last) | u8::from(golden || copied_golden) << 1 | u8::from(alternate || copied_alternate) << 2;
    (writes, keeps_entropy)
}

/// The boolean decoder of RFC 6386, section 7, for bits of even odds. Past the end it reads zeros, as the RFC has it.
struct BoolReader<'a> {
    data: std::slice::Iter<'a, u8>,
    value: u32,
    range: u32,
    /// Bits of the byte in `value` that are used up.
    shifted: u32,
}

impl<'a> BoolReader<'a> {
    fn new(data: &'a [u8]) -> Option<BoolReader<'a>> {
        let (first, rest) = data.split_at_checked(2)?;
        let value = u32::from(first[0]) << 8 | u32::from(first[1]);
        Some(BoolReader { data: rest.iter(), value, range: 255, shifted: 0 })
    }

    fn flag(&mut self) -> bool {
        let split = 1 + ((self.range - 1) >> 1);
        let set = self.value >= split << 8;
        if set {
            self.range -= split;
            self.value -= split << 8;
        } else {
            self.range = split;
        }
        while self.range < 128 {
            self.range <<= 1;
            self.value <<= 1;
            self.shifted += 1;
            if self.shifted == 8 {
                self.shifted = 0;
                self.value |= u32::from(self.data.next().copied().unwrap_or(0));
            }
        }
        set
    }

    /// `width` bits, the highest first.
    fn literal(&mut self, width: u32) -> u32 {
        (0..width).fold(0, |value, _| value << 1 | u32::from(self.flag()))
    }

    /// A flag, and if it is set a value that nobody asks for.
    fn optional(&mut self, width: u32) {
        if self.flag() {
            self.literal(width);
        }
    }
}

pub(super) fn vp9(data: &[u8]) -> Option<Header> {
    let mut bits = Bits::new(data);
    if bits.take(2)? != 2 {
        return None;
    }
    let profile = (bits.take(1)? | bits.take(1)? << 1) as u8;
    if profile == 3 {
        bits.take(1)?;
    }
    if bits.flag()? {
        return None; // shows a picture again: nothing is coded here
    }
    let (key, shown, resilient) = (!bits.flag()?, bits.flag()?, bits.flag()?);
    let mut size = None;
    let mut writes = 0xff;
    if key {
        sync(&mut bits)?;
        colours(&mut bits, profile)?;
        size = Some(frame_size(&mut bits)?);
        render_size(&mut bits)?;
    } else {
        let intra_only = !shown && bits.flag()?;
        if !resilient {
            bits.take(2)?; // which probabilities to reset
        }
        if intra_only {
            sync(&mut bits)?;
            if profile > 0 {
                colours(&mut bits, profile)?;
            }
        }
        writes = bits.take(8)? as u8;
        if intra_only {
            size = Some(frame_size(&mut bits)?);
            render_size(&mut bits)?;
        } else {
            inter(&mut bits)?;
        }
    }
    let keeps_entropy = if resilient { false } else { bits.take(2)? & 2 != 0 };
    bits.take(2)?; // the set of probabilities
    bits.take(6 + 3)?; // the loop filter's level and sharpness
    if bits.flag()? && bits.flag()? {
        for _ in 0..6 {
            if bits.flag()? {
                bits.take(6 + 1)?;
            }
        }
    }
    let qp = bits.take(8)? as u8;
    Some(Header { profile, key, shown, size, qp, writes, keeps_entropy })
}

fn sync(bits: &mut Bits<'_>) -> Option<()> {
    (bits.take(24)? == 0x49_83_42).then_some(())
}

fn colours(bits: &mut Bits<'_>, profile: u8) -> Option<()> {
    if profile >= 2 {
        bits.take(1)?; // 10 or 12 bit
    }
    let rgb = bits.take(3)? == 7;
    if !rgb {
        bits.take(1)?; // range
    }
    if profile % 2 == 1 {
        bits.take(if rgb { 1 } else { 3 })?;
    }
    Some(())
}

fn frame_size(bits: &mut Bits<'_>) -> Option<(u32, u32)> {
    Some((bits.take(16)? + 1, bits.take(16)? + 1))
}

fn render_size(bits: &mut Bits<'_>) -> Option<()> {
    if bits.flag()? {
        bits.take(32)?;
    }
    Some(())
}

/// The three references and the rest up to the probabilities.
fn inter(bits: &mut Bits<'_>) -> Option<()> {
    bits.take(3 * (3 + 1))?;
    let mut found = false;
    for _ in 0..3 {
        found = bits.flag()?;
        if found {
            break;
        }
    }
    if !found {
        frame_size(bits)?;
    }
    render_size(bits)?;
    bits.take(1)?; // precision of motion vectors
    if !bits.flag()? {
        bits.take(2)?; // interpolation filter
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_uncompressed_header_of_a_vp9_key_picture_is_read() {
        // Marker 10, profile 00, coded 0, key 0, shown 1, not resilient 0; sync code; colour space 001, range 0;
        // 319 and 179; as rendered 0; keeps 1, parallel 0; set 00; level 000001, sharpness 000; no deltas 0; q 01000101.
        let bits = format!(
            "10000010{:08b}{:08b}{:08b}0010{:016b}{:016b}{}",
            0x49,
            0x83,
            0x42,
            319,
            179,
            ["0", "10", "00", "000001", "000", "0", "01000101"].concat()
        );
        let data: Vec<u8> =
            bits.as_bytes().chunks(8).map(|c| c.iter().fold(0, |b, c| b << 1 | (c - b'0')) << (8 - c.len())).collect();
        let header = vp9(&data).unwrap();
        let expected = Header {
            profile: 0,
            key: true,
            shown: true,
            size: Some((320, 180)),
            qp: 0b0100_0101,
            writes: 0xff,
            keeps_entropy: true,
        };
        assert_eq!(header, expected);
        assert_eq!(vp9(&data[..data.len() - 2]), None);
    }

    #[test]
    fn a_vp8_picture_that_is_too_short_or_has_another_start_code_is_none() {
        let head = [0x10, 0x02, 0x00, 0x9d, 0x01, 0x2a, 0x40, 0x01, 0xb4, 0x40, 0x00, 0x00];
        let header = vp8(&head).unwrap();
        assert!(header.key && header.shown && header.qp == 0);
        assert_eq!(header.size, Some((320, 180)));
        assert_eq!((vp8(&head[..11]), vp8(&[]), vp8(&head[..3])), (None, None, None));
        assert_eq!(vp8(&[&head[..3], &[0; 9]].concat()), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(data in proptest::collection::vec(any::<u8>(), 0..80)) {
            let _ = (vp8(&data), vp9(&data));
        }
    }
}
