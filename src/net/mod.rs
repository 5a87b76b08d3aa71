//! What the network does to a packet. [`spec`] says it in words, with networks by name ([`spec::presets`]), [`netem`] does it,
//! [`trace`] replays recordings. [`crate::peer::wire`] puts it into a call.

pub mod netem;
pub mod pcapng;
pub mod spec;
pub mod survey;
pub mod trace;

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
    pub purpose: Purpose,
}

/// What a packet on the wire is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Media for the first time.
    Media,
    /// Media again, because it was asked for.
    Retransmission,
    /// Of a repair stream, with sequence numbers of its own.
    Fec,
    /// RTCP.
    Control,
}

/// One arrival of a packet at the far end. No delivery: it was dropped; two: it was duplicated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Which one: how many were admitted before it.
    pub packet: u64,
    pub at: Time,
    /// A bit of it is wrong: it took its place on the link, and SRTP's authentication refuses it on arrival.
    pub corrupt: bool,
}

/// Decides a packet's fate on arrival, or, where it waits for a slot to leave in, that it will; reads no clock, owns its chance.
pub trait Impairment: Send {
    /// `now` is virtual time since the first capture and never runs backwards. Deliveries lie at or after `now`, in no
    /// particular order; those of packets that waited may lie before it if [`Impairment::advance`] was not called in time.
    ///
    /// Returns how many whole arrivals of the packet are still to be told: by `advance`, or when a later packet comes.
    fn admit(&mut self, now: Time, packet: &PacketInfo, out: &mut Vec<Delivery>) -> usize;

    /// When to call [`Impairment::advance`], unless a packet comes before; `None`: no packet waits.
    fn wakes(&self) -> Option<Time> {
        None
    }

    /// What was still to be told, as far as it left up to `now`.
    fn advance(&mut self, _now: Time, _out: &mut Vec<Delivery>) {}
}

/// The vectors of netem, or `None`, aloud, where there are none.
#[cfg(test)]
fn vectors() -> Option<serde_json::Value> {
    let Ok(folder) = std::env::var("CODECBENCH_VECTORS") else {
        eprintln!("CODECBENCH_VECTORS is not set: the vectors of netem were skipped");
        return None;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("netem.json")).expect("vectors");
    Some(serde_json::from_str(&text).expect("JSON"))
}
