//! The program as a user meets it: what it refuses and how, the objects of `--json`, and that a run is reproducible.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat, wav};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder to work in; nothing outside of it is written.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
        command.current_dir(self.0.path()).args(args);
        command
    }

    fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output of what must succeed.
    fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// The one object on stdout, with its schema.
    fn json(&self, args: &[&str]) -> Value {
        let told = self.run(args);
        let value: Value = serde_json::from_str(&told).unwrap_or_else(|e| panic!("{args:?}: {e}: {told}"));
        assert_eq!(value["schema"], 1, "{args:?}");
        value
    }

    /// Exit code 2 and one line on stderr, which holds all of `parts`; nothing on stdout.
    fn refuses(&self, args: &[&str], parts: &[&str]) {
        let output = self.output(args);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
        assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
        assert!(told.starts_with("codecbench: "), "{args:?}: {told}");
        for part in parts {
            assert!(told.contains(part), "{args:?}: '{part}' is not in: {told}");
        }
        assert!(output.stdout.is_empty(), "{args:?}: {}", text(&output.stdout));
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A short call: what `fmtp` takes besides its lines.
fn short<'a>(lines: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["fmtp"], lines, &["--warm-up", "0.5", "--seeds", "1"], more].concat()
}

/// A sine under slow beats, at 16 kHz; long enough for PESQ.
fn tone() -> Pcm {
    let wave = |t: i32| (f64::from(t) / 7.0).sin() * (f64::from(t) / 2000.0).sin() * 9000.0;
    Pcm { format: PcmFormat::mono(16_000), samples: (0..16_000).map(|t| wave(t) as i16).collect() }
}

/// The bytes of a WAV file whose data chunk says it has `promised` bytes.
fn wav_bytes(channels: u16, float: bool, data: &[u8], promised: usize) -> Vec<u8> {
    let (kind, bits): (u16, u16) = if float { (3, 32) } else { (1, 16) };
    let block = channels * bits / 8;
    let mut bytes = b"RIFF".to_vec();
    bytes.extend((36 + promised as u32).to_le_bytes());
    bytes.extend(b"WAVEfmt \x10\0\0\0");
    bytes.extend([kind, channels].map(u16::to_le_bytes).concat());
    bytes.extend([16_000, 16_000 * u32::from(block)].map(u32::to_le_bytes).concat());
    bytes.extend([block, bits].map(u16::to_le_bytes).concat());
    bytes.extend(b"data");
    bytes.extend((promised as u32).to_le_bytes());
    bytes.extend(data);
    bytes
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_would_be_right() {
    let desk = Desk::new();
    wav::write(&desk.path("good.wav"), &tone()).unwrap();
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    desk.write("cut.wav", wav_bytes(1, false, &[1; 100], 320));
    desk.write("none.wav", wav_bytes(1, false, &[], 0));
    desk.write("nan.wav", wav_bytes(1, true, &floats(&[0.5, 0.25, f32::NAN]), 12));
    desk.write("three.wav", wav_bytes(3, false, &[1; 60], 60));
    desk.write("notes.wav", "this is no sound");
    for (file, parts) in [
        ("missing.wav", ["missing.wav: no such file", ""]),
        ("cut.wav", ["cut.wav: cut short", "promises 160 samples"]),
        ("none.wav", ["none.wav: 0 samples", "nothing to hear"]),
        ("nan.wav", ["nan.wav: sample 2 is NaN", "must be a finite number"]),
        ("three.wav", ["three.wav: 3 channels", "one or two would be right"]),
        ("notes.wav", ["notes.wav: neither a WAV nor a FLAC file", ""]),
    ] {
        desk.refuses(&["score", "good.wav", file], &parts);
        desk.refuses(&["score", file, "good.wav"], &parts);
        desk.refuses(&["fmtp", "", "--clip", file], &parts);
        desk.write("plan.toml", format!("clips = [\n  'synth',\n  '{file}',\n]\n[[settings]]\ncodec = 'opus'\n"));
        desk.refuses(&["run", "plan.toml"], &["plan.toml:3: clips: ", parts[0], parts[1]]);
    }
    assert!(!desk.path("reports").exists(), "nothing is written before the input is known to be good");
}

#[test]
fn an_unknown_name_is_told_its_nearest() {
    let desk = Desk::new();
    for args in [&["delay", "opsu"][..], &["fmtp", "", "--codec", "opsu"]] {
        desk.refuses(args, &["unknown codec 'opsu', did you mean 'opus'?"]);
    }
    for args in [
        &["score", "a.wav", "b.wav", "--metric", "pesq-bw"][..],
        &["fmtp", "", "--clip", "synth-voice-1", "--metric", "pesq-bw"],
    ] {
        desk.refuses(args, &["unknown metric 'pesq-bw', did you mean 'pesq-wb'?"]);
    }
    desk.refuses(
        &["fmtp", "", "--clip", "synth-voise-1"],
        &["unknown clip 'synth-voise-1', did you mean 'synth-voice-1'?"],
    );
    desk.refuses(&["delay", "theora"], &["unknown codec 'theora'; known: ", "opus", "PCMU"]);
}

#[test]
fn a_wrong_plan_is_told_by_file_line_and_key() {
    let desk = Desk::new();
    for (plan, parts) in [
        (
            "clips = 'synth'\nseedz = 3\n[[settings]]\ncodec = 'opus'\n",
            ["plan.toml:2:", "unknown key 'seedz', did you mean 'seeds'?"],
        ),
        (
            "clips = 'synth'\n[[settings]]\ncodec = 'opus'\nbitrat = 9000\n",
            ["plan.toml:4:", "'bitrat', did you mean 'bitrate'?"],
        ),
        (
            "clips = 'synth'\n[[settings]]\ncodec = 'opus'\nbitrate = -5\n",
            ["plan.toml:4: bitrate: -5", "1 to 10000000 bit/s"],
        ),
        (
            "clips = 'synth'\n[[settings]]\ncodec = 'opus'\nbitrate = [9000,\n -5]\n",
            ["plan.toml:5: bitrate: -5", "1 to 10000000 bit/s"],
        ),
        (
            "clips = 'synth'\nnetworks = 'loss 120%'\n[[settings]]\ncodec = 'opus'\n",
            ["plan.toml:2: networks: ", "within 0 and 100 %, not 120 %"],
        ),
        (
            "clips = 'synth'\n[[settings]]\ncodec = 'opus'\nfmtp = '=5'\n",
            ["plan.toml:4: fmtp: ", "name=value would be right"],
        ),
        ("clips = 'synth'\n[[settings]]\ncodec = 'opsu'\n", ["plan.toml:3: codec: ", "did you mean 'opus'?"]),
        ("clips = 'sinth'\n[[settings]]\ncodec = 'opus'\n", ["plan.toml:1: clips: ", "did you mean 'synth'?"]),
        (
            "clips = 'synth'\nmetrics = ['pesq-bw']\n[[settings]]\ncodec = 'opus'\n",
            ["plan.toml:2: metrics: ", "did you mean 'pesq-wb'?"],
        ),
        ("clips = 'synth'\nname = '../up'\n[[settings]]\ncodec = 'opus'\n", ["plan.toml:2: name: ", "letters, digits"]),
        ("clips = 'synth'\n", ["plan.toml:1: ", "settings is missing"]),
        ("clips = 'synth\n", ["plan.toml:1: ", "expected"]),
    ] {
        desk.write("plan.toml", plan);
        desk.refuses(&["run", "plan.toml"], &parts);
        desk.refuses(&["run", "plan.toml", "--list"], &parts);
    }
    desk.refuses(&["run", "missing.toml"], &["missing.toml: "]);
}

#[test]
fn wrong_options_of_fmtp_are_named() {
    let desk = Desk::new();
    desk.refuses(&["fmtp", "", "--net", "loss 120%"], &["--net: ", "within 0 and 100 %, not 120 %"]);
    desk.refuses(&["fmtp", "", "--net", "delay 40"], &["--net: ", "has no unit", "say 40ms"]);
    desk.refuses(&["fmtp", "", "--warm-up", "-1"], &["--warm-up must be 0 to 3600 s, not -1"]);
    desk.refuses(&["fmtp", "=5"], &["fmtp line: '=5' has no name", "name=value would be right"]);
    desk.refuses(&["fmtp", "stereo=1", "stereo=1;Stereo=0"], &["'stereo' stands there twice"]);
    desk.refuses(&["fmtp", "a=rtpmap:111 opus/48000/2"], &["a=rtpmap", "a=fmtp"]);
    // What the option parser refuses is its own text, of several lines.
    for args in [&["fmtp"][..], &["fmtp", "", "--seeds", "0"], &["fmtp", "", "--colour"], &["list", "codec"]] {
        let output = desk.output(args);
        assert!(output.status.code() == Some(2) && text(&output.stderr).starts_with("error: "), "{args:?}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn a_value_out_of_range_is_a_warning_or_under_strict_an_error() {
    let desk = Desk::new();
    let args = short(&["maxaveragebitrate=999999"], &["--clip", "synth-voice-1", "--metric", "si-sdr"]);
    let becomes = "maxaveragebitrate=999999 becomes 510000: 6000 to 510000 bit/s";
    let output = desk.output(&args);
    let told = text(&output.stderr);
    let warnings: Vec<&str> = told.lines().filter(|l| l.starts_with("warning: ")).collect();
    assert_eq!((output.status.code(), warnings.len()), (Some(0), 1), "{told}");
    assert!(warnings[0].contains("line A") && warnings[0].contains(becomes), "{told}");
    let strict = [&args[..], &["--strict"]].concat();
    desk.refuses(&strict, &["--strict: line A", "maxaveragebitrate=999999 would become 510000", "6000 to 510000"]);
}

#[test]
fn a_folder_that_cannot_hold_results_is_refused_and_left_alone() {
    let desk = Desk::new();
    desk.write("file", "x");
    std::fs::create_dir(desk.path("text")).unwrap();
    desk.write("text/results.db", "shopping list");
    std::fs::create_dir(desk.path("other")).unwrap();
    let other = rusqlite::Connection::open(desk.path("other/results.db")).unwrap();
    other.execute_batch("CREATE TABLE shopping (list TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(desk.path("other/results.db")).unwrap();
    desk.write("plan.toml", "clips = 'synth-voice-1'\n[[settings]]\ncodec = 'PCMU'\n");
    let fmtp = |out| short(&[""], &["--clip", "synth-voice-1", "--out", out]);
    let run = |out| vec!["run", "plan.toml", "--out", out];
    for args in [fmtp, run] {
        desk.refuses(&args("file/below"), &["file/below: cannot write: "]);
        desk.refuses(&args("text"), &["text/results.db: not a result store of codecbench", "give another --out"]);
    }
    desk.refuses(&fmtp("other"), &["other/results.db: not a result store of codecbench"]);
    desk.refuses(&["report", "text"], &["text/results.db: not a result store"]);
    desk.refuses(&["report", "nowhere"], &["nowhere: no results.db in it"]);
    assert_eq!(std::fs::read(desk.path("text/results.db")).unwrap(), b"shopping list");
    assert_eq!(std::fs::read(desk.path("other/results.db")).unwrap(), before);
}

#[test]
fn score_says_what_each_metric_says() {
    let desk = Desk::new();
    wav::write(&desk.path("a.wav"), &tone()).unwrap();
    let told = desk.json(&["score", "a.wav", "a.wav", "--json"]);
    documented(&told, "score");
    let scores = told["scores"].as_array().unwrap();
    let metrics: Vec<&str> = scores.iter().map(|s| s["metric"].as_str().unwrap()).collect();
    assert!(metrics.contains(&"pesq-wb") && metrics.contains(&"pesq-nb"), "{metrics:?}");
    for score in scores {
        documented(score, "score: scores");
        assert!(score["value"].is_number() && score["unit"].is_string() && score["version"].is_string(), "{score}");
    }
    let one = desk.json(&["score", "a.wav", "a.wav", "--metric", "pesq-wb", "--json"]);
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
fn delays_are_those_that_the_codecs_document() {
    let desk = Desk::new();
    let told = desk.json(&["delay", "--json", "opus", "G722", "PCMU", "PCMA"]);
    documented(&told, "delay");
    let rows = told["codecs"].as_array().unwrap();
    let number = |row: &Value, key: &str| row[key].as_f64().filter(|v| v.is_finite()).unwrap();
    for row in rows {
        documented(row, "delay: codecs");
        let [frame, lookahead, total, nominal] =
            ["frame_ms", "lookahead_ms", "total_ms", "nominal_ms"].map(|key| number(row, key));
        assert!((total - nominal).abs() <= 0.1 && (frame + lookahead - total).abs() < 0.002, "{row}");
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
    assert!(table.starts_with("codec") && table.lines().count() == 3, "{table}");
}

#[test]
fn lists_name_everything() {
    let desk = Desk::new();
    for (what, expected) in [
        ("codecs", &["L16", "PCMU", "PCMA", "G722", "opus"][..]),
        ("metrics", &["pesq-wb", "pesq-nb", "si-sdr", "wire-bitrate"]),
        ("clips", &["synth-voice-1", "synth-sweep"]),
    ] {
        let told = desk.json(&["list", what, "--json"]);
        assert_eq!(keys(&told), ["schema", what].iter().copied().collect::<std::collections::BTreeSet<_>>());
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
    let told = desk.json(&short(&lines, &["--clip", "synth", "--metric", "pesq-wb", "--json"]));
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
        let told = desk.json(&args);
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
    let told = desk.json(&short(&[""], &clips));
    let settings = told["settings"].as_array().unwrap();
    let conditions: Vec<&str> = settings.iter().map(|s| s["condition"].as_str().unwrap()).collect();
    assert_eq!(conditions, ["clean network, speech", "clean network, signal"]);
    assert!(settings.iter().all(|s| s["metrics"]["si-sdr"]["n"] == 1), "{settings:?}");
}

#[test]
fn two_runs_give_the_same_bytes_whatever_the_jobs() {
    let desk = Desk::new();
    let run = |out: &'static str, jobs| {
        let what = ["fmtp", "useinbandfec=1", "maxplaybackrate=16000", "--net", "delay 40ms 10ms loss 5%"];
        let clips = ["--clip", "synth-voice-1", "--clip", "synth-voice-2", "--seeds", "2", "--warm-up", "0.5"];
        desk.run(&[&what[..], &clips, &["--metric", "si-sdr", "--out", out, "--jobs", jobs]].concat())
    };
    assert_eq!(run("one", "1").replace("one/", ""), run("three", "3").replace("three/", ""));
    assert!(without_cost(&desk.path("one")) == without_cost(&desk.path("three")), "results.jsonl differs");
    let csv = |out: &str| std::fs::read(desk.path(out).join("results.csv")).unwrap();
    assert!(csv("one") == csv("three"), "results.csv differs");
    assert_eq!(without_cost(&desk.path("one")).lines().count(), 8);
}

#[test]
fn a_plan_runs_and_its_report_can_be_written_again() {
    let desk = Desk::new();
    desk.write(
        "small.toml",
        "clips = ['synth-voice-1', 'synth-voice-2']\nwarm_up = '500ms'\nmetrics = ['si-sdr']\n\
         networks = ['delay 20ms', 'delay 20ms loss 10%']\n[[settings]]\ncodec = ['PCMU', 'G722']\n",
    );
    let list = desk.run(&["run", "small.toml", "--list"]);
    assert_eq!(list.lines().count(), 1 + 8, "{list}");
    assert!(!desk.path("reports").exists(), "a list runs nothing");
    for jobs in ["1", "3"] {
        let out = format!("out{jobs}");
        assert_eq!(desk.run(&["run", "small.toml", "--out", &out, "--jobs", jobs]), format!("{out}\n"));
    }
    assert!(without_cost(&desk.path("out1")) == without_cost(&desk.path("out3")), "results.jsonl differs");

    let pages = || {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(desk.path("out1")).unwrap().map(|f| f.unwrap().path()).collect();
        files.retain(|f| f.extension().is_some_and(|e| e == "html" || e == "png"));
        files.sort();
        files.into_iter().map(|f| (std::fs::read(&f).unwrap(), f)).collect::<Vec<_>>()
    };
    let before = pages();
    assert!(before.len() >= 2 && before.iter().any(|(_, f)| f.ends_with("report.html")));
    before.iter().for_each(|(_, f)| std::fs::remove_file(f).unwrap());
    let told = desk.run(&["report", "out1"]);
    assert_eq!(told.lines().count(), before.len(), "{told}");
    assert!(told.lines().all(|line| desk.path(line).is_file()), "{told}");
    assert!(pages() == before, "the report is not the same");
}

#[test]
fn help_and_completions_are_there() {
    let desk = Desk::new();
    let verbs = ["run", "fmtp", "score", "delay", "list", "report", "corpora", "completions"];
    let bare = desk.output(&[]);
    assert_eq!(bare.status.code(), Some(2), "it asks for a verb");
    let help = desk.run(&["--help"]);
    for told in [text(&bare.stderr), help] {
        assert!(told.contains("Usage: codecbench") && told.contains("Examples:"), "{told}");
        assert!(verbs.iter().all(|verb| told.contains(&format!("\n  {verb} "))), "{told}");
    }
    for verb in verbs {
        assert!(desk.run(&[verb, "--help"]).contains(&format!("Usage: codecbench {verb}")));
    }
    let completions = desk.run(&["completions", "bash"]);
    assert!(completions.contains("_codecbench()") && verbs.iter().all(|verb| completions.contains(verb)));
}

#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_error_and_a_full_disk_is() {
    let desk = Desk::new();
    for args in [&["delay", "G722"][..], &["list", "clips"], &["list", "metrics", "--json"]] {
        let mut child = desk.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""), "{args:?}");
    }
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = desk.command(&["list", "codecs"]).stdout(full).output().unwrap();
        let told = text(&output.stderr);
        assert!(output.status.code() == Some(2) && told.starts_with("codecbench: stdout: cannot write: "), "{told}");
    }
}

/// Every key of `value` stands in the row of `reports/README.md` that has this name, and every key there that is always
/// given stands in `value`.
fn documented(value: &Value, name: &str) {
    let row = KEYS.lines().find_map(|line| {
        let (key, rest) = line.strip_prefix("| ")?.split_once(" | ")?;
        (key == format!("`{name}`")).then(|| rest.split_once(" |").map_or(rest, |(keys, _)| keys))
    });
    let row = row.unwrap_or_else(|| panic!("reports/README.md has no row `{name}`"));
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

const KEYS: &str = include_str!("../reports/README.md");

fn keys(value: &Value) -> std::collections::BTreeSet<&str> {
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

/// `results.jsonl` with the text of each `cost` taken out.
fn without_cost(folder: &Path) -> String {
    let file = std::fs::read_to_string(folder.join("results.jsonl")).unwrap();
    let line = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let cost = format!("\"cost\":{}", value["cost"]);
        assert!(value["cost"].is_object() && line.matches(&cost).count() == 1, "{line}");
        line.replace(&cost, "") + "\n"
    };
    file.lines().map(line).collect()
}
