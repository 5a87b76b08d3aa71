//! FLAC files in.

use super::input::{Decoded, check_format, from_int, open};
use super::pcm::Pcm;
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
    if let Some(n) = promised.filter(|n| *n != frames) {
        return Err(Error::input(path, format!("cut short: the header promises {n} samples, the file has {frames}")));
    }
    check_format(path, info.sample_rate, info.channels, frames)?;
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A FLAC stream of one frame with verbatim subframes (RFC 9639, sections 8.2, 9.1 and 9.2.3). A block has at least
    /// 16 samples, so zeros follow the given ones.
    fn stream(rate: u32, bits: u32, channels: &[&[i32]]) -> Vec<u8> {
        let (n, c) = (BLOCK as u64, channels.len() as u64);
        let mut info = Bits::default();
        for (width, value) in [(16, n), (16, n), (24, 0), (24, 0), (20, u64::from(rate)), (3, c - 1)] {
            info.put(width, value);
        }
        for (width, value) in [(5, u64::from(bits) - 1), (36, n), (64, 0), (64, 0)] {
            info.put(width, value);
        }
        let mut bytes = [b"fLaC\x80\0\0\x22", info.bytes().as_slice()].concat();
        let mut frame = Bits::default();
        // Sync code, fixed blocks of "16-bit minus 1" many samples, rate as in the header, frame 0.
        let depth = if bits == 16 { 0b1000 } else { 0b1100 };
        for (width, value) in [(16, 0xfff8), (4, 0b0111), (4, 0), (4, c - 1), (4, depth), (8, 0), (16, n - 1)] {
            frame.put(width, value);
        }
        let check = crc(&frame.bytes(), 8, 0x07);
        frame.put(8, check);
        for channel in channels {
            frame.put(8, 0b0000_0010);
            let padded = channel.iter().chain(std::iter::repeat(&0)).take(BLOCK);
            padded.for_each(|s| frame.put(bits, *s as u64 & ((1 << bits) - 1)));
        }
        let check = crc(&frame.bytes(), 16, 0x8005);
        frame.put(16, check);
        bytes.extend(frame.bytes());
        bytes
    }

    const BLOCK: usize = 16;

    #[derive(Default)]
    struct Bits(Vec<bool>);

    impl Bits {
        fn put(&mut self, width: u32, value: u64) {
            self.0.extend((0..width).rev().map(|i| value >> i & 1 == 1));
        }

        fn bytes(&self) -> Vec<u8> {
            self.0.chunks(8).map(|c| c.iter().enumerate().map(|(i, b)| u8::from(*b) << (7 - i)).sum()).collect()
        }
    }

    fn crc(bytes: &[u8], width: u32, polynomial: u64) -> u64 {
        let top = 1 << (width - 1);
        let step = |crc: u64| if crc & top != 0 { (crc << 1) ^ polynomial } else { crc << 1 };
        let byte = |crc: u64, b: &u8| (0..8).fold(crc ^ u64::from(*b) << (width - 8), |crc, _| step(crc));
        bytes.iter().fold(0, byte) & ((1 << width) - 1)
    }

    fn in_file<T>(bytes: &[u8], then: impl Fn(&Path) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.flac");
        std::fs::write(&path, bytes).unwrap();
        then(&path)
    }

    #[test]
    fn samples_come_out_as_they_went_in_and_deep_ones_are_rounded() {
        let (left, right) = ([0, 1, -1, 32_767, -32_768, 99], [5, -5, 400, -400, 0, 1]);
        let decoded = in_file(&stream(44_100, 16, &[&left, &right]), read).unwrap();
        assert_eq!((decoded.pcm.format.sample_rate, decoded.pcm.format.channels), (44_100, 2));
        assert!(decoded.notes.is_empty());
        let expected: Vec<i16> = left.iter().zip(right).flat_map(|(l, r)| [*l as i16, r as i16]).collect();
        assert_eq!((decoded.pcm.len(), &decoded.pcm.samples[..12]), (BLOCK, expected.as_slice()));
        let deep = in_file(&stream(48_000, 24, &[&[256, 384, -128, 8_388_607]]), read).unwrap();
        assert_eq!(deep.pcm.samples[..4], [1, 2, 0, 32_767]);
        assert_eq!(deep.notes, ["24-bit integer samples rounded to 16 bit"]);
    }

    #[test]
    fn damage_is_told_apart() {
        let good = stream(44_100, 16, &[&[1, 2, 3, 4]]);
        let fault = |bytes: &[u8]| in_file(bytes, read).unwrap_err().to_string();
        assert!(fault(&good[..good.len() - 4]).contains("cut short"));
        assert!(fault(&good[..42]).contains("cut short: the header promises 16 samples, the file has 0"));
        assert!(fault(&stream(44_100, 16, &[&[1], &[2], &[3]])).contains("3 channels"));
        let mut flipped = good.clone();
        flipped[good.len() - 3] ^= 1;
        assert!(fault(&flipped).contains("not a valid FLAC file"));
    }
}
