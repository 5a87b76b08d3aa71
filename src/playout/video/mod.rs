//! Video playout: whole coded pictures in as they are completed, pictures on the screen at their render times.
//!
//! A picture is decoded only when all that it refers to have been; what cannot be decoded any more waits for a key picture
//! (libwebrtc, `api/video/frame_buffer` and `video/video_stream_buffer_controller`).

mod clock;
mod freeze;
mod jitter;
mod keys;
mod timing;

pub use super::receiver::Receiver;
pub use freeze::{Freezes, freezes};

use crate::codec::{Decoder, Input};
use crate::media::{Footage, Picture, PictureFormat};
use crate::rtp::api::Frame;
use crate::units::Time;
use keys::Keys;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;
use timing::Timing;

/// Coded pictures that wait at most, and decoded ones that are remembered (libwebrtc: `kMaxFramesBuffered`,
/// `kMaxFramesHistory`).
const MOST_WAITING: usize = 800;
const MOST_REMEMBERED: usize = 1 << 13;

/// A picture that was put on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Render {
    /// [`Frame::id`].
    pub id: u64,
    /// [`Frame::timestamp`].
    pub timestamp: i64,
    pub at: Time,
    /// When the last packet of the coded picture came.
    pub complete_at: Time,
    pub key: bool,
    /// `None`: it left the screen before the first kept picture came ([`Screen::keep_from`]).
    pub picture: Option<Picture>,
}

/// What a call has shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// In order of time.
    pub renders: Vec<Render>,
    pub decoded: usize,
    /// Decoded, but a newer one was due by then.
    pub overtaken: usize,
    /// Whole coded pictures that were never decoded: what they refer to was missing, or they came after a later one.
    pub undecodable: usize,
    pub decode_errors: usize,
    /// When a key picture was asked for.
    pub key_requests: Vec<Time>,
    /// The playout delay that the receiver wanted at each decoded picture.
    pub delays: Vec<(Time, Duration)>,
}

/// A running video receiver.
pub struct Screen {
    timing: Timing,
    decoder: Box<dyn Decoder<Picture>>,
    format: PictureFormat,
    keys: Keys,
    round_trip: Duration,
    keep_from: i64,
    now: Time,
    /// Coded pictures by id, all newer than the last decoded one.
    waiting: BTreeMap<u64, Frame>,
    decoded: BTreeSet<u64>,
    last: Option<u64>,
    /// The picture to be decoded next, and when it is to be rendered: chosen when it becomes the next.
    next: Option<(u64, Time)>,
    /// Decoded and not yet due, in order.
    due: VecDeque<(Time, Render)>,
    shown: Shown,
}

impl Screen {
    /// `format` is that of the decoder's pictures. A fixed receiver looks for the fastest picture during the first half of
    /// `warm_up` (the first picture only, without a warm-up).
    pub fn new(
        receiver: Receiver,
        format: PictureFormat,
        decoder: Box<dyn Decoder<Picture>>,
        warm_up: Duration,
    ) -> Screen {
        Screen {
            timing: Timing::new(receiver, warm_up),
            decoder,
            format,
            keys: Keys::default(),
            round_trip: Duration::ZERO,
            keep_from: i64::MIN,
            now: Time::ZERO,
            waiting: BTreeMap::new(),
            decoded: BTreeSet::new(),
            last: None,
            next: None,
            due: VecDeque::new(),
            shown: Shown::default(),
        }
    }

    /// Pictures that left the screen before the first one of this or a later timestamp are not kept.
    pub fn keep_from(&mut self, timestamp: i64) {
        self.keep_from = timestamp;
    }

    /// The timestamp of the picture on show; `None` before the first.
    pub fn last_shown(&self) -> Option<i64> {
        self.shown.renders.last().map(|render| render.timestamp)
    }

    /// The round-trip time, for the allowance for retransmissions; 0 until it is told.
    pub fn set_round_trip(&mut self, round_trip: Duration) {
        self.round_trip = round_trip;
    }

    /// A packet of the stream came; `key`: of a key picture ([`crate::rtp::api::Depacketizer::insert`]). While none
    /// comes no key picture is asked for, nor while one is coming.
    pub fn heard(&mut self, now: Time, key: bool) {
        self.keys.heard(now, key);
    }

    /// Takes a coded picture, in order of completion.
    pub fn insert(&mut self, frame: Frame, now: Time) {
        self.now = self.now.max(now);
        self.keys.whole(self.now, frame.key);
        if self.waiting.contains_key(&frame.id) {
            return;
        }
        if self.last.is_some_and(|last| frame.id <= last) {
            self.shown.undecodable += 1;
            return;
        }
        if self.waiting.len() >= MOST_WAITING {
            let dropped = if frame.key { std::mem::take(&mut self.waiting).len() } else { 1 };
            self.shown.undecodable += dropped;
            if !frame.key {
                return;
            }
        }
        self.timing.arrived(&frame);
        self.waiting.insert(frame.id, frame);
        self.choose_next();
    }

    /// Loss is past repair (the list of missing packets overflowed): only a key picture helps.
    pub fn need_key(&mut self, now: Time) {
        self.now = self.now.max(now);
        self.keys.need(self.now);
        self.choose_next();
    }

    /// When [`Screen::advance`] has something to do next. May be in the past: at once.
    pub fn next_event(&self) -> Option<Time> {
        [self.decode_at(), self.render_at(), self.keys.deadline()].into_iter().flatten().min()
    }

    /// Decodes and renders all that is due up to `now`.
    pub fn advance(&mut self, now: Time) {
        while let Some(event) = self.next_event().filter(|event| *event <= now) {
            self.step(event);
        }
        self.now = self.now.max(now);
    }

    /// Whether a key picture is to be asked for now (PLI, RFC 4585, section 6.3.1). Once per request; requests come up in
    /// [`Screen::insert`], [`Screen::need_key`] and [`Screen::advance`].
    pub fn take_key_request(&mut self) -> bool {
        self.keys.take()
    }

    /// The end: what can still be decoded is, and is rendered at its time.
    pub fn finish(mut self) -> Shown {
        while let Some(event) = [self.decode_at(), self.render_at()].into_iter().flatten().min() {
            self.step(event);
        }
        self.shown.undecodable += self.waiting.len();
        self.shown.key_requests = self.keys.requests;
        self.shown
    }

    fn decode_at(&self) -> Option<Time> {
        let (_, render) = self.next?;
        let at = if self.keys.needed() { Time::ZERO } else { self.timing.decode(render) };
        Some(at.max(self.now))
    }

    fn render_at(&self) -> Option<Time> {
        self.due.front().map(|(at, _)| *at)
    }

    /// What is to be done at that time: what is decoded at it is rendered at it, and is no reason to ask for a key picture.
    fn step(&mut self, event: Time) {
        self.now = self.now.max(event);
        if self.decode_at().is_some_and(|at| at <= event) {
            self.decode();
        } else if self.render_at().is_some_and(|at| at <= event) {
            self.render(event);
        } else {
            self.keys.expire(event, self.next.is_some());
        }
    }

    /// Finds the picture to be decoded next: the oldest of those whose references have all been decoded; while a key
    /// picture is needed, the oldest key picture.
    fn choose_next(&mut self) {
        let needed = self.keys.needed();
        let decodable = |f: &&Frame| f.key || !needed && f.depends_on.iter().all(|id| self.decoded.contains(id));
        let next = self.waiting.values().find(decodable).map(|f| (f.id, f.timestamp));
        if next.map(|(id, _)| id) != self.next.map(|(id, _)| id) {
            self.next = next.map(|(id, timestamp)| (id, self.timing.render(timestamp, self.now)));
        }
    }

    fn decode(&mut self) {
        let Some((id, render)) = self.next.take() else { return };
        let later = self.waiting.split_off(&(id + 1));
        let mut passed = std::mem::replace(&mut self.waiting, later);
        let frame = passed.remove(&id);
        self.shown.undecodable += passed.len();
        self.last = Some(id);
        if let Some(frame) = frame {
            self.keys.released(self.now, frame.key);
            let render = self.timing.decoding(&frame, render, self.now, self.round_trip);
            self.shown.delays.push((self.now, self.timing.target()));
            match self.picture(&frame.data) {
                Some(picture) => {
                    self.keys.decoded();
                    self.queue(frame, picture, render);
                }
                None => {
                    self.shown.decode_errors += 1;
                    self.keys.failed(self.now);
                }
            }
        }
        self.choose_next();
    }

    /// The picture that the decoder makes of it; `None`: it makes none.
    fn picture(&mut self, data: &[u8]) -> Option<Picture> {
        let mut out = Footage::new(self.format);
        self.decoder.decode(Input::Unit(data), &mut out).ok()?;
        out.pictures.pop()
    }

    fn queue(&mut self, frame: Frame, picture: Picture, render: Time) {
        if frame.key {
            self.decoded.clear();
        }
        self.decoded.insert(frame.id);
        while self.decoded.len() > MOST_REMEMBERED {
            self.decoded.pop_first();
        }
        self.shown.decoded += 1;
        let Frame { id, timestamp, key, at: complete_at, .. } = frame;
        // The renderer takes pictures in order of decoding.
        let last = self.due.back().map_or(self.now, |(at, _)| *at);
        let at = render.max(self.now).max(last);
        self.due.push_back((at, Render { id, timestamp, at, complete_at, key, picture: Some(picture) }));
    }

    /// Puts the newest of the pictures due at `at` on the screen.
    fn render(&mut self, at: Time) {
        let count = self.due.iter().take_while(|(due, _)| *due <= at).count();
        self.shown.overtaken += count.saturating_sub(1);
        let Some((_, render)) = self.due.drain(..count).next_back() else { return };
        if render.timestamp < self.keep_from
            && let Some(before) = self.shown.renders.last_mut()
        {
            before.picture = None;
        }
        self.shown.renders.push(render);
    }
}

#[cfg(test)]
mod tests;
