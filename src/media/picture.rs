//! Pictures: planar 8-bit 4:2:0, and clips of them at a constant rate.

use super::kind::{Media, sealed::Sealed};
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Pictures per second, as a ratio: 30000/1001.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct FrameRate {
    pub numerator: u32,
    pub denominator: u32,
}

impl FrameRate {
    pub const fn new(numerator: u32, denominator: u32) -> FrameRate {
        FrameRate { numerator, denominator }
    }

    /// When picture `index` is captured, counted from the first; rounded to the nanosecond.
    pub fn at(self, index: usize) -> Duration {
        let (n, d) = (u128::from(self.numerator), u128::from(self.denominator));
        Duration::from_nanos(((index as u128 * d * 1_000_000_000 + n / 2) / n) as u64)
    }

    pub fn per_second(self) -> f64 {
        f64::from(self.numerator) / f64::from(self.denominator)
    }
}

/// "30" or "30000/1001".
impl fmt::Display for FrameRate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.denominator {
            1 => write!(f, "{}", self.numerator),
            d => write!(f, "{}/{d}", self.numerator),
        }
    }
}

/// The format of pictures. Width and height are even.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PictureFormat {
    /// In luma samples.
    pub width: u32,
    pub height: u32,
    pub rate: FrameRate,
}

impl PictureFormat {
    /// Luma samples of a picture.
    pub fn luma(&self) -> usize {
        self.width as usize * self.height as usize
    }

    /// Bytes of a picture: the luma plane, and two chroma planes of a quarter.
    pub fn bytes(&self) -> usize {
        self.luma() * 3 / 2
    }
}

/// "640x360 at 30 fps".
impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{} at {} fps", self.width, self.height, self.rate)
    }
}

/// One picture: 8-bit 4:2:0, limited range, the planes Y, U and V one after the other without padding. A clone is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    /// `width * height * 3 / 2` bytes.
    pub data: Arc<[u8]>,
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Picture({}x{})", self.width, self.height)
    }
}

impl Picture {
    /// # Errors
    /// [`Error::Usage`]: a size that is odd or zero, or another number of bytes than it needs.
    pub fn new(width: u32, height: u32, data: impl Into<Arc<[u8]>>) -> Result<Picture> {
        let data = data.into();
        if width == 0 || height == 0 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
            return Err(Error::usage(format!("{width}x{height}: width and height of 4:2:0 pictures must be even")));
        }
        if data.len() != width as usize * height as usize * 3 / 2 {
            return Err(Error::usage(format!("{} bytes are not a 4:2:0 picture of {width}x{height}", data.len())));
        }
        Ok(Picture { width, height, data })
    }

    /// Of one grey value in luma; 16 is black.
    pub fn grey(width: u32, height: u32, luma: u8) -> Picture {
        let n = width as usize * height as usize;
        let data: Vec<u8> = std::iter::repeat_n(luma, n).chain(std::iter::repeat_n(128, n / 2)).collect();
        Picture { width, height, data: data.into() }
    }

    /// The planes Y, U and V; their strides are `width`, `width / 2` and `width / 2`.
    pub fn planes(&self) -> [&[u8]; 3] {
        let luma = self.width as usize * self.height as usize;
        let (y, chroma) = self.data.split_at(luma);
        let (u, v) = chroma.split_at(luma / 4);
        [y, u, v]
    }
}

/// Pictures at a constant rate, all of the same size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Footage {
    pub format: PictureFormat,
    pub pictures: Vec<Picture>,
}

impl Footage {
    pub fn new(format: PictureFormat) -> Footage {
        Footage { format, pictures: Vec::new() }
    }
}

impl Sealed for Picture {}

impl Media for Picture {
    type Format = PictureFormat;
    type Signal = Footage;
    const KIND: &'static str = "video";

    fn format(signal: &Footage) -> PictureFormat {
        signal.format
    }

    fn duration(signal: &Footage) -> Duration {
        signal.format.rate.at(signal.pictures.len())
    }
}
