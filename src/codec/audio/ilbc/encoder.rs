//! From samples to frames (RFC 3951, section 3).

use super::excitation;
use super::filter::{HighPass, Lpc, ORDER, broaden, whiten};
use super::frame::{Frame, pack};
use super::lpc::{WINDOW, analyse, asymmetric_window, symmetric_window};
use super::lsf::{self, Lsf};
use super::mode::{BLOCK, Mode};
use super::tables::INPUT_HIGH_PASS;
use super::{codebook, search, start};

/// Linear prediction looks back so far beyond a frame of 30 ms.
const LOOK_BACK: usize = 60;

/// How far the weighting filter broadens the resonances.
const WEIGHTING_CHIRP: f32 = 0.4222;

/// Encodes frame after frame.
pub(super) struct FrameEncoder {
    mode: Mode,
    high_pass: HighPass,
    /// The newest input, filtered: [`WINDOW`] and [`LOOK_BACK`] samples.
    input: Vec<f32>,
    /// The last input of the whitening filter.
    past: [f32; ORDER],
    /// The last line spectral frequencies of the frame before: as they were, and as the decoder has them.
    old: Lsf,
    old_decoded: Lsf,
    symmetric: Vec<f64>,
    asymmetric: Vec<f64>,
}

impl FrameEncoder {
    pub fn new(mode: Mode) -> FrameEncoder {
        FrameEncoder {
            mode,
            high_pass: HighPass::new(INPUT_HIGH_PASS),
            input: vec![0.0; WINDOW + LOOK_BACK],
            past: [0.0; ORDER],
            old: lsf::mean(),
            old_decoded: lsf::mean(),
            symmetric: symmetric_window(),
            asymmetric: asymmetric_window(),
        }
    }

    /// Codes [`Mode::samples`] samples into [`Mode::bytes`] bytes.
    pub fn encode(&mut self, samples: &[i16]) -> Vec<u8> {
        let mut signal: Vec<f32> = samples.iter().map(|s| f32::from(*s)).collect();
        self.high_pass.filter(&mut signal);
        self.input.drain(..signal.len());
        self.input.extend(&signal);
        let (indices, filters, weighting) = self.prediction();
        for (filter, block) in filters.iter().zip(signal.chunks_mut(BLOCK)) {
            whiten(filter, &mut self.past, block);
        }
        pack(self.mode, &code(self.mode, indices, &signal, &filters, &weighting))
    }

    /// The frame's coded line spectral frequencies, and per sub-block the synthesis and the weighting filter.
    fn prediction(&mut self) -> (Vec<lsf::Indices>, Vec<Lpc>, Vec<Lpc>) {
        let newest = analyse(&self.input[LOOK_BACK..], &self.asymmetric);
        let analysed = match self.mode {
            Mode::Ms20 => vec![newest],
            Mode::Ms30 => vec![analyse(&self.input[..WINDOW], &self.symmetric), newest],
        };
        let sets: Vec<Lsf> = analysed.iter().map(|a| lsf::from_lpc(a).unwrap_or(self.old)).collect();
        let indices: Vec<lsf::Indices> = sets.iter().map(lsf::quantise).collect();
        let decoded: Vec<Lsf> = indices.iter().map(lsf::dequantise).collect();
        let filters = lsf::per_block(self.mode, &self.old_decoded, &decoded);
        let weighting = lsf::per_block(self.mode, &self.old, &sets);
        self.old = sets.last().copied().unwrap_or(self.old);
        self.old_decoded = decoded.last().copied().unwrap_or(self.old_decoded);
        let weighting = weighting.iter().map(|lsf| broaden(&lsf::to_lpc(lsf), WEIGHTING_CHIRP)).collect();
        (indices, filters.iter().map(lsf::to_lpc).collect(), weighting)
    }
}

/// Codes a frame's prediction `residual`.
fn code(mode: Mode, lsf: Vec<lsf::Indices>, residual: &[f32], filters: &[Lpc], weighting: &[Lpc]) -> Frame {
    let (start, first) = start::locate(mode, residual);
    let offset = start::offset(mode, start, first);
    let until = start * BLOCK - offset;
    let both = [&weighting[start - 1], &weighting[start]];
    let (scale, state) = start::encode(&residual[offset..][..mode.state()], &filters[start - 1], both, until);
    let decoded = start::decode(scale, &state, &filters[start - 1]);
    let mut shapes = Vec::with_capacity(mode.blocks() - 1);
    excitation::build(mode, start, first, &decoded, |part, memory| {
        let shape = search::search(memory, &part.of(residual), &weighting[part.block()], part.number);
        shapes.push(shape);
        codebook::construct(memory, part.samples.len(), &shape)
    });
    Frame { lsf, start, first, scale, state, shapes }
}
