//! The search of the adaptive codebook (RFC 3951, section 3.6.4): three vectors, one after the other, each taking as
//! much as it can of what the others left, in the perceptually weighted domain.

use super::codebook::{Codebook, Entry, coded_gain, decoded_gain};
use super::filter::{Lpc, ORDER, synthesise};
use super::frame::Shape;
use std::ops::Range;

/// A vector that would need more gain is not taken.
const MAX_GAIN: f32 = 1.3;

/// Of the filtered half, the lags around the best of the other half are searched, so many.
const AROUND: usize = 34;

/// The vectors and gains that together come nearest to `target`. `number`: which stretch of the frame it is in the order
/// of coding; 0 is the rest of the start state's sub-blocks. `weighting`: 1/A is what errors are seen through.
pub(super) fn search(memory: &[f32], target: &[f32], weighting: &Lpc, number: usize) -> Shape {
    let mut past = [0.0; ORDER];
    let (mut memory, mut left) = (memory.to_vec(), target.to_vec());
    synthesise(weighting, &mut past, &mut memory);
    synthesise(weighting, &mut past, &mut left);
    let codebook = Codebook::new(&memory, left.len());
    let candidates = [false, true].map(|filtered| candidates(&codebook, filtered, lags(number, 0, &left, &codebook)));
    let target_energy = energy(&left);
    let mut coded = vec![0.0; left.len()];
    let mut shape = Shape::default();
    let mut gain = 1.0;
    for stage in 0..3 {
        let (entry, best_gain) = best(&candidates, &left, stage, lags(number, stage, &left, &codebook));
        let index = coded_gain(stage, best_gain, gain);
        gain = decoded_gain(stage, index, gain);
        shape.vectors[stage] = codebook.index(entry) as u8;
        shape.gains[stage] = index;
        for ((left, coded), v) in left.iter_mut().zip(&mut coded).zip(codebook.vector(entry)) {
            *left -= gain * v;
            *coded += gain * v;
        }
    }
    shape.gains[0] = matched(shape.gains[0], energy(&coded), target_energy);
    shape
}

/// The lags to search in the unfiltered half, the end not included.
fn lags(number: usize, stage: usize, target: &[f32], codebook: &Codebook) -> Range<usize> {
    // Beyond 58 the memory of the start state's rest is empty; the first sub-block has 7 bits for its later stages.
    let count = match (number, stage) {
        (0, _) => 58,
        (1, 1..) => 44,
        _ => 108,
    };
    codebook.shortest()..target.len() + count
}

/// A vector that may be taken, with its energy.
struct Candidate {
    entry: Entry,
    vector: Vec<f32>,
    energy: f32,
}

/// In the order of their lags.
fn candidates(codebook: &Codebook, filtered: bool, lags: Range<usize>) -> Vec<Candidate> {
    let candidate = |lag| {
        let entry = Entry { lag, filtered };
        let vector = codebook.vector(entry);
        Candidate { entry, energy: energy(&vector), vector }
    };
    lags.map(candidate).collect()
}

/// The vector that takes most of `target`, and its gain. `halves`: unfiltered and filtered, from the first of `lags` on.
fn best(halves: &[Vec<Candidate>; 2], target: &[f32], stage: usize, lags: Range<usize>) -> (Entry, f32) {
    let mut best = (0.0, Entry { lag: target.len(), filtered: false }, 0.0);
    let mut search = |candidates: &[Candidate]| {
        for Candidate { entry, vector, energy } in candidates {
            let product: f32 = vector.iter().zip(target).map(|(v, t)| v * t).sum();
            // The first stage has no negative gains.
            if *energy <= 0.0 || stage == 0 && product <= 0.0 {
                continue;
            }
            let (taken, gain) = (product * product / energy, product / energy);
            if taken > best.0 && gain.abs() < MAX_GAIN {
                best = (taken, *entry, gain);
            }
        }
        best.1.lag - lags.start
    };
    let around = search(&halves[0][..lags.len()]);
    let from = around.saturating_sub(AROUND / 2).min(lags.len() - AROUND);
    search(&halves[1][from..from + AROUND]);
    (best.1, best.2)
}

/// The first gain, on which the others depend, raised as long as what is coded has no more energy than the target, to
/// twice at most: errors of the vectors had taken energy away (section 3.6.4.2).
fn matched(index: u8, coded_energy: f32, target_energy: f32) -> u8 {
    let level = |index: u8| decoded_gain(0, index, 1.0);
    let first = level(index);
    let mut taken = index;
    for higher in index..32 {
        let fits = coded_energy * level(higher).powi(2) < target_energy * first * first;
        if fits && level(taken) < 2.0 * first {
            taken = higher;
        }
    }
    taken
}

fn energy(signal: &[f32]) -> f32 {
    signal.iter().map(|s| s * s).sum()
}

#[cfg(test)]
mod tests {
    use super::super::codebook::construct;
    use super::*;

    const FLAT: Lpc = [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];

    fn noise(n: usize, seed: u32) -> Vec<f32> {
        let mut x = seed;
        let mut next = || {
            x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (x >> 16) as f32 - 32_768.0
        };
        (0..n).map(|_| next() / 32.0).collect()
    }

    #[test]
    fn a_target_out_of_the_memory_is_found() {
        let memory = noise(147, 5);
        for (number, index) in [(2, 30), (2, 115), (2, 150), (1, 250)] {
            let codebook = Codebook::new(&memory, 40);
            let target = codebook.vector(codebook.entry(index)).iter().map(|v| v * 0.9).collect::<Vec<_>>();
            let shape = search(&memory, &target, &FLAT, number);
            if index < 128 {
                assert_eq!(usize::from(shape.vectors[0]), index);
            }
            let coded = construct(&memory, 40, &shape);
            let error: f32 = coded.iter().zip(&target).map(|(c, t)| (c - t).powi(2)).sum();
            assert!(error < 0.3 * energy(&target), "{index}: {} of {}", error, energy(&target));
        }
    }

    #[test]
    fn each_stage_stays_within_its_bits() {
        for seed in 0..40 {
            let target = noise(40, 100 + seed);
            let first = search(&noise(147, seed), &target, &FLAT, 1);
            let named = |v: u8| matches!(v, 0..44 | 108..172 | 236..);
            assert!(named(first.vectors[1]) && named(first.vectors[2]), "{first:?}");
            let mut memory = vec![0.0; 27];
            memory.extend(noise(58, seed));
            let rest = search(&memory, &target[..22], &FLAT, 0);
            assert!(rest.vectors.iter().all(|v| *v < 128), "{rest:?}");
        }
    }

    #[test]
    fn silence_is_coded_without_a_fault() {
        let shape = search(&[0.0; 147], &[0.0; 40], &FLAT, 2);
        assert_eq!(construct(&[0.0; 147], 40, &shape), vec![0.0; 40]);
    }
}
