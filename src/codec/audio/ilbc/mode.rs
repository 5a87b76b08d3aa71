//! The two lengths of a frame, and what follows from them (RFC 3951, section 2.1).

/// Samples of a sub-block.
pub(super) const BLOCK: usize = 40;

/// The length of a frame, which both ends know from the SDP (RFC 3952, section 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Ms20,
    Ms30,
}

impl Mode {
    /// Sub-blocks of [`BLOCK`] samples.
    pub const fn blocks(self) -> usize {
        match self {
            Mode::Ms20 => 4,
            Mode::Ms30 => 6,
        }
    }

    /// Samples of a frame.
    pub const fn samples(self) -> usize {
        self.blocks() * BLOCK
    }

    /// Bytes of a frame.
    pub const fn bytes(self) -> usize {
        match self {
            Mode::Ms20 => 38,
            Mode::Ms30 => 50,
        }
    }

    /// Samples of the start state that are coded one by one.
    pub const fn state(self) -> usize {
        match self {
            Mode::Ms20 => 57,
            Mode::Ms30 => 58,
        }
    }

    /// Sets of line spectral frequencies.
    pub const fn sets(self) -> usize {
        match self {
            Mode::Ms20 => 1,
            Mode::Ms30 => 2,
        }
    }
}
