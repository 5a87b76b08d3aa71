//! RTP payload formats.

pub mod av1;
pub mod descriptor;
pub mod h264;
pub mod red;
pub mod video;
pub mod vp8;
pub mod vp9;
