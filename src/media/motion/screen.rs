//! A shared screen: a window with a page of text, code and charts that scrolls.

use super::canvas::{Colour, HEIGHT, Scene, WIDTH, picture, smooth};
use super::texture::Texture;
use crate::units::{Rng, Seed};
use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

const PAPER: Colour = Colour(235.0, 0.0, 0.0);
const INK: Colour = Colour(34.0, 1.0, 0.0);
const LINK: Colour = Colour(82.0, 62.0, -22.0);
const BAR: Colour = Colour(52.0, 9.0, -4.0);
const SIDE: Colour = Colour(218.0, 3.0, -2.0);
const EDITOR: Colour = Colour(40.0, 6.0, -4.0);
/// Of names, strings, numbers and comments in code.
const SYNTAX: [Colour; 4] =
    [Colour(200.0, 0.0, 0.0), Colour(150.0, -30.0, -20.0), Colour(158.0, -28.0, 24.0), Colour(120.0, 4.0, -12.0)];

/// The title bar's height and the side bar's width.
const TOP: usize = 28;
const LEFT: usize = 128;
const PAGE_WIDTH: usize = WIDTH - LEFT;
const PAGE_HEIGHT: usize = 2600;

/// Scrolls for 4 s, rests for 1.5 s, jumps, rests for half a second and goes on by steps of a mouse wheel.
pub fn scene() -> Scene {
    let (page, frame) = (page(), window());
    Box::new(move |index| {
        let offset = offset(index);
        let (mx, my) = pointer(index);
        picture(index, None, |x, y| {
            let c = if x >= LEFT && y >= TOP { page.at(x - LEFT, y - TOP + offset) } else { frame.at(x, y) };
            arrow(c, x as i32 - mx, y as i32 - my)
        })
    })
}

/// First row of the page on show.
fn offset(index: usize) -> usize {
    match index {
        0..120 => 3 * index,
        120..165 => 360,
        165..180 => 1200,
        _ => {
            // A notch of the wheel every 0.4 s moves the page by 72 rows within 0.2 s.
            let (notch, within) = ((index - 180) / 12, (index - 180) % 12);
            1200 + 72 * notch + (72.0 * smooth((within + 1) as f32 / 6.0)) as usize
        }
    }
}

/// Where the mouse points: it wanders while the page rests.
fn pointer(index: usize) -> (i32, i32) {
    let way = smooth((index as f32 - 120.0) / 40.0);
    (420 + (150.0 * way) as i32, 250 - (130.0 * way) as i32)
}

fn arrow(c: Colour, x: i32, y: i32) -> Colour {
    if !(0..12).contains(&x) || !(0..18).contains(&y) || x > y || x + y > 18 {
        return c;
    }
    let rim = x == 0 || x == y || x + y >= 17;
    if rim { Colour(16.0, 0.0, 0.0) } else { Colour(235.0, 0.0, 0.0) }
}

/// A drawing in colours.
struct Sheet {
    width: usize,
    colours: Vec<Colour>,
}

impl Sheet {
    fn new(width: usize, height: usize, colour: Colour) -> Sheet {
        Sheet { width, colours: vec![colour; width * height] }
    }

    fn at(&self, x: usize, y: usize) -> Colour {
        self.colours[y * self.width + x]
    }

    fn rectangle(&mut self, (x, y): (usize, usize), (width, height): (usize, usize), colour: Colour) {
        for row in self.colours.chunks_exact_mut(self.width).skip(y).take(height) {
            row[x..(x + width).min(self.width)].fill(colour);
        }
    }

    /// Text on the baseline `y`; gives back where it ends.
    fn text(&mut self, pen: &Pen, (x, y): (f32, f32), text: &str, colour: Colour) -> f32 {
        let Some(font) = &pen.font else { return x };
        let scaled = font.as_scaled(PxScale::from(pen.size));
        let mut x = x;
        for c in text.chars() {
            let glyph = font.glyph_id(c).with_scale_and_position(pen.size, point(x, y));
            x += scaled.h_advance(glyph.id);
            let Some(outline) = font.outline_glyph(glyph) else { continue };
            let bounds = outline.px_bounds();
            outline.draw(|gx, gy, cover| {
                let (px, py) = (bounds.min.x as i64 + i64::from(gx), bounds.min.y as i64 + i64::from(gy));
                if (0..self.width as i64).contains(&px) && py >= 0 {
                    let at = py as usize * self.width + px as usize;
                    if let Some(under) = self.colours.get_mut(at) {
                        *under = under.mix(colour, cover.clamp(0.0, 1.0));
                    }
                }
            });
        }
        x
    }
}

struct Pen {
    /// The embedded faces can be read, which a test sees to.
    font: Option<FontRef<'static>>,
    size: f32,
}

fn pen(face: &'static [u8], size: f32) -> Pen {
    Pen { font: FontRef::try_from_slice(face).ok(), size }
}

/// Sections of a heading, paragraphs with links, and by turns code, a chart and a photo.
fn page() -> Sheet {
    let mut sheet = Sheet::new(PAGE_WIDTH, PAGE_HEIGHT, PAPER);
    let (body, heading) = (pen(dejavu::sans::regular(), 13.0), pen(dejavu::sans::bold(), 19.0));
    let mono = pen(dejavu::sans_mono::regular(), 12.0);
    let photo = Texture::new(40);
    let mut rng = Seed(41).stream("page");
    let (mut y, mut section) = (30, 0);
    while y + 330 < PAGE_HEIGHT {
        section += 1;
        let title = format!("{section}. {} {}", capital(word(&mut rng)), word(&mut rng));
        sheet.text(&heading, (16.0, y as f32), &title, INK);
        y += 24;
        for _ in 0..2 {
            for _ in 0..4 {
                line(&mut sheet, &body, y, &mut rng);
                y += 17;
            }
            y += 9;
        }
        match section % 3 {
            1 => code(&mut sheet, &mono, y, &mut rng),
            2 => chart(&mut sheet, &body, y, &mut rng),
            _ => {
                for k in 0..360 * 110 {
                    let (px, py) = (k % 360, k / 360);
                    let v = photo.at(px as f32, (py + 130 * section) as f32);
                    let tint = photo.at(0.3 * px as f32 + 90.0, 0.3 * py as f32);
                    sheet.colours[(y + py) * PAGE_WIDTH + 16 + px] = Colour(120.0 + 38.0 * v, 16.0 * tint, -14.0 * v);
                }
            }
        }
        y += 150;
    }
    sheet
}

fn line(sheet: &mut Sheet, pen: &Pen, y: usize, rng: &mut Rng) {
    let mut x = 16.0;
    while x < PAGE_WIDTH as f32 - 90.0 {
        let link = rng.unit() < 0.07;
        let from = x as usize;
        x = sheet.text(pen, (x, y as f32), word(rng), if link { LINK } else { INK });
        if link {
            sheet.rectangle((from, y + 2), (x as usize - from, 1), LINK);
        }
        x = sheet.text(pen, (x, y as f32), if rng.unit() < 0.1 { ", " } else { " " }, INK);
    }
}

fn code(sheet: &mut Sheet, pen: &Pen, y: usize, rng: &mut Rng) {
    sheet.rectangle((16, y - 8), (PAGE_WIDTH - 48, 128), EDITOR);
    for row in 0..7 {
        let (mut x, base) = (26.0 + 15.0 * (rng.unit() * 3.0).floor() as f32, (y + 10 + 16 * row) as f32);
        for _ in 0..2 + (rng.unit() * 4.0) as usize {
            let colour = SYNTAX[(rng.unit() * 4.0) as usize];
            x = sheet.text(pen, (x, base), word(rng), colour);
            x = sheet.text(pen, (x, base), [" = ", "(", ").", "::<"][(rng.unit() * 4.0) as usize], SYNTAX[0]);
        }
    }
}

fn chart(sheet: &mut Sheet, pen: &Pen, y: usize, rng: &mut Rng) {
    for row in 0..5 {
        sheet.rectangle((50, y + 24 * row), (380, 1), SIDE);
        sheet.text(pen, (20.0, (y + 24 * row + 4) as f32), &format!("{}", 40 - 10 * row), INK);
    }
    for bar in 0..14 {
        let height = 12 + (rng.unit() * 84.0) as usize;
        let colour = [Colour(110.0, 40.0, -24.0), Colour(120.0, -28.0, 44.0)][bar % 2];
        sheet.rectangle((60 + 26 * bar, y + 96 - height), (17, height), colour);
    }
}

/// Title bar and side bar, which stay.
fn window() -> Sheet {
    let mut sheet = Sheet::new(WIDTH, HEIGHT, SIDE);
    let (bold, body) = (pen(dejavu::sans::bold(), 14.0), pen(dejavu::sans::regular(), 12.0));
    let mut rng = Seed(42).stream("window");
    sheet.rectangle((0, 0), (WIDTH, TOP), BAR);
    sheet.text(&bold, (12.0, 19.0), "Shared screen", PAPER);
    for (i, colour) in [SYNTAX[1], SYNTAX[2], Colour(110.0, -20.0, 70.0)].into_iter().enumerate() {
        sheet.rectangle((WIDTH - 66 + 22 * i, 8), (12, 12), colour);
    }
    for row in 0..14 {
        let y = TOP + 10 + 22 * row;
        if row == 3 {
            sheet.rectangle((0, y - 2), (LEFT, 21), Colour(180.0, 24.0, -10.0));
        }
        sheet.rectangle((10, y + 2), (12, 12), SYNTAX[1 + row % 3]);
        let text = capital(word(&mut rng));
        sheet.text(&body, (30.0, y as f32 + 13.0), &text, INK);
    }
    sheet.rectangle((LEFT - 1, TOP), (1, HEIGHT - TOP), SYNTAX[3]);
    sheet
}

fn word(rng: &mut Rng) -> &'static str {
    const WORDS: [&str; 40] = [
        "the",
        "of",
        "packet",
        "a",
        "frame",
        "delay",
        "and",
        "to",
        "codec",
        "network",
        "in",
        "bitrate",
        "is",
        "loss",
        "measured",
        "picture",
        "for",
        "quality",
        "over",
        "sender",
        "receiver",
        "jitter",
        "with",
        "buffer",
        "each",
        "screen",
        "by",
        "reference",
        "on",
        "window",
        "call",
        "that",
        "encoder",
        "key",
        "rate",
        "when",
        "video",
        "it",
        "interval",
        "sequence",
    ];
    WORDS[(rng.unit() * WORDS.len() as f64) as usize]
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|c| c.to_ascii_uppercase()).into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faces_can_be_read_and_the_page_is_long_enough() {
        assert!(pen(dejavu::sans::regular(), 12.0).font.is_some() && pen(dejavu::sans::bold(), 12.0).font.is_some());
        assert!(pen(dejavu::sans_mono::regular(), 12.0).font.is_some());
        let last = (0..super::super::PICTURES).map(offset).max().unwrap();
        assert!(last + HEIGHT - TOP <= PAGE_HEIGHT, "{last}");
    }
}
