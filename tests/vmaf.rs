//! Video metrics against libvmaf's own figures of whole footage, and the contract of every video metric.

use codecbench::media::{Footage, FrameRate, Picture, PictureFormat};
use codecbench::metric::{self, Evidence, Metric, VIDEO, Value};
use codecbench::units::Seed;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn vectors() -> Option<PathBuf> {
    let folder = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from);
    if folder.is_none() {
        eprintln!("CODECBENCH_VECTORS is not set: no reference vectors are compared");
    }
    folder
}

fn score(metric: &Metric<Picture>, reference: &Footage, degraded: &Footage, threads: usize) -> Value {
    (metric.score)(&Evidence { threads, ..Evidence::files(reference, degraded) }).unwrap()
}

/// A plain reader of the vectors' files, which are all alike.
fn y4m(path: &Path) -> Footage {
    let bytes = std::fs::read(path).unwrap();
    let end = bytes.iter().position(|b| *b == b'\n').unwrap();
    let header = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let tag = |tag: char| header.split(' ').find_map(|t| t.strip_prefix(tag)).unwrap().to_owned();
    let (width, height): (u32, u32) = (tag('W').parse().unwrap(), tag('H').parse().unwrap());
    let rate = tag('F').split_once(':').map(|(n, d)| FrameRate::new(n.parse().unwrap(), d.parse().unwrap())).unwrap();
    let format = PictureFormat { width, height, rate };
    let frames = bytes[end + 1..].chunks_exact(6 + format.bytes());
    let picture = |frame: &[u8]| Picture::new(width, height, frame[6..].to_vec()).unwrap();
    Footage { format, pictures: frames.map(picture).collect() }
}

/// The metrics by the names that the vectors give them.
const NAMES: [(&str, &str); 4] = [("vmaf", "vmaf"), ("psnr-y", "psnr_y"), ("ssim", "ssim"), ("ms-ssim", "ms_ssim")];

#[test]
fn every_picture_and_mean_is_that_of_libvmaf() {
    let Some(folder) = vectors() else { return };
    let cases: Vec<Json> = serde_json::from_slice(&std::fs::read(folder.join("vmaf/cases.json")).unwrap()).unwrap();
    assert_eq!(cases.len(), 3);
    for case in &cases {
        let file = |key: &str| y4m(&folder.join(case[key].as_str().unwrap()));
        let (reference, degraded) = (file("reference"), file("degraded"));
        let expected = case["expected_frames"].as_array().unwrap();
        for (id, name) in NAMES {
            let metric = metric::video(id).unwrap();
            let tolerance = case["tolerance"][name].as_f64().unwrap();
            let value = score(metric, &reference, &degraded, 1);
            assert_eq!(value, score(metric, &reference, &degraded, 2), "{id} with two threads");
            let series = value.series.unwrap().values;
            assert_eq!(series.len(), expected.len());
            let difference =
                |(got, expected): (&f32, &Json)| (f64::from(*got) - expected[name].as_f64().unwrap()).abs();
            let worst = series.iter().zip(expected).map(difference).fold(0.0, f64::max);
            let mean = (value.value - case["expected_mean"][name].as_f64().unwrap()).abs();
            eprintln!("{} {id}: worst picture {worst:.7}, mean {mean:.7}", case["degraded"]);
            assert!(worst <= tolerance && mean <= tolerance, "{id}: {worst}, {mean}");
            if id == "vmaf" {
                // The mean of 1 / (1 + score), as libvmaf pools it.
                let sum: f64 = series.iter().map(|v| 1.0 / (1.0 + f64::from(*v))).sum();
                let harmonic = series.len() as f64 / sum - 1.0;
                assert!((harmonic - case["expected_harmonic_mean_vmaf"].as_f64().unwrap()).abs() <= tolerance);
            }
        }
    }
}
