//! Multi-scale structural similarity of luma (Wang, Simoncelli and Bovik: "Multiscale structural similarity for image
//! quality assessment", Asilomar 2003).

use super::pictures::per_picture;
use super::ssim::{Parts, Plane, TAPS, Windows, mirrored, weighted};
use crate::error::Result;
use crate::media::Picture;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::PICTURE_DISTANCE;

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
    windows: Windows,
}

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    per_picture("ms-ssim", evidence, SMALLEST, Scratch::default, |scratch, reference, degraded| {
        let Scratch { planes, halver, windows } = scratch;
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
            let Parts { luminance, contrast, structure, .. } = windows.parts(a, b);
            // A picture that is the other's negative has a structure below 0, of which there is no such power.
            product *= (contrast * structure.max(0.0)).powf(EXPONENTS[scale]);
            if scale + 1 == EXPONENTS.len() {
                product *= luminance.powf(EXPONENTS[scale]);
            }
        }
        Ok(product)
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::video::ssim::tests::{compare, pair};

    #[test]
    fn it_is_that_of_libvmaf_in_every_size() {
        compare(&MS_SSIM, c"float_ms_ssim", &[(176, 176), (178, 230), (322, 180), (640, 360)], 1e-4);
    }

    #[test]
    fn a_negative_scores_nothing_and_is_no_error() {
        let [a, mut b] = pair(176, 176, 0.0);
        for picture in &mut b.pictures {
            let negative: Vec<u8> = picture.data.iter().map(|s| 255 - s).collect();
            *picture = Picture::new(picture.width, picture.height, negative).unwrap();
        }
        assert_eq!(score(&Evidence::files(&a, &b)).unwrap().value, 0.0);
    }
}
