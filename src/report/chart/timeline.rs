//! One case of video over time: the quality of what was on show, with freezes shaded and key frames marked.

use super::canvas::axis::Axis;
use super::canvas::caption::axis_title;
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Shape, Size, grid, page, widest_tick};
use super::canvas::scene::{Rect, Scene};
use crate::report::figure::{figure, short};
use crate::report::view::{Timeline, View};

/// So many curves are shown, one below the other.
const CURVES: usize = 2;
/// A curve of more ticks is drawn with the worst of each few.
const MOST_POINTS: usize = 700;

/// `None`: no curve has two ticks.
pub fn draw(view: &View, timeline: &Timeline, size: Size) -> Option<(String, Scene)> {
    let known = |(id, values): &'_ (String, Vec<f32>)| (values.len() > 1).then(|| view.measure(id)).flatten();
    let curves: Vec<(usize, &[f32])> =
        timeline.curves.iter().filter_map(|c| Some((known(c)?, c.1.as_slice()))).take(CURVES).collect();
    let ticks = curves.iter().map(|c| c.1.len()).max()?;
    let title = title(view, timeline, &curves, ticks);
    let subtitle = format!(
        "{} · of what was on show at each tick of the source · shaded: frozen · triangle: a key frame comes on show",
        timeline.case
    );
    let heading =
        Heading { title: title.clone(), subtitle, footnote: format!("codecbench {}", env!("CARGO_PKG_VERSION")) };
    let height = if size == Size::Wide { 190.0 } else { 220.0 };
    let (mut scene, body) = page(size, &heading, Some(height * curves.len() as f64));
    let seconds = |tick: f64| tick * timeline.step_ms / 1000.0;
    let end = seconds(ticks as f64);
    let axis = |(measure, values): &(usize, &[f32])| {
        let finite = values.iter().map(|v| f64::from(*v)).filter(|v| v.is_finite());
        Axis::linear(axis_title(view, *measure), finite, None)
    };
    let axes: Vec<Axis> = curves.iter().map(axis).collect();
    // One tick is at the same place in both.
    let shape = Shape { tick_width: axes.iter().map(widest_tick).fold(0.0, f64::max), ..Shape::default() };
    for (((measure, values), y), area) in curves.iter().zip(axes).zip(grid(body, curves.len(), 1)) {
        let x = Axis::linear("time in the scored pass, s", [], Some((0.0, end)));
        let panel = Panel::draw(&mut scene, area, &head(view, *measure, values, &seconds), x, y, shape);
        for (from, to) in runs(&timeline.frozen) {
            let (left, right) = (panel.at(seconds(from as f64), 0.0).0, panel.at(seconds(to as f64), 0.0).0);
            let r = Rect { left, right: right.max(left + 1.0), ..panel.plot };
            let corners = [(r.left, r.top), (r.right, r.top), (r.right, r.bottom), (r.left, r.bottom)];
            scene.area(corners.to_vec(), Ink::Series(1), 0.22);
        }
        for tick in (0..timeline.key.len()).filter(|t| timeline.key[*t]) {
            let (x, top) = (panel.at(seconds(tick as f64), 0.0).0, panel.plot.top);
            scene.line(vec![(x, top), (x, panel.plot.bottom)], Ink::Muted, 0.8, 0.45);
            scene.area(vec![(x - 4.0, top - 1.0), (x + 4.0, top - 1.0), (x, top + 6.0)], Ink::Muted, 1.0);
        }
        curve(&mut scene, &panel, values, &seconds);
        tip(view, &mut scene, &panel, *measure, values, &seconds);
    }
    Some((title, scene))
}

/// Where ticks of a kind begin and end.
fn runs(ticks: &[bool]) -> Vec<(usize, usize)> {
    let mut runs: Vec<(usize, usize)> = Vec::new();
    for tick in (0..ticks.len()).filter(|t| ticks[*t]) {
        match runs.last_mut() {
            Some(run) if run.1 == tick => run.1 += 1,
            _ => runs.push((tick, tick + 1)),
        }
    }
    runs
}

fn title(view: &View, timeline: &Timeline, curves: &[(usize, &[f32])], ticks: usize) -> String {
    let freezes = runs(&timeline.frozen);
    let frozen = freezes.iter().map(|(from, to)| to - from).sum::<usize>() as f64 / ticks as f64;
    let said = match freezes.len() {
        0 => "no freeze".to_owned(),
        1 => format!("one freeze takes {} % of the time", short(100.0 * frozen)),
        n => format!("{n} freezes take {} % of the time", short(100.0 * frozen)),
    };
    let quality = curves.first().and_then(|(m, values)| {
        let (_, worst) = worst(values)?;
        let unit = &view.measures[*m].unit;
        Some(format!(", {} falls to {} {unit}", view.measures[*m].title, figure(worst, unit)).trim_end().to_owned())
    });
    format!("{}: {said}{}", timeline.setting, quality.unwrap_or_default())
}

/// "VMAF: mean 82.3, worst 20.1 at 3.4 s".
fn head(view: &View, measure: usize, values: &[f32], seconds: &dyn Fn(f64) -> f64) -> String {
    let finite: Vec<f64> = values.iter().map(|v| f64::from(*v)).filter(|v| v.is_finite()).collect();
    let m = &view.measures[measure];
    let unit = &m.unit;
    let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
    let worst = worst(values).map_or(String::new(), |(tick, worst)| {
        format!(", worst {} at {:.1} s", figure(worst, unit), seconds(tick as f64))
    });
    format!("{}: mean {}{worst}", m.title, figure(mean, unit))
}

fn worst(values: &[f32]) -> Option<(usize, f64)> {
    let finite = values.iter().enumerate().filter(|(_, v)| v.is_finite());
    finite.min_by(|a, b| a.1.total_cmp(b.1)).map(|(tick, v)| (tick, f64::from(*v)))
}

/// Where a tick has no figure the line has a hole.
fn curve(scene: &mut Scene, panel: &Panel, values: &[f32], seconds: &dyn Fn(f64) -> f64) {
    let each = values.len().div_ceil(MOST_POINTS);
    let mut path = Vec::new();
    for (i, few) in values.chunks(each).enumerate() {
        match worst(few) {
            Some((k, value)) => path.push(panel.at(seconds((i * each + k) as f64), value)),
            None => stroke(scene, std::mem::take(&mut path)),
        }
    }
    stroke(scene, path);
}

fn stroke(scene: &mut Scene, path: Vec<(f64, f64)>) {
    if path.len() > 1 {
        scene.line(path, Ink::Series(0), 1.6, 1.0);
    }
}

fn tip(view: &View, scene: &mut Scene, panel: &Panel, measure: usize, values: &[f32], seconds: &dyn Fn(f64) -> f64) {
    if let Some((tick, value)) = worst(values) {
        let m = &view.measures[measure];
        let words = format!("tick {tick}, {:.2} s: {} {}", seconds(tick as f64), figure(value, &m.unit), m.unit);
        scene.tips.push((panel.at(seconds(tick as f64), value), words.trim_end().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn freezes_are_runs_of_frozen_ticks() {
        let ticks = [false, true, true, false, true];
        assert_eq!(runs(&ticks), [(1, 3), (4, 5)]);
        assert!(runs(&[]).is_empty() && runs(&[false]).is_empty());
    }

    #[test]
    fn the_worst_tick_is_found_among_finite_ones() {
        assert_eq!(worst(&[f32::NAN, 40.0, 12.5, 30.0]), Some((2, 12.5)));
        assert_eq!(worst(&[f32::NAN]), None);
    }
}
