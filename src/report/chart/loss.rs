//! Quality over asked network loss: a line with its band (error bars where there are many) for each setting, named at its end.

use super::canvas::axis::Axis;
use super::canvas::caption::{axis_title, ends, fixed_range, footnote, mapping, pooling, reach};
use super::canvas::label_layout::spread;
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, LABEL, LABEL_ROW, Panel, Shape, Size, cut, error_bar, marker, page};
use super::canvas::scene::{Scene, Words, text_width};
use crate::metric::Better;
use crate::report::family::LossSweep;
use crate::report::figure::{bracket, figure, figure_of_loss};
use crate::report::series::SERIES;
use crate::report::view::View;
use crate::stats::Summary;

/// `None`: no setting has this metric at two losses.
pub fn draw(view: &View, measure: usize, sweep: &LossSweep, size: Size) -> Option<(String, Scene)> {
    let lines = lines(view, measure, sweep);
    if lines.is_empty() {
        return None;
    }
    let title = title(view, measure, &lines);
    let network = network(view, sweep);
    let heading = Heading {
        title: title.clone(),
        subtitle: format!("{network}{} · {}", pooling(view, sweep), mapping(view, measure, sweep)),
        footnote: footnote(view, lines.iter().map(|l| l.setting)),
    };
    let labels = lines.len() as f64 * LABEL_ROW;
    let least = if size == Size::Narrow { 340.0 } else { 0.0 };
    let (mut scene, body) = page(size, &heading, Some((labels + 76.0).max(least)));
    let most = if size == Size::Narrow { 120.0 } else { 260.0 };
    let label = |l: &Line| cut(view.settings[l.setting].label.clone(), LABEL, true, most);
    let right = lines.iter().map(|l| text_width(&label(l), LABEL, true)).fold(0.0, f64::max) + 18.0;
    let losses = || sweep.iter().map(|c| view.conditions[*c].loss);
    let highest = losses().fold(0.0, f64::max);
    let x = Axis::linear("asked network loss, %", [], Some((losses().fold(highest, f64::min), highest)));
    let x = x.with_ticks(spaced(&losses().collect::<Vec<_>>(), body.right - body.left - right - 30.0));
    let reach = reach(view, measure, lines.iter().flat_map(|l| &l.points).map(|(_, s)| s));
    let y = Axis::linear(
        axis_title(view, measure),
        reach.into_iter().chain(zero(view, measure)),
        fixed_range(view, measure),
    );
    let panel = Panel::draw(&mut scene, body, "", x, y, Shape { right, ..Shape::default() });
    plot(view, measure, &mut scene, &panel, &lines);
    names(view, &mut scene, &panel, &lines, &label);
    Some((title, scene))
}

/// What the networks of a sweep have in common, to stand before more words: "delay 40ms · ", and the kinds of their losses
/// where there are several: "delay 40ms, 5 % in bursts of 4 · ".
pub(super) fn network(view: &View, sweep: &LossSweep) -> String {
    let Some(last) = sweep.last() else { return String::new() };
    let lossy = || sweep.iter().map(|c| &view.conditions[*c]).filter(|c| c.loss > 0.0);
    let one = lossy().all(|c| c.family.model == view.conditions[*last].family.model);
    let mut words = vec![view.conditions[*last].family.base.clone()];
    if one {
        words.push(view.conditions[*last].family.model.clone());
    } else {
        let kinds = lossy().filter(|c| !c.family.model.is_empty());
        words.extend(kinds.map(|c| format!("{}\u{a0}% in {}", figure_of_loss(c.loss), c.family.model)));
    }
    words.retain(|w| !w.is_empty());
    if words.is_empty() { String::new() } else { format!("{} · ", words.join(", ")) }
}

pub(super) struct Line {
    pub setting: usize,
    /// Asked loss and score.
    pub points: Vec<(f64, Summary)>,
    shape: usize,
    /// Settings that share a colour differ in strength.
    alpha: f64,
}

/// Delays, losses and bitrates are read against zero.
pub(super) fn zero(view: &View, measure: usize) -> Option<f64> {
    (view.measures[measure].better == Better::Lower).then_some(0.0)
}

/// Those of `settings` that have the measure at two losses, as different as their colours.
pub(super) fn lines_of(view: &View, measure: usize, sweep: &LossSweep, settings: &[usize]) -> Vec<Line> {
    let line = |setting: &usize| {
        let points = points(view, measure, sweep, *setting);
        let shape = view.settings[*setting].colour;
        (points.len() > 1).then_some(Line { setting: *setting, points, shape, alpha: 1.0 })
    };
    settings.iter().filter_map(line).collect()
}

fn points(view: &View, measure: usize, sweep: &LossSweep, setting: usize) -> Vec<(f64, Summary)> {
    let point = |c: &usize| Some((view.conditions[*c].loss, *view.summary(setting, *c, measure)?));
    sweep.iter().filter_map(point).collect()
}

pub(super) fn lines(view: &View, measure: usize, sweep: &LossSweep) -> Vec<Line> {
    let shares = view.settings.len() > SERIES;
    let line = |setting: usize| {
        let points = points(view, measure, sweep, setting);
        let kin = || view.settings.iter().filter(|s| s.colour == view.settings[setting].colour);
        let rank = view.settings[..setting].iter().filter(|s| s.colour == view.settings[setting].colour).count();
        let (shape, alpha) = if shares {
            (view.settings[setting].colour + rank, 0.45 + 0.55 * (rank + 1) as f64 / kin().count() as f64)
        } else {
            (view.settings[setting].colour, 1.0)
        };
        (points.len() > 1).then_some(Line { setting, points, shape, alpha })
    };
    (0..view.settings.len()).filter_map(line).collect()
}

/// Losses far enough apart on so many pixels for their figures not to touch.
pub(super) fn spaced(losses: &[f64], width: f64) -> Vec<f64> {
    const APART: f64 = 20.0;
    let range = losses.iter().copied().fold(0.0, f64::max) - losses.iter().copied().fold(f64::INFINITY, f64::min);
    let mut kept: Vec<f64> = Vec::new();
    for loss in losses {
        if kept.last().is_none_or(|k| (loss - k) / range * width >= APART) {
            kept.push(*loss);
        }
    }
    kept
}

fn title(view: &View, measure: usize, lines: &[Line]) -> String {
    let m = &view.measures[measure];
    let lower = m.better == Better::Lower;
    let (worst, sign) = if lower { (f64::INFINITY, -1.0) } else { (f64::NEG_INFINITY, 1.0) };
    let last = |l: &Line| l.points.last().map_or((0.0, worst), |(loss, s)| (*loss, s.mean));
    let order = |a: &&Line, b: &&Line| (sign * last(a).1).total_cmp(&(sign * last(b).1));
    let Some(best) = lines.iter().max_by(order) else { return m.title.clone() };
    let (loss, score) = last(best);
    let first = best.points.first().map_or(score, |(_, s)| s.mean);
    let label = &view.settings[best.setting].label;
    let (from, to, loss) = (figure(first, &m.unit), figure(score, &m.unit), figure_of_loss(loss));
    if lines.len() == 1 {
        return format!("{label}: from {from} to {to} {} at {loss} % loss", m.unit);
    }
    if lower {
        return format!("{label} has the least {} at {loss}\u{a0}% loss: {to} {}, from {from}", m.title, m.unit);
    }
    format!("{label} scores highest at {loss}\u{a0}% loss: {to} {}, from {from}", m.unit)
}

/// The lines with their bands or error bars.
pub(super) fn plot(view: &View, measure: usize, scene: &mut Scene, panel: &Panel, lines: &[Line]) {
    let unit = &view.measures[measure].unit;
    let ink = |l: &Line| Ink::Series(view.settings[l.setting].colour);
    // Bands of more lines than there are colours would cover each other.
    let bands = lines.len() <= SERIES;
    for line in lines {
        if !bands {
            line.points.iter().for_each(|(x, s)| error_bar(scene, panel, *x, s, ink(line)));
            continue;
        }
        let edge = |pick: fn((f64, f64)) -> f64| {
            let y = move |s: &Summary| pick(ends(s));
            line.points.iter().map(|(x, s)| panel.at(*x, y(s).clamp(panel.y.low, panel.y.high))).collect::<Vec<_>>()
        };
        let band: Vec<_> = edge(|i| i.1).into_iter().chain(edge(|i| i.0).into_iter().rev()).collect();
        scene.area(band, ink(line), 0.13);
    }
    for line in lines {
        let path: Vec<_> = line.points.iter().map(|(x, s)| panel.at(*x, s.mean)).collect();
        scene.line(path.clone(), ink(line), 2.2, line.alpha);
        for (at, (loss, s)) in path.iter().zip(&line.points) {
            marker(scene, *at, ink(line), line.shape);
            let interval = bracket(s.interval, unit);
            let name = &view.settings[line.setting].label;
            let (mean, loss) = (figure(s.mean, unit), figure_of_loss(*loss));
            scene.tips.push((*at, format!("{name}: {mean}{interval} {unit} at {loss} % loss, {} clips", s.n)));
        }
    }
}

/// Each line's name beside its end.
pub(super) fn names(view: &View, scene: &mut Scene, panel: &Panel, lines: &[Line], label: &dyn Fn(&Line) -> String) {
    let ends: Vec<_> = lines.iter().filter_map(|l| l.points.last().map(|(x, s)| panel.at(*x, s.mean))).collect();
    let wanted: Vec<_> = ends.iter().map(|e| (e.1, LABEL_ROW)).collect();
    let centres = spread(&wanted, panel.plot.top - 4.0, panel.plot.bottom + 4.0);
    for ((line, end), y) in lines.iter().zip(&ends).zip(&centres) {
        let colour = view.settings[line.setting].colour;
        let x = panel.plot.right;
        scene.line(
            vec![(end.0 + 6.0, end.1), (x + 13.0, *y)],
            Ink::Series(colour),
            0.8,
            if (y - end.1).abs() > 3.0 { 0.7 } else { 0.0 },
        );
        scene.words(Words::new((x + 16.0, y + LABEL * 0.36), label(line), LABEL, Ink::Label(colour)).bold());
    }
}
