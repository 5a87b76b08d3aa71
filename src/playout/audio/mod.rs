//! Audio playout: packets in as they arrive, 10 ms of sound out at every tick of the virtual sound card.
//!
//! A hole is filled from the redundancy of the next packet (in-band FEC, DRED) as far as that reaches, else concealed
//! by the decoder.

pub mod delay_manager;
mod fixed;
mod merge;
mod neteq;
pub mod time_stretch;

use crate::codec::{Decoder, Input};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use neteq::Adaptive;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub use super::receiver::Receiver;

/// What one pull gives.
pub const TICK: Duration = Duration::from_millis(10);

/// A packet at the receiver, its place in the stream already unwrapped.
#[derive(Clone, Debug)]
pub struct Packet {
    pub at: Time,
    pub sequence: i64,
    /// Sample position of its first sample, in the decoder's rate.
    pub position: i64,
    pub payload: Vec<u8>,
    /// A copy that came with a later packet (RED, RFC 2198) or was rebuilt: its arrival says nothing of the path's delay, and
    /// the packet itself takes its place if it comes in time. A retransmission is no copy in this sense.
    pub redundant: bool,
}

/// Where a stretch of played sound came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Decoded,
    /// From what a later packet carries of an earlier one: in-band FEC, DRED, RED.
    Recovered,
    /// Made up: the packet was lost or late.
    Concealed,
    /// The sender was silent (DTX).
    Silent,
    /// Made up while waiting for a packet that was played afterwards: the playout delay has grown by it.
    Inserted,
    /// Put in by time scaling: so much more was played than there was.
    Stretched,
    /// Taken out by time scaling: so much was not played. The one origin that counts no sound.
    Compressed,
}

/// A stretch of played sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Media position; of what was inserted, put in or taken out the position that follows.
    pub position: i64,
    pub samples: usize,
    pub origin: Origin,
}

/// One pull of the sound card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub at: Time,
    /// Media position of its first sample. With time scaling a tick covers more or less media than 10 ms.
    pub position: i64,
    /// The playout delay that the receiver wants in its buffer.
    pub target: Duration,
    /// The media that waits to be played, decoded or not; `None` while the sender is silent.
    pub held: Option<Duration>,
}

/// A running receiver.
pub struct Playout {
    receiver: Receiver,
    format: PcmFormat,
    decoder: Box<dyn Decoder<Pcm>>,
    /// Until when a fixed receiver looks for the fastest packet.
    settle_until: Time,
    settled: bool,
    /// Arrival minus media time of the fastest packet, in samples.
    fastest: Option<i64>,
    adaptive: Adaptive,
    /// Not yet arrived, in order of arrival.
    pending: VecDeque<Packet>,
    buffer: BTreeMap<i64, Packet>,
    next_pull: Option<Time>,
    /// The media position that the next decoded sample has.
    next: i64,
    last_sequence: Option<i64>,
    last_samples: usize,
    decoded: Pcm,
    /// Places in `decoded` (samples per channel from its start) where so much media is left out, or repeated if
    /// negative.
    splices: VecDeque<(i64, i64)>,
    heard: Pcm,
    ticks: Vec<Tick>,
    stretches: Vec<Stretch>,
    /// Sequence numbers that were there in time, or were late and have been counted.
    known: BTreeSet<i64>,
    late: Vec<i64>,
    played: BTreeSet<i64>,
}

impl Playout {
    pub fn new(receiver: Receiver, format: PcmFormat, decoder: Box<dyn Decoder<Pcm>>, warm_up: Duration) -> Playout {
        Playout {
            receiver,
            format,
            decoder,
            settle_until: Time::ZERO + warm_up / 2,
            settled: warm_up.is_zero(),
            fastest: None,
            adaptive: Adaptive::default(),
            pending: VecDeque::new(),
            buffer: BTreeMap::new(),
            next_pull: None,
            next: 0,
            last_sequence: None,
            last_samples: format.samples(TICK),
            decoded: Pcm { format, samples: Vec::new() },
            splices: VecDeque::new(),
            heard: Pcm { format, samples: Vec::new() },
            ticks: Vec::new(),
            stretches: Vec::new(),
            known: BTreeSet::new(),
            late: Vec::new(),
            played: BTreeSet::new(),
        }
    }

    /// Takes a packet. Packets come in order of arrival; copies are welcome.
    pub fn insert(&mut self, packet: Packet) {
        if self.next_pull.is_none() {
            // The adaptive receiver plays at once and lets its buffer grow by time scaling, as NetEq does.
            let wait = if let Receiver::Fixed(target) = self.receiver { target } else { Duration::ZERO };
            self.next_pull = Some(packet.at + wait);
            self.next = packet.position;
        }
        self.pending.push_back(packet);
    }

    /// When the sound card wants its next 10 ms; `None` before the first packet.
    pub fn next_pull(&self) -> Option<Time> {
        self.next_pull
    }

    /// The media position that will be heard next.
    pub fn position(&self) -> i64 {
        self.next - self.decoded.len() as i64 - self.splices.iter().map(|s| s.1).sum::<i64>()
    }

    /// Plays 10 ms at [`Playout::next_pull`].
    pub fn pull(&mut self) -> Result<()> {
        let Some(now) = self.next_pull else { return Ok(()) };
        self.admit(now);
        let tick = self.format.samples(TICK);
        let held = self.format.duration(self.held());
        let (target, silent) = match self.receiver {
            Receiver::Fixed(target) => {
                self.prepare_fixed(now, tick)?;
                (target, false)
            }
            Receiver::Adaptive { .. } => self.prepare_adaptive(now, tick)?,
        };
        let held = (!silent).then_some(held);
        self.ticks.push(Tick { at: now, position: self.position(), target, held });
        self.heard.samples.extend(self.decoded.samples.drain(..tick * self.format.channels as usize));
        self.splices.iter_mut().for_each(|s| s.0 -= tick as i64);
        while self.splices.front().is_some_and(|s| s.0 <= 0) {
            self.splices.pop_front();
        }
        self.next_pull = Some(now + TICK);
        Ok(())
    }

    /// All that was played, its ticks, where each stretch came from, and which packets came in time and which too late.
    pub fn finish(self) -> Played {
        Played { heard: self.heard, ticks: self.ticks, stretches: self.stretches, late: self.late, played: self.played }
    }

    /// The media position up to which real sound was played: what lies behind it is too late.
    fn reached(&self) -> i64 {
        self.next - self.adaptive.made as i64
    }

    /// Samples per channel that wait: decoded ones, and those of the packets in the buffer.
    fn held(&self) -> usize {
        self.decoded.len() + self.buffer.len() * self.last_samples
    }

    /// Takes in what has arrived by `now`; what should have been played before is late, unless it was there before.
    fn admit(&mut self, now: Time) {
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
    fn first(&mut self) -> Option<(i64, bool)> {
        while self.buffer.first_key_value().is_some_and(|(position, _)| *position < self.reached()) {
            self.buffer.pop_first();
        }
        let (position, packet) = self.buffer.first_key_value()?;
        Some((*position, self.last_sequence.is_some_and(|last| packet.sequence == last + 1)))
    }

    /// Decodes the first packet in the buffer; conceals it if that is impossible. Returns the packet's size in bytes
    /// too.
    fn decode_first(&mut self) -> Result<(Origin, usize)> {
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
    fn reach(&self) -> usize {
        let first = self.buffer.first_key_value();
        first.map_or(0, |(_, packet)| self.format.samples(self.decoder.reach(&packet.payload)))
    }

    /// Recovers the stretch that begins `offset` samples before the first packet in the buffer: one packet's worth, or
    /// what is more than whole ones.
    fn recover(&mut self, offset: usize) -> Result<Origin> {
        let Some((_, packet)) = self.buffer.first_key_value() else { return self.conceal(offset) };
        let missing = match offset % self.last_samples {
            0 => self.last_samples,
            rest => rest,
        };
        let (offset, missing) = (self.format.duration(offset), self.format.duration(missing));
        self.decoder.decode(Input::Recover { from: &packet.payload, offset, missing }, &mut self.decoded)?;
        Ok(Origin::Recovered)
    }

    fn conceal(&mut self, samples: usize) -> Result<Origin> {
        self.decoder.decode(Input::Lost(self.format.duration(samples)), &mut self.decoded)?;
        Ok(Origin::Concealed)
    }
}

/// What a receiver played.
pub struct Played {
    pub heard: Pcm,
    pub ticks: Vec<Tick>,
    pub stretches: Vec<Stretch>,
    /// Sequence numbers of packets that arrived after their time and were not there before in another copy.
    pub late: Vec<i64>,
    /// Sequence numbers of packets that were decoded, be it from a copy.
    pub played: BTreeSet<i64>,
}
