//! Two settings against each other: every paired difference with its interval, in units of what matters.

use super::axis::Axis;
use super::frame::{Heading, Panel, Size, cut, marker, page};
use super::ink::Ink;
use super::scene::{Rect, Scene, Words, text_width};
use super::{figure, footnote, pooling};
use crate::metric::Better;
use crate::report::{Verdict, View};

/// Differences beyond so many margins are drawn at the edge; the figures beside them are the true ones.
const FAR: f64 = 10.0;
const ROW: f64 = 30.0;

/// `None` unless there are two settings with paired cases.
pub fn draw(view: &View, size: Size) -> Option<(String, Scene)> {
    let [a, b] = &view.settings[..] else { return None };
    let rows = rows(view);
    let first = rows.first()?;
    let conditions: Vec<usize> = rows.iter().map(|v| v.condition).collect();
    let several = conditions.iter().any(|c| *c != first.condition);
    let title = format!("{} against {}: right is better, left is worse", b.label, a.label);
    let what = if several { &view.measures[first.measure].title } else { &view.conditions[first.condition].name };
    let subtitle = format!(
        "{what} · differences paired by clip and seed, in units of the smallest that matters · {}",
        pooling(view, &conditions)
    );
    let heading = Heading { title: title.clone(), subtitle, footnote: footnote(view, 0..2) };
    let (mut scene, body) = page(size, &heading, Some(rows.len() as f64 * ROW + 60.0));
    let name = |v: &Verdict| {
        let name =
            if several { view.conditions[v.condition].name.clone() } else { view.measures[v.measure].title.clone() };
        cut(name, 12.0, false, if size == Size::Wide { 230.0 } else { body.right - body.left })
    };
    let beside = size == Size::Wide;
    let left =
        if beside { rows.iter().map(|v| text_width(&name(v), 12.0, false)).fold(0.0, f64::max) + 14.0 } else { 0.0 };
    let right = rows.iter().map(|v| text_width(&words(view, v), 11.5, true)).fold(0.0, f64::max) + 12.0;
    let area = Rect { left: body.left + left, ..body };
    let reach = rows.iter().flat_map(|v| scaled(view, v)).map(f64::abs).fold(2.0, f64::max).min(FAR);
    let x = Axis::linear("difference ÷ smallest that matters", [], Some((-reach * 1.06, reach * 1.06)));
    let y = Axis::linear("", [], Some((0.0, rows.len() as f64))).with_ticks([]);
    let panel = Panel::draw(&mut scene, area, "", x, y, false, right);
    for (i, v) in rows.iter().enumerate() {
        let y = rows.len() as f64 - 0.5 - i as f64;
        row(&mut scene, view, &panel, v, y, reach);
        let at = panel.at(0.0, y);
        let place = if beside { (body.left, at.1 + 4.0) } else { (panel.plot.left, at.1 - 9.0) };
        scene.words(Words::new(place, name(v), if beside { 12.0 } else { 11.0 }, Ink::Text));
        scene.words(Words::new((panel.plot.right + 10.0, at.1 + 4.0), words(view, v), 11.5, Ink::Text).bold());
    }
    let zero = |y| panel.at(0.0, y);
    scene.line(vec![zero(0.0), zero(rows.len() as f64)], Ink::Muted, 1.0, 1.0);
    Some((title, scene))
}

/// One network: all measures. Several: the first quality under each.
fn rows(view: &View) -> Vec<&Verdict> {
    let judged = |v: &&Verdict| view.measures[v.measure].margin > 0.0;
    let of: Vec<&Verdict> = view.verdicts.iter().filter(judged).collect();
    if view.conditions.len() == 1 {
        return of;
    }
    let quality = view.qualities().first().copied();
    of.into_iter().filter(|v| Some(v.measure) == quality).collect()
}

/// Mean, low and high in margins, better to the right.
fn scaled(view: &View, v: &Verdict) -> [f64; 3] {
    let m = &view.measures[v.measure];
    let sign = if m.better == Better::Lower { -1.0 } else { 1.0 };
    let (low, high) = v.difference.interval.unwrap_or((v.difference.mean, v.difference.mean));
    [v.difference.mean, low, high].map(|d| sign * d / m.margin)
}

fn words(view: &View, v: &Verdict) -> String {
    let unit = &view.measures[v.measure].unit;
    let sign = if v.difference.mean > 0.0 { "+" } else { "" };
    format!("{sign}{} {unit}", figure(v.difference.mean, unit))
}

fn row(scene: &mut Scene, view: &View, panel: &Panel, v: &Verdict, y: f64, reach: f64) {
    let near = |d: f64| panel.at(d.clamp(-reach, reach), y);
    let [mean, low, high] = scaled(view, v);
    let band = |d| panel.at(d, y).0;
    let half = ROW / 2.0 - 5.0;
    let middle = near(0.0).1;
    scene.fill(Rect { left: band(-1.0), right: band(1.0), top: middle - half, bottom: middle + half }, Ink::Grid);
    let ink = Ink::Series(view.settings[v.b].colour);
    scene.line(vec![near(low), near(high)], ink, 2.0, 1.0);
    marker(scene, near(mean), ink, if mean.abs() > reach { 3 } else { 0 });
    let unit = &view.measures[v.measure].unit;
    let interval =
        v.difference.interval.map_or(String::new(), |(l, h)| format!(" [{}, {}]", figure(l, unit), figure(h, unit)));
    scene.tips.push((near(mean), format!("{}{interval}, {} clips", words(view, v), v.difference.n)));
}
