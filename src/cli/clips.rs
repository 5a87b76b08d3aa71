//! Where the clips of `run` and `fmtp` come from: recordings, or artificial ones in their place where that is asked for.

use crate::corpus;
use crate::error::{Error, Result};
use crate::media::{Clip, Media};
use crate::plan::file::{Clips, Library};
use std::sync::Arc;

/// All clips that there are. Recordings that are not here are an error that says what to do.
pub const LIBRARY: Library<'static> = Library { audio: &corpus::clip, video: &corpus::video };

const OR_ARTIFICIAL: Library<'static> =
    Library { audio: &|name| offer(name, corpus::clip(name)), video: &|name| offer(name, corpus::video(name)) };

const ARTIFICIAL: Library<'static> = Library {
    audio: &|name| corpus::clip(if corpus::is_recorded(name) { "synth" } else { name }),
    video: &|name| corpus::video(if corpus::is_recorded(name) { "video-synth" } else { name }),
};

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct Args {
    /// Artificial voices, or drawn clips of video, in place of all recordings; nothing has to be fetched
    #[arg(long)]
    artificial: bool,
}

impl Args {
    pub fn library(self) -> Library<'static> {
        if self.artificial { ARTIFICIAL } else { OR_ARTIFICIAL }
    }
}

/// The clips of `others`, if there are any; else those called `name`.
///
/// # Errors
/// As `find`; of `others` with the option's name.
pub fn in_place_of<M: Media>(name: &str, others: &[String], find: Clips<'_, M>) -> Result<Vec<Arc<Clip<M>>>> {
    if others.is_empty() {
        return find(name);
    }
    let found = others.iter().map(|other| find(other).map_err(|e| Error::usage(format!("--clip: {e}"))));
    Ok(found.collect::<Result<Vec<_>>>()?.concat())
}

fn offer<T>(name: &str, found: Result<T>) -> Result<T> {
    found.map_err(|e| match corpus::is_recorded(name) {
        true => Error::usage(format!("{e}; or take artificial clips instead: --artificial")),
        false => e,
    })
}
