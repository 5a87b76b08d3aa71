//! What a peer does against loss beyond the codec: which interceptors it gets, and what they tell the application.

pub(super) mod fec;
mod nack;
mod rtx;

use super::streams::Streams;
use super::track::{Kind, TrackSpec};
use crate::error::Result;
use crate::rtp::red;
use crate::units::Bitrate;
use fec::{FecReceiver, FecSender};
use nack::NackGenerator;
use rtc::interceptor::{
    Attribute, CongestionControlBuilder, Gcc, Interceptor, Registry, Slot, StreamInfo, TaggedPacket,
};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::RTCPFeedback;
use rtc::sansio::Protocol;
use rtc::shared::error::Error;
use rtx::{NackResponder, RtxReceiver};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::endpoint::call_error;

/// libwebrtc's estimate before the first feedback, and its bounds, in bit/s; where there is video, which libwebrtc bounds
/// by what its encoders can use, more than any picture of this program needs.
const FIRST_TARGET: f64 = 300_000.0;
const TARGETS: (f64, f64) = (5_000.0, 2_000_000.0);
const MOST_WITH_VIDEO: f64 = 20_000_000.0;

/// What the repair of one call tells its application. Clones see the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    /// Track and sequence number.
    rebuilt: BTreeSet<(usize, u16)>,
    retransmitted: BTreeSet<(usize, u16)>,
    round_trips: BTreeMap<usize, Duration>,
    target: Option<Bitrate>,
}

impl Notes {
    /// A packet was made from repair packets and is on its way up.
    pub fn rebuilt(&self, track: usize, sequence: u16) {
        self.lock().rebuilt.insert((track, sequence));
    }

    /// Whether the packet that came up was made from repair packets; asked once for each.
    pub fn was_rebuilt(&self, track: usize, sequence: u16) -> bool {
        self.lock().rebuilt.remove(&(track, sequence))
    }

    /// A packet was unpacked from RTX and is on its way up.
    pub fn retransmitted(&self, track: usize, sequence: u16) {
        self.lock().retransmitted.insert((track, sequence));
    }

    /// Whether the packet that came up was unpacked from RTX; asked once for each.
    pub fn was_retransmitted(&self, track: usize, sequence: u16) -> bool {
        self.lock().retransmitted.remove(&(track, sequence))
    }

    /// The same of a packet that is still on its way up.
    pub fn is_retransmitted(&self, track: usize, sequence: u16) -> bool {
        self.lock().retransmitted.contains(&(track, sequence))
    }

    /// From a request for a packet to its arrival.
    pub fn note_round_trip(&self, track: usize, round_trip: Duration) {
        self.lock().round_trips.insert(track, round_trip);
    }

    pub fn round_trip(&self, track: usize) -> Option<Duration> {
        self.lock().round_trips.get(&track).copied()
    }

    /// What congestion control allows, when it has changed since it was last asked for.
    pub fn take_target(&self) -> Option<Bitrate> {
        self.lock().target.take()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The feedback messages, repair codecs and interceptors for what the tracks do against loss. Both peers have all of it, as
/// both would in a call that goes both ways; each part wakes up where its packets come by. The tracks' own codecs are in
/// `media` already.
///
/// Of a lost packet the receiver's reports know before anything is repaired (they lie wire-ward of RTX and FEC), but a
/// retransmission under the media's own SSRC counts as received, as in libwebrtc.
pub(super) fn install(
    tracks: &[TrackSpec],
    notes: &Notes,
    media: &mut MediaEngine,
    mut registry: Registry,
) -> Result<Registry> {
    let any = |wanted: &dyn Fn(&TrackSpec) -> bool| tracks.iter().any(wanted);
    for track in tracks.iter().filter(|t| t.repair.red > 0) {
        // The payload types of its blocks (RFC 2198, section 5).
        let blocks = vec![track.payload_type.to_string(); 1 + usize::from(track.repair.red)];
        let red = track.parameters("red", red::PAYLOAD_TYPE, blocks.join("/"));
        media.register_codec(red, track.kind.of_codec()).map_err(call_error)?;
    }
    // It holds for the codecs that are there by now; RTX has none.
    let mut feedback = |kind: Kind, parameter: &str| {
        media.register_feedback(RTCPFeedback { typ: "nack".into(), parameter: parameter.into() }, kind.of_codec());
    };
    for kind in [Kind::Audio, Kind::Video] {
        if any(&|t| t.kind == kind && t.repair.nack) {
            feedback(kind, "");
        }
    }
    // Picture loss indications, which browsers always have (RFC 4585, section 6.3.1).
    feedback(Kind::Video, "pli");
    for track in tracks {
        if let Some(payload_type) = track.rtx_payload_type() {
            let rtx = track.parameters("rtx", payload_type, format!("apt={}", track.payload_type));
            media.register_codec(rtx, track.kind.of_codec()).map_err(call_error)?;
        }
    }
    if any(&|t| t.repair.nack) {
        registry = registry
            .with(Slot::NackResponder, Aided::new(NackResponder::new(tracks)))
            .with(Slot::from(12_400), Aided::new(RtxReceiver::new(tracks, notes.clone())))
            .with(Slot::from(12_600), Aided::new(NackGenerator::new(tracks, notes.clone())));
    }
    if any(&|t| t.repair.flexfec > 0) {
        registry = registry
            .with(Slot::FecEncoder, Aided::new(FecSender::new(tracks)))
            .with(Slot::from(12_500), Aided::new(FecReceiver::new(tracks, notes.clone())));
    }
    if any(&|t| t.repair.gcc) {
        let most = if any(&|t| t.kind == Kind::Video) { MOST_WITH_VIDEO } else { TARGETS.1 };
        let control = CongestionControlBuilder::new(Gcc::new(FIRST_TARGET, TARGETS.0, most)).build();
        registry = registry
            .with(Slot::CongestionControl, Streams::with_repair(control))
            .with(Slot::from(9_400), Aided::new(TargetReader(notes.clone())));
    }
    Ok(registry)
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
