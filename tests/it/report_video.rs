//! The report of video from outcomes to files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::legible::assert_legible;
use codecbench::codec::{Coded, Observed, ObservedPictures, Unit};
use codecbench::media::{Content, FrameRate, Picture, PictureFormat};
use codecbench::net::spec::Shown;
use codecbench::plan::{Outcome, Scores, Subject};
use codecbench::report::chart::charts;
use codecbench::report::{CostRow, Exhibit, Extras, Standing, Timeline, View, png, standings, table, webm, write};
use codecbench::units::{Seed, Time};
use std::collections::BTreeMap;

const CODECS: [(&str, f64); 4] = [("VP8", 0.0), ("VP9", 0.35), ("H264", 0.05), ("AV1", 0.6)];
const RATES: [f64; 4] = [150.0, 300.0, 600.0, 1200.0];
const NETS: [(&str, f64); 3] =
    [("delay 25ms", 0.0), ("delay 25ms loss 2%", 2.0), ("delay 25ms loss gemodel 1.25% 25%", 4.76)];
const CLIPS: [(&str, Content); 6] = [
    ("talk", Content::Camera),
    ("walk", Content::Camera),
    ("pan", Content::Camera),
    ("text", Content::Screen),
    ("slides", Content::Screen),
    ("code", Content::Screen),
];

/// A codec `gain` octaves better than another needs so many octaves less for the same quality.
fn outcome(codec: &str, gain: f64, rate: f64, net: (&str, f64), clip: (&str, Content), place: u64) -> Outcome {
    let chance = |what: &str| Seed(place).draw_unit(what, &[rate as u64, net.1 as u64]) - 0.5;
    let actual = rate * (1.0 + 0.04 * chance("rate"));
    let octaves = (actual / 150.0).log2() + gain - 0.25 * net.1.sqrt();
    let psnr = 31.0 + 2.4 * octaves + Seed(1).draw_unit("clip", &[clip.0.len() as u64]) * 3.0;
    let vmaf = 100.0 - 42.0 * (-0.55 * octaves).exp();
    let frozen = (net.1 * (2.0 + chance("freeze"))).max(0.0);
    let values = [
        ("psnr-y", psnr),
        ("vmaf", vmaf),
        ("ssim", 1.0 - 0.09 * (-0.6 * octaves).exp()),
        ("vmaf-rendered", vmaf + frozen.min(3.0)),
        ("payload-bitrate", actual),
        ("wire-bitrate", actual * 1.08),
        ("network-loss", net.1),
        ("stalled", frozen),
        ("freezes", frozen * 0.7),
        ("frame-rate", 30.0 - frozen),
        ("capture-to-render", 62.0 + 6.0 * net.1 + 5.0 * gain),
        ("capture-to-render-p95", 80.0 + 16.0 * net.1 + 9.0 * gain),
        ("audio-payload-bitrate", 32.0),
        ("pesq-wb", 4.2 - 0.1 * net.1),
    ];
    let pictures = ObservedPictures {
        profile: Some(if codec == "H264" { "constrained baseline".into() } else { "profile 0".into() }),
        level: (codec == "H264").then(|| "3.1".into()),
        size: Some((640, 360)),
        frame_rate: 29.97,
        layers: 1,
        key_frames: 1 + net.1 as u32,
        qp: (codec != "AV1").then_some(34.5),
    };
    let scores = Scores {
        values: values.map(|(k, v)| (k.to_owned(), v)).into(),
        effective: BTreeMap::from([("bitrate".into(), format!("{rate} kbit/s")), ("size".into(), "640x360".into())]),
        observed: Observed { pictures: Some(pictures), ..Observed::default() },
        subject: Subject { lines: Some(360), ..Subject::default() },
        ..Scores::default()
    };
    Outcome {
        key: String::new(),
        index: 0,
        clip: clip.0.into(),
        content: clip.1,
        codec: codec.into(),
        codec_version: format!("lib{} 1.0", codec.to_lowercase()),
        label: format!("{codec} {rate} kbit/s"),
        requested: format!("{codec} {rate} kbit/s"),
        net: net.0.into(),
        net_shown: Shown::of(net.0),
        net_loss: net.1,
        receiver: "adaptive".into(),
        warm_up_ms: 5000.0,
        seed: 1,
        result: Ok(scores),
    }
}

fn outcomes(clips: &[(&str, Content)]) -> Vec<Outcome> {
    let mut all = Vec::new();
    for (place, clip) in clips.iter().enumerate() {
        for net in NETS {
            for (codec, gain) in CODECS {
                all.extend(RATES.map(|rate| outcome(codec, gain, rate, net, *clip, place as u64)));
            }
        }
    }
    all
}

/// 10 s with two freezes, each ended by a key frame.
fn timeline() -> Timeline {
    let frozen: Vec<bool> = (0..300).map(|t| (90..117).contains(&t) || (201..212).contains(&t)).collect();
    let (mut vmaf, mut psnr) = (Vec::new(), Vec::new());
    let mut since = 0.0;
    for (t, still) in frozen.iter().enumerate() {
        since = if *still { since + 1.0 } else { 0.0 };
        let wave = (t as f64 / 9.0).sin();
        vmaf.push((88.0 + 3.0 * wave - 50.0 * (1.0 - (-since / 5.0_f64).exp())) as f32);
        psnr.push((37.0 + wave - 12.0 * (1.0 - (-since / 5.0_f64).exp())) as f32);
    }
    Timeline {
        setting: "VP8 600 kbit/s".into(),
        case: "delay 25ms loss gemodel 1.25% 25%, clip walk, seed 1".into(),
        step_ms: 1000.0 / 30.0,
        curves: vec![("vmaf".into(), vmaf), ("psnr-y".into(), psnr)],
        key: (0..300).map(|t| matches!(t, 0 | 117 | 212)).collect(),
        frozen,
    }
}

fn extras() -> Extras {
    let cost = |(codec, gain): (&str, f64)| {
        RATES.map(|rate| CostRow {
            label: format!("{codec} {rate} kbit/s"),
            encode_us_per_frame: 2000.0 * (1.0 + 8.0 * gain),
            decode_us_per_frame: 700.0,
            frame_ms: 33.3,
            deadline_misses: Some(gain / 50.0),
            machine: "a laptop".into(),
        })
    };
    Extras {
        title: "video".into(),
        costs: CODECS.into_iter().flat_map(cost).collect(),
        timelines: vec![timeline()],
        ..Extras::default()
    }
}

fn view() -> View {
    View::build(outcomes(&CLIPS).into_iter().map(Ok), extras()).unwrap()
}

#[test]
fn every_chart_that_video_has_figures_for_is_there() {
    let all = charts(&view());
    let names = |secondary: bool| -> Vec<String> {
        all.iter().filter(|c| c.secondary == secondary).map(|c| c.name.clone()).collect()
    };
    assert_eq!(
        names(false),
        [
            "quality-vs-bitrate",
            "render-delay-vs-bitrate",
            "quality-vs-loss",
            "quality-vs-loss-2",
            "stalled-vs-loss",
            "stalled-vs-loss-2",
            "frame-quality"
        ]
    );
    let more = names(true);
    for id in ["psnr-y", "ssim", "vmaf-rendered", "pesq-wb"] {
        assert!(more.contains(&format!("quality-vs-bitrate-{id}")), "{id}: {more:?}");
    }
    assert!(!more.iter().any(|n| n.contains("frame-rate")), "a fact is no quality: {more:?}");
    assert!(all[0].wide.texts().any(|w| w.text.starts_with("VMAF, points")), "VMAF leads");
    let view = view();
    let ids: Vec<&str> = view.qualities().into_iter().map(|m| view.measures[m].id.as_str()).collect();
    assert_eq!(ids, ["vmaf", "psnr-y", "ssim", "vmaf-rendered", "pesq-wb"]);
}

#[test]
fn no_text_touches_another_or_the_edge() {
    for chart in charts(&view()) {
        assert_legible(&chart);
        for scene in [&chart.wide, &chart.narrow] {
            let svg = scene.svg(&chart.title).unwrap();
            assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains('#'), "{}", chart.name);
        }
    }
}

#[test]
fn whole_curves_are_measured_against_the_anchor() {
    let view = view();
    let psnr = view.measure("psnr-y").unwrap();
    for delta in view.deltas.iter().filter(|d| d.measure == psnr) {
        assert_eq!((delta.anchor.as_str(), delta.clips), ("VP8", 3));
        // A gain of g octaves is a rate of 2^-g; it is measured within the noise of the rates.
        let gain = CODECS.iter().find(|c| c.0 == delta.test).unwrap().1;
        let (rate, quality) = (delta.rate.as_ref().unwrap(), delta.quality.as_ref().unwrap());
        let expected = ((-gain).exp2() - 1.0) * 100.0;
        assert!((rate.mean - expected).abs() < 3.0, "{}: {} not {expected}", delta.test, rate.mean);
        assert!((quality.mean - 2.4 * gain).abs() < 0.1, "{}: {}", delta.test, quality.mean);
        let interval = rate.interval.unwrap();
        assert!(interval.low <= rate.mean && rate.mean <= interval.high);
        assert!(rate.range.low < rate.range.high && quality.range.low > 140.0 && quality.range.high < 1250.0);
    }
    let networks_and_materials = NETS.len() * 2;
    assert_eq!(view.deltas.len(), view.qualities().len() * networks_and_materials * 3);
}

#[test]
fn the_anchor_can_be_chosen_and_must_be_there() {
    let with = |anchor: &str| {
        let extras = Extras { anchor: Some(anchor.into()), ..Extras::default() };
        View::build(outcomes(&CLIPS[..2]).into_iter().map(Ok), extras)
    };
    let view = with("h264 300 kbit/s").unwrap();
    assert!(view.deltas.iter().all(|d| d.anchor == "H264" && d.test != "H264") && !view.deltas.is_empty());
    let error = with("HEVC").unwrap_err();
    assert_eq!(error.exit_code(), 2);
    assert!(error.to_string().contains("VP8, VP9, H264, AV1"), "{error}");
}

#[test]
fn what_has_no_delta_says_why() {
    let mut all = outcomes(&CLIPS[..2]);
    for o in &mut all {
        let scores = o.result.as_mut().unwrap();
        match (o.codec.as_str(), o.label.as_str()) {
            ("VP9", _) => *scores.values.get_mut("psnr-y").unwrap() += 40.0,
            ("H264", "H264 600 kbit/s") => *scores.values.get_mut("psnr-y").unwrap() -= 9.0,
            _ => {}
        }
    }
    let view = View::build(all.into_iter().map(Ok), Extras::default()).unwrap();
    let psnr = view.measure("psnr-y").unwrap();
    let of = |test: &str| view.deltas.iter().find(|d| d.measure == psnr && d.test == test).unwrap();
    assert!(of("VP9").rate.as_ref().unwrap_err().starts_with("no overlap: 7"), "{:?}", of("VP9").rate);
    assert!((of("VP9").quality.as_ref().unwrap().mean - 40.84).abs() < 0.2, "bitrates do overlap");
    let reason = of("H264").rate.as_ref().unwrap_err();
    assert!(reason.contains("H264 has 3 points"), "{reason}");
    let one_clip = View::build(outcomes(&CLIPS[..1]).into_iter().map(Ok), Extras::default()).unwrap();
    let shift = one_clip.deltas[0].rate.as_ref().unwrap();
    assert_eq!((shift.interval, shift.remark.as_str()), (None, "one clip has no interval"));
    let csv = {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &view).unwrap();
        std::fs::read_to_string(folder.path().join("bd.csv")).unwrap()
    };
    assert_eq!(csv.lines().count(), view.deltas.len() + 1);
    let columns = csv.lines().next().unwrap().split(',').count();
    assert!(csv.lines().filter(|l| !l.contains('"')).all(|l| l.split(',').count() == columns), "{csv}");
    assert!(csv.contains("no overlap"));
}

#[test]
fn the_front_has_what_nothing_beats() {
    // Two settings of each of two codecs: the worse codec is on no front but by its cheaper encoder.
    let pick = |all: Vec<Outcome>| -> Vec<Outcome> {
        let keep = |o: &Outcome| ["VP8", "AV1"].contains(&o.codec.as_str()) && !o.label.contains(" 150 ");
        all.into_iter().filter(keep).collect()
    };
    let standing = |extras: Extras| {
        let view = View::build(pick(outcomes(&CLIPS[..2])).into_iter().map(Ok), extras).unwrap();
        let of: BTreeMap<String, Standing> =
            standings(&view, 0).into_iter().map(|(s, standing)| (view.settings[s].label.clone(), standing)).collect();
        (of["AV1 600 kbit/s"], of["VP8 600 kbit/s"], table::front(&view))
    };
    let dear = Extras { costs: extras().costs, ..Extras::default() };
    let (av1, vp8, table) = standing(dear);
    assert_eq!((av1, vp8), (Standing::Hull, Standing::Trade));
    assert!(table.note.contains("as little capture-to-render delay and CPU time"), "{}", table.note);
}

#[test]
fn what_the_pictures_show_of_themselves_is_said() {
    let view = view();
    let text = table::settings(&view).text();
    let line = |label: &str| text.lines().find(|l| l.starts_with(label)).unwrap_or_default().to_owned();
    let h264 = "constrained baseline profile; level 3.1; 640x360; 30 fps; 1 to 5 key frames per case; QP 34.5";
    assert!(line("H264 600").contains(h264), "{}", line("H264 600"));
    assert!(line("AV1 600").contains("profile 0; 640x360") && !line("AV1 600").contains("QP"));
    assert_eq!(table::observed_pictures(&view).rows.len(), CODECS.len() * RATES.len() * NETS.len() * 2);
    assert!(table::observed(&view).rows.is_empty(), "no packet of audio was looked at");
    assert!(table::costs(&view).text().contains("frames over the interval (%)"));
    let beside = &view.measures[view.measure("audio-payload-bitrate").unwrap()];
    assert_eq!((beside.title.as_str(), beside.unit.as_str()), ("payload bitrate, audio beside", "kbit/s"));
}

#[test]
fn exhibits_are_in_the_page_and_nothing_else_is_asked_for() {
    let format = PictureFormat { width: 64, height: 36, rate: FrameRate::new(30, 1) };
    let picture = Coded { id: 0, key: true, layer: 0, depends_on: Vec::new(), switch: false, qp: None };
    let unit = Unit { data: vec![1; 9], pts: Time::ZERO, duration: format.rate.at(1), picture: Some(picture) };
    let exhibit = Exhibit {
        caption: "frame 93 at 3.1 s: VMAF 21.4 < 30".into(),
        setting: "VP8 600 kbit/s".into(),
        condition: "delay 25ms loss 2%, clip walk, seed 1".into(),
        reference_png: png(&Picture::grey(64, 36, 120), 32).unwrap(),
        shown_png: png(&Picture::grey(64, 36, 60), 32).unwrap(),
        clip: Some(webm::file("VP8", &format, &[unit]).unwrap()),
    };
    let extras = Extras { exhibits: vec![exhibit], ..Extras::default() };
    let view = View::build(outcomes(&CLIPS[..1]).into_iter().map(Ok), extras).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &view).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert_eq!(page.matches("src=\"data:image/png;base64,iVBORw0KGgo").count(), 2);
    assert_eq!(page.matches("src=\"data:video/webm;base64,GkXfo").count(), 1);
    assert!(page.contains("VMAF 21.4 &lt; 30"));
    assert_eq!(page.matches("src=").count(), 3);
    for request in ["http:", "https:", "url(", "@import", "<link", "<script"] {
        assert!(!page.contains(request), "{request}");
    }
}
