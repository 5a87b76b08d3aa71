//! Ie and Bpl of a setting from instrumental scores, in the manner of ITU-T P.834: where nobody published them.

use super::mos;
use crate::metric::equipment::Band;

/// One measured condition or case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Packet loss in percent, and its burst ratio.
    pub ppl: f64,
    pub burst_r: f64,
    /// MOS-LQO.
    pub mos: f64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fit {
    pub ie: f64,
    /// `None` if no point has loss, or loss does nothing that can be seen.
    pub bpl: Option<f64>,
    /// Root-mean-square distance of the points from the curve, in R.
    pub rmse: f64,
}

/// R at which [`mos`] gives that MOS, on the narrow-band scale: 6.5 to 100.
pub fn rating_of_mos(wanted: f64) -> f64 {
    let (mut low, mut high) = (6.5, 100.0);
    // The cubic rises throughout this range; 60 halvings exhaust an f64.
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if mos(middle) < wanted { low = middle } else { high = middle }
    }
    (low + high) / 2.0
}

/// The losses must differ by so much (percent) for the loss to be told from the codec.
const LEAST_SPREAD: f64 = 1.0;

/// Least squares of Ie + (K - Ie) * Ppl / (Ppl / BurstR + Bpl) over what each point lacks to the best R of its band;
/// `None` without points, or if they all have about the same loss that is not none. For a given Bpl the best Ie is that of a linear fit; Bpl is searched from 0.1 to 1000.
pub fn fit(band: Band, points: &[Point]) -> Option<Fit> {
    let most = points.iter().map(|p| p.ppl).fold(f64::NEG_INFINITY, f64::max);
    let least = points.iter().map(|p| p.ppl).fold(f64::INFINITY, f64::min);
    if points.is_empty() || (most > 0.0 && most - least < LEAST_SPREAD) {
        return None;
    }
    let lacking = |p: &Point| (band.best() - band.stretch() * rating_of_mos(p.mos)).max(0.0);
    let lost = |p: &Point, bpl: f64| p.ppl / (p.ppl / p.burst_r + bpl);
    let total = band.total_loss();
    let best_ie = |bpl: f64| {
        let sums = points.iter().fold((0.0, 0.0), |(top, bottom), p| {
            let rest = 1.0 - lost(p, bpl);
            (top + rest * (lacking(p) - total * (1.0 - rest)), bottom + rest * rest)
        });
        if sums.1 > 0.0 { (sums.0 / sums.1).clamp(0.0, total) } else { 0.0 }
    };
    let rmse = |bpl: f64| {
        let ie = best_ie(bpl);
        let error = |p: &Point| (ie + (total - ie) * lost(p, bpl) - lacking(p)).powi(2);
        (points.iter().map(error).sum::<f64>() / points.len() as f64).sqrt()
    };
    // On a logarithmic grid first, since the error may have two valleys; then ever finer around the best.
    let (mut middle, mut step) = (1.0_f64, 0.05);
    let (mut low, mut high) = (-1.0, 3.0);
    while step > 1e-9 {
        let count = ((high - low) / step) as usize;
        let grid = (0..=count).map(|k| low + step * k as f64);
        middle = grid.min_by(|a, b| rmse(10.0_f64.powf(*a)).total_cmp(&rmse(10.0_f64.powf(*b)))).unwrap_or(middle);
        (low, high) = ((middle - step).max(-1.0), (middle + step).min(3.0));
        step /= 10.0;
    }
    let bpl = 10.0_f64.powf(middle);
    let seen = most > 0.0 && middle < 2.999;
    Some(Fit { ie: best_ie(bpl), bpl: seen.then_some(bpl), rmse: rmse(bpl) })
}
