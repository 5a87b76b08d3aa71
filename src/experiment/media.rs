//! What the cases of audio and of video do not share.

use super::exhibits;
use super::observer::Observer;
use crate::call::{self, Call};
use crate::cost::{self, Cost};
use crate::error::Result;
use crate::latency::Probe;
use crate::media::{self, Clip, Footage, Pcm, Picture};
use crate::plan::file::Kind;
use crate::plan::{Case, Plan, Setting};
use crate::store::Store;
use std::path::Path;

/// A kind of media whose cases run.
pub trait Run: Kind {
    /// Of the file that keeps a signal.
    const ENDING: &'static str;
    /// What is heard or seen when no clip is named.
    const CLIPS: &'static [&'static str];
    /// One case, and what was on the wire if it is to be kept.
    ///
    /// # Errors
    /// As [`call::run`].
    fn run(case: &Case<Self>, keep_packets: bool) -> Result<(Call<Self>, Option<Vec<u8>>)>;
    /// # Errors
    /// The file cannot be written.
    fn write(path: &Path, signal: &Self::Signal) -> Result<()>;
    /// # Errors
    /// As [`cost::measure`].
    fn cost(setting: &Setting<Self>, clip: &Clip<Self>) -> Result<Cost>;
    /// How the algorithmic delay of a setting is measured; `None` where it cannot be, or means nothing.
    fn probe(_setting: &Setting<Self>, _clip: &Clip<Self>) -> Option<Probe> {
        None
    }
    /// Pictures for the report, where there are any.
    ///
    /// # Errors
    /// The store is damaged, a case fails, or a file cannot be written.
    fn exhibit(_plan: &Plan<Self>, _store: &Store, _observer: &dyn Observer) -> Result<()> {
        Ok(())
    }
}

impl Run for Pcm {
    const ENDING: &'static str = "wav";
    const CLIPS: &'static [&'static str] = &["speech"];

    fn run(case: &Case, keep_packets: bool) -> Result<(Call, Option<Vec<u8>>)> {
        match keep_packets {
            true => call::run_captured(case).map(|(call, capture)| (call, Some(capture))),
            false => Ok((call::run(case)?, None)),
        }
    }
    fn write(path: &Path, signal: &Pcm) -> Result<()> {
        media::wav::write(path, signal)
    }
    fn cost(setting: &Setting, clip: &Clip) -> Result<Cost> {
        cost::measure(setting, clip)
    }
    fn probe(setting: &Setting, clip: &Clip) -> Option<Probe> {
        Probe::of(setting, &clip.format())
    }
}

impl Run for Picture {
    const ENDING: &'static str = "y4m";
    /// Six, so that there can be a verdict, and all of one kind, for kinds are not averaged.
    const CLIPS: &'static [&'static str] = &["dog", "bunny", "bikes", "carphone", "synth-talk", "synth-still"];

    fn run(case: &Case<Picture>, keep_packets: bool) -> Result<(Call<Picture>, Option<Vec<u8>>)> {
        call::video::run(case, keep_packets)
    }
    fn write(path: &Path, signal: &Footage) -> Result<()> {
        media::y4m::write(path, signal)
    }
    fn cost(setting: &Setting<Picture>, clip: &Clip<Picture>) -> Result<Cost> {
        cost::measure(setting, clip)
    }
    fn exhibit(plan: &Plan<Picture>, store: &Store, observer: &dyn Observer) -> Result<()> {
        exhibits::make(plan, store, observer)
    }
}
