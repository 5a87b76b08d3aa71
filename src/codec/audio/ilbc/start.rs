//! The start state: the most energetic part of a frame's excitation, coded sample by sample without any memory of other
//! frames (RFC 3951, sections 3.3 to 3.5 and 4.2). This is what makes frames independent of each other.

use super::filter::{Lpc, ORDER, predict, synthesise, whiten};
use super::mode::{BLOCK, Mode};
use super::tables::{STATE_LEVELS, STATE_SCALE};

/// Of a scaled start state, the largest amplitude.
const SCALED: f32 = 4.5;

/// Where the start state of a frame with this `residual` is best: the later of its two sub-blocks, and whether the samples
/// to code come first in them (section 3.3 and 3.4).
pub(super) fn locate(mode: Mode, residual: &[f32]) -> (usize, bool) {
    // Two neighbours, faded in and out, those in the middle of the frame preferred.
    const PREFERENCE: [f32; 5] = [0.8, 0.9, 1.0, 0.9, 0.8];
    let preferred = &PREFERENCE[(6 - mode.blocks()) / 2..];
    let power = |block: usize, weight: &dyn Fn(usize) -> f32| -> f32 {
        let samples = residual[block * BLOCK..][..BLOCK].iter().enumerate();
        samples.map(|(i, r)| r * r * weight(i)).sum()
    };
    let faded = |i: usize| (i + 1).min(6) as f32 / 6.0;
    let pair =
        |start: usize| (power(start - 1, &faded) + power(start, &|i| faded(BLOCK - 1 - i))) * preferred[start - 1];
    let start = (1..mode.blocks()).max_by(|a, b| pair(*a).total_cmp(&pair(*b)).then(b.cmp(a))).unwrap_or(1);
    let samples = &residual[(start - 1) * BLOCK..][..2 * BLOCK];
    let energy = |part: &[f32]| part.iter().map(|s| s * s).sum::<f32>();
    (start, energy(&samples[..mode.state()]) > energy(&samples[2 * BLOCK - mode.state()..]))
}

/// The first sample of the start state in the frame.
pub(super) fn offset(mode: Mode, start: usize, first: bool) -> usize {
    (start - 1) * BLOCK + if first { 0 } else { 2 * BLOCK - mode.state() }
}

/// Codes the samples `residual`: scale and levels. `filter`: the synthesis filter of the first of the two sub-blocks;
/// `weighting`: the weighting filters of both, the first of which holds for `until` samples.
pub(super) fn encode(residual: &[f32], filter: &Lpc, weighting: [&Lpc; 2], until: usize) -> (u8, Vec<u8>) {
    let mut target = dispersed(residual, filter);
    let largest = target.iter().fold(10.0f32, |peak, t| peak.max(t.abs()));
    let scale = nearest(&STATE_SCALE, largest.log10());
    let factor = SCALED / 10f32.powf(STATE_SCALE[usize::from(scale)]);
    target.iter_mut().for_each(|t| *t *= factor);
    let (head, tail) = target.split_at_mut(until);
    let mut past = [0.0; ORDER];
    synthesise(weighting[0], &mut past, head);
    synthesise(weighting[1], &mut past, tail);
    // Each level makes up, in the weighted domain, for the errors of those before it.
    let mut past = [0.0; ORDER];
    let quantise = |(n, wanted): (usize, &f32)| {
        let ringing = -predict(weighting[usize::from(n >= until)], &past);
        let level = nearest(&STATE_LEVELS, wanted - ringing);
        past.rotate_left(1);
        past[ORDER - 1] = STATE_LEVELS[usize::from(level)] + ringing;
        level
    };
    (scale, target.iter().enumerate().map(quantise).collect())
}

/// The excitation of a start state, in the order of time.
pub(super) fn decode(scale: u8, levels: &[u8], filter: &Lpc) -> Vec<f32> {
    let factor = 10f32.powf(STATE_SCALE[usize::from(scale & 63)]) / SCALED;
    let reversed: Vec<f32> = levels.iter().rev().map(|l| STATE_LEVELS[usize::from(l & 7)] * factor).collect();
    // The all-pass is undone by the same all-pass backwards in time.
    dispersed(&reversed, filter).into_iter().rev().collect()
}

/// Circular convolution with the all-pass filter z^-10 A(1/z) / A(z), which spreads the energy of pitch pulses: what rings
/// over the end is added at the start.
fn dispersed(signal: &[f32], filter: &Lpc) -> Vec<f32> {
    let mut doubled = signal.to_vec();
    doubled.resize(2 * signal.len(), 0.0);
    let mut mirrored = *filter;
    mirrored.reverse();
    whiten(&mirrored, &mut [0.0; ORDER], &mut doubled);
    synthesise(filter, &mut [0.0; ORDER], &mut doubled);
    let (once, over) = doubled.split_at(signal.len());
    once.iter().zip(over).map(|(a, b)| a + b).collect()
}

fn nearest(levels: &[f32], value: f32) -> u8 {
    let apart = |index: &usize| (levels[*index] - value).abs();
    (0..levels.len()).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or_default() as u8
}

#[cfg(test)]
mod tests {
    use super::super::filter::broaden;
    use super::super::lsf::{dequantise, to_lpc};
    use super::*;

    #[test]
    fn a_start_state_comes_back_nearly() {
        let filter = to_lpc(&dequantise(&[20, 60, 90]));
        let weighting = broaden(&filter, 0.4222);
        let pulses: Vec<f32> =
            (0..58).map(|n| if n % 25 == 3 { 3000.0 } else { (n * 37 % 11) as f32 * 20.0 }).collect();
        let (scale, levels) = encode(&pulses, &filter, [&weighting; 2], 40);
        let decoded = decode(scale, &levels, &filter);
        let energy: f32 = pulses.iter().map(|p| p * p).sum();
        let error: f32 = pulses.iter().zip(&decoded).map(|(p, d)| (p - d).powi(2)).sum();
        assert!(error < 0.1 * energy, "{error} of {energy}");
    }

    #[test]
    fn the_all_pass_keeps_energy_and_is_undone_backwards() {
        let filter = broaden(&to_lpc(&dequantise(&[20, 60, 90])), 0.8);
        let signal: Vec<f32> = (0..58).map(|n| (n * n % 31) as f32 - 15.0).collect();
        let mut spread = dispersed(&signal, &filter);
        let energy = |s: &[f32]| s.iter().map(|s| s * s).sum::<f32>();
        assert!((energy(&spread) / energy(&signal) - 1.0).abs() < 0.02);
        spread.reverse();
        let back = dispersed(&spread, &filter);
        assert!(back.iter().rev().zip(&signal).all(|(b, s)| (b - s).abs() < 0.5));
    }

    #[test]
    fn the_loudest_two_sub_blocks_are_taken_and_their_louder_end() {
        let mut residual = vec![1.0; 240];
        residual[85..100].fill(100.0);
        assert_eq!(locate(Mode::Ms30, &residual), (3, true), "with the block after it, so that it lies at the start");
        residual[85..100].fill(1.0);
        residual[145..155].fill(100.0);
        let (start, first) = locate(Mode::Ms20, &residual[..160]);
        assert_eq!((start, first, offset(Mode::Ms20, start, first)), (3, false, 103));
    }
}
