//! Which of the two a running codec is.

use super::header::{self, Header};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Vp8,
    Vp9,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Vp8 => "VP8",
            Kind::Vp9 => "VP9",
        }
    }

    pub fn header(self, data: &[u8]) -> Option<Header> {
        match self {
            Kind::Vp8 => header::vp8(data),
            Kind::Vp9 => header::vp9(data),
        }
    }
}
