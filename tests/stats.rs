//! Intervals and verdicts: worked examples, invariants, and simulated experiments whose truth is known.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::stats::{Entries, Interval, Prefer, Verdict, paired, summary};
use codecbench::units::{Rng, Seed};

fn interval(clips: &[Vec<f64>]) -> Interval {
    summary(clips).unwrap().interval.unwrap()
}

fn near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance
}

/// One seed per clip, A all zero: the differences are as given.
fn differences(values: &[f64]) -> (Entries<usize, u64>, Entries<usize, u64>) {
    let entries = |f: fn(f64) -> f64| values.iter().enumerate().map(|(k, v)| ((k, 1), Some(f(*v)))).collect();
    (entries(|_| 0.0), entries(|v| v))
}

fn verdict(values: &[f64], prefer: Prefer, margin: f64) -> Verdict {
    let (a, b) = differences(values);
    paired(&a, &b).unwrap().verdict(prefer, margin)
}

#[test]
fn student_interval_of_a_worked_example() {
    // Student's own sleep data (Biometrika 1908), the ten differences: mean 1.58, t interval [0.7001142, 2.4598858].
    let sleep = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4];
    let clips: Vec<Vec<f64>> = sleep.iter().map(|v| vec![*v]).collect();
    let summary = summary(&clips).unwrap();
    let interval = summary.interval.unwrap();
    assert!(summary.n == 10 && near(summary.mean, 1.58, 1e-12));
    assert!(near(interval.low, 0.700_114_2, 1e-7) && near(interval.high, 2.459_885_8, 1e-7), "{interval:?}");
    assert!(summary.method().contains("Student"));
}

#[test]
fn clips_are_the_unit_and_seeds_only_steady_them() {
    let by_clip = vec![vec![1.0, 3.0], vec![4.0], vec![2.0, 2.0, 5.0]];
    let means = vec![vec![2.0], vec![4.0], vec![3.0]];
    assert_eq!(summary(&by_clip), summary(&means));
    // Ten times the same seeds are no more clips, and so no narrower interval.
    let repeated: Vec<Vec<f64>> = by_clip.iter().map(|seeds| seeds.repeat(10)).collect();
    let (once, often) = (interval(&by_clip), interval(&repeated));
    assert!(near(once.low, often.low, 1e-12) && near(once.high, often.high, 1e-12));
    // A clip without a value is left out; without any, or with one alone, there is no interval.
    assert_eq!(summary(&[by_clip, vec![vec![]]].concat()), summary(&means));
    assert_eq!(summary(&[vec![], vec![]]), None);
    let single = summary(&[vec![1.0, 2.0]]).unwrap();
    assert_eq!((single.mean, single.interval, single.n), (1.5, None, 1));
}

#[test]
fn equal_values_have_an_interval_without_width() {
    for n in [2, 6, 29, 30, 60] {
        let Interval { low, high } = interval(&vec![vec![0.1, 0.1, 0.1]; n]);
        assert_eq!((low, high), (0.1, 0.1));
    }
    assert_eq!(verdict(&[0.0; 8], Prefer::Higher, 0.05), Verdict::Same);
    assert_eq!(verdict(&[-2.0; 8], Prefer::Higher, 0.05), Verdict::Worse);
    let (a, b) = differences(&[0.0; 8]);
    assert_eq!(paired(&a, &b).unwrap().p_value, 1.0);
}

#[test]
fn the_bootstrap_is_near_student_on_symmetric_values_and_leans_with_skewed_ones() {
    let mut rng = Seed(4).stream("test");
    let normal: Vec<f64> = (0..60).map(|_| 3.0 + rng.normal()).collect();
    let clips = |values: &[f64]| values.iter().map(|v| vec![*v]).collect::<Vec<_>>();
    let found = summary(&clips(&normal)).unwrap();
    let Interval { low, high } = found.interval.unwrap();
    let deviation = (normal.iter().map(|v| (v - found.mean).powi(2)).sum::<f64>() / 59.0).sqrt();
    // The quantile of t with 59 degrees of freedom is 2.000995.
    let half = 2.000_995 * deviation / 60_f64.sqrt();
    assert!(near(high - found.mean, half, 0.15 * half) && near(found.mean - low, half, 0.15 * half));
    assert!(found.method().contains("BCa"));
    assert_eq!(Some(found), summary(&clips(&normal)));

    let skewed: Vec<f64> = normal.iter().map(|v| v.exp()).collect();
    let found = summary(&clips(&skewed)).unwrap();
    let Interval { low, high } = found.interval.unwrap();
    assert!(high - found.mean > 1.15 * (found.mean - low));
}

#[test]
fn pairs_are_matched_by_clip_and_seed_and_the_rest_is_counted() {
    let entries = |list: &[(&'static str, u64, Option<f64>)]| -> Entries<&'static str, u64> {
        list.iter().map(|(clip, seed, value)| ((*clip, *seed), *value)).collect()
    };
    let a = entries(&[("x", 1, Some(1.0)), ("x", 2, Some(2.0)), ("y", 1, Some(5.0)), ("z", 1, None)]);
    let b = entries(&[("y", 1, Some(4.0)), ("x", 2, Some(5.0)), ("x", 1, Some(2.0)), ("z", 1, Some(9.0))]);
    let found = paired(&a, &b).unwrap();
    // Clip x: mean of 1 and 3; clip y: -1.
    assert_eq!((found.difference.mean, found.difference.n, found.pairs, found.dropped), (0.5, 2, 3, 1));
    assert_eq!(found.missing().unwrap(), "1 of 4 pairs left out: a case failed or is missing");
    let back = paired(&b, &a).unwrap();
    assert_eq!((back.difference.mean, back.p_value), (-0.5, found.p_value));
    let failed = entries(&[("x", 1, None)]);
    assert_eq!(paired(&a, &failed), None);
    assert_eq!(paired(&a, &a).unwrap().missing().unwrap(), "1 of 4 pairs left out: a case failed or is missing");
}

#[test]
fn sign_flips_give_the_exact_share() {
    let p = |values: &[f64]| {
        let (a, b) = differences(values);
        paired(&a, &b).unwrap().p_value
    };
    // All of one sign: only the observed pattern and its mirror are as extreme.
    assert_eq!(p(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), 2.0 / 64.0);
    // 3 + 2 - 1 = 4 and what reaches it: +++ and ++- (1 negative), and their mirrors.
    assert_eq!(p(&[3.0, 2.0, -1.0]), 4.0 / 8.0);
    assert_eq!(p(&[0.1, 0.2, 0.3, -0.3, -0.2, -0.1]), 1.0);
    assert_eq!(p(&[7.0]), 1.0);
    // Above 15 clips by chance, near the normal approximation.
    let values: Vec<f64> = (0..40).map(|k| if k % 10 < 6 { 1.0 } else { -1.0 }).collect();
    // Binomial: P(|X - 20| >= 4) with X of 40 fair coins is 0.26819.
    assert!(near(p(&values), 0.268_19, 4.0 * (0.268 * 0.732 / 20_000_f64).sqrt()), "{}", p(&values));
}

#[test]
fn verdicts_say_what_the_interval_shows() {
    let about = |centre: f64, spread: f64| [-1.0, 1.0, -0.5, 0.5, -0.2, 0.2, 0.0, 0.0].map(|v| centre + spread * v);
    let cases = [
        (about(0.3, 0.01), Prefer::Higher, Verdict::Better),
        (about(0.3, 0.01), Prefer::Lower, Verdict::Worse),
        (about(0.3, 0.01), Prefer::Neither, Verdict::Higher),
        (about(-0.3, 0.01), Prefer::Higher, Verdict::Worse),
        (about(-0.3, 0.01), Prefer::Lower, Verdict::Better),
        (about(-0.3, 0.01), Prefer::Neither, Verdict::Lower),
        (about(0.0, 0.01), Prefer::Higher, Verdict::Same),
        (about(0.02, 0.01), Prefer::Higher, Verdict::Negligible),
        (about(0.0, 0.3), Prefer::Higher, Verdict::Undecided { margin: 0.05 }),
        // Real, and perhaps larger than the margin: it counts.
        (about(0.05, 0.02), Prefer::Higher, Verdict::Better),
    ];
    for (values, prefer, expected) in cases {
        assert_eq!(verdict(&values, prefer, 0.05), expected, "{values:?}");
    }
    assert_eq!(verdict(&[1.0, 1.1, 0.9], Prefer::Higher, 0.05).to_string(), "only 3 clips: no verdict, only figures");
    assert_eq!(verdict(&[1.0; 5], Prefer::Higher, 0.05), Verdict::TooFew { clips: 5 });
    assert_eq!(verdict(&[1.0], Prefer::Higher, 0.05).to_string(), "only 1 clip: no verdict, only figures");
    assert_eq!(
        Verdict::Undecided { margin: 0.05 }.to_string(),
        "not decided: the interval spans zero and exceeds the margin of \u{b1}0.05; more clips or seeds needed"
    );
    assert_eq!(Verdict::Same.to_string(), "no measurable difference");
}

/// Clips with an effect of their own, seeds with theirs within a clip.
fn experiment(rng: &mut Rng, clips: usize, truth: f64) -> Vec<Vec<f64>> {
    let clip = |rng: &mut Rng| {
        let centre = truth + 0.4 * rng.normal();
        (0..3).map(|_| centre + 0.3 * rng.normal()).collect()
    };
    (0..clips).map(|_| clip(rng)).collect()
}

#[test]
fn intervals_cover_the_truth_as_often_as_they_say() {
    let mut rng = Seed(2).stream("coverage");
    for (clips, experiments, allowed) in
        [(6, 2000, 0.93..=0.97), (12, 2000, 0.93..=0.97), (20, 2000, 0.93..=0.97), (40, 1000, 0.92..=0.97)]
    {
        let covers = |rng: &mut Rng| {
            let Interval { low, high } = interval(&experiment(rng, clips, 3.7));
            (low..=high).contains(&3.7)
        };
        let covered = (0..experiments).filter(|_| covers(&mut rng)).count() as f64 / experiments as f64;
        println!("{clips} clips: {:.2} %", covered * 100.0);
        assert!(allowed.contains(&covered), "{clips} clips: {covered}");
    }
}

#[test]
fn settings_that_do_not_differ_are_seldom_said_to() {
    let mut rng = Seed(3).stream("false positives");
    let entries = |clips: &[Vec<f64>]| -> Entries<usize, usize> {
        let with_seeds = |(clip, seeds): (usize, &Vec<f64>)| {
            seeds.iter().enumerate().map(|(seed, v)| ((clip, seed), Some(*v))).collect::<Vec<_>>()
        };
        clips.iter().enumerate().flat_map(with_seeds).collect()
    };
    for (clips, experiments) in [(6, 2000), (12, 1000), (20, 200)] {
        let (mut claimed, mut significant) = (0.0, 0.0);
        for _ in 0..experiments {
            // A clip's difference between the settings is part of chance: another clip would show another one.
            let (a, b) = (experiment(&mut rng, clips, 2.0), experiment(&mut rng, clips, 2.0));
            let found = paired(&entries(&a), &entries(&b)).unwrap();
            let verdict = found.verdict(Prefer::Higher, 0.0);
            claimed += f64::from(matches!(verdict, Verdict::Better | Verdict::Worse));
            significant += f64::from(found.p_value <= 0.05);
        }
        let (claimed, significant) = (claimed / f64::from(experiments), significant / f64::from(experiments));
        println!("{clips} clips: verdicts {:.2} %, p-values {:.2} %", claimed * 100.0, significant * 100.0);
        let chance = 3.0 * (0.05 * 0.95 / f64::from(experiments)).sqrt();
        assert!(claimed <= 0.05 + chance && significant <= 0.05 + chance);
    }
}

#[test]
fn a_lasting_difference_is_found() {
    let mut rng = Seed(5).stream("power");
    let mut found = 0;
    for _ in 0..200 {
        let values: Vec<f64> = (0..12).map(|_| 0.3 + 0.2 * rng.normal()).collect();
        found += usize::from(verdict(&values, Prefer::Higher, 0.05) == Verdict::Better);
    }
    // The effect is 5.2 standard errors: power is above 99 %.
    assert!(found >= 195, "{found}");
}
