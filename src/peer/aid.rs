//! What a peer does against loss beyond the codec: which interceptors it gets, and what they tell the application.

use super::fec::{FecReceiver, FecSender};
use super::nack::NackGenerator;
use crate::error::Result;
use crate::sdp::repair::Repair;
use crate::units::Bitrate;
use rtc::interceptor::{
    Attribute, CongestionControlBuilder, Gcc, Interceptor, NackResponderBuilder, Registry, Slot, StreamInfo,
    TaggedPacket,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::{RTCPFeedback, RTCRtpCodec, RTCRtpCodecParameters, RtpCodecKind};
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::endpoint::call_error;
use super::sim::TrackSpec;

/// Packets that the sender keeps for retransmission: a second of the shortest ones, 2.5 ms.
const HISTORY: u16 = 512;

/// libwebrtc's estimate before the first feedback, and its bounds, in bit/s.
const FIRST_TARGET: f64 = 300_000.0;
const TARGETS: (f64, f64) = (5_000.0, 2_000_000.0);

/// What the repair of one call tells its application. Clones see the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    rebuilt: BTreeSet<u16>,
    target: Option<Bitrate>,
}

impl Notes {
    /// A packet was made from repair packets and is on its way up.
    pub fn rebuilt(&self, sequence: u16) {
        self.lock().rebuilt.insert(sequence);
    }

    /// Whether the packet that came up was made from repair packets; asked once for each.
    pub fn was_rebuilt(&self, sequence: u16) -> bool {
        self.lock().rebuilt.remove(&sequence)
    }

    /// What congestion control allows, when it has changed since it was last asked for.
    pub fn take_target(&self) -> Option<Bitrate> {
        self.lock().target.take()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The codecs, feedback messages and interceptors for `track.repair`. Both peers have all of it, as both would in a call
/// that goes both ways; each part wakes up where its packets come by.
///
/// Of a lost packet the receiver's reports know before anything is repaired (they lie wire-ward of FEC), but a
/// retransmission counts as received, as in libwebrtc.
pub(super) fn install(
    track: &TrackSpec,
    notes: &Notes,
    media: &mut MediaEngine,
    mut registry: Registry,
) -> Result<Registry> {
    let Repair { nack, red, flexfec, gcc, .. } = track.repair;
    if red > 0 {
        media.register_codec(red_codec(track, red), RtpCodecKind::Audio).map_err(call_error)?;
    }
    if nack {
        let feedback = RTCPFeedback { typ: "nack".into(), parameter: String::new() };
        media.register_feedback(feedback, RtpCodecKind::Audio);
        let generator = NackGenerator::new(track.patience);
        registry = registry
            .with(Slot::NackResponder, NackResponderBuilder::new().with_size(HISTORY).build())
            .with(Slot::from(12_600), Aided::new(generator));
    }
    if flexfec > 0 {
        registry = registry
            .with(Slot::FecEncoder, Aided::new(FecSender::new(flexfec)))
            .with(Slot::from(12_500), Aided::new(FecReceiver::new(notes.clone())));
    }
    if gcc {
        let estimator = Gcc::new(FIRST_TARGET, TARGETS.0, TARGETS.1);
        registry = registry
            .with(Slot::CongestionControl, CongestionControlBuilder::new(estimator).build())
            .with(Slot::from(9_400), Aided::new(TargetReader(notes.clone())));
    }
    Ok(registry)
}

/// `red/48000/2` with the payload types of its blocks (RFC 2198, section 5).
fn red_codec(track: &TrackSpec, red: u8) -> RTCRtpCodecParameters {
    let blocks = vec![track.payload_type.to_string(); 1 + usize::from(red)];
    RTCRtpCodecParameters {
        rtp_codec: RTCRtpCodec {
            mime_type: "audio/red".into(),
            clock_rate: track.clock_rate,
            channels: track.channels,
            sdp_fmtp_line: blocks.join("/"),
            rtcp_feedback: Vec::new(),
        },
        payload_type: crate::rtp::red::PAYLOAD_TYPE,
    }
}

/// One step at a place in a peer's chain of interceptors. What it does not care for it lets pass.
pub(super) trait Aid: Send + Sync {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        queues.inbound.push_back(packet);
    }
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        queues.outbound.push_back(packet);
    }
    fn timeout(&mut self, _now: Instant, _queues: &mut Queues) {}
    fn timer(&self) -> Option<Instant> {
        None
    }
    /// A stream comes from the other peer.
    fn remote(&mut self, _stream: &StreamInfo) {}
    /// A stream goes to the other peer.
    fn local(&mut self, _stream: &StreamInfo) {}
}

/// Packets that go on: up to the application, down to the wire.
#[derive(Default)]
pub(super) struct Queues {
    pub inbound: VecDeque<TaggedPacket>,
    pub outbound: VecDeque<TaggedPacket>,
}

/// An [`Aid`] as an interceptor of `rtc`.
pub(super) struct Aided<A> {
    aid: A,
    queues: Queues,
}

impl<A: Aid> Aided<A> {
    pub fn new(aid: A) -> Aided<A> {
        Aided { aid, queues: Queues::default() }
    }
}

impl<A: Aid> Protocol<TaggedPacket, TaggedPacket, ()> for Aided<A> {
    type Rout = TaggedPacket;
    type Wout = TaggedPacket;
    type Eout = ();
    type Error = Error;
    type Time = Instant;

    fn handle_read(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.aid.inbound(packet, &mut self.queues);
        Ok(())
    }

    fn poll_read(&mut self) -> Option<TaggedPacket> {
        self.queues.inbound.pop_front()
    }

    fn handle_write(&mut self, packet: TaggedPacket) -> Result<(), Error> {
        self.aid.outbound(packet, &mut self.queues);
        Ok(())
    }

    fn poll_write(&mut self) -> Option<TaggedPacket> {
        self.queues.outbound.pop_front()
    }

    fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.aid.timeout(now, &mut self.queues);
        Ok(())
    }

    fn poll_timeout(&mut self) -> Option<Instant> {
        self.aid.timer()
    }
}

impl<A: Aid> Interceptor for Aided<A> {
    fn bind_local_stream(&mut self, stream: &StreamInfo) {
        self.aid.local(stream);
    }
    fn unbind_local_stream(&mut self, _: &StreamInfo) {}
    fn bind_remote_stream(&mut self, stream: &StreamInfo) {
        self.aid.remote(stream);
    }
    fn unbind_remote_stream(&mut self, _: &StreamInfo) {}
}

/// Notes the estimate that the congestion controller hangs on a feedback packet.
struct TargetReader(Notes);

impl Aid for TargetReader {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        let any = Attribute::TargetBitrateChanged { bits_per_second: 0.0 };
        if let Some(Attribute::TargetBitrateChanged { bits_per_second }) = packet.message.get(&any) {
            self.0.lock().target = Some(Bitrate(*bits_per_second as u32));
        }
        queues.inbound.push_back(packet);
    }
}

/// How long a receiver that plays `delay` behind the network asks for a packet: until it could not play it any more.
/// Without a known delay a second.
pub fn patience(delay: Option<Duration>) -> Duration {
    delay.unwrap_or(Duration::from_secs(1))
}
