//! The receivers of constant delay, set once: the simple reference, and what GStreamer's jitter buffer does.

use super::api::{Origin, Stretch, TICK};
use super::buffer::{Buffer, Control, Filled};
use crate::error::Result;
use crate::units::Time;
use std::time::Duration;

pub(super) struct Fixed {
    target: Duration,
    /// Until when it looks for the fastest packet.
    watch_until: Time,
    set: bool,
    /// Arrival minus media time of the fastest packet, in samples.
    fastest: Option<i64>,
    /// What is missing is silence: neither concealed nor recovered.
    silence: bool,
}

impl Fixed {
    /// So much above the fastest packet of the first half of the warm-up; of the first packet, without one.
    pub fn new(target: Duration, warm_up: Duration) -> Fixed {
        Fixed { target, watch_until: Time::ZERO + warm_up / 2, set: warm_up.is_zero(), fastest: None, silence: false }
    }

    /// So much above the first packet, and silence where packets are missing.
    pub fn gstreamer(latency: Duration) -> Fixed {
        Fixed { silence: true, ..Fixed::new(latency, Duration::ZERO) }
    }

    /// Brings the playout delay to its target, once.
    fn reach_target(&mut self, buffer: &mut Buffer, now: Time) -> Result<()> {
        if self.set || now < self.watch_until {
            return Ok(());
        }
        self.set = true;
        let lag = buffer.format.samples(now.since(Time::ZERO)) as i64 - buffer.position();
        let excess = lag - self.fastest.unwrap_or(lag) - buffer.format.samples(self.target) as i64;
        let excess = excess.max(0) as usize;
        while buffer.decoded.len() < excess {
            self.decode_next(buffer)?;
        }
        buffer.decoded.samples.drain(..excess * buffer.format.channels as usize);
        Ok(())
    }

    /// Decodes, recovers or conceals the next stretch.
    fn decode_next(&self, buffer: &mut Buffer) -> Result<()> {
        let (before, next, tick) = (buffer.decoded.len(), buffer.next, buffer.format.samples(TICK));
        let origin = match buffer.first() {
            Some((first, contiguous)) if first == next => {
                if contiguous {
                    // Nothing was missing after all: the sender was silent before this packet.
                    let whole = |s: &&mut Stretch| !matches!(s.origin, Origin::Decoded | Origin::Recovered);
                    let since_last = buffer.stretches.iter_mut().rev().take_while(whole);
                    since_last.filter(|s| s.origin == Origin::Concealed).for_each(|s| s.origin = Origin::Silent);
                }
                buffer.decode_first()?.0
            }
            Some((first, true)) => {
                self.conceal(buffer, ((first - next) as usize).min(tick))?;
                Origin::Silent
            }
            Some((first, false)) => {
                let gap = (first - next) as usize;
                match self.reach(buffer).min(gap) {
                    reach if reach == gap => buffer.recover(gap)?,
                    reach => self.conceal(buffer, (gap - reach).min(tick))?,
                }
            }
            None => self.conceal(buffer, tick)?,
        };
        buffer.note(buffer.decoded.len() - before, origin);
        Ok(())
    }

    fn reach(&self, buffer: &Buffer) -> usize {
        if self.silence { 0 } else { buffer.reach() }
    }

    fn conceal(&self, buffer: &mut Buffer, samples: usize) -> Result<Origin> {
        if self.silence { Ok(buffer.silence(samples)) } else { buffer.conceal(samples) }
    }
}

impl Control for Fixed {
    fn fill(&mut self, buffer: &mut Buffer, now: Time, tick: usize) -> Result<Filled> {
        let format = buffer.format;
        for packet in buffer.admit(now) {
            let transit = format.samples(packet.at.since(Time::ZERO)) as i64 - packet.position;
            self.fastest = Some(self.fastest.map_or(transit, |f| f.min(transit)));
        }
        let held = Some(format.duration(buffer.held()));
        self.reach_target(buffer, now)?;
        while buffer.decoded.len() < tick {
            self.decode_next(buffer)?;
        }
        Ok(Filled { target: self.target, held })
    }
}
