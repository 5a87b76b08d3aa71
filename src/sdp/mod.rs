//! Session descriptions: [`fmtp`] lines, [`session`]: finding and editing them in a whole SDP, [`section`]: what its
//! media sections say and agree on, and [`repair`]: what else two
//! peers may agree on against loss.

pub mod fmtp;
mod payload;
pub mod repair;
pub mod section;
pub mod session;
