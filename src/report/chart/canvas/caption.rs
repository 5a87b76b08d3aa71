//! What stands around a chart: titles of axes, how figures were pooled, what they rest on.

use crate::media::Content;
use crate::metric::{self, Better, When};
use crate::report::view::{Condition, View};
use crate::stats::{Interval, Summary};

/// "PESQ wide-band, MOS-LQO, higher is better".
pub(in crate::report) fn axis_title(view: &View, measure: usize) -> String {
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
pub(in crate::report) fn reach<'a>(view: &View, measure: usize, scores: impl Iterator<Item = &'a Summary>) -> Vec<f64> {
    let scores: Vec<&Summary> = scores.collect();
    let means = || scores.iter().map(|s| s.mean);
    let (low, high) = (means().fold(f64::INFINITY, f64::min), means().fold(f64::NEG_INFINITY, f64::max));
    let room = 2.0 * (high - low).max(5.0 * view.measures[measure].margin);
    let ends = scores.iter().flat_map(|s| <[f64; 2]>::from(ends(s)));
    ends.map(|end| end.clamp(low - room, high + room)).collect()
}

/// Opinion scales go from 1 to 5, whatever the data.
pub(in crate::report) fn fixed_range(view: &View, measure: usize) -> Option<(f64, f64)> {
    view.measures[measure].unit.contains("MOS").then_some((1.0, 5.0))
}

/// "20 clips × 3 seeds per point, mean and 95 % interval over clips".
pub(in crate::report) fn pooling(view: &View, conditions: &[usize]) -> String {
    let most = conditions.iter().map(|c| view.conditions[*c].clips).max().unwrap_or(0);
    let interval = match most {
        0 | 1 => "mean; one clip has no interval",
        n if n < DRAWN_FROM => "mean; an interval is drawn from four clips on",
        _ => "mean and 95 % interval over clips",
    };
    format!("{} per point, {interval}", counts(view, conditions))
}

/// "20 clips × 3 seeds".
pub(in crate::report) fn counts(view: &View, conditions: &[usize]) -> String {
    let range = |of: fn(&Condition) -> usize, word: &str| {
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
pub(in crate::report) fn mapping(view: &View, measure: usize, conditions: &[usize]) -> String {
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
pub(in crate::report) fn footnote(view: &View, settings: impl IntoIterator<Item = usize>) -> String {
    let mut versions: Vec<&str> = Vec::new();
    for s in settings {
        let version = view.settings[s].codec_version.as_str();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    format!("codecbench {} · {}", env!("CARGO_PKG_VERSION"), versions.join(" · "))
}

/// From so many clips on a chart shows their interval. Student's t of two or three clips reaches over the whole scale, and
/// would hide the means.
const DRAWN_FROM: usize = 4;

/// The interval that a chart draws.
pub(in crate::report) fn drawn(s: &Summary) -> Option<Interval> {
    s.interval.filter(|_| s.n >= DRAWN_FROM)
}

/// Where the interval that is drawn ends; at the mean where there is none.
pub(in crate::report) fn ends(s: &Summary) -> (f64, f64) {
    drawn(s).map_or((s.mean, s.mean), |i| (i.low, i.high))
}
