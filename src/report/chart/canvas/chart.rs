//! One chart in its two shapes.

use super::panel::Size;
use super::scene::Scene;

/// One chart in its two shapes.
pub struct Chart {
    /// File name without its ending: "quality-vs-bitrate".
    pub name: String,
    /// The sentence in its heading.
    pub title: String,
    /// Not of the first metric: there for those who look for it.
    pub secondary: bool,
    pub wide: Scene,
    pub narrow: Scene,
}

pub fn chart(name: String, draw: impl Fn(Size) -> Option<(String, Scene)>) -> Option<Chart> {
    let (title, wide) = draw(Size::Wide)?;
    let (_, narrow) = draw(Size::Narrow)?;
    Some(Chart { name, title, secondary: false, wide, narrow })
}

/// Nothing for the first, "-2" for the second.
pub fn numbered(i: usize) -> String {
    if i == 0 { String::new() } else { format!("-{}", i + 1) }
}
