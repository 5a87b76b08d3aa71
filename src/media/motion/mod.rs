//! Synthesised footage: the embedded default that needs no corpus. It has what rate control and motion search look for
//! (a spectrum that falls with frequency as that of natural pictures, sensor noise, edges, text, occlusion, cuts), but
//! nobody should publish a score of it as that of a person or a screen.
//!
//! Only additions, multiplications, divisions and square roots of floating point are used, which IEEE 754 defines to
//! the bit, and no libm, which differs from platform to platform: the same pictures everywhere. Each picture depends on
//! its index alone.

mod canvas;
mod screen;
mod talk;
mod texture;
mod textures;

use super::{Clip, Content, Footage, Picture};
pub use canvas::FORMAT;
use canvas::Scene;
use rayon::prelude::*;

/// Synthesised footage, not drawn yet.
pub struct Motion {
    pub id: &'static str,
    pub content: Content,
    pub seen: &'static str,
    scene: fn() -> Scene,
}

/// The length of each.
pub const SECONDS: f64 = 10.0;
const PICTURES: usize = 300;

/// All of them.
pub static ALL: [Motion; 5] = [
    Motion {
        id: "synth-talk",
        content: Content::Camera,
        seen: "a drawn talker before a room: head, shoulders, mouth, eyes and a hand move; sensor noise",
        scene: talk::scene,
    },
    Motion {
        id: "synth-scroll",
        content: Content::Screen,
        seen: "a page of text, code and charts that scrolls, rests, jumps and scrolls by steps; a mouse pointer",
        scene: screen::scene,
    },
    Motion {
        id: "synth-pan",
        content: Content::Signal,
        seen: "noise with the spectrum of natural pictures, panned by fractions of a pixel",
        scene: textures::pan,
    },
    Motion {
        id: "synth-cuts",
        content: Content::Signal,
        seen: "five moving scenes with a hard cut every 2 s",
        scene: textures::cuts,
    },
    Motion {
        id: "synth-still",
        content: Content::Camera,
        seen: "the room of synth-talk without its talker: still but for sensor noise",
        scene: talk::room,
    },
];

impl Motion {
    /// Draws the clip; the same pictures each time.
    pub fn clip(&self) -> Clip<Picture> {
        let scene = (self.scene)();
        let pictures = (0..PICTURES).into_par_iter().map(&*scene).collect();
        let mut clip = Clip::video(self.id, self.content, Footage { format: FORMAT, pictures });
        clip.notes = vec!["synthesised".into()];
        clip
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[ignore = "to look at: writes the clips as Y4M into CODECBENCH_LOOK"]
    fn look() {
        let folder = std::env::var("CODECBENCH_LOOK").unwrap();
        for motion in &ALL {
            let path = std::path::Path::new(&folder).join(format!("{}.y4m", motion.id));
            crate::media::y4m::write(&path, &motion.clip().signal).unwrap();
        }
    }

    #[test]
    fn pictures_are_the_same_on_every_platform() {
        let hash = |p: &Picture| blake3::hash(&p.data).to_hex()[..16].to_owned();
        let found: Vec<String> =
            ALL.iter().flat_map(|m| [0, PICTURES - 1].map((m.scene)()).each_ref().map(hash)).collect();
        assert_eq!(found, PINNED);
    }

    /// Of the first and the last picture of each clip.
    const PINNED: [&str; 10] = [
        "74a02cce3dffee36",
        "1c80f3bf056bc60e",
        "5f2babcc5e5b0e26",
        "253c220e6f5276c6",
        "fd3ec2652f49c5c4",
        "768365b3eaa035ae",
        "c26aed627f2de985",
        "c4bb7c90b633743c",
        "a895fb235c3a4892",
        "40b172ac3c874979",
    ];

    /// Mean square of the luma's difference.
    fn distance(a: &Picture, b: &Picture) -> f64 {
        let squares = a.planes()[0].iter().zip(b.planes()[0]).map(|(a, b)| f64::from(a.abs_diff(*b)).powi(2));
        squares.sum::<f64>() / FORMAT.luma() as f64
    }

    #[test]
    fn each_clip_moves_as_it_says() {
        let scene = |id: &str| (ALL.iter().find(|m| m.id == id).unwrap().scene)();
        let step = |scene: &Scene, i: usize| distance(&scene(i), &scene(i + 1));
        // Two pictures of a still differ by twice the noise, whose variance is 4, and a bit by rounding.
        let still = step(&scene("synth-still"), 100);
        assert!((8.0..8.4).contains(&still), "{still}");
        let talk = step(&scene("synth-talk"), 20);
        assert!((2.9..120.0).contains(&talk), "{talk}");
        let scroll = scene("synth-scroll");
        assert_eq!(step(&scroll, 170), 0.0, "it rests");
        assert!(step(&scroll, 20) > 400.0 && step(&scroll, 179) > 0.0);
        let cuts = scene("synth-cuts");
        for cut in [59, 119, 179, 239] {
            let (before, at) = (step(&cuts, cut - 1), step(&cuts, cut));
            assert!(before > 1.0 && at > 3.0 * before, "{cut}: {before} {at}");
        }
        // What moves by whole samples is found again: the pan is a motion, not a change.
        let pan = scene("synth-pan");
        assert!((20.0..2000.0).contains(&step(&pan, 50)), "{}", step(&pan, 50));
    }
}
