//! Intervals and verdicts: worked examples, invariants, and simulated experiments whose truth is known.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::stats::{
    Entries, Interval, Judged, Open, Prefer, Question, Verdict, detectable, holm, judge, paired, summary,
};
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

fn question(values: &[f64], prefer: Prefer, margin: f64) -> Question {
    let (a, b) = differences(values);
    Question { paired: paired(&a, &b).unwrap(), prefer, margin }
}

fn alone(values: &[f64], prefer: Prefer, margin: f64) -> Judged {
    judge(&[question(values, prefer, margin)])[0]
}

fn verdict(values: &[f64], prefer: Prefer, margin: f64) -> Verdict {
    alone(values, prefer, margin).verdict
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
        paired(&a, &b).unwrap().sign_flip
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
        (about(0.0, 0.3), Prefer::Higher, Verdict::Undecided(Open::Wide { margin: 0.05 })),
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
        Verdict::Undecided(Open::Wide { margin: 0.05 }).to_string(),
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
    for clips in [6, 12, 20, 40] {
        let covers = |rng: &mut Rng| {
            let Interval { low, high } = interval(&experiment(rng, clips, 3.7));
            (low..=high).contains(&3.7)
        };
        let covered = (0..2000).filter(|_| covers(&mut rng)).count() as f64 / 2000.0;
        println!("{clips} clips: {:.2} %", covered * 100.0);
        assert!((0.93..=0.97).contains(&covered), "{clips} clips: {covered}");
    }
}

/// Which measure's differences to make up: clips that vary evenly, or with a long tail to one side.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Normal,
    Skewed,
}

/// Clip differences around `truth` with standard deviation 1: three seeds each, nested.
fn clip_differences(rng: &mut Rng, shape: Shape, clips: usize, truth: f64) -> Vec<f64> {
    let clip = |rng: &mut Rng| {
        let centre = match shape {
            Shape::Normal => 0.8 * rng.normal(),
            // Exponential, its mean taken off.
            Shape::Skewed => 0.8 * (-(1.0 - rng.unit()).ln() - 1.0),
        };
        let seeds = (0..3).map(|_| 0.6 * 3.0_f64.sqrt() * rng.normal()).sum::<f64>() / 3.0;
        truth + centre + seeds
    };
    (0..clips).map(|_| clip(rng)).collect()
}

#[test]
fn settings_that_do_not_differ_are_said_to_in_one_of_twenty_experiments_at_most() {
    let mut rng = Seed(3).stream("false verdicts");
    for (shape, clips, experiments) in [
        (Shape::Normal, 6, 10_000),
        (Shape::Normal, 12, 10_000),
        (Shape::Normal, 20, 4000),
        (Shape::Normal, 40, 400),
        (Shape::Skewed, 6, 10_000),
        (Shape::Skewed, 12, 10_000),
        (Shape::Skewed, 20, 4000),
    ] {
        let mut told = 0;
        for _ in 0..experiments {
            let values = clip_differences(&mut rng, shape, clips, 0.0);
            told += u32::from(verdict(&values, Prefer::Higher, 0.0).differs());
        }
        let share = f64::from(told) / f64::from(experiments);
        println!("{shape:?}, {clips} clips: false verdicts {:.2} %", share * 100.0);
        assert!(share <= 0.05, "{shape:?} {clips}: {share}");
    }
}

#[test]
fn a_report_without_any_difference_seldom_has_a_verdict() {
    // Twenty comparisons that hang together, as the measures of one call do.
    let mut rng = Seed(8).stream("family");
    let (mut any, mut uncorrected) = (0, 0);
    for _ in 0..2000 {
        let common = clip_differences(&mut rng, Shape::Normal, 8, 0.0);
        let measure = |rng: &mut Rng| {
            let own = clip_differences(rng, Shape::Normal, 8, 0.0);
            let values: Vec<f64> = common.iter().zip(own).map(|(c, o)| 0.5 * c + o).collect();
            question(&values, Prefer::Higher, 0.0)
        };
        let family: Vec<Question> = (0..20).map(|_| measure(&mut rng)).collect();
        any += u32::from(judge(&family).iter().any(|j| j.verdict.differs()));
        uncorrected += u32::from(family.iter().any(|q| q.paired.p_value <= 0.05));
    }
    println!("any false verdict: {:.2} %, uncorrected {:.2} %", f64::from(any) / 20.0, f64::from(uncorrected) / 20.0);
    assert!(any <= 100 && uncorrected > 700);
}

#[test]
fn a_difference_of_the_stated_minimum_is_found_four_times_in_five() {
    let mut rng = Seed(5).stream("power");
    // The hardest place of a family: the others have nothing to find, so that Holm helps nobody.
    for (clips, comparisons, experiments) in
        [(6, 1, 4000), (7, 1, 4000), (12, 1, 4000), (20, 1, 2000), (40, 1, 300), (8, 10, 2000)]
    {
        let size = detectable(clips, comparisons);
        let mut found = 0;
        for _ in 0..experiments {
            let values = clip_differences(&mut rng, Shape::Normal, clips, size);
            let mut family = vec![question(&values, Prefer::Higher, 0.0)];
            family.resize_with(comparisons, || {
                question(&clip_differences(&mut rng, Shape::Normal, clips, 0.0), Prefer::Higher, 0.0)
            });
            found += u32::from(judge(&family)[0].verdict == Verdict::Better);
        }
        let share = f64::from(found) / f64::from(experiments);
        println!("{clips} clips, 1 of {comparisons}: {size:.3} deviations found in {:.1} %", share * 100.0);
        // It is a minimum: not far above either.
        assert!((0.8..0.9).contains(&share), "{clips} clips: {share}");
    }
}

#[test]
fn holm_steps_down_from_the_smallest() {
    // By hand: 4 x 0.005; 3 x 0.01; 2 x 0.03; then 1 x 0.04 may not fall below 0.06.
    let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
    assert!([0.03, 0.06, 0.06, 0.02].iter().zip(&adjusted).all(|(e, f)| near(*e, *f, 1e-15)), "{adjusted:?}");
    assert_eq!(holm(&[0.9, 0.8]), [1.0, 1.0]);
    assert!(holm(&[]).is_empty());
}

#[test]
fn one_of_many_is_not_decided_and_what_cannot_differ_does_not_count() {
    // Student's t of these is 3.4: p 0.011.
    let values = [0.3, 0.1, 0.4, 0.2, 0.5, -0.1, 0.2, 0.4];
    let first = |others: usize, other: &[f64]| {
        let mut family = vec![question(&values, Prefer::Higher, 0.05)];
        family.resize_with(others + 1, || question(other, Prefer::Higher, 0.05));
        judge(&family)[0]
    };
    let noise = [0.3, -0.2, 0.1, -0.3, 0.2, -0.1, 0.05, -0.1];
    assert_eq!(first(0, &noise).verdict, Verdict::Better);
    let told = first(19, &noise);
    assert_eq!(told.verdict, Verdict::Undecided(Open::OneOfMany { comparisons: 20 }));
    assert!(told.verdict.to_string().contains("one of 20 comparisons") && told.p_adjusted > 0.05);
    assert!(told.detectable > first(0, &noise).detectable);
    // Without chance, or with too few clips, nothing false can be said.
    assert_eq!(first(19, &[0.0; 8]).verdict, Verdict::Better);
    assert_eq!(first(19, &[1.0, 2.0]).verdict, Verdict::Better);
    // Six clips of which one disagrees: the t-test is sure, the flips are not (4 of 64 patterns).
    let six = [1.0, 1.1, 0.9, 1.0, 1.2, -0.05];
    assert_eq!(verdict(&six, Prefer::Higher, 0.05), Verdict::Undecided(Open::Close));
    assert_eq!(alone(&[1.0, 1.1], Prefer::Higher, 0.05).detectable, None);
}

#[test]
fn equivalence_is_seldom_claimed_of_a_difference_as_large_as_the_margin() {
    let mut rng = Seed(9).stream("equivalence");
    let same = |rng: &mut Rng, truth: f64| {
        let values = clip_differences(rng, Shape::Normal, 12, truth);
        matches!(verdict(&values, Prefer::Higher, 1.0), Verdict::Same | Verdict::Negligible)
    };
    let share = |truth: f64, rng: &mut Rng| (0..4000).filter(|_| same(rng, truth)).count() as f64 / 4000.0;
    let (at, none) = (share(1.0, &mut rng), share(0.0, &mut rng));
    println!("equivalence claimed: {:.2} % at the margin, {:.1} % without a difference", at * 100.0, none * 100.0);
    assert!(at <= 0.03 && none > 0.6);
}

/// Differences of `clips` clips: normal, or with a long tail.
fn sample(name: &str, clips: usize) -> Vec<f64> {
    let mut rng = Seed(11).stream(name);
    let value = |rng: &mut Rng| match name {
        "normal" => 0.15 + 0.5 * rng.normal(),
        _ => -(1.0 - rng.unit()).ln() - 0.75,
    };
    // Rounded, so that the logarithm of no platform shows.
    (0..clips).map(|_| (value(&mut rng) * 1e6).round() / 1e6).collect()
}

#[test]
fn intervals_and_p_values_are_those_of_scipy() {
    // From `scripts/stats-scipy` (scipy 1.17.1, 200,000 resamples): low, high, p of the t-test, p of the sign flips.
    for (name, clips, expected) in SCIPY {
        let data = sample(name, *clips);
        let Question { paired, .. } = question(&data, Prefer::Higher, 0.0);
        let Interval { low, high } = paired.difference.interval.unwrap();
        let (p_value, sign_flip) = (paired.p_value, paired.sign_flip);
        println!(
            "scipy: {{\"name\": \"{name}\", \"data\": {data:?}, \"low\": {low}, \"high\": {high}, \"p_value\": {p_value}, \
             \"sign_flip\": {sign_flip}}}"
        );
        let exact = *clips < 30;
        let error = paired.spread / (*clips as f64).sqrt();
        let flips = 4.0 * (expected[3] * (1.0 - expected[3]) / 20_000.0).sqrt() + 1e-4;
        let tolerances = if exact { [1e-6, 1e-6, 1e-6, 1e-6] } else { [0.26 * error, 0.26 * error, 1e-6, flips] };
        for ((found, expected), tolerance) in [low, high, p_value, sign_flip].iter().zip(expected).zip(tolerances) {
            assert!(near(*found, *expected, tolerance), "{name}, {clips} clips: {found}, not {expected}");
        }
    }
}

const SCIPY: &[(&str, usize, [f64; 4])] = &[
    ("normal", 12, [-0.185_946_987, 0.475_575_154, 0.355_934_317, 0.354_980_469]),
    ("skewed", 12, [-0.261_679_611, 1.119_788_945, 0.198_863_350, 0.208_007_812]),
    ("normal", 40, [-0.126_195_384, 0.221_126_721, 0.552_315_923, 0.549_027_255]),
    ("skewed", 40, [0.098_350_864, 0.761_232_437, 0.032_162_824, 0.027_989_860]),
];
