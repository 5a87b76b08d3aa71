//! What AV1 headers say (AV1 bitstream specification, section 5): open bitstream units, the sequence header, and the first
//! bits of a frame header. Enough to describe a stream, not to decode it; anything else gives `None`.

use crate::bits::Bits;

/// The SDP encoding name; errors name the codec by it too.
pub(super) const NAME: &str = "AV1";

/// `obu_type` (section 6.2.2).
const SEQUENCE: u8 = 1;
const DELIMITER: u8 = 2;
const FRAME_HEADER: u8 = 3;
const FRAME: u8 = 6;

/// An open bitstream unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Obu<'a> {
    kind: u8,
    /// With its header.
    whole: &'a [u8],
    payload: &'a [u8],
}

/// The units of a temporal unit in the low-overhead format, up to the first that is broken.
fn units(data: &[u8]) -> Vec<Obu<'_>> {
    split(data).0
}

/// The units, and what is left after the last whole one.
fn split(mut data: &[u8]) -> (Vec<Obu<'_>>, &[u8]) {
    let mut units = Vec::new();
    while let Some((unit, rest)) = first(data) {
        units.push(unit);
        data = rest;
    }
    (units, data)
}

fn first(data: &[u8]) -> Option<(Obu<'_>, &[u8])> {
    let header = *data.first()?;
    let (forbidden, extended, sized) = (header >> 7 == 1, header >> 2 & 1 == 1, header >> 1 & 1 == 1);
    if forbidden {
        return None;
    }
    let start = if extended { 2 } else { 1 };
    let (size, begin) = if sized { leb128(data, start)? } else { (data.len().checked_sub(start)?, start) };
    let end = begin.checked_add(size).filter(|end| *end <= data.len())?;
    let unit = Obu { kind: header >> 3 & 15, whole: &data[..end], payload: &data[begin..end] };
    Some((unit, &data[end..]))
}

/// A number of at most 32 bits with seven in each byte (section 4.10.5), and the place after it.
fn leb128(data: &[u8], from: usize) -> Option<(usize, usize)> {
    let mut value = 0u64;
    for place in 0..8 {
        let byte = *data.get(from + place)?;
        value |= u64::from(byte & 127) << (7 * place);
        if byte < 128 {
            return u32::try_from(value).ok().map(|value| (value as usize, from + place + 1));
        }
    }
    None
}

/// A temporal unit without its temporal delimiters, which RTP does not carry (AV1 RTP payload format, section 5).
pub(super) fn without_delimiters(data: &[u8]) -> Vec<u8> {
    units(data).iter().filter(|unit| unit.kind != DELIMITER).flat_map(|unit| unit.whole).copied().collect()
}

/// Whether the temporal unit is made of whole units, and one of them is a frame.
pub(super) fn is_whole(data: &[u8]) -> bool {
    split(data).1.is_empty() && is_key(data).is_some()
}

/// The first sequence header of a temporal unit.
pub(super) fn sequence(data: &[u8]) -> Option<Sequence> {
    units(data).iter().find(|unit| unit.kind == SEQUENCE).and_then(|unit| Sequence::read(unit.payload))
}

/// Whether the first frame of a temporal unit is a key frame; `None`: there is no frame.
pub(super) fn is_key(data: &[u8]) -> Option<bool> {
    let units = units(data);
    let frame = units.iter().find(|unit| matches!(unit.kind, FRAME | FRAME_HEADER))?;
    let mut bits = Bits::new(frame.payload);
    // show_existing_frame, then frame_type (section 5.9.2).
    let shown_again = bits.flag()?;
    Some(!shown_again && bits.take(2)? == 0)
}

/// A sequence header (section 5.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sequence {
    pub profile: u8,
    /// `seq_level_idx` and `seq_tier` of operating point 0, which has all layers.
    pub level: u8,
    pub tier: bool,
    /// The largest frame, in luma samples.
    pub size: (u32, u32),
}

impl Sequence {
    fn read(payload: &[u8]) -> Option<Sequence> {
        let mut bits = Bits::new(payload);
        let profile = bits.take(3)? as u8;
        bits.skip(1)?;
        let (mut level, mut tier) = (0, false);
        if bits.flag()? {
            level = bits.take(5)? as u8;
        } else {
            let mut delay_bits = None;
            if bits.flag()? {
                bits.skip(64)?;
                if bits.flag()? {
                    bits.unsigned()?;
                }
                if bits.flag()? {
                    delay_bits = Some(bits.take(5)? + 1);
                    bits.skip(42)?;
                }
            }
            let display_delay = bits.flag()?;
            for point in 0..=bits.take(5)? {
                bits.skip(12)?;
                let idx = bits.take(5)? as u8;
                let high = idx > 7 && bits.flag()?;
                if let Some(count) = delay_bits
                    && bits.flag()?
                {
                    bits.skip(2 * count + 1)?;
                }
                if display_delay && bits.flag()? {
                    bits.skip(4)?;
                }
                if point == 0 {
                    (level, tier) = (idx, high);
                }
            }
        }
        let (width_bits, height_bits) = (bits.take(4)? + 1, bits.take(4)? + 1);
        let size = (bits.take(width_bits)? + 1, bits.take(height_bits)? + 1);
        Some(Sequence { profile, level, tier, size })
    }

    /// "main", "high", "professional" (section A.2).
    pub fn profile_name(&self) -> String {
        match self.profile {
            0 => "main".into(),
            1 => "high".into(),
            2 => "professional".into(),
            other => format!("profile {other}"),
        }
    }

    /// "3.1", "5 high tier" (section A.3).
    pub fn level_name(&self) -> String {
        let tier = if self.tier { " high tier" } else { "" };
        match self.level {
            31 => format!("maximum parameters{tier}"),
            idx => format!("{}.{}{tier}", 2 + (idx >> 2), idx & 3),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A temporal unit: delimiter, sequence header of Main, level 2.0, 320x180 (as libaom writes it), key frame.
    const UNIT: [u8; 20] = [0x12, 0, 0x0a, 10, 0, 0, 0, 2, 0x1d, 0x3f, 0xb3, 0xff, 0x80, 0, 0x32, 4, 0x10, 1, 2, 3];

    #[test]
    fn units_are_split_and_delimiters_taken_out() {
        let kinds: Vec<(u8, usize)> = units(&UNIT).iter().map(|unit| (unit.kind, unit.payload.len())).collect();
        assert_eq!(kinds, [(DELIMITER, 0), (SEQUENCE, 10), (FRAME, 4)]);
        assert_eq!(without_delimiters(&UNIT), UNIT[2..]);
        assert_eq!(is_key(&UNIT), Some(true));
        // An inter frame, one shown again, one without a size; then broken ones.
        assert_eq!(is_key(&[0x32, 1, 0x30]), Some(false));
        assert_eq!(is_key(&[0x32, 1, 0x80]), Some(false));
        assert_eq!(is_key(&[0x30, 0x10, 7]), Some(true));
        assert_eq!((is_key(&[0x32, 9, 0x10]), is_key(&[0x80, 0]), is_key(&[])), (None, None, None));
        assert!(is_whole(&UNIT) && !is_whole(&UNIT[..UNIT.len() - 1]) && !is_whole(&UNIT[..14]));
        assert_eq!(leb128(&[0xe5, 0x8e, 0x26], 0), Some((624_485, 3)));
        assert_eq!(leb128(&[0xff; 9], 0), None);
    }

    #[test]
    fn levels_are_named_by_annex_a() {
        let sequence = |level, tier| Sequence { profile: 0, level, tier, size: (16, 16) }.level_name();
        assert_eq!((sequence(0, false).as_str(), sequence(5, false).as_str()), ("2.0", "3.1"));
        assert_eq!(
            (sequence(14, true).as_str(), sequence(31, false).as_str()),
            ("5.2 high tier", "maximum parameters")
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(data: Vec<u8>) {
            let _ = (without_delimiters(&data), sequence(&data), is_key(&data), Sequence::read(&data));
        }
    }
}
