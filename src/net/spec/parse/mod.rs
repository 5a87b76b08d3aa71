//! Reading the words of a network; [`super`] says what they are.

mod kinds;
mod tokens;
mod words;

use super::presets::PRESETS;
use super::{Chance, LinkSpec, NetSpec};
use crate::error::{Error, Result, unknown};
use std::str::FromStr;
use tokens::{Tokens, usage};
use words::{KEYWORDS, Words, once};

impl FromStr for NetSpec {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`] that names the word that is wrong and what would be right; [`Error::Input`] for a trace or table that
    /// cannot be read.
    fn from_str(text: &str) -> Result<NetSpec> {
        parse(text)
    }
}

fn parse(text: &str) -> Result<NetSpec> {
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
}

fn none_with_others<T>(none: &str) -> Result<T> {
    usage(format!("'{none}' means no impairment; leave it out, or the other words"))
}

#[cfg(test)]
mod tests;
