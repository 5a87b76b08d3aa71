//! codecbench measures what a codec setting costs and sounds or looks like after a real WebRTC call: bits, delay and quality,
//! with error bars.
//!
#![doc = include_str!("../docs/library.md")]
//!
//! # The tour
//!
//! In reading order. Imports point one way, from the bottom of this list to its top.
//!
//! - [`units`]: time, bitrate, probability, and the seed from which all chance comes; [`error`]: the one error type.
//! - [`media`]: PCM, pictures and clips, WAV, FLAC and Y4M files, synthesised material; [`corpus`]: manifests to clips.
//! - [`model`]: trained models that metrics read.
//! - [`sdp`]: fmtp lines and session descriptions. [`rtp`]: payload formats: coded pictures to packets and back, redundancy.
//! - [`codec`]: every codec is one static value. [`net`]: what the network does to a packet. [`metric`]: what a score is.
//! - [`playout`]: the receiver of audio, and of video. [`peer`]: two PeerConnections, in virtual time or on sockets.
//! - [`plan`]: what to measure: cases. [`call`]: **one case, end to end**; [`latency`]: algorithmic delay of a codec.
//!   [`cost`]: CPU time of a setting. [`replay`]: a recorded call's packets into our receiver.
//! - [`store`]: finished cases. [`stats`]: intervals and verdicts. [`report`]: charts, tables.
//! - [`experiment`]: **a whole plan**, into a store and a report.
//! - [`cli`]: one file per verb.

mod bits;
pub mod call;
pub mod cli;
pub mod codec;
pub mod corpus;
pub mod cost;
pub mod error;
pub mod experiment;
mod files;
pub mod latency;
pub mod media;
pub mod metric;
pub mod model;
pub mod net;
pub mod peer;
pub mod plan;
pub mod playout;
pub mod replay;
pub mod report;
pub mod rtp;
pub mod sdp;
pub mod stats;
pub mod store;
pub mod units;

pub use error::{Error, Result};
