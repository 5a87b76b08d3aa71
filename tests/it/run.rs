//! Runs of a plan, most with a stand-in for the call: what is computed, what is kept, and that neither threads nor stops show
//! in the results.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::codec::Request;
use codecbench::codec::audio::l16::L16;
use codecbench::error::{Error, Result};
use codecbench::experiment::{Done, How, Keep, Observer, Progress, cases, costs, run, view};
use codecbench::latency::{Probe, SettingDelay};
use codecbench::media::{Clip, Content, Pcm, PcmFormat};
use codecbench::peer::Transport;
use codecbench::plan::{Case, Plan, Scores, Setting};
use codecbench::report::Compare;
use codecbench::store::{Count, Store, export};
use codecbench::units::{Bitrate, Seed};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn plan(seeds: u64) -> Plan {
    let pcm = |sample| Pcm { format: PcmFormat::mono(8000), samples: vec![sample; 800] };
    let clip = |id: &str, sample| Arc::new(Clip::new(id, Content::Signal, pcm(sample)));
    let setting = |label: &str, bitrate| Setting {
        label: label.into(),
        codec: &L16,
        request: Request { bitrate, ..Request::default() },
        beside: None,
        equipment: None,
    };
    Plan {
        name: "fake".into(),
        clips: vec![clip("one", 1), clip("two", 2)],
        settings: vec![setting("A", None), setting("B", Some(Bitrate(8000)))],
        receivers: vec![Default::default()],
        networks: vec![Default::default(), "loss 5%".parse().unwrap()],
        seeds: (1..=seeds).map(Seed).collect(),
        warm_up: Duration::ZERO,
        metrics: Vec::new(),
        transport: Transport::Virtual,
        left_out: Vec::new(),
    }
}

/// A result that any change of the case would change.
fn fake(case: &Case) -> Result<Scores> {
    let name = format!("{} {} {} {}", case.label, case.clip.id, case.net, case.seed.0);
    let score = case.seed.draw_unit(&name, &[]);
    if score > 0.95 {
        return Err(Error::Call(format!("{score} is too good")));
    }
    let mut scores = Scores::default();
    scores.values.insert("pesq-wb".into(), score);
    scores.effective.insert("label".into(), case.label.clone());
    Ok(scores)
}

/// Runs to the end; how often `work` was called.
fn finish(plan: &Plan, folder: &Path, jobs: usize) -> usize {
    let calls = AtomicUsize::new(0);
    let mut store = Store::create(folder).unwrap();
    let todo = store.begin(plan).unwrap();
    let work = |case: &Case| {
        calls.fetch_add(1, Ordering::Relaxed);
        fake(case)
    };
    assert!(cases(plan, &todo, &mut store, jobs, &AtomicBool::new(false), work, |_| ()).unwrap());
    export::write(&store, folder).unwrap();
    calls.into_inner()
}

fn lines(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("results.jsonl")).unwrap()
}

#[test]
fn the_number_of_threads_does_not_show() {
    let (one, four) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    assert_eq!((finish(&plan(50), one.path(), 1), finish(&plan(50), four.path(), 4)), (400, 400));
    for file in ["results.jsonl", "results.csv"] {
        let read = |folder: &Path| std::fs::read(folder.join(file)).unwrap();
        assert!(read(one.path()) == read(four.path()), "{file} differs");
    }
    assert_eq!(lines(one.path()).lines().count(), 400);
    assert!(lines(one.path()).contains("is too good"), "a failure is a row");
}

#[test]
fn a_second_run_computes_nothing_and_a_larger_plan_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(finish(&plan(5), folder.path(), 2), 40);
    let first = lines(folder.path());
    assert_eq!(finish(&plan(5), folder.path(), 2), 0, "failed cases are not tried again either");
    assert_eq!(lines(folder.path()), first);
    assert_eq!(finish(&plan(7), folder.path(), 2), 16);
    assert!(lines(folder.path()).starts_with(&first), "seeds turn slowest");
    assert_eq!(finish(&plan(5), folder.path(), 2), 0);
    assert_eq!(lines(folder.path()), first, "a smaller plan shows its own cases alone");
}

#[test]
fn a_stop_keeps_what_is_done_and_the_next_run_does_the_rest() {
    let (whole, stopped) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let plan = plan(20);
    finish(&plan, whole.path(), 2);

    let stop = AtomicBool::new(false);
    let mut store = Store::create(stopped.path()).unwrap();
    let todo = store.begin(&plan).unwrap();
    let mut seen = Vec::new();
    let done = cases(&plan, &todo, &mut store, 2, &stop, fake, |progress| {
        seen.push(progress);
        stop.store(progress.done >= 30, Ordering::Relaxed);
    });
    assert!(!done.unwrap(), "it was stopped");
    let count = store.count().unwrap();
    assert!(seen.is_sorted_by_key(|p| p.done) && seen.iter().all(|p| p.total == 160));
    let last = *seen.last().unwrap();
    assert_eq!((last.done, last.failed), (count.finished as usize, count.failed as usize), "told when committed");
    assert!((30..160).contains(&count.finished));
    drop(store);
    assert_eq!(finish(&plan, stopped.path(), 2), 160 - count.finished as usize);
    assert_eq!(lines(stopped.path()), lines(whole.path()));
}

#[test]
fn a_panic_is_a_failed_case_and_a_nan_is_no_score() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path()).unwrap();
    let plan = plan(1);
    let todo = store.begin(&plan).unwrap();
    let work = |case: &Case| {
        if case.clip.id == "one" {
            panic!("index {} is beyond {}", 7, 3);
        }
        let mut call = fake(case)?;
        call.values.insert("si-sdr".into(), f64::NAN);
        Ok(call)
    };
    assert!(cases(&plan, &todo, &mut store, 2, &AtomicBool::new(false), work, |_| ()).unwrap());
    for outcome in store.outcomes().map(|o| o.unwrap()) {
        if outcome.clip == "one" {
            assert_eq!(outcome.result, Err("panicked: index 7 is beyond 3".into()));
        } else if let Ok(scores) = outcome.result {
            assert_eq!(scores.values.keys().collect::<Vec<_>>(), ["pesq-wb"]);
            assert!(scores.unscored["si-sdr"].contains("NaN"));
        }
    }
    let count = store.count().unwrap();
    assert!(count.finished == 8 && (4..8).contains(&count.failed), "{count:?}");
}

#[test]
fn a_file_that_cannot_be_written_ends_the_run_and_is_no_result() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::create(folder.path()).unwrap();
    let plan = plan(10);
    let todo = store.begin(&plan).unwrap();
    let work =
        |case: &Case| if case.seed == Seed(3) { Err(Error::output("media/x.wav", "disk full")) } else { fake(case) };
    let error = cases(&plan, &todo, &mut store, 2, &AtomicBool::new(false), work, |_| ()).unwrap_err();
    assert!(matches!(error, Error::Output { .. }) && error.exit_code() == 2, "{error}");
    let kept: Vec<u64> = store.outcomes().map(|o| o.unwrap().seed).collect();
    assert!(kept.len() >= 14 && !kept.contains(&3), "{kept:?}");
}

#[test]
fn cost_is_measured_once_per_setting_and_stands_under_cost_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(1);
    finish(&plan, folder.path(), 1);
    let before = lines(folder.path());
    let mut store = Store::create(folder.path()).unwrap();
    let measured = Mutex::new(Vec::new());
    for _ in 0..2 {
        let alone = |setting: &Setting| codecbench::cost::measure(setting, &plan.clips[0]);
        let told = |setting: &Setting| measured.lock().unwrap().push(setting.label.clone());
        costs(&plan, &mut store, &AtomicBool::new(false), alone, told).unwrap();
    }
    assert_eq!(*measured.lock().unwrap(), ["A", "B"]);
    export::write(&store, folder.path()).unwrap();
    let values =
        |text: &str| -> Vec<serde_json::Value> { text.lines().map(|l| serde_json::from_str(l).unwrap()).collect() };
    let mut after = values(&lines(folder.path()));
    assert!(after.iter().all(|line| line["cost"]["encode_x_realtime"].as_f64().unwrap() > 0.0));
    after.iter_mut().for_each(|line| line["cost"] = serde_json::Value::Null);
    assert_eq!(after, values(&before));
}

/// Keeps what it is told.
#[derive(Default)]
struct Told {
    progress: Mutex<Vec<Progress>>,
    notes: Mutex<Vec<String>>,
}

impl Observer for Told {
    fn progress(&self, progress: Progress) {
        self.progress.lock().unwrap().push(progress);
    }
    fn note(&self, text: &str) {
        self.notes.lock().unwrap().push(text.to_owned());
    }
}

/// A second of noise through L16, in packets of so many ms.
fn real(packet_ms: u64) -> Plan {
    let samples = (0..8000).map(|i| (Seed(1).draw_unit("noise", &[i]) * 2000.0 - 1000.0) as i16).collect();
    let noise = Clip::new("noise", Content::Signal, Pcm { format: PcmFormat::mono(8000), samples });
    let request = Request { ptime: Some(Duration::from_millis(packet_ms)), ..Request::default() };
    Plan { clips: vec![Arc::new(noise)], settings: vec![Setting::new("A", &L16, request)], ..plan(1) }
}

#[test]
fn a_plan_runs_to_a_folder_and_a_second_time_only_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let (mut plan, never) = (real(10), AtomicBool::new(false));
    let mut store = Store::create(folder.path()).unwrap();
    let how = How { keep: Keep { media: true, ..Keep::default() }, ..How::default() };
    let told = Told::default();
    let done = run(&mut plan, &mut store, &how, &never, &told).unwrap();
    assert_eq!(done, Done { count: Count { cases: 2, finished: 2, failed: 0 }, interrupted: false });
    let progress = told.progress.into_inner().unwrap();
    assert_eq!(progress.first(), Some(&Progress { done: 0, total: 2, failed: 0 }));
    assert_eq!(progress.last(), Some(&Progress { done: 2, total: 2, failed: 0 }));
    assert_eq!(told.notes.into_inner().unwrap(), ["CPU time of A"]);
    assert_eq!(std::fs::read_dir(folder.path().join("media")).unwrap().count(), 2);
    let first = view(&[&store], Compare::FewOnly, None).unwrap();
    let delays: Vec<(&str, f64)> = first.delays.iter().map(|d| (d.setting.as_str(), d.total_ms.round())).collect();
    assert_eq!((delays, first.costs.len()), (vec![("A", 10.0)], 1));

    // What is there under its key is taken as it is.
    let key = Probe::of(&plan.settings[0], &plan.clips[0].format()).unwrap().key();
    let planted = Some(SettingDelay { frame_ms: 10.0, lookahead_ms: 3.0, total_ms: 13.0 });
    store.write_measured("A", &key, &planted).unwrap();
    let told = Told::default();
    assert_eq!(run(&mut plan, &mut store, &how, &never, &told).unwrap(), done);
    assert_eq!(told.notes.into_inner().unwrap(), ["2 of 2 cases are there already"]);
    assert_eq!(view(&[&store], Compare::FewOnly, None).unwrap().delays[0].total_ms, 13.0);

    // Files that are gone are made again.
    std::fs::remove_dir_all(folder.path().join("media")).unwrap();
    run(&mut plan, &mut store, &how, &never, &()).unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("media")).unwrap().count(), 2);
}

#[test]
fn a_run_that_is_stopped_says_what_is_left_and_measures_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (mut store, told) = (Store::create(folder.path()).unwrap(), Told::default());
    let done = run(&mut real(10), &mut store, &How::default(), &AtomicBool::new(true), &told).unwrap();
    assert_eq!(done, Done { count: Count { cases: 2, finished: 0, failed: 0 }, interrupted: true });
    assert_eq!(
        told.notes.into_inner().unwrap(),
        ["stopped: 0 cases are kept, 2 are left; another run goes on from there"]
    );
    assert!(store.measurements::<Option<SettingDelay>>().unwrap().is_empty());
    assert!(!folder.path().join("results.jsonl").exists());
}

#[test]
fn of_several_stores_each_setting_has_the_delay_that_its_own_run_measured() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let stores = [10, 20].into_iter().zip(&folders).map(|(packet_ms, folder)| {
        let mut store = Store::create(folder.path()).unwrap();
        run(&mut real(packet_ms), &mut store, &How::default(), &AtomicBool::new(false), &()).unwrap();
        store
    });
    let stores: Vec<Store> = stores.collect();
    let both = view(&stores.iter().collect::<Vec<_>>(), Compare::FewOnly, None).unwrap();
    let delays: Vec<(&str, f64)> = both.delays.iter().map(|d| (d.setting.as_str(), d.frame_ms)).collect();
    assert_eq!(delays, [("A", 10.0), ("A #2", 20.0)]);
    assert!(both.footprints.is_empty(), "of one codec");
}

/// Not a test by itself: the process that [`no_kill_loses_a_committed_case`] kills. Tells each commit on stdout, and
/// each case that it begins in the file `begun`.
#[test]
fn child() {
    let Some(folder) = std::env::var_os("CODECBENCH_TEST_FOLDER") else { return };
    let folder = Path::new(&folder);
    let plan = plan(40);
    let begun = Mutex::new(std::fs::OpenOptions::new().append(true).create(true).open(folder.join("begun")).unwrap());
    let mut store = Store::create(folder).unwrap();
    let todo = store.begin(&plan).unwrap();
    let work = |case: &Case| {
        use std::io::Write;
        let line = format!("{} {} {} {}\n", case.label, case.clip.id, case.net, case.seed.0);
        begun.lock().unwrap().write_all(line.as_bytes()).unwrap();
        std::thread::sleep(Duration::from_millis(2));
        fake(case)
    };
    cases(&plan, &todo, &mut store, 2, &AtomicBool::new(false), work, |p| println!("done {}", p.done)).unwrap();
}

#[test]
fn no_kill_loses_a_committed_case() {
    use std::io::{BufRead, BufReader};
    let folder = tempfile::tempdir().unwrap();
    let begun = folder.path().join("begun");
    let mut finished = BTreeSet::new();
    for round in 0..20 {
        let _ = std::fs::remove_file(&begun);
        let mut child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "run::child", "--nocapture", "--test-threads=1"])
            .env("CODECBENCH_TEST_FOLDER", folder.path())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut told = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines().map_while(|l| l.ok()) {
            // The test harness may have begun the line.
            if let Some((_, count)) = line.split_once("done ") {
                told = count.parse().unwrap();
            }
            if told > round % 7 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Store::open(folder.path()).unwrap();
        let now: BTreeSet<String> = store
            .outcomes()
            .map(|o| o.map(|o| format!("{} {} {} {}", o.label, o.clip, o.net, o.seed)).unwrap())
            .collect();
        assert!(
            now.is_superset(&finished) && now.len() >= finished.len() + told,
            "round {round}: {} of {told}",
            now.len()
        );
        let begun = std::fs::read_to_string(&begun).unwrap();
        assert!(begun.lines().all(|line| !finished.contains(line)), "round {round}: a finished case was begun again");
        finished = now;
    }
    assert!(finished.len() >= 20 && finished.len() < 320);
    assert_eq!(finish(&plan(40), folder.path(), 2), 320 - finished.len());
    let whole = tempfile::tempdir().unwrap();
    finish(&plan(40), whole.path(), 2);
    assert_eq!(lines(folder.path()), lines(whole.path()));
}
