//! Coded units to RTP packets and back: sequence numbers and timestamps (RFC 3550, section 5.1), and the redundant copies
//! that packets carry of earlier ones (RED).

use crate::call::api::chance;
use crate::codec::{Settings, Unit};
use crate::error::Result;
use crate::media::Pcm;
use crate::peer::{Arrival, Outgoing, Peers, TrackSpec};
use crate::plan::Case;
use crate::playout::audio::Packet;
use crate::rtp::red::{self, Block};
use crate::rtp::turns::Turns;
use crate::units::{Bitrate, Time};
use std::collections::BTreeMap;
use std::time::Duration;

/// What RTP adds to a payload: its header (RFC 3550, section 5.1), and the extension with the transport-wide sequence
/// number (RFC 8285, section 4.2).
const RTP_BYTES: f64 = 12.0 + 8.0;

/// Numbers and stamps coded units as RTP packets.
pub(super) struct Sender {
    /// Its place among the tracks of the call.
    track: usize,
    pub units: Vec<Unit>,
    sent: usize,
    pub first_sequence: u16,
    first_timestamp: u32,
    clock_rate: u32,
    payload_type: u8,
    /// Earlier frames that a packet repeats.
    red: usize,
    /// Of each packet the bytes beyond its own frame: what it repeats, and the headers of that.
    pub copies: Vec<usize>,
    /// The last frame gave no packet: the next one starts a talkspurt (RFC 3551, section 4.1).
    silent: bool,
}

impl Sender {
    pub fn new(case: &Case, track: usize, spec: &TrackSpec) -> Sender {
        // Random start values (RFC 3550, section 5.1), but from the seed.
        let start = chance(case).draw("rtp", &[]);
        Sender {
            track,
            units: Vec::new(),
            sent: 0,
            first_sequence: start as u16,
            first_timestamp: (start >> 16) as u32,
            clock_rate: spec.clock_rate,
            payload_type: spec.payload_type,
            red: usize::from(case.request.repair.red),
            copies: Vec::new(),
            silent: true,
        }
    }

    pub fn send(&mut self, peers: &mut dyn Peers, now: Time) -> Result<()> {
        let nothing = self.sent == self.units.len();
        while self.sent < self.units.len() {
            let unit = &self.units[self.sent];
            let payload = if self.red > 0 { self.with_copies() } else { unit.data.clone() };
            self.copies.push(payload.len() - unit.data.len());
            let packet = Outgoing {
                sequence: self.first_sequence.wrapping_add(self.sent as u16),
                timestamp: self.timestamp(unit),
                marker: std::mem::take(&mut self.silent),
                payload,
                descriptor: None,
            };
            peers.send(now, self.track, packet)?;
            self.sent += 1;
        }
        self.silent = nothing;
        Ok(())
    }

    /// What congestion control's `allowed` leaves the codec: without RTP's headers, and shared with the copies.
    pub fn codec_share(&self, allowed: Bitrate, frame: Duration) -> Bitrate {
        let headers = 8.0 * RTP_BYTES / frame.as_secs_f64();
        Bitrate(((f64::from(allowed.0) - headers).max(0.0) / (1 + self.red) as f64) as u32)
    }

    /// What a codec of that bitrate takes of what congestion control allows: [`Sender::codec_share`] the other way round.
    pub fn call_share(&self, codec: Bitrate, frame: Duration) -> Bitrate {
        let headers = 8.0 * RTP_BYTES / frame.as_secs_f64();
        Bitrate((f64::from(codec.0) * (1 + self.red) as f64 + headers) as u32)
    }

    /// The payload of the packet at hand with copies of those before it.
    fn with_copies(&self) -> Vec<u8> {
        let block = |unit| Block { timestamp: self.timestamp(unit), data: &unit.data };
        let first = self.sent.saturating_sub(self.red);
        let earlier: Vec<Block> = self.units[first..self.sent].iter().map(block).collect();
        red::pack(self.payload_type, block(&self.units[self.sent]), &earlier)
    }

    fn timestamp(&self, unit: &Unit) -> u32 {
        let ticks = (u128::from(unit.pts.0) * u128::from(self.clock_rate) + 500_000_000) / 1_000_000_000;
        self.first_timestamp.wrapping_add(ticks as u32)
    }
}

/// How a frame first came to the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// In a packet of its own, be it the first or a retransmission.
    Itself,
    /// In a later packet.
    Copied,
    /// From a repair packet.
    Rebuilt,
}

/// Unwraps sequence numbers and timestamps at the receiver, and notes how each frame first came.
pub(super) struct Unwrap {
    turns: Turns,
    clock_rate: i64,
    sample_rate: i64,
    payload_type: u8,
    red: bool,
    /// By unwrapped sequence number.
    pub came: BTreeMap<i64, Came>,
}

impl Unwrap {
    pub fn new(sender: &Sender, settings: &Settings<Pcm>, track: &TrackSpec) -> Unwrap {
        Unwrap {
            turns: Turns::new(sender.first_sequence, sender.first_timestamp),
            clock_rate: i64::from(track.clock_rate),
            sample_rate: i64::from(settings.format.sample_rate),
            payload_type: track.payload_type,
            red: track.repair.red > 0,
            came: BTreeMap::new(),
        }
    }

    /// The frames in a packet: its own, then the copies of earlier ones backwards in time.
    pub fn packets(&mut self, arrival: &Arrival) -> Vec<Packet> {
        let (own_sequence, own_timestamp) = self.turns.count(arrival.sequence, arrival.timestamp);
        let own = Block { timestamp: arrival.timestamp, data: &arrival.payload };
        let blocks = match self.red {
            true => red::unpack(self.payload_type, arrival.timestamp, &arrival.payload).unwrap_or_default(),
            false => vec![own],
        };
        let mut packets = Vec::with_capacity(blocks.len());
        for (earlier, block) in (0..).zip(blocks.into_iter().rev()) {
            let sequence = own_sequence - earlier;
            let came = match earlier {
                _ if arrival.rebuilt => Came::Rebuilt,
                0 => Came::Itself,
                _ => Came::Copied,
            };
            self.came.entry(sequence).or_insert(came);
            let timestamp = own_timestamp - i64::from(arrival.timestamp.wrapping_sub(block.timestamp));
            packets.push(Packet {
                at: arrival.at,
                sequence,
                position: (timestamp * self.sample_rate + self.clock_rate / 2) / self.clock_rate,
                payload: block.data.to_vec(),
                redundant: came != Came::Itself,
            });
        }
        packets
    }
}
