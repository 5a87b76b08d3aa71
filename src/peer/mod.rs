//! Two complete PeerConnections in virtual time.

mod aid;
mod endpoint;
mod fec;
mod nack;
mod rtcp;
pub mod sim;

pub use aid::patience;
