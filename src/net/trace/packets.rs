//! Packets of a pcap or pcapng file, down to the payload of UDP.

use pcap_parser::pcapng::{Block, parse_block_be, parse_block_le};
use pcap_parser::traits::PcapNGPacketBlock;
use pcap_parser::{parse_pcap_frame, parse_pcap_frame_be, parse_pcap_frame_modified, parse_pcap_header};

/// One captured UDP datagram.
#[derive(Clone, Copy, Debug)]
pub(super) struct Datagram<'a> {
    /// Nanoseconds since the epoch.
    pub at: i128,
    /// Where it was captured.
    pub interface: u32,
    pub payload: &'a [u8],
}

/// By the magic numbers of pcap (micro- and nanoseconds, modified, both byte orders) and of pcapng's section header.
pub(super) fn is_capture(data: &[u8]) -> bool {
    const MAGIC: [u32; 4] = [0xA1B2_C3D4, 0xA1B2_3C4D, 0xA1B2_CD34, 0x0A0D_0D0A];
    let Some(first) = data.first_chunk::<4>() else { return false };
    MAGIC.contains(&u32::from_be_bytes(*first)) || MAGIC.contains(&u32::from_le_bytes(*first))
}

/// All UDP datagrams, in the order of the file, and the number of all packets. What is no UDP over IP is left out.
pub(super) fn datagrams(data: &[u8]) -> Result<(Vec<Datagram<'_>>, usize), String> {
    let section = data.starts_with(&0x0A0D_0D0A_u32.to_be_bytes());
    if section { pcapng(data) } else { pcap(data) }
}

type Found<'a> = Result<(Vec<Datagram<'a>>, usize), String>;

fn pcap(data: &[u8]) -> Found<'_> {
    let (mut rest, header) = parse_pcap_header(data).map_err(|_| "the pcap header is cut or damaged".to_owned())?;
    let parse = match (header.is_modified_format(), header.is_bigendian()) {
        (true, _) => parse_pcap_frame_modified,
        (false, true) => parse_pcap_frame_be,
        (false, false) => parse_pcap_frame,
    };
    let fraction = if header.is_nanosecond_precision() { 1 } else { 1000 };
    let (mut found, mut packets) = (Vec::new(), 0);
    while !rest.is_empty() {
        let (next, frame) = parse(rest).map_err(|e| damaged(packets, e.is_incomplete()))?;
        let at = i128::from(frame.ts_sec) * 1_000_000_000 + i128::from(frame.ts_usec) * fraction;
        let payload = udp(header.network.0, frame.data);
        found.extend(payload.map(|payload| Datagram { at, interface: 0, payload }));
        (packets, rest) = (packets + 1, next);
    }
    Ok((found, packets))
}

/// What a section's interface says of its packets.
struct Interface {
    link: i32,
    /// Time units per second.
    units: u64,
    /// Seconds to add.
    offset: i64,
}

fn pcapng(data: &[u8]) -> Found<'_> {
    let (mut found, mut packets, mut rest) = (Vec::new(), 0, data);
    let mut big = false;
    // Interfaces count anew in every section; `first` keeps them apart.
    let (mut interfaces, mut first): (Vec<Interface>, u32) = (Vec::new(), 0);
    while !rest.is_empty() {
        // The byte order magic comes after the type, which reads the same either way, and the length.
        if rest.starts_with(&0x0A0D_0D0A_u32.to_be_bytes()) {
            big = rest.get(8..12) == Some(&0x1A2B_3C4D_u32.to_be_bytes());
        }
        let parsed = if big { parse_block_be(rest) } else { parse_block_le(rest) };
        let (next, block) = parsed.map_err(|e| damaged(packets, e.is_incomplete()))?;
        match block {
            Block::SectionHeader(_) => {
                first += interfaces.len() as u32;
                interfaces.clear();
            }
            Block::InterfaceDescription(about) => {
                let units = about.ts_resolution().filter(|units| *units > 0);
                let units = units.ok_or("an interface of the capture has an impossible time resolution")?;
                interfaces.push(Interface { link: about.linktype.0, units, offset: about.ts_offset() });
            }
            Block::EnhancedPacket(packet) => {
                packets += 1;
                let interface = interfaces.get(packet.if_id as usize);
                let interface = interface
                    .ok_or(format!("packet {packets} names the interface {}, which is not there", packet.if_id))?;
                let ticks = i128::from(packet.ts_high) << 32 | i128::from(packet.ts_low);
                let at =
                    i128::from(interface.offset) * 1_000_000_000 + ticks * 1_000_000_000 / i128::from(interface.units);
                let length = (packet.caplen as usize).min(packet.data.len());
                let payload = udp(interface.link, &packet.data[..length]);
                found.extend(payload.map(|payload| Datagram { at, interface: first + packet.if_id, payload }));
            }
            // Simple packets have no time.
            _ => packets += usize::from(matches!(block, Block::SimplePacket(ref p) if !p.packet_data().is_empty())),
        }
        rest = next;
    }
    Ok((found, packets))
}

fn damaged(packets: usize, cut: bool) -> String {
    let how = if cut { "is cut" } else { "is damaged" };
    format!("the capture {how} after {packets} packets")
}

/// The payload of UDP over IP over a link of that type (tcpdump.org's LINKTYPE_ numbers).
fn udp(link: i32, frame: &[u8]) -> Option<&[u8]> {
    match link {
        // Ethernet; with 802.1Q and 802.1ad tags.
        1 => {
            let (mut kind, mut rest) = (be16(frame, 12)?, frame.get(14..)?);
            while matches!(kind, 0x8100 | 0x88A8) {
                (kind, rest) = (be16(rest, 2)?, rest.get(4..)?);
            }
            matches!(kind, 0x0800 | 0x86DD).then(|| ip(rest))?
        }
        // Loopback, of BSD and OpenBSD: an address family, then IP.
        0 | 108 => ip(frame.get(4..)?),
        // Raw IP, under its numbers of several systems; IPv4 and IPv6 alone.
        12 | 14 | 101 | 228 | 229 => ip(frame),
        // Linux cooked, version 1 and 2.
        113 => matches!(be16(frame, 14)?, 0x0800 | 0x86DD).then(|| ip(frame.get(16..)?))?,
        276 => matches!(be16(frame, 0)?, 0x0800 | 0x86DD).then(|| ip(frame.get(20..)?))?,
        _ => None,
    }
}

fn ip(packet: &[u8]) -> Option<&[u8]> {
    const UDP: u8 = 17;
    let datagram = match packet.first()? >> 4 {
        4 => {
            let header = usize::from(packet[0] & 15) * 4;
            // Of a fragmented datagram only the first has a UDP header.
            let later_fragment = be16(packet, 6)? & 0x1FFF != 0;
            let whole = (be16(packet, 2)? as usize).clamp(header, packet.len().max(header));
            (*packet.get(9)? == UDP && !later_fragment).then(|| packet.get(header..whole))??
        }
        6 => {
            let (mut kind, mut rest) = (*packet.get(6)?, packet.get(40..)?);
            loop {
                let length = match kind {
                    UDP => break rest,
                    // Hop-by-hop, routing and destination options.
                    0 | 43 | 60 => 8 + 8 * usize::from(*rest.get(1)?),
                    44 if be16(rest, 2)? >> 3 == 0 => 8,
                    _ => return None,
                };
                (kind, rest) = (*rest.first()?, rest.get(length..)?);
            }
        }
        _ => return None,
    };
    let length = (be16(datagram, 4)? as usize).clamp(8, datagram.len().max(8));
    datagram.get(8..length)
}

fn be16(data: &[u8], at: usize) -> Option<u16> {
    data.get(at..at + 2).map(|b| u16::from_be_bytes([b[0], b[1]]))
}
