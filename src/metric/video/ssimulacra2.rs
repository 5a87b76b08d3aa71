//! SSIMULACRA 2.1 (Sneyers, Cloudinary 2023), by the crate `fast-ssim2`.

use super::pictures::per_picture;
use crate::error::Result;
use crate::media::Picture;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::STILL_PICTURES;
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
    per_picture(
        "ssimulacra2",
        evidence,
        SMALLEST,
        || (),
        |(), reference, degraded| {
            let (a, b) = (rgb(reference), rgb(degraded));
            let (width, height) = (reference.width, reference.height);
            let pixels = |rgb| {
                let slice = PixelSlice::new(rgb, width, height, width as usize * 3, PixelDescriptor::RGB8_SRGB);
                slice.map_err(|e| e.to_string())
            };
            compute_ssimulacra2(&pixels(&a)?, &pixels(&b)?).map_err(|e| e.to_string())
        },
    )
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_those_of_bt_709() {
        // Bars of 75 % as in ITU-R BT.709: white, yellow, cyan, green, magenta, red, blue; 0.75 * 255 = 191.
        let bars = [
            ([180, 128, 128], [191, 191, 191]),
            ([168, 44, 136], [191, 191, 0]),
            ([145, 147, 44], [0, 191, 191]),
            ([134, 63, 52], [0, 191, 0]),
            ([63, 193, 204], [191, 0, 191]),
            ([51, 109, 212], [191, 0, 0]),
            ([28, 212, 120], [0, 0, 191]),
            ([16, 128, 128], [0, 0, 0]),
        ];
        for ([y, u, v], expected) in bars {
            let picture = Picture::new(2, 2, vec![y, y, y, y, u, v]).unwrap();
            let rgb = rgb(&picture);
            assert_eq!(rgb.len(), 12);
            assert!(rgb.iter().zip(expected.iter().cycle()).all(|(a, b)| a.abs_diff(*b) <= 1), "{expected:?} {rgb:?}");
        }
    }

    #[test]
    fn chroma_runs_straight_between_its_samples() {
        let wide = doubled(&[0, 40, 80], 3, 1);
        assert_eq!(wide[..6], [0.0, 10.0, 30.0, 50.0, 70.0, 80.0]);
        assert_eq!(wide[..6], wide[6..]);
    }
}
