//! What goes into a receiver of audio, and what comes out.

use crate::media::Pcm;
use crate::units::Time;
use std::collections::BTreeSet;
use std::time::Duration;

/// What one pull gives.
pub const TICK: Duration = Duration::from_millis(10);

/// A packet at the receiver, its place in the stream already unwrapped.
#[derive(Clone, Debug)]
pub struct Packet {
    pub at: Time,
    pub sequence: i64,
    /// Sample position of its first sample, in the decoder's rate.
    pub position: i64,
    pub payload: Vec<u8>,
    /// A copy that came with a later packet (RED, RFC 2198) or was rebuilt: its arrival says nothing of the path's delay, and
    /// the packet itself takes its place if it comes in time. A retransmission is no copy in this sense.
    pub redundant: bool,
}

/// Where a stretch of played sound came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Decoded,
    /// From what a later packet carries of an earlier one: in-band FEC, DRED, RED.
    Recovered,
    /// Made up: the packet was lost or late.
    Concealed,
    /// The sender was silent (DTX).
    Silent,
    /// Made up while waiting for a packet that was played afterwards: the playout delay has grown by it.
    Inserted,
    /// Put in by time scaling: so much more was played than there was.
    Stretched,
    /// Taken out by time scaling: so much was not played. The one origin that counts no sound.
    Compressed,
}

/// A stretch of played sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Media position; of what was inserted, put in or taken out the position that follows.
    pub position: i64,
    pub samples: usize,
    pub origin: Origin,
}

/// One pull of the sound card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub at: Time,
    /// Media position of its first sample. With time scaling a tick covers more or less media than 10 ms.
    pub position: i64,
    /// The playout delay that the receiver wants in its buffer.
    pub target: Duration,
    /// The media that waits to be played, decoded or not; `None` while the sender is silent.
    pub held: Option<Duration>,
}

/// What a receiver played.
pub struct Played {
    pub heard: Pcm,
    pub ticks: Vec<Tick>,
    pub stretches: Vec<Stretch>,
    /// Sequence numbers of packets that arrived after their time and were not there before in another copy.
    pub late: Vec<i64>,
    /// Sequence numbers of packets that were decoded, be it from a copy.
    pub played: BTreeSet<i64>,
}
