//! The fixed receiver: a constant delay, set once. The simple reference.

use super::api::{Origin, Stretch, TICK};
use super::buffer::Playout;
use crate::error::Result;
use crate::playout::receiver::Receiver;
use crate::units::Time;

impl Playout {
    /// Makes sure that a tick can be played.
    pub(super) fn prepare_fixed(&mut self, now: Time, tick: usize) -> Result<()> {
        self.settle(now)?;
        while self.decoded.len() < tick {
            self.decode_next()?;
        }
        Ok(())
    }

    /// Brings the playout delay to its target, once.
    fn settle(&mut self, now: Time) -> Result<()> {
        let Receiver::Fixed(target) = self.receiver else { return Ok(()) };
        if self.settled || now < self.settle_until {
            return Ok(());
        }
        self.settled = true;
        let lag = self.format.samples(now.since(Time::ZERO)) as i64 - self.position();
        let excess = lag - self.fastest.unwrap_or(lag) - self.format.samples(target) as i64;
        let excess = excess.max(0) as usize;
        while self.decoded.len() < excess {
            self.decode_next()?;
        }
        self.decoded.samples.drain(..excess * self.format.channels as usize);
        Ok(())
    }

    /// Decodes, recovers or conceals the next stretch.
    fn decode_next(&mut self) -> Result<()> {
        let (before, position, tick) = (self.decoded.len(), self.next, self.format.samples(TICK));
        let origin = match self.first() {
            Some((first, contiguous)) if first == self.next => {
                if contiguous {
                    // Nothing was missing after all: the sender was silent before this packet.
                    let whole = |s: &&mut Stretch| !matches!(s.origin, Origin::Decoded | Origin::Recovered);
                    let since_last = self.stretches.iter_mut().rev().take_while(whole);
                    since_last.filter(|s| s.origin == Origin::Concealed).for_each(|s| s.origin = Origin::Silent);
                }
                self.decode_first()?.0
            }
            Some((first, true)) => {
                self.conceal(((first - self.next) as usize).min(tick))?;
                Origin::Silent
            }
            Some((first, false)) => {
                let gap = (first - self.next) as usize;
                match self.reach().min(gap) {
                    reach if reach == gap => self.recover(gap)?,
                    reach => self.conceal((gap - reach).min(tick))?,
                }
            }
            None => self.conceal(tick)?,
        };
        let samples = self.decoded.len() - before;
        self.next = position + samples as i64;
        self.stretches.push(Stretch { position, samples, origin });
        Ok(())
    }
}
