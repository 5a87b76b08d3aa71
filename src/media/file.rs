//! A user's files: found by path or pattern, told apart by their first bytes, each turned into a [`Clip`].

use super::clip::{Clip, Content};
use super::input::{Decoded, open};
use super::picture::Picture;
use super::y4m::{self, Cap};
use super::{ffmpeg, flac, wav};
use crate::error::{Error, Result};
use std::io::{BufReader, Read};
use std::path::{Path, PathBuf};

/// The WAV or FLAC file at `path` as a clip; its id is the path as given. What it holds cannot be seen from outside, so
/// it counts as speech, which is what calls carry.
///
/// # Errors
/// [`Error::Input`] in one line: missing, another kind of file, cut short, no samples, samples that are no numbers, more
/// than two channels.
pub fn load(path: &Path) -> Result<Clip> {
    let magic = magic(path)?;
    let Decoded { pcm, notes } = match magic.get(..4).unwrap_or(&magic) {
        b"RIFF" if is_wav(&magic) => wav::read(path)?,
        b"fLaC" => flac::read(path)?,
        _ if magic == y4m::MAGIC => {
            return Err(Error::input(path, "a Y4M file, which is video; a WAV or FLAC file would be right here"));
        }
        b"" => return Err(Error::input(path, "the file is empty; a WAV or FLAC file would be right")),
        _ => return Err(Error::input(path, "neither a WAV nor a FLAC file, by its first bytes")),
    };
    let mut clip = Clip::new(path.display().to_string(), Content::Speech, pcm);
    clip.notes = notes;
    Ok(clip)
}

/// The Y4M file at `path`, or whatever else `ffmpeg` makes pictures of, as a clip; its id is the path as given. It counts
/// as a camera's, which is what most calls carry. At most [`Cap::CLIP`] is kept.
///
/// # Errors
/// [`Error::Input`] in one line: missing, audio, cut short, no pictures, not 8-bit 4:2:0, of changing size, or of another
/// kind without `ffmpeg` to decode it.
pub fn load_video(path: &Path) -> Result<Clip<Picture>> {
    let magic = magic(path)?;
    let decoded = match magic.as_slice() {
        b"" => return Err(Error::input(path, "the file is empty; a Y4M file would be right")),
        m if m == y4m::MAGIC => {
            y4m::read_from(BufReader::new(open(path)?), Cap::CLIP).map_err(|reason| Error::input(path, reason))?
        }
        m if is_wav(m) || m.starts_with(b"fLaC") => {
            return Err(Error::input(path, "a WAV or FLAC file, which is audio; a Y4M file would be right here"));
        }
        _ => ffmpeg::film(path, Cap::CLIP)?,
    };
    let mut clip = Clip::video(path.display().to_string(), Content::Camera, decoded.footage);
    clip.notes = decoded.notes;
    Ok(clip)
}

/// Whether `text` is a pattern and not a path.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The files of one folder whose name matches the pattern, sorted by name: `*` stands for any run of characters, `?`
/// for one, in the last part of the path only.
///
/// # Errors
/// [`Error::Input`]: the folder cannot be read, or no file matches.
pub fn glob(pattern: &str) -> Result<Vec<PathBuf>> {
    let whole = Path::new(pattern);
    let folder = whole.parent().filter(|p| !p.as_os_str().is_empty());
    let name: Vec<char> = whole.file_name().unwrap_or_default().to_string_lossy().chars().collect();
    if folder.is_some_and(|f| is_pattern(&f.to_string_lossy())) {
        return Err(Error::input(pattern, "'*' and '?' work in the file name only, not in a folder's name"));
    }
    let entries = std::fs::read_dir(folder.unwrap_or(Path::new("."))).map_err(|e| Error::input(pattern, e))?;
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| Error::input(pattern, e))?;
        let file_name = entry.file_name();
        let path = folder.map_or_else(|| PathBuf::from(&file_name), |f| f.join(&file_name));
        let chars: Vec<char> = file_name.to_string_lossy().chars().collect();
        if matches(&name, &chars) && path.is_file() {
            found.push(path);
        }
    }
    if found.is_empty() {
        return Err(Error::input(pattern, "no file matches"));
    }
    found.sort();
    Ok(found)
}

/// As many bytes as the longest magic has, or what there is.
fn magic(path: &Path) -> Result<Vec<u8>> {
    let mut magic = Vec::new();
    let first = open(path)?.take(y4m::MAGIC.len() as u64).read_to_end(&mut magic);
    first.map_err(|e| Error::input(path, format!("cannot read: {e}")))?;
    Ok(magic)
}

/// AVI films begin with "RIFF" too and say what they are behind their length.
fn is_wav(magic: &[u8]) -> bool {
    magic.starts_with(b"RIFF") && magic.get(8) != Some(&b'A')
}

/// Whether `name` matches `pattern`, which may hold `*` and `?`.
fn matches(pattern: &[char], name: &[char]) -> bool {
    match (pattern.first(), name.first()) {
        (Some('*'), Some(_)) => matches(&pattern[1..], name) || matches(pattern, &name[1..]),
        (Some('*'), None) => matches(&pattern[1..], name),
        (Some(p), Some(n)) => (*p == '?' || p == n) && matches(&pattern[1..], &name[1..]),
        (None, None) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::input::from_int;
    use super::super::pcm::{Pcm, PcmFormat};
    use super::*;

    fn error(path: &Path) -> String {
        let error = load(path).unwrap_err();
        assert!(matches!(error, Error::Input { .. }) && error.exit_code() == 2, "{error:?}");
        let text = error.to_string();
        assert!(text.contains(&path.display().to_string()) && !text.contains('\n'), "{text}");
        text
    }

    fn wav_bytes(channels: u16, float: bool, samples: &[f32]) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let sample_format = if float { hound::SampleFormat::Float } else { hound::SampleFormat::Int };
        let bits_per_sample = if float { 32 } else { 16 };
        let spec = hound::WavSpec { channels, sample_rate: 16_000, bits_per_sample, sample_format };
        let mut writer = hound::WavWriter::new(&mut bytes, spec).unwrap();
        for s in samples {
            if float {
                writer.write_sample(*s).unwrap();
            } else {
                writer.write_sample(*s as i16).unwrap();
            }
        }
        writer.finalize().unwrap();
        bytes.into_inner()
    }

    #[test]
    fn every_bad_file_is_one_line_that_names_it() {
        let dir = tempfile::tempdir().unwrap();
        let bad = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            error(&path)
        };
        let good = wav_bytes(1, false, &[1.0, 2.0, 3.0, 4.0]);
        assert!(error(&dir.path().join("nowhere.wav")).contains("no such file"));
        assert!(error(dir.path()).contains("a folder"));
        assert!(bad("empty.wav", b"").contains("empty"));
        assert!(bad("text.wav", b"hello there").contains("neither a WAV nor a FLAC"));
        assert!(bad("cut.wav", &good[..good.len() - 2]).contains("cut short: the header promises 4 samples"));
        assert!(bad("odd.wav", &good[..good.len() - 3]).contains("cut short"));
        assert!(bad("header.wav", &good[..20]).contains("cut short: the WAV header is incomplete"));
        assert!(bad("none.wav", &wav_bytes(1, false, &[])).contains("0 samples"));
        assert!(bad("three.wav", &wav_bytes(3, false, &[0.0; 6])).contains("3 channels; one or two"));
        assert!(bad("nan.wav", &wav_bytes(1, true, &[0.0, f32::NAN])).contains("sample 1 is NaN"));
        assert!(bad("inf.wav", &wav_bytes(1, true, &[f32::INFINITY])).contains("sample 0 is inf"));
        let mut law = good.clone();
        law[20] = 6; // WAVE_FORMAT_ALAW
        assert!(bad("law.wav", &law).contains("unsupported WAV encoding"));
        let mut slow = good.clone();
        slow[24..28].copy_from_slice(&100u32.to_le_bytes());
        slow[28..32].copy_from_slice(&200u32.to_le_bytes());
        assert!(bad("slow.wav", &slow).contains("sample rate of 100 Hz"));
        assert!(bad("bad.flac", b"fLaC\0\0\0\x22cut").contains("cut short"));
        assert!(load(&dir.path().join("empty.wav")).is_err() && dir.path().join("empty.wav").exists());
    }

    #[test]
    fn pcm_survives_wav_and_deep_samples_are_rounded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.wav");
        let pcm = Pcm {
            format: PcmFormat { sample_rate: 44_100, channels: 2 },
            samples: vec![0, -1, i16::MIN, i16::MAX, 5, 6],
        };
        wav::write(&path, &pcm).unwrap();
        let clip = load(&path).unwrap();
        assert_eq!((&*clip.signal, clip.notes.is_empty()), (&pcm, true));

        std::fs::write(&path, wav_bytes(1, true, &[0.5, -1.0, 1.0, 7.0, 1.6 / 32768.0])).unwrap();
        let clip = load(&path).unwrap();
        assert_eq!(clip.signal.samples, [16_384, -32_768, 32_767, 32_767, 2]);
        assert_eq!(clip.notes, ["32-bit float samples rounded to 16 bit"]);

        assert_eq!([from_int(127, 8), from_int(-128, 8)], [32_512, -32_768]);
        assert_eq!([from_int(0x7f_ff80, 24), from_int(0x7f_7f80, 24), from_int(-0x80, 24)], [32_767, 32_640, 0]);
        assert_eq!([from_int(i32::MAX, 32), from_int(i32::MIN, 32), from_int(0x8000, 32)], [32_767, -32_768, 1]);
    }

    #[test]
    fn films_are_y4m_or_what_ffmpeg_decodes_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let bad = |name: &str, bytes: &[u8]| {
            let path = dir.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            let error = load_video(&path).unwrap_err();
            assert!(matches!(error, Error::Input { .. }) && error.to_string().contains(name), "{error}");
            error.to_string()
        };
        assert!(bad("empty.y4m", b"").contains("empty; a Y4M file"));
        assert!(bad("voice.wav", &wav_bytes(1, false, &[1.0; 4])).contains("which is audio"));
        let text = bad("text.mp4", b"hello there");
        assert!(
            text.contains("ffmpeg makes no pictures of it") || text.contains("ffmpeg, which is not installed"),
            "{text}"
        );
        assert!(bad("header.y4m", b"YUV4MPEG2 W4 H2\n").contains("no frame rate"));

        let film = dir.path().join("a.y4m");
        let picture = Picture::grey(4, 2, 90);
        let format = crate::media::PictureFormat { width: 4, height: 2, rate: crate::media::FrameRate::new(25, 1) };
        let footage = crate::media::Footage { format, pictures: vec![picture; 5] };
        y4m::write(&film, &footage).unwrap();
        let clip = load_video(&film).unwrap();
        assert_eq!((&*clip.signal, clip.id == film.display().to_string()), (&footage, true));
        assert!(error(&film).contains("which is video"));
    }

    #[test]
    fn ffmpeg_gives_the_pictures_that_went_into_a_lossless_film() {
        let dir = tempfile::tempdir().unwrap();
        let (film, raw) = (dir.path().join("a.mkv"), dir.path().join("a.y4m"));
        let source = "testsrc2=size=65x47:rate=30:duration=1,format=yuv420p";
        let mut command = std::process::Command::new("ffmpeg");
        command.args(["-v", "error", "-f", "lavfi", "-i", source, "-c:v", "ffv1"]).arg(&film);
        command.args(["-vf", "crop=64:46:0:0"]).arg(&raw);
        if !command.status().is_ok_and(|s| s.success()) {
            eprintln!("SKIPPED: ffmpeg is not installed");
            return;
        }
        let (clip, truth) = (load_video(&film).unwrap(), y4m::read(&raw).unwrap());
        assert_eq!(*clip.signal, truth.footage);
        assert_eq!((clip.notes.join(", ").as_str(), clip.signal.pictures.len()), ("decoded by ffmpeg", 30));
        let cut = dir.path().join("cut.mkv");
        let bytes = std::fs::read(&film).unwrap();
        std::fs::write(&cut, &bytes[..bytes.len() * 2 / 3]).unwrap();
        let clip = load_video(&cut).unwrap();
        assert!(
            clip.signal.pictures.len() < 30 && clip.notes.iter().any(|n| n.starts_with("ffmpeg complained: ")),
            "{:?}",
            clip.notes
        );
        assert_eq!(ffmpeg::as_coded(&raw, clip.signal.format.rate).unwrap(), truth.footage);
    }

    #[test]
    fn what_cannot_be_written_is_an_output_error_and_leaves_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let below = dir.path().join("file");
        std::fs::write(&below, "x").unwrap();
        let error = wav::write(&below.join("a.wav"), &Pcm::silence(PcmFormat::mono(8_000), 80)).unwrap_err();
        assert!(matches!(error, Error::Output { .. }), "{error}");
    }

    #[test]
    fn patterns_match_names_of_one_folder_in_order() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b1.wav", "a1.wav", "a12.wav", "a1.flac"] {
            std::fs::write(dir.path().join(name), "").unwrap();
        }
        let names = |pattern: &str| -> Vec<String> {
            let found = glob(&dir.path().join(pattern).display().to_string()).unwrap();
            found.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect()
        };
        assert_eq!(names("*.wav"), ["a1.wav", "a12.wav", "b1.wav"]);
        assert_eq!(names("a?.*"), ["a1.flac", "a1.wav"]);
        assert!(
            glob(&dir.path().join("z*").display().to_string()).unwrap_err().to_string().contains("no file matches")
        );
        assert!(glob(&dir.path().join("*/a.wav").display().to_string()).is_err());
    }
}
