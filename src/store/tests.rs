use super::*;
use crate::codec::audio::l16::L16;
use crate::codec::{Change, ChangeKind, Observed, Request};
use crate::cost::Cost;
use crate::latency::SettingDelay;
use crate::media::{Clip, Content, Pcm, PcmFormat};
use crate::metric::Series;
use crate::net::spec::NetSpec;
use crate::peer::Transport;
use crate::plan::Setting;
use crate::playout::audio::Receiver;
use crate::units::{Bitrate, Seed};
use std::sync::Arc;
use std::time::Duration;

fn clip(id: &str, content: Content, rate: u32, sample: i16) -> Arc<Clip> {
    Arc::new(Clip::new(id, content, Pcm { format: PcmFormat::mono(rate), samples: vec![sample; 8] }))
}

fn plan(seeds: u64) -> Plan {
    let setting = |label: &str, bitrate| Setting {
        label: label.into(),
        codec: &L16,
        request: Request { bitrate, ..Request::default() },
        beside: None,
        equipment: None,
    };
    Plan {
        name: "test".into(),
        clips: vec![clip("a,b", Content::Speech, 8000, 1)],
        settings: vec![setting("A", None), setting("B", Some(Bitrate(9000)))],
        receivers: vec![Receiver::default()],
        networks: vec![NetSpec::default()],
        seeds: (1..=seeds).map(Seed).collect(),
        warm_up: Duration::from_secs(1),
        metrics: Vec::new(),
        transport: Transport::Virtual,
        left_out: Vec::new(),
    }
}

fn scores() -> Scores {
    Scores {
        values: [("wire-bitrate".to_owned(), 0.1 + 0.2), ("x".to_owned(), -1e-7)].into(),
        unscored: [("pesq-wb".to_owned(), "says \"no\",\ntwice".to_owned())].into(),
        effective: [("frame".to_owned(), "10 ms".to_owned())].into(),
        changes: vec![Change {
            requested: "x=1".into(),
            effective: "ignored".into(),
            kind: ChangeKind::Unknown,
            reason: "it is unknown".into(),
        }],
        observed: Observed { fec_share: Some(0.25), ..Observed::default() },
        subject: Subject { clip_rate: Some(8000), sample_rate: Some(8000), lines: None, generative: true },
        series: vec![Series { name: "d", step_ms: 10.0, values: vec![0.5, -1.25] }],
    }
}

fn finish(plan: &Plan, index: usize, result: Result<Scores, String>) -> Finished {
    Finished { case: plan.case(index).unwrap(), result }
}

/// What a build wrote that did not know what came later.
fn as_of_an_earlier_build(folder: &std::path::Path) {
    let connection = Connection::open(folder.join(FILE)).unwrap();
    let later = "ALTER TABLE settings DROP COLUMN delay; ALTER TABLE settings DROP COLUMN footprint; \
                 DROP TABLE delay; DROP TABLE footprint; DROP TABLE networks; \
                 UPDATE texts SET text = json_remove(text, '$.subject');";
    connection.execute_batch(later).unwrap();
}

#[test]
fn a_store_of_an_earlier_build_is_read_by_its_words_and_written_as_any() {
    let folder = tempfile::tempdir().unwrap();
    let plan = Plan { networks: vec!["delay 40ms loss 5% burst 3".parse().unwrap()], ..plan(1) };
    let told = [("sample rate", "48000 Hz"), ("clip resampled", "8000 to 48000 Hz by rubato"), ("deep_plc", "on")];
    let scores = || Scores {
        effective: told.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
        series: Vec::new(),
        ..scores()
    };
    let mut store = Store::create(folder.path()).unwrap();
    store.begin(&plan).unwrap();
    store.write(&[finish(&plan, 0, Ok(scores()))]).unwrap();
    let delay = Some(SettingDelay { frame_ms: 10.0, lookahead_ms: 0.0, total_ms: 10.0 });
    store.write_measured("A", "k", &delay).unwrap();
    let before: Vec<Outcome> = store.outcomes().collect::<Result<_>>().unwrap();
    assert_eq!(before[0].net_shown.words, "delay 40ms loss 5% burst 3");
    assert_eq!((before[0].net_shown.base.as_str(), before[0].clip_rate()), ("delay 40ms", Some(8000)));
    drop(store);

    as_of_an_earlier_build(folder.path());
    let mut store = Store::open(folder.path()).unwrap();
    assert_eq!(store.outcomes().collect::<Result<Vec<_>>>().unwrap(), before);
    assert!(store.measurements::<Option<SettingDelay>>().unwrap().is_empty());
    assert_eq!(store.begin(&plan).unwrap(), [1]);
    store.write(&[finish(&plan, 1, Ok(scores()))]).unwrap();
    store.write_measured("B", "k", &delay).unwrap();
    assert_eq!(store.measured("k").unwrap(), Some(delay));
    assert_eq!(store.measurements().unwrap(), [("B".to_owned(), delay)].into());
    assert_eq!(store.outcomes().count(), 2);
}

#[test]
fn live_calls_are_kept_apart_and_tried_again_when_they_failed() {
    let folder = tempfile::tempdir().unwrap();
    let (simulated, live) = (plan(2), Plan { transport: Transport::Live, ..plan(2) });
    let mut store = Store::create(folder.path()).unwrap();
    assert_eq!(store.begin(&simulated).unwrap(), [0, 1, 2, 3]);
    store.write(&(0..4).map(|i| finish(&simulated, i, Ok(scores()))).collect::<Vec<_>>()).unwrap();
    assert_eq!(store.begin(&live).unwrap(), [0, 1, 2, 3]);
    store.write(&[finish(&live, 1, Ok(scores())), finish(&live, 2, Err("no socket".into()))]).unwrap();
    assert_eq!(store.count().unwrap(), Count { cases: 4, finished: 2, failed: 1 });
    assert_eq!(store.begin(&live).unwrap(), [0, 2, 3]);
    assert!(store.begin(&simulated).unwrap().is_empty());
}

#[test]
fn what_was_written_comes_back_in_the_order_of_the_plan() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(100);
    let mut store = Store::create(folder.path()).unwrap();
    assert_eq!(store.begin(&plan).unwrap().len(), 200);
    store.write(&[finish(&plan, 199, Ok(scores())), finish(&plan, 7, Err("it broke".into()))]).unwrap();
    store.write(&(10..150).map(|i| finish(&plan, i, Ok(scores()))).collect::<Vec<_>>()).unwrap();
    assert_eq!(store.count().unwrap(), Count { cases: 200, finished: 142, failed: 1 });

    let outcomes: Vec<Outcome> = store.outcomes().collect::<Result<_>>().unwrap();
    let places: Vec<usize> = outcomes.iter().map(|o| o.index).collect();
    assert_eq!(places, std::iter::once(7).chain(10..150).chain([199]).collect::<Vec<_>>());
    assert_eq!(outcomes[0].result, Err("it broke".into()));
    let last = outcomes.last().unwrap();
    assert_eq!(last.result, Ok(Scores { series: Vec::new(), ..scores() }));
    assert_eq!((last.label.as_str(), last.clip.as_str(), last.seed), ("B", "a,b", 100));
    assert_eq!((last.codec.as_str(), last.requested.as_str()), ("L16", "L16 9 kbit/s"));
    assert_eq!((last.content, last.net.as_str(), last.receiver.as_str()), (Content::Speech, "none", "fixed:60ms"));
    assert_eq!(last.key, Key::of(&plan.case(199).unwrap()).to_string());
    assert_eq!(store.series(&last.key).unwrap(), [("d".to_owned(), (10.0, vec![0.5, -1.25]))].into());
    assert!(store.series(&outcomes[0].key).unwrap().is_empty());
}

#[test]
fn a_second_plan_finds_the_cases_of_the_first_under_its_own_labels() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = plan(2);
    let mut store = Store::create(folder.path()).unwrap();
    store.begin(&plan).unwrap();
    store.write(&(0..4).map(|i| finish(&plan, i, Ok(scores()))).collect::<Vec<_>>()).unwrap();
    drop(store);

    let mut store = Store::open(folder.path()).unwrap();
    (plan.settings[0].label, plan.name) = ("renamed".into(), "second".into());
    plan.seeds = vec![Seed(2), Seed(3)];
    assert_eq!(store.begin(&plan).unwrap(), [2, 3], "seed 3 is new, seed 2 is not");
    let shown: Vec<_> = store.outcomes().map(|o| o.map(|o| (o.index, o.label, o.seed)).unwrap()).collect();
    assert_eq!(shown, [(0, "renamed".to_owned(), 2), (1, "B".to_owned(), 2)]);
    assert_eq!(store.plan().unwrap(), "second");
    store.write(&[finish(&plan, 0, Err("again".into()))]).unwrap();
    assert_eq!(store.count().unwrap().failed, 0, "a finished case stays as it is");
}

#[test]
fn a_store_that_was_not_closed_has_all_its_commits_and_no_other_file_stays() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(1);
    let mut store = Store::create(folder.path()).unwrap();
    store.begin(&plan).unwrap();
    store.write(&[finish(&plan, 0, Ok(scores()))]).unwrap();
    // What a killed process leaves: the file and its journal, as they are now.
    let crashed = tempfile::tempdir().unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap()) {
        std::fs::copy(file.path(), crashed.path().join(file.file_name())).unwrap();
    }
    drop(store);
    for folder in [&folder, &crashed] {
        let store = Store::open(folder.path()).unwrap();
        assert_eq!(store.count().unwrap(), Count { cases: 2, finished: 1, failed: 0 });
        drop(store);
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|f| f.unwrap().file_name()).collect();
        assert_eq!(left, [FILE]);
    }
}

#[test]
fn a_file_that_is_something_else_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let refused = |what: &str| {
        let before = std::fs::read(&path).unwrap();
        let error = Store::create(folder.path()).map(|_| ()).expect_err(what);
        assert!(matches!(error, Error::Input { .. }), "{what}: {error}");
        assert!(error.to_string().contains("results.db: ") && error.to_string().lines().count() == 1, "{error}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{what}");
    };
    std::fs::write(&path, "short").unwrap();
    refused("a short text");
    std::fs::write(&path, "no database ".repeat(1000)).unwrap();
    refused("a long text");
    std::fs::remove_file(&path).unwrap();
    Connection::open(&path).unwrap().execute_batch("CREATE TABLE x (y)").unwrap();
    refused("another database");
    std::fs::remove_file(&path).unwrap();
    drop(Store::create(folder.path()).unwrap());
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refused("a store of another version");
    std::fs::write(&path, "").unwrap();
    assert!(Store::create(folder.path()).is_ok(), "an empty file is what a kill before the first commit leaves");
}

#[test]
fn where_no_store_can_be_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Store::open(folder.path()), Err(Error::Input { .. })));
    std::fs::write(folder.path().join("file"), "x").unwrap();
    let below = Store::create(&folder.path().join("file/sub")).map(|_| ()).unwrap_err();
    assert!(matches!(&below, Error::Output { path, .. } if path.ends_with("file/sub")), "{below}");
}

#[test]
fn one_process_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let first = Store::create(folder.path()).unwrap();
    let error = Store::create(folder.path()).map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("another codecbench is using it"), "{error}");
    drop(first);
    assert!(Store::create(folder.path()).is_ok());
}

#[test]
fn exports_say_the_same_every_time_and_hide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(1);
    let mut store = Store::create(folder.path()).unwrap();
    store.begin(&plan).unwrap();
    store.write(&[finish(&plan, 1, Err("it \"broke\"".into())), finish(&plan, 0, Ok(scores()))]).unwrap();
    let cost = Cost {
        encode_us_per_frame: 1.5,
        decode_us_per_frame: 0.5,
        encode_x_realtime: 10.0,
        decode_x_realtime: 30.0,
        deadline_misses: 0.25,
        frame_ms: 10.0,
        machine: "m".into(),
        clip: "a,b".into(),
    };
    store.write_measured("A", "k", &cost).unwrap();
    assert_eq!(store.measured("k").unwrap(), Some(cost));
    export::write(&store, folder.path()).unwrap();

    let lines = std::fs::read_to_string(folder.path().join("results.jsonl")).unwrap();
    let [first, second] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    let value: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!((&value["schema"], &value["label"]), (&serde_json::json!(1), &serde_json::json!("A")));
    assert_eq!(value["scores"]["wire-bitrate"].as_f64(), Some(0.1 + 0.2), "shortest form that reads back the same");
    assert_eq!((&value["cost"]["machine"], &value["failure"]), (&serde_json::json!("m"), &serde_json::Value::Null));
    assert_eq!(value["observed"]["fec_share"], 0.25);
    let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    let place = |key: &str| first.find(&format!("\"{key}\":")).unwrap();
    assert!(keys.is_sorted() && place("changes") < place("clip") && place("seed") < place("warm_up_ms"), "{first}");
    let value: serde_json::Value = serde_json::from_str(second).unwrap();
    assert_eq!((&value["failure"], value.get("scores")), (&serde_json::json!("it \"broke\""), None));
    assert_eq!(value["cost"], serde_json::Value::Null);

    let csv = std::fs::read_to_string(folder.path().join("results.csv")).unwrap();
    let key_version = format!("\"a,b\",speech,L16,{},", (L16.version)());
    let expected = format!(
        "{COLUMNS}\n\
         0,{key_version}A,L16,none,0,fixed:60ms,1000,1,wire-bitrate,0.30000000000000004,kbit/s,\n\
         0,{key_version}A,L16,none,0,fixed:60ms,1000,1,x,-0.0000001,,\n\
         0,{key_version}A,L16,none,0,fixed:60ms,1000,1,pesq-wb,,{unit},\"says \"\"no\"\",\ntwice\"\n\
         1,{key_version}B,L16 9 kbit/s,none,0,fixed:60ms,1000,1,,,,\"it \"\"broke\"\"\"\n",
        COLUMNS = export::COLUMNS,
        unit = crate::metric::scale("pesq-wb").map_or("", |s| s.unit),
    );
    assert_eq!(csv, expected);
}
