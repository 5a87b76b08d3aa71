//! What readers of audio files share.

use super::pcm::{Pcm, PcmFormat};
use crate::error::{Error, Result};
use std::fs::File;
use std::path::Path;

/// What a file holds, and what had to be done to its samples.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub pcm: Pcm,
    pub notes: Vec<String>,
}

/// Opens a regular file for reading.
pub(super) fn open(path: &Path) -> Result<File> {
    let file = File::open(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => Error::input(path, "no such file"),
        _ => Error::input(path, format!("cannot read: {e}")),
    })?;
    if path.is_dir() {
        return Err(Error::input(path, "a folder; a file, or a pattern such as 'FOLDER/*.wav', would be right"));
    }
    Ok(file)
}

/// One or two channels, a rate that speech or music may have, and something to hear.
pub(super) fn check_format(path: &Path, sample_rate: u32, channels: u32, samples: u64) -> Result<PcmFormat> {
    let wrong = |text: String| Err(Error::input(path, text));
    match (channels, sample_rate) {
        (3.., _) => wrong(format!("{channels} channels; one or two would be right")),
        (_, 4_000..=384_000) if samples > 0 => Ok(PcmFormat { sample_rate, channels: channels as u8 }),
        (_, 4_000..=384_000) => wrong("0 samples; there is nothing to hear in it".into()),
        _ => wrong(format!("a sample rate of {sample_rate} Hz; 4000 to 384000 Hz would be right")),
    }
}

/// A sample of `bits` as 16 bit: shallower ones are shifted up, deeper ones rounded to the nearest.
pub(super) fn from_int(sample: i32, bits: u32) -> i16 {
    if bits <= 16 {
        return (sample << (16 - bits)) as i16;
    }
    let half = 1i64 << (bits - 17);
    ((i64::from(sample) + half) >> (bits - 16)).min(i64::from(i16::MAX)) as i16
}
