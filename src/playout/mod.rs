//! The receiver between network and loudspeaker: packets in as they arrive, 10 ms of sound out at every tick of the
//! virtual sound card.
//!
//! [`audio`] holds what both receivers share; `fixed` is the simple reference, `decide` behaves like libwebrtc's NetEq,
//! with its target from `delay`, its time scaling from `stretch` and its seams from `seam`. [`video`] is the receiver between
//! network and screen, with both kinds of timing.

pub mod audio;
mod decide;
pub mod delay;
mod fixed;
mod receiver;
mod seam;
pub mod stretch;
pub mod video;
