//! The target delay of the adaptive receiver: the delay manager of libwebrtc's NetEq, from its published figures.
//!
//! A packet's relative delay is how much longer it took than the fastest packet of the last 2 s. The largest relative
//! delay of each 500 ms (so that one peak counts as much as a quiet half second) enters a histogram of 100 buckets of
//! 20 ms with forgetting factor 0.983, and the target is the upper edge of the bucket where 95 % are reached. At the
//! start the factor is 1 - 2 / (n + 1) after n values, where that is less. Until the first value the target is 80 ms.
//! Reordered packets have a histogram of their own (0.9993 per packet), whose delay weighs 20 ms against one percent of
//! loss; the larger delay holds. (libwebrtc, `modules/audio_coding/neteq`: `delay_manager`, `underrun_optimizer`,
//! `reorder_optimizer`, `packet_arrival_history`, defaults of 2022 and later.)
//!
//! One thing is ours: when the fastest packet leaves the window and every later one was slower by 20 ms or more, the
//! path has become longer, and what the last 2 s counted as lateness against the old path is taken back. NetEq keeps it
//! until it is forgotten, 10 to 20 s after a step.

use crate::units::Time;
use std::collections::VecDeque;
use std::time::Duration;

const WINDOW: Duration = Duration::from_secs(2);
const RESAMPLE: Duration = Duration::from_millis(500);
const BUCKETS: usize = 100;
const BUCKET_MS: f64 = 20.0;
const START_MS: f64 = 80.0;
const QUANTILE: f64 = 0.95;
const FORGET: f64 = 0.983;
const FORGET_REORDERED: f64 = 0.9993;
const START_WEIGHT: f64 = 2.0;
const MS_PER_LOSS_PERCENT: f64 = 20.0;

/// Watches arrivals and says how much delay they ask for.
pub struct DelayManager {
    /// Arrival and transit in ms of those packets of the window that were faster than all later ones.
    fastest: VecDeque<(Time, f64)>,
    newest: Option<f64>,
    lateness: Histogram,
    reordering: Histogram,
    any_reordered: bool,
    /// Start of the current half second, and its largest relative delay in ms.
    interval: Option<(Time, f64)>,
    /// What entered `lateness` within the window: when, relative delay in ms, weight left.
    recent: VecDeque<(Time, f64, f64)>,
    target_ms: f64,
}

impl Default for DelayManager {
    fn default() -> DelayManager {
        DelayManager {
            fastest: VecDeque::new(),
            newest: None,
            lateness: Histogram::new(FORGET),
            reordering: Histogram::new(FORGET_REORDERED),
            any_reordered: false,
            interval: None,
            recent: VecDeque::new(),
            target_ms: START_MS,
        }
    }
}

impl DelayManager {
    /// In ms: what the arrivals ask for, 20 to 2000.
    pub fn target_ms(&self) -> f64 {
        self.target_ms
    }

    /// A packet arrived whose media begins at `media_ms`. Packets come in order of arrival, each once.
    pub fn arrived(&mut self, at: Time, media_ms: f64) {
        let transit = at.as_ms() - media_ms;
        let reordered = self.newest.is_some_and(|newest| media_ms < newest);
        self.newest = Some(self.newest.map_or(media_ms, |newest| newest.max(media_ms)));
        let rise = self.remember(at, transit);
        if rise >= BUCKET_MS {
            self.rebase(at, rise);
        }
        let relative = transit - self.fastest.front().map_or(transit, |f| f.1);
        if !reordered {
            self.late_by(at, relative);
        }
        self.reordering.add(if reordered { relative } else { 0.0 });
        self.any_reordered |= reordered;
        let asked = if self.lateness.any() { self.lateness.quantile(QUANTILE) } else { START_MS };
        let reordered = if self.any_reordered { self.reordering.cheapest(asked) } else { 0.0 };
        self.target_ms = asked.max(reordered);
    }

    /// Takes the packet into the window; returns by how much the fastest one has become slower, in ms.
    fn remember(&mut self, at: Time, transit: f64) -> f64 {
        let before = self.fastest.front().map_or(transit, |f| f.1);
        while self.fastest.back().is_some_and(|f| f.1 >= transit) {
            self.fastest.pop_back();
        }
        self.fastest.push_back((at, transit));
        while self.fastest.front().is_some_and(|f| at.since(f.0) > WINDOW) {
            self.fastest.pop_front();
        }
        self.fastest.front().map_or(0.0, |f| f.1 - before)
    }

    fn rebase(&mut self, at: Time, rise: f64) {
        while self.recent.front().is_some_and(|r| at.since(r.0) > WINDOW + RESAMPLE) {
            self.recent.pop_front();
        }
        for (_, relative, weight) in &mut self.recent {
            let moved = (*relative - rise).max(0.0);
            self.lateness.shift(*relative, moved, *weight);
            *relative = moved;
        }
        if let Some((_, largest)) = &mut self.interval {
            *largest = (*largest - rise).max(0.0);
        }
    }

    fn late_by(&mut self, at: Time, relative: f64) {
        let (start, largest) = self.interval.unwrap_or((at, 0.0));
        let largest = largest.max(relative);
        if at.since(start) <= RESAMPLE {
            self.interval = Some((start, largest));
            return;
        }
        self.interval = Some((at, 0.0));
        let forget = self.lateness.add(largest);
        for (_, _, weight) in &mut self.recent {
            *weight *= forget;
        }
        self.recent.push_back((at, largest, 1.0 - forget));
        while self.recent.len() > 8 {
            self.recent.pop_front();
        }
    }
}

/// A distribution of delays that forgets.
struct Histogram {
    share: [f64; BUCKETS],
    forget: f64,
    values: u64,
}

impl Histogram {
    fn new(forget: f64) -> Histogram {
        Histogram { share: [0.0; BUCKETS], forget, values: 0 }
    }

    fn any(&self) -> bool {
        self.values > 0
    }

    fn bucket(delay_ms: f64) -> usize {
        ((delay_ms.max(0.0) / BUCKET_MS) as usize).min(BUCKETS - 1)
    }

    /// Adds a delay; returns the factor by which the others were forgotten.
    fn add(&mut self, delay_ms: f64) -> f64 {
        self.values += 1;
        let forget = (1.0 - START_WEIGHT / (self.values as f64 + 1.0)).clamp(0.0, self.forget);
        self.share.iter_mut().for_each(|s| *s *= forget);
        self.share[Histogram::bucket(delay_ms)] += 1.0 - forget;
        forget
    }

    fn shift(&mut self, from_ms: f64, to_ms: f64, weight: f64) {
        self.share[Histogram::bucket(from_ms)] -= weight;
        self.share[Histogram::bucket(to_ms)] += weight;
    }

    /// Upper edge in ms of the bucket at which the share `q` is reached.
    fn quantile(&self, q: f64) -> f64 {
        let mut above = 1.0;
        let reached = self.share.iter().position(|share| {
            above -= share;
            above <= 1.0 - q
        });
        (reached.unwrap_or(BUCKETS - 1) + 1) as f64 * BUCKET_MS
    }

    /// The delay in ms at which delay beyond `free_ms` and loss together cost least.
    fn cheapest(&self, free_ms: f64) -> f64 {
        let mut lost = 1.0;
        let mut best = (f64::INFINITY, 0);
        for (i, share) in self.share.iter().enumerate() {
            lost -= share;
            let cost = (i as f64 * BUCKET_MS - free_ms).max(0.0) + 100.0 * MS_PER_LOSS_PERCENT * lost.max(0.0);
            if cost < best.0 {
                best = (cost, i);
            }
        }
        (best.1 + 1) as f64 * BUCKET_MS
    }
}

/// The buffer level as the decision sees it, smoothed the more the higher the target is (NetEq's buffer level filter:
/// 251/256 per 10 ms up to a target of 20 ms, 252 up to 60 ms, 253 up to 140 ms, else 254).
#[derive(Default)]
pub struct LevelFilter {
    level_ms: f64,
}

impl LevelFilter {
    pub fn level_ms(&self) -> f64 {
        self.level_ms
    }

    pub fn update(&mut self, held_ms: f64, target_ms: f64) {
        let keep = match target_ms {
            t if t <= 20.0 => 251.0,
            t if t <= 60.0 => 252.0,
            t if t <= 140.0 => 253.0,
            _ => 254.0,
        } / 256.0;
        self.level_ms = keep * self.level_ms + (1.0 - keep) * held_ms;
    }

    /// Time scaling has changed the level by so much.
    pub fn shift(&mut self, change_ms: f64) {
        self.level_ms = (self.level_ms + change_ms).max(0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets of 20 ms, packet `n` delayed by `delay(n)` ms.
    fn after(manager: &mut DelayManager, packets: std::ops::Range<u64>, delay: impl Fn(u64) -> f64) -> f64 {
        for n in packets {
            manager.arrived(Time((20_000_000 * n) + (delay(n) * 1e6) as u64), 20.0 * n as f64);
        }
        manager.target_ms()
    }

    #[test]
    fn the_target_starts_at_80_ms_and_falls_to_one_bucket_without_jitter() {
        let mut manager = DelayManager::default();
        assert_eq!(after(&mut manager, 0..25, |_| 30.0), 80.0);
        assert_eq!(after(&mut manager, 25..100, |_| 30.0), 20.0);
    }

    #[test]
    fn a_peak_in_more_than_one_of_20_half_seconds_sets_the_target_and_a_rarer_one_does_not() {
        let peaks = |every: u64| {
            let mut manager = DelayManager::default();
            after(&mut manager, 0..6000, |n| if n % every == every / 2 { 110.0 } else { 0.0 })
        };
        assert_eq!(peaks(25 * 10), 120.0, "110 ms lies in the bucket that ends at 120 ms");
        assert_eq!(peaks(25 * 100), 20.0);
    }

    #[test]
    fn the_forgetting_weighs_a_value_by_0_983_per_half_second() {
        let mut histogram = Histogram::new(FORGET);
        (0..1000).for_each(|_| _ = histogram.add(0.0));
        (0..4).for_each(|_| _ = histogram.add(200.0));
        // Closed form: 1 - 0.983^4 = 6.6 % lie high, and 16 values later 5.02 %, 17 later 4.9 %.
        assert_eq!(histogram.quantile(QUANTILE), 220.0);
        (0..16).for_each(|_| _ = histogram.add(0.0));
        assert_eq!(histogram.quantile(QUANTILE), 220.0);
        histogram.add(0.0);
        assert_eq!(histogram.quantile(QUANTILE), 20.0);
    }

    #[test]
    fn a_longer_path_is_taken_for_lateness_for_no_more_than_2_s() {
        let mut manager = DelayManager::default();
        let step = |n| if n < 1000 { 30.0 } else { 230.0 };
        assert_eq!(after(&mut manager, 0..1000, step), 20.0);
        assert_eq!(after(&mut manager, 1000..1080, step), 220.0);
        assert_eq!(after(&mut manager, 1080..1110, step), 20.0);
    }

    #[test]
    fn reordering_is_worth_20_ms_per_percent_of_loss() {
        let reordered = |every: u64| {
            let mut manager = DelayManager::default();
            let mut packets: Vec<(u64, u64)> =
                (0..20_000).map(|n| (20 * n + if n % every == 0 { 110 } else { 0 }, n)).collect();
            packets.sort_unstable();
            for (at, n) in packets {
                manager.arrived(Time::from_millis(at), 20.0 * n as f64);
            }
            manager.target_ms()
        };
        // From 20 ms to the bucket of 110 ms is 80 ms more: worth it from 4 % on.
        assert_eq!(reordered(20), 120.0);
        assert_eq!(reordered(50), 20.0);
    }
}
