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

use super::api::{Request, Settings};
use crate::error::{Error, Result};
use crate::media::Media;

pub(super) fn version() -> String {
    "not in this build".into()
}

pub(super) fn configure<M: Media>(_: &Request, _: &M::Format) -> Result<Settings<M>> {
    Err(Error::usage("the codec is not in this build"))
}
