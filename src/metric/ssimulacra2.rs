//! SSIMULACRA 2.1 (Sneyers, Cloudinary 2023), by the crate `fast-ssim2`.

use super::pictures::{check, pooled};
use super::validity::STILL_PICTURES;
use super::{Better, Evidence, Metric, Scale, Value};
use crate::error::{Error, Result};
use crate::media::Picture;
use fast_ssim2::{PixelDescriptor, PixelSlice, compute_ssimulacra2};

pub static SSIMULACRA2: Metric<Picture> = Metric {
    scale: Scale {
        id: "ssimulacra2",
        title: "SSIMULACRA2",
        unit: "points",
        better: Better::Higher,
        cap: Some(100.0),
        source: "SSIMULACRA 2.1 (Sneyers 2023) of each picture in sRGB, by BT.709 out of limited range with chroma between \
                 its samples by straight lines; may lie below 0; arithmetic mean over the pictures; crate fast-ssim2 0.9.1",
        margin: 1.0,
    },
    validity: STILL_PICTURES,
    version: || "fast-ssim2 0.9.1, BT.709 1".into(),
    score,
};

const SMALLEST: u32 = 8;

fn score(evidence: &Evidence<'_, Picture>) -> Result<Value> {
    let metric = "ssimulacra2";
    check(metric, evidence, SMALLEST)?;
    let (width, height) = (evidence.reference.format.width, evidence.reference.format.height);
    let one = |(a, b): (&Picture, &Picture)| {
        let (a, b) = (rgb(a), rgb(b));
        let pixels = |rgb| PixelSlice::new(rgb, width, height, width as usize * 3, PixelDescriptor::RGB8_SRGB);
        let failed = |reason: String| Error::Metric { metric, reason };
        let (a, b) = (pixels(&a).map_err(|e| failed(e.to_string()))?, pixels(&b).map_err(|e| failed(e.to_string()))?);
        compute_ssimulacra2(&a, &b).map_err(|e| failed(e.to_string()))
    };
    let pairs = evidence.reference.pictures.iter().zip(&evidence.degraded.pictures);
    pooled(metric, evidence, pairs.map(one).collect::<Result<_>>()?)
}

/// ITU-R BT.709, limited range; chroma samples lie in the middle of four of luma (as in JPEG).
fn rgb(picture: &Picture) -> Vec<u8> {
    let (width, height) = (picture.width as usize, picture.height as usize);
    let [luma, u, v] = picture.planes();
    let (u, v) = (doubled(u, width / 2, height / 2), doubled(v, width / 2, height / 2));
    let mut out = Vec::with_capacity(luma.len() * 3);
    for ((y, u), v) in luma.iter().zip(u).zip(v) {
        let (y, u, v) = ((f32::from(*y) - 16.0) / 219.0, (u - 128.0) / 224.0, (v - 128.0) / 224.0);
        let rgb = [y + 1.5748 * v, y - 0.187_324 * u - 0.468_124 * v, y + 1.8556 * u];
        out.extend(rgb.map(|c| (255.0 * c).round().clamp(0.0, 255.0) as u8));
    }
    out
}

/// A plane at twice its size: three quarters of the nearest sample and a quarter of the next, both ways.
fn doubled(plane: &[u8], width: usize, height: usize) -> Vec<f32> {
    // The nearest and the other one, of a length of `n`.
    let places = |i: usize, n: usize| {
        let near = i / 2;
        (near, if i.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(n - 1) })
    };
    let row = |y: usize| &plane[y * width..][..width];
    let mut out = Vec::with_capacity(plane.len() * 4);
    for y in 0..2 * height {
        let (near, far) = places(y, height);
        let line: Vec<f32> =
            row(near).iter().zip(row(far)).map(|(n, f)| (3.0 * f32::from(*n) + f32::from(*f)) / 4.0).collect();
        out.extend((0..2 * width).map(|x| {
            let (near, far) = places(x, width);
            (3.0 * line[near] + line[far]) / 4.0
        }));
    }
    out
}
