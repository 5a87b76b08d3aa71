//! Recorded calls of Chromium 156 into our adaptive receiver, packet by packet: what it decides against what getStats told.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::codec::Request;
use codecbench::media::resample::resample;
use codecbench::media::{Pcm, PcmFormat, load};
use codecbench::metric::{Evidence, audio};
use codecbench::playout::audio::{Counters, Played, Receiver};
use codecbench::replay::{self, Received};
use codecbench::units::from_ms;
use rayon::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One figure of a call.
struct Figure {
    name: &'static str,
    unit: &'static str,
    of: fn(&Counters) -> f64,
    /// Per sample emitted, not a count.
    is_mean: bool,
    /// Whether ours (first) is near enough to theirs.
    near: fn(f64, f64) -> bool,
    /// The share of the calls that must be near.
    share: f64,
}

const PER_MS: f64 = 48.0;

const FIGURES: [Figure; 7] = [
    Figure {
        name: "target delay",
        unit: "ms",
        of: |c| c.jitter_buffer_target_delay as f64,
        is_mean: true,
        near: |a, b| (a - b).abs() <= 10.0,
        share: 0.9,
    },
    Figure {
        name: "buffer delay",
        unit: "ms",
        of: |c| c.jitter_buffer_delay as f64,
        is_mean: true,
        near: |a, b| (a - b).abs() <= 12.0,
        share: 0.9,
    },
    Figure {
        name: "concealed",
        unit: "ms",
        of: |c| c.concealed_samples as f64 / PER_MS,
        is_mean: false,
        near: |a, b| (a - b).abs() <= (0.15 * b).max(60.0),
        share: 0.9,
    },
    Figure {
        name: "events",
        unit: "",
        of: |c| c.concealment_events as f64,
        is_mean: false,
        near: |a, b| (a - b).abs() <= (0.2 * b).max(1.0),
        share: 0.9,
    },
    // How often a period is put in after a merge hangs on a fraction of a ms of delay: the calls with many losses miss.
    Figure {
        name: "inserted",
        unit: "ms",
        of: |c| c.inserted_samples_for_deceleration as f64 / PER_MS,
        is_mean: false,
        near: |a, b| (a - b).abs() <= 30.0,
        share: 0.75,
    },
    Figure {
        name: "removed",
        unit: "ms",
        of: |c| c.removed_samples_for_acceleration as f64 / PER_MS,
        is_mean: false,
        near: |a, b| (a - b).abs() <= 30.0,
        share: 0.9,
    },
    Figure {
        name: "FEC packets",
        unit: "",
        of: |c| c.fec_packets_received as f64,
        is_mean: false,
        near: |a, b| (a - b).abs() <= (0.02 * b).max(1.0),
        share: 0.9,
    },
];

/// A recorded call.
struct Call {
    id: String,
    /// What the browser said, as its JSON has it.
    told: Value,
    packets: Vec<Received>,
    request: Request,
}

impl Call {
    /// The unencrypted calls with audio.
    fn all(folder: &Path) -> Vec<Call> {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(folder.join("calls")).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let id = |file: &PathBuf| file.file_stem().unwrap().to_str().unwrap().to_owned();
        let ids = files.iter().map(id).filter(|id| id.starts_with("a-") && !id.contains("srtp"));
        ids.map(|id| Call::read(folder, &id)).collect()
    }

    fn read(folder: &Path, id: &str) -> Call {
        let told = std::fs::read_to_string(folder.join(format!("calls/{id}.json"))).unwrap();
        let stereo = if id.contains("st128") { "stereo=1" } else { "" };
        Call {
            id: id.to_owned(),
            told: serde_json::from_str(&told).unwrap(),
            packets: replay::read(&folder.join(format!("packets/{id}.csv.gz"))).unwrap(),
            request: Request { fmtp: stereo.parse().unwrap(), ..Request::default() },
        }
    }

    /// When a report stood for what is compared, in ms: the first after second 5 and the last before the call was disturbed; and what
    /// they count.
    fn told_between(&self) -> ([f64; 2], [Counters; 2]) {
        let stats = &self.told["stats"];
        let names: Vec<&str> =
            stats["columns"]["inbound"].as_array().unwrap().iter().map(|n| n.as_str().unwrap()).collect();
        let times = stats["t_ms"].as_array().unwrap().iter().map(Value::as_f64);
        let rows = times.zip(stats["rows"]["inbound"].as_array().unwrap());
        let end = self.told["clock"]["stats_to_t_ms"].as_f64().unwrap_or(f64::INFINITY);
        let within: Vec<(f64, &Value)> =
            rows.filter_map(|(t, row)| Some((t?, row))).filter(|(t, _)| (5000.0..=end).contains(t)).collect();
        let counters = |row: &Value| {
            let cell = |name: &str| row[names.iter().position(|n| *n == name).unwrap()].as_f64().unwrap_or(0.0);
            // Seconds over samples are ms over samples here.
            let count = |name: &str| cell(name).round() as u64;
            let weighted = |name: &str| (cell(name) * 1000.0).round() as u64;
            Counters {
                concealed_samples: count("concealedSamples"),
                concealment_events: count("concealmentEvents"),
                inserted_samples_for_deceleration: count("insertedSamplesForDeceleration"),
                removed_samples_for_acceleration: count("removedSamplesForAcceleration"),
                jitter_buffer_emitted_count: count("jitterBufferEmittedCount"),
                jitter_buffer_delay: weighted("jitterBufferDelay"),
                jitter_buffer_target_delay: weighted("jitterBufferTargetDelay"),
                fec_packets_received: count("fecPacketsReceived"),
                ..Counters::default()
            }
        };
        let (first, last) = (within.first().unwrap(), within.last().unwrap());
        ([first.0, last.0], [counters(first.1), counters(last.1)])
    }

    fn played(&self, phase_ms: f64) -> Played {
        replay::play(&self.packets, &self.request, Receiver::ADAPTIVE, from_ms(phase_ms)).unwrap()
    }
}

/// The figures of what was counted between two moments.
fn figures([from, to]: [Counters; 2]) -> [f64; 7] {
    let emitted = to.jitter_buffer_emitted_count - from.jitter_buffer_emitted_count;
    FIGURES.map(|figure| {
        let gained = (figure.of)(&to) - (figure.of)(&from);
        if figure.is_mean { gained / emitted.max(1) as f64 } else { gained }
    })
}

fn counted(played: &Played, between: [f64; 2]) -> [Counters; 2] {
    between.map(|ms| played.ticks.iter().rfind(|tick| tick.at.as_ms() < ms).unwrap().counters)
}

/// When the browser's sound card pulled is not in the recording: the phase is fitted, one number per call.
fn fitted(call: &Call) -> (f64, Played, [f64; 7], [f64; 7]) {
    let (between, told) = call.told_between();
    let theirs = figures(told);
    let fits = (0..10).map(|ms| {
        let phase = f64::from(ms);
        let played = call.played(phase);
        let ours = figures(counted(&played, between));
        let missed = (0..7).filter(|i| !(FIGURES[*i].near)(ours[*i], theirs[*i])).count() as f64;
        let apart: f64 = (0..2).map(|i| (ours[i] - theirs[i]).abs()).sum();
        (missed + apart / 100.0, phase, played, ours)
    });
    let (_, phase, played, ours) = fits.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
    (phase, played, ours, theirs)
}

fn vectors() -> Option<PathBuf> {
    let root = std::env::var_os("CODECBENCH_VECTORS").map(|root| PathBuf::from(root).join("chromium"));
    if root.is_none() {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with Chromium");
    }
    root
}

/// PESQ-WB of the four pieces of 8 s from second 3 of the recording on, as the recorded ones were scored, in the mean.
fn pesq(played: &Played, microphone: &Pcm, start_ms: f64) -> f64 {
    let heard = resample(&played.heard.to_mono(), 16_000).unwrap();
    let per_ms = 16.0;
    // Where the heard sound begins in the microphone's recording, in samples.
    let offset = ((played.ticks[0].at.as_ms() - start_ms) * per_ms).round() as i64;
    let piece = |k: usize| {
        let (from, length) = ((3 + 8 * k) * 16_000, 8 * 16_000);
        let reference = microphone.slice(from, length);
        let at = |lag: i64| (from as i64 - offset + lag).max(0) as usize;
        let likeness = |lag: &i64| -> f64 {
            let part = &heard.samples[at(*lag)..at(*lag) + length];
            part.iter()
                .step_by(3)
                .zip(reference.samples.iter().step_by(3))
                .map(|(a, b)| f64::from(*a) * f64::from(*b))
                .sum()
        };
        let lag = (0..8000).step_by(4).max_by(|a, b| likeness(a).total_cmp(&likeness(b))).unwrap();
        let degraded = heard.slice(at(lag), length);
        (audio("pesq-wb").unwrap().score)(&Evidence::files(&reference, &degraded)).unwrap().value
    };
    (0..4).map(piece).sum::<f64>() / 4.0
}

#[test]
fn replayed_calls_decide_as_chromium_did() {
    let Some(folder) = vectors() else { return };
    let calls = Call::all(&folder);
    assert!(calls.len() >= 20, "{} calls", calls.len());
    let (mut near, mut scored) = ([0; 7], Vec::new());
    let fits: Vec<_> = calls.par_iter().map(fitted).collect();
    for (call, (phase, played, ours, theirs)) in calls.iter().zip(fits) {
        let mut line = format!("{:16} pulls at {phase:3.1} ms;", call.id);
        for (i, figure) in FIGURES.iter().enumerate() {
            let hit = (figure.near)(ours[i], theirs[i]);
            near[i] += usize::from(hit);
            let mark = if hit { "" } else { " (!)" };
            line += &format!(" {} {:.0} for {:.0} {}{mark};", figure.name, ours[i], theirs[i], figure.unit);
        }
        let microphone = folder.join(format!("audio/{}.mic.flac", call.id));
        if microphone.is_file() {
            let microphone = load(&microphone).unwrap().in_format(PcmFormat::mono(16_000)).unwrap();
            let results = &call.told["results"];
            let ours = pesq(&played, &microphone, results["recording_sample0_t_ms"].as_f64().unwrap());
            let theirs = results["pesq_wb_mean"].as_f64().unwrap();
            line += &format!(" PESQ-WB {ours:.2} for {theirs:.2}");
            scored.push((ours - theirs).abs());
        }
        println!("{line}");
    }
    for (figure, hits) in FIGURES.iter().zip(near) {
        println!("{}: {hits} of {}", figure.name, calls.len());
        assert!(hits as f64 >= figure.share * calls.len() as f64, "{}: {hits} of {}", figure.name, calls.len());
    }
    let hits = scored.iter().filter(|apart| **apart <= 0.15).count();
    println!("PESQ-WB: {hits} of {} within 0.15", scored.len());
    assert!(hits as f64 >= 0.9 * scored.len() as f64, "PESQ-WB: {hits} of {}", scored.len());
}
