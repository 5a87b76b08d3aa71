//! Audio playout: packets in as they arrive, 10 ms of sound out at every tick of the virtual sound card.
//!
//! A hole is filled from the next packet's in-band FEC where that packet is there and carries it, else concealed by the
//! decoder, as libwebrtc does it. Time scaling has its place in `Playout::adjust`; until it is there an adaptive
//! receiver lengthens by concealment and shortens by leaving out a quiet 10 ms.

use crate::codec::{Decoder, Input};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Time, from_ms, ms};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// What one pull gives.
pub const TICK: Duration = Duration::from_millis(10);

/// How the receiver sets its playout delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// So much above the fastest packet of the first half of the warm-up (of the first packet, without a warm-up).
    Fixed(Duration),
    /// The 97 % quantile of the lateness of the last 10 s.
    Adaptive,
}

impl Default for Receiver {
    fn default() -> Receiver {
        Receiver::Fixed(Duration::from_millis(60))
    }
}

impl FromStr for Receiver {
    type Err = Error;
    fn from_str(text: &str) -> Result<Receiver> {
        let wrong = || Error::usage(format!("receiver '{text}': say 'adaptive' or 'fixed:60ms' (0 to 2000 ms)"));
        match text.split_once(':') {
            None if text == "adaptive" => Ok(Receiver::Adaptive),
            Some(("fixed", delay)) => {
                let delay: f64 = delay.strip_suffix("ms").ok_or_else(wrong)?.trim().parse().map_err(|_| wrong())?;
                if (0.0..=2000.0).contains(&delay) { Ok(Receiver::Fixed(from_ms(delay))) } else { Err(wrong()) }
            }
            _ => Err(wrong()),
        }
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Receiver::Fixed(delay) => write!(f, "fixed:{}ms", ms(*delay)),
            Receiver::Adaptive => f.write_str("adaptive"),
        }
    }
}

/// A packet at the receiver, its place in the stream already unwrapped.
#[derive(Clone, Debug)]
pub struct Packet {
    pub at: Time,
    pub sequence: i64,
    /// Sample position of its first sample, in the decoder's rate.
    pub position: i64,
    pub payload: Vec<u8>,
}

/// Where a stretch of played sound came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    Decoded,
    /// From the in-band FEC of the next packet.
    Recovered,
    /// Made up: the packet was lost or late.
    Concealed,
    /// The sender was silent (DTX).
    Silent,
    /// Made up to lengthen the playout delay.
    Inserted,
}

/// A stretch of played sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Media position; of an inserted stretch the position that follows.
    pub position: i64,
    pub samples: usize,
    pub origin: Origin,
}

/// One pull of the sound card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick {
    pub at: Time,
    /// Media position of its first sample.
    pub position: i64,
}

/// A running receiver.
pub struct Playout {
    receiver: Receiver,
    format: PcmFormat,
    decoder: Box<dyn Decoder<Pcm>>,
    /// Until when a fixed receiver looks for the fastest packet.
    settle_until: Time,
    settled: bool,
    /// Not yet arrived, in order of arrival.
    pending: VecDeque<Packet>,
    buffer: BTreeMap<i64, Packet>,
    next_pull: Option<Time>,
    /// The media position that the next decoded sample has.
    next: i64,
    last_sequence: Option<i64>,
    last_samples: usize,
    decoded: Pcm,
    /// Arrival minus media time, in samples, of the last 10 s.
    transits: VecDeque<(Time, i64)>,
    fastest: Option<i64>,
    last_change: Time,
    loudness: f64,
    heard: Pcm,
    ticks: Vec<Tick>,
    stretches: Vec<Stretch>,
    late: Vec<i64>,
}

impl Playout {
    pub fn new(receiver: Receiver, format: PcmFormat, decoder: Box<dyn Decoder<Pcm>>, warm_up: Duration) -> Playout {
        Playout {
            receiver,
            format,
            decoder,
            settle_until: Time::ZERO + warm_up / 2,
            settled: warm_up.is_zero(),
            pending: VecDeque::new(),
            buffer: BTreeMap::new(),
            next_pull: None,
            next: 0,
            last_sequence: None,
            last_samples: format.samples(TICK),
            decoded: Pcm { format, samples: Vec::new() },
            transits: VecDeque::new(),
            fastest: None,
            last_change: Time::ZERO,
            loudness: 0.0,
            heard: Pcm { format, samples: Vec::new() },
            ticks: Vec::new(),
            stretches: Vec::new(),
            late: Vec::new(),
        }
    }

    /// Takes a packet. Packets come in order of arrival.
    pub fn insert(&mut self, packet: Packet) {
        if self.next_pull.is_none() {
            let target = if let Receiver::Fixed(target) = self.receiver { target } else { Duration::from_millis(20) };
            self.next_pull = Some(packet.at + target);
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
        self.next - self.decoded.len() as i64
    }

    /// Plays 10 ms at [`Playout::next_pull`].
    pub fn pull(&mut self) -> Result<()> {
        let Some(now) = self.next_pull else { return Ok(()) };
        self.admit(now);
        let tick = self.format.samples(TICK);
        let inserted = self.adjust(now, tick)?;
        if !inserted {
            while self.decoded.len() < tick {
                self.decode_next()?;
            }
        }
        self.ticks.push(Tick { at: now, position: self.position() });
        let samples = tick * self.format.channels as usize;
        self.loudness += (power(&self.decoded.samples[..samples]) - self.loudness) / 100.0;
        self.heard.samples.extend(self.decoded.samples.drain(..samples));
        self.next_pull = Some(now + TICK);
        Ok(())
    }

    /// All that was played, its ticks, where each stretch came from, and the sequence numbers that came too late.
    pub fn finish(self) -> Played {
        Played { heard: self.heard, ticks: self.ticks, stretches: self.stretches, late: self.late }
    }

    /// Takes in what has arrived by `now`; what should have been played before is late.
    fn admit(&mut self, now: Time) {
        while self.pending.front().is_some_and(|p| p.at <= now) {
            let Some(packet) = self.pending.pop_front() else { return };
            let transit = self.format.samples(packet.at.since(Time::ZERO)) as i64 - packet.position;
            self.fastest = Some(self.fastest.map_or(transit, |f| f.min(transit)));
            self.transits.push_back((packet.at, transit));
            while self.transits.front().is_some_and(|(at, _)| now.since(*at) > Duration::from_secs(10)) {
                self.transits.pop_front();
            }
            if packet.position < self.next {
                self.late.push(packet.sequence);
            } else {
                self.buffer.insert(packet.position, packet);
            }
        }
    }

    /// Brings the playout delay towards its target: at most 10 ms at a time, at most every 100 ms; the fixed receiver once.
    /// Returns whether a tick was inserted.
    fn adjust(&mut self, now: Time, tick: usize) -> Result<bool> {
        let lag = self.format.samples(now.since(Time::ZERO)) as i64 - self.position();
        match self.receiver {
            Receiver::Fixed(target) => {
                if !self.settled && now >= self.settle_until {
                    self.settled = true;
                    let excess = lag - self.fastest.unwrap_or(lag) - self.format.samples(target) as i64;
                    self.skip(excess.max(0) as usize)?;
                }
            }
            Receiver::Adaptive => {
                if now.since(self.last_change) < 10 * TICK || self.transits.len() < 10 {
                    return Ok(false);
                }
                let mut transits: Vec<i64> = self.transits.iter().map(|(_, t)| *t).collect();
                transits.sort_unstable();
                let target = transits[(transits.len() - 1) * 97 / 100];
                if target - lag >= 0 {
                    self.last_change = now;
                    return self.expand(tick).map(|()| true);
                }
                let quiet = self.decoded.len() >= tick
                    && power(&self.decoded.samples[..tick * self.format.channels as usize]) < self.loudness / 16.0;
                if lag - target > 3 * tick as i64 && quiet {
                    self.last_change = now;
                    self.skip(tick)?;
                }
            }
        }
        Ok(false)
    }

    /// Leaves out `samples` of the coming sound.
    fn skip(&mut self, samples: usize) -> Result<()> {
        while self.decoded.len() < samples {
            self.decode_next()?;
        }
        self.decoded.samples.drain(..samples * self.format.channels as usize);
        Ok(())
    }

    /// Puts one concealed tick before the coming sound.
    fn expand(&mut self, tick: usize) -> Result<()> {
        let coming = std::mem::take(&mut self.decoded.samples);
        self.stretches.push(Stretch { position: self.position(), samples: tick, origin: Origin::Inserted });
        self.decoder.decode(Input::Lost(TICK), &mut self.decoded)?;
        self.decoded.samples.extend(coming);
        Ok(())
    }

    /// Decodes, recovers or conceals the next stretch.
    fn decode_next(&mut self) -> Result<()> {
        let (before, position) = (self.decoded.len(), self.next);
        let origin = match self.buffer.first_key_value().map(|(p, packet)| (*p, packet.sequence)) {
            Some((first, _)) if first == self.next => self.decode_packet()?,
            Some((first, sequence)) => {
                let gap = (first - self.next) as usize;
                let contiguous = self.last_sequence.is_some_and(|last| sequence == last + 1);
                self.fill(gap, contiguous)?
            }
            None => self.conceal(self.format.samples(TICK), Origin::Concealed)?,
        };
        let samples = self.decoded.len() - before;
        self.next = position + samples as i64;
        self.stretches.push(Stretch { position, samples, origin });
        Ok(())
    }

    fn decode_packet(&mut self) -> Result<Origin> {
        let Some((_, packet)) = self.buffer.pop_first() else {
            return self.conceal(self.last_samples, Origin::Concealed);
        };
        if self.last_sequence.is_some_and(|last| packet.sequence == last + 1) {
            // Nothing was missing after all: the sender was silent before this packet.
            let since_last = self.stretches.iter_mut().rev().take_while(|s| s.origin != Origin::Decoded);
            since_last.filter(|s| s.origin == Origin::Concealed).for_each(|s| s.origin = Origin::Silent);
        }
        self.last_sequence = Some(packet.sequence);
        let before = self.decoded.samples.len();
        match self.decoder.decode(Input::Unit(&packet.payload), &mut self.decoded) {
            Ok(()) if self.decoded.samples.len() > before => {
                self.last_samples = (self.decoded.samples.len() - before) / self.format.channels as usize;
                Ok(Origin::Decoded)
            }
            _ => {
                self.decoded.samples.truncate(before);
                self.conceal(self.last_samples, Origin::Concealed)
            }
        }
    }

    /// Fills up to `gap` samples before the first packet in the buffer.
    fn fill(&mut self, gap: usize, contiguous: bool) -> Result<Origin> {
        let tick = self.format.samples(TICK);
        if contiguous {
            return self.conceal(gap.min(tick), Origin::Silent);
        }
        let Some((_, packet)) = self.buffer.first_key_value() else { return self.conceal(gap, Origin::Concealed) };
        let reach = self.decoder.reach(&packet.payload);
        if reach.is_zero() {
            return self.conceal(gap.min(tick), Origin::Concealed);
        }
        if gap > self.last_samples {
            return self.conceal((gap - self.last_samples).min(tick), Origin::Concealed);
        }
        let missing = self.format.duration(gap);
        self.decoder.decode(Input::Recover { from: &packet.payload, offset: missing, missing }, &mut self.decoded)?;
        Ok(Origin::Recovered)
    }

    fn conceal(&mut self, samples: usize, origin: Origin) -> Result<Origin> {
        self.decoder.decode(Input::Lost(self.format.duration(samples)), &mut self.decoded)?;
        Ok(origin)
    }
}

/// What a receiver played.
pub struct Played {
    pub heard: Pcm,
    pub ticks: Vec<Tick>,
    pub stretches: Vec<Stretch>,
    /// Sequence numbers of packets that arrived after their time.
    pub late: Vec<i64>,
}

/// Mean square.
fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}
