//! What the network does to a packet. [`spec`] says it in words, [`netem`] does it (with [`loss`] and [`delay`]),
//! [`interceptor`] puts it into a call.

pub mod delay;
pub mod interceptor;
pub mod loss;
pub mod netem;
pub mod pcapng;
pub mod presets;
pub mod spec;
pub mod survey;
pub mod trace;
mod words;

use crate::units::Time;

/// The way a packet goes. Each has chance of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Media sender to receiver.
    Forward,
    /// Receiver to media sender: RTCP.
    Back,
}

/// What an impairment may know of a packet. Never an SSRC: `rtc` draws those at random.
#[derive(Clone, Copy, Debug)]
pub struct PacketInfo {
    /// Bytes on the wire: IPv4, UDP, and the protected RTP or RTCP packet.
    pub wire_bytes: usize,
    pub rtcp: bool,
}

/// One arrival of a packet at the far end. No delivery: it was dropped; two: it was duplicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    pub at: Time,
}

/// Decides a packet's fate on arrival; reads no clock, owns its chance.
pub trait Impairment: Send {
    /// `now` is virtual time since the first capture and never runs backwards. Deliveries lie at or after `now`.
    fn admit(&mut self, now: Time, packet: &PacketInfo, out: &mut Vec<Delivery>);
}
