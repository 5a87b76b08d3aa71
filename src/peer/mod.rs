//! Two complete PeerConnections: in virtual time ([`sim`]), or on sockets in real time ([`live`]). What video has to send
//! goes through a [`pacer`] before.

pub mod clock;
mod endpoint;
pub mod live;
pub mod pacer;
mod repair;
mod rtcp;
pub mod sim;
mod stage;
mod streams;
mod track;
pub mod wire;

pub use repair::patience;
pub use rtcp::LossReport;
pub use track::{Arrival, DESCRIPTOR_URI, Kind, Outgoing, TrackSpec};

use crate::error::Result;
use crate::net::spec::NetSpec;
use crate::peer::wire::WireRecord;
use crate::sdp::fmtp::Fmtp;
use crate::units::{Bitrate, Seed, Time};
use live::Live;
use sim::Sim;
use std::time::Duration;

/// What carries a call's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Simulated, in virtual time: the same to the byte each time.
    #[default]
    Virtual,
    /// UDP sockets of this machine, in real time: close to the simulated call, and never twice the same.
    Live,
}

/// The two peers of a call, connected one way or the other. The methods are those of [`Sim`].
pub enum Peers {
    Virtual(Box<Sim>),
    Live(Box<Live>),
}

impl Peers {
    /// # Errors
    /// As [`Sim::connect`] and [`Live::connect`].
    pub fn connect(transport: Transport, tracks: &[TrackSpec], net: &NetSpec, seed: Seed) -> Result<Peers> {
        Ok(match transport {
            Transport::Virtual => Peers::Virtual(Box::new(Sim::connect(tracks, net, seed)?)),
            Transport::Live => Peers::Live(Box::new(Live::connect(tracks, net, seed)?)),
        })
    }

    /// The simulation, where it is one.
    pub fn simulated(&self) -> Option<&Sim> {
        match self {
            Peers::Virtual(peers) => Some(peers),
            Peers::Live(_) => None,
        }
    }

    /// # Panics
    /// As [`Sim::negotiated`].
    pub fn negotiated(&self, track: usize) -> &Fmtp {
        match self {
            Peers::Virtual(peers) => peers.negotiated(track),
            Peers::Live(peers) => peers.negotiated(track),
        }
    }

    /// # Errors
    /// As [`Sim::send`].
    pub fn send(&mut self, now: Time, track: usize, packet: Outgoing) -> Result<()> {
        match self {
            Peers::Virtual(peers) => peers.send(now, track, packet),
            Peers::Live(peers) => peers.send(now, track, packet),
        }
    }

    /// # Errors
    /// As [`Sim::request_key`].
    pub fn request_key(&mut self, now: Time, track: usize) -> Result<()> {
        match self {
            Peers::Virtual(peers) => peers.request_key(now, track),
            Peers::Live(peers) => peers.request_key(now, track),
        }
    }

    /// As [`Sim::key_requests`].
    pub fn key_requests(&mut self) -> Vec<(Time, usize)> {
        match self {
            Peers::Virtual(peers) => peers.key_requests(),
            Peers::Live(peers) => peers.key_requests(),
        }
    }

    /// As [`Sim::round_trip`].
    pub fn round_trip(&self, track: usize) -> Option<Duration> {
        match self {
            Peers::Virtual(peers) => peers.round_trip(track),
            Peers::Live(peers) => peers.round_trip(track),
        }
    }

    /// # Errors
    /// As [`Sim::advance`].
    pub fn advance(&mut self, until: Time) -> Result<()> {
        match self {
            Peers::Virtual(peers) => peers.advance(until),
            Peers::Live(peers) => peers.advance(until),
        }
    }

    /// # Errors
    /// As [`Sim::advance_to_arrival`].
    pub fn advance_to_arrival(&mut self, until: Time) -> Result<Time> {
        match self {
            Peers::Virtual(peers) => peers.advance_to_arrival(until),
            Peers::Live(peers) => peers.advance_to_arrival(until),
        }
    }

    pub fn arrivals(&mut self) -> Vec<Arrival> {
        match self {
            Peers::Virtual(peers) => peers.arrivals(),
            Peers::Live(peers) => peers.arrivals(),
        }
    }

    pub fn reports(&mut self) -> Vec<LossReport> {
        match self {
            Peers::Virtual(peers) => peers.reports(),
            Peers::Live(peers) => peers.reports(),
        }
    }

    /// As [`Sim::target`].
    pub fn target(&mut self) -> Option<Bitrate> {
        match self {
            Peers::Virtual(peers) => peers.target(),
            Peers::Live(peers) => peers.target(),
        }
    }

    pub fn wire(&self) -> Vec<WireRecord> {
        match self {
            Peers::Virtual(peers) => peers.wire(),
            Peers::Live(peers) => peers.wire(),
        }
    }
}
