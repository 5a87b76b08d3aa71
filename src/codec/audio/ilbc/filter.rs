//! Filters with memory.

/// The order of linear prediction.
pub(super) const ORDER: usize = 10;

/// A(z), the first coefficient 1; of positive powers of the delay.
pub(super) type Lpc = [f32; ORDER + 1];

/// Speech stays far below. A filter that arbitrary bits made unstable is held here, so that everything stays finite.
const LOUDEST: f32 = 1e6;

/// `signal` through A(z): the prediction residual. `past`: the last input before `signal` and after, the newest last.
pub(super) fn whiten(a: &Lpc, past: &mut [f32; ORDER], signal: &mut [f32]) {
    for sample in signal {
        let input = *sample;
        *sample = bounded(a[0] * input + a[1..].iter().zip(past.iter().rev()).map(|(a, x)| a * x).sum::<f32>());
        past.rotate_left(1);
        past[ORDER - 1] = input;
    }
}

/// `signal` through 1/A(z): synthesis. `past`: the last output before and after, the newest last.
pub(super) fn synthesise(a: &Lpc, past: &mut [f32; ORDER], signal: &mut [f32]) {
    for sample in signal {
        *sample = bounded(*sample - predict(a, past));
        past.rotate_left(1);
        past[ORDER - 1] = *sample;
    }
}

/// What the output `past` of 1/A(z) takes off the next input.
pub(super) fn predict(a: &Lpc, past: &[f32; ORDER]) -> f32 {
    a[1..].iter().zip(past.iter().rev()).map(|(a, y)| a * y).sum()
}

/// A(z / `chirp`): the resonances broadened.
pub(super) fn broaden(a: &Lpc, chirp: f32) -> Lpc {
    let mut factor = 1.0;
    a.map(|a| {
        let coefficient = a * factor;
        factor *= chirp;
        coefficient
    })
}

/// Finite, and within what speech could ever be.
pub(super) fn bounded(x: f32) -> f32 {
    if x.is_nan() { 0.0 } else { x.clamp(-LOUDEST, LOUDEST) }
}

/// A second-order high-pass.
pub(super) struct HighPass {
    zeros: [f32; 3],
    poles: [f32; 3],
    /// The last two inputs and outputs, the newest first.
    inputs: [f32; 2],
    outputs: [f32; 2],
}

impl HighPass {
    pub fn new([zeros, poles]: [[f32; 3]; 2]) -> HighPass {
        HighPass { zeros, poles, inputs: [0.0; 2], outputs: [0.0; 2] }
    }

    pub fn filter(&mut self, signal: &mut [f32]) {
        for sample in signal {
            let input = *sample;
            let ([b0, b1, b2], [_, a1, a2]) = (self.zeros, self.poles);
            let output =
                b0 * input + b1 * self.inputs[0] + b2 * self.inputs[1] - a1 * self.outputs[0] - a2 * self.outputs[1];
            *sample = bounded(output);
            self.inputs = [input, self.inputs[0]];
            self.outputs = [*sample, self.outputs[0]];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::{INPUT_HIGH_PASS, OUTPUT_HIGH_PASS};
    use super::*;

    #[test]
    fn synthesis_undoes_whitening_across_blocks() {
        let a: Lpc = [1.0, -1.2, 0.7, -0.2, 0.1, 0.05, -0.1, 0.02, 0.03, -0.04, 0.01];
        let signal: Vec<f32> = (0..160).map(|n| ((n * n % 97) as f32 - 48.0) * 100.0).collect();
        let (mut white, mut past, mut back) = (signal.clone(), [0.0; ORDER], [0.0; ORDER]);
        white.chunks_mut(40).for_each(|block| whiten(&a, &mut past, block));
        white.chunks_mut(80).for_each(|block| synthesise(&a, &mut back, block));
        assert!(white.iter().zip(&signal).all(|(w, s)| (w - s).abs() < 0.5));
    }

    #[test]
    fn an_unstable_filter_stays_finite() {
        let mut signal = vec![1000.0; 2000];
        synthesise(&[1.0, -9.0, 7.0, 3.0, -5.0, 2.0, 8.0, -9.0, 4.0, 5.0, -6.0], &mut [0.0; ORDER], &mut signal);
        assert!(signal.iter().all(|s| s.abs() <= LOUDEST));
    }

    #[test]
    fn the_high_passes_stop_direct_current_and_let_speech_through() {
        for filter in [INPUT_HIGH_PASS, OUTPUT_HIGH_PASS] {
            let level = |hz: f32| {
                let mut signal: Vec<f32> =
                    (0..8000).map(|n| (std::f32::consts::TAU * hz * n as f32 / 8000.0).cos()).collect();
                HighPass::new(filter).filter(&mut signal);
                signal[4000..].iter().fold(0.0f32, |peak, s| peak.max(s.abs()))
            };
            assert!(level(0.0) < 0.02 && (level(1000.0) - 1.0).abs() < 0.05, "{} {}", level(0.0), level(1000.0));
        }
    }
}
