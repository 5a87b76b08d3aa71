//! FLAC files in.

use super::Pcm;
use super::file::{Decoded, check_format, from_int, open};
use crate::error::{Error, Result};
use claxon::FlacReader;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// The whole file, rounded to 16 bit where it is deeper.
///
/// # Errors
/// [`Error::Input`]: missing, not a FLAC file, damaged, cut short, without samples, or of more than two channels.
pub fn read(path: &Path) -> Result<Decoded> {
    let file = open(path)?;
    let mut reader = FlacReader::new(BufReader::new(file)).map_err(|e| reason(path, e))?;
    let info = reader.streaminfo();
    // A stream of unknown length says so with 0 (RFC 9639, section 8.2), which is not an error yet.
    let promised = info.samples.filter(|n| *n > 0);
    let format = check_format(path, info.sample_rate, info.channels, promised.unwrap_or(1))?;
    let samples = reader.samples().map(|s| s.map(|s| from_int(s, info.bits_per_sample)));
    let samples = samples.collect::<claxon::Result<Vec<i16>>>().map_err(|e| reason(path, e))?;
    let frames = samples.len() as u64 / u64::from(info.channels);
    check_format(path, info.sample_rate, info.channels, frames)?;
    if let Some(n) = promised.filter(|n| *n != frames) {
        return Err(Error::input(path, format!("cut short: the header promises {n} samples, the file has {frames}")));
    }
    let notes = if info.bits_per_sample > 16 {
        vec![format!("{}-bit integer samples rounded to 16 bit", info.bits_per_sample)]
    } else {
        Vec::new()
    };
    Ok(Decoded { pcm: Pcm { format, samples }, notes })
}

fn reason(path: &Path, e: claxon::Error) -> Error {
    let text = match e {
        claxon::Error::IoError(e) if e.kind() == ErrorKind::UnexpectedEof => {
            "cut short: the FLAC stream ends within a frame".into()
        }
        claxon::Error::IoError(e) => format!("cannot read: {e}"),
        claxon::Error::FormatError(what) => format!("not a valid FLAC file: {what}"),
        claxon::Error::Unsupported(what) => format!("an unsupported FLAC feature: {what}"),
    };
    Error::input(path, text)
}
