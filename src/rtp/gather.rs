//! From packets in any order to the packets of whole pictures.

use super::api::{Depacketizer, Frame, VideoPacket};
use crate::units::Time;
use std::collections::BTreeMap;

/// How many sequence numbers behind the newest a packet is still of use; what libwebrtc's packet buffer holds at most.
const REACH: i64 = 2048;

/// What one packet shows of its place in the picture.
#[derive(Clone, Copy, Debug)]
pub(in crate::rtp) struct Head {
    /// It begins a picture. `None`: the packet does not tell; it does if the one before is of another timestamp.
    pub start: Option<bool>,
    /// It ends the picture.
    pub end: bool,
    /// It is of a key picture.
    pub key: bool,
}

/// The packets of one picture, none missing, in order.
pub(in crate::rtp) struct Whole {
    pub packets: Vec<VideoPacket>,
    /// Unwrapped sequence numbers.
    pub first: i64,
    pub last: i64,
    /// Unwrapped.
    pub timestamp: i64,
}

impl Whole {
    /// A frame without id and references.
    pub fn frame(&self, key: bool, data: Vec<u8>) -> Frame {
        let times = self.packets.iter().map(|p| p.at);
        Frame {
            id: 0,
            timestamp: self.timestamp,
            key,
            layer: 0,
            depends_on: Vec::new(),
            data,
            bytes: self.packets.iter().map(|p| p.payload.len()).sum(),
            first_at: times.clone().min().unwrap_or(Time::ZERO),
            at: times.max().unwrap_or(Time::ZERO),
            retransmitted: self.packets.iter().any(|p| p.retransmitted),
        }
    }

    /// The frame when nothing says what it refers to: the picture whose last packet came just before, and so on (what
    /// libwebrtc does by sequence number alone).
    pub fn in_a_row(&self, key: bool, data: Vec<u8>) -> Option<Frame> {
        let mut frame = self.frame(key, data);
        frame.id = u64::try_from(self.last).ok()?;
        if !key {
            frame.depends_on = vec![u64::try_from(self.first - 1).ok()?];
        }
        Some(frame)
    }
}

/// What a payload format knows.
pub(in crate::rtp) trait Format: Send {
    /// `None`: not of the format.
    fn head(&self, packet: &VideoPacket) -> Option<Head>;

    /// Joins a picture; appends it, and those that have waited for it.
    fn join(&mut self, whole: Whole, out: &mut Vec<Frame>);
}

/// Gathers packets until pictures are whole.
pub(in crate::rtp) struct Gather<F> {
    format: F,
    sequences: Unwrap<16>,
    timestamps: Unwrap<32>,
    held: BTreeMap<i64, Held>,
    /// Timestamp of the newest key picture that showed itself.
    key: Option<u32>,
}

struct Held {
    timestamp: u32,
    /// `None`: it has gone into a picture.
    packet: Option<(VideoPacket, Head)>,
}

impl<F: Format> Gather<F> {
    pub fn new(format: F) -> Gather<F> {
        Gather { format, sequences: Unwrap::new(), timestamps: Unwrap::new(), held: BTreeMap::new(), key: None }
    }

    /// The first and last sequence number of the picture that `sequence` is in the midst of, if it is whole.
    fn whole(&self, sequence: i64) -> Option<(i64, i64)> {
        let timestamp = self.held.get(&sequence)?.timestamp;
        let head = |s: i64| {
            let held = self.held.get(&s).filter(|h| h.timestamp == timestamp)?;
            held.packet.as_ref().map(|(_, head)| *head)
        };
        let starts = |s: i64, head: Head| {
            let before = || self.held.get(&(s - 1)).is_some_and(|before| before.timestamp != timestamp);
            head.start.unwrap_or_else(before)
        };
        let (mut first, mut last) = (sequence, sequence);
        while !starts(first, head(first)?) {
            first -= 1;
            if head(first)?.end {
                return None;
            }
        }
        while !head(last)?.end {
            last += 1;
            if head(last)?.start == Some(true) {
                return None;
            }
        }
        Some((first, last))
    }

    fn join(&mut self, first: i64, last: i64, out: &mut Vec<Frame>) {
        let taken = self.held.range_mut(first..=last).filter_map(|(_, held)| held.packet.take());
        let packets: Vec<VideoPacket> = taken.map(|(packet, _)| packet).collect();
        let Some(timestamp) = packets.first().map(|p| self.timestamps.next(p.timestamp.into())) else { return };
        self.format.join(Whole { packets, first, last, timestamp }, out);
    }
}

impl<F: Format> Depacketizer for Gather<F> {
    fn insert(&mut self, packet: VideoPacket, out: &mut Vec<Frame>) -> bool {
        let Some(head) = self.format.head(&packet) else { return false };
        let timestamp = packet.timestamp;
        if head.key {
            self.key = Some(timestamp);
        }
        let of_key = self.key == Some(timestamp);
        let (sequence, newest) = self.sequences.next_of(packet.sequence.into());
        if sequence <= newest - REACH || self.held.contains_key(&sequence) {
            return of_key;
        }
        self.held.insert(sequence, Held { timestamp, packet: Some((packet, head)) });
        while self.held.first_key_value().is_some_and(|(s, _)| *s <= newest - REACH) {
            self.held.pop_first();
        }
        // Where packets do not tell, this one may show that the next begins a picture.
        for place in [sequence, sequence + 1] {
            if let Some((first, last)) = self.whole(place) {
                self.join(first, last, out);
            }
        }
        of_key
    }
}

/// Unwraps numbers of `BITS` bits: each is taken to be the nearest to the newest so far. The first stays as it is.
#[derive(Clone, Debug, Default)]
pub(in crate::rtp) struct Unwrap<const BITS: u32>(Option<i64>);

impl<const BITS: u32> Unwrap<BITS> {
    pub fn new() -> Unwrap<BITS> {
        Unwrap(None)
    }

    pub fn next(&mut self, number: i64) -> i64 {
        self.next_of(number).0
    }

    /// The unwrapped number, and the newest of all.
    pub fn next_of(&mut self, number: i64) -> (i64, i64) {
        let Some(newest) = self.0 else {
            self.0 = Some(number);
            return (number, number);
        };
        let (size, half) = (1 << BITS, 1 << (BITS - 1));
        let unwrapped = newest + (number - newest + half).rem_euclid(size) - half;
        let newest = newest.max(unwrapped);
        self.0 = Some(newest);
        (unwrapped, newest)
    }
}
