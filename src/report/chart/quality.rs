//! Quality over bitrate: one panel for the mildest and one for the hardest network.

use super::canvas::axis::Axis;
use super::canvas::caption::{axis_title, drawn, fixed_range, footnote, mapping, pooling, reach};
use super::canvas::label_layout::Placer;
use super::canvas::palette::Ink;
use super::canvas::panel::{HEADER, Heading, Panel, Shape, Size, error_bar, grid, labels, marker, page, wrap};
use super::canvas::scene::{Anchor, Rect, Scene, Words};
use super::opus_org;
use crate::codec::Terms;
use crate::report::figure::{bracket, figure, figure_of_loss, short};
use crate::report::series::{Series, codecs, series, series_by_name, terms};
use crate::report::view::{Condition, View};
use crate::stats::{Interval, Summary};
use std::collections::BTreeSet;

const MOST_PANELS: usize = 6;
const MOST_NETWORKS: usize = 3;

/// From so many codecs on, their colours tell what their formats cost, as in opus-codec.org's chart.
const MANY_CODECS: usize = 5;

/// The colour of each class of licence terms.
const fn colour(terms: Terms) -> usize {
    match terms {
        Terms::Open => 2,
        Terms::Free => 0,
        Terms::Fees => 1,
        Terms::Unknown => 6,
    }
}

/// What quality is drawn over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Over {
    Bitrate,
    /// Bitrate, and behind it the curves that opus-codec.org drew by hand. Only for many codecs, some of them in both.
    Drawn,
    /// CPU time of encoder and decoder. Only for many codecs.
    Cpu,
}

/// Whether colours tell the terms of the licences.
pub fn has_many_codecs(view: &View) -> bool {
    codecs(view).len() >= MANY_CODECS
}

/// `None`: no setting has both this metric and what it is drawn over.
pub fn draw(view: &View, measure: usize, over: Over, size: Size) -> Option<(String, Scene)> {
    let by_terms = has_many_codecs(view);
    if over != Over::Bitrate && !by_terms || over == Over::Drawn && !codecs(view).into_iter().any(opus_org::knows) {
        return None;
    }
    let points = |condition: usize| points(view, measure, over, condition);
    let speaks = |c: &usize| !by_terms || view.speaks(measure, view.conditions[*c].content);
    let has = |c: &usize| !points(*c).is_empty();
    let panels: Vec<usize> = panels(view).into_iter().filter(|c| speaks(c) && has(c)).collect();
    let all: Vec<Point> = panels.iter().flat_map(|c| points(*c)).collect();
    if all.is_empty() {
        return None;
    }
    let title = title(view, measure, over, &panels, &points);
    let machine =
        view.costs.first().filter(|_| over == Over::Cpu).map_or(String::new(), |c| format!(" · {}", c.machine));
    let heading = Heading {
        title: title.clone(),
        subtitle: format!("{} · {}{machine}", pooling(view, &panels), mapping(view, measure, &panels)),
        footnote: footnote(view, all.iter().map(|p| p.setting)),
    };
    let columns = if by_terms { 1 } else { columns(view, panels.len(), size) };
    let rows = panels.len().div_ceil(columns) as f64;
    let body = match by_terms {
        true => Some(470.0 * rows),
        false => (rows > 1.0 || size == Size::Narrow).then_some(320.0 * rows),
    };
    let (mut scene, body) = page(size, &heading, body);
    let x = match over {
        Over::Cpu => "CPU time of encoder and decoder, ms per second of sound",
        _ => "payload bitrate, kbit/s",
    };
    let x = Axis::log2(x, all.iter().map(|p| p.x));
    let reach = reach(view, measure, all.iter().map(|p| &p.score));
    let y = Axis::linear(axis_title(view, measure), reach, fixed_range(view, measure));
    let mut series = if by_terms { series_by_name(view) } else { series(view) };
    for s in series.iter_mut().filter(|_| by_terms) {
        s.colour = s.settings.first().and_then(|s| terms(&view.settings[*s].codec)).map_or(s.colour, colour);
    }
    let areas = grid(body, panels.len(), columns);
    let right = if over == Over::Drawn { opus_org::RIGHT } else { 0.0 };
    let shape = Shape { right, ..level(view, &panels, &areas) };
    for (condition, area) in panels.iter().zip(areas) {
        let name = &view.conditions[*condition].name;
        let panel = Panel::draw(&mut scene, area, name, x.clone(), y.clone(), shape);
        let mut placer = panel.placer();
        if by_terms {
            let shown = points(*condition).iter().filter_map(|p| terms(&view.settings[p.setting].codec)).collect();
            legend(&mut scene, &panel, &mut placer, &shown);
        }
        if over == Over::Drawn {
            opus_org::curves(&mut scene, &panel, &mut placer);
        }
        plot(view, measure, over, &mut scene, (&panel, &mut placer), &series, &points(*condition));
        if over == Over::Drawn {
            opus_org::names(&mut scene, &panel, &mut placer);
        }
    }
    Some((title, scene))
}

/// The classes of licence terms, at the foot of the plot, in as many rows as they need.
fn legend(scene: &mut Scene, panel: &Panel, placer: &mut Placer, shown: &BTreeSet<Terms>) {
    let (end, mut y) = (panel.plot.right - 6.0, panel.plot.bottom - 6.0);
    let mut right = end;
    for terms in shown.iter().rev() {
        let terms = *terms;
        let words = |at| Words::new(at, terms.words(), 11.0, Ink::Label(colour(terms))).bold().anchor(Anchor::End);
        if words((right, y)).bounds().left < panel.plot.left {
            (right, y) = (end, y - 15.0);
        }
        let words = words((right, y));
        right = words.bounds().left - 14.0;
        placer.take(words.bounds());
        scene.words(words);
    }
}

struct Point {
    setting: usize,
    /// kbit/s, or ms of CPU per s.
    x: f64,
    score: Summary,
}

/// Of each setting that has both.
fn points(view: &View, measure: usize, over: Over, condition: usize) -> Vec<Point> {
    let x = |setting: usize| match over {
        Over::Drawn if !opus_org::knows(&view.settings[setting].codec) => None,
        Over::Bitrate | Over::Drawn => Some(view.summary(setting, condition, view.measure("payload-bitrate")?)?.mean),
        Over::Cpu => {
            let cost = view.costs.iter().find(|c| c.label == view.settings[setting].label)?;
            // Microseconds for each ms of sound are ms for each second.
            Some((cost.encode_us_per_frame + cost.decode_us_per_frame) / cost.frame_ms)
        }
    };
    let point =
        |setting: usize| Some(Point { setting, x: x(setting)?, score: *view.summary(setting, condition, measure)? });
    (0..view.settings.len()).filter_map(point).filter(|p| p.x > 0.0).collect()
}

/// Three networks of video are side by side.
pub(super) fn columns(view: &View, panels: usize, size: Size) -> usize {
    if view.is_video() && size == Size::Wide && panels.is_multiple_of(MOST_NETWORKS) {
        MOST_NETWORKS
    } else {
        size.columns(panels)
    }
}

/// Plots side by side begin at one height, however long the names of their networks are.
pub(super) fn level(view: &View, panels: &[usize], areas: &[Rect]) -> Shape {
    let lines = |(condition, area): (&usize, &Rect)| {
        wrap(&view.conditions[*condition].name, HEADER, true, area.right - area.left).len()
    };
    let most = panels.iter().zip(areas).map(lines).max().filter(|_| view.is_video());
    Shape { header_lines: most.unwrap_or(0), ..Shape::default() }
}

/// For each receiver and material, the network with the least and the one with the most asked loss; of video up to three
/// networks, whatever they are.
pub(super) fn panels(view: &View) -> Vec<usize> {
    let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
    for (c, condition) in view.conditions.iter().enumerate() {
        let apart = apart(condition).to_owned();
        match groups.iter_mut().find(|g| g.0 == apart) {
            Some(group) => group.1.push(c),
            None => groups.push((apart, vec![c])),
        }
    }
    let loss = |c: &usize| view.conditions[*c].loss;
    let ends = |(_, group): (String, Vec<usize>)| {
        if view.is_video() && group.len() <= MOST_NETWORKS {
            return group;
        }
        let first = group.iter().copied().reduce(|a, b| if loss(&b) < loss(&a) { b } else { a });
        let last = group.iter().copied().reduce(|a, b| if loss(&b) > loss(&a) { b } else { a });
        let last = last.filter(|l| Some(*l) != first);
        // Networks of equal loss: the first and the last of the plan.
        let last = last.or_else(|| group.last().copied().filter(|l| Some(*l) != first));
        first.into_iter().chain(last).collect()
    };
    groups.into_iter().flat_map(ends).take(MOST_PANELS).collect()
}

/// What tells a condition from others of the same network: ", screen"; nothing where nothing does.
fn apart(condition: &Condition) -> &str {
    condition.name.strip_prefix(&condition.net).unwrap_or_default()
}

/// The cheapest setting whose mean is practically that of the best, on the hardest network shown.
fn title(view: &View, measure: usize, over: Over, panels: &[usize], points: &impl Fn(usize) -> Vec<Point>) -> String {
    let m = &view.measures[measure];
    let Some(condition) = panels.last() else { return m.title.clone() };
    let points = points(*condition);
    let best = points.iter().max_by(|a, b| a.score.mean.total_cmp(&b.score.mean));
    let Some(best) = best else { return format!("{} and bitrate", m.title) };
    let good = points.iter().filter(|p| p.score.mean >= best.score.mean - m.margin);
    let cheapest = good.min_by(|a, b| a.x.total_cmp(&b.x)).unwrap_or(best);
    let hardest = &view.conditions[*condition];
    let place = match panels.len() {
        1 => String::new(),
        _ => format!(" at {}\u{a0}% loss{}", figure_of_loss(hardest.loss), apart(hardest)),
    };
    let label = |p: &Point| view.settings[p.setting].label.clone();
    let (score, rate) = (figure(cheapest.score.mean, &m.unit), in_words(over, cheapest.x));
    if points.len() == 1 {
        format!("{} scores {score} {}{place} for {rate}", label(best), m.unit)
    } else if cheapest.setting == best.setting {
        format!("{} scores highest{place}: {score} {} for {rate}", label(best), m.unit)
    } else {
        let one = m.margin == 1.0 && m.unit == "points";
        let margin = if one { "one point".to_owned() } else { format!("{} {}", m.margin, m.unit) };
        format!("{} comes within {margin} of the best{place}, for {rate}", label(cheapest))
    }
}

/// "24\u{a0}kbit/s", "1.5 ms of CPU per second".
fn in_words(over: Over, x: f64) -> String {
    match over {
        Over::Cpu => format!("{}\u{a0}ms of CPU per second", short(x)),
        _ => format!("{}\u{a0}kbit/s", short(x)),
    }
}

fn plot(
    view: &View,
    measure: usize,
    over: Over,
    scene: &mut Scene,
    (panel, placer): (&Panel, &mut Placer),
    series: &[Series],
    points: &[Point],
) {
    let m = &view.measures[measure];
    if let Some(cap) = m.cap.filter(|c| (panel.y.low..=panel.y.high).contains(c)) {
        best_possible(scene, panel, placer, cap, &figure(cap, &m.unit));
    }
    let mut lines: Vec<(&Series, Vec<&Point>)> = Vec::new();
    for s in series {
        let mut of: Vec<&Point> = points.iter().filter(|p| s.settings.contains(&p.setting)).collect();
        of.sort_by(|a, b| a.x.total_cmp(&b.x));
        lines.push((s, of));
    }
    for (s, of) in &lines {
        let path: Vec<_> = of.iter().map(|p| panel.at(p.x, p.score.mean)).collect();
        placer.avoid(&path);
        // More bits may cost less time.
        if path.len() > 1 && over != Over::Cpu {
            scene.line(path, Ink::Series(s.colour), 2.2, 1.0);
        }
    }
    for (s, of) in &lines {
        for p in of {
            error_bar(scene, panel, p.x, &p.score, Ink::Series(s.colour));
            let at = panel.at(p.x, p.score.mean);
            marker(scene, at, Ink::Series(s.colour), s.shape);
            placer.mark(at);
            if let Some(Interval { low, high }) = drawn(&p.score) {
                placer.avoid(&[panel.at(p.x, low), panel.at(p.x, high)]);
            }
            scene.tips.push((at, tip(view, measure, over, p)));
        }
    }
    let named_first =
        view.is_video() && apart_at(&lines, |of| of.first().copied()) > apart_at(&lines, |of| of.last().copied());
    let ends = lines.iter().filter_map(|(s, of)| {
        let p = if named_first { of.first()? } else { of.last()? };
        Some((panel.at(p.x, p.score.mean), s.name.as_str(), Ink::Label(s.colour)))
    });
    labels(scene, placer, &ends.collect::<Vec<_>>());
}

/// How far the ends of all lines that have several points spread. Curves of video meet where bits are many; their names
/// stand where there is room.
fn apart_at<'a>(lines: &[(&Series, Vec<&'a Point>)], end: fn(&[&'a Point]) -> Option<&'a Point>) -> f64 {
    let means = lines.iter().filter(|(_, of)| of.len() > 1).filter_map(|(_, of)| end(of)).map(|p| p.score.mean);
    let (low, high) = means.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), m| (low.min(m), high.max(m)));
    high - low
}

fn best_possible(
    scene: &mut Scene,
    panel: &Panel,
    placer: &mut super::canvas::label_layout::Placer,
    cap: f64,
    figure: &str,
) {
    let y = panel.at(panel.x.low, cap).1;
    let (from, to) = ((panel.plot.left, y), (panel.plot.right, y));
    placer.avoid(&[from, to]);
    scene.dashed(from, to, (4.0, 4.0), Ink::Muted, 0.9);
    // At the very top of the plot there is the axis' title.
    let baseline = if y - 12.0 < panel.plot.top { y + 11.0 } else { y - 4.0 };
    let words = Words::new((panel.plot.left + 4.0, baseline), format!("best possible {figure}"), 10.0, Ink::Muted);
    placer.take(words.bounds());
    scene.words(words);
}

fn tip(view: &View, measure: usize, over: Over, p: &Point) -> String {
    let m = &view.measures[measure];
    let (mean, interval) = (figure(p.score.mean, &m.unit), bracket(p.score.interval, &m.unit));
    let label = &view.settings[p.setting].label;
    format!("{label}: {mean}{interval} {} at {}, {} clips", m.unit, in_words(over, p.x), p.score.n)
}
