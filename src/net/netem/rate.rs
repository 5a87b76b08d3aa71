//! A link of some speed.
//!
//! As `netem_enqueue()` has it: a packet of n bytes takes (n + overhead) / rate, or with cells as many whole cells with
//! their overhead. It begins when it has had its delay and the packet before it is through, so nothing overtakes on such a
//! link: time_to_send = max(last, now + delay) + size / rate. Sizes are those of IPv4 packets, where the kernel counts
//! Ethernet's header of 14 bytes too: `rate 300kbit 14` is its `rate 300kbit`.

use crate::net::spec::{Queue, Rate};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// How long a packet of `bytes` takes, in ns.
pub(super) fn packet_time(rate: &Rate, bytes: usize) -> i64 {
    let mut length = bytes as i128 + i128::from(rate.overhead);
    length = length.max(0);
    if rate.cell > 0 {
        let cell = i128::from(rate.cell);
        length = (length + cell - 1) / cell * (cell + i128::from(rate.cell_overhead)).max(0);
    }
    let time = length * 1_000_000_000 / i128::from(rate.bytes_per_second.max(1));
    time.min(i128::from(i64::MAX / 4)) as i64
}

/// The packets that a link holds, by the instants at which they leave it.
#[derive(Default)]
pub(super) struct Held(BinaryHeap<Reverse<i64>>);

impl Held {
    /// How many there are at `now`; those that leave by then are gone.
    pub(super) fn count(&mut self, now: i64) -> usize {
        while self.0.peek().is_some_and(|first| first.0 <= now) {
            self.0.pop();
        }
        self.0.len()
    }

    pub(super) fn push(&mut self, leaves: i64) {
        self.0.push(Reverse(leaves));
    }

    /// Whether a packet that reaches the link at `arrives` finds it full. It would begin at `begins`.
    pub(super) fn is_full(&self, queue: Option<Queue>, arrives: i64, begins: i64) -> bool {
        match queue {
            None => false,
            Some(Queue::Time(most)) => begins - arrives > most.as_nanos() as i64,
            Some(Queue::Packets(most)) => self.0.iter().filter(|leaves| leaves.0 > arrives).count() >= most as usize,
        }
    }
}
