//! The files of single cases: what was heard or seen, and what was on the wire.

use super::media::Run;
use crate::error::{Error, Result};
use crate::files;
use crate::media::Media;
use crate::plan::{Case, Plan, Scores};
use crate::store::Key;
use std::path::{Path, PathBuf};

/// What is kept of each case besides its scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// What was heard or seen, in `media/*.wav` or `media/*.y4m`.
    pub media: bool,
    /// What was on the wire, in `captures/*.pcapng`.
    pub packets: bool,
}

impl Keep {
    /// Makes the folders, and adds to `todo`, which is ascending, the cases of which a file is missing.
    pub(super) fn begin<M: Run>(self, plan: &Plan<M>, folder: &Path, todo: Vec<u32>) -> Result<Vec<u32>> {
        for (_, sub) in [(self.media, "media"), (self.packets, "captures")].into_iter().filter(|(wanted, _)| *wanted) {
            std::fs::create_dir_all(folder.join(sub)).map_err(|e| Error::output(folder.join(sub), e))?;
        }
        if !self.media && !self.packets {
            return Ok(todo);
        }
        let missing = |index: &u32| {
            let files = plan.case(*index as usize).map(|case| self.files(folder, &case));
            files.into_iter().flatten().flatten().any(|file| !file.is_file())
        };
        Ok((0..plan.len() as u32).filter(|i| todo.binary_search(i).is_ok() || missing(i)).collect())
    }

    /// Runs a case, and writes what is kept of it.
    pub(super) fn work<M: Run>(self, folder: &Path, case: &Case<M>) -> Result<Scores> {
        let [media, captured] = self.files(folder, case);
        let (call, capture) = M::run(case, captured.is_some())?;
        if let (Some(path), Some(capture)) = (captured, capture) {
            files::write(&path, &capture)?;
        }
        if let Some(path) = media {
            files::whole(&path, |part| M::write(part, &call.degraded))?;
        }
        Ok(call.scores)
    }

    /// The files of a case that are asked for: what was heard or seen, and what was on the wire.
    fn files<M: Run>(self, folder: &Path, case: &Case<M>) -> [Option<PathBuf>; 2] {
        let file = |sub: &str, ending: &str| folder.join(sub).join(format!("{}.{ending}", file_name(case)));
        [self.media.then(|| file("media", M::ENDING)), self.packets.then(|| file("captures", "pcapng"))]
    }
}

/// "opus-24-kbit-s_clip_loss-5_s1_1f3a97c0": readable, and by its end the case's own.
fn file_name<M: Media>(case: &Case<M>) -> String {
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|w| !w.is_empty());
        words.collect::<Vec<_>>().join("-").chars().take(40).collect::<String>()
    };
    let (label, clip, net) = (plain(&case.label), plain(&case.clip.id), plain(&case.net.to_string()));
    format!("{label}_{clip}_{net}_s{}_{:.8}", case.seed.0, Key::of(case).to_string())
}
