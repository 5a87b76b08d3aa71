//! Bits, the highest first, and the two codes of the descriptor (AV1 RTP payload format, section A.4.1).

#[derive(Default)]
pub(super) struct Writer {
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

pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    place: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, place: 0 }
    }

    pub fn flag(&mut self) -> Option<bool> {
        let byte = self.bytes.get(self.place / 8)?;
        let flag = byte >> (7 - self.place % 8) & 1 != 0;
        self.place += 1;
        Some(flag)
    }

    /// Up to 32 bits.
    pub fn bits(&mut self, n: u32) -> Option<u32> {
        (0..n).try_fold(0, |value: u32, _| Some(value << 1 | u32::from(self.flag()?)))
    }

    pub fn below(&mut self, n: u32) -> Option<u32> {
        let (width, short) = widths(n);
        let value = self.bits(width - 1)?;
        if value < short { Some(value) } else { Some((value << 1) + u32::from(self.flag()?) - short) }
    }
}

/// Of ns(n): the longer width, and how many values have one bit less. `n` is at least 1.
fn widths(n: u32) -> (u32, u32) {
    let width = n.max(1).ilog2() + 1;
    (width, (1 << width) - n.max(1))
}
