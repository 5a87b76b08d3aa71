//! Multi-scale structural similarity of luma (Wang, Simoncelli and Bovik: "Multiscale structural similarity for image
//! quality assessment", Asilomar 2003).

use super::pictures::per_picture;
use super::ssim::{C1, C2, MIDDLE, Plane, TAPS, Windows, mirrored, total, weighted};
use super::validity::PICTURE_DISTANCE;
use super::{Better, Evidence, Metric, Scale, Value};
use crate::error::Result;
use crate::media::Picture;

/// Its steps are those of libvmaf's `float_ms_ssim`: luminance, contrast and structure are averaged apart on each of five
/// scales, and the product of their powers is the score.
pub static MS_SSIM: Metric<Picture> = Metric {
    scale: Scale {
        id: "ms-ssim",
        title: "MS-SSIM",
        unit: "index",
        better: Better::Higher,
        cap: Some(1.0),
        source: "Wang et al. 2003, luma, five scales each half the one before behind the low-pass of the 9/7 wavelet; own \
                 implementation, equal to libvmaf's float_ms_ssim within 1e-4; arithmetic mean over the pictures",
        margin: 0.002,
    },
    validity: PICTURE_DISTANCE,
    version: || "codecbench ms-ssim 1".into(),
    score,
};

/// Of contrast and structure, from the finest scale to the coarsest; luminance has the last one.
const EXPONENTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
/// The window must fit on the coarsest scale.
const SMALLEST: u32 = (TAPS as u32) << (EXPONENTS.len() - 1);
/// Low-pass of the biorthogonal 9/7 wavelet, as libvmaf has it.
const LOW_PASS: [f32; 9] =
    [0.026727, -0.016828, -0.078201, 0.266846, 0.602914, 0.266846, -0.078201, -0.016828, 0.026727];

#[derive(Default)]
struct Scratch {
    /// A pair per scale.
    planes: [[Plane; 2]; EXPONENTS.len()],
    halver: Halver,
    windows: Windows<5>,
    rows: [Vec<f32>; 3],
}

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    per_picture("ms-ssim", evidence, SMALLEST, Scratch::default, |scratch, reference, degraded| {
        let Scratch { planes, halver, windows, rows } = scratch;
        let mut product = 1.0;
        for scale in 0..EXPONENTS.len() {
            for (side, picture) in [reference, degraded].into_iter().enumerate() {
                match planes.split_at_mut(scale) {
                    ([], [first, ..]) => first[side].luma(picture, 1),
                    ([.., above], [below, ..]) => halver.halve(&above[side], &mut below[side]),
                    (_, []) => {}
                }
            }
            let [a, b] = &planes[scale];
            let [luminance, contrast, structure] = parts(a, b, windows, rows);
            // A picture that is the other's negative has a structure below 0, of which there is no such power.
            product *= (contrast * structure.max(0.0)).powf(EXPONENTS[scale]);
            if scale + 1 == EXPONENTS.len() {
                product *= luminance.powf(EXPONENTS[scale]);
            }
        }
        product
    })
}

/// Mean luminance, contrast and structure.
fn parts(a: &Plane, b: &Plane, windows: &mut Windows<5>, rows: &mut [Vec<f32>; 3]) -> [f64; 3] {
    let products = |a: &[f32], b: &[f32], [x, y, xx, yy, xy]: [&mut [f32]; 5]| {
        x.copy_from_slice(a);
        y.copy_from_slice(b);
        for ((((xx, yy), xy), a), b) in xx.iter_mut().zip(yy).zip(xy).zip(a).zip(b) {
            (*xx, *yy, *xy) = (a * a, b * b, a * b);
        }
    };
    let mut sums = [0.0; 3];
    let places = windows.each(a, b, products, |[x, y, xx, yy, xy]| {
        let n = x.len();
        rows.iter_mut().for_each(|row| row.resize(n, 0.0));
        let [l, c, s] = rows.each_mut().map(|row| &mut row[..n]);
        let (y, xx, yy, xy) = (&y[..n], &xx[..n], &yy[..n], &xy[..n]);
        for i in 0..n {
            let (mx, my) = (x[i], y[i]);
            let (vx, vy) = ((xx[i] - mx * mx).max(0.0), (yy[i] - my * my).max(0.0));
            let deviations = (vx * vy).sqrt();
            // Where a picture is flat, what is left of the covariance is rounding.
            let covariance = if deviations > 0.0 { xy[i] - mx * my } else { 0.0 };
            let (mx, my) = (mx + MIDDLE, my + MIDDLE);
            l[i] = (2.0 * (mx * my) + C1) / (mx * mx + my * my + C1);
            c[i] = (2.0 * deviations + C2) / (vx + vy + C2);
            s[i] = (covariance + C2 / 2.0) / (deviations + C2 / 2.0);
        }
        sums.iter_mut().zip([l, c, s]).for_each(|(sum, row)| *sum += total(row));
    });
    sums.map(|sum| sum / places as f64)
}

/// Halves planes behind the low-pass.
#[derive(Default)]
struct Halver {
    down: Vec<f32>,
    /// The even and the odd samples of a row with its mirrored ends.
    phases: [Vec<f32>; 2],
}

impl Halver {
    fn halve(&mut self, from: &Plane, to: &mut Plane) {
        const REACH: isize = LOW_PASS.len() as isize / 2;
        (to.width, to.height) = (from.width.div_ceil(2), from.height.div_ceil(2));
        to.samples.resize(to.width * to.height, 0.0);
        self.down.resize(from.width, 0.0);
        for (y, out) in to.samples.chunks_exact_mut(to.width).enumerate() {
            let row = |k: usize| from.row(mirrored(2 * y as isize + k as isize - REACH, from.height));
            weighted(std::array::from_fn::<_, 9, _>(row), &LOW_PASS, &mut self.down);
            // Sample k of the row with its ends is sample k / 2 of one phase.
            for (phase, samples) in self.phases.iter_mut().enumerate() {
                let places = (phase as isize - REACH..).step_by(2).take(out.len() + REACH as usize);
                samples.clear();
                samples.extend(places.map(|i| self.down[mirrored(i, from.width)]));
            }
            weighted(std::array::from_fn::<_, 9, _>(|k| &self.phases[k % 2][k / 2..]), &LOW_PASS, out);
        }
    }
}
