//! Every payload format under loss, reordering and duplicates.

use super::api::*;
use crate::units::{Rng, Seed, Time};
use std::collections::{BTreeMap, BTreeSet};

const MAX_PAYLOAD: usize = 200;
const PATTERNS: u64 = 1000;

/// The payload formats of all video codecs.
fn formats() -> impl Iterator<Item = &'static PayloadFormat> {
    crate::codec::VIDEO.iter().map(|codec| codec.rtp.unwrap().payload.unwrap())
}

/// A picture as sent.
struct Sent {
    id: u64,
    key: bool,
    layer: u8,
    depends_on: Vec<u64>,
    switch: bool,
    data: Vec<u8>,
}

impl Sent {
    fn described(&self, layers: u8) -> Described<'_> {
        let Sent { id, key, layer, switch, ref depends_on, ref data } = *self;
        Described { id, key, layer, depends_on, switch, layers, size: (640, 360), data }
    }
}

fn below(rng: &mut Rng, n: u64) -> u64 {
    rng.bits() % n
}

/// Bytes that the format takes for a coded picture; no two pictures have the same.
fn data(format: &str, key: bool, id: u64, rng: &mut Rng) -> Vec<u8> {
    let length = if below(rng, 4) == 0 { 1 + below(rng, 900) } else { 1 + below(rng, 150) };
    let mut body: Vec<u8> = id.to_be_bytes().map(|b| b | 1).to_vec();
    body.extend((0..length).map(|_| rng.bits() as u8 | 1));
    match format {
        "VP8" => [&[u8::from(!key)], &body[..]].concat(),
        "H264" if key => [&[0, 0, 0, 1, 0x67, 9, 0, 0, 0, 1, 0x68, 8, 0, 0, 0, 1, 0x65][..], &body].concat(),
        "H264" => [&[0, 0, 0, 1, 0x41][..], &body].concat(),
        "AV1" => {
            let size = [body.len() as u8 | 0x80, (body.len() >> 7) as u8];
            let size = if body.len() < 128 { &size[..1] } else { &size[..] };
            let size: Vec<u8> = size.iter().map(|s| if body.len() < 128 { s & 0x7f } else { *s }).collect();
            [if key { &[0x0a, 2, 5, 5][..] } else { &[] }, &[0x32], &size, &body].concat()
        }
        _ => body,
    }
}

/// Pictures in which layers refer as encoders let them: to the newest picture of their own and of lower layers, of their
/// own only if it lies behind the last switching point.
fn pictures(format: &str, layers: u8, rng: &mut Rng) -> Vec<Sent> {
    let pattern: &[u8] = match layers {
        1 => &[0],
        2 => &[0, 1],
        _ => &[0, 2, 1, 2],
    };
    let (mut id, mut newest) = (0, [None::<u64>; 3]);
    let mut sent: Vec<Sent> = Vec::new();
    let mut place = 0;
    for k in 0..60 {
        // The encoder drops some; some are key pictures out of turn.
        id += 1 + u64::from(below(rng, 10) == 0);
        let key = k == 0 || below(rng, 25) == 0;
        place = if key { 0 } else { place + 1 };
        let layer = pattern[place % pattern.len()];
        let switch = layer == 0 || below(rng, 2) == 0;
        let mut depends_on = Vec::new();
        if key {
            newest = [None; 3];
        } else {
            depends_on.extend(newest[0]);
            let lower = if switch { 1..1 } else { 1..usize::from(layer) + 1 };
            depends_on.extend(newest[lower].iter().flatten());
        }
        if switch {
            newest[usize::from(layer)..].fill(None);
        }
        newest[usize::from(layer)] = Some(id);
        let data = data(format, key, id, rng);
        sent.push(Sent { id, key, layer, depends_on, switch, data });
    }
    sent
}

fn packets(format: &PayloadFormat, sent: &[Sent], layers: u8, rng: &mut Rng) -> Vec<VideoPacket> {
    let mut packetizer = (format.packetizer)(&"packetization-mode=1".parse().unwrap());
    let mut sequence = rng.bits() as u16;
    let mut all = Vec::new();
    for picture in sent {
        let payloads = packetizer.packetize(&picture.described(layers), MAX_PAYLOAD).unwrap();
        assert_eq!(payloads.iter().filter(|p| p.marker).count(), 1);
        assert!(payloads.last().unwrap().marker);
        for Payload { data: payload, marker, descriptor } in payloads {
            assert!(payload.len() <= MAX_PAYLOAD);
            assert_eq!(descriptor.is_some(), format.described);
            assert!(descriptor.iter().all(|d| d.len() <= 16), "fits a one-byte header extension");
            sequence = sequence.wrapping_add(1);
            let timestamp = (picture.id as u32).wrapping_mul(3000).wrapping_sub(90_000);
            let at = Time::from_millis(all.len() as u64);
            all.push(VideoPacket { at, sequence, timestamp, marker, payload, descriptor, retransmitted: false });
        }
    }
    all
}

/// All of it lost at random, in bursts, late by some packets, twice.
fn spoiled(packets: &[VideoPacket], rng: &mut Rng) -> Vec<VideoPacket> {
    let (loss, swap, copy) = (rng.unit() * 0.3, rng.unit() * 0.3, rng.unit() * 0.1);
    let mut out: Vec<(usize, VideoPacket)> = Vec::new();
    let mut burst = 0;
    for (k, packet) in packets.iter().enumerate() {
        if burst > 0 || rng.unit() < loss {
            burst = if burst > 0 { burst - 1 } else { below(rng, 4) };
            continue;
        }
        let late = if rng.unit() < swap { below(rng, 12) as usize } else { 0 };
        out.push((k + late, packet.clone()));
        if rng.unit() < copy {
            out.push((k + 5, VideoPacket { retransmitted: true, ..packet.clone() }));
        }
    }
    out.sort_by_key(|(place, _)| *place);
    out.into_iter().map(|(_, packet)| packet).collect()
}

fn depacketize(format: &PayloadFormat, packets: &[VideoPacket]) -> Vec<Frame> {
    let mut depacketizer = (format.depacketizer)();
    let mut frames = Vec::new();
    packets.iter().for_each(|p| {
        depacketizer.insert(p.clone(), &mut frames);
    });
    frames
}

/// Number of the sent picture that a frame is, by its timestamp.
fn place(frame: &Frame, sent: &[Sent]) -> usize {
    sent.iter().position(|s| (s.id as u32).wrapping_mul(3000).wrapping_sub(90_000) == frame.timestamp as u32).unwrap()
}

/// Places of the pictures that a picture needs directly or not.
fn needed(sent: &[Sent], place: usize) -> BTreeSet<usize> {
    let mut open = vec![place];
    let mut all = BTreeSet::new();
    while let Some(k) = open.pop() {
        for id in &sent[k].depends_on {
            let other = sent.iter().position(|s| s.id == *id).unwrap();
            if all.insert(other) {
                open.push(other);
            }
        }
    }
    all
}

#[test]
fn without_loss_every_picture_comes_out_with_its_references() {
    for format in formats() {
        for layers in 1..=3 {
            let mut rng = Seed(layers.into()).stream(format.name);
            let sent = pictures(format.name, layers, &mut rng);
            let frames = depacketize(format, &packets(format, &sent, layers, &mut rng));
            assert_eq!(frames.len(), sent.len(), "{} with {layers} layers", format.name);
            for (k, (frame, sent)) in frames.iter().zip(&sent).enumerate() {
                assert_eq!((frame.id, frame.key), (k as u64, sent.key), "{}", format.name);
                assert!(layers == 1 || frame.layer == sent.layer);
                assert!(frame.data == sent.data, "{}: picture {k}", format.name);
                assert!(frame.bytes >= frame.data.len() / 2 && frame.first_at <= frame.at);
            }
        }
    }
}

#[test]
fn under_loss_a_picture_comes_out_whole_or_not_at_all_and_names_all_it_needs() {
    for format in formats() {
        let (mut came, mut decodable, mut lost) = (0, 0, 0);
        for pattern in 0..PATTERNS {
            let layers = 1 + (pattern % 3) as u8;
            let mut rng = Seed(pattern).stream(format.name);
            let sent = pictures(format.name, layers, &mut rng);
            let packets = packets(format, &sent, layers, &mut rng);
            let frames = depacketize(format, &spoiled(&packets, &mut rng));
            let mut places: BTreeMap<u64, usize> = BTreeMap::new();
            for frame in &frames {
                let place = place(frame, &sent);
                assert!(frame.data == sent[place].data, "{} pattern {pattern}: picture {place}", format.name);
                assert_eq!(places.insert(frame.id, place), None, "{} pattern {pattern}: twice", format.name);
            }
            // As a receiver decides it: in order of number, all references decoded.
            let mut decoded = BTreeSet::new();
            let mut sorted: Vec<&Frame> = frames.iter().collect();
            sorted.sort_by_key(|f| f.id);
            for frame in sorted {
                if frame.key || frame.depends_on.iter().all(|d| places.get(d).is_some_and(|p| decoded.contains(p))) {
                    let place = places[&frame.id];
                    assert!(
                        needed(&sent, place).is_subset(&decoded),
                        "{} pattern {pattern}: picture {place} passed for decodable",
                        format.name
                    );
                    decoded.insert(place);
                }
            }
            came += frames.len();
            decodable += decoded.len();
            lost += sent.len() - frames.len();
        }
        assert!(came > 20_000 && decodable > 5_000 && lost > 5_000, "{}: {came} {decodable} {lost}", format.name);
    }
}

#[test]
fn a_late_packet_completes_its_picture_and_those_that_waited() {
    for format in formats() {
        let mut rng = Seed(3).stream(format.name);
        let sent = pictures(format.name, 3, &mut rng);
        let mut packets = packets(format, &sent, 3, &mut rng);
        let first = packets.remove(10);
        packets.push(first);
        assert_eq!(depacketize(format, &packets).len(), sent.len(), "{}", format.name);
    }
}

#[test]
fn pictures_that_overtake_their_key_picture_wait_for_it() {
    for format in formats() {
        for layers in 1..=3 {
            let mut rng = Seed(layers.into()).stream(format.name);
            let sent = pictures(format.name, layers, &mut rng);
            let mut packets = packets(format, &sent, layers, &mut rng);
            // The first packet of every key picture comes 40 packets late, as after two requests.
            let mut moved = Vec::new();
            for picture in sent.iter().filter(|s| s.key) {
                let timestamp = (picture.id as u32).wrapping_mul(3000).wrapping_sub(90_000);
                let place = packets.iter().position(|p| p.timestamp == timestamp).unwrap();
                moved.push((place + 40, packets.remove(place)));
            }
            for (place, packet) in moved {
                packets.insert(place.min(packets.len()), packet);
            }
            let frames = depacketize(format, &packets);
            assert_eq!(frames.len(), sent.len(), "{} with {layers} layers", format.name);
        }
    }
}

#[test]
fn without_descriptors_pictures_follow_one_another() {
    for format in [&super::h264::H264, &super::av1::AV1] {
        let mut rng = Seed(5).stream(format.name);
        let sent = pictures(format.name, 1, &mut rng);
        let mut packets = packets(format, &sent, 1, &mut rng);
        packets.iter_mut().for_each(|p| p.descriptor = None);
        let frames = depacketize(format, &packets);
        assert_eq!(frames.len(), sent.len(), "{}", format.name);
        for pair in frames.windows(2) {
            assert!(pair[1].key || pair[1].depends_on == [pair[0].id]);
        }
        packets.remove(20);
        let frames = depacketize(format, &packets);
        let broken = frames.windows(2).filter(|pair| !pair[1].key && pair[1].depends_on != [pair[0].id]).count();
        assert!(broken >= 1, "{}", format.name);
    }
}

#[test]
fn what_cannot_be_told_is_an_error() {
    for format in formats() {
        let mut packetizer = (format.packetizer)(&Default::default());
        let data = data(format.name, true, 5, &mut Seed(1).stream(""));
        let key = Described {
            id: 5,
            key: true,
            layer: 0,
            depends_on: &[],
            switch: true,
            layers: 1,
            size: (64, 64),
            data: &data,
        };
        let mut refused = |picture: Described<'_>, max| packetizer.packetize(&picture, max).unwrap_err().to_string();
        assert!(refused(Described { layer: 1, ..key }, 1200).ends_with("picture 5 of layer 1 of 1"));
        assert!(refused(Described { data: &[], ..key }, 1200).contains("picture 5"));
        assert!(refused(key, 10).contains("64 bytes"));
        packetizer.packetize(&key, 1200).unwrap();
        let mut refused = |picture: Described<'_>| packetizer.packetize(&picture, 1200).unwrap_err().to_string();
        assert!(refused(key).ends_with("picture 5 comes after picture 5"));
        let delta = Described { id: 6, key: false, depends_on: &[4], ..key };
        assert!(refused(delta).ends_with("picture 6 refers to picture 4, which was not sent"));
    }
}

#[test]
fn any_packets_are_taken_or_refused() {
    for format in formats() {
        for seed in 0..300 {
            let mut rng = Seed(seed).stream(format.name);
            let sent = pictures(format.name, 1 + (seed % 3) as u8, &mut rng);
            let mut packets = packets(format, &sent, 1 + (seed % 3) as u8, &mut rng);
            packets.truncate(60);
            for packet in &mut packets {
                let mut spoil = |bytes: &mut Vec<u8>| {
                    bytes.truncate(below(&mut rng, bytes.len() as u64 + 1) as usize);
                    if let Some(byte) = bytes.first_mut().filter(|_| rng.unit() < 0.5) {
                        *byte = rng.bits() as u8;
                    }
                    let at = below(&mut rng, bytes.len() as u64 + 1) as usize;
                    bytes.iter_mut().skip(at).take(3).for_each(|b| *b = rng.bits() as u8);
                };
                spoil(&mut packet.payload);
                packet.descriptor.iter_mut().for_each(spoil);
                let (sequence, timestamp) = (rng.bits() as u16, rng.bits() as u32);
                match rng.bits() % 8 {
                    0 => packet.sequence = sequence,
                    1 => packet.timestamp = timestamp,
                    2 => packet.marker = !packet.marker,
                    3 => packet.descriptor = None,
                    _ => {}
                }
            }
            depacketize(format, &packets);
        }
    }
}

/// The depacketizers of the webrtc crate, which read what is whole and in order.
#[test]
fn a_second_implementation_reads_the_same() {
    use rtc::rtp::codec::{av1::Av1Depacketizer, h264::H264Packet, vp8::Vp8Packet, vp9::Vp9Packet};
    use rtc::rtp::packetizer::Depacketizer;
    for format in formats() {
        for layers in 1..=3 {
            let mut rng = Seed(40 + u64::from(layers)).stream(format.name);
            let sent = pictures(format.name, layers, &mut rng);
            let mut packetizer = (format.packetizer)(&"packetization-mode=1".parse().unwrap());
            let (mut vp8, mut h264, mut av1) = (Vp8Packet::default(), H264Packet::default(), Av1Depacketizer::new());
            let mut base = 255u8;
            for (number, picture) in sent.iter().enumerate() {
                base = base.wrapping_add(u8::from(picture.layer == 0));
                let mut joined = Vec::new();
                let payloads = packetizer.packetize(&picture.described(layers), MAX_PAYLOAD).unwrap();
                if format.name == "VP9" && picture.depends_on.len() == 3 {
                    // It takes two references at most, where RFC 9628 allows three.
                    continue;
                }
                for payload in payloads {
                    // One for each packet: it does not forget the references of the last.
                    let mut vp9 = Vp9Packet::default();
                    let bytes = payload.data.clone().into();
                    let part = match format.name {
                        "VP8" => vp8.depacketize(&bytes),
                        "VP9" => vp9.depacketize(&bytes),
                        "H264" => h264.depacketize(&bytes),
                        _ => av1.depacketize(&bytes),
                    };
                    joined.extend_from_slice(&part.unwrap());
                    if format.name == "VP8" {
                        assert_eq!((vp8.i, usize::from(vp8.picture_id)), (1, number));
                        assert_eq!(vp8.s == 1 && vp8.pid == 0, joined.len() == part_length(&payload, layers));
                        if layers > 1 {
                            assert_eq!((vp8.l, vp8.t, vp8.tl0_pic_idx), (1, 1, base));
                            assert_eq!((vp8.tid, vp8.y), (picture.layer, u8::from(picture.switch)));
                        }
                    }
                    if format.name == "VP9" {
                        assert_eq!((vp9.f, vp9.p, usize::from(vp9.picture_id)), (true, !picture.key, number));
                        let place = |id: &u64| sent.iter().position(|s| s.id == *id).unwrap();
                        let back: BTreeSet<u8> = vp9.pdiff.iter().copied().collect();
                        let expected = picture.depends_on.iter().map(|id| (number - place(id)) as u8).collect();
                        assert_eq!(back, if picture.key { back.clone() } else { expected });
                        assert_eq!(vp9.e, payload.marker);
                        if layers > 1 {
                            assert_eq!((vp9.tid, vp9.u, vp9.sid), (picture.layer, picture.switch, 0));
                        }
                        if vp9.b && picture.key {
                            assert_eq!((&vp9.width[..], &vp9.height[..]), (&[640][..], &[360][..]));
                        }
                    }
                }
                assert!(joined == picture.data, "{}: picture {number}", format.name);
            }
        }
    }
}

/// Bytes behind the VP8 descriptor.
fn part_length(payload: &Payload, layers: u8) -> usize {
    payload.data.len() - if layers > 1 { 6 } else { 4 }
}
