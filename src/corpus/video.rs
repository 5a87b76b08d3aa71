//! From films to clips of pictures: decoded, scaled, played to and fro until they are long enough. Whole numbers
//! throughout, and H.264 decodes to the bit, so that the manifest can name the result's SHA-256.

use super::manifest::VideoSpec;
use crate::error::{Error, Result};
use crate::media::y4m::{self, Cap};
use crate::media::{Footage, FrameRate, Picture, PictureFormat, ffmpeg};
use ring::digest::{Context, SHA256};
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::Path;

/// Makes the clip from the film in `folder`, which the ffmpeg `program` decodes.
///
/// # Errors
/// [`Error::Input`]: no `ffmpeg`, no such film, or one of fewer pictures or of a smaller size than the manifest says.
pub fn make(spec: &VideoSpec, folder: &Path, program: &Path) -> Result<Footage> {
    let path = folder.join(&spec.file);
    let mut film = ffmpeg::as_coded(program, &path, FrameRate::new(spec.rate, 1))?;
    let (found, PictureFormat { width, height, .. }) = (film.pictures.len(), film.format);
    if found < spec.recorded || width < spec.width || height < spec.height {
        let said = format!("{} pictures of {}x{} or more", spec.recorded, spec.width, spec.height);
        return Err(Error::input(path, format!("{found} pictures of {width}x{height}, the manifest says {said}")));
    }
    film.pictures.truncate(spec.recorded);
    let scaled = film.in_format(spec.format())?;
    let pictures = (0..spec.pictures).map(|i| scaled.pictures[to_and_fro(i, spec.recorded)].clone()).collect();
    Ok(Footage { format: scaled.format, pictures })
}

/// 0, 1, 2, 1, 0, 1 ... for a length of 3: neither end is shown twice in a row, which would be a freeze.
fn to_and_fro(i: usize, length: usize) -> usize {
    let around = (2 * length).saturating_sub(2).max(1);
    let at = i % around;
    at.min(around - at)
}

/// SHA-256 of all pictures' bytes, in hex.
pub fn content_hash(footage: &Footage) -> String {
    let mut hash = Context::new(&SHA256);
    footage.pictures.iter().for_each(|p: &Picture| hash.update(&p.data));
    hash.finish().as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

/// Y4M, compressed by zstd without loss.
///
/// # Errors
/// [`Error::Output`].
pub fn write(path: &Path, footage: &Footage) -> Result<()> {
    let all = || -> std::io::Result<()> {
        let mut file = zstd::Encoder::new(File::create(path)?, 3)?;
        y4m::write_to(&mut file, footage)?;
        file.finish()?.flush()
    };
    all().map_err(|e| Error::output(path, e))
}

/// What [`write`] wrote.
///
/// # Errors
/// [`Error::Input`].
pub fn read(path: &Path) -> Result<Footage> {
    let file = File::open(path).and_then(zstd::Decoder::new).map_err(|e| Error::input(path, e))?;
    let decoded = y4m::read_from(BufReader::new(file), Cap::NONE);
    decoded.map(|d| d.footage).map_err(|reason| Error::input(path, reason))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::Content;

    fn spec() -> VideoSpec {
        VideoSpec {
            id: "a".into(),
            content: Content::Camera,
            seen: "greys".into(),
            file: "a.y4m".into(),
            width: 4,
            height: 2,
            rate: 30,
            recorded: 3,
            pictures: 8,
            sha256: String::new(),
            notes: Vec::new(),
        }
    }

    #[test]
    fn short_films_go_to_and_fro_without_a_freeze() {
        let (dir, program) = (tempfile::tempdir().unwrap(), Path::new("ffmpeg"));
        let format = PictureFormat { width: 8, height: 4, rate: FrameRate::new(25, 1) };
        let pictures = (1..=4).map(|i| Picture::grey(8, 4, 20 * i)).collect();
        y4m::write(&dir.path().join("a.y4m"), &Footage { format, pictures }).unwrap();
        let made = match make(&spec(), dir.path(), program) {
            Err(e) if e.to_string().contains("not installed") => return eprintln!("SKIPPED: {e}"),
            made => made.unwrap(),
        };
        let luma: Vec<u8> = made.pictures.iter().map(|p| p.data[0]).collect();
        assert_eq!((made.format, luma), (spec().format(), vec![20, 40, 60, 40, 20, 40, 60, 40]));
        assert_eq!((to_and_fro(7, 1), spec().all_notes().len()), (0, 2));

        let path = dir.path().join("a.y4m.zst");
        write(&path, &made).unwrap();
        assert_eq!(read(&path).unwrap(), made);
        std::fs::write(&path, &std::fs::read(&path).unwrap()[..40]).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("a.y4m.zst: "));

        let text = |spec: VideoSpec| make(&spec, dir.path(), program).unwrap_err().to_string();
        let more = text(VideoSpec { recorded: 5, ..spec() });
        assert!(more.ends_with("4 pictures of 8x4, the manifest says 5 pictures of 4x2 or more"), "{more}");
        assert!(text(VideoSpec { width: 16, ..spec() }).contains("16x2 or more"));
        assert!(text(VideoSpec { file: "b.y4m".into(), ..spec() }).contains("b.y4m: "));
    }
}
