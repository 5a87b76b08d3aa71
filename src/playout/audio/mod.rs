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
use buffer::{Buffer, Control, Filled};
use fixed::Fixed;
use neteq::NetEq;
use std::time::Duration;

pub use super::receiver::Receiver;
pub use api::{Origin, Packet, Played, Stretch, TICK, Tick};

/// A running receiver.
pub struct Playout {
    buffer: Buffer,
    control: Box<dyn Control>,
    /// From the arrival of the first packet to the first tick.
    wait: Duration,
    next_pull: Option<Time>,
    ticks: Vec<Tick>,
}

impl Playout {
    pub fn new(receiver: Receiver, format: PcmFormat, decoder: Box<dyn Decoder<Pcm>>, warm_up: Duration) -> Playout {
        let (control, wait): (Box<dyn Control>, _) = match receiver {
            Receiver::Fixed(target) => (Box::new(Fixed::new(target, warm_up)), target),
            // It plays at once and lets its buffer grow by time scaling.
            Receiver::Adaptive { min, max } => (Box::new(NetEq::new(min, max)), Duration::ZERO),
        };
        Playout { buffer: Buffer::new(format, decoder), control, wait, next_pull: None, ticks: Vec::new() }
    }

    /// Takes a packet. Packets come in order of arrival; copies are welcome.
    pub fn insert(&mut self, packet: Packet) {
        if self.next_pull.is_none() {
            self.next_pull = Some(packet.at + self.wait);
            self.buffer.next = packet.position;
        }
        self.buffer.expect(packet);
    }

    /// When the sound card wants its next 10 ms; `None` before the first packet.
    pub fn next_pull(&self) -> Option<Time> {
        self.next_pull
    }

    /// The media position that will be heard next.
    pub fn position(&self) -> i64 {
        self.buffer.position()
    }

    /// Plays 10 ms at [`Playout::next_pull`].
    pub fn pull(&mut self) -> Result<()> {
        let Some(now) = self.next_pull else { return Ok(()) };
        let tick = self.buffer.format.samples(TICK);
        let Filled { target, held } = self.control.fill(&mut self.buffer, now, tick)?;
        self.ticks.push(Tick { at: now, position: self.position(), target, held });
        self.buffer.play(tick);
        self.next_pull = Some(now + TICK);
        Ok(())
    }

    /// All that was played, its ticks, where each stretch came from, and which packets came in time and which too late.
    pub fn finish(self) -> Played {
        self.buffer.finish(self.ticks)
    }
}
