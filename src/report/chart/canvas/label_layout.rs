//! Labels that do not overlap: in a column, and around points.

use super::scene::{Point, Rect};

/// Centres for labels in a column: each as near to the place that it wants as the others allow, none overlapping, the
/// order kept, within `low` and `high` as long as all of them fit there. `wanted` is (centre, height), in any order.
pub fn spread(wanted: &[(f64, f64)], low: f64, high: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|a, b| wanted[*a].0.total_cmp(&wanted[*b].0).then(a.cmp(b)));
    // Runs of labels that touch: (first in order, members, height, sum of the tops that its members would give it).
    let mut runs: Vec<(usize, usize, f64, f64)> = Vec::new();
    let total: f64 = wanted.iter().map(|w| w.1).sum();
    let top = |run: &(usize, usize, f64, f64)| (run.3 / run.1 as f64).min(high - run.2).max(low);
    for (k, i) in order.iter().enumerate() {
        let (centre, height) = wanted[*i];
        runs.push((k, 1, height, centre - height / 2.0));
        while let [.., a, b] = runs.as_slice() {
            if top(a) + a.2 <= top(b) {
                break;
            }
            let joined = (a.0, a.1 + b.1, a.2 + b.2, a.3 + b.3 - b.1 as f64 * a.2);
            runs.truncate(runs.len() - 2);
            runs.push(joined);
        }
    }
    let mut centres = vec![0.0; wanted.len()];
    for run in &runs {
        let mut y = if total > high - low { low.max(top(run)) } else { top(run) };
        for i in &order[run.0..run.0 + run.1] {
            centres[*i] = y + wanted[*i].1 / 2.0;
            y += wanted[*i].1;
        }
    }
    centres
}

/// Finds places for labels near their points, off the markers, off each other, and off lines where that can be had.
pub struct Placer {
    bounds: Rect,
    taken: Vec<Rect>,
    lines: Vec<(Point, Point)>,
    markers: Vec<Point>,
}

impl Placer {
    pub fn new(bounds: Rect) -> Placer {
        Placer { bounds, taken: Vec::new(), lines: Vec::new(), markers: Vec::new() }
    }

    /// No label may touch this.
    pub fn take(&mut self, rect: Rect) {
        self.taken.push(rect);
    }

    /// A marker at this point: no label may touch it, nor should another's lie nearer to it than to its own.
    pub fn mark(&mut self, point: Point) {
        self.take(Rect::around(point, 5.5));
        self.markers.push(point);
    }

    /// Labels keep off this where they can.
    pub fn avoid(&mut self, points: &[Point]) {
        self.lines.extend(points.windows(2).map(|w| (w[0], w[1])));
    }

    /// Boxes for labels, each (point, width, height), as near to their points as they can all be. `None`: all is full.
    ///
    /// The first to be placed has the best choice, so several orders are tried.
    pub fn place(&mut self, labels: &[(Point, f64, f64)]) -> Vec<Option<Rect>> {
        let order = |by: fn(&Point) -> f64| {
            let mut order: Vec<usize> = (0..labels.len()).collect();
            order.sort_by(|a, b| by(&labels[*a].0).total_cmp(&by(&labels[*b].0)));
            order
        };
        let orders = [order(|p| -p.0), order(|p| p.0), order(|p| p.1), order(|p| -p.1), order(|_| 0.0)];
        let fixed = self.taken.len();
        let mut best: Option<(f64, Vec<Option<Rect>>)> = None;
        for order in orders {
            let mut sum = 0.0;
            let mut places = vec![None; labels.len()];
            for i in order {
                let found = self.nearest(labels[i]);
                sum += found.map_or(1000.0, |(cost, _)| cost);
                self.taken.extend(found.map(|(_, rect)| rect));
                places[i] = found.map(|(_, rect)| rect);
            }
            self.taken.truncate(fixed);
            if best.as_ref().is_none_or(|(least, _)| sum < *least) {
                best = Some((sum, places));
            }
        }
        let places = best.map_or_else(Vec::new, |(_, places)| places);
        self.taken.extend(places.iter().flatten());
        places
    }

    /// The free box that costs least, and its cost.
    fn nearest(&self, (point, width, height): (Point, f64, f64)) -> Option<(f64, Rect)> {
        let near = (1..=6).flat_map(|ring| around(self.bounds, point, width, height, f64::from(ring)));
        let anywhere = grid(self.bounds, width, height);
        let leads_over = |r: &Rect| {
            let end = (point.0.clamp(r.left, r.right), point.1.clamp(r.top, r.bottom));
            let on_the_way = |t: &&Rect| !t.overlaps(&Rect::around(point, 1.0)) && crosses((point, end), t);
            self.taken.iter().filter(on_the_way).count()
        };
        let mut best: Option<(f64, Rect)> = None;
        for (cost, rect) in near.chain(anywhere.map(|r| (far(point, &r), r))) {
            if !self.bounds.contains(&rect) || self.taken.iter().any(|t| t.overlaps(&rect)) {
                continue;
            }
            let crossed = self.lines.iter().filter(|l| crosses(**l, &rect)).count();
            let cost = cost + 90.0 * crossed as f64;
            if best.is_some_and(|(least, _)| cost >= least) {
                continue;
            }
            let others = || self.markers.iter().filter(|m| **m != point);
            let astray = others().any(|m| distance(*m, &rect) < distance(point, &rect) + 3.0);
            let cost = cost + 60.0 * leads_over(&rect) as f64 + if astray { 40.0 } else { 0.0 };
            if best.is_none_or(|(least, _)| cost < least) {
                best = Some((cost, rect));
            }
        }
        best
    }
}

/// Boxes right, left, above, below and at the corners of a point, with what each is worth less than the best.
/// Those above and below are moved sideways into the bounds.
fn around(bounds: Rect, (x, y): Point, w: f64, h: f64, ring: f64) -> impl Iterator<Item = (f64, Rect)> {
    let gap = 3.0 + 6.0 * ring;
    let (half_w, half_h) = (w / 2.0 + gap, h / 2.0 + gap * 0.8);
    let places = [
        (half_w, 0.0, 0.0),
        (half_w, -half_h, 2.0),
        (half_w, half_h, 3.0),
        (0.0, -half_h, 1.0),
        (0.0, half_h, 2.0),
        (-half_w, 0.0, 4.0),
        (-half_w, -half_h, 5.0),
        (-half_w, half_h, 6.0),
    ];
    places.into_iter().map(move |(dx, dy, cost)| {
        let inside = (bounds.left + w / 2.0, (bounds.right - w / 2.0).max(bounds.left + w / 2.0));
        let cx = if dx == 0.0 { x.clamp(inside.0, inside.1) } else { x + dx };
        let cy = y + dy;
        let rect = Rect { left: cx - w / 2.0, right: cx + w / 2.0, top: cy - h / 2.0, bottom: cy + h / 2.0 };
        (cost + 9.0 * (ring - 1.0), rect)
    })
}

fn grid(bounds: Rect, w: f64, h: f64) -> impl Iterator<Item = Rect> {
    let columns = ((bounds.right - bounds.left - w) / 12.0).floor().max(-1.0) as i64;
    let rows = ((bounds.bottom - bounds.top - h) / 6.0).floor().max(-1.0) as i64;
    (0..=columns).flat_map(move |c| {
        (0..=rows).map(move |r| {
            let (left, top) = (bounds.left + 12.0 * c as f64, bounds.top + 6.0 * r as f64);
            Rect { left, top, right: left + w, bottom: top + h }
        })
    })
}

/// The cost of a label so far from its point that it takes a leader line.
fn far(point: Point, r: &Rect) -> f64 {
    45.0 + distance(point, r)
}

fn distance((x, y): Point, r: &Rect) -> f64 {
    let dx = (r.left - x).max(x - r.right).max(0.0);
    let dy = (r.top - y).max(y - r.bottom).max(0.0);
    dx.hypot(dy)
}

/// Whether a segment has a point in the box (Liang and Barsky's clipping).
fn crosses(((x0, y0), (x1, y1)): (Point, Point), r: &Rect) -> bool {
    let (dx, dy) = (x1 - x0, y1 - y0);
    let (mut from, mut to) = (0.0f64, 1.0f64);
    for (p, q) in [(-dx, x0 - r.left), (dx, r.right - x0), (-dy, y0 - r.top), (dy, r.bottom - y0)] {
        if p == 0.0 {
            if q < 0.0 {
                return false;
            }
        } else if p < 0.0 {
            from = from.max(q / p);
        } else {
            to = to.min(q / p);
        }
    }
    from <= to
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_column_never_overlaps(wanted in prop::collection::vec((-50.0..450.0f64, 5.0..30.0f64), 0..40)) {
            let centres = spread(&wanted, 0.0, 400.0);
            let mut order: Vec<usize> = (0..wanted.len()).collect();
            order.sort_by(|a, b| centres[*a].total_cmp(&centres[*b]));
            for w in order.windows(2) {
                let (a, b) = (w[0], w[1]);
                prop_assert!(centres[a] + wanted[a].1 / 2.0 <= centres[b] - wanted[b].1 / 2.0 + 1e-6);
                prop_assert!(wanted[a].0 <= wanted[b].0, "the order is kept");
            }
            if wanted.iter().map(|w| w.1).sum::<f64>() <= 400.0 {
                for (c, w) in centres.iter().zip(&wanted) {
                    prop_assert!(c - w.1 / 2.0 >= -1e-6 && c + w.1 / 2.0 <= 400.0 + 1e-6);
                }
            }
        }

        #[test]
        fn labels_around_points_never_overlap(points in prop::collection::vec((0.0..300.0f64, 0.0..200.0f64, 10.0..90.0f64), 1..25)) {
            let bounds = Rect { left: 0.0, top: 0.0, right: 300.0, bottom: 200.0 };
            let mut placer = Placer::new(bounds);
            let mut fixed = Vec::new();
            for (x, y, _) in &points {
                fixed.push(Rect::around((*x, *y), 3.0));
                placer.take(Rect::around((*x, *y), 3.0));
            }
            placer.avoid(&points.iter().map(|p| (p.0, p.1)).collect::<Vec<_>>());
            let labels: Vec<_> = points.iter().map(|(x, y, w)| ((*x, *y), *w, 12.0)).collect();
            let labels: Vec<Rect> = placer.place(&labels).into_iter().flatten().collect();
            for (i, a) in labels.iter().enumerate() {
                prop_assert!(bounds.contains(a));
                prop_assert!(labels[..i].iter().chain(&fixed).all(|b| !a.overlaps(b)));
            }
        }
    }

    #[test]
    fn labels_that_have_room_stay_where_they_want() {
        assert_eq!(spread(&[(100.0, 10.0), (50.0, 10.0)], 0.0, 200.0), [100.0, 50.0]);
        assert_eq!(spread(&[(100.0, 10.0), (100.0, 10.0)], 0.0, 200.0), [95.0, 105.0]);
        assert_eq!(spread(&[(0.0, 10.0)], 0.0, 200.0), [5.0]);
    }
}
