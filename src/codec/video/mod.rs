//! Video codecs: a folder each, and their list. Beside them is what several of them share.

pub mod av1;
#[cfg(feature = "video")]
mod caps;
#[cfg(feature = "video")]
mod configure;
#[cfg(feature = "video")]
mod fmtp;
pub mod h264;
#[cfg(feature = "video")]
mod layers;
#[cfg(feature = "video")]
mod observe;
mod range;
pub mod vpx;

use super::api::Codec;
use crate::media::Picture;

/// All video codecs of this build.
pub static VIDEO: &[&Codec<Picture>] = &[&vpx::VP8, &vpx::VP9, &h264::H264, &av1::AV1];
