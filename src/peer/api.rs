//! What a call asks of its peers, whatever carries its packets.

use super::taps::Taps;
use super::track::{Arrival, Outgoing};
use crate::error::Result;
use crate::units::Time;

/// What carries a call's packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transport {
    /// Simulated, in virtual time: the same to the byte each time.
    #[default]
    Virtual,
    /// UDP sockets of this machine, in real time: close to the simulated call, and never twice the same.
    Live,
}

/// The two peers of a connected call: packets go in at the sender and come out at the receiver, and coding and playing is
/// the caller's. Time is [`Time::ZERO`] when the first media may be sent; the handshakes lie before it.
///
/// A peer that codes, sends and plays by itself, as a browser does, is none of these: what is known of its call is a
/// record of packets, statistics and the signal heard (`call::Record`).
pub trait Peers {
    /// What shows of the call: what was agreed on, reports, what is on the wire.
    fn taps(&self) -> &Taps;

    /// Hands one packet to a track of the sender, after going on to `now`.
    ///
    /// # Errors
    /// There is no such track, or it takes no such packet; else as [`Peers::advance`].
    fn send(&mut self, now: Time, track: usize, packet: Outgoing) -> Result<()>;

    /// Lets the receiver ask for a key picture of a video track at `now`: a picture loss indication (RFC 4585, section
    /// 6.3.1), which the network may delay or drop.
    ///
    /// # Errors
    /// As [`Peers::send`]; on sockets also when nothing has come of that track.
    fn request_key(&mut self, now: Time, track: usize) -> Result<()>;

    /// Goes on up to and including `until`.
    ///
    /// # Errors
    /// `until` lies before the time the call has reached, or the connection broke.
    fn advance(&mut self, until: Time) -> Result<()>;

    /// As [`Peers::advance`], but stops at the instant at which packets reach the receiver's application; on sockets within a
    /// few milliseconds of it. Returns the time reached.
    ///
    /// # Errors
    /// As [`Peers::advance`].
    fn advance_to_arrival(&mut self, until: Time) -> Result<Time>;

    /// Packets of all tracks that reached the receiver's application since the last call, in order of arrival; on sockets
    /// some may be later than the time reached. SRTP's replay protection removes duplicates, but not of what was rebuilt or
    /// came as RTX.
    fn arrivals(&mut self) -> Vec<Arrival>;

    /// From now on whole packets are kept, for [`Peers::capture`].
    fn keep_packets(&self) {}

    /// The RTP and RTCP of both peers since [`Peers::keep_packets`] as a pcapng file, given once; `None` where none is kept,
    /// as on sockets.
    fn capture(&self) -> Option<Vec<u8>> {
        None
    }
}
