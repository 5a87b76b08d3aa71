//! Bitrate and delay of whole codecs, in the manner of opus-codec.org's chart: bitrate on top, delay downwards, one shape
//! per codec, coloured by the audio bandwidth that was measured.

use super::canvas::axis::Axis;
use super::canvas::label_layout::Placer;
use super::canvas::palette::Ink;
use super::canvas::panel::{Heading, Panel, Shape, Size, labels, page};
use super::canvas::scene::{Anchor, Rect, Scene, Words};
use super::delay::CONVERSATION_MS;
use crate::latency::Footprint;
use crate::report::figure::short;
use crate::report::view::View;

/// What is still live, as the hand-drawn chart has it.
const REAL_TIME_MS: f64 = 500.0;
/// From so many codecs on there is something to compare.
const LEAST: usize = 3;
/// The least height and width of a shape.
const THICK: f64 = 11.0;

/// The classes of bandwidth: upper edge in Hz, name, colour.
const BANDS: [(f64, &str, usize); 3] = [(5000.0, "to 4 kHz", 1), (8500.0, "to 8 kHz", 4), (f64::INFINITY, "wider", 2)];

/// `None`: there are too few codecs.
pub fn draw(view: &View, size: Size) -> Option<(String, Scene)> {
    let mut shapes: Vec<&Footprint> = view.footprints.iter().collect();
    if shapes.len() < LEAST {
        return None;
    }
    // The largest lie at the bottom.
    let area = |f: &Footprint| {
        let (low, high) = ends(f);
        ((high / low).log2() + 0.3) * ((f.delays_ms.1 / f.delays_ms.0).log2() + 0.3)
    };
    shapes.sort_by(|a, b| area(b).total_cmp(&area(a)));
    let title = title(&shapes);
    let heading = Heading {
        title: title.clone(),
        subtitle: "algorithmic delay of frame, look-ahead, decoder and container over all frame lengths, and all bitrates; \
                   measured through encoder and decoder"
            .into(),
        footnote: "Delays by a noise marker, found again by correlation; a container's or bit reservoir's part as documented. \
                   Colour: upper edge of white noise at -15 dB. The network, jitter buffers and the sound card come on top."
            .into(),
    };
    let body = if size == Size::Narrow { 460.0 } else { 520.0 };
    let (mut scene, body) = page(size, &heading, Some(body));
    let x = Axis::log2("bitrate, kbit/s", shapes.iter().flat_map(|f| [ends(f).0, ends(f).1]));
    let delays = shapes.iter().flat_map(|f| [f.delays_ms.0, f.delays_ms.1]);
    let ticks = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0, 2000.0];
    let y = Axis::log2("delay, ms, downwards", delays.chain([REAL_TIME_MS * 1.15])).with_ticks(ticks);
    let panel =
        Panel::draw(&mut scene, body, "", x, y, Shape { down: true, good: Some(CONVERSATION_MS), ..Shape::default() });
    let mut placer = panel.placer();
    for (ms, words) in [
        (CONVERSATION_MS, "conversation: to 150 ms mouth to ear (ITU-T G.114)"),
        (REAL_TIME_MS, "real time: below 500 ms"),
    ] {
        let end = panel.at(panel.x.low, ms).1;
        scene.line(vec![(panel.plot.left, end), (panel.plot.right, end)], Ink::Muted, 1.0, 0.7);
        let words = Words::new((panel.plot.left + 4.0, end - 5.0), words, 10.0, Ink::Muted);
        placer.take(words.bounds());
        scene.words(words);
    }
    let (mut points, mut pills) = (Vec::new(), Vec::new());
    for group in shapes.chunk_by(|a, b| alike(a, b)) {
        let place = plot(&mut scene, &mut placer, &mut pills, &panel, group[0]);
        let mut names: Vec<&str> = group.iter().map(|f| f.codec.as_str()).collect();
        names.sort_unstable();
        points.push((place, names.join(", ")));
    }
    legend(&mut scene, &panel);
    // The small ones have little room around them and come first.
    let points: Vec<_> = points.iter().rev().map(|(place, name)| (*place, name.as_str(), Ink::Text)).collect();
    labels(&mut scene, &mut placer, &points);
    Some((title, scene))
}

/// Its least and its highest bitrate in kbit/s.
fn ends(shape: &Footprint) -> (f64, f64) {
    let kilo = |band: Option<&(u32, f64)>| band.map_or(1.0, |(b, _)| f64::from(*b) / 1000.0);
    (kilo(shape.bands.first()), kilo(shape.bands.last()))
}

/// One shape: versions of a codec.
fn alike(a: &Footprint, b: &Footprint) -> bool {
    let near = |x: f64, y: f64| (x / y).ln().abs() < 0.02;
    let (from, to) = (ends(a), ends(b));
    near(from.0, to.0) && near(from.1, to.1) && near(a.delays_ms.0, b.delays_ms.0) && near(a.delays_ms.1, b.delays_ms.1)
}

fn class(hz: f64) -> usize {
    BANDS.iter().position(|(edge, ..)| hz <= *edge).unwrap_or(BANDS.len() - 1)
}

/// Draws the shape; the place of its label. Of `pills`, codecs of one bitrate, none covers another: they stand side by side.
fn plot(scene: &mut Scene, placer: &mut Placer, pills: &mut Vec<Rect>, panel: &Panel, shape: &Footprint) -> (f64, f64) {
    let (low, high) = ends(shape);
    let ((left, top), (right, bottom)) = (panel.at(low, shape.delays_ms.0), panel.at(high, shape.delays_ms.1));
    let (dx, dy) = ((THICK - (right - left)).max(0.0) / 2.0, (THICK - (bottom - top)).max(0.0) / 2.0);
    let mut r = Rect { left: left - dx, top: top - dy, right: right + dx, bottom: bottom + dy };
    if dx > 0.0 {
        while pills.iter().any(|other| other.overlaps(&r)) {
            (r.left, r.right) = (r.left + THICK, r.right + THICK);
        }
        pills.push(r);
    }
    // Runs of one class, each ending half way (in octaves) to the next.
    let mut from = r.left;
    let mut start = 0;
    while start < shape.bands.len() {
        let own = class(shape.bands[start].1);
        let length = shape.bands[start..].iter().take_while(|(_, hz)| class(*hz) == own).count();
        let end = start + length;
        let to = match shape.bands.get(end) {
            Some((next, _)) => {
                let middle = (f64::from(shape.bands[end - 1].0) * f64::from(*next)).sqrt() / 1000.0;
                panel.at(middle, shape.delays_ms.0).0
            }
            None => r.right,
        };
        let ink = Ink::Series(BANDS[own].2);
        let corners = vec![(from, r.top), (to, r.top), (to, r.bottom), (from, r.bottom)];
        // What lies below shines through a little.
        scene.area(corners.clone(), Ink::Paper, 0.7);
        scene.area(corners, ink, if dx > 0.0 || dy > 0.0 { 0.9 } else { 0.45 });
        (from, start) = (to, end);
    }
    let outline = vec![(r.left, r.top), (r.right, r.top), (r.right, r.bottom), (r.left, r.bottom), (r.left, r.top)];
    placer.avoid(&outline);
    scene.line(outline, Ink::Muted, 1.0, 0.9);
    let bands: Vec<String> = BANDS
        .iter()
        .enumerate()
        .filter(|(i, _)| shape.bands.iter().any(|(_, hz)| class(*hz) == *i))
        .map(|(_, (_, name, _))| (*name).to_owned())
        .collect();
    let span = |a: f64, b: f64| if short(a) == short(b) { short(a) } else { format!("{} to {}", short(a), short(b)) };
    let tip = format!(
        "{}: {} kbit/s, {} ms, {}",
        shape.codec,
        span(low, high),
        span(shape.delays_ms.0, shape.delays_ms.1),
        bands.join(", ")
    );
    let middle = ((r.left + r.right) / 2.0, (r.top + r.bottom) / 2.0);
    scene.tips.push((middle, tip));
    if dx > 0.0 { (r.right - THICK / 2.0, middle.1) } else { (r.left + 8.0, r.top + 8.0) }
}

/// Above the plot, beside the axis' title.
fn legend(scene: &mut Scene, panel: &Panel) {
    let (mut right, y) = (panel.plot.right, panel.plot.top - 36.0);
    for (_, name, colour) in BANDS.iter().rev() {
        let words = Words::new((right, y), *name, 11.0, Ink::Text).anchor(Anchor::End);
        let left = words.bounds().left;
        scene.fill(Rect { left: left - 15.0, top: y - 9.0, right: left - 5.0, bottom: y + 1.0 }, Ink::Series(*colour));
        scene.words(words);
        right = left - 28.0;
    }
}

/// The codec of the least delay, and the one that covers most bitrates.
fn title(shapes: &[&Footprint]) -> String {
    let octaves = |f: &&&Footprint| (ends(f).1 / ends(f).0).log2();
    let widest = shapes.iter().max_by(|a, b| octaves(a).total_cmp(&octaves(b)));
    let Some(widest) = widest else { return "Bitrate and delay".into() };
    let (low, high) = ends(widest);
    let (least, most) = widest.delays_ms;
    let slowest = shapes.iter().max_by(|a, b| a.delays_ms.1.total_cmp(&b.delays_ms.1)).unwrap_or(widest);
    format!(
        "{} covers {} to {} kbit/s at {} to {} ms; {} takes up to {} ms",
        widest.codec,
        short(low),
        short(high),
        short(least),
        short(most),
        slowest.codec,
        short(slowest.delays_ms.1)
    )
}
