//! Live calls against simulated ones: virtual time must simulate something real.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::call::{self, AudioRecord};
use codecbench::codec;
use codecbench::media::synth;
use codecbench::metric;
use codecbench::peer::Transport;
use codecbench::plan::{Case, Scores};
use codecbench::stats::{self, Summary};
use codecbench::units::{Seed, Time};
use std::sync::Arc;
use std::time::Duration;

/// The pooled figures that must agree, and by how much more than the interval they may differ.
const FIGURES: [(&str, f64); 3] = [("pesq-wb", 0.0), ("mouth-to-ear", 5.0), ("mouth-to-ear-clock", 5.0)];

fn case(codec: &str, net: &str, voice: usize, warm_up: Duration) -> Case {
    let clip = Arc::new(synth::ALL[voice].clip());
    Case {
        warm_up,
        metrics: vec![metric::audio("pesq-wb").unwrap(), metric::audio("mouth-to-ear").unwrap()],
        ..Case::new(clip, codec::audio(codec).unwrap(), net.parse().unwrap(), Seed(1))
    }
}

fn live(case: &Case) -> Case {
    Case { transport: Transport::Live, ..case.clone() }
}

/// Of every media packet until the end of the clip: when it was sent, which it was, and whether it was dropped.
fn fates(case: &Case, heard: &AudioRecord) -> Vec<(Time, u16, bool)> {
    let end = Time::ZERO + case.warm_up + case.clip.signal.format.duration(case.clip.signal.len());
    let media = heard.wire().iter().filter(|record| record.sent <= end);
    media.filter_map(|record| Some((record.sent, record.sequence?, record.dropped))).collect()
}

#[test]
fn every_media_packet_of_a_live_call_meets_its_simulated_fate() {
    let mut case = case("G722", "delay 20ms 10ms loss 20%", 0, Duration::ZERO);
    let short = case.clip.signal.slice(0, 3 * 48_000);
    case.clip = Arc::new(codecbench::media::Clip::new("short", case.clip.content, short));
    case.metrics.clear();
    let (simulated, real) = (call::talk(&case).unwrap(), call::talk(&live(&case)).unwrap());
    let expected = fates(&case, &simulated);
    assert_eq!(expected.len(), 150);
    assert!((10..60).contains(&expected.iter().filter(|(_, _, dropped)| *dropped).count()));
    assert_eq!(fates(&case, &real), expected);
    // A machine can only add delay.
    let delay = |heard| call::score(&case, heard).unwrap().scores.values["mouth-to-ear-clock"];
    assert!(delay(&real) >= delay(&simulated), "{} ms, {} ms simulated", delay(&real), delay(&simulated));
}

/// Three networks, two codecs, six voices, 30 s each. `scripts/live` runs it.
#[test]
#[ignore = "takes four minutes of real time"]
fn live_calls_agree_with_simulated_ones() {
    let nets = ["delay 40ms", "delay 40ms 10ms loss 5%", "delay 80ms 20ms distribution normal loss 10% burst 3"];
    let cells: Vec<(&str, &str)> = nets.iter().flat_map(|net| [(*net, "opus"), (*net, "G722")]).collect();
    let mut results: Vec<Vec<(usize, usize, Scores, Scores)>> = vec![Vec::new(); cells.len()];
    for voice in 0..6 {
        // The calls of a round at the same time; the simulated ones and the scoring when the sockets are quiet.
        let cases: Vec<Case> =
            cells.iter().map(|(net, codec)| case(codec, net, voice, Duration::from_secs(22))).collect();
        let real: Vec<AudioRecord> = std::thread::scope(|scope| {
            let calls: Vec<_> = cases.iter().map(|case| scope.spawn(|| call::talk(&live(case)).unwrap())).collect();
            calls.into_iter().map(|call| call.join().unwrap()).collect()
        });
        for ((case, real), results) in cases.iter().zip(real).zip(&mut results) {
            let simulated = call::talk(case).unwrap();
            let (expected, met) = (fates(case, &simulated), fates(case, &real));
            let others = expected.iter().zip(&met).filter(|(a, b)| a != b).count() + expected.len().abs_diff(met.len());
            let scores = |heard| call::score(case, heard).unwrap().scores;
            results.push((expected.len(), others, scores(&simulated), scores(&real)));
        }
    }

    let mut wrong = Vec::new();
    println!("| network | codec | packets | other fate | figure | virtual, 95 % | live | difference | |");
    println!("|---|---|---:|---:|---|---:|---:|---:|---|");
    for ((net, codec), calls) in cells.iter().zip(&results) {
        let packets: usize = calls.iter().map(|(packets, ..)| packets).sum();
        let others: usize = calls.iter().map(|(_, others, ..)| others).sum();
        for (figure, slack) in FIGURES {
            let value = |scores: &Scores| Vec::from_iter(scores.values.get(figure).copied());
            let summary = |values: Vec<Vec<f64>>| -> Summary { stats::summary(&values).unwrap() };
            let simulated = summary(calls.iter().map(|(_, _, simulated, _)| value(simulated)).collect());
            let real = summary(calls.iter().map(|(.., real)| value(real)).collect());
            let interval = simulated.interval.unwrap();
            let agree = others == 0
                && (simulated.n, real.n) == (calls.len(), calls.len())
                && (interval.low - slack..=interval.high + slack).contains(&real.mean);
            let verdict = if agree { "agree" } else { "DIFFER" };
            println!(
                "| {net} | {codec} | {packets} | {others} | {figure} | {:.3} [{:.3}, {:.3}] | {:.3} | {:+.3} | {verdict} |",
                simulated.mean,
                interval.low,
                interval.high,
                real.mean,
                real.mean - simulated.mean
            );
            if !agree {
                wrong.push(format!("{net}, {codec}, {figure}"));
            }
        }
    }
    assert!(wrong.is_empty(), "live and simulated calls differ: {wrong:?}");
}
