//! Which points are worth having: the convex hull of rate and quality, and the Pareto front over any number of axes.

use super::bd::Point;
use super::verdict::Prefer;

/// The places of the points on the upper convex hull over log rate, by rising rate: what a sender can reach that picks
/// for each rate the best of all points, or mixes two of them over time. From the cheapest point up to the best; each
/// next one costs more and is better, by ever smaller gains per octave. Of equal points the first.
pub fn hull(points: &[Point]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&points[*a], &points[*b]);
        a.rate.total_cmp(&b.rate).then(b.quality.total_cmp(&a.quality))
    });
    let mut hull: Vec<usize> = Vec::new();
    for i in order {
        let p = &points[i];
        if hull.last().is_some_and(|last| p.quality <= points[*last].quality) {
            continue;
        }
        // The last one goes while it lies on or below the line from the one before it to this one.
        while let [.., a, b] = hull[..] {
            let (a, b) = (&points[a], &points[b]);
            let gain = |to: &Point| (to.quality - a.quality) / (to.rate.ln() - a.rate.ln());
            if gain(b) > gain(p) {
                break;
            }
            hull.pop();
        }
        hull.push(i);
    }
    hull
}

/// For each row whether nothing beats it: no other row is at least as good on every axis and better on one. `axes` says
/// which way each column is better; columns without a better way do not count.
pub fn pareto(rows: &[Vec<f64>], axes: &[Prefer]) -> Vec<bool> {
    let ahead = |a: f64, b: f64, axis: Prefer| match axis {
        Prefer::Higher => a > b,
        Prefer::Lower => a < b,
        Prefer::Neither => false,
    };
    let beats = |a: &[f64], b: &[f64]| {
        let columns = || a.iter().zip(b).zip(axes);
        columns().any(|((a, b), axis)| ahead(*a, *b, *axis)) && !columns().any(|((a, b), axis)| ahead(*b, *a, *axis))
    };
    rows.iter().map(|row| !rows.iter().any(|other| beats(other, row))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn points(list: &[(f64, f64)]) -> Vec<Point> {
        list.iter().map(|(rate, quality)| Point { rate: *rate, quality: *quality }).collect()
    }

    #[test]
    fn the_hull_leaves_out_what_mixing_two_others_beats() {
        // 2.0 at 20 lies below the line from 1.0 at 10 to 3.5 at 40; 3.0 at 80 is dearer and worse than 3.5 at 40.
        assert_eq!(hull(&points(&[(40.0, 3.5), (10.0, 1.0), (80.0, 3.0), (20.0, 2.0)])), [1, 0]);
        assert_eq!(hull(&points(&[(10.0, 1.0), (20.0, 2.5), (40.0, 3.5), (80.0, 4.0)])), [0, 1, 2, 3]);
        assert_eq!(hull(&points(&[(10.0, 1.0), (10.0, 1.0), (10.0, 0.5)])), [0]);
        assert!(hull(&[]).is_empty());
    }

    #[test]
    fn the_front_has_what_nothing_beats() {
        // Quality, bitrate, delay, CPU.
        let axes = [Prefer::Higher, Prefer::Lower, Prefer::Lower, Prefer::Lower];
        let rows = [[4.0, 24.0, 26.0, 2.0], [4.0, 24.0, 26.0, 3.0], [3.0, 12.0, 26.0, 2.0], [4.0, 24.0, 26.0, 2.0]];
        assert_eq!(pareto(&rows.map(Vec::from), &axes), [true, false, true, true]);
        assert_eq!(pareto(&[vec![1.0], vec![2.0]], &[Prefer::Neither]), [true, true]);
    }

    proptest! {
        #[test]
        fn no_point_lies_above_the_hull(list in proptest::collection::vec((1.0..500.0_f64, 1.0..5.0_f64), 1..30)) {
            let points = points(&list);
            let hull = hull(&points);
            let at: Vec<(f64, f64)> = hull.iter().map(|i| (points[*i].rate.ln(), points[*i].quality)).collect();
            prop_assert!(at.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            for p in &points {
                let x = p.rate.ln();
                let above = at.windows(2).find(|w| w[0].0 <= x && x <= w[1].0);
                let reached = match above {
                    Some(w) => w[0].1 + (w[1].1 - w[0].1) * (x - w[0].0) / (w[1].0 - w[0].0),
                    None if x >= at[at.len() - 1].0 => at[at.len() - 1].1,
                    None => f64::NEG_INFINITY,
                };
                prop_assert!(p.quality <= reached + 1e-9, "{p:?} over {at:?}");
            }
        }

        #[test]
        fn whatever_is_not_on_the_front_is_beaten_by_something_on_it(
            rows in proptest::collection::vec(proptest::collection::vec(0..6_u8, 3), 1..25),
        ) {
            let rows: Vec<Vec<f64>> = rows.into_iter().map(|r| r.into_iter().map(f64::from).collect()).collect();
            let axes = [Prefer::Higher, Prefer::Lower, Prefer::Lower];
            let front = pareto(&rows, &axes);
            prop_assert!(front.contains(&true));
            let as_good = |a: &[f64], b: &[f64]| a[0] >= b[0] && a[1] <= b[1] && a[2] <= b[2];
            for (i, row) in rows.iter().enumerate() {
                let beaten = rows.iter().zip(&front).any(|(o, on)| *on && o != row && as_good(o, row));
                prop_assert_eq!(front[i], !beaten);
            }
        }
    }
}
