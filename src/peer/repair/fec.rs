//! FlexFEC (draft-ietf-payload-flexible-fec-scheme-03, as browsers have it for video): after each block of packets one
//! packet that is their exclusive or, from which any one of them can be rebuilt.
//!
//! Coding and decoding are `rtc`'s, its interceptors are not: those take part only in streams whose SDP names a repair
//! stream, which `rtc` allows for video alone; and their decoder sees header extensions that were put on after the
//! encoder had passed, so that what it rebuilds beside transport-wide feedback is garbage.

use super::notes::Notes;
use crate::peer::stage::{Handled, Queues, Stage};
use crate::peer::track::{FEC_PAYLOAD_TYPE, TrackSpec, ssrcs};
use crate::peer::wire::FecMark;
use rtc::interceptor::{
    Attribute, AttributedPacket, FlexFec03Decoder, FlexFec03Encoder, Packet, StreamInfo, TaggedPacket,
};
use rtc::rtp;
use rtc::sdp::extmap::TRANSPORT_CC_URI;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Sends a repair packet right after each block.
pub struct FecSender {
    /// By the SSRC of the media.
    blocks: BTreeMap<u32, Block>,
}

struct Block {
    /// Media packets per repair packet.
    length: usize,
    packets: Vec<rtp::Packet>,
    encoder: FlexFec03Encoder,
}

impl FecSender {
    pub fn new(tracks: &[TrackSpec]) -> FecSender {
        let block = |(i, track): (usize, &TrackSpec)| {
            let encoder = FlexFec03Encoder::new(FEC_PAYLOAD_TYPE, ssrcs(i).fec);
            let block = Block { length: usize::from(track.repair.flexfec), packets: Vec::new(), encoder };
            (block.length > 0).then_some((ssrcs(i).media, block))
        };
        FecSender { blocks: tracks.iter().enumerate().filter_map(block).collect() }
    }
}

impl Stage for FecSender {
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        let (now, transport) = (packet.now, packet.transport);
        let rtp = match &packet.message.packet {
            Packet::Rtp(rtp) => self.blocks.get_mut(&rtp.header.ssrc).map(|block| (block, rtp.clone())),
            _ => None,
        };
        queues.outbound.push_back(packet);
        let Some((block, rtp)) = rtp else { return Ok(()) };
        block.packets.push(rtp);
        if block.packets.len() >= block.length {
            for repair in block.encoder.encode(&block.packets, 1) {
                let message = AttributedPacket::new(Packet::Rtp(repair)).with(Attribute::Custom(Arc::new(FecMark)));
                queues.outbound.push_back(TaggedPacket { now, transport, message });
            }
            block.packets.clear();
        }
        Ok(())
    }
}

/// Takes repair packets out of the streams and puts in what they give.
pub struct FecReceiver {
    protected: Vec<Protected>,
    /// The number of the transport-wide header extension, which is put on after the encoder has passed.
    transport_wide: Option<u8>,
    notes: Notes,
}

/// A track with its repair stream.
struct Protected {
    track: usize,
    decoder: FlexFec03Decoder,
}

impl FecReceiver {
    pub fn new(tracks: &[TrackSpec], notes: Notes) -> FecReceiver {
        let decoder = |track| FlexFec03Decoder::new(ssrcs(track).fec, ssrcs(track).media);
        let protected = tracks.iter().enumerate().filter(|(_, t)| t.repair.flexfec > 0);
        let protected = protected.map(|(track, _)| Protected { track, decoder: decoder(track) }).collect();
        FecReceiver { protected, transport_wide: None, notes }
    }
}

impl Stage for FecReceiver {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) -> Handled {
        let (now, transport) = (packet.now, packet.transport);
        let Packet::Rtp(rtp) = &packet.message.packet else {
            queues.inbound.push_back(packet);
            return Ok(());
        };
        let ssrc = rtp.header.ssrc;
        let ours = |p: &&mut Protected| [ssrcs(p.track).media, ssrcs(p.track).fec].contains(&ssrc);
        let Some(Protected { track, decoder }) = self.protected.iter_mut().find(ours) else {
            queues.inbound.push_back(packet);
            return Ok(());
        };
        let rebuilt = decoder.decode(without(rtp, self.transport_wide));
        if ssrc == ssrcs(*track).media {
            queues.inbound.push_back(packet);
        }
        for rtp in rebuilt {
            self.notes.rebuilt(*track, rtp.header.sequence_number);
            let message = AttributedPacket::new(Packet::Rtp(rtp)).with(Attribute::RecoveredByFec);
            queues.inbound.push_back(TaggedPacket { now, transport, message });
        }
        Ok(())
    }

    fn remote(&mut self, stream: &StreamInfo) {
        let number = stream.rtp_header_extensions.iter().find(|e| e.uri == TRANSPORT_CC_URI).map(|e| e.id as u8);
        self.transport_wide = number.or(self.transport_wide);
    }
}

/// The packet as the encoder saw it: without one header extension.
fn without(rtp: &rtp::Packet, extension: Option<u8>) -> rtp::Packet {
    let mut header = rtp::Header {
        extension: false,
        extension_profile: 0,
        extensions: Vec::new(),
        extensions_padding: 0,
        ..rtp.header.clone()
    };
    for id in rtp.header.get_extension_ids().into_iter().filter(|id| Some(*id) != extension) {
        // It was in such a header before: it fits.
        let _ = rtp.header.get_extension(id).map(|bytes| header.set_extension(id, bytes));
    }
    rtp::Packet { header, payload: rtp.payload.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peer::track::tests::vp8;
    use proptest::prelude::*;
    use rtc::interceptor::RTPHeaderExtension;
    use rtc::shared::TransportContext;
    use std::time::{Duration, Instant};

    const MEDIA: u32 = ssrcs(0).media;

    #[expect(clippy::disallowed_methods, reason = "only differences to this instant are used")]
    fn now() -> Instant {
        Instant::now()
    }

    fn tagged(rtp: rtp::Packet) -> TaggedPacket {
        let message = AttributedPacket::new(Packet::Rtp(rtp));
        TaggedPacket { now: now(), transport: TransportContext::default(), message }
    }

    fn rtp_of(packet: &TaggedPacket) -> rtp::Packet {
        match &packet.message.packet {
            Packet::Rtp(rtp) => rtp.clone(),
            _ => panic!("not RTP"),
        }
    }

    proptest! {
        #[test]
        fn one_loss_per_block_is_rebuilt_and_two_are_not(
            length in 1..12u8,
            first: u16,
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 12),
            one in 0..12usize,
            two in 0..12usize,
        ) {
            let extension = RTPHeaderExtension { uri: TRANSPORT_CC_URI.into(), id: 1 };
            let stream = StreamInfo { ssrc: MEDIA, rtp_header_extensions: vec![extension], ..Default::default() };
            let tracks = [vp8(&format!("flexfec:{length}"), Duration::ZERO)];
            let mut sender = FecSender::new(&tracks);
            let mut receiver = FecReceiver::new(&tracks, Notes::default());
            receiver.remote(&stream);
            let (mut sent, mut queues) = (Vec::new(), Queues::default());
            for (i, payload) in payloads.iter().take(usize::from(length)).enumerate() {
                let mut header = rtp::Header {
                    version: 2,
                    marker: i == 0,
                    payload_type: 111,
                    sequence_number: first.wrapping_add(i as u16),
                    timestamp: 960 * i as u32,
                    ssrc: MEDIA,
                    ..Default::default()
                };
                // The descriptors of key pictures are too long for the short form of header extensions.
                if i % 3 > 0 {
                    header.set_extension(2, vec![i as u8; if i % 3 == 1 { 3 } else { 40 }].into()).unwrap();
                }
                let packet = rtp::Packet { header, payload: payload.clone().into() };
                sent.push(packet.clone());
                sender.outbound(tagged(packet), &mut queues).unwrap();
            }
            prop_assert_eq!(queues.outbound.len(), sent.len() + 1);
            let (one, two) = (one % sent.len(), two % sent.len());
            let mut got = Vec::new();
            for (i, packet) in std::mem::take(&mut queues.outbound).into_iter().enumerate() {
                if i == one || i == two {
                    continue;
                }
                let mut packet = rtp_of(&packet);
                if packet.header.ssrc == MEDIA {
                    // Transport-wide numbers are put on below the encoder.
                    packet.header.set_extension(1, vec![i as u8, 9].into()).unwrap();
                }
                receiver.inbound(tagged(packet), &mut queues).unwrap();
                got.extend(queues.inbound.drain(..).map(|p| without(&rtp_of(&p), Some(1))));
            }
            got.sort_by_key(|p| p.header.sequence_number.wrapping_sub(first));
            if one == two {
                prop_assert_eq!(got, sent);
            } else {
                prop_assert_eq!(got.len(), sent.len() - 2);
            }
        }
    }
}
