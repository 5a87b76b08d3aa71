//! Peak signal-to-noise ratio of each plane.

use super::pictures::per_picture;
use crate::error::Result;
use crate::media::Picture;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::PICTURE_DISTANCE;

pub static Y: Metric<Picture> = Metric {
    scale: scale("psnr-y", "PSNR, luma"),
    validity: PICTURE_DISTANCE,
    version,
    score: |e| score("psnr-y", 0, e),
};

pub static U: Metric<Picture> =
    Metric { scale: scale("psnr-u", "PSNR, U"), validity: PICTURE_DISTANCE, version, score: |e| score("psnr-u", 1, e) };

pub static V: Metric<Picture> =
    Metric { scale: scale("psnr-v", "PSNR, V"), validity: PICTURE_DISTANCE, version, score: |e| score("psnr-v", 2, e) };

/// Of a picture without any error, and the most that one can have: as libvmaf says it of 8-bit pictures.
const CAP_DB: f64 = 60.0;

const fn scale(id: &'static str, title: &'static str) -> Scale {
    Scale {
        id,
        title,
        unit: "dB",
        better: Better::Higher,
        cap: Some(CAP_DB),
        source: "10 log10(255^2 / MSE) of each picture, capped at 60 dB as in libvmaf; arithmetic mean over the pictures",
        margin: 0.2,
    }
}

fn version() -> String {
    "codecbench psnr 1".into()
}

fn score(id: &'static str, plane: usize, evidence: &Evidence<'_, Picture>) -> Result<Value> {
    per_picture(id, evidence, 2, || (), |(), a, b| Ok(psnr(a.planes()[plane], b.planes()[plane])))
}

/// Of planes of equal length.
fn psnr(a: &[u8], b: &[u8]) -> f64 {
    // Short enough for sums of 32 bits.
    let part = |(a, b): (&[u8], &[u8])| {
        u64::from(a.iter().zip(b).map(|(a, b)| u32::from(a.abs_diff(*b))).map(|d| d * d).sum::<u32>())
    };
    let squares: u64 = a.chunks(1 << 14).zip(b.chunks(1 << 14)).map(part).sum();
    (10.0 * (255.0 * 255.0 * a.len() as f64 / squares as f64).log10()).min(CAP_DB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_formula_and_its_cap() {
        let plane = vec![100; 100_000];
        assert_eq!(psnr(&plane, &plane), CAP_DB);
        assert_eq!(psnr(&[0; 100_000], &[255; 100_000]), 0.0);
        let off: Vec<u8> = plane.iter().enumerate().map(|(i, p)| if i % 2 == 0 { p + 4 } else { *p }).collect();
        assert!((psnr(&plane, &off) - 10.0 * (65_025.0 / 8.0_f64).log10()).abs() < 1e-12);
        // One sample of one off: 98 dB by the formula.
        let mut one = plane.clone();
        one[7] += 1;
        assert_eq!(psnr(&plane, &one), CAP_DB);
    }
}
