//! Delay with jitter. Packets overtake one another when the jitter is larger than their distance, as in netem without a
//! rate.

use super::netem::{Dice, Draw};
use super::spec::{Distribution, LinkSpec};
use crate::units::normal;
use std::time::Duration;

/// The delay of the packet at hand. Uniform: whole nanoseconds in [T-J, T+J); normal: mean T, standard deviation J. A
/// negative value means at once, as netem has it.
pub(super) fn delay(link: &LinkSpec, dice: &mut Dice) -> Duration {
    if link.jitter.is_zero() {
        return link.delay;
    }
    let jitter = link.jitter.as_nanos() as f64;
    let deviation = match link.distribution {
        Distribution::Uniform => (dice.packet(Draw::Delay) * 2.0 * jitter).floor() - jitter,
        Distribution::Normal => normal(dice.packet(Draw::Delay), dice.packet(Draw::DelayToo)) * jitter,
    };
    Duration::from_nanos((link.delay.as_nanos() as f64 + deviation).round().max(0.0) as u64)
}
