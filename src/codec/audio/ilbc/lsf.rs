//! Line spectral frequencies in radians: from and to prediction filters, quantised, interpolated
//! (RFC 3951, sections 3.2.3 to 3.2.7 and 4.1).

use super::filter::{Lpc, ORDER};
use super::lsf_codebook::{HIGH, LOW, MIDDLE};
use super::mode::Mode;
use super::tables::LSF_MEAN;
use std::f64::consts::PI;

/// Ascending, 0 to pi.
pub(super) type Lsf = [f32; ORDER];

/// Entries of the three split codebooks.
pub(super) type Indices = [u8; 3];

/// Codebook, place of its first frequency, frequencies per entry.
const SPLITS: [(&[i16], usize, usize); 3] = [(&LOW, 0, 3), (&MIDDLE, 3, 3), (&HIGH, 6, 4)];

/// Where the codec starts from.
pub(super) fn mean() -> Lsf {
    LSF_MEAN.map(|m| f32::from(m) / 8192.0)
}

/// The entries nearest to `lsf`, each split by itself.
pub(super) fn quantise(lsf: &Lsf) -> Indices {
    SPLITS.map(|(codebook, first, length)| {
        let distance = |entry: &[i16]| -> f32 {
            entry.iter().zip(&lsf[first..]).map(|(e, lsf)| (lsf - f32::from(*e) / 8192.0).powi(2)).sum()
        };
        let distances = codebook.chunks_exact(length).map(distance).enumerate();
        distances.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(index, _)| index as u8)
    })
}

/// What the decoder makes of them.
pub(super) fn dequantise(indices: &Indices) -> Lsf {
    let mut lsf = [0.0; ORDER];
    for ((codebook, first, length), index) in SPLITS.iter().zip(indices) {
        let entry = codebook.chunks_exact(*length).nth(usize::from(*index)).unwrap_or_default();
        lsf[*first..].iter_mut().zip(entry).for_each(|(lsf, e)| *lsf = f32::from(*e) / 8192.0);
    }
    separate(&mut lsf);
    lsf
}

/// Neighbours nearer than 50 Hz are pushed apart, in two passes, for the filter's stability.
fn separate(lsf: &mut Lsf) {
    const GAP: f32 = 0.039;
    // 3.14 in the steps of the codebooks: just below pi.
    const HIGHEST: f32 = 25_723.0 / 8192.0;
    for _ in 0..2 {
        for k in 0..ORDER - 1 {
            if lsf[k + 1] < lsf[k] {
                lsf[k + 1] = lsf[k] + GAP / 2.0;
            } else if lsf[k + 1] - lsf[k] < GAP {
                lsf[k] -= GAP / 2.0;
                lsf[k + 1] += GAP / 2.0;
            }
            lsf[k] = lsf[k].clamp(0.01, HIGHEST);
        }
    }
}

/// The frequencies of each sub-block, between those of the block before (`old`, its last) and the `sets` of this one.
pub(super) fn per_block(mode: Mode, old: &Lsf, sets: &[Lsf]) -> Vec<Lsf> {
    let between =
        |from: &Lsf, to: &Lsf, weight: f32| std::array::from_fn(|i| weight * from[i] + (1.0 - weight) * to[i]);
    match (mode, sets) {
        (Mode::Ms30, [first, second, ..]) => {
            let rest = [1.0, 2.0 / 3.0, 1.0 / 3.0, 0.0, 0.0].map(|w| between(first, second, w));
            [between(old, first, 0.5)].into_iter().chain(rest).collect()
        }
        (_, sets) => {
            let new = sets.first().unwrap_or(old);
            [0.75, 0.5, 0.25, 0.0].map(|w| between(old, new, w)).into()
        }
    }
}

/// The prediction filter with these line spectral frequencies.
pub(super) fn to_lpc(lsf: &Lsf) -> Lpc {
    let product = |first: usize| {
        let mut p = vec![1.0];
        for lsf in lsf.iter().skip(first).step_by(2) {
            p = multiplied(&p, &[1.0, -2.0 * f64::from(*lsf).cos(), 1.0]);
        }
        p
    };
    let (sum, difference) = (multiplied(&product(0), &[1.0, 1.0]), multiplied(&product(1), &[1.0, -1.0]));
    std::array::from_fn(|i| (0.5 * (sum[i] + difference[i])) as f32)
}

fn multiplied(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; a.len() + b.len() - 1];
    for (i, a) in a.iter().enumerate() {
        b.iter().enumerate().for_each(|(j, b)| product[i + j] += a * b);
    }
    product
}

/// The line spectral frequencies of a stable prediction filter: where the sum and the difference polynomial
/// A(z) +- z^-11 A(1/z), without their trivial roots, cross zero by turns. `None`: they do not all.
pub(super) fn from_lpc(a: &Lpc) -> Option<Lsf> {
    const GRID: usize = 512;
    // Half of each symmetric polynomial of order 10, its middle last.
    let half = |sign: f64| -> Vec<f64> {
        let mut half: Vec<f64> = Vec::new();
        for i in 0..=ORDER / 2 {
            let mirrored = if i == 0 { 0.0 } else { f64::from(a[ORDER + 1 - i]) };
            let whole = f64::from(a[i]) + sign * mirrored;
            half.push(whole - sign * half.last().copied().unwrap_or(0.0));
        }
        half
    };
    let halves = [half(1.0), half(-1.0)];
    let value = |which: usize, w: f64| {
        let cosines = |(i, c): (usize, &f64)| 2.0 * c * ((ORDER / 2 - i) as f64 * w).cos();
        let [sides @ .., middle] = &halves[which][..] else { return 0.0 };
        sides.iter().enumerate().map(cosines).sum::<f64>() + middle
    };
    let mut roots: Vec<f32> = Vec::new();
    let mut from = 0.0;
    for step in 1..=GRID {
        let to = PI * step as f64 / GRID as f64;
        // Both polynomials may cross within one step of the grid.
        while roots.len() < ORDER {
            let which = roots.len() % 2;
            let (low, high) = (value(which, from), value(which, to));
            if low * high > 0.0 || from >= to {
                break;
            }
            from = bisected(|w| value(which, w), from, to);
            roots.push(from as f32);
        }
        from = to;
    }
    roots.try_into().ok()
}

fn bisected(f: impl Fn(f64) -> f64, mut from: f64, mut to: f64) -> f64 {
    let sign = f(from).is_sign_negative();
    for _ in 0..30 {
        let middle = 0.5 * (from + to);
        if f(middle).is_sign_negative() == sign {
            from = middle;
        } else {
            to = middle;
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_come_back_from_their_frequencies() {
        for indices in [[0, 0, 0], [63, 127, 127], [17, 33, 99], [5, 80, 12]] {
            let lsf = dequantise(&indices);
            let again = from_lpc(&to_lpc(&lsf)).unwrap();
            assert!(lsf.iter().zip(&again).all(|(a, b)| (a - b).abs() < 1e-3), "{lsf:?} {again:?}");
        }
        let flat = from_lpc(&[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).unwrap();
        assert!(flat.iter().enumerate().all(|(i, w)| (f64::from(*w) - PI * (i + 1) as f64 / 11.0).abs() < 1e-6));
    }

    #[test]
    fn what_is_in_the_codebook_is_found_there() {
        let mut lsf = mean();
        for ((codebook, first, length), entry) in SPLITS.iter().zip([40, 100, 7]) {
            for i in 0..*length {
                lsf[first + i] = f32::from(codebook[entry * length + i]) / 8192.0;
            }
        }
        assert_eq!(quantise(&lsf), [40, 100, 7]);
    }

    #[test]
    fn interpolation_ends_at_the_new_frequencies() {
        let (old, new) = ([0.1; ORDER], [0.5; ORDER]);
        let blocks = per_block(Mode::Ms20, &old, &[new]);
        assert_eq!(blocks.iter().map(|b| (b[0] * 10.0).round() as i32).collect::<Vec<_>>(), [2, 3, 4, 5]);
        let blocks = per_block(Mode::Ms30, &old, &[[0.3; ORDER], [0.6; ORDER]]);
        assert_eq!(blocks.iter().map(|b| (b[0] * 10.0).round() as i32).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 6]);
    }
}
