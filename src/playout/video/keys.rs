//! When to ask for a key picture, as libwebrtc does (`video/video_receive_stream2`).

use crate::units::Time;
use std::time::Duration;

/// Without a decodable picture for so long a key picture is asked for; while one is needed, so often.
const WAIT: Duration = Duration::from_secs(3);
const WAIT_FOR_KEY: Duration = Duration::from_millis(200);
/// A stream without packets for so long rests, and no picture of it is asked for.
const REST: Duration = Duration::from_secs(5);

/// Whether a key picture is needed, and asked for.
pub struct Keys {
    needed: bool,
    deadline: Option<Time>,
    heard: Option<Time>,
    /// The last packet of a key picture came.
    heard_key: Option<Time>,
    any_whole: bool,
    any_decoded: bool,
    wanted: bool,
    /// When it was asked for.
    pub requests: Vec<Time>,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            needed: true,
            deadline: None,
            heard: None,
            heard_key: None,
            any_whole: false,
            any_decoded: false,
            wanted: false,
            requests: Vec::new(),
        }
    }
}

impl Keys {
    pub fn needed(&self) -> bool {
        self.needed
    }

    pub fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    pub fn take(&mut self) -> bool {
        std::mem::take(&mut self.wanted)
    }

    /// A packet came.
    pub fn heard(&mut self, now: Time, key: bool) {
        self.heard = Some(now);
        if key {
            self.heard_key = Some(now);
        }
        self.deadline.get_or_insert(now + self.wait());
    }

    /// A picture is complete: if the very first is no key picture, one is asked for at once.
    pub fn whole(&mut self, now: Time, key: bool) {
        self.heard(now, key);
        if !std::mem::replace(&mut self.any_whole, true) && !key {
            self.ask(now);
        }
    }

    /// Nothing but a key picture helps.
    pub fn need(&mut self, now: Time) {
        self.needed = true;
        self.ask(now);
        self.deadline = Some(now + WAIT_FOR_KEY);
    }

    /// A picture goes to the decoder.
    pub fn released(&mut self, now: Time, key: bool) {
        self.needed &= !key;
        self.deadline = Some(now + self.wait());
    }

    pub fn decoded(&mut self) {
        self.any_decoded = true;
    }

    /// The decoder refused a picture: asks, but not more often than while waiting.
    pub fn failed(&mut self, now: Time) {
        let asked = self.requests.last().is_some_and(|last| now.since(*last) <= WAIT_FOR_KEY);
        if !self.any_decoded || !asked {
            self.ask(now);
        }
        self.needed = true;
        self.deadline = Some(now + WAIT_FOR_KEY);
    }

    /// The deadline has passed without a picture to decode; `waits`: one is not due yet.
    pub fn expire(&mut self, now: Time, waits: bool) {
        let within = |at: Option<Time>, wait| at.is_some_and(|at| now.since(at) < wait);
        if !within(self.heard, REST) {
            // The next packet sets a new one.
            self.deadline = None;
            return;
        }
        if !waits && !within(self.heard_key, WAIT_FOR_KEY) {
            self.ask(now);
        }
        self.deadline = Some(now + self.wait());
    }

    fn wait(&self) -> Duration {
        if self.needed { WAIT_FOR_KEY } else { WAIT }
    }

    fn ask(&mut self, now: Time) {
        self.wanted = true;
        self.requests.push(now);
    }
}
