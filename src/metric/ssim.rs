//! Structural similarity of luma (Wang et al.: "Image quality assessment: from error visibility to structural similarity",
//! IEEE TIP 13(4), 2004).

use super::pictures::per_picture;
use super::validity::PICTURE_DISTANCE;
use super::{Better, Evidence, Metric, Scale, Value};
use crate::error::Result;
use crate::media::Picture;

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
/// exp(-x^2 / (2 1.5^2)), x = -5 ... 5, of sum 1.
const WINDOW: [f32; TAPS] = [
    0.001_028_38,
    0.007_598_76,
    0.036_000_77,
    0.109_360_69,
    0.213_005_53,
    0.266_011_72,
    0.213_005_53,
    0.109_360_69,
    0.036_000_77,
    0.007_598_76,
    0.001_028_38,
];
/// Samples are counted from here, so that the squares are small where the variances are, and single precision does.
pub(super) const MIDDLE: f32 = 128.0;
/// The constants that steady the quotients: (0.01 * 255)^2 and (0.03 * 255)^2.
pub(super) const C1: f32 = 6.5025;
pub(super) const C2: f32 = 58.5225;

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    let format = evidence.reference.format;
    let box_side = shrink(format.width, format.height);
    let smallest = TAPS as u32;
    let start = || (Plane::default(), Plane::default(), Windows::<4>::default());
    per_picture("ssim", evidence, smallest, start, |(a, b, windows), reference, degraded| {
        a.luma(reference, box_side);
        b.luma(degraded, box_side);
        ssim(a, b, windows)
    })
}

/// The side of the boxes that are averaged before.
fn shrink(width: u32, height: u32) -> usize {
    ((width.min(height) + 128) / 256).max(1) as usize
}

fn ssim(a: &Plane, b: &Plane, windows: &mut Windows<4>) -> f64 {
    let products = |a: &[f32], b: &[f32], [x, y, squares, both]: [&mut [f32]; 4]| {
        x.copy_from_slice(a);
        y.copy_from_slice(b);
        for (((s, p), a), b) in squares.iter_mut().zip(both).zip(a).zip(b) {
            *s = a * a + b * b;
            *p = a * b;
        }
    };
    let mut sum = 0.0;
    let mut similarity = Vec::new();
    let places = windows.each(a, b, products, |[x, y, squares, both]| {
        similarity.resize(x.len(), 0.0);
        for ((((s, x), y), squares), both) in similarity.iter_mut().zip(x).zip(y).zip(squares).zip(both) {
            // Contrast and structure share a factor: of them only the two variances' sum and the covariance are left.
            let (variances, covariance) = (squares - (x * x + y * y), both - x * y);
            let (x, y) = (x + MIDDLE, y + MIDDLE);
            *s = (2.0 * (x * y) + C1) / (x * x + y * y + C1) * ((2.0 * covariance + C2) / (variances + C2));
        }
        sum += total(&similarity);
    });
    sum / places as f64
}

/// The sum of a row, in eight lanes.
pub(super) fn total(row: &[f32]) -> f64 {
    let mut lanes = [0.0f32; 8];
    let chunks = row.chunks_exact(8);
    let rest: f32 = chunks.remainder().iter().sum();
    chunks.for_each(|c| lanes.iter_mut().zip(c).for_each(|(l, v)| *l += v));
    f64::from(lanes.iter().sum::<f32>() + rest)
}

/// Samples counted from [`MIDDLE`], row by row.
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
            self.samples.extend(luma.iter().map(|s| f32::from(*s) - MIDDLE));
            return;
        }
        let mut column = vec![0u32; width];
        for y in 0..self.height {
            column.fill(0);
            for row in (0..n).map(|i| mirrored((y * n + i) as isize - (n / 2) as isize, height)) {
                column.iter_mut().zip(&luma[row * width..]).for_each(|(c, s)| *c += u32::from(*s));
            }
            self.samples.extend((0..self.width).map(|x| {
                let sum: u32 = (0..n).map(|i| column[mirrored((x * n + i) as isize - (n / 2) as isize, width)]).sum();
                sum as f32 / (n * n) as f32 - MIDDLE
            }));
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

/// Local means of `F` fields that are made of two planes sample by sample: down first, over a ring of the window's rows,
/// then across.
pub(super) struct Windows<const F: usize> {
    ring: Vec<[Vec<f32>; F]>,
    down: Vec<f32>,
    means: [Vec<f32>; F],
}

impl<const F: usize> Default for Windows<F> {
    fn default() -> Self {
        let fields = || std::array::from_fn(|_| Vec::new());
        Windows { ring: std::iter::repeat_with(fields).take(TAPS).collect(), down: Vec::new(), means: fields() }
    }
}

impl<const F: usize> Windows<F> {
    /// `make` fills a row of each field; `take` gets a row of each field's local means. Gives the number of places where
    /// the window fits.
    pub fn each(
        &mut self,
        a: &Plane,
        b: &Plane,
        make: impl Fn(&[f32], &[f32], [&mut [f32]; F]),
        mut take: impl FnMut([&[f32]; F]),
    ) -> usize {
        let (width, places) = (a.width, a.width + 1 - TAPS);
        self.ring.iter_mut().flatten().for_each(|row| row.resize(width, 0.0));
        self.down.resize(width, 0.0);
        self.means.iter_mut().for_each(|row| row.resize(places, 0.0));
        for y in 0..a.height {
            make(a.row(y), b.row(y), self.ring[y % TAPS].each_mut().map(Vec::as_mut_slice));
            // The row after `y` in the ring is the window's first.
            if y + 1 < TAPS {
                continue;
            }
            for (field, means) in self.means.iter_mut().enumerate() {
                let rows: [&[f32]; TAPS] = std::array::from_fn(|k| &*self.ring[(y + 1 + k) % TAPS][field]);
                weighted(rows, &WINDOW, &mut self.down);
                weighted(std::array::from_fn(|k| &self.down[k..k + places]), &WINDOW, means);
            }
            take(self.means.each_ref().map(Vec::as_slice));
        }
        places * (a.height + 1 - TAPS)
    }
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
