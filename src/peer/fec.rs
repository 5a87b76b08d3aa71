//! FlexFEC (draft-ietf-payload-flexible-fec-scheme-03, as browsers have it for video): after each block of packets one
//! packet that is their exclusive or, from which any one of them can be rebuilt.
//!
//! Coding and decoding are `rtc`'s, its interceptors are not: those take part only in streams whose SDP names a repair
//! stream, which `rtc` allows for video alone; and their decoder sees header extensions that were put on after the
//! encoder had passed, so that what it rebuilds beside transport-wide feedback is garbage.

use super::aid::{Aid, Notes, Queues};
use crate::net::interceptor::FecMark;
use rtc::interceptor::{
    Attribute, AttributedPacket, FlexFec03Decoder, FlexFec03Encoder, Packet, StreamInfo, TaggedPacket,
};
use rtc::rtp;
use std::sync::Arc;

/// The repair stream: an SSRC and a payload type of its own.
const SSRC: u32 = 0x0c0d_ec02;
const PAYLOAD_TYPE: u8 = 49;

/// Sends a repair packet right after each block.
pub(super) struct FecSender {
    /// Media packets per repair packet.
    length: usize,
    /// The stream that is protected.
    media: Option<u32>,
    block: Vec<rtp::Packet>,
    encoder: FlexFec03Encoder,
}

impl FecSender {
    pub fn new(length: u8) -> FecSender {
        let encoder = FlexFec03Encoder::new(PAYLOAD_TYPE, SSRC);
        FecSender { length: usize::from(length), media: None, block: Vec::new(), encoder }
    }
}

impl Aid for FecSender {
    fn outbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        let (now, transport) = (packet.now, packet.transport);
        if let Packet::Rtp(rtp) = &packet.message.packet
            && Some(rtp.header.ssrc) == self.media
        {
            self.block.push(rtp.clone());
        }
        queues.outbound.push_back(packet);
        if self.block.len() >= self.length {
            for repair in self.encoder.encode(&self.block, 1) {
                let message = AttributedPacket::new(Packet::Rtp(repair)).with(Attribute::Custom(Arc::new(FecMark)));
                queues.outbound.push_back(TaggedPacket { now, transport, message });
            }
            self.block.clear();
        }
    }

    fn local(&mut self, stream: &StreamInfo) {
        self.media = Some(stream.ssrc);
    }
}

/// Takes repair packets out of the stream and puts in what they give.
pub(super) struct FecReceiver {
    decoder: Option<(u32, FlexFec03Decoder)>,
    notes: Notes,
}

impl FecReceiver {
    pub fn new(notes: Notes) -> FecReceiver {
        FecReceiver { decoder: None, notes }
    }
}

impl Aid for FecReceiver {
    fn inbound(&mut self, packet: TaggedPacket, queues: &mut Queues) {
        let (now, transport) = (packet.now, packet.transport);
        let ours = match (&packet.message.packet, &mut self.decoder) {
            (Packet::Rtp(rtp), Some((media, decoder))) if [*media, SSRC].contains(&rtp.header.ssrc) => {
                Some((decoder.decode(without_extensions(rtp)), rtp.header.ssrc == SSRC))
            }
            _ => None,
        };
        let Some((rebuilt, repair)) = ours else { return queues.inbound.push_back(packet) };
        if !repair {
            queues.inbound.push_back(packet);
        }
        for rtp in rebuilt {
            self.notes.rebuilt(rtp.header.sequence_number);
            let message = AttributedPacket::new(Packet::Rtp(rtp)).with(Attribute::RecoveredByFec);
            queues.inbound.push_back(TaggedPacket { now, transport, message });
        }
    }

    fn remote(&mut self, stream: &StreamInfo) {
        self.decoder = Some((stream.ssrc, FlexFec03Decoder::new(SSRC, stream.ssrc)));
    }
}

/// The packet as the encoder saw it.
fn without_extensions(rtp: &rtp::Packet) -> rtp::Packet {
    let header = rtp::Header {
        extension: false,
        extension_profile: 0,
        extensions: Vec::new(),
        extensions_padding: 0,
        ..rtp.header.clone()
    };
    rtp::Packet { header, payload: rtp.payload.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use rtc::shared::TransportContext;
    use std::time::Instant;

    const MEDIA: u32 = 7;

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
            let stream = StreamInfo { ssrc: MEDIA, ..Default::default() };
            let mut sender = FecSender::new(length);
            sender.local(&stream);
            let mut receiver = FecReceiver::new(Notes::default());
            receiver.remote(&stream);
            let (mut sent, mut queues) = (Vec::new(), Queues::default());
            for (i, payload) in payloads.iter().take(usize::from(length)).enumerate() {
                let header = rtp::Header {
                    version: 2,
                    marker: i == 0,
                    payload_type: 111,
                    sequence_number: first.wrapping_add(i as u16),
                    timestamp: 960 * i as u32,
                    ssrc: MEDIA,
                    ..Default::default()
                };
                let packet = rtp::Packet { header, payload: payload.clone().into() };
                sent.push(packet.clone());
                sender.outbound(tagged(packet), &mut queues);
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
                receiver.inbound(tagged(packet), &mut queues);
                got.extend(queues.inbound.drain(..).map(|p| without_extensions(&rtp_of(&p))));
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
