//! Reports of many codecs: charts by licence terms, over the curves of 2011, over CPU time, and beside listening tests.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::legible::assert_legible;
use codecbench::latency::Footprint;
use codecbench::media::Content;
use codecbench::net::spec::Shown;
use codecbench::plan::{Outcome, Scores, Subject};
use codecbench::report::chart::charts;
use codecbench::report::{CostRow, Extras, View, table};
use codecbench::stats::Verdict;
use codecbench::units::Seed;

/// (codec, kbit/s, score): what listeners preferred in 2011 scores better, but for AMR-WB, which this "metric" puts first.
const SPEECH: [(&str, f64, f64); 10] = [
    ("opus", 11.0, 3.5),
    ("opus", 20.0, 4.0),
    ("opus", 32.0, 4.3),
    ("AMR", 12.2, 2.8),
    ("AMR-WB", 19.85, 4.2),
    ("iLBC", 15.2, 2.6),
    ("speex", 11.0, 2.2),
    ("speex", 23.8, 3.3),
    ("PCMU", 64.0, 3.2),
    ("G722", 64.0, 4.1),
];

fn view() -> View {
    let mut outcomes = Vec::new();
    for clip in 0..8u64 {
        for (content, ids) in
            [(Content::Speech, &["pesq-wb", "visqol-audio"][..]), (Content::Music, &["pesq-wb", "visqol-audio"])]
        {
            for (codec, kbps, score) in SPEECH {
                let noise = 0.1 * Seed(clip).draw_unit(codec, &[kbps as u64]);
                let mut values: Vec<(String, f64)> = ids.iter().map(|id| ((*id).to_owned(), score - noise)).collect();
                values.push(("payload-bitrate".into(), kbps));
                outcomes.push(Outcome {
                    key: String::new(),
                    index: 0,
                    clip: format!("{content:?}-{clip}"),
                    content,
                    codec: codec.into(),
                    codec_version: format!("{codec} 1"),
                    label: format!("{codec} {kbps} kbit/s"),
                    requested: String::new(),
                    net: "none".into(),
                    net_shown: Shown::default(),
                    net_loss: 0.0,
                    receiver: "fixed".into(),
                    warm_up_ms: 0.0,
                    seed: 1,
                    result: Ok(Scores {
                        values: values.into_iter().collect(),
                        effective: [("sample rate".to_owned(), "16000 Hz".to_owned())].into(),
                        subject: Subject { clip_rate: Some(16_000), sample_rate: Some(16_000), ..Subject::default() },
                        ..Scores::default()
                    }),
                });
            }
        }
    }
    let cost = |(codec, kbps, _): &(&str, f64, f64)| CostRow {
        label: format!("{codec} {kbps} kbit/s"),
        encode_us_per_frame: 10.0 * kbps,
        decode_us_per_frame: 5.0,
        frame_ms: 20.0,
        ..CostRow::default()
    };
    let print = |codec: &str, delays_ms, bands: &[(u32, f64)]| Footprint {
        codec: codec.into(),
        delays_ms,
        bands: bands.to_vec(),
    };
    let footprints = vec![
        print("opus", (5.0, 66.5), &[(6000, 4000.0), (16_000, 8000.0), (510_000, 20_000.0)]),
        print("PCMU", (10.0, 20.0), &[(64_000, 4000.0)]),
        print("G722", (11.4, 21.4), &[(64_000, 8000.0)]),
        print("MP3", (120.0, 240.0), &[(32_000, 10_000.0), (320_000, 20_000.0)]),
    ];
    let extras =
        Extras { title: "codecs".into(), costs: SPEECH.iter().map(cost).collect(), footprints, ..Extras::default() };
    View::build(outcomes.into_iter().map(Ok), extras).unwrap()
}

#[test]
fn a_metric_speaks_of_what_it_is_made_for() {
    let view = view();
    let [pesq, visqol] = ["pesq-wb", "visqol-audio"].map(|id| view.measure(id).unwrap());
    assert!(view.speaks(pesq, Content::Speech) && !view.speaks(pesq, Content::Music));
    assert!(!view.speaks(visqol, Content::Speech) && view.speaks(visqol, Content::Music));
}

#[test]
fn the_charts_of_many_codecs_are_there_and_none_twice() {
    let names: Vec<String> = charts(&view()).into_iter().map(|c| c.name).collect();
    for name in [
        "quality-vs-bitrate",
        "quality-vs-bitrate-pesq-wb",
        "quality-vs-bitrate-drawn-pesq-wb",
        "quality-vs-cpu",
        "bitrate-and-delay",
    ] {
        assert_eq!(names.iter().filter(|n| *n == name).count(), 1, "{name} of {names:?}");
    }
    assert!(!names.contains(&"delay-vs-bitrate".to_owned()), "its place is taken by bitrate-and-delay");
}

#[test]
fn no_text_touches_another_and_every_codec_is_named() {
    for chart in charts(&view()) {
        assert_legible(&chart);
        if chart.name == "quality-vs-bitrate-pesq-wb" {
            for name in ["opus", "AMR", "AMR-WB", "iLBC", "speex", "PCMU", "G722", "licence fees"] {
                assert!(chart.wide.texts().any(|w| w.text == name), "{name}");
            }
        }
        if chart.name == "bitrate-and-delay" {
            for name in ["opus", "PCMU", "G722", "MP3"] {
                assert!(chart.wide.texts().any(|w| w.text == name), "{name}");
            }
        }
    }
}

#[test]
fn what_listeners_found_stands_beside_what_was_measured() {
    let view = view();
    let pesq = view.measure("pesq-wb").unwrap();
    let label = |s: usize| view.settings[s].label.as_str();
    let found = |better: &str, worse: &str| {
        let same = |p: &&codecbench::report::Published| label(p.better) == better && label(p.worse) == worse;
        view.published.iter().find(same).unwrap_or_else(|| panic!("{better} over {worse}"))
    };
    let agrees = found("opus 11 kbit/s", "speex 11 kbit/s");
    assert_eq!((agrees.measure, agrees.agreement()), (pesq, "agrees"));
    assert!((agrees.paired.difference.mean - 1.3).abs() < 0.1, "{agrees:?}");
    let disagrees = found("opus 20 kbit/s", "AMR-WB 19.85 kbit/s");
    assert_eq!((disagrees.judged.verdict, disagrees.scores), (Verdict::Worse, (77.9, 66.6)));
    // Too near each other for its listeners: no pair of the Mandarin test, but one of the English one.
    let ilbc = view.published.iter().filter(|p| label(p.worse) == "iLBC 15.2 kbit/s").count();
    assert_eq!(ilbc, 1);
    let table = table::published(&view);
    assert!(table.text().contains("DISAGREES with the listeners"), "{}", table.text());
    assert!(table.rows.iter().any(|r| r.bad) && !table.rows.iter().all(|r| r.bad));
}
