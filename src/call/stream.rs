//! Coded units to RTP packets and back: sequence numbers and timestamps (RFC 3550, section 5.1).

use super::chance;
use crate::codec::{Settings, Unit};
use crate::error::Result;
use crate::media::Pcm;
use crate::peer::Peers;
use crate::peer::sim::Outgoing;
use crate::plan::Case;
use crate::playout::audio::Packet;
use crate::units::Time;

/// Numbers and stamps coded units as RTP packets.
pub(super) struct Sender {
    pub units: Vec<Unit>,
    sent: usize,
    pub first_sequence: u16,
    first_timestamp: u32,
    clock_rate: u32,
    /// The last frame gave no packet: the next one starts a talkspurt (RFC 3551, section 4.1).
    silent: bool,
}

impl Sender {
    pub fn new(case: &Case, clock_rate: u32) -> Sender {
        // Random start values (RFC 3550, section 5.1), but from the seed.
        let start = chance(case).draw("rtp", &[]);
        Sender {
            units: Vec::new(),
            sent: 0,
            first_sequence: start as u16,
            first_timestamp: (start >> 16) as u32,
            clock_rate,
            silent: true,
        }
    }

    pub fn send(&mut self, sim: &mut Peers, now: Time) -> Result<()> {
        let nothing = self.sent == self.units.len();
        for unit in &self.units[self.sent..] {
            let ticks = (u128::from(unit.pts.0) * u128::from(self.clock_rate) + 500_000_000) / 1_000_000_000;
            let packet = Outgoing {
                sequence: self.first_sequence.wrapping_add(self.sent as u16),
                timestamp: self.first_timestamp.wrapping_add(ticks as u32),
                marker: std::mem::take(&mut self.silent),
                payload: unit.data.clone(),
            };
            sim.send(now, packet)?;
            self.sent += 1;
        }
        self.silent = nothing;
        Ok(())
    }
}

/// Unwraps sequence numbers and timestamps at the receiver.
pub(super) struct Unwrap {
    sequence: i64,
    timestamp: i64,
    last_sequence: u16,
    last_timestamp: u32,
    clock_rate: i64,
    sample_rate: i64,
}

impl Unwrap {
    pub fn new(sender: &Sender, settings: &Settings<Pcm>, clock_rate: u32) -> Unwrap {
        Unwrap {
            sequence: 0,
            timestamp: 0,
            last_sequence: sender.first_sequence,
            last_timestamp: sender.first_timestamp,
            clock_rate: i64::from(clock_rate),
            sample_rate: i64::from(settings.format.sample_rate),
        }
    }

    pub fn packet(&mut self, arrival: crate::peer::sim::Arrival) -> Packet {
        self.sequence += i64::from(arrival.sequence.wrapping_sub(self.last_sequence) as i16);
        self.timestamp += i64::from(arrival.timestamp.wrapping_sub(self.last_timestamp) as i32);
        (self.last_sequence, self.last_timestamp) = (arrival.sequence, arrival.timestamp);
        Packet {
            at: arrival.at,
            sequence: self.sequence,
            position: (self.timestamp * self.sample_rate + self.clock_rate / 2) / self.clock_rate,
            payload: arrival.payload,
            redundant: false,
        }
    }
}
