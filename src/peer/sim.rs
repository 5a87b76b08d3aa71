//! Two `rtc` PeerConnections and the network between them, in virtual time, in one thread.
//!
//! The media sender offers send-only tracks, audio and video in any mix over one transport; the receiver's answer carries
//! the fmtp lines under test, and the sender reads them from there. ICE, DTLS and SRTP are real. As in browsers, there are
//! RTCP reports (every 5 s for audio, every second for video) and transport-wide feedback, and no NACK, RED or FEC unless
//! a track asks for it; nothing smooths departures or arrivals.
//!
//! The event loop jumps from one event to the next: a timer of either peer, or a packet that the network lets go.
//! Datagrams themselves take no time, all delay is netem's. Nothing in the result depends on the clock, nor on what
//! `rtc` draws at random (SSRCs, ICE credentials, keys).

pub use super::rtcp::LossReport;
pub use super::track::{Arrival, Kind, Outgoing, TrackSpec};
pub use crate::peer::wire::WireRecord;

use super::api::Peers;
use super::endpoint::Endpoint;
use super::rtcp::{Reports, VirtualReports, picture_loss};
use super::taps::{Taps, Track};
use super::track::{
    Negotiated, arrival, call_error, check, preferences, rtp_packet, send_only, ssrcs, track_of, with_fmtp,
};
use crate::error::{Error, Result};
use crate::net::netem::Netem;
use crate::net::spec::NetSpec;
use crate::net::{Direction, pcapng};
use crate::peer::wire::{IP_UDP_BYTES, NetemStage, WireLog, WirePacket};
use crate::units::{Seed, Time};
use rtc::peer_connection::message::RTCMessage;
use rtc::rtp_transceiver::RTCRtpSenderId;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

/// Media start, counted from the call's beginning. ICE and DTLS without loss or delay take far less.
const SET_UP: Duration = Duration::from_secs(1);

/// How far time moves on when a peer's timer stays due although it was handled. `rtc`'s pacer, for one, rounds its
/// deadline down to the present.
const NUDGE: Duration = Duration::from_micros(1);

/// How often due timers are handled at one instant before that.
const ROUNDS: usize = 4;

/// A connected call. Virtual time is [`Time::ZERO`] when the first media may be sent; ICE and DTLS lie before it.
pub struct Sim {
    sender: Endpoint,
    receiver: Endpoint,
    start: Instant,
    now: Instant,
    taps: Taps,
    /// How `rtc` knows the tracks at the sender.
    ids: Vec<RTCRtpSenderId>,
    /// The number of the descriptor's header extension, for each track.
    descriptors: Vec<Option<u8>>,
    arrivals: Vec<Arrival>,
    wire_back: WireLog,
    datagram_bytes: usize,
}

impl Sim {
    /// Negotiates and connects. The tracks are named by their places in `tracks`.
    ///
    /// # Errors
    /// [`Error::Call`]: there is no track, or one payload type for two codecs; the peers do not agree on a codec, or are
    /// not connected by media start.
    pub fn connect(tracks: &[TrackSpec], net: &NetSpec, seed: Seed) -> Result<Sim> {
        check(tracks)?;
        let begin = some_instant();
        let start = begin + SET_UP;
        let (taps, wire_back) = (Taps::default(), WireLog::default());
        let peer = |host, link, direction, wire: &WireLog, reports: &Reports| {
            let impairment = Box::new(Netem::new(link, net.chance, seed, direction));
            let netem = NetemStage::new(impairment, start, Endpoint::protection(), wire.clone());
            let netem = netem.with_tracks(track_of);
            let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, host), 5004));
            Endpoint::new(begin, address, tracks, &taps.notes, VirtualReports::new(start, reports.clone()), netem)
        };
        let mut sender = peer(1, net.forward.clone(), Direction::Forward, &taps.wire, &taps.reports)?;
        let mut receiver = peer(2, net.back.clone(), Direction::Back, &wire_back, &Reports::default())?;
        let ids = (0..tracks.len()).map(|index| add_track(&mut sender, index, tracks));
        let ids = ids.collect::<Result<Vec<_>>>()?;
        let negotiated = negotiate(begin, &mut sender, &mut receiver, tracks)?;
        let descriptors = negotiated.iter().map(|n| n.descriptor).collect();
        let mut sim = Sim {
            sender,
            receiver,
            start,
            now: begin,
            taps: taps.with_tracks(tracks, negotiated),
            ids,
            descriptors,
            arrivals: Vec::new(),
            wire_back,
            datagram_bytes: 0,
        };
        sim.settle()?;
        sim.run(start)?;
        if !sim.is_connected() {
            return Err(Error::Call("the peers are not connected at media start".into()));
        }
        Ok(sim)
    }

    /// Everything the receiver put on the wire since media start, in order: its reports and transport-wide feedback.
    pub fn wire_back(&self) -> Vec<WireRecord> {
        self.wire_back.records()
    }

    /// What the sender's RTP and RTCP datagrams that netem let through had in bytes, IPv4 and UDP included: what the
    /// sizes in [`Taps::wire`] foretell.
    pub fn datagram_bytes(&self) -> usize {
        self.datagram_bytes
    }

    /// What [`Peers::capture`] gives: interface "sender" has what the sender sent and what came to it, interface "receiver"
    /// the same of the receiver. What the network dropped is on the side of who sent it alone; what it still holds stands
    /// with the time at which it would come. Each sees the other under an address of its own, as behind a NAT, so that
    /// Wireshark keeps what was sent and what arrived apart.
    fn pcapng(&self) -> Vec<u8> {
        let v4 = |peer: &Endpoint| match peer.address() {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(address) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, address.port()),
        };
        let ends = [v4(&self.sender), v4(&self.receiver)];
        // In the network for documentation (RFC 5737) that the peers' own addresses are not in.
        let afar = |end: usize| SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1 + end as u8), ends[end].port());
        let ways = [self.taps.wire.take_packets(), self.wire_back.take_packets()];
        let mut frames = Vec::new();
        for (from, packets) in ways.iter().enumerate() {
            let frame = |interface: usize, at, payload| pcapng::Frame {
                interface: interface as u32,
                at,
                source: if interface == from { ends[from] } else { afar(from) },
                destination: if interface == from { afar(1 - from) } else { ends[1 - from] },
                payload,
            };
            for WirePacket { sent, arrivals, bytes } in packets {
                frames.push(frame(from, *sent, bytes));
                frames.extend(arrivals.iter().map(|at| frame(1 - from, *at, bytes)));
            }
        }
        frames.sort_by_key(|f| f.at);
        pcapng::write(&["sender", "receiver"], frames)
    }

    fn run(&mut self, until: Instant) -> Result<()> {
        while let Some(next) = self.next_event().filter(|next| *next <= until) {
            self.now = next;
            self.step()?;
        }
        self.now = until;
        Ok(())
    }

    /// The earliest timer of either peer; the packets that netem holds are among them.
    fn next_event(&mut self) -> Option<Instant> {
        let timers = [self.sender.timer(), self.receiver.timer()];
        timers.into_iter().flatten().min().map(|at| moves_on(self.now, at))
    }

    /// Handles all that is due at the present instant.
    fn step(&mut self) -> Result<()> {
        for _ in 0..ROUNDS {
            if !(self.sender.wake(self.now)? | self.receiver.wake(self.now)?) {
                break;
            }
            self.settle()?;
        }
        Ok(())
    }

    /// Carries datagrams to and fro until neither peer has one, and takes what came out at the top.
    fn settle(&mut self) -> Result<()> {
        while self.sender.is_busy() || self.receiver.is_busy() {
            while let Some(datagram) = self.sender.transmit() {
                // RTP and RTCP, as RFC 7983 tells them from STUN and DTLS.
                if matches!(datagram.message.first(), Some(128..=191)) {
                    self.datagram_bytes += datagram.message.len() + IP_UDP_BYTES;
                }
                self.receiver.receive(self.now, self.sender.address(), datagram)?;
            }
            while let Some(datagram) = self.receiver.transmit() {
                self.sender.receive(self.now, self.receiver.address(), datagram)?;
            }
            while let Some(message) = self.receiver.read() {
                if let RTCMessage::RtpPacket(_, packet) = message {
                    let at = Time::ZERO + self.now.duration_since(self.start);
                    self.arrivals.extend(arrival(at, packet, &self.descriptors, &self.taps.notes));
                }
            }
            while self.sender.read().is_some() {}
            self.sender.look();
            self.receiver.look();
        }
        match self.now <= self.start || self.is_connected() {
            true => Ok(()),
            false => Err(Error::Call("the connection broke".into())),
        }
    }

    fn is_connected(&self) -> bool {
        self.sender.is_connected() && self.receiver.is_connected()
    }
}

impl Peers for Sim {
    fn taps(&self) -> &Taps {
        &self.taps
    }

    fn send(&mut self, now: Time, track: usize, packet: Outgoing) -> Result<()> {
        self.advance(now)?;
        let &Track { payload_type, negotiated: Negotiated { descriptor, .. }, .. } = self.taps.track(track)?;
        let packet = rtp_packet(track, payload_type, descriptor, packet)?;
        let sender = self.ids.get(track).and_then(|id| self.sender.connection().rtp_sender(*id));
        let mut sender = sender.ok_or_else(|| Error::Call("the track is gone".into()))?;
        sender.write_rtp(self.now, packet).map_err(call_error)?;
        self.settle()
    }

    fn request_key(&mut self, now: Time, track: usize) -> Result<()> {
        self.advance(now)?;
        self.taps.check_key(track)?;
        let connection = self.receiver.connection();
        // In the order of the offer, which is that of the tracks.
        let id = connection.get_receivers().nth(track).ok_or_else(|| Error::Call("no RTP receiver".into()))?;
        let mut receiver = connection.rtp_receiver(id).ok_or_else(|| Error::Call("no RTP receiver".into()))?;
        receiver.write_rtcp(self.now, vec![picture_loss(ssrcs(track).media)]).map_err(call_error)?;
        self.settle()
    }

    fn advance(&mut self, until: Time) -> Result<()> {
        let until = self.start + Duration::from_nanos(until.0);
        if until < self.now {
            return Err(Error::Call("time does not run backwards".into()));
        }
        self.run(until)
    }

    fn advance_to_arrival(&mut self, until: Time) -> Result<Time> {
        let last = self.start + Duration::from_nanos(until.0);
        while self.arrivals.is_empty() {
            let Some(next) = self.next_event().filter(|next| *next <= last) else {
                self.advance(until)?;
                break;
            };
            self.now = next;
            self.step()?;
        }
        Ok(Time::ZERO + self.now.duration_since(self.start))
    }

    fn arrivals(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals)
    }

    fn keep_packets(&self) {
        self.taps.wire.keep_packets();
        self.wire_back.keep_packets();
    }

    fn capture(&self) -> Option<Vec<u8>> {
        Some(self.pcapng())
    }
}

/// When to handle a timer that is set to `at`: then, but never at an instant that is already done with.
fn moves_on(now: Instant, at: Instant) -> Instant {
    if at <= now { now + NUDGE } else { at }
}

/// The standard library makes an `Instant` in one way only. Its value shows nowhere: all times are told from it.
#[expect(clippy::disallowed_methods, reason = "only differences to this instant are ever used")]
fn some_instant() -> Instant {
    Instant::now()
}

fn add_track(sender: &mut Endpoint, index: usize, tracks: &[TrackSpec]) -> Result<RTCRtpSenderId> {
    let (track, init) = send_only(index, &tracks[index]);
    let connection = sender.connection();
    let id = connection.add_transceiver_from_track(track, Some(init)).map_err(call_error)?;
    let mut transceiver = connection.rtp_transceiver(id).ok_or_else(|| Error::Call("no transceiver".into()))?;
    if let Some(codecs) = preferences(index, tracks) {
        transceiver.set_codec_preferences(codecs).map_err(call_error)?;
    }
    transceiver.sender().ok_or_else(|| Error::Call("no RTP sender".into()))
}

/// Offer and answer. Returns what the sender finds in the answer for each track.
fn negotiate(
    now: Instant,
    sender: &mut Endpoint,
    receiver: &mut Endpoint,
    tracks: &[TrackSpec],
) -> Result<Vec<Negotiated>> {
    let offer = sender.connection().create_offer(None).map_err(call_error)?;
    sender.connection().set_local_description(now, offer.clone()).map_err(call_error)?;
    receiver.connection().set_remote_description(now, offer).map_err(call_error)?;
    let answer = receiver.connection().create_answer(None).map_err(call_error)?;
    receiver.connection().set_local_description(now, answer.clone()).map_err(call_error)?;
    let (answer, negotiated) = with_fmtp(&answer, tracks)?;
    sender.connection().set_remote_description(now, answer).map_err(call_error)?;
    Ok(negotiated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_timer_that_stays_due_does_not_stop_time() {
        let now = some_instant();
        let later = now + Duration::from_nanos(1);
        assert_eq!(moves_on(now, later), later);
        assert!(moves_on(now, now) > now);
        assert!(moves_on(later, now) > later);
    }
}
