//! Reordering: once `gap - 1` packets were delayed, each next one is sent at once with some probability, ahead of all that
//! wait; then the count begins anew (`netem_enqueue()` of `net/sched/sch_netem.c`).

use super::random::{Correlated, Draw, Prng, threshold};
use crate::net::spec::LinkSpec;

pub(super) struct Reorder {
    gap: u32,
    threshold: u32,
    draws: Correlated,
    /// Delayed packets since the last that was not.
    counter: u32,
}

impl Reorder {
    pub(super) fn new(link: &LinkSpec) -> Reorder {
        Reorder {
            gap: link.gap,
            threshold: threshold(link.reorder.p),
            draws: Correlated::new(Draw::Reorder, link.reorder.correlation),
            counter: 0,
        }
    }

    /// Whether the packet at hand is sent at once.
    ///
    /// On the grid with a gap, all packets of a slot stand at the same count, and one slot in so many is reordered, so that
    /// how many packets are sent makes no difference; the phase of it is that of the call's begin.
    pub(super) fn at_once(&mut self, prng: &mut Prng) -> bool {
        if self.gap == 0 {
            return false;
        }
        if let Some(slot) = prng.slot() {
            return slot % u64::from(self.gap) == u64::from(self.gap) - 1 && self.threshold >= self.draws.next(prng);
        }
        let at_once = self.counter >= self.gap - 1 && self.threshold >= self.draws.next(prng);
        self.counter = if at_once { 0 } else { self.counter.saturating_add(1) };
        at_once
    }
}
