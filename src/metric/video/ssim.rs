//! Structural similarity of luma (Wang et al.: "Image quality assessment: from error visibility to structural similarity",
//! IEEE TIP 13(4), 2004).

use super::pictures::per_picture;
use crate::error::Result;
use crate::media::Picture;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::PICTURE_DISTANCE;

/// Its steps are those of libvmaf's `float_ssim`: luma is averaged down to about 256 lines; local means, variances and
/// covariance under a Gaussian window where it fits whole; the mean over all places.
pub static SSIM: Metric<Picture> = Metric {
    scale: Scale {
        id: "ssim",
        title: "SSIM",
        unit: "index",
        better: Better::Higher,
        cap: Some(1.0),
        source: "Wang et al. 2004, luma, 11-tap Gaussian window of deviation 1.5; boxes of n x n averaged first, n the \
                 shorter side / 256 rounded, at least 1; own implementation, equal to libvmaf's float_ssim within 1e-4; \
                 arithmetic mean over the pictures",
        margin: 0.002,
    },
    validity: PICTURE_DISTANCE,
    version: || "codecbench ssim 1".into(),
    score,
};

/// Taps of the window.
pub(super) const TAPS: usize = 11;
/// exp(-x^2 / (2 1.5^2)), x = -5 ... 5, to six decimals as libvmaf has it. Their sum is 2e-6 above 1, which lowers variances
/// by 4e-6 of the squared mean: flat pictures score otherwise by 4e-4 with exact taps.
const WINDOW: [f32; TAPS] =
    [0.001028, 0.007599, 0.036001, 0.109361, 0.213006, 0.266012, 0.213006, 0.109361, 0.036001, 0.007599, 0.001028];
/// The constants that steady the quotients: (0.01 * 255)^2 and (0.03 * 255)^2.
const C1: f32 = 6.5025;
const C2: f32 = 58.5225;

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    let format = evidence.reference.format;
    let box_side = shrink(format.width, format.height);
    let start = <(Plane, Plane, Windows)>::default;
    per_picture("ssim", evidence, TAPS as u32, start, |(a, b, windows), reference, degraded| {
        a.luma(reference, box_side);
        b.luma(degraded, box_side);
        Ok(windows.parts(a, b).similarity)
    })
}

/// The side of the boxes that are averaged before.
fn shrink(width: u32, height: u32) -> usize {
    ((width.min(height) + 128) / 256).max(1) as usize
}

/// Samples row by row.
#[derive(Default)]
pub(super) struct Plane {
    pub width: usize,
    pub height: usize,
    pub samples: Vec<f32>,
}

impl Plane {
    pub fn row(&self, y: usize) -> &[f32] {
        &self.samples[y * self.width..][..self.width]
    }

    /// Luma; with n above 1 the means of boxes of n x n, one around every n-th sample of every n-th row.
    pub fn luma(&mut self, picture: &Picture, n: usize) {
        let (width, height) = (picture.width as usize, picture.height as usize);
        let luma = picture.planes()[0];
        self.samples.clear();
        (self.width, self.height) = (width / n, height / n);
        if n == 1 {
            self.samples.extend(luma.iter().map(|s| f32::from(*s)));
            return;
        }
        let places = |i: usize, length| (0..n).map(move |k| mirrored((i * n + k) as isize - (n / 2) as isize, length));
        let mut column = vec![0u32; width];
        for y in 0..self.height {
            column.fill(0);
            for row in places(y, height) {
                column.iter_mut().zip(&luma[row * width..]).for_each(|(c, s)| *c += u32::from(*s));
            }
            let mean = |x| places(x, width).map(|x| column[x]).sum::<u32>() as f32 / (n * n) as f32;
            self.samples.extend((0..self.width).map(mean));
        }
    }
}

/// Beyond the edge the samples run back, the one at the edge twice.
pub(super) fn mirrored(i: isize, length: usize) -> usize {
    match usize::try_from(i) {
        Ok(i) if i < length => i,
        Ok(i) => 2 * length - 1 - i,
        Err(_) => (-1 - i) as usize,
    }
}

/// Means over all places of the window.
#[derive(Default)]
pub(super) struct Parts {
    pub luminance: f64,
    pub contrast: f64,
    pub structure: f64,
    /// Of the product of the three.
    pub similarity: f64,
}

/// The window at every place where it fits whole: down first, over its rows, then across.
#[derive(Default)]
pub(super) struct Windows {
    /// Squares and products of the last rows of the two planes, as a ring.
    products: [[Vec<f32>; 3]; TAPS],
    down: Vec<f32>,
    /// A row of local means: of both planes, of their squares and of their product.
    means: [Vec<f32>; 5],
    /// A row of luminance, contrast, structure and similarity.
    parts: [Vec<f32>; 4],
}

impl Windows {
    /// Of planes of the same size, neither side below [`TAPS`].
    pub fn parts(&mut self, a: &Plane, b: &Plane) -> Parts {
        let places = a.width + 1 - TAPS;
        self.products.iter_mut().flatten().for_each(|row| row.resize(a.width, 0.0));
        self.down.resize(a.width, 0.0);
        self.means.iter_mut().chain(&mut self.parts).for_each(|row| row.resize(places, 0.0));
        let mut sums = [0.0; 4];
        for y in 0..a.height {
            let [xx, yy, xy] = &mut self.products[y % TAPS];
            for ((((xx, yy), xy), x), y) in xx.iter_mut().zip(yy).zip(xy).zip(a.row(y)).zip(b.row(y)) {
                (*xx, *yy, *xy) = (x * x, y * y, x * y);
            }
            let Some(top) = (y + 1).checked_sub(TAPS) else { continue };
            let products = &self.products;
            for (field, means) in self.means.iter_mut().enumerate() {
                let row = |k: usize| match field {
                    0 => a.row(top + k),
                    1 => b.row(top + k),
                    field => products[(top + k) % TAPS][field - 2].as_slice(),
                };
                weighted(std::array::from_fn::<_, TAPS, _>(row), &WINDOW, &mut self.down);
                weighted(std::array::from_fn(|k| &self.down[k..k + places]), &WINDOW, means);
            }
            let [means_a, means_b, xx, yy, xy] = &self.means;
            similarity([means_a, means_b, xx, yy, xy], self.parts.each_mut().map(Vec::as_mut_slice));
            sums.iter_mut().zip(&self.parts).for_each(|(sum, row)| *sum += total(row));
        }
        let [luminance, contrast, structure, similarity] = sums.map(|s| s / (places * (a.height + 1 - TAPS)) as f64);
        Parts { luminance, contrast, structure, similarity }
    }
}

/// From local means to luminance, contrast, structure and similarity, a row of each.
fn similarity(means: [&[f32]; 5], parts: [&mut [f32]; 4]) {
    let n = parts[0].len();
    let [x, y, xx, yy, xy] = means.map(|row| &row[..n]);
    let [luminance, contrast, structure, similarity] = parts.map(|row| &mut row[..n]);
    for i in 0..n {
        let (mx, my) = (x[i], y[i]);
        let (vx, vy) = ((xx[i] - mx * mx).max(0.0), (yy[i] - my * my).max(0.0));
        let (deviations, covariance) = ((vx * vy).sqrt(), xy[i] - mx * my);
        // Where a picture is flat, what is left of a covariance is rounding.
        let covariance = if deviations > 0.0 { covariance } else { covariance.max(0.0) };
        let l = (2.0 * (mx * my) + C1) / (mx * mx + my * my + C1);
        let c = (2.0 * deviations + C2) / (vx + vy + C2);
        let s = (covariance + C2 / 2.0) / (deviations + C2 / 2.0);
        (luminance[i], contrast[i], structure[i], similarity[i]) = (l, c, s, l * c * s);
    }
}

/// The sum of a row, in eight lanes.
fn total(row: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 8];
    let chunks = row.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    chunks.for_each(|c| lanes.iter_mut().zip(c).for_each(|(l, v)| *l += v));
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// The weighted sum of `N` rows; `N` is odd and the weights are symmetric.
pub(super) fn weighted<const N: usize>(rows: [&[f32]; N], weights: &[f32; N], out: &mut [f32]) {
    let rows = rows.map(|row| &row[..out.len()]);
    for (i, out) in out.iter_mut().enumerate() {
        let mut sum = weights[N / 2] * rows[N / 2][i];
        for k in 0..N / 2 {
            sum += weights[k] * (rows[k][i] + rows[N - 1 - k][i]);
        }
        *out = sum;
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::media::{Footage, FrameRate, PictureFormat};
    use crate::metric::video::vmaf::raw;
    use crate::units::Seed;
    use std::ffi::CStr;

    /// Three pictures of soft noise with a flat corner, and what errors of `strength` make of them.
    pub fn pair(width: u32, height: u32, strength: f64) -> [Footage; 2] {
        let mut rng = Seed(u64::from(width)).stream("test");
        let format = PictureFormat { width, height, rate: FrameRate::new(25, 1) };
        let mut out = [Footage::new(format), Footage::new(format)];
        for _ in 0..3 {
            let mut state = 120.0;
            let (mut a, mut b) = (vec![128; format.bytes()], vec![128; format.bytes()]);
            for (i, (a, b)) in a.iter_mut().zip(&mut b).enumerate().take(format.luma()) {
                state += 0.3 * (120.0 - state) + 25.0 * rng.normal();
                let (x, y) = (i as u32 % width, i as u32 / width);
                let flat = x < width / 3 && y < height / 3;
                *a = if flat { 201 } else { state.clamp(0.0, 255.0) as u8 };
                let error = if flat && y % 2 == 0 { 0.0 } else { strength * rng.normal() };
                *b = (f64::from(*a) + error).round().clamp(0.0, 255.0) as u8;
            }
            out[0].pictures.push(Picture::new(width, height, a).unwrap());
            out[1].pictures.push(Picture::new(width, height, b).unwrap());
        }
        out
    }

    /// As libvmaf has it, within `tolerance`, of pictures that are good, bad and hopeless.
    pub fn compare(metric: &Metric<Picture>, feature: &CStr, sizes: &[(u32, u32)], tolerance: f64) {
        for (width, height) in sizes {
            for strength in [0.0, 1.0, 8.0, 80.0] {
                let [a, b] = pair(*width, *height, strength);
                let theirs = raw::feature(feature, feature, &a, &b, 1).unwrap();
                let ours = (metric.score)(&Evidence::files(&a, &b)).unwrap();
                for (ours, theirs) in ours.series.unwrap().values.iter().zip(theirs) {
                    let difference = (f64::from(*ours) - theirs).abs();
                    assert!(difference < tolerance, "{width}x{height}, {strength}: {ours} {theirs}");
                }
            }
        }
    }

    #[test]
    fn it_is_that_of_libvmaf_in_every_size() {
        let sizes = [(12, 12), (14, 90), (64, 48), (322, 180), (400, 384), (642, 640), (900, 896)];
        assert_eq!(sizes.map(|(w, h)| shrink(w, h)), [1, 1, 1, 1, 2, 3, 4]);
        compare(&SSIM, c"float_ssim", &sizes, 1e-4);
    }

    #[test]
    fn it_is_the_formula_of_one_window() {
        // Of an 11 x 11 picture (a plane of it; pictures are even) there is one place of the window.
        let plane = |f: fn(usize) -> usize| Plane {
            width: TAPS,
            height: TAPS,
            samples: (0..TAPS * TAPS).map(|i| f(i) as f32).collect(),
        };
        let (a, b) = (plane(|i| i * 7 % 256), plane(|i| i * i % 256));
        let weights = |i: usize| f64::from(WINDOW[i / TAPS]) * f64::from(WINDOW[i % TAPS]);
        let mean = |f: &dyn Fn(f64, f64) -> f64| -> f64 {
            let pairs = a.samples.iter().zip(&b.samples).map(|(a, b)| f(f64::from(*a), f64::from(*b)));
            pairs.enumerate().map(|(i, v)| weights(i) * v).sum()
        };
        let (x, y) = (mean(&|a, _| a), mean(&|_, b| b));
        let (xx, yy, xy) = (mean(&|a, _| a * a) - x * x, mean(&|_, b| b * b) - y * y, mean(&|a, b| a * b) - x * y);
        let (c1, c2) = (f64::from(C1), f64::from(C2));
        let expected = (2.0 * x * y + c1) * (2.0 * xy + c2) / ((x * x + y * y + c1) * (xx + yy + c2));
        assert!((Windows::default().parts(&a, &b).similarity - expected).abs() < 1e-5);
        assert_eq!(Windows::default().parts(&a, &a).similarity, 1.0);
    }
}
