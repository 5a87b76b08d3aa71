//! Two settings against each other: every paired difference with its interval, in units of what matters.

use super::canvas::axis::Axis;
use super::canvas::caption::{ends, footnote, pooling};
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Shape, Size, cut, marker, page};
use super::canvas::scene::{Rect, Scene, Words, text_width};
use crate::metric::Better;
use crate::report::figure::{bracket, signed};
use crate::report::view::{Comparison, Setting, View};

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
    let gain = |id| rows.iter().filter(move |v| v.measure == id).map(|v| words(view, v)).next();
    let quality = view.qualities().first().copied().and_then(gain).filter(|_| !several);
    let bitrate = view.measure("wire-bitrate").and_then(gain).filter(|_| !several);
    let gains: Vec<String> = quality.into_iter().chain(bitrate.map(|b| format!("{b} on the wire"))).collect();
    let gains = if gains.is_empty() { String::new() } else { format!(": {}", gains.join(", ")) };
    let title = format!("{} against {}{gains}", b.label, a.label);
    let what = if several { &view.measures[first.measure].title } else { &view.conditions[first.condition].name };
    let asked = |s: &Setting| match s.requested.as_str() {
        "" => String::new(),
        requested => format!(" · {}: {requested}", s.label),
    };
    let subtitle = format!(
        "{what} · right: {} is better · paired by clip and seed, {}{}{}",
        b.label,
        pooling(view, &conditions),
        asked(a),
        asked(b)
    );
    let heading = Heading { title: title.clone(), subtitle, footnote: footnote(view, 0..2) };
    let (mut scene, body) = page(size, &heading, Some(rows.len() as f64 * ROW + 60.0));
    let name = |v: &Comparison| {
        let name =
            if several { view.conditions[v.condition].name.clone() } else { view.measures[v.measure].title.clone() };
        cut(name, 12.0, false, if size == Size::Wide { 210.0 } else { body.right - body.left })
    };
    let beside = size == Size::Wide;
    let left =
        if beside { rows.iter().map(|v| text_width(&name(v), 12.0, false)).fold(0.0, f64::max) + 14.0 } else { 0.0 };
    let said =
        |v: &Comparison| if beside { format!("{}{}", words(view, v), interval(view, v)) } else { words(view, v) };
    let right = rows.iter().map(|v| text_width(&said(v), 11.5, true)).fold(0.0, f64::max) + 12.0;
    let area = Rect { left: body.left + left, ..body };
    let reach = rows.iter().flat_map(|v| scaled(view, v)).map(f64::abs).fold(2.0, f64::max).min(FAR);
    let x = Axis::linear(
        "in units of the smallest difference that matters (grey)",
        [],
        Some((-reach * 1.06, reach * 1.06)),
    );
    let y = Axis::linear("", [], Some((0.0, rows.len() as f64))).with_ticks([]);
    let panel = Panel::draw(&mut scene, area, "", x, y, Shape { right, ..Shape::default() });
    for (i, v) in rows.iter().enumerate() {
        let y = rows.len() as f64 - 0.5 - i as f64;
        row(&mut scene, view, &panel, v, y, reach);
        let at = panel.at(0.0, y);
        let place = if beside { (body.left, at.1 + 4.0) } else { (panel.plot.left, at.1 - 9.0) };
        scene.words(Words::new(place, name(v), if beside { 12.0 } else { 11.0 }, Ink::Text));
        scene.words(Words::new((panel.plot.right + 10.0, at.1 + 4.0), said(v), 11.5, Ink::Text).bold());
    }
    Some((title, scene))
}

/// One network: all measures. Several: the first quality under each.
fn rows(view: &View) -> Vec<&Comparison> {
    let judged = |v: &&Comparison| view.measures[v.measure].margin > 0.0;
    let of: Vec<&Comparison> = view.comparisons.iter().filter(judged).collect();
    if view.conditions.len() == 1 {
        return of;
    }
    let quality = view.qualities().first().copied();
    of.into_iter().filter(|v| Some(v.measure) == quality).collect()
}

/// Mean, low and high in margins, better to the right.
fn scaled(view: &View, v: &Comparison) -> [f64; 3] {
    let m = &view.measures[v.measure];
    let sign = if m.better == Better::Lower { -1.0 } else { 1.0 };
    let (low, high) = ends(&v.paired.difference);
    [v.paired.difference.mean, low, high].map(|d| sign * d / m.margin)
}

fn words(view: &View, v: &Comparison) -> String {
    signed(v.paired.difference.mean, &view.measures[v.measure].unit)
}

fn row(scene: &mut Scene, view: &View, panel: &Panel, v: &Comparison, y: f64, reach: f64) {
    let near = |d: f64| panel.at(d.clamp(-reach, reach), y);
    let [mean, low, high] = scaled(view, v);
    let band = |d| panel.at(d, y).0;
    let half = ROW / 2.0 - 5.0;
    let middle = near(0.0).1;
    scene.fill(Rect { left: band(-1.0), right: band(1.0), top: middle - half, bottom: middle + half }, Ink::Grid);
    let ink = Ink::Series(view.settings[v.b].colour);
    scene.line(vec![(band(0.0), middle - ROW / 2.0), (band(0.0), middle + ROW / 2.0)], Ink::Muted, 1.0, 1.0);
    scene.line(vec![near(low), near(high)], ink, 2.0, 1.0);
    marker(scene, near(mean), ink, if mean.abs() > reach { 3 } else { 0 });
    let tip = format!("{}{}, {} clips", words(view, v), interval(view, v), v.paired.difference.n);
    scene.tips.push((near(mean), tip));
}

fn interval(view: &View, v: &Comparison) -> String {
    bracket(v.paired.difference.interval, &view.measures[v.measure].unit)
}
