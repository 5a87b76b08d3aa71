//! Every metric of the list against what any metric must do, and those with vectors against independent tools.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::error::Result;
use codecbench::media::{Pcm, PcmFormat, resample::resample};
use codecbench::metric::audio::delay;
use codecbench::metric::{AUDIO, Better, Evidence, Metric, Value, audio};
use codecbench::units::Seed;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// Syllables of a gliding voice with pauses between them, and some breath: enough for PESQ to find utterances.
fn voice(format: PcmFormat, seconds: f64) -> Pcm {
    let rate = f64::from(format.sample_rate);
    let mut rng = Seed(11).stream("voice");
    let (mut phase, mut breath) = (0.0, 0.0);
    let sample = |n: usize| {
        let t = n as f64 / rate;
        let pitch = 120.0 + 30.0 * (1.9 * t).sin() + 11.0 * (7.3 * t).sin();
        phase += std::f64::consts::TAU * pitch / rate;
        breath += 0.3 * (rng.normal() - breath);
        let syllable = (std::f64::consts::PI * (t * 3.1).fract()).sin().powi(2);
        let speaks = if (t * 0.8).fract() < 0.75 { 1.0 } else { 0.002 };
        let formant = 700.0 + 500.0 * (2.3 * t).sin();
        let harmonic = |k: usize| (-((k as f64 * pitch - formant) / 600.0).powi(2)).exp() + 0.3 / k as f64;
        let voiced: f64 = (1..25).map(|k| harmonic(k) * (k as f64 * phase).sin()).sum();
        ((voiced * 2500.0 + breath * 400.0) * syllable * speaks).clamp(-32_000.0, 32_000.0) as i16
    };
    let mono: Vec<i16> = (0..(seconds * rate) as usize).map(sample).collect();
    Pcm { format: PcmFormat::mono(format.sample_rate), samples: mono }.with_channels(format.channels)
}

fn with_noise(pcm: &Pcm, deviation: f64, seed: u64) -> Pcm {
    let mut rng = Seed(seed).stream("noise");
    let noisy = |s: &i16| (f64::from(*s) + deviation * rng.normal()).round().clamp(-32_768.0, 32_767.0) as i16;
    Pcm { format: pcm.format, samples: pcm.samples.iter().map(noisy).collect() }
}

/// `ms` of silence, then the signal.
fn late(signal: &Pcm, ms: usize) -> Pcm {
    let mut late = Pcm::silence(signal.format, signal.format.sample_rate as usize * ms / 1000);
    late.samples.extend_from_slice(&signal.samples);
    late
}

fn score(metric: &Metric<Pcm>, reference: &Pcm, degraded: &Pcm) -> Result<Value> {
    (metric.score)(&Evidence::files(reference, degraded))
}

/// Those that compare two files. `tests/it/neural.rs` and `tests/it/emodel.rs` have the others.
fn intrusive() -> impl Iterator<Item = &'static Metric<Pcm>> {
    AUDIO.iter().copied().filter(|m| m.validity.intrusive)
}

/// The formats that clips come in.
const FORMATS: [PcmFormat; 4] = [
    PcmFormat { sample_rate: 48_000, channels: 2 },
    PcmFormat::mono(44_100),
    PcmFormat::mono(16_000),
    PcmFormat::mono(8_000),
];

#[test]
fn a_signal_against_itself_scores_the_best_there_is() {
    for format in FORMATS {
        let signal = voice(format, 4.0);
        for metric in intrusive() {
            let value = score(metric, &signal, &signal).unwrap().value;
            match metric.scale.cap {
                Some(cap) => assert!((value - cap).abs() < 1e-9, "{} at {format:?}: {value}", metric.scale.id),
                None => assert!(value.abs() < 0.01, "{} at {format:?}: {value}", metric.scale.id),
            }
        }
    }
}

#[test]
fn growing_noise_lowers_every_quality_and_moves_no_delay() {
    let signal = voice(PcmFormat::mono(16_000), 4.0);
    for metric in intrusive() {
        let mut last = score(metric, &signal, &signal).unwrap().value;
        for deviation in [30.0, 200.0, 1200.0] {
            let value = score(metric, &signal, &with_noise(&signal, deviation, 5)).unwrap().value;
            match (metric.scale.better, metric.scale.cap) {
                (Better::Higher, _) => assert!(value < last, "{}: {value} after {last}", metric.scale.id),
                (Better::Lower, Some(_)) => assert!(value > last, "{}: {value} after {last}", metric.scale.id),
                _ => assert!(value.abs() < 0.1, "{}: {value}", metric.scale.id),
            }
            last = value;
        }
    }
}

#[test]
fn growing_loss_lowers_every_quality_and_moves_no_delay() {
    let signal = voice(PcmFormat::mono(16_000), 6.0);
    let with_loss = |share: f64| {
        let mut lost = signal.clone();
        for (k, frame) in lost.samples.chunks_mut(320).enumerate() {
            // The frames lost at a small share are lost at a larger one too.
            if Seed(2).draw_unit("loss", &[k as u64]) < share {
                frame.fill(0);
            }
        }
        lost
    };
    for metric in intrusive() {
        let scores = [0.0, 0.02, 0.1, 0.3].map(|share| score(metric, &signal, &with_loss(share)).unwrap().value);
        match (metric.scale.better, metric.scale.cap) {
            (Better::Higher, _) => assert!(scores.is_sorted_by(|a, b| a > b), "{}: {scores:?}", metric.scale.id),
            (Better::Lower, Some(_)) => assert!(scores.is_sorted_by(|a, b| a < b), "{}: {scores:?}", metric.scale.id),
            _ => assert!(scores.iter().all(|s| s.abs() < 0.1), "{}: {scores:?}", metric.scale.id),
        }
    }
}

/// PESQ brings both signals to one level (P.862, section 10.1.2), STOI and SI-SDR divide by it; the log-spectral distance
/// counts it above its floor. Polarity is inaudible, and none but the delay's correlation may mind it.
#[test]
fn level_and_polarity_count_as_the_definitions_say() {
    let signal = voice(PcmFormat::mono(16_000), 5.0);
    let changed =
        |f: fn(i16) -> i16| Pcm { format: signal.format, samples: signal.samples.iter().map(|s| f(*s)).collect() };
    let (soft, inverted) = (changed(|s| s / 4), changed(|s| s.saturating_neg()));
    for metric in intrusive() {
        let id = metric.scale.id;
        let value = |degraded| score(metric, &signal, degraded).unwrap().value;
        let (soft, inverted) = (value(&soft), value(&inverted));
        println!("{id}: a quarter {soft:.4}, inverted {inverted:.4}");
        match id {
            // What lies under the floor of the distance does not move by the whole 12 dB.
            "lsd" => assert!((2.0..12.05).contains(&soft) && inverted.abs() < 1e-6),
            "si-sdr" => assert!(soft > 50.0 && inverted == 100.0),
            "mouth-to-ear" => assert!(soft.abs() < 0.1),
            _ => {
                let cap = metric.scale.cap.unwrap();
                assert!(cap - soft < 0.05 * cap && cap - inverted < 0.05 * cap);
            }
        }
    }
}

#[test]
fn what_cannot_be_scored_is_an_error_with_a_reason_and_never_nan() {
    for format in FORMATS {
        let rate = format.sample_rate as usize;
        let signal = voice(format, 3.0);
        let silence = Pcm::silence(format, signal.len());
        let with = |samples: Vec<i16>| Pcm { format, samples };
        let offset = with(vec![500; signal.samples.len()]);
        let clipped = with(vec![i16::MIN; signal.samples.len()]);
        let mut click = silence.clone();
        click.samples[rate] = 30_000;
        let mut whisper = silence.clone();
        whisper.samples[rate / 2..rate].fill(1);
        let short = signal.slice(rate, rate / 10);
        let one = signal.slice(rate, 1);
        let none = signal.slice(rate, 0);
        let unlike = with_noise(&silence, 3000.0, 9);
        let odd = [silence, offset, clipped, click, whisper, short, one, none, unlike];
        for metric in intrusive() {
            let id = metric.scale.id;
            for (k, other) in odd.iter().enumerate() {
                for (reference, degraded) in [(&signal, other), (other, &signal), (other, other)] {
                    match score(metric, reference, degraded) {
                        Ok(value) => {
                            assert!(value.value.is_finite(), "{id}, signal {k}");
                            assert!(value.series.iter().flat_map(|s| &s.values).all(|v| v.is_finite()));
                        }
                        Err(error) => assert!(error.to_string().starts_with(&format!("{id}: ")), "{error}"),
                    }
                }
            }
            let text = |reference, degraded| score(metric, reference, degraded).unwrap_err().to_string();
            assert!(text(&signal, &odd[0]).contains("the degraded signal is silent"));
            assert!(text(&odd[0], &signal).contains("the reference signal is silent"));
        }
    }
}

#[test]
fn files_of_different_lengths_are_scored_as_they_are() {
    let signal = voice(PcmFormat::mono(16_000), 5.0);
    for degraded in [signal.slice(0, 16_000 * 19 / 4), signal.slice(0, 16_000 * 6), late(&signal, 80)] {
        // These take files as they are, so that a delay is a fault to them.
        let compared = ["stoi", "estoi", "si-sdr"];
        let aligned = |m: &&Metric<Pcm>| m.scale.better == Better::Higher && !compared.contains(&m.scale.id);
        for metric in intrusive().filter(aligned) {
            let value = score(metric, &signal, &degraded).unwrap().value;
            assert!(value > 3.5, "{}: {value}", metric.scale.id);
        }
        assert!(delay::track(&signal, &degraded).unwrap().unmatched < 0.15);
    }
}

#[test]
fn scales_are_complete_and_ids_are_found() {
    for metric in AUDIO {
        let scale = &metric.scale;
        assert!(std::ptr::eq(*metric, audio(scale.id).unwrap()));
        assert!(scale.margin > 0.0 && !scale.source.is_empty() && !scale.unit.is_empty());
        assert!(!scale.source.contains("  ") && !(metric.version)().is_empty());
    }
    assert!(audio("pesq-bw").err().unwrap().to_string().contains("did you mean 'pesq-wb'?"));
}

#[test]
fn the_delay_that_the_call_removed_is_added_again() {
    let signal = voice(PcmFormat::mono(8_000), 3.0);
    let metric = audio("mouth-to-ear").unwrap();
    let late = late(&signal, 30);
    let evidence = Evidence { removed_delay_ms: 66.5, ..Evidence::files(&signal, &late) };
    let value = (metric.score)(&evidence).unwrap();
    assert!((value.value - 96.5).abs() < 0.01, "{}", value.value);
    let series = value.series.unwrap();
    assert_eq!((series.step_ms, series.values.len()), (40.0, (3000 - 480) / 40 + 1));
    assert!(series.values.iter().all(|v| (v - 96.5).abs() < 0.1));
}

#[test]
fn delays_are_found_over_the_whole_range_either_way() {
    let signal = voice(PcmFormat::mono(8_000), 6.0);
    for ms in [7, 499, 1990] {
        let found = delay::track(&signal, &late(&signal, ms)).unwrap().median_ms;
        assert!((found - ms as f64).abs() < 0.05, "{ms} ms: {found}");
        let found = delay::track(&late(&signal, ms), &signal).unwrap().median_ms;
        assert!((found + ms as f64).abs() < 0.05, "-{ms} ms: {found}");
    }
    // A jump by nearly the whole range that a window searches.
    let mut jump = signal.slice(0, 8 * 4000);
    jump.samples.extend(late(&signal.slice(8 * 4000, 8 * 2000), 495).samples);
    let track = delay::track(&signal, &jump).unwrap();
    assert!(track.median_ms.abs() < 0.05 && (track.p95_ms - 495.0).abs() < 0.05, "{track:?}");
}

#[test]
fn a_skewed_clock_is_a_drift() {
    let signal = voice(PcmFormat::mono(16_000), 8.0);
    for (rate, ppm) in [(16_008, 500.0), (15_992, -500.0)] {
        let played = Pcm { format: signal.format, ..resample(&signal, rate).unwrap() };
        let track = delay::track(&signal, &played).unwrap();
        let found = track.drift_ppm.unwrap();
        assert!((found - ppm).abs() < 15.0 && track.steps.is_empty(), "{ppm} ppm: {found}, {:?}", track.steps);
    }
}

#[test]
fn pesq_meets_the_reference_programs() {
    let Some(root) = vectors() else { return };
    let mut checked = 0;
    for case in json(&root.join("pesq/cases.json")).as_array().unwrap() {
        let (reference, degraded) = pair(&root, case);
        for (id, key) in [("pesq-wb", "expected_p862_2"), ("pesq-wb-c2", "expected_c2"), ("pesq-nb", "expected_p862_1")]
        {
            let Some(expected) = case[key].as_f64() else { continue };
            let value = score(audio(id).unwrap(), &reference, &degraded).unwrap().value;
            println!("{id} {}: {value:.6}, {:+.6}", case["degraded"], value - expected);
            assert!((value - expected).abs() <= case["tolerance"].as_f64().unwrap(), "{id} {case}");
            checked += 1;
        }
    }
    assert_eq!(checked, 16);
}

#[test]
fn delay_tracks_meet_their_construction() {
    let Some(root) = vectors() else { return };
    for case in json(&root.join("delay/cases.json")).as_array().unwrap() {
        let (reference, degraded) = pair(&root, case);
        let track = delay::track(&reference, &degraded).unwrap();
        let tolerance = case["tolerance_ms"].as_f64().unwrap();
        let (mut inside, mut worst) = (0, 0.0_f64);
        for segment in case["segments"].as_array().unwrap() {
            let number = |key: &str| segment[key].as_f64().unwrap();
            let (from, to, truth) = (number("ref_start_s") * 1e3, number("ref_end_s") * 1e3, number("delay_ms"));
            for (k, found) in track.delays_ms.iter().enumerate() {
                let start = k as f64 * track.step_ms;
                let (Some(found), true) = (found, start >= from && start + track.window_ms <= to) else { continue };
                inside += 1;
                worst = worst.max((found - truth).abs());
                assert!((found - truth).abs() <= tolerance, "{} at {start} ms: {found}, not {truth}", case["degraded"]);
            }
        }
        println!(
            "{}: {inside} windows, worst {worst:.4} ms, median {:.4}, p95 {:.4}, unmatched {:.3}, confidence {:.3}",
            case["degraded"], track.median_ms, track.p95_ms, track.unmatched, track.confidence
        );
        let steps = case["steps"].as_array().map_or(&[][..], Vec::as_slice);
        assert_eq!(track.steps.len(), steps.len(), "{}: {:?}", case["degraded"], track.steps);
        for (found, truth) in track.steps.iter().zip(steps) {
            assert!(
                (found.by_ms - truth["step_ms"].as_f64().unwrap()).abs() <= 2.0 * tolerance,
                "{found:?}, not {truth}"
            );
            // A window that spans the step may go with either side.
            assert!(
                (found.at_ms - truth["ref_time_s"].as_f64().unwrap() * 1e3).abs() <= track.window_ms,
                "{found:?}, not {truth}"
            );
        }
        assert!(track.drift_ppm.unwrap().abs() < 30.0, "no clock is skewed here: {:?}", track.drift_ppm);
        println!("  steps {:?}, drift {:.2} ppm", track.steps, track.drift_ppm.unwrap());
        assert!(inside > 50 && track.unmatched < 0.1 && track.confidence > 0.6);
    }
}

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from);
    if root.is_none() {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with the reference programs");
    }
    root
}

fn json(path: &Path) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn pair(root: &Path, case: &Json) -> (Pcm, Pcm) {
    let read = |key: &str| {
        let mut reader = hound::WavReader::open(root.join(case[key].as_str().unwrap())).unwrap();
        let spec = reader.spec();
        let format = PcmFormat { sample_rate: spec.sample_rate, channels: spec.channels as u8 };
        Pcm { format, samples: reader.samples::<i16>().map(Result::unwrap).collect() }
    };
    (read("reference"), read("degraded"))
}
