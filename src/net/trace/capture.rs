//! The network that a captured RTP stream met: one fate per packet, in the order of its sequence numbers.
//!
//! The stream is the SSRC with the most packets. Seen on one interface, a packet's delay is its arrival less its RTP
//! timestamp's time, less the smallest of all: what the path had above its best. (Clocks that run apart show as a slow
//! slope.) Seen on two, as in the captures of [`crate::net::pcapng`], the delay is the true one between them. A number
//! that is missing is a lost packet.

use super::kind::{Kind, LONGEST};
use super::packets::{Datagram, datagrams};
use super::rtp::{Header, Placed, clock_rate, header, ticks_per_packet, unwrap};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the sender captured, or nothing, and what the receiver did.
type Sides = (Option<Vec<(i128, Header)>>, Vec<(i128, Header)>);

pub(super) fn read(data: &[u8]) -> Result<Kind, String> {
    let (datagrams, packets) = datagrams(data)?;
    let (sent, arrived) = stream(&datagrams).ok_or_else(|| {
        let udp = datagrams.len();
        format!("no RTP stream of two packets or more: {packets} packets, {udp} of them UDP over IP")
    })?;
    let ticks = ticks_per_packet(sent.as_ref().unwrap_or(&arrived));
    match sent {
        Some(sent) => between(&unwrap(&sent, ticks), &arrived),
        None => alone(&unwrap(&arrived, ticks), ticks),
    }
}

/// The busiest stream, by interface. Of more than two the first and the last are taken.
fn stream(datagrams: &[Datagram]) -> Option<Sides> {
    let mut streams: BTreeMap<u32, BTreeMap<u32, Vec<(i128, Header)>>> = BTreeMap::new();
    for d in datagrams {
        if let Some(header) = header(d.payload) {
            streams.entry(header.ssrc).or_default().entry(d.interface).or_default().push((d.at, header));
        }
    }
    let packets = |side: &BTreeMap<u32, Vec<_>>| side.values().map(Vec::len).max().unwrap_or(0);
    // Of equally busy ones the least SSRC.
    let (_, sides) = streams.into_iter().max_by_key(|(ssrc, s)| (packets(s), std::cmp::Reverse(*ssrc)))?;
    let mut sides: Vec<Vec<(i128, Header)>> = sides.into_values().collect();
    // In order of arrival; a file need not be.
    sides.iter_mut().for_each(|s| s.sort_by_key(|(at, _)| *at));
    sides.sort_by_key(|s| s[0].0);
    let last = sides.pop().filter(|s| s.len() >= 2 || sides.iter().any(|s| s.len() >= 2))?;
    Some((sides.into_iter().next(), last))
}

/// Sent here, arrived there.
fn between(sent: &[Placed], arrived: &[(i128, Header)]) -> Result<Kind, String> {
    let sent = in_sequence(sent);
    // A number comes again after 65536 packets: of those sent before the arrival, the last is meant.
    let mut sendings: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    sent.iter().enumerate().for_each(|(place, p)| sendings.entry(p.number).or_default().push(place));
    let mut fates: Vec<Option<i128>> = vec![None; sent.len()];
    for (at, header) in arrived {
        let places = sendings.get(&header.sequence).into_iter().flatten();
        if let Some(place) = places.rev().find(|place| sent[**place].at <= *at) {
            // Of a packet that came twice the first counts.
            fates[*place].get_or_insert(at - sent[*place].at);
        }
    }
    if fates.iter().all(Option::is_none) {
        return Err("of the packets on the one interface none comes later on the other".into());
    }
    let mut gaps: Vec<i128> = sent.windows(2).map(|w| w[1].at - w[0].at).filter(|gap| *gap > 0).collect();
    gaps.sort_unstable();
    kind(gaps.get(gaps.len() / 2).copied(), fates)
}

/// Arrivals alone. `ticks`: of the RTP clock, between two packets.
fn alone(arrived: &[Placed], ticks: i64) -> Result<Kind, String> {
    let clock = i128::from(clock_rate(arrived)?);
    let delay = |p: &Placed| p.at - i128::from(p.timestamp) * 1_000_000_000 / clock;
    let least = arrived.iter().map(delay).min().unwrap_or(0);
    let packets = in_sequence(arrived);
    let (Some(first), Some(last)) = (packets.first(), packets.last()) else { return Err("no packets".into()) };
    let numbers = last.sequence - first.sequence + 1;
    let mut fates = vec![None; usize::try_from(numbers).unwrap_or(0)];
    packets.iter().for_each(|p| fates[(p.sequence - first.sequence) as usize] = Some(delay(p) - least));
    // Frames of video share a timestamp over several packets.
    let mean = || (last.at - first.at) / i128::from(numbers - 1).max(1);
    let step = if ticks > 0 { i128::from(ticks) * 1_000_000_000 / clock } else { mean() };
    kind(Some(step), fates)
}

/// By their numbers, each once: the first to arrive.
fn in_sequence(packets: &[Placed]) -> Vec<Placed> {
    let mut packets = packets.to_vec();
    packets.sort_by_key(|p| (p.sequence, p.at));
    packets.dedup_by_key(|p| p.sequence);
    packets
}

/// In nanoseconds.
fn kind(step: Option<i128>, fates: Vec<Option<i128>>) -> Result<Kind, String> {
    let nanos = |ns: i128| u64::try_from(ns).map(Duration::from_nanos).ok();
    let fate = |(n, fate): (usize, Option<i128>)| match fate {
        None => Ok(None),
        Some(ns) => nanos(ns).filter(|d| *d <= LONGEST).map(Some).ok_or_else(|| {
            let (seconds, most) = (ns as f64 / 1e9, LONGEST.as_secs());
            format!("packet {} of the RTP stream is {seconds:.1} s late; at most {most} s are replayed", n + 1)
        }),
    };
    let fates = fates.into_iter().enumerate().map(fate).collect::<Result<_, _>>()?;
    let step = step.and_then(nanos).filter(|d| !d.is_zero() && *d <= LONGEST);
    Ok(Kind::Fates { step: step.ok_or("the packets of the RTP stream have no time between them")?, fates })
}
