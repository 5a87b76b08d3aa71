//! The words of a network as they are read.

use super::tokens::{Tokens, usage};
use crate::error::Result;
use crate::net::spec::Chance;

/// Words that begin something.
pub(super) const KEYWORDS: &[&str] = &[
    "delay",
    "loss",
    "distribution",
    "duplicate",
    "corrupt",
    "reorder",
    "gap",
    "rate",
    "queue",
    "limit",
    "slot",
    "ecn",
    "seed",
    "trace",
    "preset",
    "at",
    "back",
    "forward",
    "chance",
    "none",
    "clean",
];

/// The words not read yet, and what was read that belongs to no direction.
pub(super) struct Words {
    pub(super) tokens: Tokens,
    pub(super) chance: Option<Chance>,
    pub(super) notes: Vec<String>,
}

impl Words {
    /// The next word, which must not begin something else.
    pub(super) fn value(&mut self, what: &str, right: &str) -> Result<String> {
        match self.tokens.next() {
            Some(word) if !KEYWORDS.contains(&word.as_str()) => Ok(word),
            Some(word) => usage(format!("'{what}' needs {right}, not '{word}'")),
            None => usage(format!("'{what}' needs {right}")),
        }
    }

    pub(super) fn number(&mut self, what: &str, least: u64, most: u64, right: &str) -> Result<u64> {
        let word = self.value(what, right)?;
        match word.parse::<u64>() {
            Ok(n) if (least..=most).contains(&n) => Ok(n),
            Ok(_) => usage(format!("{what}: '{word}' must be within {least} and {most}")),
            Err(_) => usage(format!("{what}: '{word}' is not {right}")),
        }
    }
}

pub(super) fn once(given: bool, word: &str) -> Result<()> {
    match given {
        true => usage(format!("'{word}' is given twice")),
        false => Ok(()),
    }
}
