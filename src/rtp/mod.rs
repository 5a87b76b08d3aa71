//! RTP payload formats.

pub mod api;
pub mod av1;
pub mod descriptor;
mod gather;
pub mod h264;
mod number;
pub mod red;
pub mod turns;
pub mod vp8;
pub mod vp9;

#[cfg(test)]
mod tests;
