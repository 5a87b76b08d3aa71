//! What stands in for the running parts of a codec whose feature this build does not have. [`super`] refuses such a
//! codec by name, so that none of these is reached but through a static value.
#![cfg_attr(
    all(feature = "aac-fdk", feature = "codec2", feature = "g729", feature = "lame", feature = "speex"),
    expect(dead_code, reason = "this build has them all")
)]

use crate::codec::api::{Decoder, Encoder, Settings};
use crate::error::{Error, Result};
use crate::media::Pcm;

pub(super) fn version() -> String {
    "not in this build".into()
}

pub(super) fn encoder(_: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
    Err(Error::usage("the codec is not in this build"))
}

pub(super) fn decoder(_: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
    Err(Error::usage("the codec is not in this build"))
}
