//! Textures that move: a pan, and scenes with cuts between.

use super::canvas::{Colour, HEIGHT, Scene, WIDTH, ellipse, picture};
use super::texture::Texture;
use crate::media::synth::tone::sine;

/// A camera that sweeps over a wide texture, slower and faster.
pub fn pan() -> Scene {
    let (shape, tint) = (Texture::new(20), Texture::new(21));
    Box::new(move |index| {
        let t = index as f64 / 30.0;
        // 70 samples a second to the right on average, between 20 and 120; a slow drift downwards.
        let x0 = (70.0 * t - 50.0 / (std::f64::consts::TAU * 0.2) * sine(0.2 * t + 0.25)) as f32;
        let y0 = (12.0 * t + 6.0 * sine(0.35 * t)) as f32;
        picture(index, None, |x, y| painted(&shape, &tint, x as f32 + x0, y as f32 + y0))
    })
}

fn painted(shape: &Texture, tint: &Texture, x: f32, y: f32) -> Colour {
    // Each coordinate is stretched differently, so that the tint does not repeat with the shape.
    Colour(
        122.0 + 34.0 * shape.at(x, y),
        14.0 * tint.at(0.37 * x, 0.37 * y),
        14.0 * tint.at(0.29 * x + 250.0, 0.29 * y),
    )
}

/// Pictures of one scene: 2 s.
const SHOT: usize = 60;

/// A pan, a zoom, balls over a still, a fast sideways sweep with parallax, and water.
pub fn cuts() -> Scene {
    let t: Vec<Texture> = (30..34).map(Texture::new).collect();
    Box::new(move |index| {
        let (shot, s) = (index / SHOT, (index % SHOT) as f32 / 30.0);
        let shade = |x: usize, y: usize| {
            let (x, y) = (x as f32, y as f32);
            match shot {
                0 => painted(&t[0], &t[1], x + 40.0 * s, y + 18.0 * s),
                1 => {
                    let scale = 1.0 / (1.0 + 0.25 * s);
                    let (dx, dy) = (x - WIDTH as f32 / 2.0, y - HEIGHT as f32 / 2.0);
                    let c = painted(&t[1], &t[2], 300.0 + dx * scale, 200.0 + dy * scale);
                    Colour(0.7 * c.0 + 20.0, c.1 + 8.0, c.2 - 10.0)
                }
                2 => balls(&t, x, y, s),
                3 => hills(&t, x, y, s),
                _ => water(&t, x, y, s),
            }
        };
        picture(index, None, shade)
    })
}

/// Eight textured balls that fly and bounce before a still background.
fn balls(t: &[Texture], x: f32, y: f32, s: f32) -> Colour {
    let mut c = Colour(168.0 + 12.0 * t[2].at(x, y), -8.0, -6.0);
    for i in 0..8 {
        let f = i as f32;
        let r = 22.0 + 5.0 * f;
        let cx = fold(40.0 + 83.0 * f + (60.0 + 25.0 * f) * s, WIDTH as f32 - 2.0 * r) + r;
        let cy = fold(31.0 * f + (150.0 - 12.0 * f) * s, HEIGHT as f32 - 2.0 * r) + r;
        let (dx, dy) = (x - cx, y - cy);
        if dx.abs() > r + 1.0 || dy.abs() > r + 1.0 {
            continue;
        }
        let light = 26.0 * t[3].at(2.0 * dx + 60.0 * f, 2.0 * dy) - 0.6 * (dx + dy) - 0.03 * (dx * dx + dy * dy);
        let body = Colour(110.0, 9.0 * f - 30.0, 28.0 - 8.0 * f).lit(light);
        c = c.mix(body, ellipse(dx, dy, (r, r), 1.5));
    }
    c
}

/// To and fro between 0 and `most`.
fn fold(x: f32, most: f32) -> f32 {
    let turns = x / (2.0 * most);
    let x = x - 2.0 * most * turns.floor();
    if x > most { 2.0 * most - x } else { x }
}

/// Three ranges of hills under a sky, the nearer the faster.
fn hills(t: &[Texture], x: f32, y: f32, s: f32) -> Colour {
    let mut c = Colour(205.0 - 0.15 * y + 9.0 * t[1].at(0.4 * x + 6.0 * s, 0.9 * y), 14.0, -8.0);
    for (i, speed) in [40.0, 110.0, 240.0].into_iter().enumerate() {
        let (f, along) = (i as f32, x + speed * s);
        let ridge = 130.0 + 75.0 * f + (30.0 + 6.0 * f) * t[i].at(0.25 * along, 40.0) + 9.0 * t[i].at(along, 90.0);
        let ground = Colour(120.0 - 22.0 * f, -6.0 - 5.0 * f, -4.0 - 2.0 * f).lit((10.0 + 8.0 * f) * t[3].at(along, y));
        c = c.mix(ground, (y - ridge + 0.5).clamp(0.0, 1.0));
    }
    c
}

/// Two textures that slide through each other bend the look-up in a third.
fn water(t: &[Texture], x: f32, y: f32, s: f32) -> Colour {
    let bend = t[0].at(0.4 * x + 55.0 * s, 0.8 * y) + t[1].at(0.4 * x - 48.0 * s, 0.8 * y + 30.0 * s);
    let glint = t[2].at(0.6 * x + 7.0 * bend, 1.4 * y + 9.0 * bend);
    Colour(92.0 + 11.0 * bend + 20.0 * glint + 22.0 * (glint - 1.2).max(0.0), 22.0 - 4.0 * glint, -14.0 + 3.0 * bend)
}
