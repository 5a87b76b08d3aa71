//! Scores of pictures that are made of integers alone.

use super::check::Check;
use crate::cli::score::{self, Row};
use crate::error::{Error, Result};
use crate::media::{Footage, FrameRate, Picture, PictureFormat, y4m};
use crate::metric::{self, Evidence, Metric};
use std::path::Path;

/// As this version first gave them. (metric, expected, tolerance)
const SCORES: &[(&str, f64, f64)] = &[
    ("psnr-y", 37.27768369839, 1e-9),
    ("psnr-u", 37.41549097794, 1e-9),
    ("ssim", 0.87840120, 1e-5),
    ("ms-ssim", 0.98023309, 1e-5),
    ("vmaf", 98.25329091, 0.001),
    ("vmaf-neg", 95.23802941, 0.001),
    ("ciede2000", 34.17088064, 0.001),
    ("ssimulacra2", 38.74481244, 0.01),
];

const FORMAT: PictureFormat = PictureFormat { width: 240, height: 192, rate: FrameRate::new(25, 1) };
const PICTURES: usize = 4;

pub(super) fn scores() -> Vec<Check> {
    let (reference, degraded) = (drawn(|sample| sample), drawn(|sample| sample / 12 * 12 + 5));
    let evidence = Evidence::files(&reference, &degraded);
    let check = |(id, expected, tolerance): &(&str, f64, f64)| {
        let got = metric::video(id).and_then(|metric| (metric.score)(&evidence)).map(|v| v.value);
        Check::number(format!("{id} of quantised pictures"), *expected, *tolerance, got)
    };
    SCORES.iter().map(check).collect()
}

/// The score of two Y4M files.
pub(super) fn row(metric: &Metric<Picture>, reference: &Path, degraded: &Path) -> Result<Row> {
    let (a, b) = (y4m::read(reference)?.footage, y4m::read(degraded)?.footage);
    metric::comparable(&a, &b).map_err(|reason| Error::input(degraded, reason))?;
    Ok(score::row(metric, &Evidence::files(&a, &b)))
}

/// Slopes with a moving disc and grain on them, each sample of which goes through `coded`.
fn drawn(coded: fn(usize) -> usize) -> Footage {
    let (width, height) = (FORMAT.width as usize, FORMAT.height as usize);
    let luma = |k: usize, x: usize, y: usize| {
        let (dx, dy) = (x.abs_diff(60 + 20 * k), y.abs_diff(90));
        let grain = (x * 7 + y * 13 + x * y * 3 + k * 29) % 11;
        if dx * dx + dy * dy < 1600 { 190 + grain - dx } else { 40 + grain + (x + 2 * y) / 5 }
    };
    let plane = |w: usize, h: usize, f: &dyn Fn(usize, usize) -> usize| -> Vec<u8> {
        (0..w * h).map(|i| coded(f(i % w, i / w)).min(255) as u8).collect()
    };
    let picture = |k: usize| Picture {
        width: FORMAT.width,
        height: FORMAT.height,
        data: [
            plane(width, height, &|x, y| luma(k, x, y)),
            plane(width / 2, height / 2, &|x, y| 110 + (x + k) / 4 % 40 + y / 16),
            plane(width / 2, height / 2, &|x, y| 150 - (x / 8 + y / 4 + k) % 48),
        ]
        .concat()
        .into(),
    };
    Footage { format: FORMAT, pictures: (0..PICTURES).map(picture).collect() }
}
