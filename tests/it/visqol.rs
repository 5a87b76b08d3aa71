//! ViSQOL against the published conformance constants and the vectors of a second implementation.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat, wav};
use codecbench::metric::audio::visqol::{AUDIO, SPEECH, SPEECH_UNSCALED};
use codecbench::metric::{Evidence, Metric};
use codecbench::model;
use codecbench::units::Seed;
use std::path::PathBuf;

fn score(metric: &Metric<Pcm>, reference: &Pcm, degraded: &Pcm) -> f64 {
    (metric.score)(&Evidence::files(reference, degraded)).unwrap().value
}

/// Says so when the model of audio mode was not fetched.
fn all() -> Vec<&'static Metric<Pcm>> {
    match model::read("visqol-svr.txt") {
        Ok(_) => vec![&AUDIO, &SPEECH, &SPEECH_UNSCALED],
        Err(error) => {
            eprintln!("SKIPPED: visqol-audio: {error}");
            vec![&SPEECH, &SPEECH_UNSCALED]
        }
    }
}

#[test]
fn scores_equal_the_published_constants_and_the_second_implementation() {
    let Some(root) = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from) else {
        eprintln!("SKIPPED: CODECBENCH_VECTORS is not set");
        return;
    };
    let cases: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("visqol/cases.json")).unwrap()).unwrap();
    let metrics = all();
    let (mut checked, mut worst) = (0, 0.0f64);
    for case in cases.as_array().unwrap() {
        let id = match case["mode"].as_str().unwrap() {
            "audio" => "visqol-audio",
            "speech-exp" => "visqol-speech",
            "speech-exp-unscaled" => "visqol-speech-unscaled",
            // Not offered; the exponential score of the same pair is checked by its own case.
            "speech-lattice" => continue,
            other => panic!("unknown mode {other}"),
        };
        let Some(metric) = metrics.iter().find(|m| m.scale.id == id) else { continue };
        let read = |key: &str| wav::read(&root.join(case[key].as_str().unwrap())).unwrap().pcm;
        let expected = case["expected"].as_f64().unwrap();
        let off = (score(metric, &read("reference"), &read("degraded")) - expected).abs();
        assert!(off < 1e-5, "{id} of {}: off by {off}", case["degraded"]);
        (checked, worst) = (checked + 1, worst.max(off));
    }
    assert!(checked >= 6 && (metrics.len() < 3 || checked >= 16), "{checked} cases");
    eprintln!("{checked} cases, worst difference {worst:.1e}");
}

#[test]
fn the_lattice_mapping_is_refused_by_name_and_the_model_is_the_one_of_the_version() {
    let error = codecbench::metric::audio("visqol-speech-lattice").err().unwrap();
    assert!(error.exit_code() == 2 && error.to_string().contains("never approximated"), "{error}");
    let svr = model::packages().iter().flat_map(|p| &p.files).find(|f| f.name == "visqol-svr.txt").unwrap();
    assert!((AUDIO.version)().contains(&svr.sha256[..8]));
}

/// Bursts of coloured noise with pauses.
fn bursts(rate: u32, seconds: u32) -> Pcm {
    let mut rng = Seed(3).stream("bursts");
    let mut state = 0.0;
    let samples = (0..seconds * rate).map(|n| {
        state += 0.2 * (rng.normal() - state);
        let loud = if n % (rate / 2) < rate * 3 / 8 { 9000.0 } else { 9.0 };
        (state * loud) as i16
    });
    Pcm { format: PcmFormat::mono(rate), samples: samples.collect() }
}

fn with_noise(pcm: &Pcm, deviation: f64) -> Pcm {
    let mut rng = Seed(4).stream("noise");
    let noisy = |s: &i16| (f64::from(*s) + deviation * rng.normal()).clamp(-32_768.0, 32_767.0) as i16;
    Pcm { format: pcm.format, samples: pcm.samples.iter().map(noisy).collect() }
}

#[test]
fn a_signal_itself_scores_the_cap_and_growing_noise_lowers_it() {
    for rate in [16_000, 48_000] {
        let signal = bursts(rate, 3);
        for metric in all() {
            let mut last = score(metric, &signal, &signal);
            assert_eq!(Some(last), metric.scale.cap, "{} at {rate} Hz", metric.scale.id);
            for deviation in [10.0, 60.0, 300.0, 1500.0] {
                let value = score(metric, &signal, &with_noise(&signal, deviation));
                assert!(value < last, "{} at {rate} Hz, noise {deviation}: {value} after {last}", metric.scale.id);
                last = value;
            }
        }
    }
}

#[test]
fn level_and_delay_do_not_matter_and_two_runs_are_equal() {
    let signal = bursts(16_000, 4);
    let degraded = with_noise(&signal, 100.0);
    let half = Pcm { samples: degraded.samples.iter().map(|s| s / 2).collect(), ..degraded.clone() };
    let mut late = Pcm::silence(signal.format, 16_000 * 83 / 1000);
    late.samples.extend(&degraded.samples);
    for metric in all() {
        let value = score(metric, &signal, &degraded);
        assert_eq!(value, score(metric, &signal, &degraded));
        for (what, other) in [("half as loud", &half), ("83 ms late", &late)] {
            let other = score(metric, &signal, other);
            assert!((other - value).abs() < 0.06, "{}, {what}: {other}, not {value}", metric.scale.id);
        }
    }
}

#[test]
fn what_cannot_be_scored_says_why() {
    let signal = bursts(16_000, 3);
    let text = |metric: &Metric<Pcm>, reference: &Pcm, degraded: &Pcm| {
        let evidence = Evidence::files(reference, degraded);
        (metric.score)(&evidence).err().map_or_else(String::new, |e| e.to_string())
    };
    let short = signal.slice(0, 1_600);
    let silence = Pcm::silence(signal.format, 48_000);
    for metric in all() {
        let id = metric.scale.id;
        let least = if id == "visqol-audio" { 960 } else { 660 };
        assert_eq!(text(metric, &short, &signal), format!("{id}: the reference is shorter than {least} ms"));
        assert_eq!(text(metric, &signal, &silence), format!("{id}: the degraded signal is silent"));
        assert_eq!(text(metric, &silence, &signal), format!("{id}: the reference signal is silent"));
        // A degraded signal that ends early costs patches and no error, down to where nothing is left.
        assert!(score(metric, &signal, &signal.slice(0, 24_000)).is_finite());
        assert!(!text(metric, &signal, &signal.slice(0, 1_000)).is_empty());
    }
    let thin = Pcm { format: PcmFormat::mono(4_000), samples: signal.samples.clone() };
    assert!(text(&SPEECH, &thin, &signal).contains("4000 Hz"));
}
