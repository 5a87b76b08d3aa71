//! `codecbench corpora` as a user meets it on a machine that lacks the clients.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::media::{Pcm, PcmFormat, wav};
use std::process::{Command, Output};

fn codecbench(cache: &std::path::Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
    // With no PATH there is no client to be found, so nothing here can reach a network.
    command.args(args).env("CODECBENCH_CACHE", cache).env("PATH", "");
    command.output().unwrap()
}

#[test]
fn missing_clients_are_named_one_line_each_and_the_exit_code_is_1() {
    let dir = tempfile::tempdir().unwrap();
    let out = codecbench(dir.path(), &["corpora", "fetch"]);
    assert_eq!(out.status.code(), Some(1));
    let text = String::from_utf8(out.stderr).unwrap();
    let wrong: Vec<&str> = text.lines().filter(|l| l.starts_with("codecbench: ")).collect();
    assert_eq!(wrong.len(), 12, "{text}");
    assert!(wrong.iter().all(|l| l.ends_with("which is not on this machine")), "{text}");
    assert!(
        wrong[0].contains("pocketsphinx 5.1.1: needs python3 with pip") && wrong[1].contains("needs apt-get"),
        "{text}"
    );
}

#[test]
fn a_clip_that_is_not_fetched_says_how_to_fetch_it() {
    let dir = tempfile::tempdir().unwrap();
    let out = codecbench(dir.path(), &["fmtp", "minptime=10", "--clip", "fr-june-1"]);
    assert_eq!(out.status.code(), Some(2));
    let text = String::from_utf8(out.stderr).unwrap();
    assert!(text.contains("'fr-june-1' is not fetched yet: run `codecbench corpora fetch`"), "{text}");
    let verified = codecbench(dir.path(), &["corpora", "verify"]);
    let text = String::from_utf8(verified.stdout).unwrap();
    assert_eq!(verified.status.code(), Some(1));
    assert!(
        text.contains(&dir.path().join("corpora").display().to_string()) && text.contains("0 clips and "),
        "{text}"
    );
    assert!(text.ends_with("`codecbench corpora fetch` brings what is missing\n"), "{text}");
}

#[test]
fn without_recordings_a_run_says_what_to_do_and_takes_artificial_ones_only_when_told() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out").display().to_string();
    let runs = [
        &["run"][..],
        &["run", "quality"],
        &["run", "video"],
        &["fmtp", "usedtx=1"],
        &["fmtp", "usedtx=1", "--clip", "speech"],
        &["fmtp", "max-fs=100", "--codec", "VP8"],
    ];
    for args in runs {
        let refused = codecbench(dir.path(), &[args, &["--out", &out]].concat());
        let text = String::from_utf8(refused.stderr).unwrap();
        assert_eq!((refused.status.code(), text.lines().count()), (Some(2), 1), "{args:?}: {text}");
        assert!(text.contains("run `codecbench corpora fetch`") && text.contains("--artificial"), "{args:?}: {text}");
        assert!(refused.stdout.is_empty() && !dir.path().join("out").exists());
        // Drawing pictures takes its time.
        if !["video", "VP8"].iter().any(|word| args.contains(word)) {
            let listed = codecbench(dir.path(), &[args, &["--artificial", "--list"]].concat());
            assert_eq!(listed.status.code(), Some(0), "{args:?}");
        }
    }
    let short = ["--metric", "si-sdr", "--seeds", "1", "--warm-up", "0.5", "--artificial", "--out", &out];
    let told = codecbench(dir.path(), &[&["fmtp", "usedtx=1"], &short[..]].concat());
    assert_eq!(told.status.code(), Some(0));
    let first = "All clips are artificial: nothing here was measured on recordings.";
    assert!(String::from_utf8(told.stdout).unwrap().starts_with(first));
    assert!(std::fs::read_to_string(dir.path().join("out/report.html")).unwrap().contains(&format!("<p>{first}")));
}

#[cfg(unix)]
#[test]
fn every_verb_works_from_the_root_folder_with_an_empty_cache() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let wave: Vec<i16> = (0..16_000).map(|t| ((f64::from(t) / 7.0).sin() * 9000.0) as i16).collect();
    let tone = Pcm { format: PcmFormat::mono(16_000), samples: wave };
    wav::write(&dir.path().join("tone.wav"), &tone).unwrap();
    std::fs::write(
        dir.path().join("small.toml"),
        "clips = 'synth-voice-1'\nwarm_up = '0s'\n[[settings]]\ncodec = 'PCMU'\n",
    )
    .unwrap();
    let (wave, plan, out, run, pages) = (path("tone.wav"), path("small.toml"), path("fmtp"), path("run"), path("man"));
    for (args, code) in [
        (&["run", &plan, "--out", &run][..], 0),
        (&["report", &run], 0),
        (&["fmtp", "usedtx=1", "--artificial", "--seeds", "1", "--metric", "si-sdr", "--out", &out], 0),
        (&["score", &wave, &wave], 0),
        (&["delay", "PCMU"], 0),
        (&["net", "wifi"], 0),
        (&["emodel", "--codecs"], 0),
        (&["list", "codecs"], 0),
        (&["list", "metrics"], 0),
        (&["list", "clips"], 0),
        (&["list", "networks"], 0),
        (&["corpora", "list"], 0),
        (&["corpora", "verify"], 1),
        (&["selftest"], 0),
        (&["completions", "bash"], 0),
        (&["man", &pages], 0),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
        command.args(args).current_dir("/").env_remove("CODECBENCH_CACHE").env_remove("CODECBENCH_VECTORS");
        let output = command.env("XDG_CACHE_HOME", dir.path().join("cache")).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        assert!(!output.stdout.is_empty(), "{args:?}");
    }
    assert!(!dir.path().join("cache").exists(), "nothing was kept");
}

#[test]
fn a_cache_that_cannot_be_made_is_told_once() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("file"), "x").unwrap();
    let out = codecbench(&dir.path().join("file"), &["corpora", "fetch"]);
    let text = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert_eq!(text.lines().filter(|l| l.contains("cannot write: ")).count(), 1, "{text}");
}

#[test]
fn the_list_is_one_json_object_that_names_licence_and_origin() {
    let dir = tempfile::tempdir().unwrap();
    let out = codecbench(dir.path(), &["corpora", "list", "--json"]);
    let list: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
    assert_eq!((out.status.code(), &list["schema"]), (Some(0), &serde_json::json!(1)));
    let clips = list["clips"].as_array().unwrap();
    assert!(clips.len() >= 40);
    for clip in clips {
        assert!(
            ["name", "origin", "licence", "heard"].iter().all(|k| clip[*k].as_str().is_some_and(|t| !t.is_empty()))
        );
        assert_eq!(clip["available"], clip["origin"] == "synthesised", "{clip}");
    }
}

#[test]
fn fetch_of_named_clips_touches_their_packages_alone_and_knows_its_clips() {
    let dir = tempfile::tempdir().unwrap();
    let fetch = |clips: &[&str]| {
        let out = codecbench(dir.path(), &[&["corpora", "fetch"], clips].concat());
        (out.status.code(), String::from_utf8(out.stderr).unwrap())
    };
    let (code, text) = fetch(&["es-allison-1", "es-allison-2", "fr-june-1"]);
    let wrong: Vec<&str> = text.lines().filter(|l| l.starts_with("codecbench: ")).collect();
    assert_eq!((code, wrong.len()), (Some(1), 2), "{text}");
    assert!(wrong[0].contains("asterisk-core-sounds-es") && wrong[1].contains("asterisk-core-sounds-fr"), "{text}");
    let (code, text) = fetch(&["es-alison-1"]);
    assert!(code == Some(2) && text.contains("did you mean 'es-allison-1'?"), "{text}");
    let (code, text) = fetch(&["synth-voice-1"]);
    assert_eq!((code, text.contains("unknown recorded clip 'synth-voice-1'")), (Some(2), true), "{text}");
}
