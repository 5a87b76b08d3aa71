//! What H.264 headers say (Rec. ITU-T H.264, section 7.3): NAL units, parameter sets, slice headers. Enough to
//! describe a stream, not to decode it; anything else gives `None`.

use crate::bits::Bits;

/// The SDP encoding name; errors name the codec by it too.
pub(super) const NAME: &str = "H264";

/// `nal_unit_type` (Table 7-1).
pub(super) const SLICE: u8 = 1;
pub(super) const IDR: u8 = 5;
pub(super) const SPS: u8 = 7;
pub(super) const PPS: u8 = 8;

/// The NAL units of a byte stream (Annex B), without their start codes.
pub(super) fn nal_units(data: &[u8]) -> Vec<&[u8]> {
    let mut units = Vec::new();
    let mut begin = None;
    let mut at = 0;
    while at + 3 <= data.len() {
        if data[at..at + 3] == [0, 0, 1] {
            if let Some(begin) = begin {
                units.push(trimmed(&data[begin..at]));
            }
            begin = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    units.extend(begin.map(|begin| trimmed(&data[begin..])));
    units.retain(|unit| !unit.is_empty());
    units
}

/// Without the zero bytes that belong to the next start code.
fn trimmed(unit: &[u8]) -> &[u8] {
    let end = unit.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    &unit[..end]
}

/// `nal_unit_type`.
pub(super) fn kind(unit: &[u8]) -> u8 {
    unit.first().map_or(0, |byte| byte & 31)
}

/// What follows the NAL header, the emulation prevention bytes taken out (section 7.3.1).
fn payload(unit: &[u8]) -> Vec<u8> {
    let mut payload = Vec::with_capacity(unit.len());
    let mut zeros = 0;
    for byte in unit.iter().skip(1) {
        if zeros >= 2 && *byte == 3 {
            zeros = 0;
            continue;
        }
        zeros = if *byte == 0 { zeros + 1 } else { 0 };
        payload.push(*byte);
    }
    payload
}

/// A sequence parameter set (section 7.3.2.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sps {
    pub profile_idc: u8,
    /// The byte with the constraint flags: `constraint_set0_flag` is its highest bit.
    pub constraints: u8,
    pub level_idc: u8,
    /// What is shown, in luma samples.
    pub size: (u32, u32),
    separate_planes: bool,
    pub frame_number_bits: u32,
    order_count_type: u32,
    order_count_bits: u32,
    order_deltas_absent: bool,
    /// Pictures that a decoder keeps to refer to.
    pub references: u32,
    frames_only: bool,
}

impl Sps {
    pub fn read(unit: &[u8]) -> Option<Sps> {
        let payload = payload(unit);
        let mut bits = Bits::new(&payload);
        let [profile_idc, constraints, level_idc] = [bits.take(8)? as u8, bits.take(8)? as u8, bits.take(8)? as u8];
        bits.unsigned()?;
        let (mut chroma_format, mut separate_planes) = (1, false);
        if matches!(profile_idc, 100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135) {
            chroma_format = bits.unsigned()?;
            separate_planes = chroma_format == 3 && bits.flag()?;
            bits.unsigned()?;
            bits.unsigned()?;
            bits.skip(1)?;
            if bits.flag()? {
                skip_scaling_lists(&mut bits, if chroma_format == 3 { 12 } else { 8 })?;
            }
        }
        let frame_number_bits = bits.unsigned()?.checked_add(4).filter(|n| *n <= 16)?;
        let order_count_type = bits.unsigned()?;
        let (mut order_count_bits, mut order_deltas_absent) = (0, false);
        match order_count_type {
            0 => order_count_bits = bits.unsigned()?.checked_add(4).filter(|n| *n <= 16)?,
            1 => {
                order_deltas_absent = bits.flag()?;
                bits.signed()?;
                bits.signed()?;
                for _ in 0..bits.unsigned()?.min(255) {
                    bits.signed()?;
                }
            }
            _ => {}
        }
        let references = bits.unsigned()?;
        bits.skip(1)?;
        let (columns, rows) = (bits.unsigned()?.checked_add(1)?, bits.unsigned()?.checked_add(1)?);
        let frames_only = bits.flag()?;
        if !frames_only {
            bits.skip(1)?;
        }
        bits.skip(1)?;
        let crop = if bits.flag()? {
            [bits.unsigned()?, bits.unsigned()?, bits.unsigned()?, bits.unsigned()?]
        } else {
            [0; 4]
        };
        let field = if frames_only { 1 } else { 2 };
        let unit_x = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
        let unit_y = if chroma_format == 1 { 2 * field } else { field };
        let side = |blocks: u32, units: u32, from: u32, to: u32| {
            let crop = from.checked_add(to)?.checked_mul(units)?;
            blocks.checked_mul(16)?.checked_sub(crop).filter(|length| *length > 0)
        };
        let size =
            (side(columns, unit_x, crop[0], crop[1])?, side(rows.checked_mul(field)?, unit_y, crop[2], crop[3])?);
        Some(Sps {
            profile_idc,
            constraints,
            level_idc,
            size,
            separate_planes,
            frame_number_bits,
            order_count_type,
            order_count_bits,
            order_deltas_absent,
            references,
            frames_only,
        })
    }

    /// As its Annex A names it: "constrained baseline", "high".
    pub fn profile(&self) -> String {
        let set = |number: u8| self.constraints >> (7 - number) & 1 == 1;
        match self.profile_idc {
            66 if set(1) => "constrained baseline".into(),
            66 => "baseline".into(),
            77 => "main".into(),
            88 => "extended".into(),
            100 if set(4) && set(5) => "constrained high".into(),
            100 => "high".into(),
            other => format!("profile {other}"),
        }
    }

    /// "3.1", "1b" (section A.3).
    pub fn level(&self) -> String {
        let set3 = self.constraints >> 4 & 1 == 1;
        match self.level_idc {
            9 => "1b".into(),
            11 if set3 && matches!(self.profile_idc, 66 | 77 | 88) => "1b".into(),
            idc if idc % 10 == 0 => (idc / 10).to_string(),
            idc => format!("{}.{}", idc / 10, idc % 10),
        }
    }
}

fn skip_scaling_lists(bits: &mut Bits, count: u32) -> Option<()> {
    for list in 0..count {
        if !bits.flag()? {
            continue;
        }
        let (mut last, mut next) = (8i32, 8i32);
        for _ in 0..if list < 6 { 16 } else { 64 } {
            if next != 0 {
                next = (last + bits.signed()?.clamp(-128, 127) + 256) % 256;
            }
            last = if next == 0 { last } else { next };
        }
    }
    Some(())
}

/// A picture parameter set (section 7.3.2.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pps {
    pub cabac: bool,
    order_deltas: bool,
    references: u32,
    weighted: bool,
    quantiser: i32,
    redundant: bool,
}

impl Pps {
    pub fn read(unit: &[u8]) -> Option<Pps> {
        let payload = payload(unit);
        let mut bits = Bits::new(&payload);
        bits.unsigned()?;
        bits.unsigned()?;
        let (cabac, order_deltas) = (bits.flag()?, bits.flag()?);
        // Slice groups are of profiles that calls do not use.
        if bits.unsigned()? != 0 {
            return None;
        }
        let references = bits.unsigned()?.checked_add(1)?;
        bits.unsigned()?;
        let weighted = bits.flag()?;
        bits.skip(2)?;
        let quantiser = bits.signed()?.checked_add(26)?;
        bits.signed()?;
        bits.signed()?;
        bits.skip(2)?;
        Some(Pps { cabac, order_deltas, references, weighted, quantiser, redundant: bits.flag()? })
    }
}

/// The header of a slice of an I or P picture (section 7.3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub idr: bool,
    /// Later pictures may refer to this one.
    pub reference: bool,
    pub frame_number: u32,
    /// Pictures that it may refer to; 0: none, it is intra coded.
    pub active: u32,
    /// (subtract or add, by how much): the order of references is changed so.
    pub moves: Vec<(bool, u32)>,
    /// The luma quantiser that it begins with, 0 to 51.
    pub quantiser: u8,
}

impl Slice {
    pub fn read(unit: &[u8], sps: &Sps, pps: &Pps) -> Option<Slice> {
        let idr = kind(unit) == IDR;
        let reference = unit.first()? >> 5 & 3 != 0;
        // The header is short: what follows need not be unpacked.
        let payload = payload(&unit[..unit.len().min(64)]);
        let mut bits = Bits::new(&payload);
        bits.unsigned()?;
        let intra = match bits.unsigned()? % 5 {
            0 => false,
            2 => true,
            _ => return None,
        };
        bits.unsigned()?;
        bits.skip(if sps.separate_planes { 2 } else { 0 })?;
        let frame_number = bits.take(sps.frame_number_bits)?;
        if !sps.frames_only && bits.flag()? {
            return None;
        }
        if idr {
            bits.unsigned()?;
        }
        if sps.order_count_type == 0 {
            bits.skip(sps.order_count_bits)?;
            if pps.order_deltas {
                bits.signed()?;
            }
        } else if sps.order_count_type == 1 && !sps.order_deltas_absent {
            bits.signed()?;
            if pps.order_deltas {
                bits.signed()?;
            }
        }
        if pps.redundant {
            bits.unsigned()?;
        }
        let (mut active, mut moves) = (0, Vec::new());
        if !intra {
            active = if bits.flag()? { bits.unsigned()?.checked_add(1)? } else { pps.references };
            if bits.flag()? {
                loop {
                    match bits.unsigned()? {
                        idc @ (0 | 1) => moves.push((idc == 0, bits.unsigned()?.checked_add(1)?)),
                        3 => break,
                        _ => return None,
                    }
                }
            }
            if pps.weighted {
                return None;
            }
        }
        if reference {
            let adaptive = if idr { bits.skip(1).and_then(|()| bits.flag())? } else { bits.flag()? };
            // Marking by hand and long-term references are not followed here.
            if adaptive {
                return None;
            }
        }
        if pps.cabac && !intra {
            bits.unsigned()?;
        }
        let quantiser = u8::try_from(pps.quantiser.checked_add(bits.signed()?)?).ok()?;
        Some(Slice { idr, reference, frame_number, active, moves, quantiser })
    }
}

/// Parameter sets of x264, 1280x720, as ffmpeg puts them into a file: High, level 3.1, CABAC.
#[cfg(test)]
pub(super) const X264: ([u8; 26], [u8; 6]) = (
    [
        0x67, 0x64, 0x00, 0x1f, 0xac, 0xd9, 0x40, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00,
        0x00, 0x03, 0x03, 0xc0, 0xf1, 0x83, 0x19, 0x60,
    ],
    [0x68, 0xeb, 0xe3, 0xcb, 0x22, 0xc0],
);

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn units_are_split_at_start_codes_of_three_and_four_bytes() {
        let data = [0, 0, 0, 1, 0x67, 1, 2, 0, 0, 1, 0x68, 3, 0, 0, 0, 1, 0x65, 9, 0, 0, 3, 1];
        let units: [&[u8]; 3] = [&[0x67, 1, 2], &[0x68, 3], &[0x65, 9, 0, 0, 3, 1]];
        assert_eq!(nal_units(&data), units);
        assert_eq!(payload(units[2]), [9, 0, 0, 1]);
        assert!(nal_units(&[]).is_empty() && nal_units(&[1, 2, 3, 4]).is_empty() && nal_units(&[0, 0, 1]).is_empty());
    }

    #[test]
    fn parameter_sets_of_another_encoder_are_read() {
        let sps = Sps::read(&X264.0).unwrap();
        assert_eq!((sps.profile().as_str(), sps.level().as_str(), sps.size), ("high", "3.1", (1280, 720)));
        let pps = Pps::read(&X264.1).unwrap();
        assert!(pps.cabac);
    }

    #[test]
    fn names_follow_annex_a() {
        let sps = |profile_idc, constraints, level_idc| Sps {
            profile_idc,
            constraints,
            level_idc,
            size: (16, 16),
            separate_planes: false,
            frame_number_bits: 4,
            order_count_type: 2,
            order_count_bits: 0,
            order_deltas_absent: false,
            references: 2,
            frames_only: true,
        };
        for (set, names) in [
            (sps(66, 0xe0, 31), ("constrained baseline", "3.1")),
            (sps(66, 0x80, 30), ("baseline", "3")),
            (sps(66, 0xd0, 11), ("constrained baseline", "1b")),
            (sps(77, 0x00, 11), ("main", "1.1")),
            (sps(100, 0x0c, 9), ("constrained high", "1b")),
            (sps(100, 0x00, 52), ("high", "5.2")),
            (sps(110, 0x00, 41), ("profile 110", "4.1")),
        ] {
            assert_eq!((set.profile().as_str(), set.level().as_str()), names);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_readers_panic(data: Vec<u8>, profile in prop::sample::select(vec![66u8, 77, 100])) {
            for unit in nal_units(&data) {
                let _ = (Sps::read(unit), Pps::read(unit));
            }
            let mut unit = vec![0x67, profile, 0, 31];
            unit.extend(&data);
            let _ = (Sps::read(&unit), Pps::read(&unit));
            let (sps, pps) = (Sps::read(&X264.0).unwrap(), Pps::read(&X264.1).unwrap());
            let _ = Slice::read(&data, &sps, &pps);
        }
    }
}
