//! The objects that `--json` prints: what `docs/formats.md` says of them, and figures that must come out.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use crate::desk::{Desk, short, tone};
use codecbench::media::{Pcm, wav};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

#[test]
fn score_says_what_each_metric_says() {
    let desk = Desk::new();
    wav::write(&desk.path("a.wav"), &tone()).unwrap();
    let told = json(&desk, &["score", "a.wav", "a.wav", "--json"]);
    documented(&told, "score");
    let scores = told["scores"].as_array().unwrap();
    let metrics: Vec<&str> = scores.iter().map(|s| s["metric"].as_str().unwrap()).collect();
    assert!(metrics.contains(&"pesq-wb") && metrics.contains(&"pesq-nb"), "{metrics:?}");
    for score in scores {
        documented(score, "score: scores");
        assert!(score["value"].is_number() && score["unit"].is_string() && score["version"].is_string(), "{score}");
    }
    let one = json(&desk, &["score", "a.wav", "a.wav", "--metric", "pesq-wb", "--json"]);
    assert_eq!(one["scores"].as_array().unwrap().len(), 1);
    assert!((one["scores"][0]["value"].as_f64().unwrap() - 4.644).abs() < 0.001, "the cap of P.862.2");

    // A metric that cannot score is a row with its reason, and no value.
    wav::write(&desk.path("silent.wav"), &Pcm::silence(tone().format, 16_000)).unwrap();
    let output = desk.output(&["score", "a.wav", "silent.wav", "--metric", "si-sdr", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let failed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(failed["scores"][0]["error"].is_string() && failed["scores"][0].get("value").is_none(), "{failed}");
}

#[test]
fn networks_and_the_selftest_say_what_they_measured() {
    let desk = Desk::new();
    let told = json(&desk, &["net", "delay 40ms 10ms loss gemodel 2% 25%", "--json"]);
    documented(&told, "net");
    assert!((told["loss"].as_f64().unwrap() - 0.0741).abs() < 0.01, "{told}");
    assert!((told["theory"]["mean_burst"].as_f64().unwrap() - 4.0).abs() < 1e-9, "{told}");
    let told = json(&desk, &["list", "networks", "--json"]);
    let networks = told["networks"].as_array().unwrap();
    networks.iter().for_each(|n| documented(n, "list: networks"));
    for name in ["wifi", "lte-driving", "3g", "satellite", "office", "congested"] {
        assert!(networks.iter().any(|n| n["name"] == name), "{name}");
    }
    let output = desk.command(&["selftest", "--json"]).env_remove("CODECBENCH_VECTORS").output().unwrap();
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    documented(&told, "selftest");
    told["checks"].as_array().unwrap().iter().for_each(|c| documented(c, "selftest: checks"));
}

#[test]
fn delays_are_those_that_the_codecs_document() {
    let desk = Desk::new();
    let told = json(&desk, &["delay", "--json", "opus", "G722", "PCMU", "PCMA"]);
    documented(&told, "delay");
    let rows = told["codecs"].as_array().unwrap();
    let number = |row: &Value, key: &str| row[key].as_f64().filter(|v| v.is_finite()).unwrap();
    for row in rows {
        documented(row, "delay: codecs");
        let [frame, lookahead, held, total, nominal] =
            ["frame_ms", "lookahead_ms", "held_ms", "total_ms", "nominal_ms"].map(|key| number(row, key));
        assert!((total - nominal).abs() <= 0.1 && (frame + lookahead + held - total).abs() < 0.003, "{row}");
        match row["codec"].as_str().unwrap() {
            "G722" => assert!((lookahead - 1.375).abs() <= 0.1, "{row}"),
            "PCMU" | "PCMA" => assert!(lookahead.abs() <= 0.1, "{row}"),
            _ => {}
        }
    }
    for (codec, setting, expected) in [
        ("opus", "audio 20 ms", 26.5),
        ("opus", "audio 10 ms", 16.5),
        ("opus", "lowdelay 2.5 ms", 5.0),
        ("G722", "20 ms", 21.375),
        ("PCMU", "20 ms", 20.0),
        ("PCMA", "20 ms", 20.0),
    ] {
        let row = rows.iter().find(|r| r["codec"] == codec && r["setting"] == setting).unwrap();
        assert!((number(row, "total_ms") - expected).abs() <= 0.1, "{row}");
    }
    let table = desk.run(&["delay", "G722"]);
    assert!(table.starts_with("codec") && table.lines().count() == 6, "{table}");
}

#[test]
fn lists_name_everything() {
    let desk = Desk::new();
    for (what, expected) in [
        ("codecs", &["L16", "PCMU", "PCMA", "G722", "G726", "GSM", "iLBC", "AMR", "AMR-WB", "opus", "opus@1.3.1"][..]),
        ("metrics", &["pesq-wb", "pesq-nb", "si-sdr", "wire-bitrate"]),
        ("clips", &["synth-voice-1", "synth-sweep"]),
    ] {
        let told = json(&desk, &["list", what, "--json"]);
        assert_eq!(keys(&told), ["schema", what].iter().copied().collect::<BTreeSet<_>>());
        let entries = told[what].as_array().unwrap();
        let names: Vec<&str> = entries.iter().map(|e| e["name"].as_str().unwrap()).collect();
        assert!(expected.iter().all(|name| names.contains(name)), "{what}: {names:?}");
        let table = desk.run(&["list", what]);
        assert_eq!(table.lines().count(), 1 + names.len(), "{table}");
        for entry in entries {
            documented(entry, &format!("list: {what}"));
            assert!(what == "metrics" || entry["available"].is_boolean(), "{entry}");
        }
    }
}

#[test]
fn six_voices_have_a_verdict_and_observed_settings() {
    let desk = Desk::new();
    let lines = ["useinbandfec=1", "maxplaybackrate=16000"];
    let told = json(&desk, &short(&lines, &["--clip", "synth", "--metric", "pesq-wb", "--json"]));
    documented(&told, "fmtp");
    finite(&told);
    let settings = told["settings"].as_array().unwrap();
    assert_eq!(settings.len(), 2);
    for (setting, line) in settings.iter().zip(lines) {
        documented(setting, "fmtp: settings");
        documented(&setting["observed"], "fmtp: observed");
        assert!(setting["requested"].as_str().unwrap().contains(line), "{setting}");
        let metrics = setting["metrics"].as_object().unwrap();
        assert!(["pesq-wb", "wire-bitrate", "mouth-to-ear-clock"].iter().all(|id| metrics.contains_key(*id)));
        for (id, figures) in metrics {
            documented(figures, "fmtp: metrics");
            let [mean, low, high, n] = ["mean", "low", "high", "n"].map(|key| figures[key].as_f64().unwrap());
            assert!(low <= mean && mean <= high && n == 6.0, "{id}: {figures}");
        }
    }
    assert_eq!(settings[0]["effective"]["inband_fec"], "on");
    assert_eq!(settings[0]["observed"]["fec_share"], 0.0, "FEC is on, but nothing is lost, so it is never sent");
    assert_eq!(settings[1]["observed"]["bandwidths"], serde_json::json!([["wideband", 1.0]]));
    let bandwidths = settings[0]["observed"]["bandwidths"].to_string();
    assert!(bandwidths.contains("fullband") && !bandwidths.contains("\"wideband\""), "{bandwidths}");

    let verdicts = told["verdicts"].as_array().unwrap();
    let of = |metric: &str| verdicts.iter().find(|v| v["metric"] == metric).unwrap();
    for verdict in verdicts {
        documented(verdict, "fmtp: verdicts");
        assert_eq!((&verdict["a"], &verdict["b"]), (&"A".into(), &"B".into()));
        let told = verdict["verdict"].as_str().unwrap();
        assert!(!told.is_empty() && !told.contains("too few") && !told.contains("only"), "{verdict}");
    }
    let bitrate = of("wire-bitrate");
    assert_eq!(bitrate["verdict"], "better", "20 kbit/s where 32 were asked");
    assert!(bitrate["high"].as_f64().unwrap() < 0.0, "{bitrate}");
    assert_eq!(of("mouth-to-ear-clock")["verdict"], "no measurable difference");
}

#[test]
fn below_six_clips_there_are_figures_and_no_verdict() {
    let desk = Desk::new();
    for clips in [&["synth-voice-1"][..], &["synth-voice-1", "synth-voice-2", "synth-voice-3"]] {
        let named: Vec<&str> = clips.iter().flat_map(|clip| ["--clip", clip]).collect();
        let args = short(&["", "maxplaybackrate=8000"], &[&named[..], &["--metric", "si-sdr", "--json"]].concat());
        let told = json(&desk, &args);
        finite(&told);
        let verdicts = told["verdicts"].as_array().unwrap();
        assert!(!verdicts.is_empty());
        for verdict in verdicts {
            let [difference, low, high] = ["difference", "low", "high"].map(|key| verdict[key].as_f64().unwrap());
            assert!(verdict["verdict"].as_str().unwrap().contains("no verdict"), "{verdict}");
            assert_eq!(verdict["n"], clips.len());
            // One clip has no interval; its figure stands for both ends.
            assert!(low <= difference && difference <= high && (clips.len() > 1 || low == high), "{verdict}");
        }
        let told = desk.run(&[&args[..args.len() - 1], &["--out", "text"]].concat());
        assert!(told.contains("too few for a verdict, six are needed"), "{told}");
        assert!(!told.contains("(better)") && !told.contains("(worse)"), "{told}");
    }
}

#[test]
fn speech_and_signals_are_not_averaged() {
    let desk = Desk::new();
    let clips = ["--clip", "synth-voice-1", "--clip", "synth-sweep", "--metric", "si-sdr", "--json"];
    let told = json(&desk, &short(&[""], &clips));
    let settings = told["settings"].as_array().unwrap();
    let conditions: Vec<&str> = settings.iter().map(|s| s["condition"].as_str().unwrap()).collect();
    assert_eq!(conditions, ["clean network, speech", "clean network, signal"]);
    assert!(settings.iter().all(|s| s["metrics"]["si-sdr"]["n"] == 1), "{settings:?}");
}

/// The one object on stdout, with its schema.
fn json(desk: &Desk, args: &[&str]) -> Value {
    let told = desk.run(args);
    let value: Value = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{args:?}: {e}: {told}"));
    assert_eq!(value["schema"], 1, "{args:?}");
    value
}

/// Every key of `value` stands in the row of `docs/formats.md` that has this name, and every key there that is always
/// given stands in `value`.
fn documented(value: &Value, name: &str) {
    let row = KEYS.lines().find_map(|line| {
        let (key, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        (key == format!("`{name}`")).then(|| rest.split_once(" |").map_or(rest, |(keys, _)| keys))
    });
    let row = row.unwrap_or_else(|| panic!("docs/formats.md has no row `{name}`"));
    let words = row.split('`').skip(1).step_by(2);
    let (optional, always): (Vec<&str>, Vec<&str>) = words.partition(|word| word.ends_with('?'));
    let found = keys(value);
    for key in &always {
        assert!(found.contains(key), "{name}: '{key}' is documented, but not there: {value}");
    }
    for key in found {
        let known = always.contains(&key) || optional.iter().any(|o| o.trim_end_matches('?') == key);
        assert!(known, "{name}: '{key}' is not documented: {value}");
    }
}

const KEYS: &str = include_str!("../../docs/formats.md");

fn keys(value: &Value) -> BTreeSet<&str> {
    let object: &Map<String, Value> = value.as_object().unwrap_or_else(|| panic!("not an object: {value}"));
    object.keys().map(String::as_str).collect()
}

/// No number is missing: `serde_json` writes those that are not finite as null.
fn finite(told: &Value) {
    let metrics = told["settings"].as_array().unwrap().iter().flat_map(|s| s["metrics"].as_object().unwrap().values());
    let numbers = metrics.flat_map(|m| m.as_object().unwrap().values());
    assert!(numbers.into_iter().all(Value::is_number), "{told}");
    for verdict in told["verdicts"].as_array().unwrap() {
        assert!(["difference", "low", "high"].iter().all(|key| verdict[key].is_number()), "{verdict}");
    }
}
