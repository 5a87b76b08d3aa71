//! Video codecs.

pub mod av1;
#[cfg(feature = "video")]
mod caps;
pub mod h264;
#[cfg(feature = "video")]
mod layers;
#[cfg(feature = "video")]
mod observe;
#[cfg(feature = "video")]
pub(super) mod settle;
pub mod vpx;
