//! One link as Linux' `tc ... netem` has it: delay with jitter, and loss. A seeded state machine in virtual time.
//!
//! Media and RTCP draw from separate chance, so that a report more or less never changes what media meets.

use super::delay::delay;
use super::loss::LossProcess;
use super::spec::{Chance, LinkSpec};
use super::{Delivery, Direction, Impairment, PacketInfo};
use crate::units::{Rng, Seed, Time};

/// The grid of [`Chance::Grid`], in nanoseconds: 20 ms of send time.
pub const SLOT: u64 = 20_000_000;

/// The impairments of one direction.
pub struct Netem {
    link: LinkSpec,
    media: Lane,
    rtcp: Lane,
}

impl Netem {
    pub fn new(link: LinkSpec, chance: Chance, seed: Seed, direction: Direction) -> Netem {
        let lane = |name| Lane { dice: Dice::new(chance, seed, name, direction), loss: LossProcess::new(link.loss) };
        Netem { link, media: lane("media"), rtcp: lane("rtcp") }
    }
}

impl Impairment for Netem {
    fn admit(&mut self, now: Time, packet: &PacketInfo, out: &mut Vec<Delivery>) {
        let lane = if packet.rtcp { &mut self.rtcp } else { &mut self.media };
        lane.dice.next_packet(now);
        // In the order of netem_enqueue(): loss first, and a lost packet draws no delay.
        if !lane.loss.lost(&mut lane.dice) {
            out.push(Delivery { at: now + delay(&self.link, &mut lane.dice) });
        }
    }
}

/// Packets that share a sequence of chance.
struct Lane {
    dice: Dice,
    loss: LossProcess,
}

/// What a packet's draw is for. The number is part of the draw's key.
#[derive(Clone, Copy, Debug)]
pub(super) enum Draw {
    Loss = 0,
    Delay = 1,
    /// Normal jitter takes two.
    DelayToo = 2,
}

/// Where a lane's random numbers come from; see [`Chance`].
pub(super) enum Dice {
    Grid { seed: Seed, lane: &'static str, direction: u64, place: Place },
    Packet(Rng),
}

/// A packet's place on the grid.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    slot: u64,
    /// Among the packets of its lane in that slot. `None`: no packet yet.
    index: Option<u64>,
}

impl Dice {
    fn new(chance: Chance, seed: Seed, lane: &'static str, direction: Direction) -> Dice {
        match chance {
            Chance::Grid => Dice::Grid { seed, lane, direction: direction as u64, place: Place::default() },
            Chance::Packet => Dice::Packet(seed.stream(&format!("net {lane} {direction:?}"))),
        }
    }

    fn next_packet(&mut self, now: Time) {
        if let Dice::Grid { place, .. } = self {
            let slot = now.0 / SLOT;
            let index = place.index.filter(|_| slot == place.slot).map_or(0, |index| index + 1);
            *place = Place { slot, index: Some(index) };
        }
    }

    /// A draw for the packet at hand, uniform in [0, 1). On the grid it depends on the packet's slot, its index there,
    /// and `draw` alone.
    pub(super) fn packet(&mut self, draw: Draw) -> f64 {
        match self {
            Dice::Grid { seed, lane, direction, place } => {
                seed.draw_unit(lane, &[*direction, place.slot, place.index.unwrap_or(0), draw as u64])
            }
            Dice::Packet(rng) => rng.unit(),
        }
    }

    /// The grid's slot of the packet at hand; `None` when chance goes by packets.
    pub(super) fn slot(&self) -> Option<u64> {
        match self {
            Dice::Grid { place, .. } => Some(place.slot),
            Dice::Packet(_) => None,
        }
    }

    /// A draw for the link's state: on the grid it depends on `slot` alone, and is the same for media and RTCP, since
    /// they meet the same weather.
    pub(super) fn state(&mut self, slot: u64) -> f64 {
        match self {
            Dice::Grid { seed, direction, .. } => seed.draw_unit("net state", &[*direction, slot]),
            Dice::Packet(rng) => rng.unit(),
        }
    }
}
