//! Reading the words of a network; [`super::spec`] says what they are.

use super::spec::{Chance, Distribution, LinkSpec, Loss, NetSpec};
use crate::error::{Error, Result, unknown};
use crate::units::{Probability, from_ms, ms};
use std::iter::Peekable;
use std::str::SplitWhitespace;
use std::time::Duration;

/// The longest delay or jitter: beyond it lies a mistyped unit rather than a network.
const LONGEST: Duration = Duration::from_secs(60);

/// Words that begin something.
const KEYWORDS: &[&str] = &["delay", "loss", "distribution", "back", "forward", "chance", "none", "clean"];

/// What tc has and this program does not simulate.
const NOT_SIMULATED: &[&str] = &["duplicate", "corrupt", "reorder", "rate", "limit", "slot", "ecn", "gap", "seed"];

pub(super) fn parse(text: &str) -> Result<NetSpec> {
    let mut words = Words(text.split_whitespace().peekable());
    let mut chance = None;
    // Words before `forward` or `back` hold for both.
    let both = words.link(&mut chance)?;
    let (mut forward, mut back) = (None, None);
    while let Some(word) = words.0.next() {
        let direction = if word == "forward" { &mut forward } else { &mut back };
        once(direction.is_some(), word)?;
        *direction = Some(words.link(&mut chance)?);
    }
    Ok(NetSpec { forward: forward.unwrap_or(both), back: back.unwrap_or(both), chance: chance.unwrap_or_default() })
}

/// The words not read yet.
struct Words<'a>(Peekable<SplitWhitespace<'a>>);

impl<'a> Words<'a> {
    /// One direction: up to `forward`, `back` or the end.
    fn link(&mut self, chance: &mut Option<Chance>) -> Result<LinkSpec> {
        let mut link = LinkSpec::default();
        let mut seen: Vec<&str> = Vec::new();
        while let Some(word) = self.0.next_if(|w| !matches!(*w, "forward" | "back")) {
            once(seen.contains(&word) || word == "chance" && chance.is_some(), word)?;
            seen.push(word);
            match word {
                "delay" => self.delay(&mut link)?,
                "loss" => link.loss = self.loss()?,
                "none" | "clean" => {}
                "chance" => *chance = Some(self.chance()?),
                "distribution" => {
                    return Err(Error::usage(
                        "network: 'distribution' belongs behind a delay and its jitter: delay 40ms 10ms distribution normal",
                    ));
                }
                _ if NOT_SIMULATED.contains(&word) => {
                    return Err(Error::usage(format!(
                        "network: tc's '{word}' is not simulated; there are delay and loss"
                    )));
                }
                _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
                    return Err(Error::usage(format!(
                        "network: '{word}' belongs to nothing; say for instance delay 40ms 10ms loss 5%"
                    )));
                }
                _ => return Err(unknown("word in the network", word, KEYWORDS)),
            }
        }
        if let Some(none) =
            seen.iter().find(|w| matches!(**w, "none" | "clean")).filter(|_| link != LinkSpec::default())
        {
            return Err(Error::usage(format!(
                "network: '{none}' means no impairment; leave it out, or the delay and loss"
            )));
        }
        Ok(link)
    }

    fn delay(&mut self, link: &mut LinkSpec) -> Result<()> {
        link.delay = time("delay", self.value("delay", "a time such as 40ms")?)?;
        if let Some(word) = self.0.next_if(|w| is_value(w)) {
            link.jitter = time("jitter", word)?;
        }
        if let Some(word) = self.0.next_if(|w| is_value(w)) {
            return Err(Error::usage(format!(
                "network: '{word}' would be tc's delay correlation, which does nothing at delays of calls; leave it out"
            )));
        }
        if self.0.next_if_eq(&"distribution").is_some() {
            link.distribution = match self.0.next() {
                Some("uniform") => Distribution::Uniform,
                Some("normal") => Distribution::Normal,
                other => {
                    return Err(unknown("distribution", other.unwrap_or_default(), &["uniform", "normal"]));
                }
            };
            if link.jitter.is_zero() {
                return Err(Error::usage(
                    "network: 'distribution' needs a jitter: delay 40ms 10ms distribution normal",
                ));
            }
        }
        Ok(())
    }

    fn loss(&mut self) -> Result<Loss> {
        if self.0.next_if_eq(&"gemodel").is_some() {
            return self.gilbert_elliott();
        }
        if self.0.next_if_eq(&"state").is_some() {
            return Err(Error::usage(
                "network: tc's 'loss state' is not simulated; there are loss 5%, loss 5% burst 3 and loss gemodel",
            ));
        }
        self.0.next_if_eq(&"random");
        let loss = percent("loss", self.value("loss", "a percentage such as 5%")?)?;
        if self.0.next_if_eq(&"burst").is_some() {
            return burst(loss, self.value("burst", "the mean number of packets lost in a row, such as 3")?);
        }
        if let Some(word) = self.0.next_if(|w| is_value(w)) {
            return Err(Error::usage(format!(
                "network: '{word}' would be tc's loss correlation, which makes far less loss than asked; say burst 3 instead"
            )));
        }
        Ok(if loss == Probability::ZERO { Loss::None } else { Loss::Random(loss) })
    }

    /// With tc's defaults: R = 1-P, 1-H = 100 %, 1-K = 0.
    fn gilbert_elliott(&mut self) -> Result<Loss> {
        let p = percent("gemodel", self.value("gemodel", "its p, a percentage such as 2%")?)?;
        let mut next = |default| self.0.next_if(|w| is_value(w)).map_or(Ok(default), |w| percent("gemodel", w));
        let r = next(Probability::new(1.0 - p.get())?)?;
        let bad = next(Probability::ONE)?;
        let good = next(Probability::ZERO)?;
        Ok(Loss::GilbertElliott { p, r, bad, good })
    }

    fn chance(&mut self) -> Result<Chance> {
        match self.0.next() {
            Some("grid") => Ok(Chance::Grid),
            Some("packet") => Ok(Chance::Packet),
            other => Err(unknown("chance", other.unwrap_or_default(), &["grid", "packet"])),
        }
    }

    fn value(&mut self, what: &str, right: &str) -> Result<&'a str> {
        match self.0.next() {
            Some(word) if !KEYWORDS.contains(&word) => Ok(word),
            Some(word) => Err(Error::usage(format!("network: '{what}' needs {right}, not '{word}'"))),
            None => Err(Error::usage(format!("network: '{what}' needs {right}"))),
        }
    }
}

fn once(given: bool, word: &str) -> Result<()> {
    match given {
        true => Err(Error::usage(format!("network: '{word}' is given twice"))),
        false => Ok(()),
    }
}

/// Numbers, with or without a unit.
fn is_value(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'))
}

fn time(what: &str, word: &str) -> Result<Duration> {
    let wrong = |why: String| Err(Error::usage(format!("network: {what}: '{word}' {why}")));
    let unit_at = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
    let (number, unit) = word.split_at(unit_at);
    let Some(number) = number.parse::<f64>().ok().filter(|n| n.is_finite()) else {
        return wrong("is not a time such as 40ms".into());
    };
    let per_ms = match unit {
        "us" => 1e-3,
        "ms" => 1.0,
        "s" => 1e3,
        "" => return wrong(format!("has no unit; tc would take it for nanoseconds; say {word}ms")),
        _ => return wrong(format!("has the unit '{unit}'; there are us, ms and s")),
    };
    if number < 0.0 {
        return wrong("is negative; a delay is 0ms or more".into());
    }
    if number * per_ms > ms(LONGEST) {
        return wrong(format!("is longer than {} ms", ms(LONGEST)));
    }
    Ok(from_ms(number * per_ms))
}

fn percent(what: &str, word: &str) -> Result<Probability> {
    word.parse().map_err(|error| Error::usage(format!("network: {what}: {error}")))
}

/// A Gilbert chain that loses `loss` of all packets, `length` in a row on average: as libwebrtc's simulated network
/// has it, r = 1/B and p = L / (B (1-L)).
fn burst(loss: Probability, length: &str) -> Result<Loss> {
    let wrong = |why: String| Err(Error::usage(format!("network: burst: {why}")));
    let length: f64 = match length.parse() {
        Ok(length) if length >= 1.0 && f64::is_finite(length) => length,
        _ => return wrong(format!("'{length}' is not a mean length; it is a number of packets, at least 1")),
    };
    let loss = loss.get();
    if loss == 0.0 {
        return Ok(Loss::None);
    }
    if loss == 1.0 {
        return wrong("at 100 % loss there are no bursts; leave the burst out".into());
    }
    let p = loss / (length * (1.0 - loss));
    if p > 1.0 {
        let least = loss / (1.0 - loss);
        return wrong(format!(
            "{} % loss in bursts of {length} cannot be; the burst must be at least {least}",
            loss * 100.0
        ));
    }
    Ok(Loss::GilbertElliott {
        p: by_percent(p)?,
        r: by_percent(1.0 / length)?,
        bad: Probability::ONE,
        good: Probability::ZERO,
    })
}

/// The probability nearest to `p` that a percentage can say, so that it prints and parses exactly.
fn by_percent(p: f64) -> Result<Probability> {
    Probability::new(p * 100.0 / 100.0)
}
