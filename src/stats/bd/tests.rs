use super::*;
use crate::units::Seed;
use proptest::prelude::*;

const METHODS: [(Method, &str); 3] = [(Method::Pchip, "pchip"), (Method::Akima, "akima"), (Method::Cubic, "cubic")];

fn points(rates: &[f64], qualities: &[f64]) -> Vec<Point> {
    rates.iter().zip(qualities).map(|(rate, quality)| Point { rate: *rate, quality: *quality }).collect()
}

fn curve() -> Vec<Point> {
    points(&[8.0, 12.0, 16.0, 24.0, 32.0], &[2.61, 3.42, 3.88, 4.27, 4.41])
}

#[test]
fn deltas_equal_the_reference_vectors() {
    let Ok(folder) = std::env::var("CODECBENCH_VECTORS") else {
        eprintln!("CODECBENCH_VECTORS is not set: the BD-rate vectors are not checked");
        return;
    };
    let text = std::fs::read_to_string(std::path::Path::new(&folder).join("bdrate.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let mut seen = 0;
    for case in vectors["cases"].as_array().unwrap() {
        let list = |key: &str| -> Vec<f64> { serde_json::from_value(case[key].clone()).unwrap() };
        let anchor = points(&list("rate_anchor"), &list("quality_anchor"));
        let test = points(&list("rate_test"), &list("quality_test"));
        for (method, name) in METHODS {
            let expected = &case["expected"][name];
            for (found, key) in
                [(rate(&anchor, &test, method), "bd_rate_percent"), (quality(&anchor, &test, method), "bd_quality")]
            {
                let (found, expected) = (found.unwrap(), expected[key].as_f64().unwrap());
                let tolerance = case["tolerance"][key].as_f64().unwrap();
                assert!((found - expected).abs() <= tolerance, "{} {name} {key}: {found}, not {expected}", case["id"]);
                seen += 1;
            }
        }
    }
    assert_eq!(seen, 30);
}

#[test]
fn a_curve_moved_along_one_axis_has_that_delta_exactly() {
    for (method, name) in METHODS {
        let dearer: Vec<Point> = curve().iter().map(|p| Point { rate: 1.25 * p.rate, ..*p }).collect();
        assert!((rate(&curve(), &dearer, method).unwrap() - 25.0).abs() < 1e-9, "{name}");
        let better: Vec<Point> = curve().iter().map(|p| Point { quality: p.quality + 0.25, ..*p }).collect();
        assert!((quality(&curve(), &better, method).unwrap() - 0.25).abs() < 1e-12, "{name}");
        let mut turned = dearer.clone();
        turned.reverse();
        assert_eq!(rate(&curve(), &turned, method).unwrap(), rate(&curve(), &dearer, method).unwrap());
    }
}

#[test]
fn curves_that_cannot_be_compared_are_refused_with_the_reason() {
    let with = |change: fn(&mut Vec<Point>)| {
        let mut test = curve();
        change(&mut test);
        rate(&curve(), &test, Method::Pchip).unwrap_err().to_string()
    };
    assert!(with(|t| t.truncate(3)).contains("the test curve has 3 points; at least 4 are needed"));
    assert!(with(|t| t[1].quality = 4.0).contains("does not rise: 4 at rate 12, but 3.88 at rate 16"));
    assert!(with(|t| t[1].rate = 8.0).contains("two points at rate 8"));
    assert!(with(|t| t[0].rate = 0.0).contains("above zero"));
    assert!(with(|t| t[0].quality = f64::NAN).contains("finite"));
    let said = with(|t| t.iter_mut().for_each(|p| p.quality += 10.0));
    assert!(said.contains("no quality in common: the anchor's is 2.61 to 4.41, the test's 12.61 to 14.41"), "{said}");
    let far: Vec<Point> = curve().iter().map(|p| Point { rate: 100.0 * p.rate, ..*p }).collect();
    assert!(quality(&curve(), &far, Method::Akima).unwrap_err().to_string().contains("no bitrate in common"));
}

/// Clips whose curves are 10 % cheaper on average, each by its own amount.
fn clips(n: usize, rng: &mut crate::units::Rng) -> (Vec<Vec<Point>>, Vec<Vec<Point>>) {
    let clip = |_| {
        let (shift, factor) = (0.1 * rng.normal(), 0.9 * (1.0 + 0.05 * rng.normal()));
        let anchor: Vec<Point> = curve().iter().map(|p| Point { quality: p.quality + shift, ..*p }).collect();
        let test = anchor.iter().map(|p| Point { rate: factor * p.rate, ..*p }).collect();
        (anchor, test)
    };
    (0..n).map(clip).unzip()
}

#[test]
fn the_interval_over_clips_covers_the_truth() {
    let mut rng = Seed(6).stream("bd");
    // Below 30 clips the jackknife, from 30 on the bootstrap.
    for (n, experiments) in [(8, 400), (32, 20)] {
        let mut covered = 0;
        for _ in 0..experiments {
            let (anchor, test) = clips(n, &mut rng);
            let (mean, interval) = over_clips(Clips { anchor: &anchor, test: &test }, Method::Pchip, rate).unwrap();
            let Interval { low, high } = interval.unwrap();
            assert!(low < mean && mean < high);
            covered += usize::from((low..=high).contains(&-10.0));
        }
        let share = covered as f64 / f64::from(experiments);
        let chance = 3.0 * (0.05 * 0.95 / f64::from(experiments)).sqrt();
        println!("{n} clips: {:.1} %", 100.0 * share);
        assert!(share >= 0.95 - chance - 0.01, "{n} clips: {share}");
    }
    let (anchor, test) = clips(1, &mut rng);
    assert_eq!(over_clips(Clips { anchor: &anchor, test: &test }, Method::Pchip, rate).unwrap().1, None);
    let error = over_clips(Clips { anchor: &anchor, test: &[] }, Method::Pchip, rate).unwrap_err().to_string();
    assert!(error.contains("every clip at every point"), "{error}");
}

proptest! {
    #[test]
    fn swapping_the_curves_undoes_the_delta(
        steps in proptest::collection::vec((1.05..2.0_f64, 0.05..0.8_f64), 4..8),
        factor in 0.7..1.4_f64,
    ) {
        let (mut rate_at, mut quality_at) = (8.0, 1.0);
        let anchor: Vec<Point> = steps.iter().map(|(r, q)| {
            rate_at *= r;
            quality_at += q;
            Point { rate: rate_at, quality: quality_at }
        }).collect();
        let test: Vec<Point> = anchor.iter().map(|p| Point { rate: factor * p.rate, quality: p.quality * 1.01 }).collect();
        for (method, _) in METHODS {
            if let (Ok(there), Ok(back)) = (rate(&anchor, &test, method), rate(&test, &anchor, method)) {
                prop_assert!(((1.0 + there / 100.0) * (1.0 + back / 100.0) - 1.0).abs() < 1e-9);
            }
            if let (Ok(there), Ok(back)) = (quality(&anchor, &test, method), quality(&test, &anchor, method)) {
                prop_assert!((there + back).abs() < 1e-9);
            }
        }
    }
}
