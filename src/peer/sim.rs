//! Two `rtc` PeerConnections and the network between them, in virtual time, in one thread.

use crate::error::{Error, Result};
use crate::net::spec::NetSpec;
use crate::sdp::fmtp::Fmtp;
use crate::units::{Seed, Time};

/// What is negotiated for the one audio track.
#[derive(Clone, Debug)]
pub struct TrackSpec {
    pub name: &'static str,
    pub payload_type: u8,
    pub clock_rate: u32,
    pub channels: u16,
    /// The line that stands in the receiver's description.
    pub fmtp: Fmtp,
}

/// An RTP packet at the sender's application.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
}

/// An RTP packet at the receiver's application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub at: Time,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Vec<u8>,
}

/// A receiver report that reached the sender (RFC 3550, section 6.4.1).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LossReport {
    pub at: Time,
    /// 0 to 1, since the previous report.
    pub fraction_lost: f64,
}

/// One packet that the media sender put on the wire after media start, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WireRecord {
    pub sent: Time,
    /// IPv4, UDP, SRTP or SRTCP.
    pub bytes: usize,
    /// The RTP sequence number; `None` for RTCP.
    pub sequence: Option<u16>,
    pub dropped: bool,
}

/// A connected call. Virtual time is [`Time::ZERO`] when the first media may be sent; ICE and DTLS lie before it.
pub struct Sim {}

impl Sim {
    pub fn connect(_track: &TrackSpec, _net: &NetSpec, _seed: Seed) -> Result<Sim> {
        Err(Error::Call("not connected".into()))
    }

    /// The fmtp line that the sender read in the answer.
    pub fn negotiated(&self) -> &Fmtp {
        unreachable!()
    }

    /// Hands one packet to the sender's track. `now` must not lie before the last `advance`.
    pub fn send(&mut self, _now: Time, _packet: Outgoing) -> Result<()> {
        Ok(())
    }

    /// Runs both peers and the network up to and including `until`.
    pub fn advance(&mut self, _until: Time) -> Result<()> {
        Ok(())
    }

    /// Packets that reached the receiver's application since the last call, in order of arrival; duplicates removed.
    pub fn arrivals(&mut self) -> Vec<Arrival> {
        Vec::new()
    }

    /// Receiver reports that reached the sender since the last call.
    pub fn reports(&mut self) -> Vec<LossReport> {
        Vec::new()
    }

    /// Everything the media sender put on the wire since media start, in order.
    pub fn wire(&self) -> Vec<WireRecord> {
        Vec::new()
    }
}
