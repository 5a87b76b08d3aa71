//! `codecbench selftest`: is this build to be trusted? Scores of synthesised clips, packets, losses, delays and statistics
//! against committed values, and the reference vectors where CODECBENCH_VECTORS names their folder.
//!
//! The committed values hold on every machine: what is integer arithmetic is compared to the bit, what libopus and FFTs
//! compute in floating point has a tolerance that is far below anything that matters. A new metric joins by one line in
//! `SCORES`, and by one in `VECTORS` if it has vectors.

mod check;
mod films;

use super::output::{print, print_json, table};
use super::score;
use crate::codec::{self, Request};
use crate::error::{Error, Result};
use crate::media::{self, PcmFormat, synth};
use crate::metric;
use crate::plan::{Plan, Scores, Setting};
use crate::playout::audio::Receiver;
use crate::stats::bd::{self, Method, Point};
use crate::stats::{detectable, holm, paired, summary};
use crate::units::{Seed, Time};
use crate::{call, latency};
use check::{Check, Expected};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
CODECBENCH_VECTORS=DIR adds the reference vectors in DIR: each metric of this build against the
independent tool that made them. The exit code is 1 if anything is out of tolerance.")]
pub struct Args {
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Prints the table; the exit code.
///
/// # Errors
/// The vectors cannot be read, or stdout cannot take it.
pub fn run(args: &Args) -> Result<u8> {
    let mut checks = built_in();
    match std::env::var_os("CODECBENCH_VECTORS") {
        Some(folder) => checks.extend(vectors(Path::new(&folder))?),
        None => eprintln!("note: CODECBENCH_VECTORS is not set: no reference vectors are scored"),
    }
    let failed = checks.iter().filter(|c| !c.ok()).count();
    if args.json {
        let rows: Vec<Value> = checks.iter().map(Check::json).collect();
        print_json(&json!({ "schema": 1, "checks": rows, "failed": failed }))?;
    } else {
        let head = ["check", "expected", "got", "tolerance", "ok"].map(String::from).to_vec();
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(checks.iter().map(Check::row)).collect();
        print(&table(&rows))?;
        print(&format!("{} of {} checks hold\n", checks.len() - failed, checks.len()))?;
    }
    Ok(u8::from(failed > 0))
}

/// Scores of synth-voice-1 through [`CALL`], as this version first gave them: they tell that a build differs, the vectors
/// that a metric is right. (metric or fact, expected, tolerance)
const SCORES: &[(&str, f64, f64)] = &[
    ("pesq-wb", 2.095_822, 0.005),
    ("pesq-wb-c2", 2.670_610, 0.005),
    ("pesq-nb", 2.658_711, 0.005),
    ("si-sdr", 10.916_053, 0.01),
    ("mouth-to-ear", 120.0, 0.05),
    ("payload-bitrate", 64.0, 1e-9),
    ("network-loss", 5.5, 1e-9),
    ("mouth-to-ear-clock", 120.0, 0.01),
];
/// G.711 is integers all through, and so are loss and delay: the same samples are heard everywhere.
const CALL: (&str, &str) = ("PCMU", "delay 40ms loss gemodel 3% 25%");

/// Packets of half a second of a clip of integers. (codec, BLAKE3 of its packets)
const PACKETS: &[(&str, &str)] = &[
    ("L16", "f08b2d2de7f3147d"),
    ("PCMU", "3fcc92fc05217b05"),
    ("PCMA", "a52b6468a0b710a4"),
    ("G722", "c92f92a3a25c7eda"),
];

/// Frame and look-ahead in ms. (codec, expected)
const DELAYS: &[(&str, f64)] = &[("opus", 26.5), ("G722", 21.375), ("PCMU", 20.0)];

fn built_in() -> Vec<Check> {
    let mut checks = Vec::new();
    let heard = scores(CALL.0, CALL.1);
    for (id, expected, tolerance) in SCORES {
        let got = heard.as_ref().map_err(again).and_then(|s| value(s, id));
        checks.push(Check::number(format!("{id} of {} over '{}'", CALL.0, CALL.1), *expected, *tolerance, got));
    }
    // Opus computes in floating point and may choose differently now and then.
    let opus = scores("opus", "clean").and_then(|s| value(&s, "payload-bitrate"));
    checks.push(Check::number("payload-bitrate of opus over 'clean'", 24.2, 0.5, opus));
    for (codec, expected) in PACKETS {
        let got = packets(codec).map(Expected::Text).map_err(|e| e.to_string());
        checks.push(Check { name: format!("packets of {codec}"), expected: Expected::Text((*expected).into()), got });
    }
    for (name, expected) in DELAYS {
        let measured = codec::audio(name)
            .and_then(|codec| latency::measure(codec, &Request::default(), &PcmFormat::mono(48_000)))
            .map(|l| l.total_ms());
        checks.push(Check::number(format!("algorithmic delay of {name}"), *expected, 0.1, measured));
    }
    checks.extend(films::scores());
    checks.extend(bd_rates());
    checks.extend(statistics());
    checks
}

/// An error told a second time.
fn again(e: &Error) -> Error {
    Error::usage(e.to_string())
}

fn value(scores: &Scores, id: &str) -> Result<f64> {
    let why = || scores.unscored.get(id).map_or("this build has no such metric", String::as_str);
    scores.values.get(id).copied().ok_or_else(|| Error::usage(why()))
}

fn scores(codec: &str, net: &str) -> Result<Scores> {
    let plan = Plan {
        transport: crate::peer::Transport::default(),
        left_out: Vec::new(),
        name: "selftest".into(),
        clips: vec![Arc::new(synth::ALL[0].clip())],
        settings: vec![Setting::new("A", codec::audio(codec)?, Request::default())],
        receivers: vec![Receiver::default()],
        networks: vec![net.parse()?],
        seeds: vec![Seed(1)],
        warm_up: Duration::from_secs(2),
        metrics: metric::AUDIO.iter().copied().filter(|m| SCORES.iter().any(|(id, ..)| *id == m.scale.id)).collect(),
    };
    let case = plan.case(0).ok_or_else(|| Error::usage("no case"))?;
    call::run(&case).map(|call| call.scores)
}

fn packets(name: &str) -> Result<String> {
    let codec = codec::audio(name)?;
    let clip = synth::ALL[0].clip();
    let settings = (codec.configure)(&Request::default(), &PcmFormat::mono(16_000))?;
    let frame = settings.format.samples(settings.frame);
    // Its samples as they are, at whatever rate the codec takes them: resampling is floating point.
    let pcm = media::Pcm { format: settings.format, samples: clip.signal.samples.clone() };
    let (mut encoder, mut units) = (settings.encoder()?, Vec::new());
    for k in 0..25 {
        encoder.encode(Time::ZERO + settings.frame * k, &pcm.slice(48_000 + k as usize * frame, frame), &mut units)?;
    }
    let mut hasher = blake3::Hasher::new();
    units.iter().for_each(|u| {
        hasher.update(&u.data);
    });
    Ok(format!("{:.16}", hasher.finalize().to_hex()))
}

/// The published example (PSNR over kbit/s) with the values of an independent implementation.
fn bd_rates() -> Vec<Check> {
    let points = |rates: [f64; 4], qualities: [f64; 4]| -> Vec<Point> {
        rates.iter().zip(qualities).map(|(rate, quality)| Point { rate: *rate, quality }).collect()
    };
    let anchor = points([9487.76, 4593.60, 2486.44, 1358.24], [40.037, 38.615, 36.845, 34.851]);
    let test = points([9787.80, 4469.00, 2451.52, 1356.24], [40.121, 38.651, 36.970, 34.987]);
    [
        (Method::Pchip, -4.417_485, 0.119_693),
        (Method::Akima, -4.425_245, 0.119_409),
        (Method::Cubic, -4.420_463, 0.120_409),
    ]
    .into_iter()
    .flat_map(|(method, rate, quality)| {
        [
            Check::number(format!("BD-rate in %, {method:?}"), rate, 1e-4, bd::rate(&anchor, &test, method)),
            Check::number(format!("BD-quality in dB, {method:?}"), quality, 1e-5, bd::quality(&anchor, &test, method)),
        ]
    })
    .collect()
}

/// Student's sleep data (Biometrika 1908), the ten differences.
const SLEEP: [f64; 10] = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];

/// Expected values from scipy 1.17.1: `t.interval`, `bootstrap` (BCa, 200,000 resamples), `ttest_1samp`, `nct`.
fn statistics() -> Vec<Check> {
    let clips: Vec<Vec<f64>> = SLEEP.iter().map(|v| vec![*v]).collect();
    let forty: Vec<Vec<f64>> = (0..40).map(|k| vec![SLEEP[k % 10] + 0.1 * (k / 10) as f64]).collect();
    let low = |clips: &[Vec<f64>]| {
        let interval = summary(clips).and_then(|s| s.interval);
        interval.map(|i| i.low).ok_or_else(|| Error::usage("no interval"))
    };
    let entries = |f: fn(f64) -> f64| SLEEP.iter().enumerate().map(|(k, v)| ((k, 1), Some(f(*v)))).collect();
    let compared = paired(&entries(|_| 0.0), &entries(|v| v));
    let p = |of: fn(&crate::stats::Paired) -> f64| compared.as_ref().map(of).ok_or_else(|| Error::usage("no pairs"));
    vec![
        Check::number("Student's interval of ten, lower end", 0.700_114_2, 1e-6, low(&clips)),
        Check::number("BCa interval of forty, lower end", 1.42, 0.03, low(&forty)),
        Check::number("p of the t-test of ten", 0.002_832_89, 1e-7, p(|c| c.p_value)),
        Check::number("p of the sign flips of ten", 2.0 / 512.0, 1e-12, p(|c| c.sign_flip)),
        Check::number("Holm's p, the second of four", 0.06, 1e-12, Ok(holm(&[0.01, 0.04, 0.03, 0.005])[1])),
        Check::number("detectable with 12 clips, in deviations", 0.990_316, 1e-3, Ok(detectable(12, 1))),
    ]
}

/// Where a metric's expected values stand in `FOLDER/cases.json`: its cases with that mode (all of them without one), under
/// that JSON pointer. A case without a reference file is scored against itself.
struct Vectors {
    folder: &'static str,
    mode: Option<&'static str>,
    pointer: &'static str,
    metric: &'static str,
}

const fn of(folder: &'static str, mode: Option<&'static str>, pointer: &'static str, metric: &'static str) -> Vectors {
    Vectors { folder, mode, pointer, metric }
}

/// Those of metrics that this build does not have are passed over.
static VECTORS: &[Vectors] = &[
    of("pesq", Some("wb"), "/expected_p862_2", "pesq-wb"),
    of("pesq", Some("wb"), "/expected_c2", "pesq-wb-c2"),
    of("pesq", Some("nb"), "/expected_p862_1", "pesq-nb"),
    of("stoi", None, "/expected_stoi", "stoi"),
    of("stoi", None, "/expected_estoi", "estoi"),
    of("visqol", Some("audio"), "/expected", "visqol-audio"),
    of("visqol", Some("speech-exp"), "/expected", "visqol-speech"),
    of("visqol", Some("speech-exp-unscaled"), "/expected", "visqol-speech-unscaled"),
    of("visqol", Some("speech-lattice"), "/expected", "visqol-speech-lattice"),
    of("plcmos", None, "/expected_zero_embed", "plcmos-zero"),
    of("plcmos", None, "/dnsmos/sig", "dnsmos-sig"),
    of("plcmos", None, "/dnsmos/bak", "dnsmos-bak"),
    of("plcmos", None, "/dnsmos/ovrl", "dnsmos-ovrl"),
    of("vmaf", None, "/expected_mean/vmaf", "vmaf"),
    of("vmaf", None, "/expected_mean/psnr_y", "psnr-y"),
    of("vmaf", None, "/expected_mean/ssim", "ssim"),
    of("vmaf", None, "/expected_mean/ms_ssim", "ms-ssim"),
];

fn vectors(folder: &Path) -> Result<Vec<Check>> {
    let mut checks = Vec::new();
    for v in VECTORS {
        let path = folder.join(v.folder).join("cases.json");
        let text = std::fs::read_to_string(&path).map_err(|e| Error::input(&path, e))?;
        let all: Value = serde_json::from_str(&text).map_err(|e| Error::input(&path, e))?;
        let cases = all.get("cases").unwrap_or(&all).as_array();
        for case in cases.ok_or_else(|| Error::input(&path, "it holds no list of cases"))? {
            let file = |key: &str| case[key].as_str().map(|name| folder.join(name));
            // One for all, or one for each metric.
            let tolerance = match &case["tolerance"] {
                Value::Object(each) => v.pointer.rsplit('/').next().and_then(|name| each.get(name)?.as_f64()),
                one => one.as_f64(),
            };
            let numbers = (case.pointer(v.pointer).and_then(Value::as_f64), tolerance);
            let ((Some(expected), Some(tolerance)), Some(degraded)) = (numbers, file("degraded")) else { continue };
            if v.mode.is_some_and(|mode| case["mode"] != mode) {
                continue;
            }
            let reference = file("reference").unwrap_or_else(|| degraded.clone());
            let row = match (metric::audio(v.metric), metric::video(v.metric)) {
                (Ok(metric), _) => {
                    score::row_of_sounds(metric, &media::load(&reference)?, &media::load(&degraded)?, false)
                }
                (_, Ok(metric)) => films::row(metric, &reference, &degraded)?,
                _ => continue,
            };
            let got = row.value.ok_or_else(|| Error::usage(row.error.unwrap_or_default()));
            let name = case["degraded"].as_str().unwrap_or_default();
            checks.push(Check::number(format!("{} of {name}", v.metric), expected, tolerance, got));
        }
    }
    Ok(checks)
}
