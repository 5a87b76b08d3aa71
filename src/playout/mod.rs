//! The receiver between network and loudspeaker: packets in as they arrive, 10 ms of sound out at every tick of the
//! virtual sound card.
//!
//! [`audio`] holds what both receivers share; `fixed` is the simple reference, `neteq` behaves like libwebrtc's NetEq,
//! with its target from `delay_manager`, its time scaling from `time_stretch` and its seams from `merge`. [`video`] is the receiver between
//! network and screen, with both kinds of timing.

pub mod audio;
mod receiver;
pub mod video;
