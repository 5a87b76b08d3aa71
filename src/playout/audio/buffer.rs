//! The packets that wait, their decoder, and what is decoded but not yet played.

use super::api::{Origin, Packet, Stretch, Tick};
use super::delay_manager::{DelayManager, LevelFilter};
use super::merge::Continuation;
use crate::codec::{Decoder, Input};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::playout::receiver::Receiver;
use crate::units::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A running receiver.
pub struct Playout {
    pub(super) receiver: Receiver,
    pub(super) format: PcmFormat,
    pub(super) decoder: Box<dyn Decoder<Pcm>>,
    /// Until when a fixed receiver looks for the fastest packet.
    pub(super) settle_until: Time,
    pub(super) settled: bool,
    /// Arrival minus media time of the fastest packet, in samples.
    pub(super) fastest: Option<i64>,
    pub(super) adaptive: Adaptive,
    /// Not yet arrived, in order of arrival.
    pub(super) pending: VecDeque<Packet>,
    pub(super) buffer: BTreeMap<i64, Packet>,
    pub(super) next_pull: Option<Time>,
    /// The media position that the next decoded sample has.
    pub(super) next: i64,
    pub(super) last_sequence: Option<i64>,
    pub(super) last_samples: usize,
    pub(super) decoded: Pcm,
    /// Places in `decoded` (samples per channel from its start) where so much media is left out, or repeated if
    /// negative.
    pub(super) splices: VecDeque<(i64, i64)>,
    pub(super) heard: Pcm,
    pub(super) ticks: Vec<Tick>,
    pub(super) stretches: Vec<Stretch>,
    /// Sequence numbers that were there in time, or were late and have been counted.
    pub(super) known: BTreeSet<i64>,
    pub(super) late: Vec<i64>,
    pub(super) played: BTreeSet<i64>,
}

/// The state of the adaptive receiver.
#[derive(Default)]
pub(super) struct Adaptive {
    pub delay: DelayManager,
    pub level: LevelFilter,
    /// The smoothed level of the tick before, in ms.
    pub last_level: f64,
    /// Samples made up (or left out in a pause) since the last real sound, by which `Playout::next` runs ahead.
    pub made: usize,
    /// The first of the stretches made since.
    pub made_from: usize,
    /// The sender is silent.
    pub silent: bool,
    /// The next real sound needs a join.
    pub seam: bool,
    pub own: Option<Continuation>,
    pub rest: u32,
    /// Mean square of the loudest and the softest tick, each forgetting.
    pub loudest: f64,
    pub softest: f64,
}

impl Playout {
    /// The media position up to which real sound was played: what lies behind it is too late.
    pub(super) fn reached(&self) -> i64 {
        self.next - self.adaptive.made as i64
    }

    /// Samples per channel that wait: decoded ones, and those of the packets in the buffer.
    pub(super) fn held(&self) -> usize {
        self.decoded.len() + self.buffer.len() * self.last_samples
    }

    /// Takes in what has arrived by `now`; what should have been played before is late, unless it was there before.
    pub(super) fn admit(&mut self, now: Time) {
        while self.pending.front().is_some_and(|p| p.at <= now) {
            let Some(packet) = self.pending.pop_front() else { return };
            let transit = self.format.samples(packet.at.since(Time::ZERO)) as i64 - packet.position;
            self.fastest = Some(self.fastest.map_or(transit, |f| f.min(transit)));
            let fresh = !self.known.contains(&packet.sequence);
            if fresh && !packet.redundant && matches!(self.receiver, Receiver::Adaptive { .. }) {
                let media_ms = packet.position as f64 * 1000.0 / f64::from(self.format.sample_rate);
                self.adaptive.delay.arrived(packet.at, media_ms);
            }
            if packet.position < self.reached() {
                if fresh {
                    self.late.push(packet.sequence);
                    self.known.insert(packet.sequence);
                }
            } else {
                self.known.insert(packet.sequence);
                let there = self.buffer.get(&packet.position);
                if there.is_none_or(|other| other.redundant && !packet.redundant) {
                    self.buffer.insert(packet.position, packet);
                }
            }
        }
        while self.known.len() > 1000 {
            self.known.pop_first();
        }
    }

    /// The first packet in the buffer that is not overtaken: its position, and whether it follows the last one played.
    pub(super) fn first(&mut self) -> Option<(i64, bool)> {
        while self.buffer.first_key_value().is_some_and(|(position, _)| *position < self.reached()) {
            self.buffer.pop_first();
        }
        let (position, packet) = self.buffer.first_key_value()?;
        Some((*position, self.last_sequence.is_some_and(|last| packet.sequence == last + 1)))
    }

    /// Decodes the first packet in the buffer; conceals it if that is impossible. Returns the packet's size in bytes
    /// too.
    pub(super) fn decode_first(&mut self) -> Result<(Origin, usize)> {
        let Some((_, packet)) = self.buffer.pop_first() else {
            return Ok((self.conceal(self.last_samples)?, 0));
        };
        self.last_sequence = Some(packet.sequence);
        let before = self.decoded.samples.len();
        let origin = match self.decoder.decode(Input::Unit(&packet.payload), &mut self.decoded) {
            Ok(()) if self.decoded.samples.len() > before => {
                self.last_samples = (self.decoded.samples.len() - before) / self.format.channels as usize;
                self.played.insert(packet.sequence);
                Origin::Decoded
            }
            _ => {
                self.decoded.samples.truncate(before);
                self.conceal(self.last_samples)?
            }
        };
        Ok((origin, packet.payload.len()))
    }

    /// How far before the first packet in the buffer its redundancy reaches, in samples.
    pub(super) fn reach(&self) -> usize {
        let first = self.buffer.first_key_value();
        first.map_or(0, |(_, packet)| self.format.samples(self.decoder.reach(&packet.payload)))
    }

    /// Recovers the stretch that begins `offset` samples before the first packet in the buffer: one packet's worth, or
    /// what is more than whole ones.
    pub(super) fn recover(&mut self, offset: usize) -> Result<Origin> {
        let Some((_, packet)) = self.buffer.first_key_value() else { return self.conceal(offset) };
        let missing = match offset % self.last_samples {
            0 => self.last_samples,
            rest => rest,
        };
        let (offset, missing) = (self.format.duration(offset), self.format.duration(missing));
        self.decoder.decode(Input::Recover { from: &packet.payload, offset, missing }, &mut self.decoded)?;
        Ok(Origin::Recovered)
    }

    pub(super) fn conceal(&mut self, samples: usize) -> Result<Origin> {
        self.decoder.decode(Input::Lost(self.format.duration(samples)), &mut self.decoded)?;
        Ok(Origin::Concealed)
    }
}
