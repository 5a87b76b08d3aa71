//! Two complete PeerConnections in virtual time.

pub mod sim;
