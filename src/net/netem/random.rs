//! Where random numbers come from: 32 bits at a time, as netem draws them; and netem's correlation between them.
//!
//! A probability becomes the whole number nearest to p (2^32 - 1), and a draw is compared to that (`tc/tc_util.c`). With
//! correlation ρ a draw is x' = (v (2^32 - R) + x R) / 2^32 for a fresh v, the x before, and R = ρ (2^32 - 1) + 1
//! (`get_crandom()` of `net/sched/sch_netem.c`).

use crate::net::Direction;
use crate::net::spec::{Chance, Odds};
use crate::units::{Probability, Rng, Seed, Time};

/// The grid of [`Chance::Grid`], in nanoseconds: 20 ms of send time.
pub const SLOT: u64 = 20_000_000;

/// What a packet's draw is for. The number is part of the draw's key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    Loss = 0,
    Delay = 1,
    Duplicate = 2,
    Corrupt = 3,
    Reorder = 4,
}

/// Added to a draw's number for the copy of a duplicated packet.
const COPY: u64 = 16;

/// A stream's random numbers; see [`Chance`].
pub(super) enum Prng {
    Grid { seed: Seed, stream: &'static str, direction: u64, place: Place, copy: bool },
    Packet(Rng),
}

/// A packet's place on the grid.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    slot: u64,
    /// Among the packets of its stream in that slot. `None`: no packet yet.
    index: Option<u64>,
}

impl Prng {
    pub(super) fn new(chance: Chance, seed: Seed, stream: &'static str, direction: Direction) -> Prng {
        match chance {
            Chance::Grid => {
                Prng::Grid { seed, stream, direction: direction as u64, place: Place::default(), copy: false }
            }
            Chance::Packet => Prng::Packet(seed.stream(&format!("net {stream} {direction:?}"))),
        }
    }

    pub(super) fn next_packet(&mut self, now: Time) {
        if let Prng::Grid { place, .. } = self {
            let slot = now.0 / SLOT;
            let index = place.index.filter(|_| slot == place.slot).map_or(0, |index| index + 1);
            *place = Place { slot, index: Some(index) };
        }
    }

    /// From now on draws are for the copy of the packet at hand, or for itself again.
    pub(super) fn copy(&mut self, yes: bool) {
        if let Prng::Grid { copy, .. } = self {
            *copy = yes;
        }
    }

    /// A draw for the packet at hand. On the grid it depends on the packet's slot, its index there, and `draw` alone.
    pub(super) fn packet(&mut self, draw: Draw) -> u32 {
        match self {
            Prng::Grid { seed, stream, direction, place, copy } => {
                let draw = draw as u64 + if *copy { COPY } else { 0 };
                high(seed.draw(stream, &[*direction, place.slot, place.index.unwrap_or(0), draw]))
            }
            Prng::Packet(rng) => high(rng.bits()),
        }
    }

    /// The draw that the first packet of `slot` has or would have. Without a grid the next draw.
    fn first_of(&mut self, slot: u64, draw: Draw) -> u32 {
        match self {
            Prng::Grid { seed, stream, direction, .. } => high(seed.draw(stream, &[*direction, slot, 0, draw as u64])),
            Prng::Packet(rng) => high(rng.bits()),
        }
    }

    /// The grid's slot of the packet at hand; `None` when chance goes by packets.
    pub(super) fn slot(&self) -> Option<u64> {
        match self {
            Prng::Grid { place, .. } => Some(place.slot),
            Prng::Packet(_) => None,
        }
    }

    /// A draw for the link's state: on the grid it depends on `slot` alone, and is the same for media and RTCP, since
    /// they meet the same realisation.
    pub(super) fn state(&mut self, slot: u64) -> u32 {
        match self {
            Prng::Grid { seed, direction, .. } => high(seed.draw("net state", &[*direction, slot])),
            Prng::Packet(rng) => high(rng.bits()),
        }
    }
}

fn high(bits: u64) -> u32 {
    (bits >> 32) as u32
}

/// As tc hands a probability to the kernel.
pub(super) fn threshold(p: Probability) -> u32 {
    (p.get() * f64::from(u32::MAX)).round_ties_even() as u32
}

/// Draws of one kind, each correlated with the one before.
///
/// On the grid the one before is that of the slot before, as if one packet were sent per slot: so what a packet draws depends
/// on its slot and index alone.
pub(super) struct Correlated {
    draw: Draw,
    /// ρ as a threshold; 0: independent.
    rho: u32,
    /// The draw before; `None` before the first.
    last: Option<u32>,
    /// The slot after that of `last`.
    slot: u64,
}

impl Correlated {
    pub(super) fn new(draw: Draw, correlation: Probability) -> Correlated {
        Correlated { draw, rho: threshold(correlation), last: None, slot: 0 }
    }

    pub(super) fn next(&mut self, prng: &mut Prng) -> u32 {
        if self.rho == 0 {
            return prng.packet(self.draw);
        }
        // The kernel begins with a random one too.
        let mut last = self.last.unwrap_or_else(|| prng.first_of(u64::MAX, self.draw));
        if let Some(slot) = prng.slot() {
            for slot in self.slot..slot {
                last = self.mix(prng.first_of(slot, self.draw), last);
            }
            (self.last, self.slot) = (Some(last), slot);
            return self.mix(prng.packet(self.draw), last);
        }
        let x = self.mix(prng.packet(self.draw), last);
        self.last = Some(x);
        x
    }

    fn mix(&self, fresh: u32, last: u32) -> u32 {
        let rho = u64::from(self.rho) + 1;
        ((u64::from(fresh) * ((1 << 32) - rho) + u64::from(last) * rho) >> 32) as u32
    }
}

/// Whether something happens to a packet, by its [`Odds`].
pub(super) struct Happens {
    threshold: u32,
    draws: Correlated,
}

impl Happens {
    pub(super) fn new(draw: Draw, odds: Odds) -> Happens {
        Happens { threshold: threshold(odds.p), draws: Correlated::new(draw, odds.correlation) }
    }

    /// Draws, unless it never happens.
    pub(super) fn next(&mut self, prng: &mut Prng) -> bool {
        self.threshold > 0 && self.threshold >= self.draws.next(prng)
    }
}
