//! The adaptive codebook (RFC 3951, sections 3.6.3 and 4.3): stretches of excitation that was decoded before, and the
//! same stretches filtered, each at every lag.

use super::frame::Shape;
use super::mode::BLOCK;
use super::tables::{CODEBOOK_FILTER, GAINS};

/// The shortest lag, of vectors of a whole sub-block.
const SHORTEST: usize = 20;

/// Samples over which a vector shorter than its lag is cross-faded with its repetition.
const FADE: usize = 5;

/// The vectors that a stretch of memory holds.
pub(super) struct Codebook {
    /// As it is and filtered.
    sections: [Vec<f32>; 2],
    /// Samples per vector.
    length: usize,
}

/// One vector of a codebook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// How many samples before the end of the memory it begins.
    pub lag: usize,
    pub filtered: bool,
}

impl Codebook {
    /// `memory`: the newest sample at the end. `length`: samples per vector; only whole sub-blocks have vectors at lags
    /// shorter than themselves.
    pub fn new(memory: &[f32], length: usize) -> Codebook {
        // Zeros around: the filter reaches 3 samples into the past and 4 into the future.
        let tap = |i: usize, j: usize| (i + j).checked_sub(3).and_then(|at| memory.get(at)).copied().unwrap_or(0.0);
        let taps = CODEBOOK_FILTER.iter().rev().enumerate();
        let filtered = (0..memory.len()).map(|i| taps.clone().map(|(j, c)| c * tap(i, j)).sum()).collect();
        Codebook { sections: [memory.to_vec(), filtered], length }
    }

    /// The shortest lag of its vectors.
    pub fn shortest(&self) -> usize {
        if self.length == BLOCK { SHORTEST } else { self.length }
    }

    /// What the bits call `entry`: by section, the vectors as long as their lag first, then the shorter lags.
    pub fn index(&self, entry: Entry) -> usize {
        let (whole, section) = self.counts();
        let number =
            if entry.lag >= self.length { entry.lag - self.length } else { whole + entry.lag - self.shortest() };
        number + if entry.filtered { section } else { 0 }
    }

    /// Which vector the bits mean.
    pub fn entry(&self, index: usize) -> Entry {
        let (whole, section) = self.counts();
        let filtered = index >= section;
        let number = if filtered { index - section } else { index };
        let lag = if number < whole { number + self.length } else { number - whole + self.shortest() };
        // 7 bits name two vectors more than there are, in the smallest codebook.
        Entry { lag: lag.min(self.sections[0].len()), filtered }
    }

    /// Vectors whose lag is at least their length, and all, in one section.
    fn counts(&self) -> (usize, usize) {
        let whole = self.sections[0].len() - self.length + 1;
        (whole, whole + self.length - self.shortest())
    }

    /// The vector: `length` samples.
    pub fn vector(&self, entry: Entry) -> Vec<f32> {
        let memory = &self.sections[usize::from(entry.filtered)];
        let (lag, end) = (entry.lag, memory.len());
        let one = &memory[end - lag..];
        if lag >= self.length {
            return one[..self.length].to_vec();
        }
        let faded = |i: usize| {
            let weight = (i + FADE).saturating_sub(lag) as f32 / FADE as f32;
            // The period before; the memory holds at least two.
            (1.0 - weight) * one[i] + weight * memory[end - 2 * lag + i]
        };
        (0..self.length).map(|i| if i < lag { faded(i) } else { one[i - lag] }).collect()
    }
}

/// The excitation that `shape` describes.
pub(super) fn construct(memory: &[f32], length: usize, shape: &Shape) -> Vec<f32> {
    let codebook = Codebook::new(memory, length);
    let mut sum = vec![0.0; length];
    let mut gain = 1.0;
    for (stage, (index, gain_index)) in shape.vectors.iter().zip(shape.gains).enumerate() {
        gain = decoded_gain(stage, gain_index, gain);
        let vector = codebook.vector(codebook.entry(usize::from(*index)));
        sum.iter_mut().zip(vector).for_each(|(sum, v)| *sum += gain * v);
    }
    sum
}

/// A stage's gain; `before`: that of the stage before it, by which it is scaled (1 for the first).
pub(super) fn decoded_gain(stage: usize, index: u8, before: f32) -> f32 {
    let level = GAINS[stage].get(usize::from(index)).copied().unwrap_or_default();
    f32::from(level) / 16_384.0 * scale(before)
}

/// The index of the gain nearest to `gain`.
pub(super) fn coded_gain(stage: usize, gain: f32, before: f32) -> u8 {
    let apart = |index: usize| (decoded_gain(stage, index as u8, before) - gain).abs();
    (0..GAINS[stage].len()).min_by(|a, b| apart(*a).total_cmp(&apart(*b))).unwrap_or_default() as u8
}

fn scale(before: f32) -> f32 {
    before.abs().max(0.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(length: usize) -> Vec<f32> {
        (0..length).map(|i| i as f32).collect()
    }

    #[test]
    fn every_index_names_one_vector() {
        for (memory_length, length, count) in [(147, 40, 256), (85, 22, 128), (85, 23, 126)] {
            let codebook = Codebook::new(&memory(memory_length), length);
            for index in 0..count {
                assert_eq!(codebook.index(codebook.entry(index)), index);
            }
            for index in 0..256 {
                assert_eq!(codebook.vector(codebook.entry(index)).len(), length, "even of indices that do not exist");
            }
        }
        let codebook = Codebook::new(&memory(147), 40);
        assert_eq!(codebook.entry(0), Entry { lag: 40, filtered: false });
        assert_eq!(codebook.entry(108), Entry { lag: 20, filtered: false });
        assert_eq!(codebook.entry(255), Entry { lag: 39, filtered: true });
    }

    #[test]
    fn vectors_are_the_memory_from_their_lag_on() {
        let codebook = Codebook::new(&memory(147), 40);
        let whole = codebook.vector(Entry { lag: 50, filtered: false });
        assert_eq!((whole[0], whole[39]), (97.0, 136.0));
        let short = codebook.vector(Entry { lag: 20, filtered: false });
        // As it is up to 15; then four fifths at most of the period before (20 lower); then from the start again.
        assert_eq!((short[0], short[15], short[20], short[39]), (127.0, 142.0, 127.0, 146.0));
        assert!((short[16] - (143.0 - 4.0)).abs() < 1e-4 && (short[19] - (146.0 - 16.0)).abs() < 1e-4);
    }

    #[test]
    fn the_filter_advances_a_ramp_by_half_a_sample() {
        let codebook = Codebook::new(&vec![1.0; 147], 40);
        let sum: f32 = CODEBOOK_FILTER.iter().sum();
        assert!((codebook.vector(Entry { lag: 100, filtered: true })[0] - sum).abs() < 1e-6);
    }

    #[test]
    fn the_nearest_gain_is_taken_and_later_ones_are_scaled() {
        assert_eq!(coded_gain(0, 0.6, 1.0), 15);
        assert!((decoded_gain(0, 15, 1.0) - 0.6).abs() < 1e-3);
        assert!((decoded_gain(1, 15, -0.5) - 0.6).abs() < 1e-3, "1.2 times 0.5");
        assert!((decoded_gain(2, 7, 0.01) - 0.1).abs() < 1e-6, "never scaled below a tenth");
    }
}
