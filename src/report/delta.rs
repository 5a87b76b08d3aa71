//! Bjøntegaard deltas between families of settings: what a whole rate-quality curve gains over the anchor's.

use super::series::{Series, series};
use super::view::View;
use crate::error::{Error, Result};
use crate::report::view::{Delta, Shift};
use crate::stats::Interval;
use crate::stats::bd::{self, Clips, Method, Point};
use std::collections::{BTreeMap, BTreeSet};

/// Where the figures of single clips are.
pub trait Curves {
    /// By clip, the mean over its seeds; all three are places in the view.
    fn clips(&self, setting: usize, condition: usize, measure: usize) -> BTreeMap<usize, f64>;
}

/// The head of `bd.csv`.
pub const COLUMNS: &str = "network,metric,unit,anchor,test,clips,\
                           bd_rate_percent,bd_rate_low,bd_rate_high,quality_from,quality_to,bd_rate_remark,\
                           bd_quality,bd_quality_low,bd_quality_high,bitrate_from,bitrate_to,bd_quality_remark";

/// Fewer points are no curve: the same as in [`bd`].
const LEAST_POINTS: usize = 4;

/// Every family that has four bitrates or more against `anchor` (the first of them), under each condition and by each
/// quality of the view.
///
/// # Errors
/// [`Error::Usage`]: no such family is called `anchor`.
pub fn all(view: &View, anchor: Option<&str>, curves: &dyn Curves) -> Result<Vec<Delta>> {
    let mut families = series(view);
    families.retain(|f| f.settings.len() >= LEAST_POINTS);
    let place = match anchor {
        None => 0,
        Some(name) => families.iter().position(|f| is_called(view, f, name)).ok_or_else(|| unknown(&families, name))?,
    };
    let Some(bitrate) = view.measure("payload-bitrate").filter(|_| families.len() > 1) else { return Ok(Vec::new()) };
    let mut deltas = Vec::new();
    for measure in view.qualities() {
        for condition in 0..view.conditions.len() {
            for (_, test) in families.iter().enumerate().filter(|(f, _)| *f != place) {
                let of = |family: &Series| {
                    let point =
                        |s: &usize| (curves.clips(*s, condition, bitrate), curves.clips(*s, condition, measure));
                    family.settings.iter().map(point).collect::<Vec<_>>()
                };
                let (a, b) = (of(&families[place]), of(test));
                let measured = |points: &[ByClip]| points.iter().filter(|p| !p.1.is_empty()).count() >= LEAST_POINTS;
                if measured(&a) && measured(&b) {
                    let names = (families[place].name.clone(), test.name.clone());
                    deltas.push(delta(names, (condition, measure), &a, &b));
                }
            }
        }
    }
    Ok(deltas)
}

/// A row of `bd.csv` for each, after a head line.
pub fn csv(view: &View) -> String {
    let mut out = format!("{COLUMNS}\n");
    for d in &view.deltas {
        let m = &view.measures[d.measure];
        let mut row = vec![
            view.conditions[d.condition].name.clone(),
            m.id.clone(),
            m.unit.clone(),
            d.anchor.clone(),
            d.test.clone(),
            d.clips.to_string(),
        ];
        for shift in [&d.rate, &d.quality] {
            row.extend(match shift {
                Ok(s) => {
                    let end = |of: fn(Interval) -> f64| s.interval.map_or(String::new(), |i| of(i).to_string());
                    let range = [s.range.low, s.range.high].map(|v| v.to_string());
                    let [from, to] = range;
                    [s.mean.to_string(), end(|i| i.low), end(|i| i.high), from, to, s.remark.clone()]
                }
                Err(reason) => std::array::from_fn(|i| if i == 5 { reason.clone() } else { String::new() }),
            });
        }
        out += &row.iter().map(|t| field(t)).collect::<Vec<_>>().join(",");
        out.push('\n');
    }
    out
}

/// Bitrate and quality of one setting by clip.
type ByClip = (BTreeMap<usize, f64>, BTreeMap<usize, f64>);

fn delta(names: (String, String), place: (usize, usize), anchor: &[ByClip], test: &[ByClip]) -> Delta {
    // Settings without a single figure are no point; of the others every clip counts that all of them have.
    let [anchor, test] = [anchor, test].map(|c| c.iter().filter(|p| !p.1.is_empty()).collect::<Vec<_>>());
    let mut common: Option<BTreeSet<usize>> = None;
    for figures in anchor.iter().chain(&test).flat_map(|p| [&p.0, &p.1]) {
        let has: BTreeSet<usize> = figures.keys().copied().collect();
        common = Some(common.map_or_else(|| has.clone(), |c| &c & &has));
    }
    let clips: Vec<usize> = common.unwrap_or_default().into_iter().collect();
    let curve = |points: &[&ByClip]| -> Vec<Vec<Point>> {
        let of = |clip: &usize| points.iter().map(|p| Point { rate: p.0[clip], quality: p.1[clip] }).collect();
        clips.iter().map(of).collect()
    };
    let curves = if clips.is_empty() { Err("no clip has all points of both".to_owned()) } else { Ok(()) };
    let curves = curves.and_then(|()| {
        let (a, left_a) = rising(&names.0, curve(&anchor))?;
        let (b, left_b) = rising(&names.1, curve(&test))?;
        Ok((a, b, [left_a, left_b].concat()))
    });
    let shift = |of: fn(&Point) -> f64, delta: fn(&[Point], &[Point], Method) -> Result<f64>| {
        let (a, b, remark) = curves.as_ref().map_err(Clone::clone)?;
        shift(Clips { anchor: a, test: b }, of, delta, remark)
    };
    let (condition, measure) = place;
    Delta {
        condition,
        measure,
        anchor: names.0.clone(),
        test: names.1.clone(),
        clips: clips.len(),
        rate: shift(|p| p.quality, bd::rate),
        quality: shift(|p| p.rate, bd::quality),
    }
}

fn shift(
    clips: Clips<'_>,
    of: fn(&Point) -> f64,
    delta: fn(&[Point], &[Point], Method) -> Result<f64>,
    remark: &str,
) -> Result<Shift, String> {
    let (a, b) = (means(clips.anchor), means(clips.test));
    let end = |curve: &[Point], pick: fn(f64, f64) -> f64, start: f64| curve.iter().map(of).fold(start, pick);
    let (from_a, to_a) = (end(&a, f64::min, f64::INFINITY), end(&a, f64::max, f64::NEG_INFINITY));
    let (from_b, to_b) = (end(&b, f64::min, f64::INFINITY), end(&b, f64::max, f64::NEG_INFINITY));
    let range = Interval { low: from_a.max(from_b), high: to_a.min(to_b) };
    if range.low >= range.high {
        return Err(format!("no overlap: {from_b:.1} to {to_b:.1}, anchor {from_a:.1} to {to_a:.1}"));
    }
    let remark = |more: &str| [remark, more].iter().filter(|t| !t.is_empty()).copied().collect::<Vec<_>>().join("; ");
    match bd::over_clips(clips, Method::Pchip, delta) {
        Ok((mean, interval)) => {
            let alone = if interval.is_none() { "one clip has no interval" } else { "" };
            Ok(Shift { mean, interval, range, remark: remark(alone) })
        }
        // The curves of means can be compared, but not without some single clip.
        Err(_) => delta(&a, &b, Method::Pchip).map_err(|e| e.to_string()).map(|mean| Shift {
            mean,
            interval: None,
            range,
            remark: remark("no interval: it hangs on single clips"),
        }),
    }
}

/// The points whose mean quality nothing cheaper reaches, by rising rate, and what was left out in words.
fn rising(name: &str, clips: Vec<Vec<Point>>) -> Result<(Vec<Vec<Point>>, String), String> {
    let means = means(&clips);
    let mut order: Vec<usize> = (0..means.len()).collect();
    order.sort_by(|a, b| {
        means[*a].rate.total_cmp(&means[*b].rate).then(means[*b].quality.total_cmp(&means[*a].quality))
    });
    let mut kept: Vec<usize> = Vec::new();
    for p in order {
        if kept.last().is_none_or(|last| means[p].quality > means[*last].quality) && means[p].rate > 0.0 {
            kept.push(p);
        }
    }
    let left = means.len() - kept.len();
    if kept.len() < LEAST_POINTS {
        return Err(format!("{name} has {} points that no cheaper one beats; 4 are needed", kept.len()));
    }
    let points = clips.iter().map(|c| kept.iter().map(|p| c[*p]).collect()).collect();
    let beaten = if left == 1 { "point that a cheaper one beats" } else { "points that cheaper ones beat" };
    Ok((points, if left == 0 { String::new() } else { format!("{name} without {left} {beaten}") }))
}

fn means(clips: &[Vec<Point>]) -> Vec<Point> {
    let n = clips.len() as f64;
    let mean = |k: usize, of: fn(&Point) -> f64| clips.iter().map(|c| of(&c[k])).sum::<f64>() / n;
    let points = clips.first().map_or(0, Vec::len);
    (0..points).map(|k| Point { rate: mean(k, |p| p.rate), quality: mean(k, |p| p.quality) }).collect()
}

/// By its name, or the label of one of its settings.
fn is_called(view: &View, family: &Series, name: &str) -> bool {
    let mut labels = family.settings.iter().map(|s| view.settings[*s].label.as_str());
    family.name.eq_ignore_ascii_case(name) || labels.any(|l| l.eq_ignore_ascii_case(name))
}

fn unknown(families: &[Series], name: &str) -> Error {
    let names: Vec<&str> = families.iter().map(|f| f.name.as_str()).collect();
    let known = match names.as_slice() {
        [] => "there is none here".to_owned(),
        names => format!("there are: {}", names.join(", ")),
    };
    Error::usage(format!("--anchor '{name}' is no codec or setting with four bitrates or more; {known}"))
}

/// RFC 4180: quotes where there must be some.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
