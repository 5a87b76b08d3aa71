//! The packets that wait, their decoder, and what is decoded but not yet played.

use super::api::{Origin, Packet, Played, Stretch, TICK, Tick};
use crate::codec::{Decoder, Input};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// When a receiver plays what: it drives its [`Buffer`].
pub(super) trait Control: Send {
    /// Takes in what has arrived by `now`, and decodes, recovers or conceals until there is sound for `tick` samples.
    ///
    /// # Errors
    /// The decoder's.
    fn fill(&mut self, buffer: &mut Buffer, now: Time, tick: usize) -> Result<Filled>;
}

/// What a [`Control`] says of a tick; see [`Tick`].
pub(super) struct Filled {
    pub target: Duration,
    pub held: Option<Duration>,
}

/// Packets go in as they arrive, sound comes out at its end; when what is decoded is its [`Control`]'s to say.
pub(super) struct Buffer {
    pub format: PcmFormat,
    /// The media position that the next decoded sample has.
    pub next: i64,
    /// Samples made up (or left out in a pause) since the last real sound, by which `next` runs ahead.
    pub made: usize,
    /// What the last decoded packet had, per channel.
    pub last_samples: usize,
    /// What is to be played next.
    pub decoded: Pcm,
    /// What was played.
    pub heard: Pcm,
    /// Where what was decoded came from.
    pub stretches: Vec<Stretch>,
    decoder: Box<dyn Decoder<Pcm>>,
    /// Not yet arrived, in order of arrival.
    pending: VecDeque<Packet>,
    /// Those that wait, by position.
    packets: BTreeMap<i64, Packet>,
    last_sequence: Option<i64>,
    /// Places in `decoded` (samples per channel from its start) where so much media is left out, or repeated if
    /// negative.
    splices: VecDeque<(i64, i64)>,
    /// Sequence numbers that were there in time, or were late and have been counted.
    known: BTreeSet<i64>,
    late: Vec<i64>,
    played: BTreeSet<i64>,
}

impl Buffer {
    pub fn new(format: PcmFormat, decoder: Box<dyn Decoder<Pcm>>) -> Buffer {
        Buffer {
            format,
            next: 0,
            made: 0,
            last_samples: format.samples(TICK),
            decoded: Pcm { format, samples: Vec::new() },
            heard: Pcm { format, samples: Vec::new() },
            stretches: Vec::new(),
            decoder,
            pending: VecDeque::new(),
            packets: BTreeMap::new(),
            last_sequence: None,
            splices: VecDeque::new(),
            known: BTreeSet::new(),
            late: Vec::new(),
            played: BTreeSet::new(),
        }
    }

    /// Takes a packet that arrives later on.
    pub fn expect(&mut self, packet: Packet) {
        self.pending.push_back(packet);
    }

    /// The media position that will be heard next.
    pub fn position(&self) -> i64 {
        self.next - self.decoded.len() as i64 - self.splices.iter().map(|s| s.1).sum::<i64>()
    }

    /// The media position up to which real sound was played: what lies behind it is too late.
    pub fn reached(&self) -> i64 {
        self.next - self.made as i64
    }

    /// Samples per channel that wait: decoded ones, and those of the packets in the buffer.
    pub fn held(&self) -> usize {
        self.decoded.len() + self.packets.len() * self.last_samples
    }

    /// Takes in what has arrived by `now`; what should have been played before is late, unless it was there before. Each
    /// packet is shown to `arrived`, and whether it is the first with its number.
    pub fn admit(&mut self, now: Time, mut arrived: impl FnMut(&Packet, bool)) {
        while self.pending.front().is_some_and(|p| p.at <= now) {
            let Some(packet) = self.pending.pop_front() else { return };
            let fresh = !self.known.contains(&packet.sequence);
            arrived(&packet, fresh);
            if packet.position < self.reached() {
                if fresh {
                    self.late.push(packet.sequence);
                    self.known.insert(packet.sequence);
                }
            } else {
                self.known.insert(packet.sequence);
                let there = self.packets.get(&packet.position);
                if there.is_none_or(|other| other.redundant && !packet.redundant) {
                    self.packets.insert(packet.position, packet);
                }
            }
        }
        while self.known.len() > 1000 {
            self.known.pop_first();
        }
    }

    /// The first packet in the buffer that is not overtaken: its position, and whether it follows the last one played.
    pub fn first(&mut self) -> Option<(i64, bool)> {
        while self.packets.first_key_value().is_some_and(|(position, _)| *position < self.reached()) {
            self.packets.pop_first();
        }
        let (position, packet) = self.packets.first_key_value()?;
        Some((*position, self.last_sequence.is_some_and(|last| packet.sequence == last + 1)))
    }

    /// Decodes the first packet in the buffer; conceals it if that is impossible. Returns the packet's size in bytes
    /// too.
    pub fn decode_first(&mut self) -> Result<(Origin, usize)> {
        let Some((_, packet)) = self.packets.pop_first() else {
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
    pub fn reach(&self) -> usize {
        let first = self.packets.first_key_value();
        first.map_or(0, |(_, packet)| self.format.samples(self.decoder.reach(&packet.payload)))
    }

    /// Recovers the stretch that begins `offset` samples before the first packet in the buffer: one packet's worth, or
    /// what is more than whole ones.
    pub fn recover(&mut self, offset: usize) -> Result<Origin> {
        let Some((_, packet)) = self.packets.first_key_value() else { return self.conceal(offset) };
        let missing = match offset % self.last_samples {
            0 => self.last_samples,
            rest => rest,
        };
        let (offset, missing) = (self.format.duration(offset), self.format.duration(missing));
        self.decoder.decode(Input::Recover { from: &packet.payload, offset, missing }, &mut self.decoded)?;
        Ok(Origin::Recovered)
    }

    pub fn conceal(&mut self, samples: usize) -> Result<Origin> {
        self.decoder.decode(Input::Lost(self.format.duration(samples)), &mut self.decoded)?;
        Ok(Origin::Concealed)
    }

    /// Whether no packet waits.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// How long the first packet has waited.
    pub fn waited(&self, now: Time) -> Duration {
        self.packets.first_key_value().map_or(Duration::ZERO, |(_, packet)| now.since(packet.at))
    }

    /// Takes note of where the last `samples` of what is decoded came from.
    pub fn note(&mut self, samples: usize, origin: Origin) {
        self.stretches.push(Stretch { position: self.next, samples, origin });
        self.next += samples as i64;
    }

    /// What is decoded next lies `samples` further on than what was decoded last.
    pub fn leap(&mut self, samples: i64) {
        if samples != 0 && !self.decoded.is_empty() {
            self.splices.push_back((self.decoded.len() as i64, samples));
        }
        self.next += samples;
    }

    /// Puts scaled sound in the place of the first `ahead` decoded samples: at `place`, counted from the first (and negative
    /// where that was played already), so much media is left out, or repeated if negative.
    pub fn replace(&mut self, ahead: usize, scaled: &[i16], place: i64, change: i64) {
        let channels = self.format.channels as usize;
        self.decoded.samples.splice(..ahead * channels, scaled.iter().copied());
        let later = self.splices.iter().position(|s| s.0 > place).unwrap_or(self.splices.len());
        self.splices.insert(later, (place, change));
    }

    /// The last `length_ms` before place `from` of what is decoded; less, where there is not so much.
    pub fn past(&self, from: usize, length_ms: usize) -> Vec<i16> {
        let channels = self.format.channels as usize;
        let wanted = self.format.sample_rate as usize * length_ms / 1000 * channels;
        let queued = &self.decoded.samples[..from * channels];
        let played = wanted.saturating_sub(queued.len()).min(self.heard.samples.len());
        let mut past = self.heard.samples[self.heard.samples.len() - played..].to_vec();
        past.extend_from_slice(queued);
        past
    }

    /// Plays the first `tick` decoded samples.
    pub fn play(&mut self, tick: usize) {
        self.heard.samples.extend(self.decoded.samples.drain(..tick * self.format.channels as usize));
        self.splices.iter_mut().for_each(|s| s.0 -= tick as i64);
        while self.splices.front().is_some_and(|s| s.0 <= 0) {
            self.splices.pop_front();
        }
    }

    /// What was played at these ticks.
    pub fn finish(self, ticks: Vec<Tick>) -> Played {
        Played { heard: self.heard, ticks, stretches: self.stretches, late: self.late, played: self.played }
    }
}
