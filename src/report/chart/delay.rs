//! Delay over bitrate, in the manner of opus-codec.org's chart: bitrate on top, delay downwards. The delay of the codec
//! alone and that of the whole call are two things and have a panel each.

use super::canvas::axis::Axis;
use super::canvas::caption::{counts, footnote};
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Shape, Size, grid, labels, marker, page};
use super::canvas::scene::{Scene, Words};
use crate::report::figure::short;
use crate::report::series::series;
use crate::report::view::View;

/// ITU-T G.114, section 4: below this one-way delay most conversations are not affected.
pub(super) const CONVERSATION_MS: f64 = 150.0;
/// The delay that a listener would measure, look-ahead included.
const BY_SIGNALS: &str = "mouth-to-ear";
const BY_CLOCK: &str = "mouth-to-ear-clock";
/// Two delays that differ by less are one line.
const SAME_MS: f64 = 0.05;

/// `None`: there is neither an algorithmic delay nor a mouth-to-ear delay with a bitrate.
pub fn draw(view: &View, size: Size) -> Option<(String, Scene)> {
    let condition = hardest(view);
    let codec = algorithmic(view, condition);
    let call = mouth_to_ear(view, condition);
    let all = || codec.iter().chain(&call).flat_map(|l| &l.points);
    all().next()?;
    let title = title(&codec, &call);
    let mut subtitle = Vec::new();
    if !codec.is_empty() {
        subtitle.push("algorithmic delay: frame and look-ahead, measured through encoder and decoder".to_owned());
    }
    if !call.is_empty() {
        let how = if view.measure(BY_SIGNALS).is_some() { "signals" } else { "call's clock, look-ahead not included" };
        subtitle.push(format!("mouth to ear: median by the {how}; whisker to the 95th percentile"));
        subtitle.push(format!("means of {}", counts(view, &[condition])));
    }
    let heading = Heading {
        title: title.clone(),
        subtitle: subtitle.join(" · "),
        footnote: footnote(view, 0..view.settings.len()),
    };
    let panels: Vec<(&str, &[Line])> = [("Algorithmic delay of the codec", &codec[..]), ("Mouth to ear", &call[..])]
        .into_iter()
        .filter(|p| !p.1.is_empty())
        .collect();
    let columns = size.columns(panels.len());
    let body = (size == Size::Narrow).then_some(340.0 * panels.len() as f64);
    let (mut scene, body) = page(size, &heading, body);
    let x = Axis::log2("bitrate, kbit/s", all().map(|p| p.bitrate));
    for ((name, lines), area) in panels.iter().zip(grid(body, panels.len(), columns)) {
        let of_call = *name == "Mouth to ear";
        let header = if of_call { format!("{name}: {}", view.conditions[condition].name) } else { (*name).to_owned() };
        let least = if of_call { CONVERSATION_MS * 1.2 } else { 10.0 };
        let ends = lines.iter().flat_map(|l| &l.points).map(|p| p.worst.unwrap_or(p.delay) * 1.05);
        let y = Axis::linear("delay, ms, downwards", ends.chain([0.0, least]), None);
        let shape = Shape { down: true, good: of_call.then_some(CONVERSATION_MS), ..Shape::default() };
        let panel = Panel::draw(&mut scene, area, &header, x.clone(), y, shape);
        plot(&mut scene, &panel, lines, of_call);
    }
    Some((title, scene))
}

/// Points that belong together: the same codec at the same delay, or a series of settings.
struct Line {
    name: String,
    colour: usize,
    shape: usize,
    points: Vec<Point>,
}

struct Point {
    name: String,
    /// kbit/s
    bitrate: f64,
    /// ms
    delay: f64,
    /// 95th percentile in ms.
    worst: Option<f64>,
}

/// The condition with the most asked loss.
fn hardest(view: &View) -> usize {
    let loss = |c: &usize| view.conditions[*c].loss;
    (0..view.conditions.len()).reduce(|a, b| if loss(&b) > loss(&a) { b } else { a }).unwrap_or(0)
}

fn algorithmic(view: &View, condition: usize) -> Vec<Line> {
    let mut lines: Vec<(String, Line)> = Vec::new();
    let mut strangers: Vec<String> = Vec::new();
    for row in &view.delays {
        let setting = view.settings.iter().position(|s| s.label == row.setting);
        let measured = || view.summary(setting?, condition, view.measure("payload-bitrate")?).map(|s| s.mean);
        let Some(bitrate) = row.bitrate.or_else(measured).filter(|b| *b > 0.0) else { continue };
        let point = Point { name: row.setting.clone(), bitrate, delay: row.total_ms, worst: None };
        let same = |(codec, l): &&mut (String, Line)| {
            *codec == row.codec && l.points.iter().all(|p| (p.delay - row.total_ms).abs() < SAME_MS)
        };
        if let Some((_, line)) = lines.iter_mut().find(same) {
            line.points.push(point);
            continue;
        }
        let known = view.settings.iter().find(|s| s.codec == row.codec).map(|s| s.colour);
        let colour = known.unwrap_or_else(|| {
            let after = view.settings.iter().map(|s| s.colour + 1).max().unwrap_or(0);
            after
                + strangers.iter().position(|s| *s == row.codec).unwrap_or_else(|| {
                    strangers.push(row.codec.clone());
                    strangers.len() - 1
                })
        });
        let frames = format!("{} {} ms frames", row.codec, figure_of(row.frame_ms));
        lines.push((row.codec.clone(), Line { name: frames, colour, shape: colour, points: vec![point] }));
    }
    let codecs: Vec<String> = lines.iter().map(|l| l.0.clone()).collect();
    for (codec, line) in &mut lines {
        let alone = codecs.iter().filter(|c| *c == codec).count() == 1;
        let name = if alone { codec.as_str() } else { line.name.as_str() };
        line.name = format!("{name}: {}", ms(line.points[0].delay));
    }
    sorted(lines.into_iter().map(|l| l.1).collect())
}

fn mouth_to_ear(view: &View, condition: usize) -> Vec<Line> {
    let line = |s: &crate::report::series::Series| {
        let point = |setting: &usize| {
            let mean = |id| view.summary(*setting, condition, view.measure(id)?).map(|s| s.mean);
            let (bitrate, clock) = (mean("payload-bitrate")?, mean(BY_CLOCK));
            let delay = mean(BY_SIGNALS).or(clock)?;
            // Only the clock has a percentile; what it lies above the clock's median, it lies above any median.
            let worst = mean("mouth-to-ear-p95").zip(clock).map(|(p95, median)| delay + p95 - median);
            Some(Point { name: view.settings[*setting].label.clone(), bitrate, delay, worst })
        };
        let points = s.settings.iter().filter_map(point).filter(|p| p.bitrate > 0.0).collect();
        Line { name: s.name.clone(), colour: s.colour, shape: s.colour, points }
    };
    sorted(series(view).iter().map(line).filter(|l| !l.points.is_empty()).collect())
}

fn sorted(mut lines: Vec<Line>) -> Vec<Line> {
    for line in &mut lines {
        line.points.sort_by(|a, b| a.bitrate.total_cmp(&b.bitrate));
    }
    lines
}

fn plot(scene: &mut Scene, panel: &Panel, lines: &[Line], of_call: bool) {
    let mut placer = panel.placer();
    if of_call {
        let end = panel.at(panel.x.low, CONVERSATION_MS).1;
        let words = "to 150 ms: most conversations unaffected (ITU-T G.114)";
        let words = super::canvas::panel::cut(words.into(), 10.0, false, panel.plot.right - panel.plot.left - 8.0);
        let words = Words::new((panel.plot.left + 4.0, end - 5.0), words, 10.0, Ink::Muted);
        placer.take(words.bounds());
        scene.words(words);
    }
    for line in lines {
        let path: Vec<_> = line.points.iter().map(|p| panel.at(p.bitrate, p.delay)).collect();
        placer.avoid(&path);
        if path.len() > 1 {
            scene.line(path, Ink::Series(line.colour), 2.2, 1.0);
        }
    }
    for line in lines {
        let ink = Ink::Series(line.colour);
        for p in &line.points {
            let at = panel.at(p.bitrate, p.delay);
            if let Some(worst) = p.worst {
                let end = panel.at(p.bitrate, worst);
                scene.line(vec![at, end], ink, 1.4, 1.0);
                scene.line(vec![(end.0 - 4.0, end.1), (end.0 + 4.0, end.1)], ink, 1.4, 1.0);
                placer.avoid(&[at, end]);
            }
            marker(scene, at, ink, line.shape);
            placer.mark(at);
            let worst = p.worst.map_or(String::new(), |w| format!(", 95 % within {}", ms(w)));
            scene.tips.push((at, format!("{}: {}{worst} at {:.1} kbit/s", p.name, ms(p.delay), p.bitrate)));
        }
    }
    let ends = lines.iter().filter_map(|l| {
        let last = l.points.last()?;
        Some((panel.at(last.bitrate, last.delay), l.name.as_str(), Ink::Label(l.colour)))
    });
    labels(scene, &mut placer, &ends.collect::<Vec<_>>());
}

fn title(codec: &[Line], call: &[Line]) -> String {
    let range = |lines: &[Line]| {
        let delays = || lines.iter().flat_map(|l| &l.points).map(|p| p.delay);
        let (low, high) = (delays().fold(f64::INFINITY, f64::min), delays().fold(0.0, f64::max));
        if figure_of(low) == figure_of(high) { ms(high) } else { format!("{} to {}", figure_of(low), ms(high)) }
    };
    match (codec.is_empty(), call.is_empty()) {
        (false, false) => format!("The codec takes {}, mouth to ear takes {}", range(codec), range(call)),
        (false, true) => format!("The codec takes {}", range(codec)),
        _ => format!("Mouth to ear takes {}", range(call)),
    }
}

fn ms(v: f64) -> String {
    format!("{} ms", figure_of(v))
}

/// Whole from 100 on.
fn figure_of(v: f64) -> String {
    if v >= 100.0 { format!("{v:.0}") } else { short(v) }
}
