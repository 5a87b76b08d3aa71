//! Payload formats of video: a coded picture to payloads, and packets to whole coded pictures, never to pictures with holes.
//!
//! What a picture refers to travels with it: in the payload descriptor of VP8 and VP9, in the Dependency Descriptor
//! ([`super::descriptor`]) for H.264 and AV1.

use crate::error::Result;
use crate::sdp::fmtp::Fmtp;
use crate::units::Time;

/// How a video codec travels in RTP. The clock is 90 kHz.
#[derive(Debug)]
pub struct PayloadFormat {
    /// SDP encoding name.
    pub name: &'static str,
    /// Packets carry the Dependency Descriptor; without it a receiver can only take every picture to need the one before.
    pub described: bool,
    /// By the negotiated parameters: `packetization-mode` of H.264.
    pub packetizer: fn(&Fmtp) -> Box<dyn Packetizer>,
    pub depacketizer: fn() -> Box<dyn Depacketizer>,
}

/// What the packets of one coded picture must say of it.
#[derive(Clone, Copy, Debug)]
pub struct Described<'a> {
    /// As [`crate::codec::Coded::id`]: rising, with holes where the encoder dropped pictures.
    pub id: u64,
    pub key: bool,
    /// Temporal layer, from 0.
    pub layer: u8,
    /// Ids of the pictures that it refers to.
    pub depends_on: &'a [u64],
    /// No later picture of this layer or above refers to one before this.
    pub switch: bool,
    /// Temporal layers of the stream, 1 to 3.
    pub layers: u8,
    /// Width and height in luma samples.
    pub size: (u32, u32),
    /// H.264: an access unit in Annex B form; AV1: a temporal unit whose OBUs have size fields.
    pub data: &'a [u8],
}

/// The payload of one packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payload {
    pub data: Vec<u8>,
    /// The last packet of the picture.
    pub marker: bool,
    /// The Dependency Descriptor. Up to 16 bytes (what a one-byte header extension holds, RFC 8285, section 4.2) for the
    /// usual patterns of references.
    pub descriptor: Option<Vec<u8>>,
}

/// Puts coded pictures into packets. Every picture that is coded must pass, in order: pictures are numbered in it without holes,
/// from 0, so that a receiver can tell a lost one from one that the encoder dropped.
pub trait Packetizer: Send {
    /// Payloads whose `data` is at most `max_payload` bytes each; header extensions come on top.
    ///
    /// # Errors
    /// [`crate::Error::Codec`]: data that is not of the codec, or that the payload format cannot carry (a NAL unit beyond
    /// `max_payload` in packetization mode 0, a reference to a picture that never passed or lies too far back).
    fn packetize(&mut self, picture: &Described<'_>, max_payload: usize) -> Result<Vec<Payload>>;
}

/// A packet as it comes up, in any order; duplicates possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VideoPacket {
    pub at: Time,
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
    pub descriptor: Option<Vec<u8>>,
    /// It came by retransmission, with the sequence number, timestamp and descriptor of the original.
    pub retransmitted: bool,
}

/// A whole coded picture, put together from all of its packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Number of the picture among those coded, unwrapped. Behind our own [`Packetizer`] these are 0, 1, 2 ... in order of
    /// coding, without holes for pictures that the encoder dropped; the source picture is to be found by `timestamp`.
    /// Without a descriptor it is the unwrapped sequence number of the last packet.
    pub id: u64,
    /// Unwrapped, in 90 kHz; the first one as received.
    pub timestamp: i64,
    pub key: bool,
    pub layer: u8,
    /// In the numbers of `id`; at least what the picture really refers to.
    pub depends_on: Vec<u64>,
    pub data: Vec<u8>,
    /// Payload bytes of its packets.
    pub bytes: usize,
    /// Arrival of its first and of its last packet to come.
    pub first_at: Time,
    pub at: Time,
    /// Any of its packets came by retransmission.
    pub retransmitted: bool,
}

/// Puts pictures together again. Reads any bytes without panic; what is not of the format is dropped.
pub trait Depacketizer: Send {
    /// Takes a packet; appends the pictures that it completes, in order of completion. True: the packet is of a key
    /// picture, as far as has been seen.
    fn insert(&mut self, packet: VideoPacket, out: &mut Vec<Frame>) -> bool;
}
