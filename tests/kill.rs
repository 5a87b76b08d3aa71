//! The program under kill, Ctrl-C and a file-size limit: no finished case is lost or computed again, and the results in the
//! end are those of an undisturbed run.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

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
    let bench = Bench::new(60);
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
    assert_eq!(text(&last.stdout), "killed\n", "stdout says where the results are");
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
        told.contains(&format!("{} cases are kept, {left} are left; the same command goes on", count.finished)),
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
    for blocks in [8, 200] {
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
