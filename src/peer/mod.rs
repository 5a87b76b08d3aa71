//! Two complete PeerConnections: in virtual time ([`sim`]), or on sockets in real time ([`live`]). What video has to send
//! goes through a [`pacer`] before.

mod api;
pub mod clock;
mod endpoint;
pub mod live;
pub mod pacer;
mod repair;
mod rtcp;
pub mod sim;
mod stage;
mod streams;
mod taps;
mod track;
pub mod wire;

pub use api::{Peers, Transport};
pub use repair::patience;
pub use rtcp::LossReport;
pub use taps::Taps;
pub use track::{Arrival, DESCRIPTOR_URI, Kind, Outgoing, TrackSpec};

use crate::error::Result;
use crate::net::spec::NetSpec;
use crate::units::Seed;

/// Two peers that have agreed on the tracks and are connected.
///
/// # Errors
/// As [`sim::Sim::connect`] and [`live::Live::connect`].
pub fn connect(transport: Transport, tracks: &[TrackSpec], net: &NetSpec, seed: Seed) -> Result<Box<dyn Peers>> {
    Ok(match transport {
        Transport::Virtual => Box::new(sim::Sim::connect(tracks, net, seed)?),
        Transport::Live => Box::new(live::Live::connect(tracks, net, seed)?),
    })
}
