//! What all charts share: heading, panels with axes and grid, markers and error bars.

use super::axis::Axis;
use super::caption::drawn;
use super::label_layout::Placer;
use super::palette::Ink;
use super::scene::{Anchor, Mark, Point, Rect, Scene, Words, text_width};
use crate::stats::{Interval, Summary};

/// Where a chart is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// A slide or a desk: panels side by side.
    Wide,
    /// A telephone held upright: panels one below the other.
    Narrow,
}

impl Size {
    pub fn width(self) -> f64 {
        match self {
            Size::Wide => 800.0,
            Size::Narrow => 380.0,
        }
    }

    /// The em of a title.
    fn title(self) -> f64 {
        match self {
            Size::Wide => 19.0,
            Size::Narrow => 15.5,
        }
    }

    /// Panels of `n` in a row.
    pub fn columns(self, n: usize) -> usize {
        match self {
            Size::Wide => n.min(2),
            Size::Narrow => 1,
        }
    }
}

/// A chart's words around its panels.
pub struct Heading {
    /// What is seen, as a sentence.
    pub title: String,
    /// What it is made of: metric, network, clips, seeds.
    pub subtitle: String,
    pub footnote: String,
}

pub const LABEL: f64 = 12.5;
/// The em of a panel's header.
pub const HEADER: f64 = 12.5;
/// Height of a line of labels.
pub const LABEL_ROW: f64 = 16.0;
const SMALL: f64 = 11.5;
const MARGIN: f64 = 16.0;

/// A scene with its heading drawn, and the box that is left for panels, `body` high or (`None`) what a 16:10 slide leaves.
pub fn page(size: Size, heading: &Heading, body: Option<f64>) -> (Scene, Rect) {
    let width = size.width();
    let inner = width - 2.0 * MARGIN;
    let mut words = Vec::new();
    let em = size.title();
    let mut y = MARGIN + em * 0.8;
    for line in wrap(&heading.title, em, true, inner) {
        words.push(Words::new((MARGIN, y), line, em, Ink::Text).bold());
        y += em * 1.25;
    }
    y -= 3.0;
    for line in wrap(&heading.subtitle, 12.0, false, inner) {
        words.push(Words::new((MARGIN, y), line, 12.0, Ink::Muted));
        y += 16.0;
    }
    let top = y + 2.0;
    let foot = wrap(&heading.footnote, 10.0, false, inner);
    let foot_height = 13.0 * foot.len() as f64 + 8.0;
    let slide = (width / 1.6 - top - foot_height - MARGIN + 6.0).max(240.0);
    let bottom = top + body.map_or(slide, |b| b.max(if size == Size::Wide { slide } else { 0.0 }));
    let height = bottom + foot_height + MARGIN - 6.0;
    for (i, line) in foot.into_iter().enumerate() {
        words.push(Words::new((MARGIN, bottom + 14.0 + 13.0 * i as f64), line, 10.0, Ink::Muted));
    }
    let mut scene = Scene::new(width, height);
    scene.fill(Rect { left: 0.0, top: 0.0, right: width, bottom: height }, Ink::Paper);
    scene.marks.extend(words.into_iter().map(Mark::Words));
    (scene, Rect { left: MARGIN, top, right: width - MARGIN, bottom })
}

/// `n` equal boxes in rows of `columns`.
pub fn grid(body: Rect, n: usize, columns: usize) -> Vec<Rect> {
    const GAP: f64 = 22.0;
    let rows = n.div_ceil(columns);
    let width = (body.right - body.left - GAP * (columns - 1) as f64) / columns as f64;
    let height = (body.bottom - body.top - GAP * (rows - 1) as f64) / rows as f64;
    let cell = |i: usize| {
        let left = body.left + (width + GAP) * (i % columns) as f64;
        let top = body.top + (height + GAP) * (i / columns) as f64;
        Rect { left, top, right: left + width, bottom: top + height }
    };
    (0..n).map(cell).collect()
}

/// How a panel departs from the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shape {
    /// The vertical axis grows downwards and the horizontal one stands on top, as in opus-codec.org's delay chart.
    pub down: bool,
    /// Left free beside the plot for labels.
    pub right: f64,
    /// The vertical axis is good from its low end to here.
    pub good: Option<f64>,
    /// The header takes so many lines at least.
    pub header_lines: usize,
    /// The ticks' figures are taken to be so wide at least.
    pub tick_width: f64,
}

/// A plot with its axes.
pub struct Panel {
    pub plot: Rect,
    pub x: Axis,
    pub y: Axis,
    down: bool,
}

impl Panel {
    /// Draws header, grid and axes into `area`.
    pub fn draw(scene: &mut Scene, area: Rect, header: &str, x: Axis, y: Axis, shape: Shape) -> Panel {
        let Shape { down, right, good, header_lines, tick_width } = shape;
        let tick_width = tick_width.max(widest_tick(&y));
        let width = area.right - area.left;
        let mut top = area.top + 12.0;
        let header = wrap(header, HEADER, true, width);
        top += 16.0 * header_lines.saturating_sub(header.len()) as f64;
        for line in header.into_iter().filter(|l| !l.is_empty()) {
            scene.words(Words::new((area.left, top), line, HEADER, Ink::Text).bold());
            top += 16.0;
        }
        for line in wrap(&y.title, SMALL, false, width) {
            scene.words(Words::new((area.left, top), line, SMALL, Ink::Muted));
            top += 14.5;
        }
        let plot = Rect {
            left: area.left + tick_width + 8.0,
            top: if down { top + 26.0 } else { top - 3.0 },
            right: area.right - right,
            bottom: if down { area.bottom - 12.0 } else { area.bottom - 36.0 },
        };
        let panel = Panel { plot, x, y, down };
        if let Some(good) = good {
            let (from, to) = (panel.at(panel.x.low, panel.y.low).1, panel.at(panel.x.low, good).1);
            scene.fill(Rect { top: from.min(to), bottom: from.max(to), ..plot }, Ink::Good);
        }
        panel.axes(scene);
        panel
    }

    pub fn at(&self, x: f64, y: f64) -> Point {
        let r = &self.plot;
        let (low, high) = if self.down { (r.top, r.bottom) } else { (r.bottom, r.top) };
        (self.x.place(x, r.left, r.right), self.y.place(y, low, high))
    }

    /// Finds places for labels within the plot.
    pub fn placer(&self) -> Placer {
        Placer::new(self.plot)
    }

    fn axes(&self, scene: &mut Scene) {
        let r = self.plot;
        for tick in &self.y.ticks {
            let y = self.at(self.x.low, *tick).1;
            scene.line(vec![(r.left, y), (r.right, y)], Ink::Grid, 1.0, 1.0);
            let place = (r.left - 6.0, y + SMALL * 0.36);
            scene.words(Words::new(place, self.y.label(*tick), SMALL, Ink::Muted).anchor(Anchor::End));
        }
        let (edge, out) = if self.down { (r.top, -1.0) } else { (r.bottom, 1.0) };
        let baseline = if self.down { edge - 7.0 } else { edge + 6.0 + SMALL * 0.8 };
        for tick in &self.x.ticks {
            let x = self.at(*tick, self.y.low).0;
            scene.line(vec![(x, edge), (x, edge + 4.0 * out)], Ink::Muted, 1.0, 1.0);
            // The first one keeps off the figure at the foot of the other axis.
            let half = text_width(&self.x.label(*tick), SMALL, false) / 2.0;
            let x = if self.down { x } else { x.max(r.left - 4.0 + half) };
            let label = Words::new((x, baseline), self.x.label(*tick), SMALL, Ink::Muted);
            scene.words(label.anchor(Anchor::Middle));
        }
        scene.line(vec![(r.left, edge), (r.right, edge)], Ink::Muted, 1.0, 1.0);
        let title = if self.down { edge - 22.0 } else { edge + 32.0 };
        scene.words(Words::new((r.left, title), &*self.x.title, SMALL, Ink::Muted));
    }
}

/// The width of the widest figure at the ticks of a vertical axis.
pub fn widest_tick(y: &Axis) -> f64 {
    y.ticks.iter().map(|t| text_width(&y.label(*t), SMALL, false)).fold(0.0, f64::max)
}

/// A marker with a rim of paper, so that it stands out from lines; six shapes tell series apart without colour.
pub fn marker(scene: &mut Scene, at: Point, ink: Ink, shape: usize) {
    for (reach, ink) in [(4.9, Ink::Paper), (3.7, ink)] {
        let (x, y) = at;
        let corners = |n: usize, turn: f64, r: f64| -> Vec<Point> {
            let angle = |k: usize| turn + std::f64::consts::TAU * k as f64 / n as f64;
            (0..n).map(|k| (x + r * angle(k).sin(), y - r * angle(k).cos())).collect()
        };
        let half = std::f64::consts::PI;
        match shape % 6 {
            0 => scene.marks.push(Mark::Dot { at, radius: reach, ink }),
            1 => scene.area(corners(4, half / 4.0, reach * 1.25), ink, 1.0),
            2 => scene.area(corners(3, 0.0, reach * 1.35), ink, 1.0),
            3 => scene.area(corners(4, 0.0, reach * 1.3), ink, 1.0),
            4 => scene.area(corners(3, half, reach * 1.35), ink, 1.0),
            _ => scene.area(corners(5, 0.0, reach * 1.2), ink, 1.0),
        }
    }
}

/// A 95 % interval as a bar with caps.
pub fn error_bar(scene: &mut Scene, panel: &Panel, x: f64, summary: &Summary, ink: Ink) {
    if let Some(Interval { low, high }) = drawn(summary) {
        let ((x, a), (_, b)) = (panel.at(x, low), panel.at(x, high));
        let (a, b) = (a.clamp(panel.plot.top, panel.plot.bottom), b.clamp(panel.plot.top, panel.plot.bottom));
        scene.line(vec![(x, a), (x, b)], ink, 1.4, 1.0);
        // One that goes on beyond the panel has no end there.
        let inside = |end: &f64| (panel.y.low..=panel.y.high).contains(end);
        for (y, _) in [(a, low), (b, high)].into_iter().filter(|(_, end)| inside(end)) {
            scene.line(vec![(x - 3.5, y), (x + 3.5, y)], ink, 1.4, 1.0);
        }
    }
}

/// Labels near their points, with a line to those that had to go far.
pub fn labels(scene: &mut Scene, placer: &mut Placer, labels: &[(Point, &str, Ink)]) {
    let size = |(point, text, _): &(Point, &str, Ink)| (*point, text_width(text, LABEL, true) + 4.0, LABEL_ROW - 1.0);
    let places = placer.place(&labels.iter().map(size).collect::<Vec<_>>());
    for ((point, text, ink), place) in labels.iter().zip(places) {
        let Some(r) = place else { continue };
        let near = (point.0.clamp(r.left, r.right), point.1.clamp(r.top, r.bottom));
        if (near.0 - point.0).hypot(near.1 - point.1) > 22.0 {
            scene.line(vec![*point, near], *ink, 0.8, 0.7);
        }
        scene.words(Words::new((r.left + 2.0, r.bottom - 4.0), *text, LABEL, *ink).bold());
    }
}

/// Lines of at most `width`, broken at plain spaces; a word that is too long alone ends in an ellipsis.
pub fn wrap(text: &str, size: f64, bold: bool, width: f64) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split([' ', '\n']).filter(|w| !w.is_empty()) {
        let line = lines.last().map_or("", String::as_str);
        let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if line.is_empty() || text_width(&longer, size, bold) <= width {
            lines.pop();
            lines.push(longer);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines.into_iter().map(|line| cut(line, size, bold, width)).collect()
}

/// The text as far as `width` holds it.
pub fn cut(mut text: String, size: f64, bold: bool, width: f64) -> String {
    if text_width(&text, size, bold) <= width {
        return text;
    }
    while !text.is_empty() && text_width(&format!("{text}…"), size, bold) > width {
        text.pop();
    }
    text + "…"
}
