//! A link of some speed, and slots of sending time.
//!
//! Rate, as `netem_enqueue()` has it: a packet of n bytes takes (n + overhead) / rate, or with cells as many whole cells with
//! their overhead. It begins when it has had its delay and the packet before it is through, so nothing overtakes on such a
//! link: time_to_send = max(last, now + delay) + size / rate. Sizes are IPv4 packets: say `overhead 14` for Ethernet.
//!
//! Slots, as `netem_dequeue()` has it: a packet that falls due after the slot opened waits for the next one, drawn from then; in
//! it leaves all that is due by then, up to so many packets and bytes. The kernel also draws anew when a packet comes in while
//! another waits for its time; that is left out here, and matters only when slots are as long as the delay.

use super::delay::tabledist;
use super::random::{Dice, Draw};
use super::tables::table;
use crate::net::spec::{Queue, Rate, Slot, Spacing};
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

/// The slot that opened last, or opens next.
pub(super) struct Slots {
    slot: Slot,
    opens: i64,
    packets: u32,
    bytes: u64,
}

impl Slots {
    pub(super) fn new(slot: &Slot, now: i64) -> Slots {
        Slots { slot: slot.clone(), opens: now, packets: 0, bytes: 0 }
    }

    /// When a packet leaves that is due at `due`.
    pub(super) fn leaves(&mut self, due: i64, bytes: usize, dice: &mut Dice) -> i64 {
        if due > self.opens {
            self.next(due, dice);
        }
        let leaves = self.opens;
        self.packets += 1;
        self.bytes += bytes as u64;
        let packets = self.slot.packets.is_some_and(|most| self.packets >= most);
        if packets || self.slot.bytes.is_some_and(|most| self.bytes >= u64::from(most)) {
            self.next(leaves, dice);
        }
        leaves
    }

    fn next(&mut self, now: i64, dice: &mut Dice) {
        let draw = dice.packet(Draw::Slot);
        let wait = match &self.slot.spacing {
            Spacing::Range { min, max } => {
                let more = ((max.as_nanos() - min.as_nanos()) * u128::from(draw)) >> 32;
                min.as_nanos() as i64 + more as i64
            }
            Spacing::Table { distribution, delay, jitter } => {
                tabledist(delay.as_nanos() as i64, *jitter, draw, table(distribution))
            }
        };
        (self.opens, self.packets, self.bytes) = (now + wait.max(0), 0, 0);
    }
}
