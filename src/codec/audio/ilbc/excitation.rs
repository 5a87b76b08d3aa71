//! The order in which a frame's excitation is built around its start state (RFC 3951, section 3.6): first the rest of the
//! two sub-blocks of the start state, then the sub-blocks after them, then backwards in time those before them.

use super::codebook::construct;
use super::filter::Lpc;
use super::frame::Frame;
use super::mode::{BLOCK, Mode};
use super::start;
use std::ops::Range;

/// A stretch that the adaptive codebook codes.
pub(super) struct Part {
    /// Its place in the order of coding; 0 is the rest of the start state's sub-blocks.
    pub number: usize,
    /// Its samples in the frame.
    pub samples: Range<usize>,
    /// It is coded from its end to its start, and so is its memory.
    pub backwards: bool,
}

impl Part {
    /// `signal`'s samples of this part, in the direction of coding.
    pub fn of(&self, signal: &[f32]) -> Vec<f32> {
        let mut samples = signal[self.samples.clone()].to_vec();
        if self.backwards {
            samples.reverse();
        }
        samples
    }

    /// The sub-block that it lies in.
    pub fn block(&self) -> usize {
        self.samples.start / BLOCK
    }
}

/// The excitation of a frame; `filters`: the synthesis filter of each sub-block.
pub(super) fn decode(mode: Mode, frame: &Frame, filters: &[Lpc]) -> Vec<f32> {
    let state = start::decode(frame.scale, &frame.state, &filters[frame.start - 1]);
    build(mode, frame.start, frame.first, &state, |part, memory| {
        construct(memory, part.samples.len(), &frame.shapes[part.number])
    })
}

/// Builds the excitation around the decoded start state `state`. `fill` gives a part's samples out of what is built so far,
/// its memory, whose last sample is next to the part's first; both in the direction of coding.
pub(super) fn build(
    mode: Mode,
    start: usize,
    first: bool,
    state: &[f32],
    mut fill: impl FnMut(&Part, &[f32]) -> Vec<f32>,
) -> Vec<f32> {
    let mut excitation = vec![0.0; mode.samples()];
    let offset = start::offset(mode, start, first);
    let mut built = offset..offset + state.len();
    excitation[built.clone()].copy_from_slice(state);
    for part in parts(mode, start, first) {
        let mut known = excitation[built.clone()].to_vec();
        if part.backwards {
            known.reverse();
        }
        let length = if part.number == 0 { 85 } else { 147 };
        let mut memory = vec![0.0; length];
        let count = known.len().min(length);
        memory[length - count..].copy_from_slice(&known[known.len() - count..]);
        let mut samples = fill(&part, &memory);
        if part.backwards {
            samples.reverse();
        }
        excitation[part.samples.clone()].copy_from_slice(&samples);
        built = built.start.min(part.samples.start)..built.end.max(part.samples.end);
    }
    excitation
}

/// The parts of a frame in the order of coding.
fn parts(mode: Mode, start: usize, first: bool) -> Vec<Part> {
    let (from, to, rest) = ((start - 1) * BLOCK, (start + 1) * BLOCK, 2 * BLOCK - mode.state());
    let rest = if first { to - rest..to } else { from..from + rest };
    let forwards = (start + 1..mode.blocks()).map(|block| (block, false));
    let backwards = (0..start - 1).rev().map(|block| (block, true));
    let blocks = forwards.chain(backwards).map(|(block, backwards)| (block * BLOCK..(block + 1) * BLOCK, backwards));
    let all = [(rest, !first)].into_iter().chain(blocks).enumerate();
    all.map(|(number, (samples, backwards))| Part { number, samples, backwards }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_is_built_once_out_of_its_neighbours() {
        for mode in [Mode::Ms20, Mode::Ms30] {
            for (start, first) in (1..mode.blocks()).flat_map(|start| [(start, false), (start, true)]) {
                // Each part continues the count of its neighbour, whichever way it goes.
                let offset = start::offset(mode, start, first) as f32;
                let state: Vec<f32> = (0..mode.state()).map(|i| 1000.0 + offset + i as f32).collect();
                let built = build(mode, start, first, &state, |part, memory| {
                    let step = if part.backwards { -1.0 } else { 1.0 };
                    let last = memory[memory.len() - 1];
                    (1..=part.samples.len()).map(|i| last + step * i as f32).collect()
                });
                assert!(built.iter().enumerate().all(|(i, x)| *x == 1000.0 + i as f32), "{mode:?} {start} {first}");
                assert_eq!(parts(mode, start, first).len(), mode.blocks() - 1);
            }
        }
    }
}
