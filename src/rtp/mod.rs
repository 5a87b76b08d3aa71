//! RTP payload formats.

pub mod red;
