//! Bits of coded headers, the most significant first. Everything gives `None` where the data end.

/// A place in the data.
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
