//! Reading the words of a network; [`super::spec`] says what they are.

mod kinds;
mod tokens;

use super::presets::PRESETS;
use super::spec::{Chance, LinkSpec, NetSpec};
use crate::error::{Error, Result, unknown};
use tokens::Tokens;

/// Words that begin something.
const KEYWORDS: &[&str] = &[
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

pub(super) fn parse(text: &str) -> Result<NetSpec> {
    let mut words = Words { tokens: Tokens::new(text)?, chance: None, notes: Vec::new() };
    // Words before `forward` or `back` hold for both.
    let both = words.way()?;
    let (mut forward, mut back) = (None, None);
    while let Some(word) = words.tokens.next() {
        let direction = if word == "forward" { &mut forward } else { &mut back };
        once(direction.is_some(), &word)?;
        *direction = Some(words.way()?);
    }
    Ok(NetSpec {
        forward: forward.unwrap_or_else(|| both.clone()),
        back: back.unwrap_or(both),
        chance: words.chance.unwrap_or_default(),
        notes: words.notes,
    })
}

/// The words not read yet, and what was read that belongs to no direction.
struct Words {
    tokens: Tokens,
    chance: Option<Chance>,
    notes: Vec<String>,
}

impl Words {
    /// One direction with its schedule: up to `forward`, `back` or the end.
    fn way(&mut self) -> Result<LinkSpec> {
        let mut first = self.link(LinkSpec::default(), true)?;
        let (mut last, mut before) = (first.clone(), std::time::Duration::ZERO);
        while self.tokens.next_if(|w| w == "at").is_some() {
            let word = self.value("at", "a time such as 20s")?;
            let at = self.tokens.moment(&word)?;
            if at <= before {
                return usage(format!("at: '{word}' must be later than the {}s before it", before.as_secs_f64()));
            }
            before = at;
            let link = self.link(last.clone(), false)?;
            if link != last {
                first.later.push((at, link.clone()));
            }
            last = link;
        }
        Ok(first)
    }

    /// The words of one phase, upon `link`: those of a kind that is not mentioned stay.
    fn link(&mut self, mut link: LinkSpec, first: bool) -> Result<LinkSpec> {
        let mut seen: Vec<String> = Vec::new();
        let mut open = kinds::Open::default();
        while let Some(word) = self.tokens.next_if(|w| !matches!(w, "forward" | "back" | "at")) {
            let kind = match word.as_str() {
                "latency" if self.tokens.pasted => "delay",
                "drop" if self.tokens.pasted => "loss",
                "clean" => "none",
                other => other,
            };
            once(
                kind != "preset" && seen.iter().any(|s| s == kind) || kind == "chance" && self.chance.is_some(),
                &word,
            )?;
            seen.push(kind.to_owned());
            match kind {
                "none" => {
                    link = LinkSpec { seed: link.seed, ..LinkSpec::default() };
                    if seen.len() > 1 {
                        return none_with_others(&word);
                    }
                }
                "delay" => self.delay(&mut link)?,
                "distribution" => open.distribution = Some(self.distribution()?),
                "loss" => link.loss = self.loss()?,
                "duplicate" => link.duplicate = self.odds("duplicate")?,
                "corrupt" => link.corrupt = self.odds("corrupt")?,
                "reorder" => open.reorder = Some(self.odds("reorder")?),
                "gap" => {
                    open.gap = Some(self.number("gap", 0, u32::MAX.into(), "a number of packets such as 5")? as u32)
                }
                "rate" => link.rate = self.rate()?,
                "queue" => link.queue = self.queue()?,
                "limit" => {
                    link.limit = self.number("limit", 1, u32::MAX.into(), "a number of packets such as 1000")? as u32;
                }
                "slot" => link.slot = self.slot()?,
                "ecn" => open.ecn = true,
                "seed" if first => link.seed = Some(self.number("seed", 0, u64::MAX, "a number such as 7")?),
                "seed" => return usage("'seed' holds for the whole call; say it before the first 'at'".into()),
                "chance" => self.chance = Some(self.chance()?),
                "preset" => {
                    let name = self.value("preset", "a name; codecbench list networks has them")?;
                    self.preset(&name)?;
                }
                "trace" => link.trace = self.trace()?,
                name if PRESETS.iter().any(|preset| preset.name == name) => self.preset(name)?,
                _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    return usage(format!("'{word}' belongs to nothing; say for instance delay 40ms 10ms loss 5%"));
                }
                _ => {
                    let presets = PRESETS.iter().map(|preset| preset.name);
                    let known: Vec<&str> = KEYWORDS.iter().copied().chain(presets).collect();
                    return Err(unknown("word in the network", &word, &known));
                }
            }
        }
        let said = seen.iter().any(|s| s != "chance" && s != "none");
        if seen.iter().any(|s| s == "none") && said {
            return none_with_others("none");
        }
        open.close(&mut link, &seen, first, &mut self.notes)?;
        Ok(link)
    }

    fn chance(&mut self) -> Result<Chance> {
        match self.tokens.next().as_deref() {
            Some("grid") => Ok(Chance::Grid),
            Some("packet") => Ok(Chance::Packet),
            other => Err(unknown("chance", other.unwrap_or_default(), &["grid", "packet"])),
        }
    }

    /// The next word, which must not begin something else.
    fn value(&mut self, what: &str, right: &str) -> Result<String> {
        match self.tokens.next() {
            Some(word) if !KEYWORDS.contains(&word.as_str()) => Ok(word),
            Some(word) => usage(format!("'{what}' needs {right}, not '{word}'")),
            None => usage(format!("'{what}' needs {right}")),
        }
    }

    fn number(&mut self, what: &str, least: u64, most: u64, right: &str) -> Result<u64> {
        let word = self.value(what, right)?;
        match word.parse::<u64>() {
            Ok(n) if (least..=most).contains(&n) => Ok(n),
            Ok(_) => usage(format!("{what}: '{word}' must be within {least} and {most}")),
            Err(_) => usage(format!("{what}: '{word}' is not {right}")),
        }
    }
}

fn none_with_others<T>(none: &str) -> Result<T> {
    usage(format!("'{none}' means no impairment; leave it out, or the other words"))
}

fn once(given: bool, word: &str) -> Result<()> {
    match given {
        true => usage(format!("'{word}' is given twice")),
        false => Ok(()),
    }
}

fn usage<T>(text: String) -> Result<T> {
    Err(Error::usage(format!("network: {text}")))
}

#[cfg(test)]
mod tests;
