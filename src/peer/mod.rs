//! Two complete PeerConnections in virtual time.

mod endpoint;
mod rtcp;
pub mod sim;
