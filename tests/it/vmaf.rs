//! Video metrics against libvmaf's own figures of whole footage, and the contract of every video metric.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

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

/// Eight pictures of a moving pattern with edges, slopes and grain.
fn pattern(width: u32, height: u32) -> Footage {
    let mut rng = Seed(3).stream("test");
    let format = PictureFormat { width, height, rate: FrameRate::new(25, 1) };
    let mut picture = |k: u32| {
        let luma = (0..width * height).map(|i| {
            let (x, y) = (i % width + 3 * k, i / width + k);
            let base = if (x / 24 + y / 16) % 3 == 0 { 190 } else { 60 + (x + y) % 90 };
            (f64::from(base) + 4.0 * rng.normal()).clamp(16.0, 235.0) as u8
        });
        let luma: Vec<u8> = luma.collect();
        let chroma = |shift: u32| {
            let places = 0..width * height / 4;
            places.map(move |i| 100 + ((i % (width / 2) + shift + k) / 8 % 12 * 5) as u8).collect::<Vec<u8>>()
        };
        Picture::new(width, height, [luma, chroma(0), chroma(40)].concat()).unwrap()
    };
    Footage { format, pictures: (0..8).map(&mut picture).collect() }
}

/// Every sample of all planes through `f`, which gets the picture's plane, its width and the place.
fn changed(footage: &Footage, mut f: impl FnMut(&[u8], usize, usize) -> f64) -> Footage {
    let (width, height) = (footage.format.width, footage.format.height);
    let mut one = |picture: &Picture| {
        let widths = [width, width / 2, width / 2].map(|w| w as usize);
        let planes = picture.planes().into_iter().zip(widths);
        let data: Vec<u8> = planes
            .flat_map(|(plane, w)| {
                (0..plane.len()).map(|i| f(plane, w, i).round().clamp(0.0, 255.0) as u8).collect::<Vec<u8>>()
            })
            .collect();
        Picture::new(width, height, data).unwrap()
    };
    Footage { format: footage.format, pictures: footage.pictures.iter().map(&mut one).collect() }
}

fn noisy(footage: &Footage, deviation: f64) -> Footage {
    let mut rng = Seed(5).stream("noise");
    changed(footage, |plane, _, i| f64::from(plane[i]) + deviation * rng.normal())
}

/// The mean of 2 n + 1 samples along and across.
fn blurred(footage: &Footage, n: isize) -> Footage {
    changed(footage, |plane, width, i| {
        let (x, y) = ((i % width) as isize, (i / width) as isize);
        let height = (plane.len() / width) as isize;
        let at = |dx: isize, dy: isize| {
            let (x, y) = ((x + dx).clamp(0, width as isize - 1), (y + dy).clamp(0, height - 1));
            f64::from(plane[y as usize * width + x as usize])
        };
        let sum: f64 = (-n..=n).flat_map(|dy| (-n..=n).map(move |dx| (dx, dy))).map(|(dx, dy)| at(dx, dy)).sum();
        sum / ((2 * n + 1) * (2 * n + 1)) as f64
    })
}

#[test]
fn a_pair_of_equals_scores_best_and_worse_errors_score_worse() {
    let original = pattern(240, 192);
    for metric in VIDEO {
        let id = metric.scale.id;
        let best = score(metric, &original, &original, 1).value;
        let cap = metric.scale.cap.unwrap();
        // VMAF was fitted to what people said, and its best is near the cap only.
        let near = if id.starts_with("vmaf") { 5.0 } else { 1e-6 };
        assert!(best <= cap && best > cap - near, "{id}: {best}");
        type Degrade = fn(&Footage, f64) -> Footage;
        let noise: Degrade = |f, d| noisy(f, d);
        let blur: Degrade = |f, n| blurred(f, n as isize);
        for (name, degrade, steps) in [("noise", noise, [2.0, 6.0, 18.0]), ("blur", blur, [1.0, 2.0, 4.0])] {
            let scores = steps.map(|step| score(metric, &original, &degrade(&original, step), 1).value);
            eprintln!("{id} {name}: {best:.4} {scores:.4?}");
            assert!([best, scores[0], scores[1], scores[2]].is_sorted_by(|a, b| a > b), "{id}, {name}: {scores:?}");
        }
    }
}

#[test]
fn extreme_pictures_score_within_the_scale() {
    let original = pattern(192, 176);
    let flat = |value: f64| changed(&original, |_, _, _| value);
    let one = Footage { pictures: original.pictures[..1].to_vec(), ..original.clone() };
    let negative = changed(&original, |plane, _, i| 255.0 - f64::from(plane[i]));
    for metric in VIDEO {
        for (a, b) in [
            (&original, &flat(0.0)),
            (&flat(0.0), &original),
            (&original, &flat(255.0)),
            (&flat(0.0), &flat(255.0)),
            (&flat(0.0), &flat(0.0)),
            (&flat(255.0), &flat(254.0)),
            (&original, &negative),
            (&one, &one),
        ] {
            for threads in [1, 3] {
                let value = score(metric, a, b, threads);
                let series = value.series.unwrap();
                assert!(value.value.is_finite() && value.value <= metric.scale.cap.unwrap(), "{}", metric.scale.id);
                assert_eq!((series.values.len(), series.step_ms), (a.pictures.len(), 40.0));
            }
        }
    }
}

#[test]
fn what_cannot_be_scored_is_an_error_in_one_line() {
    let original = pattern(192, 176);
    let short = Footage { pictures: original.pictures[..7].to_vec(), ..original.clone() };
    let none = Footage { pictures: Vec::new(), ..original.clone() };
    for metric in VIDEO {
        for (a, b, says) in [
            (&original, &short, "the reference has 8 pictures, the degraded footage 7"),
            (&original, &pattern(176, 192), "the reference has 192x176, the degraded footage 176x192"),
            (&none, &none, "there are no pictures"),
        ] {
            let error = (metric.score)(&Evidence::files(a, b)).unwrap_err().to_string();
            assert!(error.starts_with(metric.scale.id) && error.contains(says) && !error.contains('\n'), "{error}");
        }
        // Small ones: a number or a reason, for every even size.
        for (width, height) in (2..42).step_by(2).flat_map(|n| [(n, n), (n, 64), (64, n)]) {
            let small = pattern(width, height);
            match (metric.score)(&Evidence::files(&small, &noisy(&small, 5.0))) {
                Ok(value) => assert!(value.value.is_finite(), "{} {width}x{height}", metric.scale.id),
                Err(e) => assert!(e.to_string().contains("it needs at least"), "{e}"),
            }
        }
    }
}

/// FFmpeg's filters on the same files: its PSNR is the same, and its SSIM is another one (windows of 8 x 8 with equal
/// weights, every fourth sample), which lies near.
#[test]
fn psnr_is_that_of_ffmpeg_and_ssim_lies_near() {
    let Some(folder) = vectors() else { return };
    if std::process::Command::new("ffmpeg").arg("-version").output().is_err() {
        eprintln!("there is no ffmpeg: its filters are not compared");
        return;
    }
    let stats = tempfile::tempdir().unwrap();
    for (reference, degraded) in [("bbb_a_ref", "bbb_a_h264"), ("dog_ref", "dog_vp8"), ("synth_ref", "synth_vp9")] {
        let file = |name: &str| folder.join(format!("vmaf/{name}.y4m"));
        let per_picture = |filter: &str, key: &str| -> Vec<f64> {
            let path = stats.path().join(filter);
            let mut ffmpeg = std::process::Command::new("ffmpeg");
            ffmpeg.args(["-nostdin", "-v", "error", "-i"]).arg(file(degraded)).arg("-i").arg(file(reference));
            ffmpeg.args(["-lavfi", &format!("{filter}=stats_file={}", path.display()), "-f", "null", "-"]);
            assert!(ffmpeg.status().unwrap().success());
            let text = std::fs::read_to_string(path).unwrap();
            let value = |line: &str| line.split(' ').find_map(|w| w.strip_prefix(key)?.parse().ok()).unwrap();
            text.lines().map(value).collect()
        };
        let (a, b) = (y4m(&file(reference)), y4m(&file(degraded)));
        for (id, filter, key, tolerance) in [
            // Two decimals.
            ("psnr-y", "psnr", "psnr_y:", 0.0051),
            ("psnr-u", "psnr", "psnr_u:", 0.0051),
            ("psnr-v", "psnr", "psnr_v:", 0.0051),
            ("ssim", "ssim", "Y:", 0.03),
        ] {
            let ours = score(metric::video(id).unwrap(), &a, &b, 1).series.unwrap().values;
            let theirs = per_picture(filter, key);
            assert_eq!(ours.len(), theirs.len());
            let worst = ours.iter().zip(&theirs).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max);
            eprintln!("{degraded} {id}: worst picture {worst:.4} from ffmpeg's");
            assert!(worst <= tolerance, "{degraded} {id}: {worst}");
        }
    }
}
