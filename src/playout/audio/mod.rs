//! Audio playout: packets in as they arrive, 10 ms of sound out at every tick of the virtual sound card.
//!
//! A hole is filled from the redundancy of the next packet (in-band FEC, DRED) as far as that reaches, else concealed. When
//! what is decoded is the control's to say: `neteq` behaves as a browser does, `fixed` is the simple reference and, with other
//! settings, GStreamer's jitter buffer.

mod api;
mod buffer;
mod fixed;
mod neteq;

use crate::codec::Decoder;
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use buffer::{Buffer, Control, Filled};
use fixed::Fixed;
use neteq::NetEq;
use std::time::Duration;

pub use super::receiver::{Conceal, Receiver};
pub use api::{Counters, Origin, Packet, Played, Stretch, TICK, Tick};

/// A running receiver.
pub struct Playout {
    buffer: Buffer,
    control: Box<dyn Control>,
    start: Start,
    next_pull: Option<Time>,
    /// When the first packet came.
    first: Time,
    ticks: Vec<Tick>,
}

/// When the first tick is.
enum Start {
    /// So long after the arrival of the first packet.
    After(Duration),
    /// At the next pull of a sound card that runs already, the first of its pulls being there.
    Running(Duration),
}

impl Playout {
    /// `phase`: when the sound card makes its first pull, below [`TICK`]. The receivers of constant delay are not bound to it:
    /// they count from the first packet.
    pub fn new(
        receiver: Receiver,
        format: PcmFormat,
        decoder: Box<dyn Decoder<Pcm>>,
        warm_up: Duration,
        phase: Duration,
    ) -> Playout {
        let (control, start): (Box<dyn Control>, _) = match receiver {
            Receiver::Fixed(target) => (Box::new(Fixed::new(target, warm_up)), Start::After(target)),
            Receiver::GStreamer { latency } => (Box::new(Fixed::gstreamer(latency)), Start::After(latency)),
            // It plays at once and lets its buffer grow by time scaling.
            Receiver::Adaptive { min, max, conceal } => {
                (Box::new(NetEq::new(min, max, conceal, format)), Start::Running(phase))
            }
        };
        Playout {
            buffer: Buffer::new(format, decoder),
            control,
            start,
            next_pull: None,
            first: Time::ZERO,
            ticks: Vec::new(),
        }
    }

    /// Takes a packet. Packets come in order of arrival; copies are welcome.
    pub fn insert(&mut self, packet: Packet) {
        if self.next_pull.is_none() {
            self.next_pull = Some(match self.start {
                Start::After(wait) => packet.at + wait,
                Start::Running(phase) => {
                    let pulls = packet.at.since(Time::ZERO + phase).as_nanos().div_ceil(TICK.as_nanos());
                    Time::ZERO + phase + TICK * pulls as u32
                }
            });
            (self.first, self.buffer.next) = (packet.at, packet.position);
        } else if packet.at == self.first && self.ticks.is_empty() {
            // A copy in the first packet: playing begins with the oldest.
            self.buffer.next = self.buffer.next.min(packet.position);
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
        self.ticks.push(Tick { at: now, position: self.position(), target, held, counters: self.buffer.counters });
        self.buffer.play(tick);
        self.next_pull = Some(now + TICK);
        Ok(())
    }

    /// All that was played, its ticks, where each stretch came from, and which packets came in time and which too late.
    pub fn finish(self) -> Played {
        self.buffer.finish(self.ticks)
    }
}
