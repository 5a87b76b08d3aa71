//! The curves of opus-codec.org's chart "quality vs bitrate" (2011), which were drawn by hand: for orientation, behind what
//! is measured, on an axis of their own.
//!
//! Digitised from the figure in the site's public sources. Its vertical axis has no numbers; 0 to 100 runs from its
//! baseline to its line "fullband stereo". The site itself warns that the curves sum up listening tests and, where there
//! were none, anecdotes, and that no exact value should be read from them.

use super::canvas::label_layout::Placer;
use super::canvas::palette::Ink;
use super::canvas::panel::{LABEL_ROW, Panel};
use super::canvas::scene::{Anchor, Scene, Words, text_width};

/// (name in the drawing, codec here, (kbit/s, height in percent)).
type Curve = (&'static str, &'static str, &'static [(f64, f64)]);

#[rustfmt::skip]
const CURVES: [Curve; 12] = [
    ("AMR-NB", "AMR", &[(5.8, 10.1), (6.0, 11.0), (8.0, 19.0), (10.0, 21.4), (12.0, 22.5), (12.3, 22.5)]),
    ("AMR-WB", "AMR-WB", &[(6.8, 12.2), (8.0, 19.9), (10.0, 30.1), (12.0, 37.7), (16.0, 47.4), (20.0, 50.0), (22.4, 50.1)]),
    ("Speex", "speex", &[(5.6, 1.7), (6.0, 4.6), (8.0, 13.8), (10.0, 19.8), (12.0, 25.7), (16.0, 39.7), (20.0, 46.8), (24.0, 49.1), (31.8, 50.5)]),
    ("G.722.1C", "G.722.1C", &[(22.4, 43.1), (24.0, 45.9), (32.0, 57.8), (40.0, 65.1), (46.5, 69.5)]),
    ("G.719", "G.719", &[(31.9, 63.7), (32.0, 63.8), (40.0, 71.7), (48.0, 76.3), (63.8, 80.1)]),
    ("Vorbis", "Vorbis", &[(53.6, 86.2), (64.0, 89.9), (80.0, 93.3), (96.0, 95.6), (127.8, 98.6)]),
    ("AAC", "AAC-LC", &[(41.1, 86.3), (48.0, 88.9), (64.0, 93.0), (80.0, 95.2), (96.0, 96.9), (126.9, 99.1)]),
    ("Opus", "opus", &[(6.7, 6.6), (8.0, 16.5), (10.0, 29.0), (12.0, 38.3), (16.0, 51.5), (20.0, 62.8), (24.0, 70.6), (32.0, 81.0), (40.0, 86.9), (48.0, 90.5), (64.0, 95.2), (80.0, 97.4), (96.0, 98.3), (127.8, 99.3)]),
    ("MP3", "MP3", &[(69.0, 78.2), (80.0, 84.8), (96.0, 91.9), (127.3, 97.1)]),
    ("G.711", "PCMU", &[(64.0, 22.9)]),
    ("G.722", "G722", &[(45.7, 41.8), (53.6, 46.5), (64.2, 49.5)]),
    ("iLBC", "iLBC", &[(13.0, 20.3), (15.0, 20.3)]),
];

/// Whether that codec was drawn.
pub fn knows(codec: &str) -> bool {
    CURVES.iter().any(|(_, known, _)| *known == codec)
}

/// All drawn curves, dashed, over the panel's bitrates; heights from 0 to 100 on an axis at its right.
pub fn curves(scene: &mut Scene, panel: &Panel, placer: &mut Placer) {
    let r = panel.plot;
    for (_, _, points) in CURVES {
        let path: Vec<_> = points.iter().map(|point| at(panel, *point)).collect();
        for pair in path.windows(2) {
            scene.dashed(pair[0], pair[1], (5.0, 4.0), Ink::Muted, 1.3);
        }
        for point in path.iter().filter(|_| path.len() < 4) {
            scene.line(vec![(point.0 - 3.0, point.1), (point.0 + 3.0, point.1)], Ink::Muted, 2.0, 0.8);
        }
        placer.avoid(&path);
    }
    for percent in [0.0, 50.0, 100.0] {
        let y = at(panel, (1.0, percent)).1;
        scene.words(Words::new((r.right + 5.0, y + 4.0), format!("{percent:.0}"), 10.5, Ink::Muted));
    }
    let place = (r.right + RIGHT - 4.0, r.top - LABEL_ROW / 2.0);
    let title = if r.right - r.left > 500.0 { "drawn quality, 2011 (no unit)" } else { "drawn, 2011" };
    scene.words(Words::new(place, title, 11.0, Ink::Muted).anchor(Anchor::End));
}

/// The names of the curves, where what was measured leaves room.
pub fn names(scene: &mut Scene, panel: &Panel, placer: &mut Placer) {
    const EM: f64 = 10.0;
    let ends: Vec<_> = CURVES
        .iter()
        .filter_map(|(name, _, points)| {
            // Curves begin apart and end together.
            let text = format!("{name}, drawn");
            Some((at(panel, *points.first()?), text_width(&text, EM, false) + 4.0, EM + 3.0, text))
        })
        .collect();
    let sizes: Vec<_> = ends.iter().map(|(point, width, height, _)| (*point, *width, *height)).collect();
    for ((point, _, _, text), place) in ends.iter().zip(placer.place(&sizes)) {
        let Some(r) = place else { continue };
        let near = (point.0.clamp(r.left, r.right), point.1.clamp(r.top, r.bottom));
        if (near.0 - point.0).hypot(near.1 - point.1) > 18.0 {
            scene.line(vec![*point, near], Ink::Muted, 0.6, 0.6);
        }
        scene.words(Words::new((r.left + 2.0, r.bottom - 3.0), text, EM, Ink::Muted));
    }
}

/// The place of (kbit/s, percent).
fn at(panel: &Panel, (kbps, percent): (f64, f64)) -> (f64, f64) {
    let r = panel.plot;
    (panel.at(kbps, panel.y.low).0, r.bottom - (r.bottom - r.top) * percent / 100.0)
}

/// What the axis at the right needs.
pub const RIGHT: f64 = 30.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_rise_and_name_codecs_of_the_list() {
        for (name, codec, points) in CURVES {
            assert!(points.is_sorted_by_key(|p| p.0) && points.is_sorted_by_key(|p| p.1), "{name}");
            assert!(points.iter().all(|p| (5.0..130.0).contains(&p.0) && (0.0..=100.0).contains(&p.1)), "{name}");
            let listed = crate::codec::AUDIO.iter().any(|c| c.name == codec);
            assert!(listed || ["G.722.1C", "G.719"].contains(&codec), "{name} stands for {codec}");
        }
    }
}
