//! Video codecs: a folder each, and their list. Beside them is what several of them share.

pub mod av1;
mod caps;
mod fmtp;
pub mod h264;
mod layers;
mod observe;
mod settle;
pub mod vpx;

use super::api::Codec;
use crate::media::Picture;

/// All video codecs of this build.
pub static VIDEO: &[&Codec<Picture>] = &[&vpx::vp8::VP8, &vpx::vp9::VP9, &h264::H264, &av1::AV1];
