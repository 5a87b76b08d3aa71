//! Two complete PeerConnections: in virtual time ([`sim`]), or on sockets in real time ([`live`]).

mod aid;
mod endpoint;
mod fec;
pub mod live;
mod nack;
mod rtcp;
pub mod sim;

pub use aid::patience;

use crate::error::Result;
use crate::net::spec::NetSpec;
use crate::sdp::fmtp::Fmtp;
use crate::units::{Bitrate, Seed, Time};
use live::Live;
use sim::{Arrival, LossReport, Outgoing, Sim, TrackSpec, WireRecord};

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
    pub fn connect(transport: Transport, track: &TrackSpec, net: &NetSpec, seed: Seed) -> Result<Peers> {
        Ok(match transport {
            Transport::Virtual => Peers::Virtual(Box::new(Sim::connect(track, net, seed)?)),
            Transport::Live => Peers::Live(Box::new(Live::connect(track, net, seed)?)),
        })
    }

    /// The simulation, where it is one.
    pub fn simulated(&self) -> Option<&Sim> {
        match self {
            Peers::Virtual(peers) => Some(peers),
            Peers::Live(_) => None,
        }
    }

    pub fn negotiated(&self) -> &Fmtp {
        match self {
            Peers::Virtual(peers) => peers.negotiated(),
            Peers::Live(peers) => peers.negotiated(),
        }
    }

    /// # Errors
    /// As [`Sim::send`].
    pub fn send(&mut self, now: Time, packet: Outgoing) -> Result<()> {
        match self {
            Peers::Virtual(peers) => peers.send(now, packet),
            Peers::Live(peers) => peers.send(now, packet),
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
