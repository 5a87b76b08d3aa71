//! Answers to requests for lost packets: video in a stream of its own (RTX, RFC 4588), audio as it was.
//!
//! `rtc`'s own responder leaves the header extensions of the original out of its RTX packets, and with them the Dependency
//! Descriptor; and `rtc` unpacks RTX above all interceptors, where whoever asked for the packet does not see it.

use super::notes::Notes;
use crate::peer::stage::{Handled, Queues, Stage};
use crate::peer::track::{Kind, TrackSpec, ssrcs};
use rtc::interceptor::{Attribute, AttributedPacket, Packet, TaggedPacket};
use rtc::rtcp::transport_feedbacks::transport_layer_nack::TransportLayerNack;
use rtc::rtp;
use rtc::shared::TransportContext;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// Packets that the sender keeps: a second of the shortest audio packets, 2.5 ms; of video 1200 bytes each at 39 Mbit/s.
fn history(kind: Kind) -> usize {
    match kind {
        Kind::Audio => 512,
        Kind::Video => 4096,
    }
}

/// RFC 4588, section 4: before the payload of an RTX packet stands the sequence number of the original.
const ORIGINAL_BYTES: usize = 2;

/// Keeps what was sent, and sends again what is asked for.
pub(super) struct NackResponder {
    /// By the SSRC of the media.
    streams: BTreeMap<u32, Sent>,
}

struct Sent {
    keep: usize,
    packets: HashMap<u16, rtp::Packet>,
    order: VecDeque<u16>,
    rtx: Option<Rtx>,
}

/// A stream of retransmissions.
struct Rtx {
    ssrc: u32,
    payload_type: u8,
    next: u16,
}

impl NackResponder {
    pub fn new(tracks: &[TrackSpec]) -> NackResponder {
        let stream = |(i, track): (usize, &TrackSpec)| {
            let rtx = track.rtx_payload_type().map(|pt| Rtx { ssrc: ssrcs(i).rtx, payload_type: pt, next: 0 });
            let sent = Sent { keep: history(track.kind), packets: HashMap::new(), order: VecDeque::new(), rtx };
            track.repair.nack.then_some((ssrcs(i).media, sent))
        };
        NackResponder { streams: tracks.iter().enumerate().filter_map(stream).collect() }
    }
}

impl Sent {
    fn keep(&mut self, packet: &rtp::Packet) {
        let sequence = packet.header.sequence_number;
        if self.packets.insert(sequence, packet.clone()).is_none() {
            self.order.push_back(sequence);
        }
        if self.order.len() > self.keep
            && let Some(oldest) = self.order.pop_front()
        {
            self.packets.remove(&oldest);
        }
    }

    /// The packet once more, if it is still there.
    fn again(&mut self, sequence: u16) -> Option<rtp::Packet> {
        let original = self.packets.get(&sequence)?;
        let Some(rtx) = &mut self.rtx else { return Some(original.clone()) };
        let header = rtp::Header {
            ssrc: rtx.ssrc,
            payload_type: rtx.payload_type,
            sequence_number: rtx.next,
            ..original.header.clone()
        };
        rtx.next = rtx.next.wrapping_add(1);
        let payload = [&sequence.to_be_bytes()[..], &original.payload].concat();
        Some(rtp::Packet { header, payload: payload.into() })
    }
}

impl Stage for NackResponder {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        if let Packet::Rtcp(parts) = &packet.message.packet {
            for nack in parts.iter().filter_map(|p| p.as_any().downcast_ref::<TransportLayerNack>()) {
                let Some(sent) = self.streams.get_mut(&nack.media_ssrc) else { continue };
                for sequence in nack.nacks.iter().flat_map(|pair| pair.packet_list()) {
                    let Some(rtp) = sent.again(sequence) else { continue };
                    let message = AttributedPacket::new(Packet::Rtp(rtp)).with(Attribute::Retransmission);
                    let (now, transport) = (packet.now, TransportContext::default());
                    queues.outbound.push_back(TaggedPacket { now, transport, message });
                }
            }
        }
        queues.inbound.push_back(packet);
        Ok(())
    }

    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        if let Packet::Rtp(rtp) = &packet.message.packet
            && let Some(sent) = self.streams.get_mut(&rtp.header.ssrc)
        {
            sent.keep(rtp);
        }
        queues.outbound.push_back(packet);
        Ok(())
    }
}

/// Makes of RTX packets what they were. Above the reports, which count what comes for the first time; below FEC and the
/// requests, which may use it.
pub(super) struct RtxReceiver {
    /// By the SSRC of the retransmissions: the track, and the payload type of its media.
    streams: BTreeMap<u32, (usize, u8)>,
    notes: Notes,
}

impl RtxReceiver {
    pub fn new(tracks: &[TrackSpec], notes: Notes) -> RtxReceiver {
        let stream =
            |(i, track): (usize, &TrackSpec)| track.rtx_payload_type().map(|_| (ssrcs(i).rtx, (i, track.sent_as())));
        RtxReceiver { streams: tracks.iter().enumerate().filter_map(stream).collect(), notes }
    }
}

impl Stage for RtxReceiver {
    fn inbound(&mut self, mut packet: TaggedPacket, queues: &mut Queues) -> Handled {
        if let Packet::Rtp(rtp) = &mut packet.message.packet
            && let Some((track, payload_type)) = self.streams.get(&rtp.header.ssrc)
        {
            if rtp.payload.len() < ORIGINAL_BYTES {
                return Ok(());
            }
            let original = rtp.payload.split_to(ORIGINAL_BYTES);
            let sequence = u16::from_be_bytes([original[0], original[1]]);
            rtp.header.sequence_number = sequence;
            rtp.header.ssrc = ssrcs(*track).media;
            rtp.header.payload_type = *payload_type;
            self.notes.retransmitted(*track, sequence);
        }
        queues.inbound.push_back(packet);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::track::tests::{opus, vp8};
    use rtc::rtcp::transport_feedbacks::transport_layer_nack::NackPair;
    use std::time::{Duration, Instant};

    #[expect(clippy::disallowed_methods, reason = "only differences to this instant are used")]
    fn tagged(packet: Packet) -> TaggedPacket {
        let message = AttributedPacket::new(packet);
        TaggedPacket { now: Instant::now(), transport: TransportContext::default(), message }
    }

    fn rtp(packet: &TaggedPacket) -> rtp::Packet {
        match &packet.message.packet {
            Packet::Rtp(rtp) => rtp.clone(),
            _ => panic!("not RTP"),
        }
    }

    fn media(ssrc: u32, payload_type: u8, sequence_number: u16) -> rtp::Packet {
        let header =
            rtp::Header { version: 2, marker: true, payload_type, sequence_number, ssrc, ..Default::default() };
        let mut packet = rtp::Packet { header, payload: vec![sequence_number as u8; 5].into() };
        packet.header.set_extension(2, vec![7; 40].into()).unwrap();
        packet
    }

    /// What the responder sends again of packets that it sent, when it is asked for `wanted`.
    fn again(tracks: &[TrackSpec], sent: &[rtp::Packet], wanted: u16) -> Vec<TaggedPacket> {
        let (mut responder, mut queues) = (NackResponder::new(tracks), Queues::default());
        sent.iter().for_each(|p| responder.outbound(tagged(Packet::Rtp(p.clone())), &mut queues).unwrap());
        assert_eq!(queues.outbound.drain(..).count(), sent.len());
        let media_ssrc = sent[0].header.ssrc;
        let nack = TransportLayerNack { sender_ssrc: 1, media_ssrc, nacks: vec![NackPair::new(wanted)] };
        responder.inbound(tagged(Packet::Rtcp(vec![Box::new(nack)])), &mut queues).unwrap();
        assert_eq!(queues.inbound.len(), 1);
        queues.outbound.into()
    }

    #[test]
    fn what_is_unpacked_is_what_was_sent() {
        let tracks = [opus("", Duration::ZERO), vp8("nack", Duration::ZERO)];
        let sent: Vec<rtp::Packet> = (65_530..=65_535).chain(0..6).map(|s| media(ssrcs(1).media, 96, s)).collect();
        let answer = again(&tracks, &sent, 3);
        let [packed] = &answer[..] else { panic!("{} packets", answer.len()) };
        assert!(packed.message.has(&Attribute::Retransmission));
        let header = rtp(packed).header;
        assert_eq!((header.ssrc, header.payload_type, header.sequence_number), (ssrcs(1).rtx, 97, 0));
        let (notes, mut queues) = (Notes::default(), Queues::default());
        let mut receiver = RtxReceiver::new(&tracks, notes.clone());
        receiver.inbound(tagged(Packet::Rtp(rtp(packed))), &mut queues).unwrap();
        assert_eq!(queues.inbound.iter().map(rtp).collect::<Vec<_>>(), [sent[9].clone()]);
        assert!(notes.is_retransmitted(1, 3) && !notes.is_retransmitted(0, 3));
        // One without an original, as for padding, goes nowhere.
        let empty = rtp::Packet { header, payload: vec![0].into() };
        receiver.inbound(tagged(Packet::Rtp(empty)), &mut queues).unwrap();
        assert_eq!(queues.inbound.len(), 1);
    }

    #[test]
    fn audio_comes_as_it_was_and_what_is_too_old_not_at_all() {
        let tracks = [opus("nack", Duration::ZERO)];
        let sent: Vec<rtp::Packet> = (0..600).map(|s| media(ssrcs(0).media, 111, s)).collect();
        assert_eq!(again(&tracks, &sent, 599).iter().map(rtp).collect::<Vec<_>>(), [sent[599].clone()]);
        assert_eq!(again(&tracks, &sent, 88).len(), 1);
        assert_eq!(again(&tracks, &sent, 87).len(), 0);
        assert_eq!(again(&tracks, &sent, 600).len(), 0);
    }
}
