//! Smooths the departure of video packets: a picture of fifty packets does not leave at one instant.
//!
//! A leaky bucket as in libwebrtc: packets leave at 2.5 times the target bitrate, in bursts of 5 ms; a queue that would
//! take longer than 2 s leaves faster. Audio goes past it, and so does what is sent again or made for repair below the
//! application.

use crate::units::{Bitrate, Time};
use std::collections::VecDeque;
use std::time::Duration;

/// libwebrtc's: how much faster than the target bitrate packets leave, so that a large picture does not wait for long.
const FACTOR: f64 = 2.5;

/// What leaves at one instant: what the rate allows in this time, and the rest of the last packet.
const BURST: Duration = Duration::from_millis(5);

/// libwebrtc's limit of the time that packets wait on average, in s: beyond it the target does not count.
const LONGEST_WAIT: f64 = 2.0;

/// Packets that wait for their departure. Times must not run backwards.
#[derive(Debug)]
pub struct Pacer<T> {
    target: Bitrate,
    queue: VecDeque<Queued<T>>,
    queued_bits: f64,
    /// The sum of the times since media start at which they came, in s.
    came: f64,
    /// When what has left is paid for.
    paid: Time,
    /// The instant of the burst under way.
    burst: Option<Time>,
}

#[derive(Debug)]
struct Queued<T> {
    at: Time,
    bits: f64,
    packet: T,
}

/// A packet that leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paced<T> {
    pub packet: T,
    /// How long it waited.
    pub waited: Duration,
}

impl<T> Pacer<T> {
    pub fn new(target: Bitrate) -> Pacer<T> {
        Pacer { target, queue: VecDeque::new(), queued_bits: 0.0, came: 0.0, paid: Time::ZERO, burst: None }
    }

    /// A packet of so many bytes wants to leave.
    pub fn push(&mut self, now: Time, bytes: usize, packet: T) {
        let bits = 8.0 * bytes as f64;
        self.queued_bits += bits;
        self.came += seconds(now);
        self.queue.push_back(Queued { at: now, bits, packet });
    }

    /// From `now` on another target holds, also for what has left and is not paid for.
    pub fn set_target(&mut self, now: Time, target: Bitrate) {
        let before = self.rate(now);
        self.target = target;
        if self.paid > now {
            self.paid = now + self.paid.since(now).mul_f64(before / self.rate(now));
        }
    }

    /// When the next packet may leave: at `now` or later. `None`: none waits.
    pub fn next(&self, now: Time) -> Option<Time> {
        let goes_on = self.burst == Some(now) && self.paid < now + BURST;
        (!self.queue.is_empty()).then(|| if goes_on { now } else { self.paid.max(now) })
    }

    /// The next packet, if one may leave at `now`. Ask until there is none.
    pub fn pop(&mut self, now: Time) -> Option<Paced<T>> {
        if self.next(now)? > now {
            return None;
        }
        let rate = self.rate(now);
        let Queued { at, bits, packet } = self.queue.pop_front()?;
        self.queued_bits -= bits;
        self.came -= seconds(at);
        self.burst = Some(now);
        self.paid = self.paid.max(now) + Duration::from_secs_f64(bits / rate);
        Some(Paced { packet, waited: now.since(at) })
    }

    /// How many packets wait.
    pub fn len(&self) -> usize {
        self.queue.len()
    }

    pub fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// How long what waits will take to leave.
    pub fn backlog(&self, now: Time) -> Duration {
        Duration::from_secs_f64(self.queued_bits.max(0.0) / self.rate(now))
    }

    /// In bit/s.
    fn rate(&self, now: Time) -> f64 {
        let waited = match self.queue.len() {
            0 => 0.0,
            n => seconds(now) - self.came / n as f64,
        };
        let in_time = self.queued_bits / (LONGEST_WAIT - waited).max(1e-3);
        (FACTOR * f64::from(self.target.0)).max(in_time).max(1.0)
    }
}

fn seconds(time: Time) -> f64 {
    time.since(Time::ZERO).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pushes packets of `sizes` at those times, lets them leave as soon as they may; gives time, index and wait of each.
    fn run(target: u32, packets: &[(u64, usize)]) -> Vec<(Time, usize, Duration)> {
        let mut pacer = Pacer::new(Bitrate(target));
        let (mut left, mut coming, mut now) = (Vec::new(), packets.iter().enumerate().peekable(), Time::ZERO);
        loop {
            let arrival = coming.peek().map(|(_, (ms, _))| Time::from_millis(*ms));
            now = match (arrival, pacer.next(now)) {
                (Some(a), Some(d)) => a.min(d),
                (Some(t), None) | (None, Some(t)) => t,
                (None, None) => return left,
            };
            while let Some((i, (_, bytes))) = coming.next_if(|(_, (ms, _))| Time::from_millis(*ms) <= now) {
                pacer.push(now, *bytes, i);
            }
            while let Some(Paced { packet, waited }) = pacer.pop(now) {
                left.push((now, packet, waited));
            }
        }
    }

    proptest! {
        #[test]
        fn all_leave_in_order_and_no_faster_than_the_rate(
            target in 50_000..5_000_000u32,
            gaps in prop::collection::vec((0..60u64, 1..1300usize), 1..200),
        ) {
            let mut ms = 0;
            let packets: Vec<(u64, usize)> = gaps.iter().map(|(gap, bytes)| { ms += gap; (ms, *bytes) }).collect();
            let left = run(target, &packets);
            prop_assert_eq!(left.iter().map(|l| l.1).collect::<Vec<_>>(), (0..packets.len()).collect::<Vec<_>>());
            prop_assert!(left.windows(2).all(|w| w[0].0 <= w[1].0));
            for (at, i, waited) in &left {
                prop_assert_eq!(at.since(Time::from_millis(packets[*i].0)), *waited);
            }
            // The bound holds where nothing waits so long that the target does not count.
            let bits: usize = packets.iter().map(|(_, bytes)| 8 * bytes).sum();
            let rate = 2.5 * f64::from(target);
            prop_assume!((bits as f64) < rate);
            for first in 0..left.len() {
                let mut sent = 0.0;
                for (at, i, _) in &left[first..] {
                    let allowed = rate * (at.since(left[first].0).as_secs_f64() + 0.005) + 1.0;
                    prop_assert!(sent <= allowed, "{sent} bits, {allowed} allowed");
                    sent += 8.0 * packets[*i].1 as f64;
                }
            }
        }
    }

    #[test]
    fn a_large_picture_leaves_in_bursts_of_5_ms() {
        // 100 packets of 1250 bytes at 4 Mbit/s, that is 1 ms each of 10 Mbit/s: five by five.
        let left = run(4_000_000, &[(0, 1250); 100]);
        let times: Vec<f64> = left.iter().map(|l| l.0.as_ms()).collect();
        let expected: Vec<f64> = (0..100).map(|i| f64::from(i / 5 * 5)).collect();
        assert!(times.iter().zip(&expected).all(|(t, e)| (t - e).abs() < 1e-3), "{times:?}");
        assert_eq!(left[99].2, left[99].0.since(Time::ZERO));
    }

    #[test]
    fn nothing_waits_much_longer_than_two_seconds() {
        // Twenty times what 2.5 times the target lets through.
        let packets: Vec<(u64, usize)> = (0..1000).map(|i| (10 * i, 1250)).collect();
        let left = run(20_000, &packets);
        let longest = left.iter().map(|l| l.2).max().unwrap();
        assert!((1.0..2.2).contains(&longest.as_secs_f64()), "{longest:?}");
    }

    #[test]
    fn another_target_holds_at_once() {
        let now = Time::ZERO;
        let mut pacer = Pacer::new(Bitrate(100_000));
        for i in 0..2 {
            pacer.push(now, 1250, i);
        }
        assert_eq!(pacer.pop(now).map(|p| p.packet), Some(0));
        assert_eq!(pacer.next(now), Some(Time::from_millis(40)));
        pacer.set_target(now, Bitrate(400_000));
        assert_eq!(pacer.next(now), Some(Time::from_millis(10)));
        assert_eq!(pacer.backlog(now), Duration::from_millis(10));
        assert_eq!(pacer.pop(Time::from_millis(9)), None);
        let paced = Paced { packet: 1, waited: Duration::from_millis(10) };
        assert_eq!(pacer.pop(Time::from_millis(10)), Some(paced));
        assert!(pacer.is_empty() && pacer.next(now).is_none());
    }
}
