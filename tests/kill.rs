//! The program under kill, Ctrl-C and a file-size limit: no finished case is lost or computed again, and the results in the
//! end are those of an undisturbed run.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat, wav};
use codecbench::store::{Count, Store};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// A folder with a plan of short calls.
struct Bench {
    folder: tempfile::TempDir,
    cases: u32,
}

impl Bench {
    fn new(seeds: u32) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let format = PcmFormat::mono(8000);
        let samples = (0..2400i32).map(|t| ((t * t * 7) % 12_000 - 6000) as i16).collect();
        wav::write(&folder.path().join("clip.wav"), &Pcm { format, samples }).unwrap();
        let plan = format!(
            "clips = 'clip.wav'\nseeds = {seeds}\nwarm_up = '100ms'\nnetworks = ['clean', 'loss 10%']\nmetrics = ['si-sdr']\n\
             [[settings]]\ncodec = ['PCMU', 'G722']\n"
        );
        std::fs::write(folder.path().join("plan.toml"), plan).unwrap();
        Bench { folder, cases: 4 * seeds }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, out: &str, jobs: u32) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
        command.current_dir(self.folder.path()).args(["run", "plan.toml", "--out", out, "--jobs", &jobs.to_string()]);
        command
    }

    fn finish(&self, out: &str, jobs: u32) -> Output {
        let output = self.command(out, jobs).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Starts a run and waits until it has told some progress.
    fn started(&self, out: &str) -> Child {
        let mut child = self.command(out, 2).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let told =
            BufReader::new(child.stderr.as_mut().unwrap()).lines().map_while(|l| l.ok()).find(|l| l.ends_with("left"));
        assert!(told.is_some(), "the run ended before it was disturbed");
        child
    }
}

fn count(folder: &Path) -> Count {
    Store::open(folder).unwrap().count().unwrap()
}

/// `results.jsonl` without what depends on the machine.
fn results(folder: &Path) -> Vec<serde_json::Value> {
    let text = std::fs::read_to_string(folder.join("results.jsonl")).unwrap();
    let line = |line: &str| {
        let mut value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["cost"].take().is_object(), "{line}");
        value
    };
    text.lines().map(line).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn twenty_kills_and_a_plain_run_give_what_an_undisturbed_run_gives() {
    let bench = Bench::new(150);
    let killed = bench.out("killed");
    let mut before = 0;
    for round in 0..20 {
        let mut child = bench.started("killed");
        child.kill().unwrap();
        child.wait().unwrap();
        let now = count(&killed).finished;
        assert!(now > before, "round {round}: {before} cases were finished, then {now}");
        before = now;
    }
    assert!(before < bench.cases, "all was done before the last kill");
    let last = bench.finish("killed", 3);
    assert!(text(&last.stderr).contains(&format!("{before} of {} cases are there already", bench.cases)));
    assert!(text(&last.stdout).ends_with("\nreport: killed/report.html\n"), "stdout says where the results are");
    bench.finish("undisturbed", 1);
    assert_eq!(results(&killed), results(&bench.out("undisturbed")));
    assert_eq!(results(&killed).len() as u32, bench.cases);
}

#[test]
fn ctrl_c_keeps_what_is_done_and_says_how_to_go_on() {
    let bench = Bench::new(40);
    let mut child = bench.started("out");
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let mut told = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut told).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let count = count(&bench.out("out"));
    assert!(count.finished > 0 && count.finished < bench.cases);
    let left = bench.cases - count.finished;
    assert!(
        told.contains(&format!("{} cases are kept, {left} are left; another run goes on from there", count.finished)),
        "{told}"
    );
    assert!(!bench.out("out/results.jsonl").exists(), "what is not complete is not exported");
}

#[test]
fn a_file_size_limit_is_one_clear_line_and_loses_nothing() {
    let bench = Bench::new(60);
    // In blocks of 512 or 1024 bytes, as shells differ.
    let limited = |blocks: u32| {
        let run = bench.command("out", 2);
        let script = format!("ulimit -f {blocks} && exec \"$0\" \"$@\"");
        let mut shell = Command::new("sh");
        shell.current_dir(bench.folder.path()).args(["-c", &script]).arg(run.get_program()).args(run.get_args());
        shell.output().unwrap()
    };
    for blocks in [8, 300] {
        let output = limited(blocks);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{blocks} blocks: {told}");
        let errors: Vec<&str> = told.lines().filter(|l| l.contains("cannot write")).collect();
        assert_eq!(errors.len(), 1, "{told}");
        assert!(errors[0].contains("results.db") && errors[0].contains("size limit"), "{told}");
    }
    let kept = count(&bench.out("out"));
    assert!(kept.finished > 0, "some cases fit");
    bench.finish("out", 2);
    bench.finish("free", 2);
    assert_eq!(results(&bench.out("out")), results(&bench.out("free")));
}

#[test]
fn a_list_shows_every_case_and_writes_nothing() {
    let bench = Bench::new(2);
    let output = bench.command("out", 1).args(["--list", "--seed", "7"]).output().unwrap();
    let (told, lines) = (text(&output.stdout), |n: usize| text(&output.stdout).lines().nth(n).unwrap().to_owned());
    assert_eq!((output.status.code(), told.lines().count()), (Some(0), 1 + 8), "{told}");
    assert_eq!(lines(0), "index\tlabel\tclip\tnet\treceiver\tseed");
    assert_eq!(lines(1), "0\tPCMU\tclip.wav\tnone\tfixed:60ms\t7");
    assert_eq!(lines(8), "7\tG722\tclip.wav\tloss 10%\tfixed:60ms\t8");
    assert!(!bench.out("out").exists());
}

#[test]
fn media_is_kept_for_finished_cases_too_and_changes_nothing() {
    let bench = Bench::new(1);
    bench.finish("out", 2);
    let before = results(&bench.out("out"));
    assert_eq!(bench.command("out", 2).arg("--keep-media").output().unwrap().status.code(), Some(0));
    let mut kept: Vec<PathBuf> =
        std::fs::read_dir(bench.out("out/media")).unwrap().map(|f| f.unwrap().path()).collect();
    kept.sort();
    let names: Vec<String> = kept.iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    let starts =
        ["G722_clip.wav_loss-10_s1_", "G722_clip.wav_none_s1_", "PCMU_clip.wav_loss-10_s1_", "PCMU_clip.wav_none_s1_"];
    assert!(names.len() == 4 && names.iter().zip(starts).all(|(n, s)| n.starts_with(s)), "{names:?}");
    assert!(!wav::read(&kept[0]).unwrap().pcm.is_empty());
    assert_eq!(results(&bench.out("out")), before);
}

#[test]
fn what_cannot_be_used_is_one_line_and_exit_code_2() {
    let bench = Bench::new(1);
    std::fs::create_dir(bench.out("other")).unwrap();
    std::fs::write(bench.out("other/results.db"), "something else").unwrap();
    std::fs::write(bench.out("bad.toml"), "clips = 'clip.wav'\nseedz = 3\n").unwrap();
    let refused = |args: &[&str], expected: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
        let output = command.current_dir(bench.folder.path()).arg("run").args(args).output().unwrap();
        let told = text(&output.stderr);
        assert!(
            output.status.code() == Some(2) && told.lines().count() == 1 && told.contains(expected),
            "{args:?}: {told}"
        );
    };
    refused(&["plan.toml", "--out", "other"], "other/results.db: not a result store");
    refused(&["plan.toml", "--out", "clip.wav/below"], "clip.wav/below: cannot write: Not a directory");
    refused(&["missing.toml"], "missing.toml: No such file");
    refused(&["bad.toml"], "bad.toml:2: unknown key 'seedz', did you mean 'seeds'?");
}
