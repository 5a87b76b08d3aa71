//! Session descriptions: [`fmtp`] lines, [`session`]: finding and editing them in a whole SDP, and [`repair`]: what else two
//! peers may agree on against loss.

pub mod fmtp;
pub mod repair;
pub mod session;
