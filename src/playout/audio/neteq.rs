//! The adaptive receiver: what libwebrtc's NetEq decides every 10 ms, from its published behaviour and figures.
//!
//! - The buffer level (what is decoded and what waits in packets, smoothed) is held between a low limit of max(3/4
//!   target, target - 85 ms) and a high limit of max(target, low + 20 ms), the target being at least one packet. Above
//!   it one pitch period is taken out (*accelerate*), below it one is put in (*preemptive expand*), 60 ms apart at the
//!   least; from four times the high limit on, periods are taken out at every tick and with less likeness (0.5 instead
//!   of 0.9).
//! - When nothing is there, the decoder conceals (*expand*) and time stands still: a packet that comes after all is
//!   played, and the delay has grown. In front of a hole that redundancy does not fill, concealment goes on until the
//!   hole is filled, 100 ms have passed or the level is at its target; then playing goes on after it.
//! - Made-up sound that goes on is faded out from 100 to 200 ms (our figures), and what follows it is joined without a
//!   click (*merge*).
//! - While the sender is silent (DTX) the decoder makes comfort noise. A pause is where delay costs nothing: it is
//!   shortened while the level is above the high limit and lengthened while it is below the low one, and counts neither
//!   as scaled nor as concealed.

use super::api::{Origin, Stretch};
use super::buffer::Playout;
use super::merge::{Continuation, join};
use super::time_stretch::{self, Period};
use crate::error::Result;
use crate::playout::receiver::Receiver;
use crate::units::{Time, from_ms, ms};
use std::time::Duration;

/// Ticks from one time scaling to the next.
const REST: u32 = 6;
/// So long is waited at a hole, and so long does made-up sound keep its level.
const PATIENCE_MS: f64 = 100.0;
const FADE_MS: f64 = 100.0;
/// A payload so short carries no sound: the sender announces silence (Opus, RFC 6716, section 3.1: a frame of no bytes
/// after its TOC).
const SILENT_BYTES: usize = 2;
/// Past that joins and continuations look at.
const PAST_MS: usize = 50;

/// What to do before the first packet in the buffer.
enum Wait {
    Go,
    /// Make up sound.
    Fill,
    /// Leave out so much media.
    Skip(i64),
}

impl Playout {
    /// Makes sure that a tick can be played; returns the target, and whether the sender is silent.
    pub(super) fn prepare_adaptive(&mut self, now: Time, tick: usize) -> Result<(Duration, bool)> {
        let target = self.target();
        let target_ms = ms(target);
        self.adaptive.rest = self.adaptive.rest.saturating_sub(1);
        if !self.adaptive.silent {
            // In whole ticks: what is left of one cannot be played without the next packet.
            let held = self.held() / tick * tick;
            self.adaptive.level.update(ms(self.format.duration(held)), target_ms);
        }
        self.scale(target_ms)?;
        while self.decoded.len() < tick {
            self.play_on(now, tick, target)?;
        }
        self.listen(tick);
        Ok((target, self.adaptive.silent && self.buffer.is_empty()))
    }

    fn target(&self) -> Duration {
        let asked = from_ms(self.adaptive.delay.target_ms()).max(self.format.duration(self.last_samples));
        match self.receiver {
            Receiver::Adaptive { min, max } => asked.max(min).min(max),
            Receiver::Fixed(target) => target,
        }
    }

    /// Takes out or puts in a pitch period where the level asks for it and the sound allows it.
    fn scale(&mut self, target_ms: f64) -> Result<()> {
        let (low, high) = limits(target_ms);
        let level = self.adaptive.level.level_ms();
        // Packets make the level rise and fall from tick to tick; where it is low there may be too little to scale.
        let lowest = level.min(std::mem::replace(&mut self.adaptive.last_level, level));
        let rested = self.adaptive.rest == 0;
        let fast = level >= 4.0 * high;
        let (shorten, lengthen) = (fast || rested && level >= high, rested && lowest < low);
        if self.adaptive.made > 0 || self.adaptive.silent || !(shorten || lengthen) {
            return Ok(());
        }
        let (span, middle) =
            (self.format.samples(from_ms(time_stretch::SPAN_MS as f64)), time_stretch::middle(self.format));
        let needed = if shorten { span } else { span - middle };
        while self.decoded.len() < needed && self.first().is_some_and(|(position, _)| position == self.next) {
            self.play_first()?;
        }
        let channels = self.format.channels as usize;
        // What was played already may be looked at, as long as the change lies behind it.
        let ahead = self.decoded.len().min(span);
        let past = span - ahead;
        if self.decoded.len() < needed || self.heard.len() < past {
            return Ok(());
        }
        let mut piece = self.heard.samples[(self.heard.len() - past) * channels..].to_vec();
        piece.extend_from_slice(&self.decoded.samples[..ahead * channels]);
        let found = time_stretch::period(&piece, self.format);
        if found.samples == 0 || !self.may_scale(&piece, found, fast) {
            return Ok(());
        }
        // In a hurry as many periods as fit.
        let samples = if fast { middle / found.samples * found.samples } else { found.samples };
        let (scaled, change, origin) = if shorten {
            (time_stretch::shorten(&piece, self.format, samples), samples as i64, Origin::Compressed)
        } else {
            (time_stretch::lengthen(&piece, self.format, samples), -(samples as i64), Origin::Stretched)
        };
        let place = if shorten { middle - samples / 2 } else { middle + samples / 2 } as i64 - past as i64;
        let position = self.position() + place;
        self.decoded.samples.splice(..ahead * channels, scaled[past * channels..].iter().copied());
        let later = self.splices.iter().position(|s| s.0 > place).unwrap_or(self.splices.len());
        self.splices.insert(later, (place, change));
        self.stretches.push(Stretch { position, samples, origin });
        let shift = ms(self.format.duration(samples));
        self.adaptive.level.shift(if shorten { -shift } else { shift });
        self.adaptive.rest = REST;
        Ok(())
    }

    /// Two periods are alike, or nobody can hear the difference: a pause (30 dB below the loudest), or steady noise.
    fn may_scale(&self, piece: &[i16], found: Period, fast: bool) -> bool {
        let power = power(piece);
        found.likeness > if fast { 0.5 } else { 0.9 }
            || power <= self.adaptive.loudest / 1000.0
            || found.likeness < 0.5 && power <= 4.0 * self.adaptive.softest
    }

    /// Plays the next packet, or what there is instead.
    fn play_on(&mut self, now: Time, tick: usize, target: Duration) -> Result<()> {
        let Some((position, contiguous)) = self.first() else { return self.expand(tick) };
        let hole = position - self.next;
        self.adaptive.silent |= contiguous && hole > 0;
        let offset = if contiguous { 0 } else { self.recoverable(position) };
        let goal = hole - offset as i64;
        let wait = if self.adaptive.silent { self.pause(now, goal, target) } else { self.patience(goal, target) };
        match wait {
            Wait::Go if offset > 0 => self.play_recovered(position, offset),
            Wait::Go => self.play_first(),
            Wait::Skip(samples) => {
                self.leap(samples);
                self.adaptive.made += samples as usize;
                Ok(())
            }
            Wait::Fill => self.expand(if goal > 0 { tick.min(goal as usize) } else { tick }),
        }
    }

    /// A hole of `goal` samples: filled, until patience ends.
    fn patience(&self, goal: i64, target: Duration) -> Wait {
        let waited = ms(self.format.duration(self.adaptive.made));
        let enough = waited >= PATIENCE_MS || self.adaptive.level.level_ms() >= ms(target);
        match goal {
            ..=0 => Wait::Go,
            _ if self.adaptive.made > 0 && enough => Wait::Skip(goal),
            _ => Wait::Fill,
        }
    }

    /// A pause of which `goal` samples are left: shortened or lengthened towards the target.
    fn pause(&self, now: Time, goal: i64, target: Duration) -> Wait {
        let (low, high) = limits(ms(target));
        let coming = self.format.duration(self.held() + goal.max(0) as usize);
        if goal > 0 {
            let excess = (self.format.samples(coming.saturating_sub(target)) as i64).min(goal);
            return if ms(coming) > high && excess > 0 { Wait::Skip(excess) } else { Wait::Fill };
        }
        let waited = self.buffer.first_key_value().map_or(Duration::ZERO, |(_, packet)| now.since(packet.at));
        let ready = coming.max(self.format.duration(self.last_samples) + waited);
        if self.adaptive.made > 0 && ms(ready) < low { Wait::Fill } else { Wait::Go }
    }

    /// How far before the first packet in the buffer recovery begins: not before what was played, and at most one
    /// packet before what is due (a deep redundancy must not play late what was long concealed).
    fn recoverable(&self, position: i64) -> usize {
        let earliest = self.reached().max(self.next - self.last_samples as i64);
        let offset = self.reach().min((position - earliest).max(0) as usize);
        if offset > self.last_samples { offset - offset % self.last_samples } else { offset }
    }

    fn play_recovered(&mut self, position: i64, offset: usize) -> Result<()> {
        self.resume(position - offset as i64, false);
        let from = self.decoded.len();
        let origin = self.recover(offset)?;
        self.append(from, origin);
        Ok(())
    }

    fn play_first(&mut self) -> Result<()> {
        let Some((position, contiguous)) = self.first() else { return Ok(()) };
        self.resume(position, contiguous);
        let from = self.decoded.len();
        let (origin, bytes) = self.decode_first()?;
        self.adaptive.silent = bytes <= SILENT_BYTES;
        self.append(from, origin);
        Ok(())
    }

    /// Takes note of real sound that was decoded from place `from` of the queue on.
    fn append(&mut self, from: usize, origin: Origin) {
        let samples = self.decoded.len() - from;
        let own = self.adaptive.own.take();
        if std::mem::take(&mut self.adaptive.seam) {
            let at = from * self.format.channels as usize;
            let past = self.past(from);
            join(&past, own, &mut self.decoded.samples[at..], self.format);
        }
        self.stretches.push(Stretch { position: self.next, samples, origin });
        self.next += samples as i64;
    }

    /// Makes up `samples`.
    fn expand(&mut self, samples: usize) -> Result<()> {
        let (from, channels) = (self.decoded.len(), self.format.channels as usize);
        if self.adaptive.made == 0 {
            self.adaptive.made_from = self.stretches.len();
        }
        self.conceal(samples)?;
        let silent = self.adaptive.silent;
        let mute = self.decoded.samples[from * channels..].iter().all(|s| *s == 0);
        if mute && !silent && (self.adaptive.made == 0 || self.adaptive.own.is_some()) {
            // The decoder just stops.
            let own = match self.adaptive.own.take() {
                Some(own) => own,
                None => Continuation::new(&self.past(from), self.format),
            };
            let made = self.adaptive.own.insert(own).next(samples);
            self.decoded.samples[from * channels..].copy_from_slice(&made);
        }
        if !silent {
            let start = self.format.samples(from_ms(PATIENCE_MS));
            let length = self.format.samples(from_ms(FADE_MS)) as f64;
            let made = self.adaptive.made;
            if made + samples > start {
                for (i, sample) in self.decoded.samples[from * channels..].iter_mut().enumerate() {
                    let faded = (made + i / channels).saturating_sub(start) as f64;
                    *sample = (f64::from(*sample) * (1.0 - faded / length).max(0.0)).round() as i16;
                }
            }
        }
        let origin = if silent { Origin::Silent } else { Origin::Concealed };
        self.stretches.push(Stretch { position: self.next, samples, origin });
        self.next += samples as i64;
        self.adaptive.made += samples;
        self.adaptive.seam = true;
        Ok(())
    }

    /// Real sound goes on at `position`: what was made up until there stood for lost (or silent) media, what was made
    /// up beyond it has only taken time.
    fn resume(&mut self, position: i64, contiguous: bool) {
        let mut covered = (position - self.reached()).max(0) as usize;
        let made = if self.adaptive.made > 0 { self.stretches.split_off(self.adaptive.made_from) } else { Vec::new() };
        for stretch in made {
            let instead = stretch.samples.min(covered);
            let rest = stretch.samples - instead;
            covered -= instead;
            let silent = contiguous || stretch.origin == Origin::Silent;
            let origin = if silent { Origin::Silent } else { stretch.origin };
            let beyond = if stretch.origin == Origin::Silent { Origin::Silent } else { Origin::Inserted };
            let parts =
                [Stretch { samples: instead, origin, ..stretch }, Stretch { samples: rest, origin: beyond, position }];
            self.stretches.extend(parts.into_iter().filter(|s| s.samples > 0));
        }
        self.leap(position - self.next);
        self.adaptive.made = 0;
    }

    /// What is decoded next lies `samples` further on than what was decoded last.
    fn leap(&mut self, samples: i64) {
        if samples != 0 {
            self.adaptive.seam = true;
            if !self.decoded.is_empty() {
                self.splices.push_back((self.decoded.len() as i64, samples));
            }
        }
        self.next += samples;
    }

    /// The last 50 ms before place `from` of the queue.
    fn past(&self, from: usize) -> Vec<i16> {
        let channels = self.format.channels as usize;
        let wanted = self.format.sample_rate as usize * PAST_MS / 1000 * channels;
        let queued = &self.decoded.samples[..from * channels];
        let played = wanted.saturating_sub(queued.len()).min(self.heard.samples.len());
        let mut past = self.heard.samples[self.heard.samples.len() - played..].to_vec();
        past.extend_from_slice(queued);
        past
    }

    /// Follows how loud it is.
    fn listen(&mut self, tick: usize) {
        let power = power(&self.decoded.samples[..tick * self.format.channels as usize]);
        // A factor of two in about 14 s, and in about 2 s.
        self.adaptive.loudest = power.max(self.adaptive.loudest * 0.9995);
        self.adaptive.softest = power.min(self.adaptive.softest * 1.003 + 1e-3);
    }
}

/// Low and high limit of the level, in ms.
fn limits(target_ms: f64) -> (f64, f64) {
    let low = (0.75 * target_ms).max(target_ms - 85.0);
    (low, target_ms.max(low + 20.0))
}

/// Mean square.
fn power(samples: &[i16]) -> f64 {
    samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / samples.len().max(1) as f64
}
