//! Captures of a simulated call that Wireshark opens: pcapng (draft-ietf-opsawg-pcapng) with raw IPv4.
//!
//! Each packet is the RTP or RTCP that a peer sent, in the clear, behind IPv4 and UDP headers made up for it. Time 0, the
//! start of media, is the epoch; times are in nanoseconds.

use crate::units::Time;
use std::net::SocketAddrV4;

/// A packet at one place of the path.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Place in the list of interfaces.
    pub interface: u32,
    pub at: Time,
    pub source: SocketAddrV4,
    pub destination: SocketAddrV4,
    /// What UDP carries; what is beyond 65,507 bytes is left out.
    pub payload: &'a [u8],
}

/// The bytes of a capture file: its section, `interfaces` by name, and `frames` in the order given.
pub fn write<'a>(interfaces: &[&str], frames: impl IntoIterator<Item = Frame<'a>>) -> Vec<u8> {
    let mut file = Vec::new();
    // Byte order, version 1.0, and a length that is not told.
    let mut section = 0x1A2B_3C4D_u32.to_le_bytes().to_vec();
    section.extend([1, 0, 0, 0]);
    section.extend(u64::MAX.to_le_bytes());
    option(&mut section, OPTION_APPLICATION, concat!("codecbench ", env!("CARGO_PKG_VERSION")).as_bytes());
    section.extend(END_OF_OPTIONS);
    block(&mut file, 0x0A0D_0D0A, &section);
    for name in interfaces {
        let mut about = LINKTYPE_RAW.to_le_bytes().to_vec();
        // Two bytes kept free, and no limit to what is captured of a packet.
        about.extend([0; 6]);
        option(&mut about, OPTION_NAME, name.as_bytes());
        // 10^-9 s.
        option(&mut about, OPTION_RESOLUTION, &[9]);
        about.extend(END_OF_OPTIONS);
        block(&mut file, 1, &about);
    }
    for (n, frame) in frames.into_iter().enumerate() {
        let packet = ipv4(&frame, n as u16);
        let length = packet.len() as u32;
        let time = [(frame.at.0 >> 32) as u32, frame.at.0 as u32];
        let mut body: Vec<u8> = [frame.interface, time[0], time[1], length, length].map(u32::to_le_bytes).concat();
        body.extend(packet);
        block(&mut file, 6, &body);
    }
    file
}

const LINKTYPE_RAW: u16 = 101;
const OPTION_NAME: u16 = 2;
const OPTION_APPLICATION: u16 = 4;
const OPTION_RESOLUTION: u16 = 9;
const END_OF_OPTIONS: [u8; 4] = [0; 4];

/// Type, length, body padded to 32 bits, and the length again.
fn block(file: &mut Vec<u8>, kind: u32, body: &[u8]) {
    let padding = padding(body.len());
    let length = (12 + body.len() + padding) as u32;
    file.extend(kind.to_le_bytes());
    file.extend(length.to_le_bytes());
    file.extend(body);
    file.extend(&[0; 3][..padding]);
    file.extend(length.to_le_bytes());
}

fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    body.extend(value);
    body.extend(&[0; 3][..padding(value.len())]);
}

fn padding(length: usize) -> usize {
    length.next_multiple_of(4) - length
}

/// IPv4 (RFC 791) and UDP (RFC 768) around the payload, both with their checksums.
fn ipv4(frame: &Frame, identification: u16) -> Vec<u8> {
    const UDP: u8 = 17;
    const MOST: usize = 65_535 - 20 - 8;
    let payload = &frame.payload[..frame.payload.len().min(MOST)];
    let udp_length = (8 + payload.len()) as u16;
    let addresses = [frame.source.ip().octets(), frame.destination.ip().octets()].concat();
    // Version 4, five words of header; do not fragment; 64 hops.
    let mut packet = vec![0x45, 0];
    packet.extend((20 + udp_length).to_be_bytes());
    packet.extend(identification.to_be_bytes());
    packet.extend([0x40, 0, 64, UDP, 0, 0]);
    packet.extend(&addresses);
    let sum = checksum(&packet);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());

    let mut udp = [frame.source.port(), frame.destination.port(), udp_length, 0].map(u16::to_be_bytes).concat();
    udp.extend(payload);
    let mut pseudo = addresses;
    pseudo.extend([0, UDP]);
    pseudo.extend(udp_length.to_be_bytes());
    pseudo.extend(&udp);
    // Zero would say that there is none.
    let sum = match checksum(&pseudo) {
        0 => 0xFFFF,
        sum => sum,
    };
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    packet.extend(udp);
    packet
}

/// The Internet checksum (RFC 1071).
fn checksum(data: &[u8]) -> u16 {
    let word = |pair: &[u8]| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
    let mut sum: u32 = data.chunks(2).map(word).sum();
    while sum >> 16 != 0 {
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn the_checksum_equals_published_ones() {
        // RFC 1071, section 3: the words add up to ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
        // An odd byte is the high one of its word.
        assert_eq!(checksum(&[0x01]), !0x0100);
    }

    #[test]
    fn headers_verify_and_say_their_lengths() {
        let at = |host, port| SocketAddrV4::new(Ipv4Addr::new(192, 0, 2, host), port);
        for payload in [&b""[..], b"a", b"ab", &[0xFF; 1001]] {
            let frame = Frame { interface: 0, at: Time(1), source: at(1, 5004), destination: at(2, 5006), payload };
            let packet = ipv4(&frame, 7);
            assert_eq!(packet.len(), 28 + payload.len());
            assert_eq!(usize::from(u16::from_be_bytes([packet[2], packet[3]])), packet.len());
            // A sum over a header with its checksum is zero.
            assert_eq!(checksum(&packet[..20]), 0);
            let mut pseudo = packet[12..20].to_vec();
            pseudo.extend([0, 17]);
            pseudo.extend(&packet[24..26]);
            pseudo.extend(&packet[20..]);
            assert_eq!(checksum(&pseudo), 0);
            assert_eq!(&packet[28..], payload);
        }
    }
}
