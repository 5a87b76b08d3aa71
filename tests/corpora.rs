//! `codecbench corpora` as a user meets it on a machine that lacks the clients.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

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
    assert_eq!(codecbench(dir.path(), &["corpora", "verify"]).status.code(), Some(1));
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
