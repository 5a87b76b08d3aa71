//! The target delay of the adaptive receiver: the delay manager of libwebrtc's NetEq, from its published figures.
//!
//! The largest delay of each half second of arrivals in order enters a histogram of 100 buckets of 20 ms with forgetting
//! factor 0.983, and the target is the upper edge of the bucket that no more than 5 % exceed (*underrun optimizer*). The
//! arrival that ends a half second counts in the next. All arrivals enter a second histogram, those in order as 0, with
//! factor 0.9993; its delay is the one at which delay beyond the first target and loss together cost least, 20 ms being
//! worth one percent of loss (*reorder optimizer*). The larger of both is the target. At the start the factor of the n-th
//! value is 1 - 2/n where that is less, and until the first value the target is 80 ms.

use super::arrivals::Lateness;

const RESAMPLE_MS: i64 = 500;
const BUCKETS: usize = 100;
const BUCKET_MS: i64 = 20;
const START_MS: i64 = 80;
const QUANTILE: f64 = 0.95;
const FORGET: f64 = 0.983;
const FORGET_REORDERED: f64 = 0.9993;
const START_WEIGHT: f64 = 2.0;
const MS_PER_LOSS_PERCENT: f64 = 20.0;

/// Watches how late packets come and says how much delay that asks for.
pub(super) struct DelayManager {
    in_order: Histogram,
    reordered: Histogram,
    /// Start of the current half second, and its largest delay so far, both in ms.
    interval: Option<(i64, i64)>,
    target_ms: i64,
}

impl Default for DelayManager {
    fn default() -> DelayManager {
        DelayManager {
            in_order: Histogram::new(FORGET),
            reordered: Histogram::new(FORGET_REORDERED),
            interval: None,
            target_ms: START_MS,
        }
    }
}

impl DelayManager {
    /// In ms: what the arrivals ask for, a multiple of 20.
    pub fn target_ms(&self) -> i64 {
        self.target_ms
    }

    /// Something came so late at `now_ms`.
    pub fn update(&mut self, now_ms: i64, lateness: Lateness) {
        let Lateness { delay_ms, reordered } = lateness;
        if !reordered {
            let (start, largest) = self.interval.unwrap_or((now_ms, 0));
            self.interval = Some(if now_ms - start > RESAMPLE_MS {
                self.in_order.add(largest);
                (now_ms, delay_ms)
            } else {
                (start, largest.max(delay_ms))
            });
        }
        let asked = if self.in_order.values > 0 { self.in_order.quantile(QUANTILE) } else { START_MS };
        self.reordered.add(if reordered { delay_ms } else { 0 });
        self.target_ms = asked.max(self.reordered.cheapest(asked));
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

    /// Adds a delay; one beyond the last bucket is left out.
    fn add(&mut self, delay_ms: i64) {
        let Some(bucket) = usize::try_from(delay_ms / BUCKET_MS).ok().filter(|b| *b < BUCKETS) else { return };
        self.values += 1;
        let forget = (1.0 - START_WEIGHT / self.values as f64).clamp(0.0, self.forget);
        self.share.iter_mut().for_each(|s| *s *= forget);
        self.share[bucket] += 1.0 - forget;
    }

    /// Upper edge in ms of the bucket at which the share `q` is reached.
    fn quantile(&self, q: f64) -> i64 {
        let mut above = 1.0;
        let reached = self.share.iter().position(|share| {
            above -= share;
            above <= 1.0 - q
        });
        (reached.unwrap_or(BUCKETS - 1) + 1) as i64 * BUCKET_MS
    }

    /// The delay in ms at which delay beyond `free_ms` and loss together cost least.
    fn cheapest(&self, free_ms: i64) -> i64 {
        let mut lost = 1.0;
        let mut best = (f64::INFINITY, 0);
        for (bucket, share) in (0..).zip(&self.share) {
            lost -= share;
            let cost = (bucket * BUCKET_MS - free_ms).max(0) as f64 + 100.0 * MS_PER_LOSS_PERCENT * lost.max(0.0);
            if cost < best.0 {
                best = (cost, bucket);
            }
        }
        (best.1 + 1) * BUCKET_MS
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::Arrivals;
    use super::*;
    use crate::units::Seed;

    /// Packets of 20 ms, packet `n` delayed by `delay(n)` ms.
    fn after(packets: u64, delay: impl Fn(u64) -> i64) -> i64 {
        let (mut arrivals, mut manager) = (Arrivals::new(48_000), DelayManager::default());
        for n in 0..packets as i64 {
            let came = (20 * n + delay(n as u64)) / 10 * 10;
            if let Some(lateness) = arrivals.add(960 * n, 960, came) {
                manager.update(came, lateness);
            }
        }
        manager.target_ms()
    }

    #[test]
    fn the_target_starts_at_80_ms_and_falls_to_one_bucket_without_jitter() {
        assert_eq!(after(25, |_| 30), 80);
        assert_eq!(after(100, |_| 30), 20);
    }

    #[test]
    fn a_peak_in_more_than_one_of_20_half_seconds_sets_the_target_and_a_rarer_one_does_not() {
        let peaks = |every: u64| after(6000, |n| if n % every == every / 2 { 110 } else { 0 });
        assert_eq!(peaks(25 * 10), 120, "110 ms lies in the bucket that ends at 120 ms");
        assert_eq!(peaks(25 * 100), 20);
    }

    #[test]
    fn the_forgetting_weighs_a_value_by_0_983_per_half_second() {
        let mut histogram = Histogram::new(FORGET);
        (0..1000).for_each(|_| histogram.add(0));
        (0..4).for_each(|_| histogram.add(200));
        // Closed form: 1 - 0.983^4 = 6.6 % lie high, and 16 values later 5.02 %, 17 later 4.9 %.
        assert_eq!(histogram.quantile(QUANTILE), 220);
        (0..16).for_each(|_| histogram.add(0));
        assert_eq!(histogram.quantile(QUANTILE), 220);
        histogram.add(0);
        assert_eq!(histogram.quantile(QUANTILE), 20);
    }

    #[test]
    fn a_longer_path_is_forgotten_after_10_to_20_s() {
        let step = |n| if n < 10_000 { 30 } else { 230 };
        assert_eq!(after(10_000, step), 20);
        assert_eq!(after(10_000 + 50 * 3, step), 220);
        assert_eq!(after(10_000 + 50 * 10, step), 220);
        assert_eq!(after(10_000 + 50 * 20, step), 20);
    }

    #[test]
    fn reordering_is_worth_20_ms_per_percent_of_loss() {
        let reordered = |every: i64| {
            let (mut arrivals, mut manager) = (Arrivals::new(48_000), DelayManager::default());
            let mut packets: Vec<(i64, i64)> =
                (0..20_000).map(|n| (20 * n + if n % every == 0 { 110 } else { 0 }, n)).collect();
            packets.sort_unstable();
            for (came, n) in packets {
                if let Some(lateness) = arrivals.add(960 * n, 960, came) {
                    manager.update(came, lateness);
                }
            }
            manager.target_ms()
        };
        // From 20 ms to the bucket of 110 ms is 80 ms more: worth it from 4 % on.
        assert_eq!(reordered(20), 120);
        assert_eq!(reordered(50), 20);
    }

    /// The mean target after 30 s over seeds and phases of the pulls, for 20 ms packets whose delay is uniform within
    /// `jitter` ms of 40 and of which `loss` are lost; with `fec` a packet brings the frame before it, with `red` a copy after itself.
    fn expected(jitter: f64, loss: f64, fec: bool, red: bool) -> f64 {
        let calls = 24;
        let mean = |call: u64| {
            let seed = Seed(call);
            let phase = 10.0 * call as f64 / calls as f64;
            let mut packets: Vec<(f64, i64)> = (0..6000)
                .filter(|n| seed.draw_unit("loss", &[*n]) >= loss)
                .map(|n| (20.0 * n as f64 + 40.0 + jitter * (2.0 * seed.draw_unit("jitter", &[n]) - 1.0), n as i64))
                .collect();
            packets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let (mut arrivals, mut manager) = (Arrivals::new(48_000), DelayManager::default());
            let mut targets = Vec::new();
            for (at, n) in packets {
                let came = ((at + phase) / 10.0).floor() as i64 * 10;
                let before = (n - 1).max(0);
                let stretches = [fec.then_some(before), Some(n), red.then_some(before)];
                for n in stretches.into_iter().flatten() {
                    if let Some(lateness) = arrivals.add(960 * n, 960, came) {
                        manager.update(came, lateness);
                    }
                }
                if at > 30_000.0 {
                    targets.push(manager.target_ms() as f64);
                }
            }
            targets.iter().sum::<f64>() / targets.len() as f64
        };
        (0..calls).map(mean).sum::<f64>() / calls as f64
    }

    /// The figures of an emulation of libwebrtc of June 2025 that is not ours, and of Chromium 156 where it was measured.
    #[test]
    fn targets_are_those_of_libwebrtc() {
        for (jitter, loss, fec, red, target) in [
            (0.0, 0.0, false, false, 20.0..=20.0),
            (0.0, 0.0, true, false, 20.0..=20.0),
            (0.0, 0.0, false, true, 20.0..=20.0),
            (0.0, 0.05, false, false, 20.0..=20.0),
            (0.0, 0.05, true, false, 40.0..=40.0),
            (0.0, 0.05, false, true, 40.0..=40.0),
            (10.0, 0.0, false, false, 40.0..=40.0),
            (10.0, 0.0, true, false, 40.0..=40.0),
            (10.0, 0.01, false, false, 40.0..=40.0),
            (10.0, 0.01, true, false, 51.0..=51.0),
            (10.0, 0.05, false, false, 40.0..=40.0),
            (10.0, 0.05, true, false, 57.0..=59.0),
            (10.0, 0.05, false, true, 60.0..=60.0),
            (20.0, 0.05, false, false, 60.0..=60.0),
            (20.0, 0.05, true, false, 80.0..=80.0),
        ] {
            let found = expected(jitter, loss, fec, red);
            let right = *target.start() - 3.0..=*target.end() + 3.0;
            assert!(
                right.contains(&found),
                "40±{jitter} ms, loss {loss}, FEC {fec}, RED {red}: {found}, not {target:?}"
            );
        }
    }
}
