//! One measure over asked network loss in panels on common axes: one for each of many families of networks, the delays side
//! by side and the kinds of loss below each other, or one for each bitrate.

use super::canvas::axis::Axis;
use super::canvas::caption::{axis_title, fixed_range, footnote, mapping, pooling, reach};
use super::canvas::panel::{Heading, LABEL, LABEL_ROW, Panel, Shape, Size, cut, grid, page};
use super::canvas::scene::{Scene, text_width};
use super::loss::{Line, lines, lines_of, names, network, plot, spaced, zero};
use crate::metric::Better;
use crate::report::family::LossSweep;
use crate::report::figure::figure;
use crate::report::series::series;
use crate::report::view::View;

/// What the panels are.
#[derive(Clone, Copy)]
pub enum Split<'a> {
    /// A family of networks each, with all settings.
    Networks(&'a [LossSweep]),
    /// A bitrate each, with one setting of each series, over one family of networks.
    Bitrates(&'a LossSweep, &'a [Vec<usize>]),
}

/// `None`: no family has two losses with this measure.
pub fn draw(view: &View, measure: usize, split: Split<'_>, size: Size) -> Option<(String, Scene)> {
    let (panels, names_of) = match split {
        Split::Networks(families) => {
            (panels(view, measure, families), view.settings.iter().map(|s| s.label.clone()).collect())
        }
        Split::Bitrates(sweep, rungs) => (of_bitrates(view, measure, sweep, rungs), series_names(view)),
    };
    let all = || panels.iter().flat_map(|p| &p.lines);
    all().next()?;
    let title = title(view, measure, &panels, &names_of, matches!(split, Split::Bitrates(..)));
    let conditions: Vec<usize> = match split {
        Split::Networks(families) => families.iter().flatten().copied().collect(),
        Split::Bitrates(sweep, _) => sweep.clone(),
    };
    let network = match split {
        Split::Networks(_) => String::new(),
        Split::Bitrates(sweep, _) => network(view, sweep),
    };
    let heading = Heading {
        title: title.clone(),
        subtitle: format!("{network}{} · {}", pooling(view, &conditions), mapping(view, measure, &conditions)),
        footnote: footnote(view, all().map(|l| l.setting)),
    };
    let bases = panels.iter().map(|p| p.place.1).max().unwrap_or(0) + 1;
    let columns = if size == Size::Wide { bases.min(3) } else { 1 };
    let rows = panels.len().div_ceil(columns);
    let most_lines = panels.iter().map(|p| p.lines.len()).max().unwrap_or(0) as f64;
    let height = (most_lines * LABEL_ROW + 64.0).max(210.0) + 22.0;
    let (mut scene, body) = page(size, &heading, Some(height * rows as f64));
    let label = |l: &Line| cut(names_of[l.setting].clone(), LABEL, true, 150.0);
    let beside = all().map(|l| text_width(&label(l), LABEL, true)).fold(0.0, f64::max) + 18.0;
    let losses = || conditions.iter().map(|c| view.conditions[*c].loss);
    let range = (losses().fold(f64::INFINITY, f64::min), losses().fold(0.0, f64::max));
    let reach = reach(view, measure, all().flat_map(|l| &l.points).map(|(_, s)| s));
    let y = Axis::linear(
        axis_title(view, measure),
        reach.into_iter().chain(zero(view, measure)),
        fixed_range(view, measure),
    );
    // The names stand once, beside the last panel of a row; its plot is as wide as the others'.
    let area = super::canvas::scene::Rect { right: body.right - beside, ..body };
    for (panel, cell) in panels.iter().zip(grid(area, panels.len(), columns)) {
        let mut at: Vec<f64> = panel.sweep.iter().map(|c| view.conditions[*c].loss).collect();
        at.dedup();
        let x = Axis::linear("asked network loss, %", [], Some(range));
        let x = x.with_ticks(spaced(&at, cell.right - cell.left - 50.0));
        let drawn = Panel::draw(&mut scene, cell, &panel.name, x, y.clone(), Shape::default());
        plot(view, measure, &mut scene, &drawn, &panel.lines);
        if (cell.right - area.right).abs() < 1.0 {
            names(view, &mut scene, &drawn, &panel.lines, &label);
        }
    }
    Some((title, scene))
}

struct FacetPanel<'a> {
    name: String,
    sweep: &'a LossSweep,
    lines: Vec<Line>,
    /// Kind of loss, and the network's other words; by order of appearance.
    place: (usize, usize),
}

/// In rows of one kind of loss.
fn panels<'a>(view: &View, measure: usize, families: &'a [LossSweep]) -> Vec<FacetPanel<'a>> {
    let (mut models, mut bases): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    fn place<'b>(of: &mut Vec<&'b str>, name: &'b str) -> usize {
        of.iter().position(|n| *n == name).unwrap_or_else(|| {
            of.push(name);
            of.len() - 1
        })
    }
    let mut panels = Vec::new();
    let mut ordered: Vec<&LossSweep> = families.iter().collect();
    ordered.sort_by_key(|l| l.last().copied());
    for sweep in ordered {
        let Some(last) = sweep.last() else { continue };
        let family = &view.conditions[*last].family;
        let lines = lines(view, measure, sweep);
        if lines.is_empty() {
            continue;
        }
        let at = (place(&mut models, &family.model), place(&mut bases, &family.base));
        let words = [family.base.as_str(), family.model.as_str()];
        let name = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ");
        panels.push(FacetPanel { name, sweep, lines, place: at });
    }
    panels.sort_by_key(|p| p.place);
    panels
}

/// A panel for each bitrate, two side by side.
fn of_bitrates<'a>(view: &View, measure: usize, sweep: &'a LossSweep, rungs: &[Vec<usize>]) -> Vec<FacetPanel<'a>> {
    let bitrate = view.measure("payload-bitrate");
    let panel = |(k, rung): (usize, &Vec<usize>)| {
        let rates = rung.iter().filter_map(|s| view.summary(*s, *sweep.first()?, bitrate?)).map(|r| r.mean);
        let (sum, n) = rates.fold((0.0, 0.0), |(sum, n), r| (sum + r, n + 1.0));
        let name = if n > 0.0 { format!("about {:.0} kbit/s", two_figures(sum / n)) } else { String::new() };
        FacetPanel { name, sweep, lines: lines_of(view, measure, sweep, rung), place: (k / 2, k % 2) }
    };
    rungs.iter().enumerate().map(panel).filter(|p| !p.lines.is_empty()).collect()
}

/// 498.7 to 500.
fn two_figures(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor() - 1.0);
    (value / unit).round() * unit
}

/// By setting, the name of its series.
fn series_names(view: &View) -> Vec<String> {
    let all = series(view);
    let name = |s: usize| all.iter().find(|of| of.settings.contains(&s)).map(|of| of.name.clone()).unwrap_or_default();
    (0..view.settings.len()).map(name).collect()
}

/// What has the best mean over all panels at their highest loss.
fn title(view: &View, measure: usize, panels: &[FacetPanel<'_>], names: &[String], pooled: bool) -> String {
    let m = &view.measures[measure];
    let mut sums: Vec<(&str, f64, usize)> = Vec::new();
    for line in panels.iter().flat_map(|p| &p.lines) {
        let (Some((_, last)), name) = (line.points.last(), names[line.setting].as_str()) else { continue };
        match sums.iter_mut().find(|s| s.0 == name) {
            Some(sum) => *sum = (name, sum.1 + last.mean, sum.2 + 1),
            None => sums.push((name, last.mean, 1)),
        }
    }
    let means: Vec<(&str, f64)> = sums.iter().map(|(name, total, n)| (*name, total / *n as f64)).collect();
    let order = |a: &&(&str, f64), b: &&(&str, f64)| a.1.total_cmp(&b.1);
    let best = if m.better == Better::Lower { means.iter().min_by(order) } else { means.iter().max_by(order) };
    let Some((label, mean)) = best else { return m.title.clone() };
    let spread = means.iter().map(|(_, other)| (other - mean).abs()).fold(0.0, f64::max);
    let mean = figure(*mean, &m.unit);
    if pooled && means.len() > 1 && spread < m.margin {
        return format!("{}: no difference that matters at the highest losses, {mean} {} on average", m.title, m.unit);
    }
    let word = if m.better == Better::Lower { "lowest" } else { "highest" };
    format!("{}: {label} is {word} at the highest losses, {mean} {} on average", m.title, m.unit)
}
