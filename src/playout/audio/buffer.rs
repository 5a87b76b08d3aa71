//! The packets that wait, their decoder, and what is decoded but not yet played.

use super::api::{Counters, Origin, Packet, Played, Stretch, TICK, Tick};
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

/// A packet that has just come.
pub(super) struct Arrived {
    pub position: i64,
    pub samples: usize,
    pub at: Time,
    /// Samples right before it that it carries as in-band FEC.
    pub fec: usize,
}

/// What can be decoded next: a packet, or what a packet carries of the media before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub position: i64,
    /// So many samples before its packet; 0: the packet itself.
    pub offset: usize,
    pub sequence: i64,
    /// When its packet came.
    pub at: Time,
    /// It carries no sound: the sender falls silent.
    pub dtx: bool,
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
    pub counters: Counters,
    /// Concealed samples that were counted and then not played.
    overcounted: i64,
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
            counters: Counters::default(),
            overcounted: 0,
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

    /// Takes in what has arrived by `now`, and says what; what should have been played before is late, unless it was there
    /// before.
    pub fn admit(&mut self, now: Time) -> Vec<Arrived> {
        let mut arrived = Vec::new();
        while let Some(packet) = self.pending.pop_front_if(|p| p.at <= now) {
            let samples = self.decoder.duration(&packet.payload).map(|d| self.format.samples(d));
            let fec = self.format.samples(self.decoder.fec(&packet.payload));
            self.counters.fec_packets_received += u64::from(fec > 0);
            let samples = samples.unwrap_or(self.last_samples);
            arrived.push(Arrived { position: packet.position, samples, at: packet.at, fec });
            let fresh = self.known.insert(packet.sequence);
            if packet.position < self.reached() {
                if fresh {
                    self.late.push(packet.sequence);
                }
                self.counters.packets_discarded += 1;
                continue;
            }
            let there = self.packets.get(&packet.position);
            self.counters.packets_discarded += u64::from(there.is_some());
            if there.is_none_or(|other| other.redundant && !packet.redundant) {
                self.packets.insert(packet.position, packet);
            }
        }
        while self.known.len() > 1000 {
            self.known.pop_first();
        }
        arrived
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

    /// Nothing is played for so long, and the decoder is not told.
    pub fn silence(&mut self, samples: usize) -> Origin {
        let end = self.decoded.samples.len() + samples * self.format.channels as usize;
        self.decoded.samples.resize(end, 0);
        Origin::Concealed
    }

    /// Whether no packet waits.
    pub fn is_empty(&self) -> bool {
        self.packets.is_empty()
    }

    /// What can be decoded next, from [`Buffer::reached`] on: the first packet, its in-band FEC, or what it carries further
    /// back; of that at most one packet before what is due, for what was long concealed must not be played late.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let (position, contiguous) = self.first()?;
        let packet = self.packets.get(&position)?;
        let missing = if contiguous { 0 } else { (position - self.reached()) as usize };
        let fec = self.format.samples(self.decoder.fec(&packet.payload));
        let due = (position - self.next + self.last_samples as i64).max(0) as usize;
        let deep = if missing > 0 { self.reach().min(missing).min(due) } else { 0 };
        let offset = match deep {
            deep if deep > self.last_samples => deep - deep % self.last_samples,
            _ if (1..=missing).contains(&fec) => fec,
            deep => deep,
        };
        Some(Frame {
            position: position - offset as i64,
            offset,
            sequence: packet.sequence,
            at: packet.at,
            dtx: offset == 0 && self.decoder.is_dtx(&packet.payload),
        })
    }

    /// Positions of the first and the last packet that wait, and when the last one came.
    pub fn span(&self) -> Option<(i64, i64, Time)> {
        let (first, _) = self.packets.first_key_value()?;
        let (last, packet) = self.packets.last_key_value()?;
        Some((*first, *last, packet.at))
    }

    /// Whether a packet waits that says that the sender falls silent.
    pub fn holds_dtx(&self) -> bool {
        self.packets.values().any(|packet| self.decoder.is_dtx(&packet.payload))
    }

    /// Takes note of where the last `samples` of what is decoded came from.
    pub fn note(&mut self, samples: usize, origin: Origin) {
        if origin == Origin::Concealed {
            self.correct_concealed(samples as i64);
            let goes_on = self.stretches.last().is_some_and(|s| s.origin == Origin::Concealed);
            self.counters.concealment_events += u64::from(!goes_on);
        }
        self.stretches.push(Stretch { position: self.next, samples, origin });
        self.next += samples as i64;
    }

    /// So many more samples were concealed; fewer, if negative, which is set off against later ones.
    pub fn correct_concealed(&mut self, change: i64) {
        let more = change - self.overcounted;
        self.overcounted = (-more).max(0);
        self.counters.concealed_samples += more.max(0) as u64;
    }

    /// What is decoded next lies `samples` further on than what was decoded last.
    pub fn leap(&mut self, samples: i64) {
        if samples != 0 && !self.decoded.is_empty() {
            self.splices.push_back((self.decoded.len() as i64, samples));
        }
        self.next += samples;
    }

    /// Puts `sound` (interleaved) in the place of the decoded samples from `from` on.
    pub fn replace(&mut self, from: usize, sound: &[i16]) {
        self.decoded.samples.truncate(from * self.format.channels as usize);
        self.decoded.samples.extend_from_slice(sound);
    }

    /// At `place` of what is decoded (samples per channel; negative where it was played already) so much media is left out,
    /// or repeated if negative.
    pub fn splice(&mut self, place: i64, change: i64) {
        let later = self.splices.iter().position(|s| s.0 > place).unwrap_or(self.splices.len());
        self.splices.insert(later, (place, change));
    }

    /// The last `samples` per channel of what is decoded, already played ones among them; silence before the first.
    pub fn tail(&self, samples: usize) -> Vec<i16> {
        let wanted = samples * self.format.channels as usize;
        let queued = wanted.min(self.decoded.samples.len());
        let played = (wanted - queued).min(self.heard.samples.len());
        let mut tail = vec![0; wanted - queued - played];
        tail.extend_from_slice(&self.heard.samples[self.heard.samples.len() - played..]);
        tail.extend_from_slice(&self.decoded.samples[self.decoded.samples.len() - queued..]);
        tail
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
