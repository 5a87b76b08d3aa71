//! The `ffmpeg` that decodes the films of the corpora: the machine's own, else one out of a PyPI wheel that
//! `corpora/ffmpeg.toml` pins. H.264 decodes to the bit, so that any version gives the same clips.

use super::cache::Cache;
use super::registry::{Pinned, Registry, package, unpack};
use crate::error::{Error, Result};
use crate::files::move_to;
use crate::model::sha256;
use serde::Deserialize;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// The wheel, and where the program lies in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wheel {
    name: String,
    version: String,
    /// Of the wheel, in hex.
    sha256: String,
    /// SPDX expression, of the program.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people; a test looks at it"))]
    licence: String,
    #[cfg_attr(not(test), expect(dead_code, reason = "for people; a test looks at it"))]
    licence_source: String,
    path: String,
    /// Of the program, in hex.
    file_sha256: String,
}

fn wheel() -> Result<Wheel> {
    toml::from_str(include_str!("../../corpora/ffmpeg.toml")).map_err(|e| Error::input("corpora/ffmpeg.toml", e))
}

/// The program to start; brought first where there is none. `scratch` is a folder for work in progress.
///
/// # Errors
/// [`Error::Fetch`]: the wheel cannot be had, or holds something else than is pinned.
pub(super) fn program(cache: &Cache, scratch: &Path, say: &mut dyn FnMut(&str)) -> Result<PathBuf> {
    let name = Path::new("ffmpeg");
    let path = std::env::var_os("PATH").unwrap_or_default();
    if std::env::split_paths(&path).any(|folder| folder.join(name).is_file()) {
        return Ok(name.to_owned());
    }
    let wheel = wheel()?;
    let is_right = |file: &Path| std::fs::read(file).is_ok_and(|bytes| sha256(&bytes) == wheel.file_sha256);
    let kept = cache.folder().join("tools/ffmpeg");
    if is_right(&kept) {
        return Ok(kept);
    }
    let pinned =
        Pinned { registry: Registry::PypiWheel, name: &wheel.name, version: &wheel.version, sha256: &wheel.sha256 };
    let archive = package(&pinned, cache, scratch, say)?;
    let tree = scratch.join("ffmpeg");
    unpack(&pinned, &archive, "", &tree)?;
    let found = tree.join(&wheel.path);
    if !is_right(&found) {
        return Err(pinned.failed(format!("{} has another SHA-256 than the manifest pins", wheel.path)));
    }
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&found, mode).map_err(|e| Error::output(&found, e))?;
    move_to(&found, &kept)?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_names_licence_and_hashes() {
        let wheel = wheel().unwrap();
        let is_hash = |h: &str| h.len() == 64 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        assert!(
            is_hash(&wheel.sha256) && is_hash(&wheel.file_sha256) && wheel.path.contains(&wheel.name.replace('-', "_"))
        );
        assert!(wheel.licence.starts_with("GPL") && wheel.licence_source.len() > 20);
    }
}
