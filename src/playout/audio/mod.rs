//! Audio playout: packets in as they arrive, 10 ms of sound out at every tick of the virtual sound card.
//!
//! A hole is filled from the redundancy of the next packet (in-band FEC, DRED) as far as that reaches, else concealed
//! by the decoder.

mod api;
mod buffer;
pub mod delay_manager;
mod fixed;
mod merge;
mod neteq;
pub mod time_stretch;

use crate::codec::Decoder;
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use buffer::Adaptive;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

pub use super::receiver::Receiver;
pub use api::{Origin, Packet, Played, Stretch, TICK, Tick};
pub use buffer::Playout;

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
}
