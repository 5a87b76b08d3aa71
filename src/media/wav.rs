//! WAV files in and out: integer PCM of 8 to 32 bits and 32-bit float in, 16-bit PCM out.

use super::input::{Decoded, check_format, from_int, open};
use super::pcm::{Pcm, PcmFormat};
use crate::error::{Error, Result};
use hound::{SampleFormat, WavReader, WavSpec, WavWriter};
use std::fs::File;
use std::io::{BufReader, ErrorKind};
use std::path::Path;

/// The whole file, rounded to 16 bit where it is deeper.
///
/// # Errors
/// [`Error::Input`]: missing, not a WAV file, of an encoding other than PCM or float, cut short, without samples, with
/// a sample that is no number, or of more than two channels.
pub fn read(path: &Path) -> Result<Decoded> {
    let file = open(path)?;
    let mut reader = WavReader::new(BufReader::new(file)).map_err(|e| reason(path, e))?;
    let spec = reader.spec();
    let format = check_format(path, spec.sample_rate, u32::from(spec.channels), u64::from(reader.len()))?;
    let total = reader.len() as usize;
    let (samples, inexact) = match spec.sample_format {
        SampleFormat::Int => {
            let bits = u32::from(spec.bits_per_sample);
            let read = reader.samples::<i32>().map(|s| s.map(|s| from_int(s, bits)));
            (read.collect::<hound::Result<Vec<i16>>>().map_err(|e| cut_or(path, total, e))?, bits > 16)
        }
        SampleFormat::Float => (floats(path, &mut reader, total)?, true),
    };
    let notes = if inexact {
        let kind = if spec.sample_format == SampleFormat::Float { "float" } else { "integer" };
        vec![format!("{}-bit {kind} samples rounded to 16 bit", spec.bits_per_sample)]
    } else {
        Vec::new()
    };
    Ok(Decoded { pcm: Pcm { format, samples }, notes })
}

/// Writes 16-bit PCM. A file that cannot be finished is removed.
///
/// # Errors
/// [`Error::Output`].
pub fn write(path: &Path, pcm: &Pcm) -> Result<()> {
    let PcmFormat { sample_rate, channels } = pcm.format;
    let spec =
        WavSpec { channels: channels.into(), sample_rate, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let all = || -> hound::Result<()> {
        let mut writer = WavWriter::create(path, spec)?;
        let mut block = writer.get_i16_writer(pcm.samples.len() as u32);
        pcm.samples.iter().for_each(|s| block.write_sample(*s));
        block.flush()?;
        writer.finalize()
    };
    all().map_err(|e| {
        // Only a regular file is ours to remove: the path may be a device.
        if path.is_file() {
            let _ = std::fs::remove_file(path);
        }
        Error::output(path, e)
    })
}

/// Full scale is 1.0; what goes beyond is clipped, as an audio device would.
fn floats(path: &Path, reader: &mut WavReader<BufReader<File>>, total: usize) -> Result<Vec<i16>> {
    let mut samples = Vec::new();
    for (i, sample) in reader.samples::<f32>().enumerate() {
        let sample = sample.map_err(|e| cut_or(path, total, e))?;
        if !sample.is_finite() {
            return Err(Error::input(path, format!("sample {i} is {sample}; every sample must be a finite number")));
        }
        samples.push((f64::from(sample) * 32768.0).round().clamp(-32768.0, 32767.0) as i16);
    }
    Ok(samples)
}

fn cut_or(path: &Path, total: usize, e: hound::Error) -> Error {
    match e {
        // hound says `Other` for a sample of which a part is missing.
        hound::Error::IoError(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::Other) => {
            Error::input(path, format!("cut short: the header promises {total} samples, the file ends before"))
        }
        e => reason(path, e),
    }
}

fn reason(path: &Path, e: hound::Error) -> Error {
    let text = match e {
        hound::Error::IoError(e) if matches!(e.kind(), ErrorKind::UnexpectedEof | ErrorKind::Other) => {
            "cut short: the WAV header is incomplete".into()
        }
        hound::Error::IoError(e) => format!("cannot read: {e}"),
        hound::Error::FormatError(what) => format!("not a valid WAV file: {what}"),
        hound::Error::Unsupported => {
            "an unsupported WAV encoding; PCM of 8, 16, 24 or 32 bit or 32-bit float would be right".into()
        }
        e => format!("not a readable WAV file: {e}"),
    };
    Error::input(path, text)
}
