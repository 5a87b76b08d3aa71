//! What all of it is made of.

use crate::units::Rng;

pub(in crate::media) const RATE: f64 = 48_000.0;

pub(in crate::media) const LEN: usize = 8 * 48_000;

/// Uniform in [-1, 1).
pub(in crate::media) fn white(rng: &mut Rng) -> f64 {
    2.0 * rng.unit() - 1.0
}

/// The sine of so many turns, to 1e-11.
pub(in crate::media) fn sine(turns: f64) -> f64 {
    let x = turns - (turns + 0.5).floor();
    let x = if x.abs() > 0.25 { 0.5f64.copysign(x) - x } else { x };
    let y = std::f64::consts::TAU * x;
    let terms = (1..8).rev().fold(1.0, |sum, i| 1.0 - sum * y * y / f64::from(2 * i * (2 * i + 1)));
    y * terms
}

/// e to the power of -x, to 1e-9 for x up to 0.5.
pub(in crate::media) fn decay(x: f64) -> f64 {
    (1..10).rev().fold(1.0, |sum, i| 1.0 - sum * x / f64::from(i))
}
