//! The ear of ViSQOL: for each 80 ms frame, the RMS of the frame behind each band of a gammatone filter bank.
//!
//! Each frame is weighted by a Hann window and filtered on its own, from rest, by four second-order sections (M. Slaney,
//! "An Efficient Implementation of the Patterson-Holdsworth Auditory Filter Bank", Apple TR 35, 1993). Running those
//! sections is most of the cost of a plain ViSQOL. Here the energy within a frame of N samples is what the filter gives
//! out in all, less what it gives out after the frame's end. The former is a weighted sum over the power spectrum of the
//! frame (Parseval); the latter is a response of an eight-dimensional system left alone, thus a sum of eight squares, each
//! of a fixed weighted sum over the frame. Where the difference is small against its terms, the sections are run.

use super::wide::wide;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::array::from_fn;
use std::f64::consts::TAU;
use std::sync::Arc;

/// One value per band, lowest band first.
pub type Column<const W: usize> = [f64; W];

/// A filter bank of `W` bands for one sample rate.
pub struct Gammatone<const W: usize> {
    /// Samples per frame: 80 ms.
    pub window: usize,
    /// Samples from frame to frame: 20 ms.
    pub hop: usize,
    hann: Vec<f64>,
    filters: Vec<Filter>,
    fft: Arc<dyn RealToComplex<f64>>,
    /// Per bin of the zero-padded frame's spectrum: each band's power gain.
    gains: Vec<[f32; W]>,
    /// Per band, from the frame's last sample backwards: its weight in each of the eight sums.
    tails: Vec<Vec<[f32; STATES]>>,
}

/// Four second-order sections.
const STATES: usize = 8;

/// Frames whose tails are computed together: the weights are read once for all of them.
const BLOCK: usize = 4;

/// Below this share of all energy, rounding shows in the difference.
const LEAST_SHARE: f64 = 1e-2;

impl<const W: usize> Gammatone<W> {
    /// Bands from 50 Hz to `top` Hz, or to half of the sample rate if that is lower.
    pub fn new(sample_rate: u32, top: f64) -> Self {
        let rate = f64::from(sample_rate);
        let window = (rate * 0.08).round() as usize;
        let hann: Vec<f64> = (0..window).map(|n| 0.5 - 0.5 * (TAU * n as f64 / (window as f64 - 1.0)).cos()).collect();
        let filters: Vec<Filter> =
            center_frequencies(W, 50.0, top.min(rate / 2.0)).map(|hz| Filter::new(hz, rate)).collect();
        // As much zero as frame: what the slowest band still gives out after that cannot be seen.
        let points = 2 * window;
        let gain = |filter: &Filter, bin: usize| {
            let both_sides = if bin == 0 || bin == window { 1.0 } else { 2.0 };
            both_sides * filter.power_gain(TAU * bin as f64 / points as f64) / points as f64
        };
        Gammatone {
            window,
            hop: window / 4,
            gains: (0..=window).map(|bin| from_fn(|band| gain(&filters[band], bin) as f32)).collect(),
            tails: filters.iter().map(|filter| filter.tail(&hann)).collect(),
            fft: RealFftPlanner::new().plan_fft_forward(points),
            hann,
            filters,
        }
    }

    /// How many frames there are in so many samples.
    pub fn frames(&self, samples: usize) -> usize {
        if samples < self.window { 0 } else { 1 + (samples - self.window) / self.hop }
    }

    /// The RMS of each frame behind each band.
    pub fn spectrogram(&self, signal: &[f64]) -> Vec<Column<W>> {
        let frames = self.frames(signal.len());
        let mut columns = Vec::with_capacity(frames);
        let mut input = self.fft.make_input_vec();
        let mut spectrum = self.fft.make_output_vec();
        let mut scratch = self.fft.make_scratch_vec();
        for first in (0..frames).step_by(BLOCK) {
            let frame = |k: usize| &signal[(first + k).min(frames - 1) * self.hop..][..self.window];
            let backwards: [Vec<f32>; BLOCK] =
                from_fn(|k| frame(k).iter().zip(&self.hann).rev().map(|(x, w)| (x * w) as f32).collect());
            let after = wide(
                #[inline(always)]
                || self.after_the_end(&backwards),
            );
            for (k, after) in after.iter().enumerate().take(frames - first) {
                let frame = frame(k);
                input[self.window..].fill(0.0);
                input.iter_mut().zip(frame.iter().zip(&self.hann)).for_each(|(i, (x, w))| *i = x * w);
                let done = self.fft.process_with_scratch(&mut input, &mut spectrum, &mut scratch);
                debug_assert!(done.is_ok(), "the buffers are the plan's own");
                let in_all = wide(
                    #[inline(always)]
                    || self.in_all(&spectrum),
                );
                columns.push(from_fn(|band| {
                    let within = in_all[band] - after[band];
                    let energy = if within < LEAST_SHARE * in_all[band] {
                        self.filters[band].energy(frame.iter().zip(&self.hann).map(|(x, w)| x * w))
                    } else {
                        within
                    };
                    (energy / self.window as f64).sqrt()
                }));
            }
        }
        columns
    }

    /// The energy that each filter gives out, for ever.
    #[inline(always)]
    fn in_all(&self, spectrum: &[Complex<f64>]) -> Column<W> {
        let mut sum = [0.0; W];
        // Single precision is enough for a few terms, which are all positive.
        for (bins, gains) in spectrum.chunks(64).zip(self.gains.chunks(64)) {
            let mut part = [0.0f32; W];
            for (bin, gain) in bins.iter().zip(gains) {
                let power = bin.norm_sqr() as f32;
                for (p, g) in part.iter_mut().zip(gain) {
                    *p += power * g;
                }
            }
            for (s, p) in sum.iter_mut().zip(part) {
                *s += f64::from(p);
            }
        }
        sum
    }

    /// The energy that each filter gives out after the end of each frame; frames are backwards.
    #[inline(always)]
    fn after_the_end(&self, frames: &[Vec<f32>; BLOCK]) -> [Column<W>; BLOCK] {
        let mut energies = [[0.0; W]; BLOCK];
        for (band, tail) in self.tails.iter().enumerate() {
            let [a, b, c, d] = frames.each_ref().map(|f| &f[..tail.len()]);
            let mut sums = [[0.0f32; STATES]; BLOCK];
            for (n, weights) in tail.iter().enumerate() {
                for (sum, x) in sums.iter_mut().zip([a[n], b[n], c[n], d[n]]) {
                    for (s, w) in sum.iter_mut().zip(weights) {
                        *s += x * w;
                    }
                }
            }
            for (energy, sum) in energies.iter_mut().zip(sums) {
                energy[band] = sum.iter().map(|s| f64::from(*s).powi(2)).sum();
            }
        }
        energies
    }
}

/// Centre frequencies in Hz, evenly spaced on the ERB scale of Glasberg and Moore (1990), lowest first; the lowest is
/// `low`, the highest a step below `high`.
fn center_frequencies(bands: usize, low: f64, high: f64) -> impl Iterator<Item = f64> {
    let offset = EAR_Q * MIN_BANDWIDTH;
    let step = ((low + offset).ln() - (high + offset).ln()) / bands as f64;
    (1..=bands).rev().map(move |k| (k as f64 * step).exp() * (high + offset) - offset)
}

const EAR_Q: f64 = 9.26449;
const MIN_BANDWIDTH: f64 = 24.7;

/// y = b0 x + z, z = b1 x - a1 y + z', z' = -a2 y; four times, with the same poles.
struct Filter {
    zeros: [[f64; 2]; 4],
    poles: [f64; 2],
    /// Of the poles: radians per sample, and nepers per sample.
    angle: f64,
    decay: f64,
}

impl Filter {
    fn new(hz: f64, rate: f64) -> Filter {
        let t = 1.0 / rate;
        let angle = TAU * hz * t;
        let decay = 1.019 * TAU * (hz / EAR_Q + MIN_BANDWIDTH) * t;
        let (sin, cos) = angle.sin_cos();
        let root = |sign: f64| (3.0 + sign * 8f64.sqrt()).sqrt();
        let slopes = [root(1.0), -root(1.0), root(-1.0), -root(-1.0)];
        let zeros = slopes.map(|s| [t, -t * (cos + s * sin) * (-decay).exp()]);
        let poles = [-2.0 * cos * (-decay).exp(), (-2.0 * decay).exp()];
        let mut filter = Filter { zeros, poles, angle, decay };
        let gain = filter.power_gain(angle).sqrt();
        filter.zeros[0] = filter.zeros[0].map(|b| b / gain);
        filter
    }

    /// |H|^2 at so many radians per sample.
    fn power_gain(&self, angle: f64) -> f64 {
        let z = Complex::from_polar(1.0, -angle);
        let below = (z * z * self.poles[1] + z * self.poles[0] + 1.0).norm_sqr();
        self.zeros.iter().map(|[b0, b1]| (z * *b1 + *b0).norm_sqr() / below).product()
    }

    fn run(&self, input: impl Iterator<Item = f64>) -> impl Iterator<Item = f64> {
        let mut z = [[0.0; 2]; 4];
        input.map(move |mut x| {
            for (z, b) in z.iter_mut().zip(&self.zeros) {
                let y = b[0] * x + z[0];
                *z = [b[1] * x - self.poles[0] * y + z[1], -self.poles[1] * y];
                x = y;
            }
            x
        })
    }

    /// The energy of the output while there is input.
    fn energy(&self, input: impl Iterator<Item = f64>) -> f64 {
        self.run(input).map(|y| y * y).sum()
    }

    /// The weights of the frame's samples, last sample first, in eight sums whose squares add up to the energy of the
    /// output after the frame. `hann` tells how far back a sample can matter.
    ///
    /// With the impulse response h, the output m samples after the end is the sum of x(n) h(m + n), n samples before it.
    /// Each h(. + n) lies in the space of the eight responses that the poles allow. On an orthonormal basis of it, going
    /// one sample back is a fixed 8 x 8 matrix, and the energy is the sum of the squared coordinates.
    fn tail(&self, hann: &[f64]) -> Vec<[f32; STATES]> {
        let length = (40.0 / self.decay).ceil() as usize;
        let basis = self.basis(length);
        let impulse = std::iter::once(1.0).chain(std::iter::repeat(0.0));
        let response: Vec<f64> = self.run(impulse.take(length + 1)).skip(1).collect();
        let mut at: [f64; STATES] = from_fn(|j| dot(&basis[j], &response));
        let step: [[f64; STATES]; STATES] = from_fn(|j| from_fn(|k| dot(&basis[j], &basis[k][1..])));
        let mut weights = Vec::with_capacity(hann.len());
        for _ in hann {
            weights.push(at);
            at = from_fn(|j| dot(&step[j], &at));
        }
        let energy = |w: &[f64; STATES], hann: f64| w.iter().map(|w| w * w).sum::<f64>() * hann * hann;
        let energies: Vec<f64> = weights.iter().zip(hann.iter().rev()).map(|(w, h)| energy(w, *h)).collect();
        let negligible = 1e-13 * energies.iter().sum::<f64>();
        let mut beyond = 0.0;
        let unheard = energies.iter().rev().take_while(|e| {
            beyond += **e;
            beyond < negligible
        });
        weights.truncate(weights.len() - unheard.count());
        weights.into_iter().map(|w| w.map(|w| w as f32)).collect()
    }

    /// An orthonormal basis of the responses n^k e^(-decay n) cos or sin (angle n), k < 4, by Gram and Schmidt, twice.
    fn basis(&self, length: usize) -> [Vec<f64>; STATES] {
        let raw = |j: usize, n: usize| {
            let t = n as f64;
            let (sin, cos) = (self.angle * t).sin_cos();
            (self.decay * t).powi(j as i32 / 2) * (-self.decay * t).exp() * if j.is_multiple_of(2) { cos } else { sin }
        };
        let mut basis: [Vec<f64>; STATES] = from_fn(|j| (0..length).map(|n| raw(j, n)).collect());
        for j in 0..STATES {
            let (done, rest) = basis.split_at_mut(j);
            let vector = &mut rest[0];
            for other in done.iter().chain(done.iter()) {
                let share = dot(other, vector);
                vector.iter_mut().zip(other).for_each(|(v, o)| *v -= share * o);
            }
            let norm = dot(vector, vector).sqrt();
            vector.iter_mut().for_each(|v| *v /= norm);
        }
        basis
    }
}

/// To the end of the shorter one.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
