//! Every codec is one static value in one file, and one line in [`AUDIO`] or [`VIDEO`]. What they have alike is in [`Codec`].

mod about;
mod absent;
mod api;
pub mod audio;
pub mod program;
pub mod video;

pub use about::{Bitrates, Delay, Feature, Licence, Range, RtpFormat, Terms};
pub use api::{
    Change, ChangeKind, Codec, Coded, Configure, Decoder, Encoder, Feedback, Input, Observed, ObservedPictures,
    Parameters, Request, Settings, Unit,
};
pub use audio::AUDIO;
pub use video::VIDEO;

use crate::error::{Error, Result, unknown};
use crate::media::{Media, Pcm, Picture};

/// The audio codec of that name, in any case.
///
/// # Errors
/// [`Error::Usage`] that names the nearest known name, or the feature without which this build has no such codec.
pub fn audio(name: &str) -> Result<&'static Codec<Pcm>> {
    of(AUDIO, name)
}

/// The video codec of that name, in any case.
///
/// # Errors
/// As [`audio()`].
pub fn video(name: &str) -> Result<&'static Codec<Picture>> {
    of(VIDEO, name)
}

fn of<M: Media>(list: &[&'static Codec<M>], name: &str) -> Result<&'static Codec<M>> {
    let found = list.iter().find(|c| c.name.eq_ignore_ascii_case(name)).copied();
    let names: Vec<&str> = AUDIO.iter().map(|c| c.name).chain(VIDEO.iter().map(|c| c.name)).collect();
    let found = found.ok_or_else(|| match names.iter().find(|n| n.eq_ignore_ascii_case(name)) {
        Some(other) => Error::usage(format!("{other} is no {} codec", M::KIND)),
        None => unknown("codec", name, &names),
    })?;
    match found.feature {
        Some(Feature { name: feature, built: false }) => Err(Error::usage(format!(
            "{} is not in this build: build it with --features {feature} (licence {})",
            found.name, found.licence.code
        ))),
        _ => Ok(found),
    }
}
