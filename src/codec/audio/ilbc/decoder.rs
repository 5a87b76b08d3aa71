//! From frames to samples (RFC 3951, section 4).

use super::conceal::Concealer;
use super::enhance::{self, Enhancer};
use super::excitation;
use super::filter::{HighPass, Lpc, ORDER, synthesise};
use super::frame::Frame;
use super::lsf::{self, Lsf};
use super::mode::{BLOCK, Mode};
use super::tables::OUTPUT_HIGH_PASS;

/// Decodes frame after frame.
pub(super) struct FrameDecoder {
    mode: Mode,
    /// The last line spectral frequencies of the frame before.
    old: Lsf,
    /// The synthesis filters of the frame before, one for each sub-block.
    filters: Vec<Lpc>,
    concealer: Concealer,
    /// `None`: decoding without it, and without its delay.
    enhancer: Option<Enhancer>,
    /// The last output of the synthesis filter.
    past: [f32; ORDER],
    high_pass: HighPass,
}

impl FrameDecoder {
    pub fn new(mode: Mode, enhance: bool) -> FrameDecoder {
        let mut flat = [0.0; ORDER + 1];
        flat[0] = 1.0;
        FrameDecoder {
            mode,
            old: lsf::mean(),
            filters: vec![flat; mode.blocks()],
            concealer: Concealer::default(),
            enhancer: enhance.then(|| Enhancer::new(mode)),
            past: [0.0; ORDER],
            high_pass: HighPass::new(OUTPUT_HIGH_PASS),
        }
    }

    /// [`Mode::samples`] samples, the enhancer's delay later.
    pub fn decode(&mut self, frame: &Frame) -> Vec<i16> {
        let sets: Vec<Lsf> = frame.lsf.iter().map(lsf::dequantise).collect();
        let filters = lsf::per_block(self.mode, &self.old, &sets).iter().map(lsf::to_lpc).collect::<Vec<_>>();
        self.old = sets.last().copied().unwrap_or(self.old);
        let excitation = excitation::decode(self.mode, frame, &filters);
        let after_loss = self.concealer.heard(&excitation);
        self.speak(excitation, filters, after_loss)
    }

    /// As many samples in the place of a frame that is lost.
    pub fn conceal(&mut self) -> Vec<i16> {
        let excitation = self.concealer.conceal(self.mode.samples());
        let last = self.filters[self.filters.len() - 1];
        self.speak(excitation, vec![last; self.mode.blocks()], false)
    }

    /// Enhances and synthesises. What the enhancer delays keeps the filter that it was coded with.
    fn speak(&mut self, mut excitation: Vec<f32>, filters: Vec<Lpc>, after_loss: bool) -> Vec<i16> {
        let mut delay = 0;
        if let Some(enhancer) = &mut self.enhancer {
            excitation = enhancer.enhance(&excitation, after_loss);
            delay = enhance::delay(self.mode) / BLOCK;
        }
        let late = self.filters[self.filters.len() - delay..].iter().chain(&filters);
        for (filter, block) in late.zip(excitation.chunks_mut(BLOCK)) {
            synthesise(filter, &mut self.past, block);
        }
        self.filters = filters;
        self.high_pass.filter(&mut excitation);
        excitation.iter().map(|s| s.round().clamp(-32_768.0, 32_767.0) as i16).collect()
    }
}
