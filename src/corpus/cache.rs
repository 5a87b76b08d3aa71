//! Where packages, clips and models are kept.

use crate::error::Result;
use crate::files::create_folder;
use crate::model;
use std::path::{Path, PathBuf};

/// Where packages, clips and models are kept.
#[derive(Clone, Debug)]
pub struct Cache(pub(super) PathBuf);

impl Cache {
    /// # Errors
    /// As [`model::fetched`].
    pub fn find() -> Result<Cache> {
        model::fetched().map(Cache)
    }

    pub fn folder(&self) -> &Path {
        &self.0
    }

    /// The file of the audio clip with that id, fetched or not.
    pub fn clip(&self, id: &str) -> PathBuf {
        self.0.join("clips").join(format!("{id}.wav"))
    }

    /// The file of the video clip with that id, fetched or not.
    pub fn video(&self, id: &str) -> PathBuf {
        self.0.join("clips").join(format!("{id}.y4m.zst"))
    }

    /// The package file of that name, fetched or not.
    pub(super) fn package(&self, file_name: &str) -> PathBuf {
        self.0.join("packages").join(file_name)
    }

    /// A folder of this process alone, for work in progress.
    pub(super) fn scratch(&self) -> Result<Scratch> {
        let path = self.0.join(format!("work-{}", std::process::id()));
        create_folder(&path)?;
        Ok(Scratch(path))
    }
}

/// Removed with all that is in it when its user is done.
pub(super) struct Scratch(pub(super) PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
