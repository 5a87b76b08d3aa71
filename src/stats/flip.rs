//! The sign-flip permutation test.

use crate::units::Seed;

/// Sign flips are enumerated up to so many clips, and drawn above.
const EXACT_CLIPS: usize = 15;
const DRAWN_FLIPS: usize = 20_000;

/// Two-sided: the share of sign patterns whose mean is at least as far from zero as the one observed. All of them up to 15
/// clips, 20,000 drawn above, so that it is never below 2 / 2^clips or 1 / 20,001.
pub fn sign_flip(differences: &[f64]) -> f64 {
    let n = differences.len();
    let observed = differences.iter().sum::<f64>().abs();
    // Sums of the same numbers in another order may differ in the last bits, and still tie.
    let threshold = observed - 1e-12 * differences.iter().map(|d| d.abs()).sum::<f64>();
    // The sums of every pattern of eight signs, made once: a pattern of all clips is then a few look-ups.
    let tables: Vec<[f64; 256]> = differences.chunks(8).map(eight).collect();
    let extreme =
        |pattern: &[u8]| pattern.iter().zip(&tables).map(|(p, t)| t[usize::from(*p)]).sum::<f64>().abs() >= threshold;
    if n <= EXACT_CLIPS {
        let count = (0..1_u32 << n).filter(|pattern| extreme(&pattern.to_le_bytes())).count();
        return count as f64 / f64::from(1_u32 << n);
    }
    let mut rng = Seed(0).stream("sign-flip");
    let mut pattern = vec![0; n.div_ceil(64) * 8];
    let mut drawn = || {
        pattern.chunks_mut(8).for_each(|eight| eight.copy_from_slice(&rng.bits().to_le_bytes()));
        extreme(&pattern)
    };
    let count = (0..DRAWN_FLIPS).filter(|_| drawn()).count();
    // The observed pattern is one of those possible.
    (count + 1) as f64 / (DRAWN_FLIPS + 1) as f64
}

/// The sum of up to eight numbers under each pattern of signs; a set bit is a minus.
fn eight(numbers: &[f64]) -> [f64; 256] {
    let signed =
        |pattern: usize| numbers.iter().enumerate().map(|(i, d)| if pattern >> i & 1 == 1 { -d } else { *d }).sum();
    std::array::from_fn(signed)
}
