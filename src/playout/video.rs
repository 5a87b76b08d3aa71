//! Video playout: whole coded pictures in as they are completed, pictures on the screen at their render times.
//!
//! A picture is decoded only when all that it refers to have been; what cannot be decoded any more waits for a key picture.

mod freeze;

pub use super::receiver::Receiver;
pub use freeze::{Freezes, freezes};

use crate::codec::Decoder;
use crate::media::{Picture, PictureFormat};
use crate::rtp::video::Frame;
use crate::units::Time;
use std::time::Duration;

/// A picture that was put on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// [`Frame::id`].
    pub id: u64,
    /// [`Frame::timestamp`].
    pub timestamp: i64,
    pub at: Time,
    /// When the last packet of the coded picture came.
    pub complete_at: Time,
    pub key: bool,
    /// `None`: it left the screen before the first kept picture came ([`Screen::keep_from`]).
    pub picture: Option<Picture>,
}

/// What a call has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// In order of time.
    pub renders: Vec<Render>,
    pub decoded: usize,
    /// Decoded, but a newer one was due by then.
    pub overtaken: usize,
    /// Whole coded pictures that were never decoded: what they refer to was missing, or they came after a later one.
    pub undecodable: usize,
    pub decode_errors: usize,
    /// When a key picture was asked for.
    pub key_requests: Vec<Time>,
    /// The playout delay that the receiver wanted at each decoded picture.
    pub delays: Vec<(Time, Duration)>,
}

/// A running video receiver.
pub struct Screen {
    receiver: Receiver,
}

impl Screen {
    /// A fixed receiver looks for the fastest picture during the first half of `warm_up` (the first picture only,
    /// without a warm-up).
    pub fn new(
        receiver: Receiver,
        _format: PictureFormat,
        _decoder: Box<dyn Decoder<Picture>>,
        _warm_up: Duration,
    ) -> Screen {
        Screen { receiver }
    }

    /// Pictures that left the screen before the first one of this or a later timestamp are not kept.
    pub fn keep_from(&mut self, _timestamp: i64) {}

    /// The round-trip time, for the allowance for retransmissions; 0 until it is told.
    pub fn set_round_trip(&mut self, _round_trip: Duration) {}

    /// A packet of the stream came; `key`: of a key picture ([`crate::rtp::video::Assembler::insert`]). While none
    /// comes no key picture is asked for, nor while one is coming.
    pub fn heard(&mut self, _now: Time, _key: bool) {}

    /// Takes a coded picture, in order of completion.
    pub fn insert(&mut self, _frame: Frame, _now: Time) {}

    /// Loss is past repair (the list of missing packets overflowed): only a key picture helps.
    pub fn need_key(&mut self, _now: Time) {}

    /// When [`Screen::advance`] has something to do next. May be in the past: at once.
    pub fn next_event(&self) -> Option<Time> {
        None
    }

    /// Decodes and renders all that is due up to `now`.
    pub fn advance(&mut self, _now: Time) {}

    /// Whether a key picture is to be asked for now (PLI, RFC 4585, section 6.3.1). Once per request; a request comes up
    /// in [`Screen::advance`].
    pub fn take_key_request(&mut self) -> bool {
        let _ = self.receiver;
        false
    }

    /// The end: what is decoded and not yet due is rendered at its time.
    pub fn finish(self) -> Shown {
        Shown::default()
    }
}
