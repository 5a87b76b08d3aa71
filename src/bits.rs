//! Bits of coded headers, the most significant first.

/// A place in the data. Everything gives `None` where they end.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    data: &'a [u8],
    /// In bits.
    at: usize,
}

impl<'a> Bits<'a> {
    pub fn new(data: &'a [u8]) -> Bits<'a> {
        Bits { data, at: 0 }
    }

    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.data.get(self.at / 8)?;
        let bit = byte >> (7 - self.at % 8) & 1;
        self.at += 1;
        Some(bit == 1)
    }

    /// A number of `count` bits, at most 32.
    pub fn take(&mut self, count: u32) -> Option<u32> {
        let mut value = 0u64;
        for _ in 0..count.min(32) {
            value = value << 1 | u64::from(self.flag()?);
        }
        Some(value as u32)
    }

    /// A number below `n`, in as few bits as that allows (AV1 RTP payload format, section A.4.1: ns(n)).
    pub fn below(&mut self, n: u32) -> Option<u32> {
        let (width, short) = widths(n);
        let value = self.take(width - 1)?;
        if value < short { Some(value) } else { Some((value << 1) + u32::from(self.flag()?) - short) }
    }
}

/// What headers of coded pictures need besides.
#[cfg(feature = "video")]
impl Bits<'_> {
    pub fn skip(&mut self, count: u32) -> Option<()> {
        (0..count).try_for_each(|_| self.flag().map(|_| ()))
    }

    /// Exp-Golomb: as many zeros as bits follow the one (H.264, section 9.1: ue(v)).
    pub fn unsigned(&mut self) -> Option<u32> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return None;
            }
        }
        Some((1u32 << zeros) - 1 + self.take(zeros)?)
    }

    /// Exp-Golomb with a sign (H.264, section 9.1.1: se(v)).
    pub fn signed(&mut self) -> Option<i32> {
        let code = i64::from(self.unsigned()?);
        let value = (code + 1) / 2;
        i32::try_from(if code % 2 == 1 { value } else { -value }).ok()
    }
}

/// Puts bits together.
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Vec<u8>,
    /// Bits used of the last byte; 0: all.
    used: u32,
}

impl Writer {
    pub fn flag(&mut self, flag: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(flag) << (7 - self.used);
        }
        self.used = (self.used + 1) % 8;
    }

    /// f(n): the lowest `n` bits of `value`.
    pub fn bits(&mut self, value: u32, n: u32) {
        (0..n).rev().for_each(|place| self.flag(value >> place & 1 != 0));
    }

    /// ns(n): a value below `n`, in as few bits as that allows.
    pub fn below(&mut self, value: u32, n: u32) {
        let (width, short) = widths(n);
        if value < short {
            self.bits(value, width - 1);
        } else {
            self.bits(value + short, width);
        }
    }

    /// The bytes, filled up with zeros.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// Of ns(n): the longer width, and how many values have one bit less. `n` is at least 1.
fn widths(n: u32) -> (u32, u32) {
    let width = n.max(1).ilog2() + 1;
    (width, (1 << width) - n.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_tables_say() {
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1111_0000]);
        // Table 9-2 of H.264: 1, 010, 011, 00100, 00101 are 0, 1, 2, 3, 4.
        let codes: Vec<_> = (0..5).map(|_| bits.unsigned()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4].map(Some));
        let mut bits = Bits::new(&[0b1010_0110, 0b0100_0010, 0b1111_0000]);
        let signed: Vec<_> = (0..5).map(|_| bits.signed()).collect();
        assert_eq!(signed, [0, 1, -1, 2, -2].map(Some));
        assert_eq!((bits.take(3), bits.take(5), bits.flag()), (Some(0b111), None, None));
        assert_eq!(Bits::new(&[0; 5]).unsigned(), None);
        assert_eq!(Bits::new(&[0, 0, 0, 1, 255, 255, 255, 255]).unsigned(), Some(u32::MAX - 1));
    }
}
