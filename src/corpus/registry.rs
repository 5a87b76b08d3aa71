//! A package through its registry's ordinary client: pip or apt-get, checked against the SHA-256 that a manifest pins.

use super::cache::Cache;
use crate::error::{Error, Result};
use crate::files::{create_folder, move_to};
use crate::model::{self, sha256};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Where a package comes from, and in which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Registry {
    PypiSdist,
    PypiWheel,
    Deb,
}

/// A package as its registry knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pinned<'a> {
    pub registry: Registry,
    pub name: &'a str,
    pub version: &'a str,
    pub sha256: &'a str,
}

impl<'a> From<&'a model::Package> for Pinned<'a> {
    fn from(p: &'a model::Package) -> Self {
        Pinned { registry: Registry::PypiWheel, name: &p.name, version: &p.version, sha256: &p.sha256 }
    }
}

impl Pinned<'_> {
    /// "Debian package alsa-utils 1.2.8-1".
    pub fn origin(&self) -> String {
        let registry = match self.registry {
            Registry::PypiSdist => "PyPI sdist",
            Registry::PypiWheel => "PyPI wheel",
            Registry::Deb => "Debian package",
        };
        format!("{registry} {} {}", self.name, self.version)
    }

    /// What the cache calls the package file.
    pub fn file_name(&self) -> String {
        let ending = match self.registry {
            Registry::PypiSdist => "tar.gz",
            Registry::PypiWheel => "whl",
            Registry::Deb => "deb",
        };
        format!("{}-{}.{ending}", self.name, self.version)
    }

    pub fn failed(&self, reason: impl Into<String>) -> Error {
        Error::Fetch { package: self.origin(), reason: reason.into() }
    }
}

/// The package file: the kept one if it is right, else a new one.
pub(super) fn package(p: &Pinned<'_>, cache: &Cache, scratch: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let kept = cache.package(&p.file_name());
    if std::fs::read(&kept).is_ok_and(|bytes| sha256(&bytes) == p.sha256) {
        return Ok(kept);
    }
    say(&format!("fetching {}", p.origin()));
    let inbox = scratch.join("inbox");
    create_folder(&inbox)?;
    match p.registry {
        Registry::PypiSdist => pip(p, "--no-binary", &inbox)?,
        Registry::PypiWheel => pip(p, "--only-binary", &inbox)?,
        Registry::Deb => apt(p, &inbox, say)?,
    }
    let arrived = std::fs::read_dir(&inbox).ok().and_then(|mut entries| entries.next()?.ok());
    let arrived = arrived.ok_or_else(|| p.failed("its client brought no file"))?.path();
    let bytes = std::fs::read(&arrived).map_err(|e| Error::input(&arrived, e))?;
    let found = sha256(&bytes);
    if found != p.sha256 {
        let name = arrived.file_name().unwrap_or_default().to_string_lossy();
        return Err(p.failed(format!("{name} has SHA-256 {found}, the manifest pins {}", p.sha256)));
    }
    move_to(&arrived, &kept)?;
    Ok(kept)
}

/// `kind` is `--no-binary` or `--only-binary`, for the one package: `:all:` would build pip's own build tools from source.
fn pip(p: &Pinned<'_>, kind: &str, inbox: &Path) -> Result<()> {
    let mut command = Command::new("python3");
    command.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", kind]);
    command.args([p.name, &format!("{}=={}", p.name, p.version)]).arg("--dest").arg(".").current_dir(inbox);
    client(p, command, "python3 with pip")
}

/// A machine that never had its package lists updated cannot know any version: update them, once, and try again.
fn apt(p: &Pinned<'_>, inbox: &Path, say: &mut dyn FnMut(&str)) -> Result<()> {
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

/// Of an sdist `folder` alone, of the others all.
pub(super) fn unpack(p: &Pinned<'_>, archive: &Path, folder: &str, tree: &Path) -> Result<()> {
    create_folder(tree)?;
    match p.registry {
        Registry::PypiSdist => {
            let mut command = Command::new("tar");
            command.arg("-xzf").arg(archive).arg("-C").arg(tree);
            command.arg(format!("{}-{}/{folder}", p.name, p.version)).arg("--strip-components=1");
            client(p, command, "tar")
        }
        Registry::PypiWheel => {
            let mut command = Command::new("python3");
            command.args(["-m", "zipfile", "-e"]).arg(archive).arg(tree);
            client(p, command, "python3")
        }
        Registry::Deb => {
            let mut command = Command::new("dpkg-deb");
            command.arg("-x").arg(archive).arg(tree);
            client(p, command, "dpkg-deb (Debian)")
        }
    }
}

/// Runs a client in the background of this program: no questions, its last words in the error.
fn client(p: &Pinned<'_>, mut command: Command, what: &str) -> Result<()> {
    command.env("LC_ALL", "C").stdin(Stdio::null());
    let output = command.output().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => p.failed(format!("needs {what}, which is not on this machine")),
        _ => p.failed(format!("cannot run {what}: {e}")),
    })?;
    if output.status.success() {
        return Ok(());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or("no reason given");
    Err(p.failed(format!("{what} failed: {}", last.trim())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_missing_or_fails_is_named() {
        let pinned = Pinned { registry: Registry::PypiSdist, name: "voice", version: "1", sha256: "" };
        let text = |command| client(&pinned, command, "the client").unwrap_err().to_string();
        assert_eq!(
            text(Command::new("no-such-client")),
            "PyPI sdist voice 1: needs the client, which is not on this machine"
        );
        let mut failing = Command::new("sh");
        failing.args(["-c", "echo 'no network' >&2; exit 3"]);
        assert_eq!(text(failing), "PyPI sdist voice 1: the client failed: no network");
    }
}
