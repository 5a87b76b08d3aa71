//! A chart as a list of marks in logical pixels, and its two renderings by plotters: SVG for the page, PNG for slides.

use super::palette::Ink;
use crate::error::{Error, Result};
use crate::report::raster;
use ab_glyph::{Font, FontRef, PxScale, ScaleFont};
use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::{Circle, PathElement, Polygon, Text};
use plotters::style::{Color, FontStyle, IntoFont, RGBColor, ShapeStyle, register_font};
use std::path::Path;
use std::sync::LazyLock;

pub type Point = (f64, f64);

#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    pub width: f64,
    pub height: f64,
    pub marks: Vec<Mark>,
    /// What a pointer that rests at a place is told.
    pub tips: Vec<(Point, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    Line { points: Vec<Point>, ink: Ink, width: f64, alpha: f64 },
    Area { points: Vec<Point>, ink: Ink, alpha: f64 },
    Dot { at: Point, radius: f64, ink: Ink },
    Words(Words),
}

/// One line of text; `at` is on its baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Words {
    pub at: Point,
    pub text: String,
    /// The em, in logical pixels.
    pub size: f64,
    pub bold: bool,
    pub anchor: Anchor,
    pub ink: Ink,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// An axis-parallel box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rect {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Rect {
    pub fn overlaps(&self, other: &Rect) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    pub fn contains(&self, other: &Rect) -> bool {
        self.left <= other.left && other.right <= self.right && self.top <= other.top && other.bottom <= self.bottom
    }

    pub fn around((x, y): Point, reach: f64) -> Rect {
        Rect { left: x - reach, top: y - reach, right: x + reach, bottom: y + reach }
    }
}

impl Words {
    pub fn new(at: Point, text: impl Into<String>, size: f64, ink: Ink) -> Words {
        Words { at, text: text.into(), size, bold: false, anchor: Anchor::Start, ink }
    }

    pub fn anchor(self, anchor: Anchor) -> Words {
        Words { anchor, ..self }
    }

    pub fn bold(self) -> Words {
        Words { bold: true, ..self }
    }

    /// The box that the letters take.
    pub fn bounds(&self) -> Rect {
        let left = self.left();
        let (x, y) = (left + text_width(&self.text, self.size, self.bold), self.at.1);
        Rect { left, top: y - 0.8 * self.size, right: x, bottom: y + 0.25 * self.size }
    }

    fn left(&self) -> f64 {
        let width = text_width(&self.text, self.size, self.bold);
        match self.anchor {
            Anchor::Start => self.at.0,
            Anchor::Middle => self.at.0 - width / 2.0,
            Anchor::End => self.at.0 - width,
        }
    }
}

impl Scene {
    pub fn new(width: f64, height: f64) -> Scene {
        Scene { width, height, marks: Vec::new(), tips: Vec::new() }
    }

    pub fn line(&mut self, points: Vec<Point>, ink: Ink, width: f64, alpha: f64) {
        self.marks.push(Mark::Line { points, ink, width, alpha });
    }

    /// Dashes of `on` with gaps of `off`, in logical pixels.
    pub fn dashed(&mut self, from: Point, to: Point, (on, off): (f64, f64), ink: Ink, width: f64) {
        let length = (to.0 - from.0).hypot(to.1 - from.1);
        let at = |t: f64| (from.0 + (to.0 - from.0) * t / length, from.1 + (to.1 - from.1) * t / length);
        let mut t = 0.0;
        while t < length {
            self.line(vec![at(t), at((t + on).min(length))], ink, width, 0.8);
            t += on + off;
        }
    }

    pub fn area(&mut self, points: Vec<Point>, ink: Ink, alpha: f64) {
        self.marks.push(Mark::Area { points, ink, alpha });
    }

    pub fn fill(&mut self, r: Rect, ink: Ink) {
        self.area(vec![(r.left, r.top), (r.right, r.top), (r.right, r.bottom), (r.left, r.bottom)], ink, 1.0);
    }

    pub fn words(&mut self, words: Words) {
        self.marks.push(Mark::Words(words));
    }

    /// All text in it, in drawing order.
    pub fn texts(&self) -> impl Iterator<Item = &Words> {
        self.marks.iter().filter_map(|m| if let Mark::Words(w) = m { Some(w) } else { None })
    }

    /// An `<svg>` element whose colours are CSS classes `f-ROLE` (fill) and `s-ROLE` (stroke), of the width that its
    /// surroundings give it.
    pub fn svg(&self, description: &str) -> Result<String> {
        let mut svg = String::new();
        let (w, h) = self.pixels(SVG_SCALE);
        let area = SVGBackend::with_string(&mut svg, (w, h)).into_drawing_area();
        self.draw(&area, &Target { scale: SVG_SCALE, em: 1.24, rise: 0.0, svg: true })?;
        area.present().map_err(drawing)?;
        drop(area);
        Ok(self.dress(&svg, (w, h), description))
    }

    /// Writes a PNG of twice the logical size, drawn four times as large and averaged, which smooths every edge.
    pub fn png(&self, path: &Path) -> Result<()> {
        let (w, h) = self.pixels(PNG_SCALE);
        let (fine_w, fine_h) = (w * SMOOTH, h * SMOOTH);
        let mut fine = vec![255; (fine_w * fine_h * 3) as usize];
        {
            let area = BitMapBackend::with_buffer(&mut fine, (fine_w, fine_h)).into_drawing_area();
            let target = Target { scale: PNG_SCALE * f64::from(SMOOTH), em: EM_OF_SIZE, rise: 0.5, svg: false };
            self.draw(&area, &target)?;
            area.present().map_err(drawing)?;
        }
        let pixels = average(&fine, w as usize, h as usize);
        let file = raster::png(w, h, &pixels, png::Compression::Fast).map_err(|e| Error::output(path, e))?;
        std::fs::write(path, file).map_err(|e| Error::output(path, e))
    }

    fn pixels(&self, scale: f64) -> (u32, u32) {
        ((self.width * scale).round() as u32, (self.height * scale).round() as u32)
    }

    fn draw<B: DrawingBackend>(&self, area: &DrawingArea<B, Shift>, target: &Target) -> Result<()> {
        register();
        for mark in &self.marks {
            match mark {
                Mark::Line { points, ink, width, alpha } => {
                    let path: Vec<_> = points.iter().map(|p| target.place(*p)).collect();
                    area.draw(&PathElement::new(path, target.style(*ink, *alpha, *width)))
                }
                Mark::Area { points, ink, alpha } => {
                    let path: Vec<_> = points.iter().map(|p| target.place(*p)).collect();
                    area.draw(&Polygon::new(path, target.style(*ink, *alpha, 1.0)))
                }
                Mark::Dot { at, radius, ink } => {
                    let radius = (radius * target.scale).round() as i32;
                    area.draw(&Circle::new(target.place(*at), radius, target.style(*ink, 1.0, 1.0).filled()))
                }
                Mark::Words(words) => {
                    let size = words.size * target.em * target.scale;
                    let style = if words.bold { FontStyle::Bold } else { FontStyle::Normal };
                    // plotters sets a bitmap's baseline half a size below the place that it is given.
                    let x = if target.svg { words.at.0 } else { words.left() };
                    let place = target.place((x, words.at.1));
                    let place = (place.0, place.1 - (target.rise * size).round() as i32);
                    let font = (FONT, size, style).into_font().color(&target.colour(words.ink));
                    let text =
                        if target.svg { format!("{}{}", words.anchor.code(), words.text) } else { words.text.clone() };
                    area.draw(&Text::new(text, place, font))
                }
            }
            .map_err(drawing)?;
        }
        Ok(())
    }

    /// plotters' SVG to ours: classes for colours, our anchors, tips, and a size that follows the page.
    fn dress(&self, svg: &str, (w, h): (u32, u32), description: &str) -> String {
        let mut out = format!(
            "<svg viewBox=\"0 0 {w} {h}\" role=\"img\" aria-label=\"{}\">\n",
            crate::report::escape::escape(description)
        );
        let mut lines = svg.lines().skip(1).peekable();
        while let Some(line) = lines.next() {
            let mut line = line.to_owned();
            for ink in Ink::all() {
                let hex = format!("#{:06X}", ink.light());
                line = line.replace(&format!("fill=\"{hex}\""), &format!("class=\"f-{}\"", ink.name()));
                line = line.replace(&format!("stroke=\"{hex}\""), &format!("class=\"s-{}\"", ink.name()));
            }
            line = line.replace(" opacity=\"1\"", "").replace(&format!(" font-family=\"{FONT}\""), "");
            if line.starts_with("<text") {
                line = line.replace(" dy=\"0.76em\" text-anchor=\"start\"", "");
                let text = lines.next().unwrap_or_default();
                let (anchor, text) = Anchor::of_code(text);
                line = line.replacen("<text", &format!("<text text-anchor=\"{anchor}\""), 1);
                line.push_str(text);
                line.push_str(lines.next().unwrap_or_default());
            } else if line == "</svg>" {
                for ((x, y), tip) in &self.tips {
                    let (x, y, r) = (x * SVG_SCALE, y * SVG_SCALE, 9.0 * SVG_SCALE);
                    let tip = crate::report::escape::escape(tip);
                    out += &format!(
                        "<circle class=\"tip\" cx=\"{x:.0}\" cy=\"{y:.0}\" r=\"{r:.0}\"><title>{tip}</title></circle>\n"
                    );
                }
            }
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

impl Anchor {
    /// plotters' anchors differ between its backends in height; so all text starts at its own place there, and the
    /// SVG's anchor travels as the text's first letter.
    fn code(self) -> char {
        match self {
            Anchor::Start => 'S',
            Anchor::Middle => 'M',
            Anchor::End => 'E',
        }
    }

    fn of_code(text: &str) -> (&'static str, &str) {
        let rest = text.get(1..).unwrap_or_default();
        match text.as_bytes().first() {
            Some(b'M') => ("middle", rest),
            Some(b'E') => ("end", rest),
            _ => ("start", rest),
        }
    }
}

/// Width of a text in the charts' font at an em of `size`.
pub fn text_width(text: &str, size: f64, bold: bool) -> f64 {
    let face = if bold { &FACES.1 } else { &FACES.0 };
    match face {
        // ab_glyph's scale is the height of a line, not the em.
        Some(font) => {
            let font = font.as_scaled(PxScale::from((100.0 * EM_OF_SIZE) as f32));
            let sum: f32 = text.chars().map(|c| font.h_advance(font.glyph_id(c))).sum();
            f64::from(sum) / 100.0 * size
        }
        None => 0.62 * size * text.chars().count() as f64,
    }
}

/// The name under which plotters finds the embedded DejaVu Sans.
const FONT: &str = "codecbench";
/// Line height of DejaVu Sans in em (hhea: 0.928 above, 0.236 below the baseline).
const EM_OF_SIZE: f64 = 1.164;
const SVG_SCALE: f64 = 4.0;
const PNG_SCALE: f64 = 2.0;
const SMOOTH: u32 = 2;

static FACES: LazyLock<(Option<FontRef<'static>>, Option<FontRef<'static>>)> = LazyLock::new(|| {
    let face = |bytes| FontRef::try_from_slice(bytes).ok();
    (face(dejavu::sans::regular()), face(dejavu::sans::bold()))
});

fn register() {
    static DONE: LazyLock<()> = LazyLock::new(|| {
        // A font that cannot be read shows itself as an error of the first text drawn.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FONT, FontStyle::Bold, dejavu::sans::bold());
    });
    LazyLock::force(&DONE);
}

struct Target {
    scale: f64,
    /// plotters' font size of an em.
    em: f64,
    /// Where plotters' origin of a text lies above its baseline, in font sizes.
    rise: f64,
    svg: bool,
}

impl Target {
    fn place(&self, (x, y): Point) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn colour(&self, ink: Ink) -> RGBColor {
        let c = ink.light();
        RGBColor((c >> 16 & 255) as u8, (c >> 8 & 255) as u8, (c & 255) as u8)
    }

    fn style(&self, ink: Ink, alpha: f64, width: f64) -> ShapeStyle {
        let width = (width * self.scale).round().max(1.0) as u32;
        ShapeStyle { color: self.colour(ink).mix(alpha), filled: false, stroke_width: width }
    }
}

fn drawing(e: impl std::fmt::Display) -> Error {
    Error::Call(format!("chart: {e}"))
}

/// Means of SMOOTH x SMOOTH pixels.
fn average(fine: &[u8], w: usize, h: usize) -> Vec<u8> {
    let n = SMOOTH as usize;
    let mut out = Vec::with_capacity(w * h * 3);
    for y in 0..h {
        for x in 0..w * 3 {
            let (column, channel) = (x / 3, x % 3);
            let mut sum = 0u32;
            for dy in 0..n {
                for dx in 0..n {
                    sum += u32::from(fine[((y * n + dy) * w * n + column * n + dx) * 3 + channel]);
                }
            }
            out.push(((sum + SMOOTH * SMOOTH / 2) / (SMOOTH * SMOOTH)) as u8);
        }
    }
    out
}
