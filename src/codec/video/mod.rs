//! Video codecs.

pub mod av1;
mod caps;
pub mod h264;
mod layers;
mod observe;
pub(super) mod settle;
pub mod vpx;
