//! What a peer does against loss beyond the codec: which interceptors it gets, and what they tell the application.

mod fec;
mod nack;
pub(super) mod notes;
mod rtx;

pub use nack::patience;

use super::stage::{Handled, Queues, Stage, Staged};
use super::streams::Streams;
use super::track::{Kind, TrackSpec, call_error};
use crate::error::Result;
use crate::rtp::red;
use crate::units::Bitrate;
use fec::{FecReceiver, FecSender};
use nack::NackGenerator;
use notes::Notes;
use rtc::interceptor::{Attribute, CongestionControlBuilder, Gcc, Registry, Slot, TaggedPacket};
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::rtp_transceiver::rtp_sender::RTCPFeedback;
use rtx::{NackResponder, RtxReceiver};

/// libwebrtc's estimate before the first feedback, and its bounds, in bit/s; where there is video, which libwebrtc bounds
/// by what its encoders can use, more than any picture of this program needs.
const FIRST_TARGET: f64 = 300_000.0;
const TARGETS: (f64, f64) = (5_000.0, 2_000_000.0);
const MOST_WITH_VIDEO: f64 = 20_000_000.0;

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
            .with(Slot::NackResponder, Staged::new(NackResponder::new(tracks)))
            .with(Slot::from(12_400), Staged::new(RtxReceiver::new(tracks, notes.clone())))
            .with(Slot::from(12_600), Staged::new(NackGenerator::new(tracks, notes.clone())));
    }
    if any(&|t| t.repair.flexfec > 0) {
        registry = registry
            .with(Slot::FecEncoder, Staged::new(FecSender::new(tracks)))
            .with(Slot::from(12_500), Staged::new(FecReceiver::new(tracks, notes.clone())));
    }
    if any(&|t| t.repair.gcc) {
        let most = if any(&|t| t.kind == Kind::Video) { MOST_WITH_VIDEO } else { TARGETS.1 };
        let control = CongestionControlBuilder::new(Gcc::new(FIRST_TARGET, TARGETS.0, most)).build();
        registry = registry
            .with(Slot::CongestionControl, Staged::new(Streams::with_repair(control)))
            .with(Slot::from(9_400), Staged::new(TargetReader(notes.clone())));
    }
    Ok(registry)
}

/// Notes the estimate that the congestion controller hangs on a feedback packet.
struct TargetReader(Notes);

impl Stage for TargetReader {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        let any = Attribute::TargetBitrateChanged { bits_per_second: 0.0 };
        if let Some(Attribute::TargetBitrateChanged { bits_per_second }) = packet.message.get(&any) {
            self.0.lock().target = Some(Bitrate(*bits_per_second as u32));
        }
        queues.inbound.push_back(packet);
        Ok(())
    }
}
