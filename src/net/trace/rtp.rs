//! RTP headers of a captured stream (RFC 3550, section 5.1), and its clock.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub ssrc: u32,
    pub payload_type: u8,
    pub sequence: u16,
    pub timestamp: u32,
}

/// `None`: not RTP. RTCP on the same port is told apart as RFC 5761, section 4 says; STUN and DTLS have another version.
pub(super) fn header(payload: &[u8]) -> Option<Header> {
    let fixed = payload.first_chunk::<12>()?;
    let rtcp = (192..=223).contains(&fixed[1]);
    (fixed[0] >> 6 == 2 && !rtcp).then(|| Header {
        payload_type: fixed[1] & 127,
        sequence: u16::from_be_bytes([fixed[2], fixed[3]]),
        timestamp: u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]),
        ssrc: u32::from_be_bytes([fixed[8], fixed[9], fixed[10], fixed[11]]),
    })
}

/// A packet of one stream, with its counters unwrapped; both begin near 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    /// Nanoseconds.
    pub at: i128,
    /// As it stands in the packet.
    pub number: u16,
    pub sequence: i64,
    pub timestamp: i64,
    pub payload_type: u8,
}

/// Unwraps the counters of a stream's packets, given in order of arrival. Where the sequence leaps as only a new start
/// does (RFC 3550, appendix A.1: more than 3000 ahead or 100 back), it goes on as if nothing was missing; `ticks` is
/// what lies between two packets then.
pub(super) fn unwrap(packets: &[(i128, Header)], ticks: i64) -> Vec<Placed> {
    const DROPOUT: i64 = 3000;
    const MISORDER: i64 = 100;
    let mut placed: Vec<Placed> = Vec::with_capacity(packets.len());
    // The newest packet so far, as it stands in the file and unwrapped.
    let mut newest: Option<(Header, Placed)> = None;
    for (at, header) in packets {
        let (sequence, timestamp) = newest.map_or((0, 0), |(seen, last)| {
            let ahead = i64::from(header.sequence.wrapping_sub(seen.sequence) as i16);
            let later = i64::from(header.timestamp.wrapping_sub(seen.timestamp) as i32);
            let new_start = !(-MISORDER..=DROPOUT).contains(&ahead);
            let (ahead, later) = if new_start { (1, ticks) } else { (ahead, later) };
            (last.sequence + ahead, last.timestamp + later)
        });
        let (number, payload_type) = (header.sequence, header.payload_type);
        let packet = Placed { at: *at, number, sequence, timestamp, payload_type };
        if newest.is_none_or(|(_, last)| sequence > last.sequence) {
            newest = Some((*header, packet));
        }
        placed.push(packet);
    }
    placed
}

/// The most frequent difference of timestamps between neighbours in sequence; 0 where there are none.
pub(super) fn ticks_per_packet(packets: &[(i128, Header)]) -> i64 {
    let mut count: BTreeMap<u32, usize> = BTreeMap::new();
    for pair in packets.windows(2) {
        let [(_, a), (_, b)] = pair else { continue };
        let later = b.timestamp.wrapping_sub(a.timestamp);
        if b.sequence == a.sequence.wrapping_add(1) && later < 1 << 30 {
            *count.entry(later).or_default() += 1;
        }
    }
    // Of equally frequent ones the smallest.
    count.into_iter().max_by_key(|(later, n)| (*n, std::cmp::Reverse(*later))).map_or(0, |(later, _)| i64::from(later))
}

/// The clock of the stream in Hz: of a static payload type the one that RFC 3551, section 6 gives it; else the usual
/// clock nearest to what timestamps grew by in the time of arrival.
pub(super) fn clock_rate(packets: &[Placed]) -> Result<u32, String> {
    const USUAL: [u32; 4] = [8_000, 16_000, 48_000, 90_000];
    const NEAR: f64 = 1.3;
    let mut types: BTreeMap<u8, usize> = BTreeMap::new();
    packets.iter().for_each(|p| *types.entry(p.payload_type).or_default() += 1);
    let most = types.into_iter().max_by_key(|(_, n)| *n).map_or(0, |(t, _)| t);
    match most {
        0 | 3..=5 | 7..=9 | 12 | 13 | 15 | 18 => return Ok(8_000),
        6 => return Ok(16_000),
        10 | 11 => return Ok(44_100),
        14 | 25 | 26 | 28 | 31..=34 => return Ok(90_000),
        _ => {}
    }
    let (Some(first), Some(last)) = (packets.first(), packets.last()) else { return Err("no packets".into()) };
    let seconds = (last.at - first.at) as f64 / 1e9;
    let rate = (last.timestamp - first.timestamp) as f64 / seconds;
    let off = |usual: &u32| (rate / f64::from(*usual)).ln().abs();
    let nearest = USUAL.into_iter().min_by(|a, b| off(a).total_cmp(&off(b)));
    nearest.filter(|usual| off(usual) < NEAR.ln()).ok_or_else(|| {
        format!(
            "the timestamps of RTP payload type {most} grow by {rate:.0} per second; known clocks are 8000, 16000, 48000, \
             90000 Hz"
        )
    })
}
