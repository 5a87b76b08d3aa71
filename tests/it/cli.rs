//! The program as a user meets it: what it refuses and how, and that a run is reproducible.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use crate::desk::{Desk, short, text, tone};
use codecbench::media::wav;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Stdio;

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_would_be_right() {
    let desk = Desk::new();
    wav::write(&desk.path("good.wav"), &tone()).unwrap();
    let floats = |values: &[f32]| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>();
    write(&desk, "cut.wav", wav_bytes(1, false, &[1; 100], 320));
    write(&desk, "none.wav", wav_bytes(1, false, &[], 0));
    write(&desk, "nan.wav", wav_bytes(1, true, &floats(&[0.5, 0.25, f32::NAN]), 12));
    write(&desk, "three.wav", wav_bytes(3, false, &[1; 60], 60));
    write(&desk, "notes.wav", "this is no sound");
    for (file, parts) in [
        ("missing.wav", ["missing.wav: no such file", ""]),
        ("cut.wav", ["cut.wav: cut short", "promises 160 samples"]),
        ("none.wav", ["none.wav: 0 samples", "nothing to hear"]),
        ("nan.wav", ["nan.wav: sample 2 is NaN", "must be a finite number"]),
        ("three.wav", ["three.wav: 3 channels", "one or two would be right"]),
        ("notes.wav", ["notes.wav: neither a WAV nor a FLAC file", ""]),
    ] {
        refuses(&desk, &["score", "good.wav", file], &parts);
        refuses(&desk, &["score", file, "good.wav"], &parts);
        refuses(&desk, &["fmtp", "", "--clip", file], &parts);
        write(&desk, "plan.toml", format!("clips = [\n  'synth',\n  '{file}',\n]\n[[settings]]\ncodec = 'opus'\n"));
        refuses(&desk, &["run", "plan.toml"], &["plan.toml:3: clips: ", parts[0], parts[1]]);
    }
    assert!(!desk.path("reports").exists(), "nothing is written before the input is known to be good");
}

#[test]
fn an_unknown_name_is_told_its_nearest() {
    let desk = Desk::new();
    for args in [&["delay", "opsu"][..], &["fmtp", "", "--codec", "opsu"]] {
        refuses(&desk, args, &["unknown codec 'opsu', did you mean 'opus'?"]);
    }
    for args in [
        &["score", "a.wav", "b.wav", "--metric", "pesq-bw"][..],
        &["fmtp", "", "--clip", "synth-voice-1", "--metric", "pesq-bw"],
    ] {
        refuses(&desk, args, &["unknown metric 'pesq-bw', did you mean 'pesq-wb'?"]);
    }
    refuses(
        &desk,
        &["fmtp", "", "--clip", "synth-voise-1"],
        &["unknown clip 'synth-voise-1', did you mean 'synth-voice-1'?"],
    );
    refuses(&desk, &["delay", "theora"], &["unknown codec 'theora'; known: ", "opus", "PCMU"]);
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
            ["plan.toml:4: bitrate: -5", "1 to 50000000 bit/s"],
        ),
        (
            "clips = 'synth'\n[[settings]]\ncodec = 'opus'\nbitrate = [9000,\n -5]\n",
            ["plan.toml:5: bitrate: -5", "1 to 50000000 bit/s"],
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
        write(&desk, "plan.toml", plan);
        refuses(&desk, &["run", "plan.toml"], &parts);
        refuses(&desk, &["run", "plan.toml", "--list"], &parts);
    }
    refuses(&desk, &["run", "missing.toml"], &["missing.toml: "]);
}

#[test]
fn wrong_options_of_fmtp_are_named() {
    let desk = Desk::new();
    refuses(&desk, &["fmtp", "", "--net", "loss 120%"], &["--net: ", "within 0 and 100 %, not 120 %"]);
    refuses(&desk, &["fmtp", "", "--net", "delay 40"], &["--net: ", "has no unit", "say 40ms"]);
    refuses(&desk, &["fmtp", "", "--warm-up", "-1"], &["--warm-up must be 0 to 3600 s, not -1"]);
    refuses(&desk, &["fmtp", "=5"], &["fmtp line: '=5' has no name", "name=value would be right"]);
    refuses(&desk, &["fmtp", "stereo=1", "stereo=1;Stereo=0"], &["'stereo' stands there twice"]);
    refuses(&desk, &["fmtp", "a=rtpmap:111 opus/48000/2"], &["a=rtpmap", "a=fmtp"]);
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
    refuses(&desk, &strict, &["--strict: line A", "maxaveragebitrate=999999 would become 510000", "6000 to 510000"]);
}

#[test]
fn a_folder_that_cannot_hold_results_is_refused_and_left_alone() {
    let desk = Desk::new();
    write(&desk, "file", "x");
    std::fs::create_dir(desk.path("text")).unwrap();
    write(&desk, "text/results.db", "shopping list");
    std::fs::create_dir(desk.path("other")).unwrap();
    let other = rusqlite::Connection::open(desk.path("other/results.db")).unwrap();
    other.execute_batch("CREATE TABLE shopping (list TEXT)").unwrap();
    drop(other);
    let before = std::fs::read(desk.path("other/results.db")).unwrap();
    write(&desk, "plan.toml", "clips = 'synth-voice-1'\n[[settings]]\ncodec = 'PCMU'\n");
    let fmtp = |out| short(&[""], &["--clip", "synth-voice-1", "--out", out]);
    let run = |out| vec!["run", "plan.toml", "--out", out];
    for args in [fmtp, run] {
        refuses(&desk, &args("file/below"), &["file/below: cannot write: ", "give another --out"]);
        refuses(&desk, &args("text"), &["text/results.db: not a result store of codecbench", "give another --out"]);
    }
    refuses(&desk, &fmtp("other"), &["other/results.db: not a result store of codecbench"]);
    refuses(&desk, &["report", "text"], &["text/results.db: not a result store"]);
    refuses(&desk, &["report", "nowhere"], &["nowhere: no results.db in it"]);
    assert_eq!(std::fs::read(desk.path("text/results.db")).unwrap(), b"shopping list");
    assert_eq!(std::fs::read(desk.path("other/results.db")).unwrap(), before);
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
fn seeds_are_added_until_the_interval_is_narrow_and_the_result_is_that_of_a_plain_run() {
    let desk = Desk::new();
    let run = |out: &'static str, more: &[&'static str]| {
        let what = ["fmtp", "", "maxplaybackrate=16000", "--net", "loss 10%", "--warm-up", "0.5"];
        let clips = ["--clip", "synth-voice-1", "--clip", "synth-voice-2", "--metric", "si-sdr", "--out", out];
        let output = desk.output(&[&what[..], &clips, more].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        (text(&output.stdout).replace(out, ""), text(&output.stderr))
    };
    // Nothing is that narrow: it ends at the maximum, and says so.
    let (grown, told) = run("grown", &["--seeds", "1", "--until", "0.000001", "--max-seeds", "3"]);
    for said in ["1 seed: si-sdr", "going on with 2 seeds", "not reached with 3 seeds", "B against A"] {
        assert!(told.contains(said), "{said}: {told}");
    }
    let (plain, _) = run("plain", &["--seeds", "3"]);
    assert_eq!(grown, plain);
    assert!(without_cost(&desk.path("grown")) == without_cost(&desk.path("plain")), "results.jsonl differs");
    // Anything is that narrow: the seeds asked for are enough.
    let (_, told) = run("plain", &["--seeds", "3", "--until", "10000"]);
    assert!(told.contains("until 10000: reached with 3 seeds"), "{told}");
    for (more, says) in [(["--until", "0"], "above 0"), (["--max-seeds", "9"], "--until")] {
        let output = desk.output(&[&["fmtp", ""], &more[..]].concat());
        assert!(output.status.code() == Some(2) && text(&output.stderr).contains(says));
    }
}

#[test]
fn the_selftest_holds() {
    let desk = Desk::new();
    // The reference vectors have tests of their own, and some metrics need models that may not be fetched.
    let output = desk.command(&["selftest", "--json"]).env_remove("CODECBENCH_VECTORS").output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let told: Value = serde_json::from_str(&text(&output.stdout)).unwrap();
    assert_eq!((&told["schema"], &told["failed"]), (&1.into(), &0.into()));
    assert!(told["checks"].as_array().unwrap().len() >= 25, "{told}");
}

#[test]
fn a_plan_runs_and_its_report_can_be_written_again() {
    let desk = Desk::new();
    write(
        &desk,
        "small.toml",
        "clips = ['synth-voice-1', 'synth-voice-2']\nwarm_up = '500ms'\nmetrics = ['si-sdr']\n\
         networks = ['delay 20ms', 'delay 20ms loss 10%']\n[[settings]]\ncodec = ['PCMU', 'G722']\n",
    );
    let list = desk.run(&["run", "small.toml", "--list"]);
    assert_eq!(list.lines().count(), 1 + 8, "{list}");
    assert!(!desk.path("reports").exists(), "a list runs nothing");
    let [one, three] = ["1", "3"].map(|jobs| {
        let out = format!("out{jobs}");
        desk.run(&["run", "small.toml", "--out", &out, "--jobs", jobs]).replace(&out, "out")
    });
    assert_eq!(one, three);
    // It ends as its report begins.
    let said: Vec<&str> = one.lines().collect();
    assert!(said.len() == 5 && said[0].starts_with("All clips are artificial: "), "{one}");
    assert!(said[1].starts_with("2 codec settings on 2 networks, 2 clips and 1 seed each: 8 cases "), "{one}");
    assert!(said[2].starts_with("Over delay 20ms, SI-SDR: ") && said[3].starts_with("Over delay 20ms, "), "{one}");
    assert_eq!(said[4], "report: out/report.html");
    let page = std::fs::read_to_string(desk.path("out1/report.html")).unwrap();
    assert!(page.contains(&format!("<h1>small</h1>\n<p>{} {}</p>", said[0], said[1])));
    assert!(without_cost(&desk.path("out1")) == without_cost(&desk.path("out3")), "results.jsonl differs");

    let pages = || {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(desk.path("out1")).unwrap().map(|f| f.unwrap().path()).collect();
        files.retain(|f| f.extension().is_some_and(|e| e == "html" || e == "png" || e == "md"));
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
    let verbs = ["run", "fmtp", "score", "selftest", "delay", "net", "emodel", "list", "report", "corpora"];
    let verbs = [&verbs[..], &["completions", "man"]].concat();
    let bare = desk.output(&[]);
    assert_eq!(bare.status.code(), Some(2), "it asks for a verb");
    let help = desk.run(&["--help"]);
    for told in [text(&bare.stderr), help] {
        assert!(told.contains("Usage: codecbench") && told.contains("Examples:"), "{told}");
        assert!(verbs.iter().all(|verb| told.contains(&format!("\n  {verb} "))), "{told}");
    }
    for verb in &verbs {
        let help = desk.run(&[verb, "--help"]);
        assert!(help.contains(&format!("Usage: codecbench {verb}")));
        assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
        assert!(!help.contains("[possible values: L16") && !help.contains("Possible values:\n          - speech"));
    }
    let run = desk.run(&["run", "--help"]);
    for plan in codecbench::plan::SHIPPED {
        assert!(run.contains(&format!("\n  {} ", plan.name)) && run.contains(plan.about), "{}: {run}", plan.name);
    }
    for shell in ["bash", "zsh", "fish"] {
        let completions = desk.run(&["completions", shell]);
        assert!(verbs.iter().all(|verb| completions.contains(verb)));
        for name in ["G722", "visqol-speech", "lte-driving", "fr-june-1", "speech-48k", "which-fmtp-line"] {
            assert!(completions.contains(name), "{shell}: {name}");
        }
    }
}

#[cfg(unix)]
#[test]
fn bash_completes_the_names_that_an_option_takes() {
    let desk = Desk::new();
    write(&desk, "completions", desk.run(&["completions", "bash"]));
    for (words, completed) in [
        ("fmtp --codec G72", "G722 G726 G729"),
        ("fmtp --metric pesq-wb", "pesq-wb pesq-wb-c2"),
        ("fmtp --net lte", "lte-driving"),
        ("fmtp --clip fr-june-5", "fr-june-5"),
        ("score --metric ms-", "ms-ssim"),
        ("run which", "which-fmtp-line"),
        ("delay PCM", "PCMU PCMA"),
        ("list metrics plcmos-", "plcmos-zero"),
    ] {
        let script = format!(
            "source ./completions; COMP_WORDS=(codecbench {words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); \
             _codecbench codecbench \"${{COMP_WORDS[-1]}}\" \"${{COMP_WORDS[-2]}}\"; echo \"${{COMPREPLY[@]}}\""
        );
        let Ok(output) = std::process::Command::new("bash").current_dir(desk.path(".")).args(["-c", &script]).output()
        else {
            return eprintln!("SKIPPED: needs bash");
        };
        // Codecs that this build does not have are not offered.
        let offered = completed.split(' ').filter(|name| *name != "G729" || cfg!(feature = "g729"));
        let offered: Vec<&str> = offered.collect();
        assert_eq!(text(&output.stdout).trim(), offered.join(" "), "{words}: {}", text(&output.stderr));
    }
}

#[test]
fn the_version_names_commit_features_and_what_is_linked() {
    let desk = Desk::new();
    assert_eq!(desk.run(&["-V"]), format!("codecbench {}\n", env!("CARGO_PKG_VERSION")));
    let long = desk.run(&["--version"]);
    assert!(long.starts_with(&desk.run(&["-V"])), "{long}");
    let value = |name: &str| {
        let line = long.lines().find_map(|line| line.strip_prefix(&format!("{name}:")));
        line.unwrap_or_else(|| panic!("{name}: {long}")).trim().to_owned()
    };
    let commit = value("commit");
    let hex = commit.split(' ').next().unwrap();
    assert!(commit == "unknown" || hex.len() == 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()), "{commit}");
    for (feature, built) in [("speex", cfg!(feature = "speex")), ("aac-fdk", cfg!(feature = "aac-fdk"))] {
        assert_eq!(value("features").split(", ").any(|f| f == feature), built, "{long}");
    }
    assert!(value("calls").starts_with("rtc 0.") && value("results").starts_with("SQLite 3."), "{long}");
    assert!(value("opus").starts_with("libopus 1.") && value("pesq-wb").starts_with("pesq 0."), "{long}");
}

#[test]
fn each_verb_has_a_manual_page_and_the_main_one_names_them() {
    let desk = Desk::new();
    let main = desk.run(&["man"]);
    let told = desk.run(&["man", "pages/man1"]);
    assert_eq!(told.lines().count(), 15, "{told}");
    for file in told.lines() {
        let page = std::fs::read_to_string(desk.path(file)).unwrap();
        let name = Path::new(file).file_stem().unwrap().to_str().unwrap().to_owned();
        assert!(page.contains(&format!(".TH {name} 1")), "{page}");
        let first = name.strip_prefix("codecbench-").unwrap_or_default();
        assert!(
            first.is_empty() || first.contains('-') || main.contains(&format!("codecbench\\-{first}(1)")),
            "{first}"
        );
        assert!(name != "codecbench" || page == main);
        assert!(!page.contains("commit:"), "it would differ from build to build");
    }
    write(&desk, "file", "x");
    refuses(&desk, &["man", "file/below"], &["file/below: cannot write: "]);
}

#[test]
fn lists_fit_a_hundred_columns_and_show_one_as_a_card() {
    let desk = Desk::new();
    let fits = |told: &str| assert!(told.lines().all(|line| line.chars().count() <= 100), "{told}");
    for (what, name, says) in [
        ("codecs", "OPUS", ["built  ", "libopus 1.6.1", "useinbandfec", "audio 20 ms: 26.5 ms"]),
        ("metrics", "pesq-wb", ["best value", "4.64", "ITU-T P.862.2", "music: is made for speech"]),
        ("clips", "fr-june-1", ["June Wallack", "CC-BY-SA-3.0", "fr-CA", "7 kHz"]),
        ("networks", "rfc8867-5.2", ["at 100s rate 1mbit", "section 5.2", "p99 ms", "source"]),
    ] {
        let (usual, wide) = (desk.run(&["list", what]), desk.run(&["list", what, "--wide"]));
        fits(&usual);
        assert!(what != "codecs" || !usual.contains('…'), "no column of codecs is cut: {usual}");
        assert_eq!(usual.lines().count(), wide.lines().count());
        assert!(wide.lines().any(|line| line.chars().count() > 100) && !wide.contains('…'), "{wide}");
        let card = desk.run(&["list", what, name]);
        fits(&card);
        assert!(says.iter().all(|part| card.contains(part)) && card.lines().count() >= 8, "{card}");
        let json: Value = serde_json::from_str(&desk.run(&["list", what, name, "--json"])).unwrap();
        assert_eq!(json[what].as_array().unwrap().len(), 1);
    }
    let set = desk.run(&["list", "clips", "synth"]);
    assert_eq!(set.lines().count(), 1 + 6, "{set}");
    refuses(&desk, &["list", "codecs", "opsu"], &["unknown codec 'opsu', did you mean 'opus'?"]);
    refuses(&desk, &["list", "networks", "wfi"], &["unknown network 'wfi', did you mean 'wifi'?"]);
}

#[test]
fn plans_go_by_name_and_their_cases_can_be_listed_as_those_of_lines() {
    let desk = Desk::new();
    refuses(&desk, &["run", "qualty"], &["unknown plan 'qualty', did you mean 'quality'?"]);
    for plan in ["demo", "which-fmtp-line"] {
        let told = desk.run(&["run", plan, "--artificial", "--list"]);
        assert!(told.lines().count() > 10 && told.lines().skip(1).all(|l| l.contains("\tsynth-")), "{plan}: {told}");
    }
    // Clips that are named stand for all of the plan's.
    let told = desk.run(&["run", "demo", "--clip", "synth-voice-1", "--clip", "synth-voice-3", "--list"]);
    assert_eq!(told.lines().count(), 1 + 2 * 6 * 10, "{told}");
    assert!(told.lines().skip(1).all(|l| l.contains("\tsynth-voice-1\t") || l.contains("\tsynth-voice-3\t")), "{told}");
    refuses(&desk, &["run", "--clip", "synth-voise-1"], &["--clip: unknown clip", "did you mean 'synth-voice-1'?"]);
    let told = desk.run(&["fmtp", "usedtx=1", "usedtx=0", "--net", "wifi", "--artificial", "--list", "--seeds", "2"]);
    assert_eq!(told.lines().next().unwrap(), "index\tlabel\tclip\tnet\treceiver\tseed");
    assert_eq!(told.lines().count(), 1 + 2 * 6 * 2, "{told}");
    assert!(!desk.path("reports").exists(), "a list runs nothing");
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

fn write(desk: &Desk, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(desk.path(name), bytes).unwrap();
}

/// Exit code 2 and one line on stderr, which holds all of `parts`; nothing on stdout.
fn refuses(desk: &Desk, args: &[&str], parts: &[&str]) {
    let output = desk.output(args);
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{args:?}: {told}");
    assert_eq!(told.lines().count(), 1, "{args:?}: {told}");
    assert!(told.starts_with("codecbench: "), "{args:?}: {told}");
    for part in parts {
        assert!(told.contains(part), "{args:?}: '{part}' is not in: {told}");
    }
    assert!(output.stdout.is_empty(), "{args:?}: {}", text(&output.stdout));
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
