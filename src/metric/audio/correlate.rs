//! Cross-correlation through the FFT, planned once for many windows of one size.

use crate::error::{Error, Result};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Correlates windows of up to `window` samples at `lags` lags.
pub(super) struct Correlator {
    window: usize,
    lags: usize,
    forward: Arc<dyn RealToComplex<f64>>,
    inverse: Arc<dyn ComplexToReal<f64>>,
    time: Vec<f64>,
    x_spectrum: Vec<Complex<f64>>,
    y_spectrum: Vec<Complex<f64>>,
    scratch: Vec<Complex<f64>>,
}

impl Correlator {
    pub(super) fn new(window: usize, lags: usize) -> Correlator {
        // A lag's sum ends at window + lags - 2, so a transform of that length does not wrap.
        let length = smooth(window + lags);
        let mut planner = RealFftPlanner::new();
        let (forward, inverse) = (planner.plan_fft_forward(length), planner.plan_fft_inverse(length));
        let (x_spectrum, y_spectrum) = (forward.make_output_vec(), forward.make_output_vec());
        let scratch = vec![Complex::default(); forward.get_scratch_len().max(inverse.get_scratch_len())];
        Correlator { window, lags, forward, inverse, time: vec![0.0; length], x_spectrum, y_spectrum, scratch }
    }

    /// `r[k]`, the sum over n of `x[n] * y[n + k]`, for k from 0 to `lags - 1`. What lies beyond the end of `x` or `y` is zero.
    pub(super) fn correlate(&mut self, x: &[f64], y: &[f64]) -> Result<&[f64]> {
        let (x, y) = (&x[..x.len().min(self.window)], &y[..y.len().min(self.window + self.lags - 1)]);
        spectrum(&*self.forward, x, &mut self.time, &mut self.scratch, &mut self.x_spectrum)?;
        spectrum(&*self.forward, y, &mut self.time, &mut self.scratch, &mut self.y_spectrum)?;
        let scale = 1.0 / self.time.len() as f64;
        for (x, y) in self.x_spectrum.iter_mut().zip(&self.y_spectrum) {
            *x = x.conj() * y * scale;
        }
        // A real signal's first and last bin are real; the transform refuses the rounding noise there.
        if let [first, .., last] = self.x_spectrum.as_mut_slice() {
            (first.im, last.im) = (0.0, 0.0);
        }
        let scratch = &mut self.scratch[..self.inverse.get_scratch_len()];
        self.inverse.process_with_scratch(&mut self.x_spectrum, &mut self.time, scratch).map_err(internal)?;
        Ok(&self.time[..self.lags])
    }
}

fn spectrum(
    forward: &dyn RealToComplex<f64>,
    signal: &[f64],
    time: &mut [f64],
    scratch: &mut [Complex<f64>],
    out: &mut [Complex<f64>],
) -> Result<()> {
    time[..signal.len()].copy_from_slice(signal);
    time[signal.len()..].fill(0.0);
    forward.process_with_scratch(time, out, &mut scratch[..forward.get_scratch_len()]).map_err(internal)
}

fn internal(error: realfft::FftError) -> Error {
    Error::Metric { metric: "correlation", reason: error.to_string() }
}

/// The smallest even number of at least `n` whose only factors are 2, 3 and 5: a fast transform.
fn smooth(n: usize) -> usize {
    let only_small_factors = |n: &usize| {
        let mut rest = *n;
        for factor in [2, 3, 5] {
            while rest.is_multiple_of(factor) {
                rest /= factor;
            }
        }
        rest == 1
    };
    let even = n.max(2).next_multiple_of(2);
    (even..).step_by(2).find(only_small_factors).unwrap_or(even)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    #[test]
    fn it_equals_the_sum_of_its_definition() {
        let mut rng = Seed(3).stream("test");
        let mut signal = |n: usize| (0..n).map(|_| rng.normal()).collect::<Vec<f64>>();
        let mut correlator = Correlator::new(100, 41);
        for (x, y) in [(signal(100), signal(140)), (signal(60), signal(90)), (signal(100), signal(30))] {
            let direct = |k: usize| x.iter().zip(y.get(k..).unwrap_or(&[])).map(|(x, y)| x * y).sum::<f64>();
            let fast = correlator.correlate(&x, &y).unwrap();
            assert_eq!(fast.len(), 41);
            for (k, r) in fast.iter().enumerate() {
                assert!((r - direct(k)).abs() < 1e-9, "lag {k}: {r} and {}", direct(k));
            }
        }
    }

    #[test]
    fn transforms_are_smooth_and_long_enough() {
        assert_eq!([smooth(1), smooth(7), smooth(8), smooth(11_841)], [2, 8, 8, 12_000]);
    }
}
