//! From a colour per point to a picture, and the few shapes that scenes are made of.

use crate::media::picture::{FrameRate, Picture, PictureFormat};
use crate::units::Seed;
use std::sync::Arc;

/// Draws the picture of an index.
pub(super) type Scene = Box<dyn Fn(usize) -> Picture + Sync>;

/// Of each clip.
pub const FORMAT: PictureFormat = PictureFormat { width: 640, height: 360, rate: FrameRate::new(30, 1) };

pub const WIDTH: usize = FORMAT.width as usize;
pub const HEIGHT: usize = FORMAT.height as usize;

/// Luma and the two chroma differences, each in code values of limited range: luma 16 to 235, chroma around 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Colour(pub f32, pub f32, pub f32);

impl Colour {
    /// `self` where `share` is 0, `other` where it is 1.
    pub fn mix(self, other: Colour, share: f32) -> Colour {
        let mix = |a: f32, b: f32| a + (b - a) * share;
        Colour(mix(self.0, other.0), mix(self.1, other.1), mix(self.2, other.2))
    }

    /// So much brighter; the chroma follows the light.
    pub fn lit(self, by: f32) -> Colour {
        let gain = ((self.0 + by) / self.0.max(1.0)).clamp(0.2, 2.0);
        Colour(self.0 + by, self.1 * gain, self.2 * gain)
    }
}

/// What a camera's sensor adds: so many code values (standard deviation) of luma noise, half of it in chroma.
#[derive(Clone, Copy)]
pub struct Noise {
    pub name: &'static str,
    pub luma: f32,
}

/// A picture of the colour that `shade` gives for each luma sample, the chroma averaged over 2x2.
pub fn picture(index: usize, noise: Option<Noise>, shade: impl Fn(usize, usize) -> Colour) -> Picture {
    let mut data = vec![0; FORMAT.bytes()];
    let (luma, chroma) = data.split_at_mut(FORMAT.luma());
    let (u, v) = chroma.split_at_mut(FORMAT.luma() / 4);
    let mut grain = Grain::new(index, noise);
    for y in (0..HEIGHT).step_by(2) {
        for x in (0..WIDTH).step_by(2) {
            let mut sum = (0.0, 0.0);
            for (x, y) in [(x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)] {
                let Colour(l, cb, cr) = shade(x, y);
                luma[y * WIDTH + x] = code(l + grain.draw(), 235.0);
                sum = (sum.0 + cb, sum.1 + cr);
            }
            let at = y / 2 * (WIDTH / 2) + x / 2;
            u[at] = code(128.0 + 0.25 * sum.0 + 0.5 * grain.draw(), 240.0);
            v[at] = code(128.0 + 0.25 * sum.1 + 0.5 * grain.draw(), 240.0);
        }
    }
    Picture { width: FORMAT.width, height: FORMAT.height, data: Arc::from(data) }
}

fn code(value: f32, most: f32) -> u8 {
    (value + 0.5).clamp(16.0, most) as u8
}

/// Triangular noise, four draws out of each random number.
struct Grain {
    rng: crate::units::Rng,
    scale: f32,
    bits: u64,
    left: u32,
}

impl Grain {
    fn new(index: usize, noise: Option<Noise>) -> Grain {
        let (name, luma) = noise.map_or(("", 0.0), |n| (n.name, n.luma));
        // The sum of two uniform bytes has a standard deviation of 104.5.
        Grain { rng: Seed(index as u64).stream(name), scale: luma / 104.5, bits: 0, left: 0 }
    }

    fn draw(&mut self) -> f32 {
        if self.scale == 0.0 {
            return 0.0;
        }
        if self.left == 0 {
            (self.bits, self.left) = (self.rng.bits(), 4);
        }
        let sum = (self.bits & 255) as i32 + (self.bits >> 8 & 255) as i32 - 255;
        (self.bits, self.left) = (self.bits >> 16, self.left - 1);
        sum as f32 * self.scale
    }
}

/// From 0 to 1 while x goes from 0 to 1, smoothly at both ends.
pub fn smooth(x: f32) -> f32 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// How much of the point (x, y) an ellipse around the origin covers; `soft` is the width of its edge.
pub fn ellipse(x: f32, y: f32, (rx, ry): (f32, f32), soft: f32) -> f32 {
    let q = (x / rx * (x / rx) + y / ry * (y / ry)).sqrt();
    (0.5 - (q - 1.0) * rx.min(ry) / soft).clamp(0.0, 1.0)
}

/// As [`ellipse`], a rectangle of half the sides `rx`, `ry`.
pub fn rectangle(x: f32, y: f32, (rx, ry): (f32, f32), soft: f32) -> f32 {
    let outside = (x.abs() - rx).max(y.abs() - ry);
    (0.5 - outside / soft).clamp(0.0, 1.0)
}
