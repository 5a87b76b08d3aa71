//! Colours by their role, in a light and a dark rendering.

use crate::report::series::SERIES;

/// What a mark is painted with. SVGs carry the role as a CSS class, so that the page chooses light or dark; PNGs are light.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    Paper,
    Text,
    Muted,
    Grid,
    /// A range that is good, such as delays that a conversation does not notice.
    Good,
    /// Lines and markers of a series; any number, colours repeat after `SERIES`.
    Series(usize),
    /// The same series' words: darker on light and lighter on dark paper, so that they can be read.
    Label(usize),
}

/// (series light, series dark, label light, label dark)
const PALETTE: [(u32, u32, u32, u32); SERIES] = [
    (0x0072B2, 0x4FA8E0, 0x00659E, 0x6CB8E8),
    (0xD55E00, 0xF0803A, 0xB04D00, 0xF59A5F),
    (0x009E73, 0x2DBE93, 0x007656, 0x4CCBA4),
    (0xCC79A7, 0xDB93BA, 0x9C4576, 0xE3A8C8),
    (0xE69F00, 0xF0B429, 0x8A6000, 0xF2BE4A),
    (0x56B4E9, 0x8ACDF2, 0x1B6E9E, 0x9BD5F5),
    (0x222222, 0xD6DBE0, 0x232323, 0xD7DCE1),
];

impl Ink {
    /// Every role, each series once.
    pub fn all() -> Vec<Ink> {
        let plain = [Ink::Paper, Ink::Text, Ink::Muted, Ink::Grid, Ink::Good];
        plain.into_iter().chain((0..SERIES).flat_map(|i| [Ink::Series(i), Ink::Label(i)])).collect()
    }

    /// 0xRRGGBB on light paper; no two roles have the same.
    pub fn light(self) -> u32 {
        match self {
            Ink::Paper => 0xFFFFFF,
            Ink::Text => 0x17202A,
            Ink::Muted => 0x56616D,
            Ink::Grid => 0xE1E6EB,
            Ink::Good => 0xE7F4EE,
            Ink::Series(i) => PALETTE[i % SERIES].0,
            Ink::Label(i) => PALETTE[i % SERIES].2,
        }
    }

    /// 0xRRGGBB on dark paper.
    pub fn dark(self) -> u32 {
        match self {
            Ink::Paper => 0x12171D,
            Ink::Text => 0xE8ECF0,
            Ink::Muted => 0x9DA9B5,
            Ink::Grid => 0x2B343E,
            Ink::Good => 0x16291F,
            Ink::Series(i) => PALETTE[i % SERIES].1,
            Ink::Label(i) => PALETTE[i % SERIES].3,
        }
    }

    /// The CSS name: "text", "series-0".
    pub fn name(self) -> String {
        match self {
            Ink::Paper => "paper".into(),
            Ink::Text => "text".into(),
            Ink::Muted => "muted".into(),
            Ink::Grid => "grid".into(),
            Ink::Good => "good".into(),
            Ink::Series(i) => format!("series-{}", i % SERIES),
            Ink::Label(i) => format!("label-{}", i % SERIES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WCAG 2.1 contrast ratio.
    fn contrast(a: u32, b: u32) -> f64 {
        let luminance = |c: u32| {
            let part = |shift: u32| {
                let v = f64::from(c >> shift & 255) / 255.0;
                if v <= 0.03928 { v / 12.92 } else { ((v + 0.055) / 1.055).powf(2.4) }
            };
            0.2126 * part(16) + 0.7152 * part(8) + 0.0722 * part(0)
        };
        let (x, y) = (luminance(a) + 0.05, luminance(b) + 0.05);
        x.max(y) / x.min(y)
    }

    #[test]
    fn words_can_be_read_on_both_papers() {
        let words = (0..SERIES).map(Ink::Label).chain([Ink::Text, Ink::Muted]);
        for ink in words {
            assert!(contrast(ink.light(), Ink::Paper.light()) >= 4.5, "{ink:?} on light");
            assert!(contrast(ink.dark(), Ink::Paper.dark()) >= 4.5, "{ink:?} on dark");
            assert!(contrast(ink.light(), Ink::Good.light()) >= 4.5, "{ink:?} on a light band");
            assert!(contrast(ink.dark(), Ink::Good.dark()) >= 4.5, "{ink:?} on a dark band");
        }
    }

    #[test]
    fn a_light_colour_tells_its_role() {
        let mut colours: Vec<u32> = Ink::all().into_iter().map(Ink::light).collect();
        let roles = colours.len();
        colours.sort_unstable();
        colours.dedup();
        assert_eq!(colours.len(), roles);
    }
}
