//! Files that are there as a whole or not at all, whatever happens meanwhile.

use crate::error::{Error, Result};
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Lets `write` make a file, under a name beside `path`, that appears as `path` only when it is whole.
///
/// # Errors
/// [`Error::Output`], and whatever else `write` failed of.
pub(crate) fn whole(path: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let finish = || File::open(&part)?.sync_all().and_then(|()| std::fs::rename(&part, path));
    let done = write(&part).and_then(|()| finish().map_err(|e| Error::output(path, e)));
    if done.is_err() {
        // What is there of it is of no use; that it cannot be removed is not worth a second error.
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// As [`whole`], of bytes that are there.
///
/// # Errors
/// [`Error::Output`].
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    whole(path, |part| std::fs::write(part, bytes).map_err(|e| Error::output(path, e)))
}

/// As [`whole`], of what `fill` writes piece by piece.
///
/// # Errors
/// [`Error::Output`], and whatever else `fill` failed of.
pub(crate) fn stream(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), Failure>) -> Result<()> {
    let filled = |part: &Path| -> Result<(), Failure> {
        let mut out = BufWriter::new(File::create(part)?);
        fill(&mut out)?;
        Ok(out.flush()?)
    };
    whole(path, |part| {
        filled(part).map_err(|failure| match failure {
            Failure::Write(e) => Error::output(path, e),
            Failure::Content(e) => e,
        })
    })
}

/// Why a file was not written: it could not be, or there was nothing to write.
pub(crate) enum Failure {
    Write(std::io::Error),
    Content(Error),
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Failure {
        Failure::Write(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure::Content(e)
    }
}

/// The folder, with those that it lies in.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, e))
}

/// A whole file to another place of the same file system, in one step.
pub(crate) fn move_to(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        create_folder(folder)?;
    }
    std::fs::rename(from, to).map_err(|e| Error::output(to, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        stream(&path, |out| Ok(std::io::Write::write_all(out, b"old")?)).unwrap();
        let broken = stream(&path, |out| {
            std::io::Write::write_all(out, b"new")?;
            Err(Error::Store("torn".into()).into())
        });
        assert!(matches!(broken, Err(Error::Store(_))));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(matches!(stream(&path.join("below"), |_| Ok(())), Err(Error::Output { .. })));
    }
}
