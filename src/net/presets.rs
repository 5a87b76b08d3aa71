//! Networks by name.

/// A network by name, in the words of [`super::spec`].
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    pub name: &'static str,
    pub words: &'static str,
    /// Where its figures come from.
    pub source: &'static str,
}

pub static PRESETS: &[Preset] = &[];
