//! Session descriptions: [`fmtp`] lines, and [`session`]: finding and editing them in a whole SDP.

pub mod fmtp;
pub mod session;
