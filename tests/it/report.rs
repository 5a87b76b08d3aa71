//! The report from outcomes to files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use crate::legible::assert_legible;
use codecbench::codec::{Change, ChangeKind, Observed};
use codecbench::media::Content;
use codecbench::net::spec::Shown;
use codecbench::plan::{Outcome, Scores, Subject};
use codecbench::report::chart::charts;
use codecbench::report::{Compare, CostRow, DelayRow, Extras, View, answer, opening, table, write};
use codecbench::units::Seed;
use std::collections::BTreeMap;

const CLIPS: u64 = 6;
const SEEDS: u64 = 2;

/// Settings with a score that falls with loss, the same chance for all of them.
fn outcomes(settings: &[(&str, &str, f64, f64)], losses: &[f64]) -> Vec<Outcome> {
    let mut all = Vec::new();
    for clip in 0..CLIPS {
        for seed in 0..SEEDS {
            for loss in losses {
                for (label, codec, kilobits, quality) in settings {
                    let luck = Seed(seed).draw_unit("weather", &[clip]) * 0.2;
                    all.push(outcome(label, codec, *kilobits, quality - luck - 0.1 * loss, *loss, clip, seed));
                }
            }
        }
    }
    all
}

fn outcome(label: &str, codec: &str, kilobits: f64, score: f64, loss: f64, clip: u64, seed: u64) -> Outcome {
    let values = [
        ("pesq-wb", score),
        ("payload-bitrate", kilobits),
        ("wire-bitrate", kilobits + 24.0),
        ("mouth-to-ear-clock", 90.0),
        ("mouth-to-ear-p95", 110.0),
        ("network-loss", loss),
    ];
    let opus = codec == "opus";
    let observed = Observed {
        frame_ms: opus.then_some(20.0),
        bandwidths: if opus { vec![("wideband".into(), 1.0)] } else { Vec::new() },
        channels: opus.then_some(1),
        fec_share: opus.then_some(loss / 10.0),
        ..Observed::default()
    };
    let change = Change {
        requested: "maxaveragebitrate=999999".into(),
        effective: "510000".into(),
        kind: ChangeKind::Clamped,
        reason: "above the range of RFC 7587".into(),
    };
    let scores = Scores {
        values: values.map(|(k, v)| (k.to_owned(), v)).into(),
        effective: BTreeMap::from([("bitrate".into(), format!("{} bit/s", kilobits * 1000.0))]),
        changes: if opus { vec![change] } else { Vec::new() },
        observed,
        ..Scores::default()
    };
    let net = if loss > 0.0 { format!("delay 40ms loss {loss}%") } else { "delay 40ms".into() };
    Outcome {
        key: String::new(),
        index: 0,
        clip: format!("clip-{clip}"),
        content: Content::Speech,
        codec: codec.into(),
        codec_version: format!("{codec} 1.0"),
        label: label.into(),
        requested: format!("{codec} {kilobits} kbit/s"),
        net_shown: Shown::of(&net),
        net,
        net_loss: loss,
        receiver: "adaptive".into(),
        warm_up_ms: 30_000.0,
        seed,
        result: Ok(scores),
    }
}

fn view(outcomes: Vec<Outcome>, extras: Extras) -> View {
    View::build(outcomes.into_iter().map(Ok), extras).unwrap()
}

fn many() -> View {
    let settings = [
        ("opus 8k", "opus", 8.0, 2.9),
        ("opus 12k", "opus", 12.0, 3.4),
        ("opus 16k", "opus", 16.0, 3.8),
        ("opus 24k", "opus", 24.0, 4.2),
        ("opus 32k", "opus", 32.0, 4.3),
        ("opus 64k", "opus", 64.0, 4.4),
        ("G722", "G722", 64.0, 4.1),
        ("PCMU", "PCMU", 64.0, 4.1),
        ("L16", "L16", 256.0, 4.6),
    ];
    let delay = |codec: &str, setting: &str, bitrate, lookahead_ms| DelayRow {
        codec: codec.into(),
        setting: setting.into(),
        bitrate,
        frame_ms: 20.0,
        lookahead_ms,
        total_ms: 20.0 + lookahead_ms,
    };
    let extras = Extras {
        title: "many".into(),
        delays: vec![delay("opus", "opus 24k", None, 6.5), delay("iLBC", "iLBC", Some(13.3), 5.0)],
        costs: vec![CostRow { label: "G722".into(), encode_us_per_frame: 10.0, frame_ms: 20.0, ..CostRow::default() }],
        ..Extras::default()
    };
    view(outcomes(&settings, &[0.0, 1.0, 1.5, 5.0, 10.0, 20.0]), extras)
}

fn pair() -> View {
    view(outcomes(&[("A", "opus", 24.0, 4.0), ("B", "opus", 20.0, 4.2)], &[5.0]), Extras::default())
}

#[test]
fn a_report_opens_with_what_was_measured_and_its_first_findings() {
    let many = opening(&many());
    assert_eq!(many.len(), 3, "{many:?}");
    assert!(many[0].starts_with("9 codec settings on 6 networks, 6 clips and 2 seeds each: 648 cases"), "{many:?}");
    assert!(many[1].contains("MOS-LQO") && many.iter().all(|sentence| sentence.ends_with('.')), "{many:?}");

    let sweep = [("A", "opus", 24.0, 4.0), ("B", "opus", 20.0, 4.3)];
    let mut outcomes = outcomes(&sweep, &[1.0, 5.0, 10.0]);
    let recorded = opening(&view(outcomes.clone(), Extras::default()));
    assert!(recorded[1].starts_with("Over delay 40ms, PESQ wide-band: B is better at 1 to 10 % loss"), "{recorded:?}");

    // What is not recorded is said first of all.
    let artificial = |outcome: &mut Outcome, clip: &str| {
        if outcome.clip == clip {
            outcome.clip = clip.replace("clip-", "synth-voice-");
        }
    };
    outcomes.iter_mut().for_each(|o| artificial(o, "clip-1"));
    let mixed = opening(&view(outcomes.clone(), Extras::default()));
    assert_eq!(mixed[0], "1 of the 6 clips is artificial, not recorded.");
    assert_eq!(mixed[1..], recorded);
    outcomes.retain(|o| o.clip.starts_with("synth-"));
    let all = view(outcomes, Extras::default());
    assert_eq!(opening(&all)[0], "All clips are artificial: nothing here was measured on recordings.");
    assert!(answer::markdown(&all).unwrap().starts_with(&opening(&all)[0]));
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &all).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains(&format!("<p>{} ", opening(&all)[0])));
}

#[test]
fn two_settings_are_compared_in_words() {
    let view = pair();
    insta::assert_snapshot!(table::comparisons(&view).text(), @r"
    Differences between the settings
    network             metric                                       A  B                       B − A  clips        p  p adjusted  verdict
    delay 40ms loss 5%  PESQ wide-band                               A  B  +0.20 MOS-LQO [0.20, 0.20]      6  <0.0001     <0.0001  B is better
    delay 40ms loss 5%  payload bitrate                              A  B    −4.0 kbit/s [−4.0, −4.0]      6  <0.0001     <0.0001  B is better
    delay 40ms loss 5%  wire bitrate                                 A  B    −4.0 kbit/s [−4.0, −4.0]      6  <0.0001     <0.0001  B is better
    delay 40ms loss 5%  mouth-to-ear delay (clock)                   A  B           0.0 ms [0.0, 0.0]      6   1.0000      1.0000  no measurable difference
    delay 40ms loss 5%  mouth-to-ear delay (clock), 95th percentile  A  B           0.0 ms [0.0, 0.0]      6   1.0000      1.0000  no measurable difference
    ");
    insta::assert_snapshot!(table::settings(&view).text(), @r"
    Settings
    setting  codec          requested       effective            observed in the packets
    A        opus opus 1.0  opus 24 kbit/s  bitrate=24000 bit/s  wideband; 20 ms frames; 1 channel; FEC in 50 % of packets
    B        opus opus 1.0  opus 20 kbit/s  bitrate=20000 bit/s  wideband; 20 ms frames; 1 channel; FEC in 50 % of packets
    ");
    insta::assert_snapshot!(table::changes(&view).text(), @r"
    Requested, but not taken as it stands
    setting  requested                 effective  kind     reason
    A        maxaveragebitrate=999999  510000     clamped  above the range of RFC 7587
    B        maxaveragebitrate=999999  510000     clamped  above the range of RFC 7587
    ");
    insta::assert_snapshot!(table::summary(&view, 0).text(), @r"
    delay 40ms loss 5%
    setting  cases  PESQ wide-band (MOS-LQO)  payload bitrate (kbit/s)  wire bitrate (kbit/s)    network loss (%)  mouth-to-ear delay (clock) (ms)  mouth-to-ear delay (clock), 95th percentile (ms)
    A           12     3.39 [3.37, 3.42] n=6     24.0 [24.0, 24.0] n=6  48.0 [48.0, 48.0] n=6  5.0 [5.0, 5.0] n=6            90.0 [90.0, 90.0] n=6                          110.0 [110.0, 110.0] n=6
    B           12     3.59 [3.57, 3.62] n=6     20.0 [20.0, 20.0] n=6  44.0 [44.0, 44.0] n=6  5.0 [5.0, 5.0] n=6            90.0 [90.0, 90.0] n=6                          110.0 [110.0, 110.0] n=6
    ");
}

#[test]
fn means_are_over_clips_and_each_clip_is_the_mean_of_its_seeds() {
    // Clip 0 has scores 1 and 3, clip 1 only a 4: the mean is (2 + 4) / 2, not 8 / 3.
    let of = |score, clip, seed| outcome("A", "opus", 24.0, score, 0.0, clip, seed);
    let view = view(vec![of(1.0, 0, 0), of(3.0, 0, 1), of(4.0, 1, 0)], Extras::default());
    let summary = view.summary(0, 0, view.measure("pesq-wb").unwrap()).unwrap();
    assert_eq!((summary.mean, summary.n), (3.0, 2));
}

#[test]
fn differences_leave_out_what_has_no_partner() {
    let mut all = outcomes(&[("A", "opus", 24.0, 4.0), ("B", "opus", 24.0, 4.2)], &[5.0]);
    // Were it not paired, this outlier would move the difference.
    let lost = all.iter().position(|o| o.label == "A").unwrap();
    all[lost].result = Err("call: it did not connect".into());
    let partner = all.iter().position(|o| o.label == "B").unwrap();
    let scores = all[partner].result.as_mut().unwrap();
    scores.values.insert("pesq-wb".into(), 1.0);
    let view = view(all, Extras::default());
    let pesq = view.measure("pesq-wb").unwrap();
    let found = view.comparisons.iter().find(|c| c.measure == pesq).unwrap();
    assert!((found.paired.difference.mean - 0.2).abs() < 1e-9, "{found:?}");
    assert_eq!(found.paired.dropped, 1);
    assert!(table::comparisons(&view).text().contains("1 of 12 pairs left out"));
}

#[test]
fn a_fifth_setting_ends_the_pairs() {
    let labels = ["A", "B", "C", "D", "E"].map(|l| (l, "opus", 24.0, 4.0));
    assert!(view(outcomes(&labels, &[5.0]), Extras::default()).comparisons.is_empty());
    let with_first = Extras { compare: Compare::WithFirst, ..Extras::default() };
    let first = view(outcomes(&labels, &[5.0]), with_first);
    assert!(!first.comparisons.is_empty() && first.comparisons.iter().all(|c| c.a == 0));
    assert_eq!(first.comparisons.iter().map(|c| c.b).max(), Some(4));
    let six = view(outcomes(&labels[..4], &[5.0]), Extras::default());
    let pesq = six.measure("pesq-wb").unwrap();
    assert_eq!(six.comparisons.iter().filter(|c| c.measure == pesq).count(), 6);
}

#[test]
fn failed_cases_are_red_rows_with_their_reason() {
    let mut all = outcomes(&[("A", "opus", 24.0, 4.0), ("B", "PCMU", 64.0, 4.0)], &[5.0]);
    for o in all.iter_mut().filter(|o| o.label == "B") {
        o.result = Err("PCMU: <broken> & gone".into());
    }
    let view = view(all, Extras::default());
    assert_eq!((view.cases, view.failed), (24, 12));
    let failures = table::failures(&view);
    assert!(failures.rows.iter().all(|r| r.bad));
    insta::assert_snapshot!(failures.text(), @r"
    Failed cases: 12 of 24
    setting  network             cases  reason                 which
    B        delay 40ms loss 5%     12  PCMU: <broken> & gone  clip-0, seed 0; clip-0, seed 1; clip-1, seed 0; clip-1, seed 1; clip-2, seed 0; clip-2, seed 1; clip-3, seed 0; clip-3, seed 1 and 4 more
    ");
    let summary = table::summary(&view, 0);
    assert!(summary.rows[1].bad && summary.text().contains("12 failed"), "a setting without a score keeps its row");
    let page = page(&view);
    assert!(page.contains("PCMU: &lt;broken&gt; &amp; gone"));
    assert!(page.contains("<tr class=\"bad\">"));
}

#[test]
fn metrics_that_could_not_score_say_why() {
    let mut all = outcomes(&[("A", "opus", 24.0, 4.0)], &[5.0]);
    for o in &mut all {
        let scores = o.result.as_mut().unwrap();
        scores.values.remove("pesq-wb");
        scores.unscored.insert("pesq-wb".into(), "the reference is silent".into());
    }
    let view = view(all, Extras::default());
    insta::assert_snapshot!(table::unscored(&view).text(), @r"
    Not scored
    metric   setting  cases  reason
    pesq-wb  A           12  the reference is silent
    ");
    assert!(charts(&view).iter().all(|c| !c.name.starts_with("quality")));
}

#[test]
fn all_charts_that_the_figures_allow_are_there() {
    let names = |view: &View| charts(view).into_iter().map(|c| c.name).collect::<Vec<_>>();
    assert_eq!(names(&many()), ["quality-vs-bitrate", "delay-vs-bitrate", "quality-vs-loss"]);
    assert_eq!(names(&pair()), ["quality-vs-bitrate", "delay-vs-bitrate", "difference"]);
}

#[test]
fn every_series_is_named_once_in_each_shape_of_the_chart() {
    let all = charts(&many());
    for (chart, names) in [
        (&all[0], &["opus", "G722", "PCMU", "L16"][..]),
        (&all[1], &["opus: 26.5 ms", "iLBC: 25 ms", "opus", "G722", "PCMU", "L16"]),
        (&all[2], &["opus 8k", "opus 12k", "opus 16k", "opus 24k", "opus 32k", "opus 64k", "G722", "PCMU", "L16"]),
    ] {
        for scene in [&chart.wide, &chart.narrow] {
            let panels = if chart.name == "quality-vs-bitrate" { 2 } else { 1 };
            for name in names {
                let found = scene.texts().filter(|w| w.text == *name).count();
                assert_eq!(found, panels, "'{name}' in {}", chart.name);
            }
            let svg = scene.svg(&chart.title).unwrap();
            assert!(names.iter().all(|name| svg.contains(&format!(">{name}</text>"))), "{}", chart.name);
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{}", chart.name);
            assert!(!svg.contains('#'), "every colour is a class: {}", chart.name);
        }
    }
}

#[test]
fn no_text_touches_another_or_the_edge() {
    for chart in charts(&many()).iter().chain(&charts(&pair())) {
        assert_legible(chart);
    }
}

#[test]
fn one_point_and_one_clip_make_a_chart() {
    let one = view(vec![outcome("A", "opus", 24.0, 4.0, 0.0, 0, 0)], Extras::default());
    for chart in charts(&one) {
        let svg = chart.wide.svg(&chart.title).unwrap();
        assert!(!svg.contains("NaN"), "{}", chart.name);
    }
    assert!(table::summary(&one, 0).text().contains("4.00"));
}

#[test]
fn the_same_figures_give_the_same_bytes() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let files = folders.each_ref().map(|folder| {
        let paths = write(folder.path(), &many()).unwrap();
        paths.iter().map(|p| (p.file_name().unwrap().to_owned(), std::fs::read(p).unwrap())).collect::<Vec<_>>()
    });
    assert_eq!(files[0].len(), 4);
    assert!(files[0] == files[1]);
    let (name, png) = &files[0][1];
    assert_eq!(name, "quality-vs-bitrate.png");
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    assert_eq!((&png[16..20], &png[20..24]), (&1600u32.to_be_bytes()[..], &1000u32.to_be_bytes()[..]));
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let page = page(&many());
    for request in ["http:", "https:", "src=", "url(", "@import", "<link", "<script"] {
        assert!(!page.contains(request), "{request}");
    }
    assert!(page.contains("prefers-color-scheme:dark"));
    assert!(page.contains("Depends on the machine"));
    assert_eq!(page.matches("<svg").count(), 6, "three charts in two shapes");
}

#[test]
fn nothing_to_report_is_said() {
    let error = View::build(std::iter::empty(), Extras::default()).unwrap_err();
    assert_eq!(error.to_string(), "nothing to report: no finished case");
    assert_eq!(error.exit_code(), 2);
}

#[test]
fn a_place_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let error = write(&file.join("below"), &pair()).unwrap_err();
    assert!(error.to_string().contains("below") && error.exit_code() == 2, "{error}");
}

fn page(view: &View) -> String {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), view).unwrap();
    std::fs::read_to_string(folder.path().join("report.html")).unwrap()
}

/// Two settings whose order in quality turns with the loss: A is better up to 3 %, B from 10 % on.
fn turning() -> Vec<Outcome> {
    let mut all = outcomes(&[("A", "opus", 24.0, 4.0), ("B", "opus", 20.0, 3.6)], &[0.0, 3.0, 10.0, 20.0]);
    for o in all.iter_mut().filter(|o| o.label == "B") {
        let scores = o.result.as_mut().unwrap();
        *scores.values.get_mut("pesq-wb").unwrap() += 0.1 * o.net_loss;
    }
    all
}

#[test]
fn the_answer_says_from_which_loss_on_which_setting_is_better() {
    let view = view(turning(), Extras::default());
    let text = answer::markdown(&view).unwrap();
    for claim in [
        "**delay 40ms** (6 clips × 2 seeds)",
        "PESQ wide-band: A is better at 0 to 3 % loss, by 0.10 [0.10, 0.10] (at 3 %) to 0.40 [0.40, 0.40] MOS-LQO (at 0 %); \
         B is better at 10 to 20 % loss, by 0.60 [0.60, 0.60] (at 10 %) to 1.60 [1.60, 1.60] MOS-LQO (at 20 %). The order \
         turns between 3 and 10 % loss.",
        "mouth-to-ear delay (clock): no difference that matters at 0 to 20 % loss.",
        "wire bitrate: B is lower at 0 to 20 % loss, by 4.0 [4.0, 4.0] kbit/s, 8.3 %.",
        "Why A: its packets are wideband at 0 to 20 % loss; LBRR is in 0 % at 0 % loss, 200 % at 20 % loss; at 20 % it loses \
         20 % of them, nothing brings any back; they hold 24 kbit/s (target 24000 bit/s).",
        "Delay does not differ: all send packets of 20 ms to the same receiver.",
        "| 20 | 1.92, 3.52, +1.60 [1.60, 1.60] better |",
    ] {
        let claim = claim.replace("1.92, 3.52", &means_at_twenty(&view));
        assert!(text.contains(&claim), "no '{claim}' in:\n{text}");
    }
    let folder = tempfile::tempdir().unwrap();
    let written = write(folder.path(), &view).unwrap();
    assert!(written.iter().any(|p| p.ends_with("answer.md")) && written.iter().any(|p| p.ends_with("answer.png")));
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("The order turns between 3 and 10 % loss."));
}

fn means_at_twenty(view: &View) -> String {
    let (pesq, last) = (view.measure("pesq-wb").unwrap(), view.conditions.iter().position(|c| c.loss == 20.0).unwrap());
    let mean = |s| format!("{:.2}", view.summary(s, last, pesq).unwrap().mean);
    format!("{}, {}", mean(0), mean(1))
}

#[test]
fn one_network_or_too_many_settings_have_no_answer() {
    assert_eq!(answer::markdown(&pair()), None);
    assert_eq!(answer::markdown(&many()), None);
}

/// The clips from `first` on at 48 kHz, the others at 16.
fn of_two_rates(first: u64, clips: u64) -> View {
    let mut all = Vec::new();
    for clip in 0..clips {
        for (label, score) in [("A", 4.0), ("B", 3.5)] {
            let mut o = outcome(label, "opus", 24.0, score, 5.0, clip, 0);
            let rate = Some(if clip < first { 16_000 } else { 48_000 });
            o.result.as_mut().unwrap().subject = Subject { clip_rate: rate, sample_rate: rate, ..Subject::default() };
            all.push(o);
        }
    }
    // The rate of a clip that was never scored is not known.
    let mut failed = outcome("A", "opus", 24.0, 4.0, 5.0, 99, 0);
    failed.result = Err("call: it did not connect".into());
    all.push(failed);
    view(all, Extras::default())
}

#[test]
fn sample_rates_are_apart_where_each_can_have_a_verdict() {
    let apart = of_two_rates(6, 12);
    let names: Vec<&str> = apart.conditions.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["delay 40ms loss 5%, speech at 16 kHz", "delay 40ms loss 5%, speech at 48 kHz"]);
    assert_eq!(apart.conditions.iter().map(|c| c.clips).sum::<usize>(), 13);
    let together = of_two_rates(7, 12);
    let names: Vec<&str> = together.conditions.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["delay 40ms loss 5%"]);
    let pesq = together.measure("pesq-wb").unwrap();
    assert_eq!(together.summary(0, 0, pesq).unwrap().n, 12);
    assert_eq!((together.conditions[0].clips, together.failed, together.failures[0].condition), (13, 1, 0));
}
