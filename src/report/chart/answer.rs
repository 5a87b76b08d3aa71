//! What a choice weighs, over loss: quality, delay and bitrate below each other, families of networks side by side.

use super::canvas::axis::Axis;
use super::canvas::caption::{axis_title, fixed_range, footnote, pooling, reach};
use super::canvas::panel::{Heading, LABEL, LABEL_ROW, Panel, Shape, Size, cut, grid, page};
use super::canvas::scene::{Rect, Scene, text_width};
use super::loss::{Line, lines, names, plot, spaced, zero};
use crate::report::answer::{axes, heading, winner};
use crate::report::family::LossSweep;
use crate::report::view::View;

/// More families are charted measure by measure.
const MOST_FAMILIES: usize = 3;

/// `None`: there is no pair of settings to choose from, too many families of networks, or nothing but quality.
pub fn draw(view: &View, families: &[LossSweep], size: Size) -> Option<(String, Scene)> {
    let axes = axes(view);
    if view.settings.len() != 2 || view.comparisons.is_empty() || axes.len() < 2 || families.len() > MOST_FAMILIES {
        return None;
    }
    let lines_of = |m: &usize, sweep: &LossSweep| lines(view, *m, sweep);
    let panels: Vec<(usize, &LossSweep, Vec<Line>)> =
        axes.iter().flat_map(|m| families.iter().map(move |sweep| (*m, sweep, lines_of(m, sweep)))).collect();
    if panels.is_empty() || panels.iter().any(|(.., lines)| lines.is_empty()) {
        return None;
    }
    let conditions: Vec<usize> = families.iter().flatten().copied().collect();
    let title = title(view, families, &axes);
    let heading_of_page = Heading {
        title: title.clone(),
        subtitle: pooling(view, &conditions),
        footnote: footnote(view, 0..view.settings.len()),
    };
    let columns = if size == Size::Wide { families.len() } else { 1 };
    let rows = panels.len().div_ceil(columns);
    let height = (2.0 * LABEL_ROW + 96.0).max(190.0) + 22.0;
    let (mut scene, body) = page(size, &heading_of_page, Some(height * rows as f64));
    let label = |l: &Line| cut(view.settings[l.setting].label.clone(), LABEL, true, 150.0);
    let all = || panels.iter().flat_map(|(.., lines)| lines);
    let beside = all().map(|l| text_width(&label(l), LABEL, true)).fold(0.0, f64::max) + 18.0;
    let area = Rect { right: body.right - beside, ..body };
    for ((measure, sweep, lines), cell) in panels.iter().zip(grid(area, panels.len(), columns)) {
        let losses: Vec<f64> = sweep.iter().map(|c| view.conditions[*c].loss).collect();
        let range = (losses.iter().copied().fold(f64::INFINITY, f64::min), losses.iter().copied().fold(0.0, f64::max));
        let x = Axis::linear("asked network loss, %", [], Some(range));
        let x = x.with_ticks(spaced(&losses, cell.right - cell.left - 50.0));
        // One axis for a measure, so that the families compare.
        let of_measure = panels.iter().filter(|(m, ..)| m == measure).flat_map(|(.., lines)| lines);
        let reach = reach(view, *measure, of_measure.flat_map(|l| &l.points).map(|(_, s)| s));
        let reach = reach.into_iter().chain(zero(view, *measure));
        let y = Axis::linear(axis_title(view, *measure), reach, fixed_range(view, *measure));
        let name = if families.len() > 1 { heading(view, sweep) } else { String::new() };
        let drawn = Panel::draw(&mut scene, cell, &name, x, y, Shape::default());
        plot(view, *measure, &mut scene, &drawn, lines);
        if (cell.right - area.right).abs() < 1.0 {
            names(view, &mut scene, &drawn, lines, &label);
        }
    }
    Some((title, scene))
}

/// "PESQ wide-band: A is better; wire bitrate: B is lower", where that holds for all losses and families.
fn title(view: &View, families: &[LossSweep], axes: &[usize]) -> String {
    let told = axes.iter().map(|m| {
        let all: Vec<Option<String>> = families.iter().map(|sweep| winner(view, sweep, *m, 0, 1)).collect();
        let same = all.first().cloned().flatten().filter(|first| all.iter().all(|w| w.as_ref() == Some(first)));
        let words = same.unwrap_or_else(|| "it depends".into());
        format!("{}: {words}", view.measures[*m].title)
    });
    told.collect::<Vec<_>>().join("; ")
}
