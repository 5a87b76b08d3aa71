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
    /// A copy that came with a later packet (RED, RFC 2198) or was rebuilt: the packet itself takes its place if it comes in
    /// time. A retransmission is no copy in this sense.
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
    /// What was counted up to its end.
    pub counters: Counters,
}

/// What the receiver has counted since its first packet, as `RTCInboundRtpStreamStats` of W3C webrtc-stats defines it (its
/// names); sums of seconds over samples are sums of ms over samples here. Differences of two ticks give any stretch of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Made up because media was lost or late. Comfort noise does not count.
    pub concealed_samples: u64,
    /// Those of them that were silent.
    pub silent_concealed_samples: u64,
    /// Times that making up began.
    pub concealment_events: u64,
    pub inserted_samples_for_deceleration: u64,
    pub removed_samples_for_acceleration: u64,
    /// Samples of the frames taken out of the packet buffer.
    pub jitter_buffer_emitted_count: u64,
    /// Of those, each with the time that its packet had waited, in whole pulls.
    pub jitter_buffer_delay: u64,
    /// The same with the target delay of that moment.
    pub jitter_buffer_target_delay: u64,
    /// The same with what the arrivals alone ask for, without bounds.
    pub jitter_buffer_minimum_delay: u64,
    /// Packets, and copies within packets, that carry in-band FEC.
    pub fec_packets_received: u64,
    /// Packets that came too late or twice.
    pub packets_discarded: u64,
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
