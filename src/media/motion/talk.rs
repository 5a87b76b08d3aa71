//! A drawn talker before a room, and the room alone.

use super::canvas::{Colour, HEIGHT, Noise, Scene, WIDTH, ellipse, picture, rectangle, smooth};
use super::texture::Texture;
use crate::media::synth::tone::sine;

const SKIN: Colour = Colour(152.0, -14.0, 20.0);
const HAIR: Colour = Colour(52.0, -5.0, 6.0);
const CLOTH: Colour = Colour(88.0, 16.0, -12.0);
const WHITE: Colour = Colour(205.0, 0.0, 0.0);
const DARK: Colour = Colour(30.0, 0.0, 2.0);
const LIPS: Colour = Colour(112.0, -8.0, 30.0);
/// As a webcam in a lit room has it.
const WEBCAM: Noise = Noise { name: "webcam", luma: 1.2 };
/// As it has it in the evening.
const DIM: Noise = Noise { name: "dim", luma: 2.0 };

/// A talker's picture. The movements are sums of sines whose periods have no common multiple within the clip.
pub fn scene() -> Scene {
    let (wall, grain) = (background(), Texture::new(11));
    Box::new(move |index| {
        let pose = Pose::at(index as f64 / 30.0);
        picture(index, Some(WEBCAM), |x, y| pose.shade(&wall, &grain, x, y))
    })
}

/// The room in which nothing moves.
pub fn room() -> Scene {
    let wall = background();
    Box::new(move |index| picture(index, Some(DIM), |x, y| wall[y * WIDTH + x]))
}

/// A wall with a window to the left and shelves of books to the right.
fn background() -> Vec<Colour> {
    let t = Texture::new(10);
    let sharp = |x: usize, y: usize| {
        let (fx, fy) = (x as f32, y as f32);
        let mut c = Colour(150.0 - 0.06 * fx + 0.05 * fy, -6.0, 6.0).lit(3.0 * t.at(fx, fy));
        // Trees behind a window with a cross bar.
        let frame = rectangle(fx - 100.0, fy - 120.0, (78.0, 98.0), 2.0);
        let pane = rectangle(fx - 100.0, fy - 120.0, (70.0, 90.0), 2.0)
            * (1.0 - rectangle(fx - 100.0, fy - 120.0, (3.0, 98.0), 1.5))
            * (1.0 - rectangle(fx - 100.0, fy - 100.0, (78.0, 3.0), 1.5));
        let leaves = t.at(1.5 * fx + 40.0, 1.5 * fy + 90.0);
        let sky = smooth(0.5 + 0.8 * t.at(0.5 * fx, 0.5 * fy + 200.0) - (fy - 90.0) / 60.0);
        let trees = Colour(105.0 + 24.0 * leaves, -16.0, -12.0).mix(Colour(212.0, 8.0, -4.0), sky);
        c = c.mix(WHITE, frame).mix(trees, pane);
        // Books of hashed width, height and colour on four boards.
        if (452..628).contains(&x) && y < 336 {
            let (row, below) = (y / 84, (y % 84) as f32);
            let mut left = 456;
            c = Colour(60.0, -6.0, 8.0).lit(4.0 * t.at(0.3 * fx, 3.0 * fy));
            for book in 0..24u32 {
                let h = (book + 31 * row as u32 + 7).wrapping_mul(0x9e37_79b1) >> 8;
                let width = 6 + h as usize % 11;
                let top = 14.0 + (h >> 5 & 15) as f32;
                if (left..left + width).contains(&x) && x < 622 && (top..76.0).contains(&below) {
                    let shade =
                        Colour(50.0 + (h >> 9 & 127) as f32, (h >> 3 & 31) as f32 - 16.0, (h >> 12 & 31) as f32 - 16.0);
                    let stripe = if (h & 3) == 0 && (top + 8.0..top + 13.0).contains(&below) { 40.0 } else { 0.0 };
                    let round = (x - left) as f32 / width as f32 - 0.4;
                    c = shade.lit(stripe - 50.0 * round * round + 4.0 * t.at(fx, fy));
                }
                left += width + 1;
            }
        }
        c
    };
    let all: Vec<Colour> = (0..HEIGHT * WIDTH).map(|i| sharp(i % WIDTH, i / WIDTH)).collect();
    // A lens has no hard edges.
    let blurred = |i: usize| {
        let (x, y) = (i % WIDTH, i / WIDTH);
        let mut sum = Colour(0.0, 0.0, 0.0);
        for (dx, wx) in [1.0, 2.0, 1.0].into_iter().enumerate() {
            for (dy, wy) in [1.0, 2.0, 1.0].into_iter().enumerate() {
                let at = (y + dy).clamp(1, HEIGHT) - 1;
                let Colour(l, u, v) = all[at * WIDTH + (x + dx).clamp(1, WIDTH) - 1];
                let w = wx * wy / 16.0;
                sum = Colour(sum.0 + w * l, sum.1 + w * u, sum.2 + w * v);
            }
        }
        sum
    };
    (0..all.len()).map(blurred).collect()
}

/// Where everything is at one moment; lengths in luma samples.
struct Pose {
    head: (f32, f32),
    /// Sine of the head's roll; its cosine is near 1.
    roll: f32,
    /// Where the face looks, as a shift of its features.
    turn: (f32, f32),
    body: (f32, f32),
    /// 0 closed to 1 wide.
    mouth: f32,
    /// 0 open to 1 shut.
    lid: f32,
    hand: Option<(f32, f32)>,
}

impl Pose {
    fn at(t: f64) -> Pose {
        let wave = |hz: f64, phase: f64| sine(hz * t + phase) as f32;
        let within = |period: f64| (t / period - (t / period).floor()) as f32;
        let body = (6.0 * wave(0.17, 0.1), 2.0 * wave(0.26, 0.3));
        let talking = smooth((0.78 - within(3.3)) * 12.0) * smooth(within(3.3) * 12.0);
        let syllables = (wave(4.3, 0.0) * (0.6 + 0.4 * wave(1.7, 0.2)) + 0.35 * wave(7.1, 0.4)).max(0.0);
        let blink = within(2.7) * 2.7 / 0.16;
        // The hand comes up, waves and goes down between 3.4 s and 7 s.
        let up = smooth((t as f32 - 3.4) / 0.7) * smooth((7.0 - t as f32) / 0.7);
        Pose {
            head: (
                318.0 + 13.0 * wave(0.23, 0.0) + 5.0 * wave(0.61, 0.2),
                158.0 + 5.0 * wave(0.9, 0.1) * talking + 3.0 * wave(0.37, 0.6),
            ),
            roll: 0.06 * wave(0.31, 0.1) + 0.02 * wave(0.83, 0.5),
            turn: (9.0 * wave(0.29, 0.7) + 3.0 * wave(0.71, 0.1), 4.0 * wave(0.43, 0.2)),
            body,
            mouth: talking * syllables.min(1.0),
            lid: if blink < 1.0 { smooth(2.0 * blink.min(1.0 - blink) * 1.5) } else { 0.0 },
            hand: (up > 0.0)
                .then(|| (486.0 + 26.0 * wave(1.3, 0.0) * up + body.0, 400.0 - 150.0 * up + 9.0 * wave(2.1, 0.2) * up)),
        }
    }

    fn shade(&self, wall: &[Colour], grain: &Texture, px: usize, py: usize) -> Colour {
        let (x, y) = (px as f32, py as f32);
        let mut c = wall[py * WIDTH + px];
        c = self.torso(c, grain, x, y);
        let (dx, dy) = (x - self.head.0, y - self.head.1);
        if dx.abs() < 125.0 && (-135.0..140.0).contains(&dy) {
            c = self.face(c, grain, dx + self.roll * dy, dy - self.roll * dx);
        }
        if let Some((hx, hy)) = self.hand {
            c = hand(c, grain, x - hx, y - hy);
        }
        c
    }

    fn torso(&self, c: Colour, grain: &Texture, x: f32, y: f32) -> Colour {
        let (bx, by) = (x - 320.0 - self.body.0, y - 372.0 - self.body.1);
        let cover = ellipse(bx, by, (178.0, 112.0), 2.0);
        // Knitted cloth: a fine regular pattern, folds, and light from the left.
        let knit = if (by as i32).rem_euclid(6) < 3 { 4.0 } else { -4.0 };
        let fold = 9.0 * grain.at(0.6 * bx + 50.0, 0.2 * by + 80.0) + 4.0 * grain.at(1.7 * bx, 1.7 * by);
        let c = c.mix(CLOTH.lit(knit + fold - 0.11 * bx), cover);
        // The neck moves with the body at its foot and with the head at its top.
        let lean = (self.head.0 - 320.0 - self.body.0) * ((300.0 - y) / 90.0).clamp(0.0, 1.0);
        let neck =
            rectangle(bx - lean, y - 245.0, (33.0, 40.0), 3.0) + ellipse(bx - lean, y - 283.0, (36.0, 22.0), 3.0);
        c.mix(SKIN.lit(-26.0 - 0.5 * (bx - lean) + 3.0 * grain.at(bx, y)), neck.min(1.0))
    }

    /// In coordinates of the head.
    fn face(&self, c: Colour, grain: &Texture, x: f32, y: f32) -> Colour {
        let strands = 9.0 * grain.at(2.5 * x + 9.0, 0.35 * y + 300.0);
        let mut c = c.mix(HAIR.lit(strands - 0.12 * x), ellipse(x, y + 14.0, (83.0, 98.0), 3.0));
        c = c.mix(SKIN.lit(-30.0), ellipse(x.abs() - 69.0, y - 8.0, (9.0, 18.0), 2.0));
        let light = -0.34 * x - 0.0016 * x * x - 0.06 * y + 3.0 * grain.at(1.2 * x + 70.0, 1.2 * y + 70.0);
        let jaw = 0.35 * self.mouth * 14.0;
        c = c.mix(SKIN.lit(light), ellipse(x, y - 0.5 * jaw, (68.0, 90.0 + jaw), 2.0));
        let fringe = ellipse(x + 8.0, y + 74.0, (72.0, 36.0), 4.0);
        c = c.mix(HAIR.lit(strands + 8.0 - 0.12 * x), fringe);

        // The features move over the skull with the look.
        let (x, y) = (x - self.turn.0, y - self.turn.1);
        for side in [-1.0, 1.0] {
            let (ex, ey) = (x - 27.0 * side, y + 12.0);
            c = c.mix(SKIN.lit(-22.0), 0.7 * ellipse(ex, ey, (19.0, 13.0), 9.0));
            let open = 8.0 * (1.0 - self.lid);
            if open > 0.6 {
                let eye = ellipse(ex, ey, (13.0, open), 1.5);
                let iris = ellipse(ex - 0.3 * self.turn.0, ey - 0.2 * self.turn.1, (6.0, 6.0), 1.5);
                c = c.mix(WHITE.mix(DARK, iris), eye);
                c = c.mix(WHITE, 0.8 * eye * ellipse(ex - 2.0 - 0.3 * self.turn.0, ey + 2.5, (1.6, 1.6), 1.0));
            }
            let lash = ellipse(ex, ey + open, (14.0, 2.2), 1.5);
            let brow = ellipse(ex + 0.15 * side * ey, ey + 19.0 + 2.0 * self.mouth, (18.0, 3.6), 2.0);
            c = c.mix(HAIR, (0.8 * lash).max(0.9 * brow));
        }
        let nose = ellipse(x + 0.4 * self.turn.0, y - 14.0, (9.0, 26.0), 8.0);
        c = c.lit(9.0 * nose - 20.0 * ellipse(x.abs() - 6.0, y - 34.0, (4.5, 3.0), 3.0));
        let gap = 11.0 * self.mouth;
        c = c.mix(LIPS, ellipse(x, y - 55.0 - 0.5 * gap, (25.0 - 5.0 * self.mouth, 6.0 + gap), 2.0));
        if gap > 1.0 {
            let inside = ellipse(x, y - 55.0 - 0.5 * gap, (20.0 - 5.0 * self.mouth, gap), 2.0);
            let teeth = rectangle(x, y - 55.0 + 0.4 * gap, (16.0, 2.5), 2.0);
            c = c.mix(Colour(42.0, -4.0, 14.0).mix(WHITE, 0.9 * teeth), inside);
        } else {
            c = c.lit(-30.0 * ellipse(x, y - 55.0, (22.0, 1.4), 1.5));
        }
        c
    }
}

/// A forearm in its sleeve, a palm and four fingers.
fn hand(c: Colour, grain: &Texture, x: f32, y: f32) -> Colour {
    let texture = 3.0 * grain.at(x + 33.0, y + 120.0);
    let mut c = c.mix(
        CLOTH.lit(9.0 * grain.at(0.6 * x, 0.6 * y) - 0.4 * x),
        rectangle(x - 0.1 * y, y - 190.0, (34.0, 140.0), 3.0),
    );
    let mut cover = ellipse(x, y, (31.0, 36.0), 2.0).max(rectangle(x, y - 40.0, (20.0, 22.0), 3.0));
    cover = cover.max(ellipse(x + 36.0 + 0.4 * y, y - 2.0, (9.0, 26.0), 2.0));
    let mut crease = 0.0f32;
    for (i, length) in [30.0, 38.0, 40.0, 33.0].into_iter().enumerate() {
        let fx = x - 15.5 * (i as f32 - 1.5) - 0.06 * (i as f32 - 1.5) * -y;
        let finger = ellipse(fx, y + 36.0, (8.0, length), 2.0);
        crease = crease.max(finger * (fx.abs() / 8.0));
        cover = cover.max(finger);
    }
    c = c.mix(SKIN.lit(texture - 0.3 * x - 16.0 * crease), cover);
    c
}
