//! Noise whose power falls with the square of frequency, as that of natural pictures does, on a square without seams.

use super::canvas::smooth;
use crate::units::Seed;

const SIDE: usize = 512;
/// The lattices of octaves have cells of 128, 64 ... 1 samples.
const OCTAVES: u32 = 8;
/// Amplitude of an octave relative to the next coarser one. 1 would be the spectrum of a scene; lenses blur a little.
const FALL: f32 = 0.8;

/// Mean 0 and standard deviation 1.
pub struct Texture(Vec<f32>);

impl Texture {
    pub fn new(seed: u64) -> Texture {
        let mut samples = vec![0.0f32; SIDE * SIDE];
        let mut amplitude = 1.0;
        for octave in (0..OCTAVES).rev() {
            let cell = 1usize << octave;
            let n = SIDE / cell;
            let mut rng = Seed(seed).stream(&format!("octave {octave}"));
            let lattice: Vec<f32> = (0..n * n).map(|_| 2.0 * rng.unit() as f32 - 1.0).collect();
            for y in 0..SIDE {
                let (y0, fy) = (y / cell, smooth((y % cell) as f32 / cell as f32));
                let y1 = (y0 + 1) % n;
                for x in 0..SIDE {
                    let (x0, fx) = (x / cell, smooth((x % cell) as f32 / cell as f32));
                    let x1 = (x0 + 1) % n;
                    let at = |x, y| lattice[y * n + x];
                    let (top, low) = (lerp(at(x0, y0), at(x1, y0), fx), lerp(at(x0, y1), at(x1, y1), fx));
                    samples[y * SIDE + x] += amplitude * lerp(top, low, fy);
                }
            }
            amplitude *= FALL;
        }
        let n = samples.len() as f32;
        // Sums of rows first: a single sum of so many would lose precision.
        let total =
            |f: &dyn Fn(f32) -> f32| samples.chunks(SIDE).map(|r| r.iter().map(|x| f(*x)).sum::<f32>()).sum::<f32>();
        let mean = total(&|x| x) / n;
        let deviation = (total(&|x| (x - mean) * (x - mean)) / n).sqrt();
        samples.iter_mut().for_each(|x| *x = (*x - mean) / deviation);
        Texture(samples)
    }

    /// Between the samples too, repeated in all directions.
    pub fn at(&self, x: f32, y: f32) -> f32 {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let wrap = |v: f32| (v as i32 as usize) & (SIDE - 1);
        let (x0, y0) = (wrap(x0), wrap(y0));
        let (x1, y1) = ((x0 + 1) & (SIDE - 1), (y0 + 1) & (SIDE - 1));
        let s = |x: usize, y: usize| self.0[y * SIDE + x];
        lerp(lerp(s(x0, y0), s(x1, y0), fx), lerp(s(x0, y1), s(x1, y1), fx), fy)
    }
}

fn lerp(a: f32, b: f32, t: f32) -> f32 {
    a + (b - a) * t
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texture_has_its_level_no_seam_and_a_falling_spectrum() {
        let t = Texture::new(1);
        let n = t.0.len() as f64;
        let mean = t.0.iter().map(|x| f64::from(*x)).sum::<f64>() / n;
        let variance = t.0.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 1e-3 && (variance - 1.0).abs() < 1e-2, "{mean} {variance}");
        assert_eq!((t.at(-1.0, 3.0), t.at(512.5, -509.0)), (t.at(511.0, 3.0), t.at(0.5, 3.0)));
        // The mean square of differences grows with distance, and slower than with its square: neither flat nor white.
        let step =
            |d: usize| (0..512 - d).map(|x| (t.at(x as f32, 9.0) - t.at((x + d) as f32, 9.0)).powi(2)).sum::<f32>();
        assert!(step(1) < step(4) && step(4) < step(32) && step(4) < 10.0 * step(1), "{} {}", step(1), step(4));
    }
}
