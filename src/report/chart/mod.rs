//! The charts of a report. Each is a pure function from the view to a [`Scene`](canvas::scene::Scene); how it is rendered is the scene's own.

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

use super::family::{LossSweep, families};
use super::series::rungs;
use super::view::View;
pub use canvas::chart::Chart;
use canvas::chart::{chart, numbered};

/// From so many families of networks on, they are panels of one chart.
const FACETS: usize = 3;

/// What a plan over several families of lossy networks pays and gets beside quality: charted as the quality is.
const COSTS_OF_LOSS: [&str; 4] = ["effective-loss", "mouth-to-ear-clock", "mouth-to-ear-p95", "wire-bitrate"];

/// What else of moving pictures suffers from loss, the first beside the first quality.
const FREEZES: [&str; 2] = ["stalled", "freezes"];

/// All charts that the view has figures for. The first metric's charts have plain names, the others' its id as suffix.
pub fn charts(view: &View) -> Vec<Chart> {
    let mut charts = Vec::new();
    let families = families(view);
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

fn over_bitrate(view: &View, measure: usize, families: &[LossSweep], suffix: &str) -> Option<Chart> {
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

fn over_loss(view: &View, measure: usize, families: &[LossSweep], name: &str) -> Vec<Chart> {
    let rungs = rungs(view);
    if rungs.is_none() && families.len() >= FACETS {
        let all = |size| facets::draw(view, measure, facets::Split::Networks(families), size);
        return chart(name.to_owned(), all).into_iter().collect();
    }
    let one = |(i, family): (usize, &LossSweep)| {
        chart(format!("{name}{}", numbered(i)), |size| match &rungs {
            Some(rungs) => facets::draw(view, measure, facets::Split::Bitrates(family, rungs), size),
            None => loss::draw(view, measure, family, size),
        })
    };
    families.iter().enumerate().filter_map(one).collect()
}
