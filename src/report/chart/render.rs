//! Capture-to-render delay over bitrate, the median with a whisker to the 95th percentile: a panel for each network.

use super::canvas::axis::Axis;
use super::canvas::caption::{counts, footnote};
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Size, grid, labels, marker, page};
use super::canvas::scene::Scene;
use super::quality::{columns, level, panels};
use crate::report::figure::figure;
use crate::report::series::{Series, series};
use crate::report::view::View;

/// Markers of series that have the same bitrate stand so far apart, in logical pixels.
const BESIDE: f64 = 5.0;

/// `None`: no setting has both this delay and a bitrate.
pub fn draw(view: &View, size: Size) -> Option<(String, Scene)> {
    let panels: Vec<usize> = panels(view).into_iter().filter(|c| !points(view, *c).is_empty()).collect();
    let all: Vec<Point> = panels.iter().flat_map(|c| points(view, *c)).collect();
    let low = all.iter().map(|p| p.median).reduce(f64::min)?;
    let high = all.iter().map(|p| p.median).fold(low, f64::max);
    let range = if ms(low) == ms(high) { String::new() } else { format!("{} to ", ms(low)) };
    let title = format!("From capture to render a picture takes {range}{} ms", ms(high));
    let means = counts(view, &panels);
    let subtitle = format!("median by the virtual clock, whisker to the 95th percentile; both means of {means}");
    let heading = Heading { title: title.clone(), subtitle, footnote: footnote(view, all.iter().map(|p| p.setting)) };
    let columns = columns(view, panels.len(), size);
    let rows = panels.len().div_ceil(columns);
    let body = (rows > 1 || size == Size::Narrow).then_some(320.0 * rows as f64);
    let (mut scene, body) = page(size, &heading, body);
    let x = Axis::log2("payload bitrate, kbit/s", all.iter().map(|p| p.bitrate));
    let ends = all.iter().map(|p| p.worst.unwrap_or(p.median).max(p.median));
    let y = Axis::linear("capture to render, ms (lower is better)", ends.chain([0.0]), None);
    let series = series(view);
    let areas = grid(body, panels.len(), columns);
    let shape = level(view, &panels, &areas);
    for (condition, area) in panels.iter().zip(areas) {
        let name = &view.conditions[*condition].name;
        let panel = Panel::draw(&mut scene, area, name, x.clone(), y.clone(), shape);
        plot(view, &mut scene, &panel, &series, &points(view, *condition));
    }
    Some((title, scene))
}

struct Point {
    setting: usize,
    /// kbit/s
    bitrate: f64,
    /// ms
    median: f64,
    /// 95th percentile in ms.
    worst: Option<f64>,
}

fn points(view: &View, condition: usize) -> Vec<Point> {
    let point = |setting: usize| {
        let mean = |id| view.summary(setting, condition, view.measure(id)?).map(|s| s.mean);
        Some(Point {
            setting,
            bitrate: mean("payload-bitrate").filter(|b| *b > 0.0)?,
            median: mean("capture-to-render")?,
            worst: mean("capture-to-render-p95"),
        })
    };
    (0..view.settings.len()).filter_map(point).collect()
}

fn plot(view: &View, scene: &mut Scene, panel: &Panel, series: &[Series], points: &[Point]) {
    let mut placer = panel.placer();
    let mut ends = Vec::new();
    for (i, s) in series.iter().enumerate() {
        let mut of: Vec<&Point> = points.iter().filter(|p| s.settings.contains(&p.setting)).collect();
        of.sort_by(|a, b| a.bitrate.total_cmp(&b.bitrate));
        let aside = (i as f64 - (series.len() as f64 - 1.0) / 2.0) * BESIDE;
        let place = |p: &Point, delay: f64| {
            let (x, y) = panel.at(p.bitrate, delay);
            (x + aside, y)
        };
        let ink = Ink::Series(s.colour);
        let path: Vec<_> = of.iter().map(|p| place(p, p.median)).collect();
        placer.avoid(&path);
        if path.len() > 1 {
            scene.line(path.clone(), ink, 1.6, 0.6);
        }
        for (p, at) in of.iter().zip(&path) {
            if let Some(worst) = p.worst {
                let end = place(p, worst);
                scene.line(vec![*at, end], ink, 1.4, 1.0);
                scene.line(vec![(end.0 - 3.0, end.1), (end.0 + 3.0, end.1)], ink, 1.4, 1.0);
                placer.avoid(&[*at, end]);
            }
            marker(scene, *at, ink, s.colour);
            placer.mark(*at);
            let worst = p.worst.map_or(String::new(), |w| format!(", 95 % within {} ms", ms(w)));
            let label = &view.settings[p.setting].label;
            scene.tips.push((*at, format!("{label}: {} ms{worst} at {:.1} kbit/s", ms(p.median), p.bitrate)));
        }
        ends.extend(path.last().map(|at| (*at, s.name.as_str(), Ink::Label(s.colour))));
    }
    labels(scene, &mut placer, &ends);
}

/// Whole from 100 on.
fn ms(v: f64) -> String {
    if v >= 100.0 { format!("{v:.0}") } else { figure(v, "ms") }
}
