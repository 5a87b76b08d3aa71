//! The adaptive receiver: what libwebrtc's NetEq of June 2025 does every 10 ms, from its published behaviour and figures.
//!
//! - `decision` says what a pull does. `arrivals` and `delay_manager` make the target delay. It decides little: a packet that is there when it is expected is
//!   played, and time is scaled only where the sample heard next is later than on the fastest path by less than the target
//!   (one pitch period is put in, *preemptive expand*), or by the target, the greatest delay of the last 2 s and 20 ms together
//!   (one is taken out, *accelerate*); 60 ms apart at the least, but for four times that limit.
//! - Where nothing is there, sound is made up (*expand*) and media time stands still: a packet that comes after all is played,
//!   and the delay has grown. Where a later packet is there, made-up sound covers the hole one to one before that packet is
//!   played (*merge*); at once, when packets wait for more than 50 ms beyond the target.
//! - After made-up sound that has become quiet, and after pauses, playing goes on once half the target waits (*postpone*).
//! - In the sender's pauses (DTX) the decoder makes comfort noise until the media time of the next packet has come, for 1 s at
//!   most.

mod arrivals;
mod background;
mod decision;
mod delay_manager;
mod expand;
mod merge;
mod signal;
mod time_stretch;

use super::api::{Origin, Stretch, TICK};
use super::buffer::{Buffer, Control, Filled, Frame};
use crate::error::Result;
use crate::media::PcmFormat;
use crate::playout::receiver::Conceal;
use crate::units::{Time, from_ms};
use background::Background;
use decision::{Decisions, Mode, Operation, Situation, TICK_MS};
use expand::{Expand, overlap};
use signal::channel;
use std::time::Duration;

/// The mean square of the background as long as none was heard, for the level after late sound.
const FAINT: f64 = 2500.0;

/// The state of the adaptive receiver.
pub(super) struct NetEq {
    decisions: Decisions,
    conceal: Conceal,
    format: PcmFormat,
    expand: Option<Expand>,
    backgrounds: Vec<Background>,
    /// The first of the stretches made up since the last real sound; see [`Buffer::made`].
    made_from: usize,
}

impl Control for NetEq {
    fn fill(&mut self, buffer: &mut Buffer, now: Time, tick: usize) -> Result<Filled> {
        // Of each packet the frame that it carries as in-band FEC, then itself.
        for packet in buffer.admit(now) {
            let fec = packet.fec as i64;
            let stretches = [(packet.position - fec, fec), (packet.position, packet.samples as i64)];
            stretches.into_iter().filter(|s| s.1 > 0).for_each(|(p, samples)| self.decisions.arrived(p, samples));
        }
        if self.decisions.begin() {
            buffer.replace(0, &vec![0; overlap(self.format) * self.format.channels as usize]);
        }
        let held = self.format.duration(buffer.held());
        let pull = Pull { now, tick, next: buffer.next_frame() };
        let operation = self.decisions.decide(&self.situation(buffer, &pull));
        self.operate(buffer, &pull, operation)?;
        if matches!(self.decisions.mode(), Mode::Normal | Mode::Comfort) {
            self.listen(buffer);
        }
        let silent = self.decisions.mode() == Mode::Comfort && buffer.is_empty();
        Ok(Filled { target: from_ms(self.decisions.target_ms() as f64), held: (!silent).then_some(held) })
    }
}

/// One pull.
struct Pull {
    now: Time,
    /// Samples that are wanted.
    tick: usize,
    next: Option<Frame>,
}

impl NetEq {
    /// With a target delay within these bounds.
    pub fn new(min: Duration, max: Duration, conceal: Conceal, format: PcmFormat) -> NetEq {
        NetEq {
            decisions: Decisions::new(min, max, conceal, format.sample_rate),
            conceal,
            format,
            expand: None,
            backgrounds: (0..format.channels).map(|_| Background::default()).collect(),
            made_from: 0,
        }
    }

    fn situation(&self, buffer: &Buffer, pull: &Pull) -> Situation {
        let waiting = |(first, last, came)| self.decisions.ms(last - first) + waited_ms(pull.now, came);
        Situation {
            next: pull.next,
            due: buffer.reached(),
            heard_next: buffer.reached() - buffer.decoded.len() as i64,
            is_enough_left: self.left(buffer) >= pull.tick,
            waiting_ms: buffer.span().map_or(0, waiting),
            holds_dtx: buffer.holds_dtx(),
            is_faint: self.expand.as_ref().is_some_and(|e| e.mute_factor() < 0.5),
        }
    }

    /// Decoded samples that may be played.
    fn left(&self, buffer: &Buffer) -> usize {
        buffer.decoded.len().saturating_sub(overlap(self.format))
    }

    fn operate(&mut self, buffer: &mut Buffer, pull: &Pull, operation: Operation) -> Result<()> {
        let enough = self.format.samples(from_ms(time_stretch::SPAN_MS as f64));
        let (left, long_frames) = (self.left(buffer), self.decisions.frame() >= enough);
        match operation {
            Operation::PlayOn => {}
            Operation::Expand => self.make_up(buffer, pull.tick)?,
            Operation::Comfort => {
                while self.left(buffer) < pull.tick {
                    buffer.conceal(pull.tick)?;
                    self.note_made(buffer, pull.tick, Origin::Silent);
                }
            }
            Operation::Normal => self.play(buffer, pull, pull.tick)?,
            Operation::Merge => self.merge(buffer, pull)?,
            Operation::Accelerate => match left {
                _ if left >= enough => self.scale(buffer, Operation::Accelerate),
                _ if left >= pull.tick && long_frames => {}
                // Enough to do it after one more frame, some pulls later.
                _ if left < 2 * pull.tick && !long_frames => self.play(buffer, pull, 2 * pull.tick)?,
                _ => {
                    self.play(buffer, pull, pull.tick)?;
                    if self.left(buffer) >= enough {
                        self.scale(buffer, Operation::Accelerate);
                    }
                }
            },
            Operation::PreemptiveExpand => {
                if left < enough && !(left >= pull.tick && long_frames) {
                    let required = if left < 2 * pull.tick && !long_frames { 2 } else { 1 };
                    self.play(buffer, pull, required * pull.tick)?;
                }
                self.scale(buffer, Operation::PreemptiveExpand);
            }
        }
        if self.left(buffer) < pull.tick {
            // What was there is shorter than a pull.
            self.make_up(buffer, pull.tick)?;
        }
        Ok(())
    }

    /// Decodes from the next frame on until `required` samples have come or the next one does not follow. What follows made-up
    /// sound is faded in.
    fn play(&mut self, buffer: &mut Buffer, pull: &Pull, required: usize) -> Result<()> {
        let from = buffer.decoded.len();
        let faded = self.expand.take();
        self.decode(buffer, pull, required)?;
        if let Some(mut expand) = faded.filter(|_| self.decisions.mode() == Mode::Normal) {
            let backgrounds: Vec<f64> = self.backgrounds.iter().map(|b| b.mean_square().unwrap_or(FAINT)).collect();
            let start = from * self.format.channels as usize;
            merge::resume(&mut buffer.decoded.samples[start..], &mut expand, &backgrounds, self.format);
        }
        Ok(())
    }

    fn decode(&mut self, buffer: &mut Buffer, pull: &Pull, required: usize) -> Result<()> {
        let (mut next, mut got) = (pull.next, 0);
        let mut last_sequence = next.map_or(0, |frame| frame.sequence);
        while let Some(frame) = next {
            let from = buffer.decoded.len();
            self.resume(buffer, frame);
            let origin = if frame.offset > 0 { buffer.recover(frame.offset)? } else { buffer.decode_first()?.0 };
            let samples = buffer.decoded.len() - from;
            self.decisions.decoded(samples, frame.dtx);
            self.book(buffer, samples, waited_ms(pull.now, frame.at));
            if frame.dtx {
                // It takes no media time of its own: comfort noise goes on until the next packet's has come.
                self.made_from = buffer.stretches.len();
                buffer.note(samples, Origin::Silent);
                buffer.made += samples;
                return Ok(());
            }
            buffer.note(samples, origin);
            got += samples;
            let end = buffer.next;
            next = if got < required { buffer.next_frame() } else { None };
            next = next.filter(|f| f.position == end && f.sequence - last_sequence <= 1 && !f.dtx);
            last_sequence = next.map_or(0, |frame| frame.sequence);
        }
        Ok(())
    }

    /// Counts a frame that was taken out of the packet buffer after so long.
    fn book(&self, buffer: &mut Buffer, samples: usize, waited_ms: i64) {
        let counters = &mut buffer.counters;
        let weighted = |ms: i64| samples as u64 * ms.max(0) as u64;
        counters.jitter_buffer_emitted_count += samples as u64;
        counters.jitter_buffer_delay += weighted(waited_ms);
        counters.jitter_buffer_target_delay += weighted(self.decisions.target_ms());
        counters.jitter_buffer_minimum_delay += weighted(self.decisions.minimum_ms());
    }

    /// Plays the next frame after made-up sound that has covered what was lost.
    fn merge(&mut self, buffer: &mut Buffer, pull: &Pull) -> Result<()> {
        let channels = self.format.channels as usize;
        let Some(mut expand) = self.expand.take() else { return self.play(buffer, pull, pull.tick) };
        let old = buffer.decoded.len();
        // What is decoded stands behind what is made up, and is then placed where it fits.
        self.decode(buffer, pull, pull.tick)?;
        let before = buffer.decoded.len();
        let (ahead, new) = buffer.decoded.samples.split_at(old * channels);
        let merged = merge::merge(ahead, new, &mut expand, self.format);
        buffer.replace(0, &merged);
        let change = buffer.decoded.len() as i64 - before as i64;
        buffer.splice(old as i64, -change);
        let samples = change.unsigned_abs() as usize;
        let origin = if change > 0 { Origin::Inserted } else { Origin::Compressed };
        if samples > 0 {
            let position = pull.next.map_or(buffer.next, |frame| frame.position);
            buffer.stretches.push(Stretch { position, samples, origin });
        }
        buffer.correct_concealed(change);
        Ok(())
    }

    /// Makes up sound until there is enough for a pull.
    fn make_up(&mut self, buffer: &mut Buffer, tick: usize) -> Result<()> {
        let channels = self.format.channels as usize;
        let overlap = overlap(self.format) * channels;
        while self.left(buffer) < tick {
            if self.conceal == Conceal::Codec {
                buffer.conceal(tick)?;
                self.note_made(buffer, tick, Origin::Concealed);
                continue;
            }
            let past = || buffer.tail(self.format.samples(from_ms(expand::PAST_MS)));
            let mut expand = self.expand.take().unwrap_or_else(|| Expand::new(&past(), self.format));
            let tail = buffer.decoded.samples.len() - overlap;
            let made = expand.next(&mut buffer.decoded.samples[tail..]);
            buffer.decoded.samples.extend_from_slice(&made);
            let samples = made.len() / channels;
            buffer.counters.silent_concealed_samples += if expand.is_silent() { samples as u64 } else { 0 };
            self.expand = Some(expand);
            self.note_made(buffer, samples, Origin::Concealed);
        }
        self.decisions.expanded();
        Ok(())
    }

    fn note_made(&mut self, buffer: &mut Buffer, samples: usize, origin: Origin) {
        if buffer.made == 0 {
            self.made_from = buffer.stretches.len();
        }
        buffer.note(samples, origin);
        buffer.made += samples;
    }

    /// Takes out or puts in one pitch period of the last 30 ms, where the sound allows it.
    fn scale(&mut self, buffer: &mut Buffer, operation: Operation) {
        let format = self.format;
        let channels = format.channels as usize;
        let (span, middle) = (format.samples(from_ms(time_stretch::SPAN_MS as f64)), time_stretch::middle(format));
        let span = span.max(self.decisions.frame());
        // What was played already may be looked at, as long as the change lies behind it.
        let ahead = buffer.decoded.len().min(span);
        let played = span - ahead;
        if self.decisions.mode() == Mode::Comfort {
            return;
        }
        let piece = buffer.tail(span);
        let found = time_stretch::period(&channel(&piece, 0, channels), format);
        let passive = found.is_passive(self.backgrounds[0].mean_square());
        let accelerate = operation == Operation::Accelerate;
        // Of what was played there may be more than half: then what is put in is new sound only if nobody hears it.
        let at = if accelerate { middle } else { middle.max(played) };
        let may = found.may_go(passive) && (accelerate || played <= middle || passive);
        let samples = if accelerate { found.samples } else { found.samples.min(span - at) };
        if !may || samples == 0 {
            return;
        }
        let start = buffer.decoded.len() - ahead;
        let (scaled, change, origin) = if accelerate {
            (time_stretch::shorten(&piece, format, samples), samples as i64, Origin::Compressed)
        } else {
            (time_stretch::lengthen(&piece, format, at, samples), -(samples as i64), Origin::Stretched)
        };
        let middle_of_fade = if accelerate { at - samples / 2 } else { at + samples / 2 };
        let place = start as i64 + middle_of_fade as i64 - played as i64;
        let position = buffer.position() + place;
        buffer.replace(start, &scaled[played * channels..]);
        buffer.splice(place, change);
        buffer.stretches.push(Stretch { position, samples, origin });
        let counters = &mut buffer.counters;
        match accelerate {
            true => counters.removed_samples_for_acceleration += samples as u64,
            false => counters.inserted_samples_for_deceleration += samples as u64,
        }
        self.decisions.scaled();
    }

    /// Real sound goes on with `frame`: what was made up before it stood for lost (or silent) media, what was made up beyond
    /// that has only taken time.
    fn resume(&mut self, buffer: &mut Buffer, frame: Frame) {
        let silence = frame.offset == 0 && buffer.first().is_some_and(|(_, contiguous)| contiguous);
        let mut covered = (frame.position - buffer.reached()).max(0) as usize;
        let made = if buffer.made > 0 { buffer.stretches.split_off(self.made_from) } else { Vec::new() };
        for stretch in made {
            let instead = stretch.samples.min(covered);
            let rest = stretch.samples - instead;
            covered -= instead;
            let origin = if silence { Origin::Silent } else { stretch.origin };
            let beyond = if stretch.origin == Origin::Silent { Origin::Silent } else { Origin::Inserted };
            let position = frame.position;
            let parts =
                [Stretch { samples: instead, origin, ..stretch }, Stretch { samples: rest, origin: beyond, position }];
            buffer.stretches.extend(parts.into_iter().filter(|s| s.samples > 0));
        }
        buffer.leap(frame.position - buffer.next);
        buffer.made = 0;
    }

    /// Looks for the background in what was decoded last.
    fn listen(&mut self, buffer: &Buffer) {
        let channels = self.format.channels as usize;
        let recent = buffer.tail(background::SPAN);
        for (c, background) in self.backgrounds.iter_mut().enumerate() {
            background.update(&channel(&recent, c, channels));
        }
    }
}

/// How many ms of whole pulls a packet has waited that came at `came`.
fn waited_ms(now: Time, came: Time) -> i64 {
    let tick = TICK.as_nanos();
    (now.since(came).as_nanos().div_ceil(tick).max(1) as i64) * TICK_MS
}
