//! NSIM, the neurogram similarity (A. Hines and N. Harte, "Speech intelligibility prediction using a Neurogram Similarity
//! Index Measure", 2012): per pixel of two spectrograms, likeness of the local mean times likeness of the local structure,
//! under a 3 x 3 Gaussian whose edges repeat the outermost pixels.

use super::gammatone::Column;
use super::wide::wide;
use std::array::from_fn;

/// The Gaussian's weights: centre, side, corner.
const CENTER: f64 = 0.619485845753726;
const SIDE: f64 = 0.0838251475442633;
const CORNER: f64 = 0.0113033910173052;

/// Keep the quotients finite: (0.01)^2 and (0.03)^2 / 2, for an intensity range of 1.
const C1: f64 = 1e-4;
const C3: f64 = 4.5e-4;

/// The columns of a spectrogram with what NSIM asks of each signal alone. A patch's first and last columns see
/// themselves as their outer neighbour, so each column knows its values as first, inner and last one.
pub struct Pixels<const W: usize> {
    columns: Vec<Column<W>>,
    local: Vec<[Local<W>; 3]>,
}

/// Mean, and standard deviation with the sign of the variance, which rounding may make negative.
struct Local<const W: usize> {
    mean: Column<W>,
    deviation: Column<W>,
}

const FIRST: usize = 0;
const INNER: usize = 1;
const LAST: usize = 2;

impl<const W: usize> Pixels<W> {
    pub fn new(columns: Vec<Column<W>>) -> Self {
        let local = wide(
            #[inline(always)]
            || local(&columns),
        );
        Pixels { local, columns }
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }
}

#[inline(always)]
fn local<const W: usize>(columns: &[Column<W>]) -> Vec<[Local<W>; 3]> {
    let means: Vec<Smeared<W>> = columns.iter().map(Smeared::new).collect();
    let squares: Vec<Smeared<W>> = columns.iter().map(|c| Smeared::new(&c.map(|v| v * v))).collect();
    let last = columns.len().saturating_sub(1);
    let local = |k: usize| {
        let (before, after) = (k.saturating_sub(1), (k + 1).min(last));
        [(k, after), (before, after), (before, k)].map(|(before, after)| {
            let mean = sum(&means[before], &means[k], &means[after]);
            let square = sum(&squares[before], &squares[k], &squares[after]);
            let deviation = from_fn(|r| {
                let variance = square[r] - mean[r] * mean[r];
                variance.abs().sqrt().copysign(variance)
            });
            Local { mean, deviation }
        })
    };
    (0..columns.len()).map(local).collect()
}

/// Per band, the mean similarity of all of `reference` with as many columns of `degraded` from `offset` on; at most 1.
///
/// `degraded` has at least `offset + reference.len()` columns.
pub fn band_means<const W: usize>(reference: &Pixels<W>, degraded: &Pixels<W>, offset: usize) -> Column<W> {
    wide(
        #[inline(always)]
        || means(reference, degraded, offset),
    )
}

#[inline(always)]
fn means<const W: usize>(reference: &Pixels<W>, degraded: &Pixels<W>, offset: usize) -> Column<W> {
    let count = reference.len();
    let product = |k: usize| product(&reference.columns[k], &degraded.columns[offset + k]);
    let mut total = [0.0; W];
    let mut now = product(0);
    let mut before = now;
    for k in 0..count {
        let after = if k + 1 < count { product(k + 1) } else { now };
        let place = if k == 0 {
            FIRST
        } else if k + 1 == count {
            LAST
        } else {
            INNER
        };
        let cross = sum(&before, &now, &after);
        let (r, d) = (&reference.local[k][place], &degraded.local[offset + k][place]);
        for b in 0..W {
            let means = r.mean[b] * d.mean[b];
            let intensity = (2.0 * means + C1, r.mean[b] * r.mean[b] + d.mean[b] * d.mean[b] + C1);
            // A negative product of variances counts as none.
            let structure = (cross[b] - means + C3, (r.deviation[b] * d.deviation[b]).max(0.0) + C3);
            total[b] += intensity.0 * structure.0 / (intensity.1 * structure.1);
        }
        (before, now) = (now, after);
    }
    total.map(|t| t / count as f64)
}

#[inline(always)]
fn product<const W: usize>(r: &Column<W>, d: &Column<W>) -> Smeared<W> {
    let mut product = [0.0; W];
    (0..W).for_each(|b| product[b] = r[b] * d[b]);
    Smeared::new(&product)
}

/// The mean over the bands.
pub fn mean<const W: usize>(bands: &Column<W>) -> f64 {
    bands.iter().sum::<f64>() / W as f64
}

/// A column under the Gaussian's middle column and under its outer ones.
#[derive(Clone, Copy)]
struct Smeared<const W: usize> {
    middle: Column<W>,
    outer: Column<W>,
}

impl<const W: usize> Smeared<W> {
    #[inline(always)]
    fn new(column: &Column<W>) -> Self {
        let mut sides = [0.0; W];
        sides[0] = column[0] + column[1];
        sides[W - 1] = column[W - 2] + column[W - 1];
        for b in 1..W - 1 {
            sides[b] = column[b - 1] + column[b + 1];
        }
        // Not `from_fn`: it is not always inlined.
        let mut smeared = Smeared { middle: [0.0; W], outer: [0.0; W] };
        for b in 0..W {
            smeared.middle[b] = CENTER * column[b] + SIDE * sides[b];
            smeared.outer[b] = SIDE * column[b] + CORNER * sides[b];
        }
        smeared
    }
}

#[inline(always)]
fn sum<const W: usize>(before: &Smeared<W>, now: &Smeared<W>, after: &Smeared<W>) -> Column<W> {
    let mut sum = [0.0; W];
    (0..W).for_each(|b| sum[b] = now.middle[b] + (before.outer[b] + after.outer[b]));
    sum
}
