//! YUV4MPEG2 files in and out: 8-bit 4:2:0, progressive, one size throughout. Frames are counted from 0.

mod header;

use super::input::open;
use super::{Footage, Media, Picture, PictureFormat};
use crate::error::{Error, Result};
use header::shown;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The first bytes of every such file.
pub const MAGIC: &[u8] = b"YUV4MPEG2";

/// What is wrong with a stream of no frames.
pub const EMPTY: &str = "0 frames; there is nothing to see in it";

/// What a stream holds, and what a reader of the report should know of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded {
    pub footage: Footage,
    pub notes: Vec<String>,
    /// Whether there was more than the cap let in; a note says so too.
    pub capped: bool,
}

/// The whole file.
///
/// # Errors
/// [`Error::Input`]: missing, or as for [`Reader::new`] and [`Reader::picture`].
pub fn read(path: &Path) -> Result<Decoded> {
    read_from(BufReader::new(open(path)?), Cap::NONE).map_err(|reason| Error::input(path, reason))
}

/// A file, to be read picture by picture.
///
/// # Errors
/// [`Error::Input`]: missing, or as for [`Reader::new`].
pub fn reader(path: &Path) -> Result<Reader<BufReader<File>>> {
    Reader::new(BufReader::new(open(path)?)).map_err(|reason| Error::input(path, reason))
}

/// Where a stream is cut off, with a note.
#[derive(Clone, Copy, Debug)]
pub struct Cap {
    pub time: Duration,
    /// Of all pictures.
    pub bytes: usize,
}

impl Cap {
    pub const NONE: Cap = Cap { time: Duration::MAX, bytes: usize::MAX };
    /// What a clip may take: 60 s and 1 GiB.
    pub const CLIP: Cap = Cap { time: Duration::from_secs(60), bytes: 1 << 30 };

    /// At least one.
    fn pictures(&self, format: &PictureFormat) -> usize {
        let of_time = (self.time.as_secs_f64() * format.rate.per_second()).round() as usize;
        of_time.min(self.bytes / format.bytes()).max(1)
    }
}

/// A stream up to the cap.
///
/// # Errors
/// What is wrong with the stream, in one line; see [`Reader::new`] and [`Reader::picture`].
pub fn read_from(input: impl BufRead, cap: Cap) -> Result<Decoded, String> {
    let mut reader = Reader::new(input)?;
    let mut footage = Footage::new(reader.format);
    let most = cap.pictures(&reader.format);
    while footage.pictures.len() < most {
        let Some(picture) = reader.picture()? else { break };
        footage.pictures.push(picture);
    }
    if footage.pictures.is_empty() {
        return Err(EMPTY.into());
    }
    let mut notes = reader.notes;
    let capped = !reader.input.fill_buf().map_err(cannot_read)?.is_empty();
    if capped {
        let seconds = Picture::duration(&footage).as_secs_f64();
        notes.push(format!("cut off after {most} pictures ({seconds:.1} s)"));
    }
    Ok(Decoded { footage, notes, capped })
}

/// Writes a file. One that cannot be finished is removed.
///
/// # Errors
/// [`Error::Output`].
pub fn write(path: &Path, footage: &Footage) -> Result<()> {
    let all = || {
        let mut file = BufWriter::new(File::create(path)?);
        write_to(&mut file, footage)?;
        file.flush()
    };
    all().map_err(|e: io::Error| {
        // Only a regular file is ours to remove: the path may be a device.
        if path.is_file() {
            let _ = std::fs::remove_file(path);
        }
        Error::output(path, e)
    })
}

/// Writes header and frames.
///
/// # Errors
/// Those of `output`.
pub fn write_to(mut output: impl Write, footage: &Footage) -> io::Result<()> {
    let PictureFormat { width, height, rate } = footage.format;
    writeln!(output, "YUV4MPEG2 W{width} H{height} F{}:{} Ip A1:1 C420jpeg", rate.numerator, rate.denominator)?;
    footage.pictures.iter().try_for_each(|picture| {
        output.write_all(b"FRAME\n")?;
        output.write_all(&picture.data)
    })
}

/// Reads one picture after the other.
pub struct Reader<R> {
    input: R,
    pub format: PictureFormat,
    /// Colour and aspect tags that say something else than is taken for granted here.
    pub notes: Vec<String>,
    index: usize,
    /// The samples of a picture as they arrive; stays in the cache from one to the next.
    samples: Vec<u8>,
    /// Those of the last picture; the next one takes their place when nobody else has kept them.
    last: Arc<[u8]>,
}

/// The size comes from a header that may lie: memory is taken in steps of this many bytes as the samples arrive.
const STEP: usize = 1 << 22;
/// Lines of text in the stream are short; what is longer is no such line.
const LONGEST_LINE: u64 = 1024;

impl<R: BufRead> Reader<R> {
    /// Reads the stream header.
    ///
    /// # Errors
    /// In one line: another magic, no width, height or frame rate, odd or absurd ones, a pixel format other than 8-bit
    /// 4:2:0, interlaced.
    pub fn new(mut input: R) -> Result<Reader<R>, String> {
        let line = line(&mut input)?;
        let Some(tags) = line.strip_prefix(MAGIC) else {
            return Err("not a Y4M file: its first bytes are not 'YUV4MPEG2'".into());
        };
        let Some(tags) = tags.strip_suffix(b"\n") else {
            return Err("cut short: the Y4M header is incomplete".into());
        };
        let tags = String::from_utf8_lossy(tags);
        let (format, notes) = header::format(&tags)?;
        Ok(Reader { input, format, notes, index: 0, samples: Vec::new(), last: Arc::default() })
    }

    /// The next picture; `None` behind the last.
    ///
    /// # Errors
    /// In one line that names the frame: cut short, or no frame header where one must be.
    pub fn picture(&mut self) -> Result<Option<Picture>, String> {
        let i = self.index;
        let PictureFormat { width, height, .. } = self.format;
        let line = line(&mut self.input)?;
        match line.strip_prefix(b"FRAME") {
            _ if line.is_empty() => return Ok(None),
            Some(b"\n") => {}
            // The only parameters that a frame may have and that change nothing are comments.
            Some(b) if b.ends_with(b"\n") && b.split(|c| *c == b' ').skip(1).all(|tag| tag.starts_with(b"X")) => {}
            Some([b' ', tags @ .., b'\n']) => {
                let tags = String::from_utf8_lossy(tags);
                return Err(format!("frame {i}: expected 'FRAME' alone, found the parameters '{}'", shown(&tags)));
            }
            _ if b"FRAME\n".starts_with(&line) => {
                return Err(format!("cut short: the header of frame {i} is incomplete"));
            }
            _ if line.starts_with(MAGIC) => {
                return Err(format!(
                    "frame {i}: expected 'FRAME', found another stream header '{}'; a file of one size would be right",
                    shown(String::from_utf8_lossy(&line).trim_end())
                ));
            }
            _ => {
                return Err(format!(
                    "frame {i}: expected 'FRAME', found other bytes; every frame must have the {} bytes of {width}x{height}",
                    self.format.bytes()
                ));
            }
        }
        let size = self.format.bytes();
        let got = match Arc::get_mut(&mut self.last) {
            Some(samples) if samples.len() == size => fill(&mut self.input, samples),
            _ => self.fill_anew(size),
        };
        let got = got.map_err(cannot_read)?;
        if got < size {
            return Err(format!("cut short: frame {i} lacks {} of its {size} bytes", size - got));
        }
        self.index += 1;
        Picture::new(width, height, self.last.clone()).map(Some).map_err(|e| e.to_string())
    }

    /// Reads the samples of a picture into memory of their own; returns how many bytes of them there were.
    fn fill_anew(&mut self, size: usize) -> io::Result<usize> {
        let mut got = 0;
        while got < size {
            let end = size.min(got + STEP);
            if self.samples.len() < end {
                self.samples.resize(end, 0);
            }
            got += fill(&mut self.input, &mut self.samples[got..end])?;
            if got < end {
                return Ok(got);
            }
        }
        self.last = self.samples.as_slice().into();
        Ok(got)
    }
}

/// As much of `samples` as there is; returns how many bytes that were.
fn fill(input: &mut impl Read, samples: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < samples.len() {
        match input.read(&mut samples[got..]) {
            Ok(0) => break,
            Ok(n) => got += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(got)
}

/// Up to and with the next line end, or what there is.
fn line(input: &mut impl BufRead) -> Result<Vec<u8>, String> {
    let mut line = Vec::new();
    input.take(LONGEST_LINE).read_until(b'\n', &mut line).map_err(cannot_read)?;
    Ok(line)
}

fn cannot_read(e: io::Error) -> String {
    format!("cannot read: {e}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FrameRate;
    use proptest::prelude::*;

    fn footage(width: u32, height: u32, frames: u8) -> Footage {
        let format = PictureFormat { width, height, rate: FrameRate::new(30_000, 1001) };
        let picture = |i| Picture::new(width, height, vec![i; format.bytes()]).unwrap();
        Footage { format, pictures: (0..frames).map(picture).collect() }
    }

    fn bytes(footage: &Footage) -> Vec<u8> {
        let mut bytes = Vec::new();
        write_to(&mut bytes, footage).unwrap();
        bytes
    }

    fn refused(bytes: &[u8]) -> String {
        let reason = read_from(bytes, Cap::NONE).unwrap_err();
        assert!(!reason.contains('\n'), "{reason}");
        reason
    }

    /// A stream of one grey 4x2 picture under this header.
    fn headed(tags: &str) -> Vec<u8> {
        [format!("YUV4MPEG2 {tags}\nFRAME\n").as_bytes(), &[128; 12]].concat()
    }

    #[test]
    fn a_file_survives_and_errors_name_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.y4m");
        let footage = footage(6, 4, 3);
        write(&path, &footage).unwrap();
        assert_eq!(read(&path).unwrap(), Decoded { footage: footage.clone(), notes: Vec::new(), capped: false });
        let text = std::fs::read(&path).unwrap();
        assert!(text.starts_with(b"YUV4MPEG2 W6 H4 F30000:1001 Ip A1:1 C420jpeg\nFRAME\n\0\0"));

        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, Error::Input { .. }) && error.exit_code() == 2);
        assert_eq!(error.to_string(), format!("{}: cut short: frame 2 lacks 5 of its 36 bytes", path.display()));
        assert!(matches!(write(&path.join("below"), &footage), Err(Error::Output { .. })));
        assert!(read(&dir.path().join("nowhere.y4m")).unwrap_err().to_string().ends_with("no such file"));
    }

    #[test]
    fn every_bad_stream_says_what_would_be_right() {
        let good = bytes(&footage(4, 2, 2));
        let header = good.iter().position(|b| *b == b'\n').unwrap() + 1;
        assert_eq!(refused(&good[..header]), "0 frames; there is nothing to see in it");
        assert!(refused(&good[..20]).starts_with("cut short: the Y4M header"));
        assert!(refused(b"").starts_with("not a Y4M file"));
        assert!(refused(b"RIFF....").starts_with("not a Y4M file"));
        assert_eq!(refused(&good[..header + 3]), "cut short: the header of frame 0 is incomplete");
        assert_eq!(refused(&good[..header + 6]), "cut short: frame 0 lacks 12 of its 12 bytes");
        let twice = [&good[..], &bytes(&footage(2, 2, 1))].concat();
        assert_eq!(
            refused(&twice),
            "frame 2: expected 'FRAME', found another stream header 'YUV4MPEG2 W2 H2 F30000:1001 Ip A1:1 C420jpeg'; \
             a file of one size would be right"
        );
        let mut long = good.clone();
        long.insert(header + 8, 0);
        assert_eq!(
            refused(&long),
            "frame 1: expected 'FRAME', found other bytes; every frame must have the 12 bytes of 4x2"
        );
        let with = |tags: &str| [&good[..], format!("FRAME {tags}\n").as_bytes(), &[0; 12]].concat();
        assert_eq!(refused(&with("W8 H2")), "frame 2: expected 'FRAME' alone, found the parameters 'W8 H2'");
        // A header may promise what no machine holds.
        assert!(refused(&headed("W16384 H16384 F30:1")).starts_with("cut short: frame 0 lacks 402653172 of"));
        assert_eq!(read_from(&with("Xcomment")[..], Cap::NONE).unwrap().footage.pictures.len(), 3);
    }

    #[test]
    fn a_picture_that_is_kept_stays_and_one_that_is_not_makes_room() {
        let stream = bytes(&footage(4, 2, 3));
        let mut reader = Reader::new(&stream[..]).unwrap();
        let first = reader.picture().unwrap().unwrap();
        let second = reader.picture().unwrap().unwrap();
        assert_eq!((first.data[0], second.data[0]), (0, 1));
        let place = second.data.as_ptr();
        drop(second);
        let third = reader.picture().unwrap().unwrap();
        assert_eq!((first.data[0], third.data[0], third.data.as_ptr()), (0, 2, place));
        assert_eq!(reader.picture(), Ok(None));
    }

    #[test]
    fn a_long_stream_is_cut_off_with_a_note() {
        let long = bytes(&footage(4, 2, 60));
        let of = |cap: Cap| {
            let Decoded { footage, notes, .. } = read_from(&long[..], cap).unwrap();
            (footage.pictures.len(), notes.join(""))
        };
        let second = Cap { time: Duration::from_secs(1), ..Cap::NONE };
        assert_eq!(of(second), (30, "cut off after 30 pictures (1.0 s)".into()));
        assert_eq!(of(Cap { bytes: 30, ..Cap::NONE }).0, 2);
        assert_eq!(of(Cap { bytes: 1, ..Cap::NONE }).0, 1);
        assert_eq!(of(Cap::CLIP), (60, String::new()));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            (w, h) in (1u32..9, 1u32..9), n in 1usize..40, d in 1usize..3, data in prop::collection::vec(any::<u8>(), 400),
        ) {
            let rate = FrameRate::new(n as u32 * 2 + 1, d as u32);
            let format = PictureFormat { width: 2 * w, height: 2 * h, rate };
            let picture = |i: usize| Picture::new(2 * w, 2 * h, data[i..i + format.bytes()].to_vec()).unwrap();
            let footage = Footage { format, pictures: (0..3).map(picture).collect() };
            prop_assert_eq!(read_from(&bytes(&footage)[..], Cap::NONE).unwrap().footage, footage);
        }

        #[test]
        fn no_garbage_panics(
            at in 0usize..200, cut in 0usize..200, with in prop::collection::vec(any::<u8>(), 0..20), tags in "[ -~]{0,40}",
        ) {
            let mut stream = bytes(&footage(6, 4, 3));
            stream.truncate(stream.len() - cut.min(stream.len()));
            let at = at.min(stream.len());
            stream.splice(at..(at + with.len()).min(stream.len()), with);
            let _ = read_from(&stream[..], Cap::NONE);
            let _ = read_from(&headed(&tags)[..], Cap::NONE);
        }
    }
}
