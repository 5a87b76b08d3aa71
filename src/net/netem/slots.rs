//! Slots of sending time, as `netem_dequeue()` of `net/sched/sch_netem.c` has them.
//!
//! The link is looked at whenever a packet comes in (lost or not), and when the first of those that wait may leave. Each time a
//! slot that opened before that packet is due is given up, and the next one drawn from then; in a slot leaves all that is due, up
//! to so many packets and bytes. So a packet that comes in while another waits for its time moves the slot of both, and when a
//! packet leaves is known only once it does.

use super::delay::tabledist;
use super::random::SLOT;
use super::tables::table;
use crate::net::spec::{Slot, Spacing};
use crate::net::{Delivery, Direction};
use crate::units::{Seed, Time};
use std::collections::BTreeMap;

/// The slot that opened last, or opens next, and the packets that wait for one.
pub(super) struct Slots {
    slot: Slot,
    chance: Draws,
    opens: i64,
    packets: u32,
    bytes: u64,
    /// By due time, then by order of coming.
    waiting: BTreeMap<(i64, u64), Waiting>,
    came: u64,
    wakes: Option<i64>,
}

pub(super) struct Waiting {
    pub(super) packet: u64,
    pub(super) bytes: usize,
    pub(super) corrupt: bool,
}

impl Slots {
    pub(super) fn new(slot: &Slot, now: i64, seed: Seed, direction: Direction) -> Slots {
        Slots {
            slot: slot.clone(),
            chance: Draws { seed, direction: direction as u64, place: 0, drawn: 0 },
            opens: now,
            packets: 0,
            bytes: 0,
            waiting: BTreeMap::new(),
            came: 0,
            wakes: None,
        }
    }

    /// Other slots from `now` on; what waits goes on waiting.
    pub(super) fn change(&mut self, slot: &Slot, now: i64) {
        (self.slot, self.opens, self.packets, self.bytes) = (slot.clone(), now, 0, 0);
    }

    /// No slots any more from `now` on: what waits leaves when it is due.
    pub(super) fn end(self, now: i64, out: &mut Vec<Delivery>) {
        let leave = |((due, _), w): ((i64, u64), Waiting)| delivery(&w, due.max(now));
        out.extend(self.waiting.into_iter().map(leave));
    }

    pub(super) fn push(&mut self, due: i64, waiting: Waiting) {
        self.waiting.insert((due, self.came), waiting);
        self.came += 1;
    }

    /// How many wait for a slot alone at `now`.
    pub(super) fn late(&self, now: i64) -> usize {
        self.waiting.range(..=(now, u64::MAX)).count()
    }

    /// When the link is to be looked at next, unless a packet comes before.
    pub(super) fn wakes(&self) -> Option<i64> {
        self.wakes
    }

    /// What leaves up to `now`.
    pub(super) fn advance(&mut self, now: i64, out: &mut Vec<Delivery>) {
        while let Some(at) = self.wakes.filter(|at| *at <= now) {
            self.dequeue(at, out);
        }
    }

    /// Looks at the link at `now`.
    pub(super) fn dequeue(&mut self, now: i64, out: &mut Vec<Delivery>) {
        self.wakes = None;
        while let Some(first) = self.waiting.first_entry() {
            let due = first.key().0;
            if self.opens < due {
                (self.opens, self.packets, self.bytes) = (now + self.chance.wait(&self.slot.spacing, now), 0, 0);
            }
            if due.max(self.opens) > now {
                self.wakes = Some(due.max(self.opens));
                return;
            }
            let waiting = first.remove();
            out.push(delivery(&waiting, now));
            self.packets += 1;
            self.bytes += waiting.bytes as u64;
            let full = self.slot.packets.is_some_and(|most| self.packets >= most);
            if full || self.slot.bytes.is_some_and(|most| self.bytes >= u64::from(most)) {
                (self.opens, self.packets, self.bytes) = (now + self.chance.wait(&self.slot.spacing, now), 0, 0);
            }
        }
    }
}

fn delivery(waiting: &Waiting, at: i64) -> Delivery {
    Delivery { packet: waiting.packet, at: Time(at as u64), corrupt: waiting.corrupt }
}

/// The link's own chance: by the time on the grid, and the draws before in its place there. The kernel's slots do not draw from
/// netem's sequence either.
struct Draws {
    seed: Seed,
    direction: u64,
    place: u64,
    drawn: u64,
}

impl Draws {
    /// How long from `now` on until a slot opens, in ns.
    fn wait(&mut self, spacing: &Spacing, now: i64) -> i64 {
        let place = now as u64 / SLOT;
        self.drawn = if place == self.place { self.drawn + 1 } else { 0 };
        self.place = place;
        let draw = (self.seed.draw("net slot", &[self.direction, place, self.drawn]) >> 32) as u32;
        let wait = match spacing {
            Spacing::Range { min, max } => {
                let more = ((max.as_nanos() - min.as_nanos()) * u128::from(draw)) >> 32;
                min.as_nanos() as i64 + more as i64
            }
            Spacing::Table { distribution, delay, jitter } => {
                tabledist(delay.as_nanos() as i64, *jitter, draw, table(distribution))
            }
        };
        wait.max(0)
    }
}
