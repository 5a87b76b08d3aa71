//! The pictures of two Y4M files, read beside each other, so that neither file is ever whole in memory.

use crate::error::{Error, Result};
use crate::media::{Picture, y4m};
use crate::metric;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

type Reader = y4m::Reader<BufReader<File>>;

/// Ends where one file does, or is broken; [`Pairs::finish`] tells which.
pub(super) struct Pairs<'a> {
    paths: [&'a Path; 2],
    pub reference: Reader,
    degraded: Reader,
    /// Pictures read of each.
    counts: [usize; 2],
    broken: Option<Error>,
}

impl<'a> Pairs<'a> {
    /// # Errors
    /// [`Error::Input`]: a file cannot be used, or the two differ in size or rate.
    pub fn open(reference: &'a Path, degraded: &'a Path) -> Result<Pairs<'a>> {
        let paths = [reference, degraded];
        let (reference, degraded) = (y4m::reader(reference)?, y4m::reader(degraded)?);
        let pairs = Pairs { paths, reference, degraded, counts: [0; 2], broken: None };
        pairs.alike()?;
        Ok(pairs)
    }

    /// Reads on to the end, and returns the notes on both files.
    ///
    /// # Errors
    /// [`Error::Input`]: a file is broken or has no pictures, or one has more than the other.
    pub fn finish(mut self) -> Result<Vec<String>> {
        while self.reference().is_some() {}
        while self.degraded().is_some() {}
        if let Some(error) = self.broken {
            return Err(error);
        }
        if let Some(empty) = self.counts.iter().position(|count| *count == 0) {
            return Err(Error::input(self.paths[empty], y4m::EMPTY));
        }
        self.alike()?;
        let [reference, degraded] = self.paths;
        Ok(notes(reference, &self.reference.notes).chain(notes(degraded, &self.degraded.notes)).collect())
    }

    fn alike(&self) -> Result<()> {
        let [of_a, of_b] = self.counts;
        metric::alike((&self.reference.format, of_a), (&self.degraded.format, of_b))
            .map_err(|reason| Error::input(self.paths[1], reason))
    }

    fn reference(&mut self) -> Option<Picture> {
        let read = self.reference.picture();
        self.counted(0, read)
    }

    fn degraded(&mut self) -> Option<Picture> {
        let read = self.degraded.picture();
        self.counted(1, read)
    }

    /// After an error there is nothing more.
    fn counted(&mut self, file: usize, read: Result<Option<Picture>, String>) -> Option<Picture> {
        match read {
            _ if self.broken.is_some() => None,
            Ok(picture) => {
                self.counts[file] += usize::from(picture.is_some());
                picture
            }
            Err(reason) => {
                self.broken = Some(Error::input(self.paths[file], reason));
                None
            }
        }
    }
}

impl Iterator for Pairs<'_> {
    type Item = (Picture, Picture);

    fn next(&mut self) -> Option<(Picture, Picture)> {
        let (a, b) = (self.reference(), self.degraded());
        Some((a?, b?))
    }
}

pub(super) fn notes(path: &Path, notes: &[String]) -> impl Iterator<Item = String> {
    notes.iter().map(move |note| format!("{}: {note}", path.display()))
}
