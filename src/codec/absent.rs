//! What stands in for the running parts of a codec whose feature this build does not have. [`super::audio()`] and
//! [`super::video()`] refuse such a codec by name, so that none of these is reached but through a static value.
#![cfg_attr(
    all(
        feature = "aac-fdk",
        feature = "codec2",
        feature = "g729",
        feature = "lame",
        feature = "speex",
        feature = "video"
    ),
    expect(dead_code, reason = "this build has them all")
)]

use super::api::{Decoder, Encoder, Settings};
#[cfg(not(feature = "video"))]
use super::api::{Observed, Request, Unit};
use crate::error::{Error, Result};
use crate::media::Media;

pub(super) fn version() -> String {
    "not in this build".into()
}

#[cfg(not(feature = "video"))]
pub(super) fn settle<M: Media>(_: &Request, _: &M::Format) -> Result<Settings<M>> {
    Err(refused())
}

pub(super) fn encoder<M: Media>(_: &Settings<M>) -> Result<Box<dyn Encoder<M>>> {
    Err(refused())
}

pub(super) fn decoder<M: Media>(_: &Settings<M>) -> Result<Box<dyn Decoder<M>>> {
    Err(refused())
}

#[cfg(not(feature = "video"))]
pub(super) fn observe<M: Media>(_: &Settings<M>, _: &[Unit]) -> Observed {
    Observed::default()
}

fn refused() -> Error {
    Error::usage("the codec is not in this build")
}
