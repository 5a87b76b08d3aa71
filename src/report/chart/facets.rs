//! One measure over asked network loss for many families of networks: a panel for each, on common axes, the delays side by
//! side and the kinds of loss below each other.

use super::axis::Axis;
use super::frame::{Heading, LABEL, LABEL_ROW, Panel, Shape, Size, cut, grid, page};
use super::loss::{Ladder, Line, lines, names, plot, spaced};
use super::scene::{Scene, text_width};
use super::{axis_title, ends, figure, fixed_range, footnote, mapping, pooling};
use crate::metric::Better;
use crate::report::View;
use std::collections::BTreeMap;

/// `None`: no family has two losses with this measure.
pub fn draw(view: &View, measure: usize, families: &[Ladder], size: Size) -> Option<(String, Scene)> {
    let panels = panels(view, measure, families);
    let all = || panels.iter().flat_map(|p| &p.lines);
    all().next()?;
    let title = title(view, measure, &panels);
    let conditions: Vec<usize> = families.iter().flatten().copied().collect();
    let heading = Heading {
        title: title.clone(),
        subtitle: format!("{} · {}", pooling(view, &conditions), mapping(view, measure)),
        footnote: footnote(view, all().map(|l| l.setting)),
    };
    let bases = panels.iter().map(|p| p.place.1).max().unwrap_or(0) + 1;
    let columns = if size == Size::Wide { bases.min(3) } else { 1 };
    let rows = panels.len().div_ceil(columns);
    let most_lines = panels.iter().map(|p| p.lines.len()).max().unwrap_or(0) as f64;
    let height = (most_lines * LABEL_ROW + 64.0).max(210.0) + 22.0;
    let (mut scene, body) = page(size, &heading, Some(height * rows as f64));
    let label = |l: &Line| cut(view.settings[l.setting].label.clone(), LABEL, true, 150.0);
    let beside = all().map(|l| text_width(&label(l), LABEL, true)).fold(0.0, f64::max) + 18.0;
    let losses = || conditions.iter().map(|c| view.conditions[*c].loss);
    let range = (losses().fold(f64::INFINITY, f64::min), losses().fold(0.0, f64::max));
    let reach = all().flat_map(|l| &l.points).flat_map(|(_, s)| <[f64; 2]>::from(ends(s)));
    let y = Axis::linear(axis_title(view, measure), reach.chain(zero(view, measure)), fixed_range(view, measure));
    // The names stand once, beside the last panel of a row; its plot is as wide as the others'.
    let area = super::scene::Rect { right: body.right - beside, ..body };
    for (panel, cell) in panels.iter().zip(grid(area, panels.len(), columns)) {
        let mut at: Vec<f64> = panel.ladder.iter().map(|c| view.conditions[*c].loss).collect();
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
    ladder: &'a Ladder,
    lines: Vec<Line>,
    /// Kind of loss, and the network's other words; by order of appearance.
    place: (usize, usize),
}

/// In rows of one kind of loss.
fn panels<'a>(view: &View, measure: usize, families: &'a [Ladder]) -> Vec<FacetPanel<'a>> {
    let (mut models, mut bases): (Vec<&str>, Vec<&str>) = (Vec::new(), Vec::new());
    fn place<'b>(of: &mut Vec<&'b str>, name: &'b str) -> usize {
        of.iter().position(|n| *n == name).unwrap_or_else(|| {
            of.push(name);
            of.len() - 1
        })
    }
    let mut panels = Vec::new();
    let mut ordered: Vec<&Ladder> = families.iter().collect();
    ordered.sort_by_key(|l| l.last().copied());
    for ladder in ordered {
        let Some(last) = ladder.last() else { continue };
        let family = &view.conditions[*last].family;
        let lines = lines(view, measure, ladder);
        if lines.is_empty() {
            continue;
        }
        let at = (place(&mut models, &family.model), place(&mut bases, &family.base));
        let words = [family.base.as_str(), family.model.as_str()];
        let name = words.into_iter().filter(|w| !w.is_empty()).collect::<Vec<_>>().join(", ");
        panels.push(FacetPanel { name, ladder, lines, place: at });
    }
    panels.sort_by_key(|p| p.place);
    panels
}

/// Delays, losses and bitrates are read against zero.
fn zero(view: &View, measure: usize) -> Option<f64> {
    (view.measures[measure].better == Better::Lower).then_some(0.0)
}

/// Which setting has the best mean over all panels at their highest loss.
fn title(view: &View, measure: usize, panels: &[FacetPanel<'_>]) -> String {
    let m = &view.measures[measure];
    let mut sums: BTreeMap<usize, (f64, usize)> = BTreeMap::new();
    for line in panels.iter().flat_map(|p| &p.lines) {
        if let Some((_, last)) = line.points.last() {
            let sum = sums.entry(line.setting).or_default();
            *sum = (sum.0 + last.mean, sum.1 + 1);
        }
    }
    let means: Vec<(usize, f64)> = sums.iter().map(|(s, (total, n))| (*s, total / *n as f64)).collect();
    let order = |a: &&(usize, f64), b: &&(usize, f64)| a.1.total_cmp(&b.1);
    let best = if m.better == Better::Lower { means.iter().min_by(order) } else { means.iter().max_by(order) };
    let Some((setting, mean)) = best else { return m.title.clone() };
    let (label, mean) = (&view.settings[*setting].label, figure(*mean, &m.unit));
    let word = if m.better == Better::Lower { "lowest" } else { "highest" };
    format!("{}: {label} is {word} at the highest losses, {mean} {} on average", m.title, m.unit)
}
