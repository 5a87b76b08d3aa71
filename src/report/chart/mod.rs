//! The charts of a report. Each is a pure function from the view to a [`Scene`]; how it is rendered is the scene's own.

mod answer;
pub mod canvas;
mod delay;
mod difference;
mod facets;
mod footprint;
mod loss;
mod opus_org;
pub mod over_time;
mod quality;
mod render;
mod timeline;

use super::View;
use super::series::{Series, rungs, series};
use crate::media::Content;
use crate::metric::{self, Better, When};
use crate::stats::{Interval, Summary};
pub use canvas::palette::SERIES;
use canvas::panel::Size;
use canvas::scene::Scene;
pub(super) use loss::{Ladder, families};
pub(super) use quality::figure_of_loss;

/// One chart in its two shapes.
pub struct Chart {
    /// File name without its ending: "quality-vs-bitrate".
    pub name: String,
    /// The sentence in its heading.
    pub title: String,
    /// Not of the first metric: there for those who look for it.
    pub secondary: bool,
    pub wide: Scene,
    pub narrow: Scene,
}

/// From so many families of networks on, they are panels of one chart.
const FACETS: usize = 3;

/// What a plan over several families of lossy networks pays and gets beside quality: charted as the quality is.
const COSTS_OF_LOSS: [&str; 4] = ["effective-loss", "mouth-to-ear-clock", "mouth-to-ear-p95", "wire-bitrate"];

/// What else of moving pictures suffers from loss, the first beside the first quality.
const FREEZES: [&str; 2] = ["stalled", "freezes"];

/// All charts that the view has figures for. The first metric's charts have plain names, the others' its id as suffix.
pub fn charts(view: &View) -> Vec<Chart> {
    let mut charts = Vec::new();
    let families = loss::families(view);
    let qualities = view.qualities();
    let (first, others) = qualities.split_first().map_or((None, &[][..]), |(f, o)| (Some(*f), o));
    let video = view.is_video();
    charts.extend(chart("answer".into(), |size| answer::draw(view, &families, size)));
    charts.extend(first.and_then(|m| over_bitrate(view, m, &families, "")));
    charts.extend(if video {
        chart("render-delay-vs-bitrate".into(), |size| render::draw(view, size))
    } else {
        chart("delay-vs-bitrate".into(), |size| delay::draw(view, size)).filter(|_| !quality::has_many_codecs(view))
    });
    charts.extend(chart("bitrate-and-delay".into(), |size| footprint::draw(view, size)));
    let many_codecs = quality::has_many_codecs(view);
    if many_codecs {
        charts.extend(others.iter().filter_map(|m| over_bitrate(view, *m, &families, &suffix(view, *m))));
    }
    for (m, suffix) in
        first.map(|m| (m, String::new())).into_iter().chain(others.iter().map(|m| (*m, suffix(view, *m))))
    {
        let over = |name: &str, over| {
            let drawn = chart(format!("{name}{suffix}"), |size| quality::draw(view, m, over, size))?;
            Some(Chart { secondary: !suffix.is_empty(), ..drawn })
        };
        charts.extend(over("quality-vs-bitrate-drawn", quality::Over::Drawn));
        charts.extend(over("quality-vs-cpu", quality::Over::Cpu));
    }
    charts.extend(first.into_iter().flat_map(|m| over_loss(view, m, &families, "quality-vs-loss")));
    let freezes = FREEZES.iter().filter_map(|id| view.measure(id)).filter(|_| video);
    let mut freezes = freezes.map(|m| over_loss(view, m, &families, &format!("{}-vs-loss", view.measures[m].id)));
    charts.extend(freezes.next().into_iter().flatten());
    charts.extend(chart("difference".into(), |size| difference::draw(view, size)));
    charts.extend(COSTS_OF_LOSS.iter().filter_map(|id| {
        let measure = view.measure(id).filter(|_| families.len() >= FACETS && !video)?;
        chart(format!("{id}-vs-loss"), |size| facets::draw(view, measure, facets::Split::Networks(&families), size))
    }));
    charts.extend(
        view.timelines
            .iter()
            .enumerate()
            .filter_map(|(i, t)| chart(format!("frame-quality{}", numbered(i)), |size| timeline::draw(view, t, size))),
    );
    let mut more: Vec<Chart> = freezes.flatten().collect();
    for m in others {
        let suffix = suffix(view, *m);
        more.extend(over_bitrate(view, *m, &families, &suffix).filter(|_| !many_codecs));
        // Rendered frames alone say what loss does to the picture only together with how many there are.
        if !view.measures[*m].id.ends_with(crate::metric::RENDERED) {
            more.extend(over_loss(view, *m, &families, &format!("quality-vs-loss{suffix}")));
        }
    }
    charts.extend(more.into_iter().map(|c| Chart { secondary: true, ..c }));
    charts
}

/// What the names of a metric's charts end in, unless it is the first.
fn suffix(view: &View, measure: usize) -> String {
    format!("-{}", view.measures[measure].id)
}

fn over_bitrate(view: &View, measure: usize, families: &[loss::Ladder], suffix: &str) -> Option<Chart> {
    // Settings of one bitrate over many networks are told apart by the facets; over bitrate they would cover each other.
    if families.len() >= FACETS && one_bitrate(view) {
        return None;
    }
    chart(format!("quality-vs-bitrate{suffix}"), |size| quality::draw(view, measure, quality::Over::Bitrate, size))
}

/// All payload bitrates lie within a quarter of each other.
fn one_bitrate(view: &View) -> bool {
    let Some(m) = view.measure("payload-bitrate") else { return false };
    let rates = || view.cells.values().filter_map(|c| c.summaries.get(&m)).map(|s| s.mean);
    rates().fold(0.0, f64::max) < 1.25 * rates().fold(f64::INFINITY, f64::min)
}

fn over_loss(view: &View, measure: usize, families: &[loss::Ladder], name: &str) -> Vec<Chart> {
    let rungs = rungs(view);
    if rungs.is_none() && families.len() >= FACETS {
        let all = |size| facets::draw(view, measure, facets::Split::Networks(families), size);
        return chart(name.to_owned(), all).into_iter().collect();
    }
    let one = |(i, family): (usize, &loss::Ladder)| {
        chart(format!("{name}{}", numbered(i)), |size| match &rungs {
            Some(rungs) => facets::draw(view, measure, facets::Split::Bitrates(family, rungs), size),
            None => loss::draw(view, measure, family, size),
        })
    };
    families.iter().enumerate().filter_map(one).collect()
}

/// Nothing for the first, "-2" for the second.
fn numbered(i: usize) -> String {
    if i == 0 { String::new() } else { format!("-{}", i + 1) }
}

fn chart(name: String, draw: impl Fn(Size) -> Option<(String, Scene)>) -> Option<Chart> {
    let (title, wide) = draw(Size::Wide)?;
    let (_, narrow) = draw(Size::Narrow)?;
    Some(Chart { name, title, secondary: false, wide, narrow })
}

/// "PESQ wide-band, MOS-LQO, higher is better".
fn axis_title(view: &View, measure: usize) -> String {
    let m = &view.measures[measure];
    let better = match m.better {
        Better::Higher => " (higher is better)",
        Better::Lower => " (lower is better)",
        Better::Neither => "",
    };
    let unit = if m.unit.is_empty() { String::new() } else { format!(", {}", m.unit) };
    format!("{}{unit}{better}", m.title)
}

/// How far the vertical axis reaches: to the ends of the intervals, but where few clips make those far longer than the means
/// are apart, no farther from them than twice that. Bars that go on end at the edge.
fn reach<'a>(view: &View, measure: usize, scores: impl Iterator<Item = &'a Summary>) -> Vec<f64> {
    let scores: Vec<&Summary> = scores.collect();
    let means = || scores.iter().map(|s| s.mean);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let room = 2.0 * (high - low).max(5.0 * view.measures[measure].margin);
    let ends = scores.iter().flat_map(|s| <[f64; 2]>::from(ends(s)));
    ends.map(|end| end.clamp(low - room, high + room)).collect()
}

/// Opinion scales go from 1 to 5, whatever the data.
fn fixed_range(view: &View, measure: usize) -> Option<(f64, f64)> {
    view.measures[measure].unit.contains("MOS").then_some((1.0, 5.0))
}

/// "20 clips × 3 seeds per point, mean and 95 % interval over clips".
fn pooling(view: &View, conditions: &[usize]) -> String {
    let most = conditions.iter().map(|c| view.conditions[*c].clips).max().unwrap_or(0);
    let interval = if most > 1 { "mean and 95 % interval over clips" } else { "mean; one clip has no interval" };
    format!("{} per point, {interval}", counts(view, conditions))
}

/// "20 clips × 3 seeds".
pub(super) fn counts(view: &View, conditions: &[usize]) -> String {
    let range = |of: fn(&super::Condition) -> usize, word: &str| {
        let counts = || conditions.iter().map(|c| of(&view.conditions[*c]));
        let (low, high) = (counts().min().unwrap_or(0), counts().max().unwrap_or(0));
        let plural = if high == 1 { "" } else { "s" };
        if low == high { format!("{high} {word}{plural}") } else { format!("{low} to {high} {word}{plural}") }
    };
    let clips = range(|c| c.clips, "clip");
    format!("{clips} × {}", range(|c| c.seeds, "seed"))
}

/// The head of a metric's source: its standard and mapping; the metrics' table has the rest. Then what should keep the
/// reader from trusting it alone under these conditions.
fn mapping(view: &View, measure: usize, conditions: &[usize]) -> String {
    let source = view.measures[measure].source.split(';').next().unwrap_or_default();
    let contents: Vec<Content> = conditions.iter().map(|c| view.conditions[*c].content).collect();
    let metric = metric::AUDIO.iter().find(|m| m.scale.id == view.measures[measure].id);
    // Of material that is not shown here.
    let elsewhere = |reason: &str| {
        let limits = metric.map_or(&[][..], |m| m.validity.limits);
        limits.iter().any(|(when, why)| matches!(when, When::Content(c) if *why == reason && !contents.contains(c)))
    };
    let caveats = view.caveats.iter().filter(|c| c.measure == measure && !elsewhere(&c.reason));
    let reasons: Vec<&str> = caveats.map(|c| c.reason.as_str()).collect();
    if reasons.is_empty() { source.to_owned() } else { format!("{source} · caveat: {}", reasons.join("; ")) }
}

/// Versions that made the figures.
fn footnote(view: &View, settings: impl IntoIterator<Item = usize>) -> String {
    let mut versions: Vec<&str> = Vec::new();
    for s in settings {
        let version = view.settings[s].codec_version.as_str();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    format!("codecbench {} · {}", env!("CARGO_PKG_VERSION"), versions.join(" · "))
}

/// One decimal, where it says something: 26.5, but 20 and not 20.0.
pub fn short(value: f64) -> String {
    let text = figure(value, "%");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A difference with its sign and unit.
pub fn signed(difference: f64, unit: &str) -> String {
    let text = figure(difference, unit);
    let plus = if text.starts_with('\u{2212}') || text.chars().all(|c| "0.".contains(c)) { "" } else { "+" };
    format!("{plus}{text} {unit}").trim_end().to_owned()
}

/// " [2.15, 2.31]", or nothing.
pub(super) fn bracket(interval: Option<Interval>, unit: &str) -> String {
    interval.map_or(String::new(), |i| format!(" [{}, {}]", figure(i.low, unit), figure(i.high, unit)))
}

/// Where an interval ends; at the mean where there is none.
fn ends(s: &Summary) -> (f64, f64) {
    s.interval.map_or((s.mean, s.mean), |i| (i.low, i.high))
}

/// A number as precise as its unit deserves.
pub fn figure(value: f64, unit: &str) -> String {
    let decimals = match unit {
        u if u.contains("MOS") => 2,
        "" | "index" => 3,
        _ if value.abs() >= 1000.0 => 0,
        _ => 1,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.trim_start_matches(['-', '0', '.']).is_empty() { text.replace('-', "") } else { text };
    text.replace('-', "\u{2212}")
}
