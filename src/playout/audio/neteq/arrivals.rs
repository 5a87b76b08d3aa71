//! When the packets of the last 2 s came, as NetEq's packet arrival history keeps it.
//!
//! Time is that of the pulls: a packet came at the last pull before it, so all packets between two pulls are equal. What
//! came is a stretch of media, be it a packet, the in-band FEC of a packet or a redundant copy; what lies wholly in a
//! stretch that came before does not count. The window is one of media time. A stretch that is not the newest is reordered:
//! it is remembered, but is neither the fastest nor the slowest.

use std::collections::{BTreeMap, VecDeque};

/// The length of the window in ms of media.
const WINDOW_MS: i64 = 2000;

/// A stretch of media and when it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Arrival {
    /// The media position of its first sample.
    position: i64,
    /// In samples, as positions.
    came: i64,
}

impl Arrival {
    fn transit(self) -> i64 {
        self.came - self.position
    }
}

/// The arrival history. Positions and times are in samples of the decoder's rate.
pub(super) struct Arrivals {
    sample_rate: i64,
    /// By position: the length of the stretch.
    known: BTreeMap<i64, i64>,
    /// Those that were faster than all later ones; and slower.
    fastest: VecDeque<Arrival>,
    slowest: VecDeque<Arrival>,
}

/// How late a stretch came, against the fastest of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lateness {
    pub delay_ms: i64,
    pub reordered: bool,
}

impl Arrivals {
    pub fn new(sample_rate: u32) -> Arrivals {
        Arrivals {
            sample_rate: i64::from(sample_rate),
            known: BTreeMap::new(),
            fastest: VecDeque::new(),
            slowest: VecDeque::new(),
        }
    }

    /// So many samples from `position` on came at `came_ms`. `None`: it is too old, known already, or the first.
    pub fn add(&mut self, position: i64, samples: i64, came_ms: i64) -> Option<Lateness> {
        let newest = self.known.last_key_value().map(|(p, _)| *p);
        let obsolete = |p: i64, newest: i64| newest - p > WINDOW_MS * self.sample_rate / 1000;
        if newest.is_some_and(|newest| obsolete(position, newest)) || self.contains(position, samples) {
            return None;
        }
        self.known.insert(position, samples);
        let reordered = newest.is_some_and(|newest| position < newest);
        if !reordered {
            while self.known.first_key_value().is_some_and(|(p, _)| obsolete(*p, position)) {
                self.known.pop_first();
            }
            let arrival = Arrival { position, came: came_ms * self.sample_rate / 1000 };
            for (extremes, beaten) in
                [(&mut self.fastest, (|a, b| a >= b) as fn(i64, i64) -> bool), (&mut self.slowest, |a, b| a <= b)]
            {
                while extremes.front().is_some_and(|a| obsolete(a.position, position)) {
                    extremes.pop_front();
                }
                while extremes.back().is_some_and(|a| beaten(a.transit(), arrival.transit())) {
                    extremes.pop_back();
                }
                extremes.push_back(arrival);
            }
        }
        (self.known.len() >= 2).then(|| Lateness { delay_ms: self.delay_ms(position, came_ms), reordered })
    }

    /// How much later than on the fastest path the sample at `position` is at `now_ms`, in whole ms; never negative.
    pub fn delay_ms(&self, position: i64, now_ms: i64) -> i64 {
        self.behind(now_ms * self.sample_rate / 1000 - position)
    }

    /// The same of the slowest arrival in the window.
    pub fn max_delay_ms(&self) -> i64 {
        self.slowest.front().map_or(0, |slowest| self.behind(slowest.transit()))
    }

    fn behind(&self, transit: i64) -> i64 {
        let fastest = self.fastest.front().map_or(transit, |f| f.transit());
        ((transit - fastest) * 1000 / self.sample_rate).max(0)
    }

    fn contains(&self, position: i64, samples: i64) -> bool {
        let before = self.known.range(..=position).next_back();
        before.is_some_and(|(p, length)| position + samples <= p + length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_a_known_stretch_or_is_too_old_does_not_count() {
        let mut arrivals = Arrivals::new(48_000);
        assert_eq!(arrivals.add(0, 960, 100), None, "the first has nothing to be compared with");
        assert_eq!(arrivals.add(960, 960, 120), Some(Lateness { delay_ms: 0, reordered: false }));
        assert_eq!(arrivals.add(960, 960, 150), None);
        // A lost packet's FEC comes with the next, one frame late; the packet itself then says nothing.
        assert_eq!(arrivals.add(1920, 960, 160), Some(Lateness { delay_ms: 20, reordered: false }));
        assert_eq!(arrivals.add(2880, 960, 160), Some(Lateness { delay_ms: 0, reordered: false }));
        assert_eq!(arrivals.add(1920, 960, 200), None);
        assert_eq!(arrivals.max_delay_ms(), 20);
        assert_eq!(arrivals.add(150_000, 960, 3200), None, "all before it have left the window");
        assert_eq!(arrivals.add(200_000, 960, 4300), Some(Lateness { delay_ms: 58, reordered: false }));
        assert_eq!(arrivals.add(100_000, 960, 4300), None, "2.08 s older than the newest");
        assert_eq!(arrivals.max_delay_ms(), 58);
    }

    #[test]
    fn a_reordered_stretch_is_late_but_is_no_extreme() {
        let mut arrivals = Arrivals::new(16_000);
        arrivals.add(0, 320, 100);
        arrivals.add(640, 320, 140);
        assert_eq!(arrivals.add(320, 320, 200), Some(Lateness { delay_ms: 80, reordered: true }));
        assert_eq!(arrivals.max_delay_ms(), 0);
        assert_eq!(arrivals.delay_ms(640, 175), 35);
    }
}
