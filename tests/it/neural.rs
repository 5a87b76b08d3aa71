//! PLCMOS and DNSMOS against onnxruntime, and PLCMOS against the values that its authors published.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat, load};
use codecbench::metric::Evidence;
use codecbench::metric::audio;
use codecbench::metric::audio::plcmos;
use codecbench::{model, units::Seed};
use serde_json::Value as Json;
use std::path::PathBuf;
use std::sync::Arc;

/// The cases, if their files and the models are there; a skip is told aloud.
fn cases() -> Option<(PathBuf, Json)> {
    let Some(root) = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from) else {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with the reference programs");
        return None;
    };
    if let Err(e) = model::read("plcmos-v2.onnx").and(model::read("dnsmos-sig-bak-ovr.onnx")) {
        println!("SKIPPED: {e}");
        return None;
    }
    let json = std::fs::read_to_string(root.join("plcmos/cases.json")).unwrap();
    Some((root, serde_json::from_str(&json).unwrap()))
}

fn score(id: &str, degraded: &Pcm) -> f64 {
    (audio(id).unwrap().score)(&Evidence::files(degraded, degraded)).unwrap().value
}

#[test]
fn networks_meet_onnxruntime_and_the_published_values() {
    let Some((root, all)) = cases() else { return };
    let fixed: Vec<f32> =
        all["fixed_rater_embed"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
    let fixed: [f32; plcmos::RATER] = fixed.try_into().unwrap();
    let (mut checked, mut published) = (0, 0);
    for case in all["cases"].as_array().unwrap() {
        let name = case["degraded"].as_str().unwrap();
        let degraded: Arc<Pcm> = load(&root.join(name)).unwrap().signal;
        let mut check = |what: &str, value: f64, expected: &Json, tolerance: &Json| {
            let error = value - expected.as_f64().unwrap();
            println!("{what} {name}: {value:.6}, {error:+.2e}");
            assert!(error.abs() <= tolerance.as_f64().unwrap(), "{what} {name}");
            checked += 1;
        };
        let tolerance = &case["tolerance"];
        check("plcmos-zero", score("plcmos-zero", &degraded), &case["expected_zero_embed"], tolerance);
        let value = plcmos::rate("plcmos", &degraded, &[fixed]).unwrap()[0];
        check("plcmos fixed", value, &case["expected_fixed_embed"], tolerance);
        for id in ["sig", "bak", "ovrl"] {
            let value = score(&format!("dnsmos-{id}"), &degraded);
            check(id, value, &case["dnsmos"][id], &case["dnsmos"]["tolerance"]);
        }
        if case["published"].is_f64() {
            check("plcmos", score("plcmos", &degraded), &case["published"], &case["published_tolerance"]);
            published += 1;
        }
    }
    assert_eq!((checked, published), (37, 2));
}

#[test]
fn many_threads_agree_with_one() {
    let Some((root, _)) = cases() else { return };
    let clip = load(&root.join("plcmos/clean.wav")).unwrap().signal;
    let parts: Vec<Pcm> = (0..4).map(|k| clip.slice(k * 20_000, 40_000)).collect();
    let all = |part: &Pcm| ["plcmos-zero", "dnsmos-ovrl", "dnsmos-sig"].map(|id| score(id, part));
    let alone: Vec<[f64; 3]> = parts.iter().map(all).collect();
    let together: Vec<[f64; 3]> = std::thread::scope(|s| {
        let threads: Vec<_> = parts.iter().map(|part| s.spawn(move || all(part))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(alone, together);
}

#[test]
fn more_loss_scores_lower() {
    let Some((root, _)) = cases() else { return };
    let clean = load(&root.join("plcmos/clean.wav")).unwrap().signal;
    let with_loss = |percent: f64| {
        let mut samples = clean.samples.clone();
        for (k, frame) in samples.chunks_mut(320).enumerate() {
            if Seed(3).draw_unit("loss", &[k as u64]) < percent / 100.0 {
                frame.fill(0);
            }
        }
        Pcm { format: PcmFormat::mono(16_000), samples }
    };
    let scores = [0.0, 3.0, 10.0, 30.0].map(|percent| score("plcmos-zero", &with_loss(percent)));
    assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
}

#[test]
fn growing_noise_lowers_the_background_and_the_whole() {
    let Some((root, _)) = cases() else { return };
    let clean = load(&root.join("plcmos/clean.wav")).unwrap().signal;
    let with_noise = |deviation: f64| {
        let mut rng = Seed(8).stream("noise");
        let noisy = |s: &i16| (f64::from(*s) + deviation * rng.normal()).round().clamp(-32_768.0, 32_767.0) as i16;
        Pcm { format: clean.format, samples: clean.samples.iter().map(noisy).collect() }
    };
    for id in ["dnsmos-bak", "dnsmos-ovrl"] {
        let scores = [0.0, 100.0, 400.0, 1600.0].map(|deviation| score(id, &with_noise(deviation)));
        assert!(scores.is_sorted_by(|a, b| a > b), "{id}: {scores:?}");
    }
}

#[test]
fn every_signal_gives_a_score_or_a_reason() {
    let Some((root, _)) = cases() else { return };
    let clean = load(&root.join("plcmos/clean.wav")).unwrap().signal;
    let text = |id: &str, degraded: &Pcm| {
        (audio(id).unwrap().score)(&Evidence::files(&*clean, degraded)).unwrap_err().to_string()
    };
    let second = clean.slice(16_000, 16_000);
    let click = Pcm { samples: (0..16_000).map(|k| if k == 8000 { 30_000 } else { 0 }).collect(), ..second.clone() };
    let clipped = Pcm { samples: vec![i16::MIN; 16_000], ..second.clone() };
    // One signal is enough for DNSMOS, which repeats a second until it has seven windows.
    for odd in [&second, &clipped, &second.with_channels(2)] {
        assert!(score("plcmos-zero", odd).is_finite());
    }
    for id in ["plcmos-zero", "dnsmos-sig"] {
        assert_eq!(text(id, &Pcm::silence(clean.format, 32_000)), format!("{id}: the degraded signal is silent"));
        assert_eq!(text(id, &clean.slice(16_000, 1_600)), format!("{id}: the degraded signal is shorter than 1 s"));
        assert!(text(id, &clean.slice(0, 0)).starts_with(id));
        assert!(score(id, &click).is_finite());
    }
}
