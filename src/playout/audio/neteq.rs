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
use super::buffer::{Buffer, Control, Filled};
use super::delay_manager::{DelayManager, LevelFilter};
use super::merge::{Continuation, join};
use super::time_stretch::{self, Period};
use crate::error::Result;
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

/// The state of the adaptive receiver.
pub(super) struct NetEq {
    min: Duration,
    max: Duration,
    delay: DelayManager,
    level: LevelFilter,
    /// The smoothed level of the tick before, in ms.
    last_level: f64,
    /// The first of the stretches made up since the last real sound; see [`Buffer::made`].
    made_from: usize,
    /// The sender is silent.
    silent: bool,
    /// The next real sound needs a join.
    seam: bool,
    own: Option<Continuation>,
    /// Ticks until time may be scaled again.
    rest: u32,
    /// Mean square of the loudest and the softest tick, each forgetting.
    loudest: f64,
    softest: f64,
}

/// What to do before the first packet in the buffer.
enum Wait {
    Go,
    /// Make up sound.
    Fill,
    /// Leave out so much media.
    Skip(i64),
}

impl Control for NetEq {
    fn fill(&mut self, buffer: &mut Buffer, now: Time, tick: usize) -> Result<Filled> {
        let format = buffer.format;
        buffer.admit(now, |packet, fresh| {
            if fresh && !packet.redundant {
                let media_ms = packet.position as f64 * 1000.0 / f64::from(format.sample_rate);
                self.delay.arrived(packet.at, media_ms);
            }
        });
        let held = format.duration(buffer.held());
        let target = self.target(buffer);
        let target_ms = ms(target);
        self.rest = self.rest.saturating_sub(1);
        if !self.silent {
            // In whole ticks: what is left of one cannot be played without the next packet.
            let held = buffer.held() / tick * tick;
            self.level.update(ms(format.duration(held)), target_ms);
        }
        self.scale(buffer, target_ms)?;
        while buffer.decoded.len() < tick {
            self.play_on(buffer, now, tick, target)?;
        }
        self.listen(&buffer.decoded.samples[..tick * format.channels as usize]);
        let silent = self.silent && buffer.is_empty();
        Ok(Filled { target, held: (!silent).then_some(held) })
    }
}

impl NetEq {
    /// With a target delay within these bounds.
    pub fn new(min: Duration, max: Duration) -> NetEq {
        NetEq {
            min,
            max,
            delay: DelayManager::default(),
            level: LevelFilter::default(),
            last_level: 0.0,
            made_from: 0,
            silent: false,
            seam: false,
            own: None,
            rest: 0,
            loudest: 0.0,
            softest: 0.0,
        }
    }

    fn target(&self, buffer: &Buffer) -> Duration {
        let asked = from_ms(self.delay.target_ms()).max(buffer.format.duration(buffer.last_samples));
        asked.max(self.min).min(self.max)
    }

    /// Takes out or puts in a pitch period where the level asks for it and the sound allows it.
    fn scale(&mut self, buffer: &mut Buffer, target_ms: f64) -> Result<()> {
        let (low, high) = limits(target_ms);
        let level = self.level.level_ms();
        // Packets make the level rise and fall from tick to tick; where it is low there may be too little to scale.
        let lowest = level.min(std::mem::replace(&mut self.last_level, level));
        let rested = self.rest == 0;
        let fast = level >= 4.0 * high;
        let (shorten, lengthen) = (fast || rested && level >= high, rested && lowest < low);
        if buffer.made > 0 || self.silent || !(shorten || lengthen) {
            return Ok(());
        }
        let (span, middle) =
            (buffer.format.samples(from_ms(time_stretch::SPAN_MS as f64)), time_stretch::middle(buffer.format));
        let needed = if shorten { span } else { span - middle };
        while buffer.decoded.len() < needed && buffer.first().is_some_and(|(position, _)| position == buffer.next) {
            self.play_first(buffer)?;
        }
        let channels = buffer.format.channels as usize;
        // What was played already may be looked at, as long as the change lies behind it.
        let ahead = buffer.decoded.len().min(span);
        let past = span - ahead;
        if buffer.decoded.len() < needed || buffer.heard.len() < past {
            return Ok(());
        }
        let mut piece = buffer.heard.samples[(buffer.heard.len() - past) * channels..].to_vec();
        piece.extend_from_slice(&buffer.decoded.samples[..ahead * channels]);
        let found = time_stretch::period(&piece, buffer.format);
        if found.samples == 0 || !self.may_scale(&piece, found, fast) {
            return Ok(());
        }
        // In a hurry as many periods as fit.
        let samples = if fast { middle / found.samples * found.samples } else { found.samples };
        let (scaled, change, origin) = if shorten {
            (time_stretch::shorten(&piece, buffer.format, samples), samples as i64, Origin::Compressed)
        } else {
            (time_stretch::lengthen(&piece, buffer.format, samples), -(samples as i64), Origin::Stretched)
        };
        let place = if shorten { middle - samples / 2 } else { middle + samples / 2 } as i64 - past as i64;
        let position = buffer.position() + place;
        buffer.replace(ahead, &scaled[past * channels..], place, change);
        buffer.stretches.push(Stretch { position, samples, origin });
        let shift = ms(buffer.format.duration(samples));
        self.level.shift(if shorten { -shift } else { shift });
        self.rest = REST;
        Ok(())
    }

    /// Two periods are alike, or nobody can hear the difference: a pause (30 dB below the loudest), or steady noise.
    fn may_scale(&self, piece: &[i16], found: Period, fast: bool) -> bool {
        let power = power(piece);
        found.likeness > if fast { 0.5 } else { 0.9 }
            || power <= self.loudest / 1000.0
            || found.likeness < 0.5 && power <= 4.0 * self.softest
    }

    /// Plays the next packet, or what there is instead.
    fn play_on(&mut self, buffer: &mut Buffer, now: Time, tick: usize, target: Duration) -> Result<()> {
        let Some((position, contiguous)) = buffer.first() else { return self.expand(buffer, tick) };
        let hole = position - buffer.next;
        self.silent |= contiguous && hole > 0;
        let offset = if contiguous { 0 } else { self.recoverable(buffer, position) };
        let goal = hole - offset as i64;
        let wait =
            if self.silent { self.pause(buffer, now, goal, target) } else { self.patience(buffer, goal, target) };
        match wait {
            Wait::Go if offset > 0 => self.play_recovered(buffer, position, offset),
            Wait::Go => self.play_first(buffer),
            Wait::Skip(samples) => {
                self.leap(buffer, samples);
                buffer.made += samples as usize;
                Ok(())
            }
            Wait::Fill => self.expand(buffer, if goal > 0 { tick.min(goal as usize) } else { tick }),
        }
    }

    /// A hole of `goal` samples: filled, until patience ends.
    fn patience(&self, buffer: &Buffer, goal: i64, target: Duration) -> Wait {
        let waited = ms(buffer.format.duration(buffer.made));
        let enough = waited >= PATIENCE_MS || self.level.level_ms() >= ms(target);
        match goal {
            ..=0 => Wait::Go,
            _ if buffer.made > 0 && enough => Wait::Skip(goal),
            _ => Wait::Fill,
        }
    }

    /// A pause of which `goal` samples are left: shortened or lengthened towards the target.
    fn pause(&self, buffer: &Buffer, now: Time, goal: i64, target: Duration) -> Wait {
        let (low, high) = limits(ms(target));
        let coming = buffer.format.duration(buffer.held() + goal.max(0) as usize);
        if goal > 0 {
            let excess = (buffer.format.samples(coming.saturating_sub(target)) as i64).min(goal);
            return if ms(coming) > high && excess > 0 { Wait::Skip(excess) } else { Wait::Fill };
        }
        let waited = buffer.waited(now);
        let ready = coming.max(buffer.format.duration(buffer.last_samples) + waited);
        if buffer.made > 0 && ms(ready) < low { Wait::Fill } else { Wait::Go }
    }

    /// How far before the first packet in the buffer recovery begins: not before what was played, and at most one
    /// packet before what is due (a deep redundancy must not play late what was long concealed).
    fn recoverable(&self, buffer: &Buffer, position: i64) -> usize {
        let earliest = buffer.reached().max(buffer.next - buffer.last_samples as i64);
        let offset = buffer.reach().min((position - earliest).max(0) as usize);
        if offset > buffer.last_samples { offset - offset % buffer.last_samples } else { offset }
    }

    fn play_recovered(&mut self, buffer: &mut Buffer, position: i64, offset: usize) -> Result<()> {
        self.resume(buffer, position - offset as i64, false);
        let from = buffer.decoded.len();
        let origin = buffer.recover(offset)?;
        self.append(buffer, from, origin);
        Ok(())
    }

    fn play_first(&mut self, buffer: &mut Buffer) -> Result<()> {
        let Some((position, contiguous)) = buffer.first() else { return Ok(()) };
        self.resume(buffer, position, contiguous);
        let from = buffer.decoded.len();
        let (origin, bytes) = buffer.decode_first()?;
        self.silent = bytes <= SILENT_BYTES;
        self.append(buffer, from, origin);
        Ok(())
    }

    /// Takes note of real sound that was decoded from place `from` of the queue on.
    fn append(&mut self, buffer: &mut Buffer, from: usize, origin: Origin) {
        let samples = buffer.decoded.len() - from;
        let own = self.own.take();
        if std::mem::take(&mut self.seam) {
            let at = from * buffer.format.channels as usize;
            let past = buffer.past(from, PAST_MS);
            join(&past, own, &mut buffer.decoded.samples[at..], buffer.format);
        }
        buffer.note(samples, origin);
    }

    /// Makes up `samples`.
    fn expand(&mut self, buffer: &mut Buffer, samples: usize) -> Result<()> {
        let (from, channels) = (buffer.decoded.len(), buffer.format.channels as usize);
        if buffer.made == 0 {
            self.made_from = buffer.stretches.len();
        }
        buffer.conceal(samples)?;
        let silent = self.silent;
        let mute = buffer.decoded.samples[from * channels..].iter().all(|s| *s == 0);
        if mute && !silent && (buffer.made == 0 || self.own.is_some()) {
            // The decoder just stops.
            let own = match self.own.take() {
                Some(own) => own,
                None => Continuation::new(&buffer.past(from, PAST_MS), buffer.format),
            };
            let made = self.own.insert(own).next(samples);
            buffer.decoded.samples[from * channels..].copy_from_slice(&made);
        }
        if !silent {
            let start = buffer.format.samples(from_ms(PATIENCE_MS));
            let length = buffer.format.samples(from_ms(FADE_MS)) as f64;
            let made = buffer.made;
            if made + samples > start {
                for (i, sample) in buffer.decoded.samples[from * channels..].iter_mut().enumerate() {
                    let faded = (made + i / channels).saturating_sub(start) as f64;
                    *sample = (f64::from(*sample) * (1.0 - faded / length).max(0.0)).round() as i16;
                }
            }
        }
        let origin = if silent { Origin::Silent } else { Origin::Concealed };
        buffer.note(samples, origin);
        buffer.made += samples;
        self.seam = true;
        Ok(())
    }

    /// Real sound goes on at `position`: what was made up until there stood for lost (or silent) media, what was made
    /// up beyond it has only taken time.
    fn resume(&mut self, buffer: &mut Buffer, position: i64, contiguous: bool) {
        let mut covered = (position - buffer.reached()).max(0) as usize;
        let made = if buffer.made > 0 { buffer.stretches.split_off(self.made_from) } else { Vec::new() };
        for stretch in made {
            let instead = stretch.samples.min(covered);
            let rest = stretch.samples - instead;
            covered -= instead;
            let silent = contiguous || stretch.origin == Origin::Silent;
            let origin = if silent { Origin::Silent } else { stretch.origin };
            let beyond = if stretch.origin == Origin::Silent { Origin::Silent } else { Origin::Inserted };
            let parts =
                [Stretch { samples: instead, origin, ..stretch }, Stretch { samples: rest, origin: beyond, position }];
            buffer.stretches.extend(parts.into_iter().filter(|s| s.samples > 0));
        }
        self.leap(buffer, position - buffer.next);
        buffer.made = 0;
    }

    /// What is decoded next lies `samples` further on than what was decoded last.
    fn leap(&mut self, buffer: &mut Buffer, samples: i64) {
        self.seam |= samples != 0;
        buffer.leap(samples);
    }

    /// Follows how loud it is.
    fn listen(&mut self, played: &[i16]) {
        let power = power(played);
        // A factor of two in about 14 s, and in about 2 s.
        self.loudest = power.max(self.loudest * 0.9995);
        self.softest = power.min(self.softest * 1.003 + 1e-3);
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
