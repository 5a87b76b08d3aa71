//! The cases of a video run that the report shows picture by picture: the worst of each network. A case is a pure function
//! of its plan, so they are made by running it once more; `exhibits/` keeps what was made.

use super::observer::Observer;
use super::worst::{Case, Worst};
use crate::codec::{self, Feedback, Request};
use crate::error::{Error, Result};
use crate::media::{Footage, Picture};
use crate::plan::Plan;
use crate::report::{Exhibit, around, webm};
use crate::store::Store;
use crate::units::{Bitrate, Time};
use crate::{call, files};
use std::ops::Range;
use std::path::{Path, PathBuf};

const FOLDER: &str = "exhibits";

/// Of a clip: so much that it looks as what was shown, with room for a report by mail.
const CLIP_BITRATE: Bitrate = Bitrate(1_200_000);

/// Makes what is not beside the store yet.
///
/// # Errors
/// The store is damaged, a case fails, or a file cannot be written.
pub fn make(plan: &Plan<Picture>, store: &Store, observer: &dyn Observer) -> Result<()> {
    let folder = store.folder();
    let mut worst = Worst::default();
    for outcome in store.outcomes() {
        worst.see(0, &outcome?);
    }
    for shown in worst.cases() {
        let files = Files::of(folder, &shown);
        let Some(case) = plan.case(shown.index).filter(|_| !files.clip.is_file()) else { continue };
        observer.note(&format!("pictures of {}, {}", shown.label, shown.words()));
        let call = call::video::run(&case, false)?.0;
        let timeline = shown.timeline(&[store])?;
        let (Some(exhibit), Some(ticks)) =
            (Exhibit::of_worst(&timeline, &call.reference, &call.degraded)?, around(&timeline))
        else {
            continue;
        };
        let path = folder.join(FOLDER);
        std::fs::create_dir_all(&path).map_err(|e| Error::output(&path, e))?;
        files.write(&exhibit, &clip(&call.degraded, ticks)?)?;
    }
    Ok(())
}

/// What was made of that case, if it was.
pub fn read(folder: &Path, case: &Case) -> Option<Exhibit> {
    let files = Files::of(folder, case);
    Some(Exhibit {
        caption: std::fs::read_to_string(files.caption).ok()?,
        setting: case.label.clone(),
        condition: case.words(),
        reference_png: std::fs::read(files.reference).ok()?,
        shown_png: std::fs::read(files.shown).ok()?,
        clip: std::fs::read(files.clip).ok(),
    })
}

struct Files {
    caption: PathBuf,
    reference: PathBuf,
    shown: PathBuf,
    clip: PathBuf,
}

impl Files {
    fn of(folder: &Path, case: &Case) -> Files {
        let file = |end: &str| folder.join(FOLDER).join(format!("{:.8}{end}", case.key));
        Files {
            caption: file(".txt"),
            reference: file("-reference.png"),
            shown: file("-shown.png"),
            clip: file(".webm"),
        }
    }

    /// The clip last: when it is there, all is.
    fn write(&self, exhibit: &Exhibit, clip: &[u8]) -> Result<()> {
        let files = [
            (&self.caption, exhibit.caption.as_bytes()),
            (&self.reference, &exhibit.reference_png),
            (&self.shown, &exhibit.shown_png),
            (&self.clip, clip),
        ];
        files.into_iter().try_for_each(|(path, bytes)| files::write(path, bytes))
    }
}

/// What was on show on those ticks, for browsers.
fn clip(footage: &Footage, ticks: Range<usize>) -> Result<Vec<u8>> {
    let codec = codec::video("VP8")?;
    let settings = (codec.configure)(&Request { bitrate: Some(CLIP_BITRATE), ..Request::default() }, &footage.format)?;
    let footage = footage.in_format(settings.format)?;
    let mut encoder = settings.encoder()?;
    let mut units = Vec::new();
    for (i, picture) in footage.pictures.iter().take(ticks.end).skip(ticks.start).enumerate() {
        encoder.adapt(Feedback { key_wanted: i == 0, ..Feedback::default() })?;
        encoder.encode(Time::ZERO + footage.format.rate.at(i), picture, &mut units)?;
    }
    webm::file(codec.name, &footage.format, &units)
}
