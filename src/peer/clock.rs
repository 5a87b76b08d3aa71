//! What time it is in a call for an interceptor: virtual time itself, or what stands for it on real sockets.
//!
//! On sockets a packet reaches the interceptor a little after the virtual time at which it was sent, later by what the
//! threads and the system take. Chance on the grid goes by the time of sending, so media is asked for by its nominal
//! time, as the sender noted it here: then its fate is the simulated one, however late it came. All else (RTCP, and what
//! repair sends again) has no nominal time. It counts as sent at its real time, but never after the time that the call
//! has reached, nor after media that is still on its way here, so that the times an impairment is asked for never run
//! backwards. On a link with a rate, where packets wait for one another, RTCP therefore stands up to a tick elsewhere in
//! the queue than in virtual time.

use crate::units::Time;
use rtc::interceptor::Packet;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

/// The time of a call. Clones show the same.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    /// Media start, [`Time::ZERO`].
    start: Arc<OnceLock<Instant>>,
    /// `None` in virtual time.
    nominal: Option<Arc<Mutex<Nominal>>>,
}

/// What is known of virtual time in a call on sockets.
#[derive(Debug, Default)]
struct Nominal {
    /// The call has run up to here: all that is sent from now on has this time or a later one.
    reached: Time,
    /// Sequence number, timestamp and time of the media that has not come to the interceptor yet, in order.
    coming: VecDeque<(u16, u32, Time)>,
}

/// Virtual time: an instant is what it says.
impl From<Instant> for Clock {
    fn from(start: Instant) -> Clock {
        Clock { start: Arc::new(start.into()), nominal: None }
    }
}

impl Clock {
    /// For a call on sockets. Its time begins with [`Clock::begin`].
    pub fn live() -> Clock {
        Clock { nominal: Some(Arc::default()), ..Clock::default() }
    }

    /// Media starts at `start`; only the first call counts.
    pub fn begin(&self, start: Instant) {
        self.start.get_or_init(|| start);
    }

    /// `None` before media start.
    pub fn time(&self, now: Instant) -> Option<Time> {
        now.checked_duration_since(*self.start.get()?).map(|since| Time::ZERO + since)
    }

    /// On sockets: the call has reached `now`.
    pub fn reach(&self, now: Time) {
        self.nominal(|n| n.reached = n.reached.max(now));
    }

    /// On sockets: media that is sent at `now`. Say so before it is.
    pub fn send(&self, now: Time, sequence: u16, timestamp: u32) {
        self.nominal(|n| n.coming.push_back((sequence, timestamp, now)));
    }

    /// When a packet that comes to the interceptor at `now` counts as sent, and the instant from which its delay counts.
    /// `None` before media start.
    pub(super) fn sent(&self, now: Instant, packet: &Packet) -> Option<(Time, Instant)> {
        let (real, start) = (self.time(now)?, *self.start.get()?);
        let at_nominal = self.nominal(|n| {
            let place = match packet {
                Packet::Rtp(rtp) => {
                    let name = (rtp.header.sequence_number, rtp.header.timestamp);
                    n.coming.iter().position(|(sequence, timestamp, _)| (*sequence, *timestamp) == name)
                }
                _ => None,
            };
            match place.and_then(|place| n.coming.drain(..=place).next_back()) {
                Some((_, _, at)) => (at, start + Duration::from_nanos(at.0)),
                None => (real.min(n.reached).min(n.coming.front().map_or(real, |(_, _, at)| *at)), now),
            }
        });
        Some(at_nominal.unwrap_or((real, now)))
    }

    fn nominal<T>(&self, f: impl FnOnce(&mut Nominal) -> T) -> Option<T> {
        self.nominal.as_ref().map(|n| f(&mut n.lock().unwrap_or_else(PoisonError::into_inner)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rtc::rtp;

    #[expect(clippy::disallowed_methods, reason = "only differences to this instant are used")]
    fn begin() -> Instant {
        Instant::now()
    }

    fn media(sequence_number: u16) -> Packet {
        let header = rtp::Header { sequence_number, timestamp: 7, ..Default::default() };
        Packet::Rtp(rtp::Packet { header, ..Default::default() })
    }

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn in_virtual_time_a_packet_is_sent_when_it_comes() {
        let start = begin();
        let clock = Clock::from(start + MS);
        assert_eq!(clock.sent(start, &media(0)), None);
        let now = start + 3 * MS;
        clock.send(Time::ZERO, 0, 7);
        assert_eq!(clock.sent(now, &media(0)), Some((Time::from_millis(2), now)));
    }

    #[test]
    fn on_sockets_media_counts_from_its_nominal_time_and_time_never_runs_backwards() {
        let (start, clock) = (begin(), Clock::live());
        assert_eq!(clock.sent(start, &media(0)), None);
        clock.begin(start);
        let report = Packet::Rtcp(Vec::new());
        let mut times = Vec::new();
        let mut sent = |at: u32, packet: &Packet| {
            let (time, from) = clock.sent(start + at * MS, packet).unwrap();
            times.push(time);
            (time.as_ms(), from.duration_since(start).as_millis())
        };
        // Not yet reached, though the clock says 3 ms: media of 2 ms may still come.
        clock.reach(Time::from_millis(2));
        assert_eq!(sent(3, &report), (2.0, 3));
        for sequence in 0..3 {
            clock.send(Time::from_millis(2 + 20 * u64::from(sequence)), sequence, 7);
        }
        assert_eq!(sent(4, &media(0)), (2.0, 2));
        clock.reach(Time::from_millis(60));
        // The media of 22 ms is on its way.
        assert_eq!(sent(65, &report), (22.0, 65));
        // One that never came is not waited for.
        assert_eq!(sent(66, &media(2)), (42.0, 42));
        assert_eq!(sent(67, &report), (60.0, 67));
        // Sent again by some repair: its first time is gone.
        assert_eq!(sent(68, &media(2)), (60.0, 68));
        assert!(times.is_sorted());
    }
}
