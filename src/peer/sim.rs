//! Two `rtc` PeerConnections and the network between them, in virtual time, in one thread.
//!
//! The media sender offers one send-only audio track; the receiver's answer carries the fmtp line under test, and the
//! sender reads it from there. ICE, DTLS and SRTP are real. As in browsers, audio has RTCP reports every 5 s and
//! transport-wide feedback, and no NACK, RED or FEC unless the track asks for it; nothing smooths departures or arrivals.
//!
//! The event loop jumps from one event to the next: a timer of either peer, or a packet that the network lets go.
//! Datagrams themselves take no time, all delay is netem's. Nothing in the result depends on the clock, nor on what
//! `rtc` draws at random (SSRCs, ICE credentials, keys).

pub use super::rtcp::LossReport;
pub use crate::net::interceptor::WireRecord;

use super::aid::Notes;
use super::endpoint::{Endpoint, call_error, codec};
use super::rtcp::{Reports, VirtualReports};
use crate::error::{Error, Result};
use crate::net::Direction;
use crate::net::interceptor::{IP_UDP_BYTES, NetemInterceptor, WireLog, WirePacket};
use crate::net::netem::Netem;
use crate::net::pcapng;
use crate::net::spec::NetSpec;
use crate::rtp::red;
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::sdp::session::Session;
use crate::units::{Bitrate, Seed, Time};
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::rtp;
use rtc::rtp_transceiver::rtp_sender::{
    RTCRtpCodecParameters, RTCRtpCodingParameters, RTCRtpEncodingParameters, RtpCodecKind,
};
use rtc::rtp_transceiver::{RTCRtpSenderId, RTCRtpTransceiverDirection, RTCRtpTransceiverInit};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::time::{Duration, Instant};

/// What is negotiated for the one audio track.
#[derive(Clone, Debug)]
pub struct TrackSpec {
    pub name: &'static str,
    pub payload_type: u8,
    pub clock_rate: u32,
    pub channels: u16,
    /// The line that stands in the receiver's description.
    pub fmtp: Fmtp,
    /// What both peers do against loss. Of RED only what is negotiated: the application packs and unpacks it.
    pub repair: Repair,
    /// How long the receiver asks for a lost packet; see [`super::patience`].
    pub patience: Duration,
}

impl TrackSpec {
    /// The payload type of its packets: with RED that of RED.
    pub(super) fn sent_as(&self) -> u8 {
        if self.repair.red > 0 { red::PAYLOAD_TYPE } else { self.payload_type }
    }
}

/// An RTP packet at the sender's application.
#[derive(Clone, Debug)]
pub struct Outgoing {
    pub sequence: u16,
    pub timestamp: u32,
    pub marker: bool,
    pub payload: Vec<u8>,
}

/// An RTP packet at the receiver's application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrival {
    pub at: Time,
    pub sequence: u16,
    pub timestamp: u32,
    pub payload: Vec<u8>,
    /// Made from repair packets (FlexFEC); it did not come over the network.
    pub rebuilt: bool,
}

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
    track: RTCRtpSenderId,
    payload_type: u8,
    negotiated: Fmtp,
    arrivals: Vec<Arrival>,
    reports: Reports,
    notes: Notes,
    wire: WireLog,
    wire_back: WireLog,
    datagram_bytes: usize,
}

impl Sim {
    /// Negotiates and connects.
    ///
    /// # Errors
    /// [`Error::Call`]: the peers do not agree on the codec, or are not connected by media start.
    pub fn connect(track: &TrackSpec, net: &NetSpec, seed: Seed) -> Result<Sim> {
        let begin = some_instant();
        let start = begin + SET_UP;
        let (wire, wire_back, reports) = (WireLog::default(), WireLog::default(), Reports::default());
        let notes = Notes::default();
        let peer = |host, link, direction, wire: &WireLog, reports: &Reports| {
            let impairment = Box::new(Netem::new(link, net.chance, seed, direction));
            let netem = NetemInterceptor::new(impairment, start, Endpoint::protection(), wire.clone());
            let address = SocketAddr::from((Ipv4Addr::new(192, 0, 2, host), 5004));
            Endpoint::new(begin, address, track, &notes, VirtualReports::new(start, reports.clone()), netem)
        };
        let mut sender = peer(1, net.forward.clone(), Direction::Forward, &wire, &reports)?;
        let mut receiver = peer(2, net.back.clone(), Direction::Back, &wire_back, &Reports::default())?;
        let id = add_track(&mut sender, codec(track))?;
        let negotiated = negotiate(begin, &mut sender, &mut receiver, track)?;
        let mut sim = Sim {
            sender,
            receiver,
            start,
            now: begin,
            track: id,
            payload_type: track.sent_as(),
            negotiated,
            arrivals: Vec::new(),
            reports,
            notes,
            wire,
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

    /// The fmtp line that the sender read in the answer.
    pub fn negotiated(&self) -> &Fmtp {
        &self.negotiated
    }

    /// Hands one packet to the sender's track, after running the call up to `now`.
    ///
    /// # Errors
    /// `now` lies before the time the call has reached, or the connection broke.
    pub fn send(&mut self, now: Time, packet: Outgoing) -> Result<()> {
        self.advance(now)?;
        let packet = rtp_packet(self.payload_type, packet);
        let mut track =
            self.sender.connection().rtp_sender(self.track).ok_or_else(|| Error::Call("the track is gone".into()))?;
        track.write_rtp(self.now, packet).map_err(call_error)?;
        self.settle()
    }

    /// Runs both peers and the network up to and including `until`.
    ///
    /// # Errors
    /// `until` lies before the time the call has reached, or the connection broke.
    pub fn advance(&mut self, until: Time) -> Result<()> {
        let until = self.start + Duration::from_nanos(until.0);
        if until < self.now {
            return Err(Error::Call("time does not run backwards".into()));
        }
        self.run(until)
    }

    /// Packets that reached the receiver's application since the last call, in order of arrival. SRTP's replay protection
    /// removes duplicates, but not of what was rebuilt.
    pub fn arrivals(&mut self) -> Vec<Arrival> {
        std::mem::take(&mut self.arrivals)
    }

    /// Receiver reports that reached the sender since the last call. The receiver sends one 5 s after its first packet
    /// and every 5 s from then on.
    pub fn reports(&mut self) -> Vec<LossReport> {
        self.reports.take()
    }

    /// What congestion control allows the sender's RTP packets, when it has changed since the last call: headers and
    /// payloads, without what SRTP, UDP and IP add, and without repair packets. Always `None` without `gcc`.
    pub fn target(&mut self) -> Option<Bitrate> {
        self.notes.take_target()
    }

    /// Everything the media sender put on the wire since media start, in order.
    pub fn wire(&self) -> Vec<WireRecord> {
        self.wire.records()
    }

    /// Everything the receiver put on the wire since media start, in order: its reports and transport-wide feedback.
    pub fn wire_back(&self) -> Vec<WireRecord> {
        self.wire_back.records()
    }

    /// What the sender's RTP and RTCP datagrams that netem let through had in bytes, IPv4 and UDP included: what the
    /// sizes in [`Sim::wire`] foretell.
    pub fn datagram_bytes(&self) -> usize {
        self.datagram_bytes
    }

    /// From now on whole packets are kept, for [`Sim::capture`].
    pub fn keep_packets(&self) {
        self.wire.keep_packets();
        self.wire_back.keep_packets();
    }

    /// The RTP and RTCP of both peers since [`Sim::keep_packets`] as a pcapng file, given once: interface "sender" has what
    /// the sender sent and what came to it, interface "receiver" the same of the receiver. What the network dropped is on
    /// the side of who sent it alone; what it still holds stands with the time at which it would come. Each sees the other
    /// under an address of its own, as behind a NAT, so that Wireshark keeps what was sent and what arrived apart.
    pub fn capture(&self) -> Vec<u8> {
        let v4 = |peer: &Endpoint| match peer.address() {
            SocketAddr::V4(address) => address,
            SocketAddr::V6(address) => SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, address.port()),
        };
        let ends = [v4(&self.sender), v4(&self.receiver)];
        // In the network for documentation (RFC 5737) that the peers' own addresses are not in.
        let afar = |end: usize| SocketAddrV4::new(Ipv4Addr::new(198, 51, 100, 1 + end as u8), ends[end].port());
        let ways = [self.wire.take_packets(), self.wire_back.take_packets()];
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
                if let RTCMessage::RtpPacket(_, rtp::Packet { header, payload }) = message {
                    let at = Time::ZERO + self.now.duration_since(self.start);
                    let (sequence, timestamp) = (header.sequence_number, header.timestamp);
                    let rebuilt = self.notes.was_rebuilt(sequence);
                    self.arrivals.push(Arrival { at, sequence, timestamp, payload: payload.into(), rebuilt });
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

/// The packet as the track takes it.
pub(super) fn rtp_packet(payload_type: u8, packet: Outgoing) -> rtp::Packet {
    let header = rtp::Header {
        version: 2,
        marker: packet.marker,
        payload_type,
        sequence_number: packet.sequence,
        timestamp: packet.timestamp,
        ssrc: SSRC,
        ..Default::default()
    };
    rtp::Packet { header, payload: packet.payload.into() }
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

/// The SSRC of the track. As good as any: one stream, addresses of its own.
pub(super) const SSRC: u32 = 0x0c0d_ec01;

/// A send-only track with the codec.
pub(super) fn send_only(codec: RTCRtpCodecParameters) -> (MediaStreamTrack, RTCRtpTransceiverInit) {
    let encoding = RTCRtpEncodingParameters {
        rtp_coding_parameters: RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() },
        codec: codec.rtp_codec,
        ..Default::default()
    };
    let name = |part: &str| format!("codecbench-{part}");
    let track = MediaStreamTrack::new(
        name("stream"),
        name("track"),
        name("label"),
        RtpCodecKind::Audio,
        vec![encoding.clone()],
    );
    let init = RTCRtpTransceiverInit {
        direction: RTCRtpTransceiverDirection::Sendonly,
        send_encodings: vec![encoding],
        ..Default::default()
    };
    (track, init)
}

fn add_track(sender: &mut Endpoint, codec: RTCRtpCodecParameters) -> Result<RTCRtpSenderId> {
    let (track, init) = send_only(codec);
    let connection = sender.connection();
    let id = connection.add_transceiver_from_track(track, Some(init)).map_err(call_error)?;
    let transceiver = connection.rtp_transceiver(id).ok_or_else(|| Error::Call("no transceiver".into()))?;
    transceiver.sender().ok_or_else(|| Error::Call("no RTP sender".into()))
}

/// Offer and answer. Returns the fmtp line that the sender finds in the answer.
fn negotiate(now: Instant, sender: &mut Endpoint, receiver: &mut Endpoint, track: &TrackSpec) -> Result<Fmtp> {
    let offer = sender.connection().create_offer(None).map_err(call_error)?;
    sender.connection().set_local_description(now, offer.clone()).map_err(call_error)?;
    receiver.connection().set_remote_description(now, offer).map_err(call_error)?;
    let answer = receiver.connection().create_answer(None).map_err(call_error)?;
    receiver.connection().set_local_description(now, answer.clone()).map_err(call_error)?;
    let (answer, negotiated) = with_fmtp(&answer, track)?;
    sender.connection().set_remote_description(now, answer).map_err(call_error)?;
    Ok(negotiated)
}

/// The answer on its way, and the fmtp line that the sender finds in it. `rtc` answers with the parameters of the offer and
/// takes no other answer as its own, so what the receiver wishes is written in underway, as signalling servers do it.
pub(super) fn with_fmtp(answer: &RTCSessionDescription, track: &TrackSpec) -> Result<(RTCSessionDescription, Fmtp)> {
    let mut session: Session = answer.sdp.parse()?;
    session.set_fmtp(track.payload_type, &track.fmtp);
    let answer = RTCSessionDescription::answer(session.to_string()).map_err(call_error)?;
    let read: Session = answer.sdp.parse()?;
    match read.payload_type(track.name) {
        Some(payload_type) if payload_type == track.payload_type => Ok((answer, read.fmtp(payload_type)?)),
        other => Err(Error::Call(format!("the answer has {} as {other:?}, not {}", track.name, track.payload_type))),
    }
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
