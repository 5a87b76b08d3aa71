//! When a picture is to be decoded and rendered.

use super::clock::SenderClock;
use super::jitter::Jitter;
use crate::playout::receiver::Receiver;
use crate::rtp::api::Frame;
use crate::units::Time;
use std::time::Duration;

/// What libwebrtc allows for the renderer (`VCMTiming`). It allows for decoding too, by the 95th percentile of measured
/// times; in virtual time decoding takes none.
const RENDER_DELAY: Duration = Duration::from_millis(10);
/// A render time so far off, or such a delay, is nonsense: the estimates start anew.
const NONSENSE: Duration = Duration::from_secs(10);

pub enum Timing {
    Fixed(Fixed),
    Adaptive(Box<Adaptive>),
}

/// So much above the fastest picture.
pub struct Fixed {
    delay: Duration,
    /// Until when the fastest picture is looked for.
    watch_until: Time,
    /// Arrival minus capture of the fastest picture, in ns; by the sender's clock.
    fastest: Option<i64>,
}

/// As libwebrtc's `VCMTiming`: the expected arrival by the sender's clock and a delay that follows what jitter asks for.
pub struct Adaptive {
    min: Duration,
    max: Duration,
    clock: SenderClock,
    jitter: Jitter,
    asked: Duration,
    current: Duration,
}

impl Timing {
    pub fn new(receiver: Receiver, warm_up: Duration) -> Timing {
        match receiver {
            Receiver::Fixed(delay) => {
                Timing::Fixed(Fixed { delay, watch_until: Time::ZERO + warm_up / 2, fastest: None })
            }
            Receiver::GStreamer { latency: delay } => {
                Timing::Fixed(Fixed { delay, watch_until: Time::ZERO, fastest: None })
            }
            Receiver::Adaptive { min, max, .. } => Timing::Adaptive(Box::new(Adaptive {
                min,
                max,
                clock: SenderClock::default(),
                jitter: Jitter::default(),
                asked: Duration::ZERO,
                current: Duration::ZERO,
            })),
        }
    }

    /// A picture is complete.
    pub fn arrived(&mut self, frame: &Frame) {
        match self {
            Timing::Fixed(fixed) => {
                let transit = frame.at.0 as i64 - media(frame.timestamp);
                if fixed.fastest.is_none() || frame.at < fixed.watch_until {
                    fixed.fastest = Some(fixed.fastest.map_or(transit, |fastest| fastest.min(transit)));
                }
            }
            // What came again says nothing of the path.
            Timing::Adaptive(adaptive) if !frame.retransmitted => adaptive.clock.arrived(frame.at, frame.timestamp),
            Timing::Adaptive(_) => {}
        }
    }

    /// When the picture of that timestamp is to be on the screen.
    pub fn render(&self, timestamp: i64, now: Time) -> Time {
        match self {
            Timing::Fixed(fixed) => {
                let captured = media(timestamp) + fixed.fastest.unwrap_or(0);
                Time(u64::try_from(captured).unwrap_or(0)) + fixed.delay
            }
            Timing::Adaptive(adaptive) => {
                let expected = adaptive.clock.expected(timestamp).unwrap_or(now);
                expected + adaptive.current.clamp(adaptive.min, adaptive.max)
            }
        }
    }

    /// When a picture due at `render` goes to the decoder: as late as may be, so that those before it can still come.
    pub fn decode(&self, render: Time) -> Time {
        match self {
            Timing::Fixed(_) => render,
            Timing::Adaptive(_) => render - RENDER_DELAY,
        }
    }

    /// A picture that is due at `render` goes to the decoder now. Returns when it is to be rendered, after all.
    pub fn decoding(&mut self, frame: &Frame, render: Time, now: Time, round_trip: Duration) -> Time {
        let Timing::Adaptive(adaptive) = self else { return render };
        let off = render.since(now).max(now.since(render));
        let mut render = render;
        if off > NONSENSE || adaptive.target() > NONSENSE {
            (adaptive.clock, adaptive.jitter) = (SenderClock::default(), Jitter::default());
            (adaptive.asked, adaptive.current) = (Duration::ZERO, Duration::ZERO);
            render = now;
        }
        if frame.retransmitted {
            adaptive.jitter.retransmitted(now);
            return render;
        }
        adaptive.jitter.picture(now, frame.at, frame.timestamp, frame.bytes);
        adaptive.asked = adaptive.jitter.delay(now, round_trip);
        if adaptive.current.is_zero() {
            adaptive.current = adaptive.asked;
        }
        // Only lateness moves the delay up, and no further than to the target; one above the target comes down at once.
        let target = adaptive.target();
        if now + RENDER_DELAY >= render {
            let late = (now + RENDER_DELAY).since(render);
            adaptive.current = (adaptive.current + late).min(target);
        }
        render
    }

    /// The delay that the receiver wants.
    pub fn target(&self) -> Duration {
        match self {
            Timing::Fixed(fixed) => fixed.delay,
            Timing::Adaptive(adaptive) => adaptive.target().clamp(adaptive.min, adaptive.max),
        }
    }
}

impl Adaptive {
    fn target(&self) -> Duration {
        (self.asked + RENDER_DELAY).max(self.min)
    }
}

/// Nanoseconds of a 90 kHz timestamp.
fn media(timestamp: i64) -> i64 {
    (timestamp * 100_000 + 4).div_euclid(9)
}
