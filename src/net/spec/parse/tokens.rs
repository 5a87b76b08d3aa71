//! The words of a network one by one, and the quantities among them as tc spells them.

use crate::error::{Error, Result};
use crate::units::{Probability, from_ms, ms};
use std::collections::VecDeque;
use std::time::Duration;

/// The longest delay or jitter: beyond it lies a mistyped unit rather than a network.
const LONGEST: Duration = Duration::from_secs(60);

/// The last time of a schedule.
const LONGEST_CALL: Duration = Duration::from_secs(24 * 3600);

/// 1 Tbit/s, in bytes.
const FASTEST: f64 = 125e9;

/// How many presets and traces may stand for words, those within one another included.
const SPLICES: usize = 16;

pub(super) struct Tokens {
    words: VecDeque<String>,
    /// They come from a tc command line, with its habits.
    pub(super) pasted: bool,
    /// Bare numbers that were taken for nanoseconds, as tc takes them.
    pub(super) bare: Vec<String>,
    splices: usize,
}

impl Tokens {
    /// Splits `text`, and removes what leads up to the words of netem in a tc command line.
    pub(super) fn new(text: &str) -> Result<Tokens> {
        let mut words: VecDeque<String> = text.split_whitespace().map(str::to_owned).collect();
        // A shell's prompt.
        while words.front().is_some_and(|w| matches!(w.as_str(), "#" | "$" | "sudo")) {
            words.pop_front();
        }
        let is_tc = |w: &String| matches!(w.as_str(), "tc" | "qdisc" | "netem") || w.ends_with("/tc");
        let pasted = words.front().is_some_and(is_tc);
        if pasted {
            command(&mut words)?;
        }
        Ok(Tokens { words, pasted, bare: Vec::new(), splices: 0 })
    }

    pub(super) fn next(&mut self) -> Option<String> {
        self.words.pop_front()
    }

    pub(super) fn next_if(&mut self, wanted: impl Fn(&str) -> bool) -> Option<String> {
        self.words.front().is_some_and(|w| wanted(w)).then(|| self.words.pop_front()).flatten()
    }

    /// The next word if it is a number, with or without a unit.
    pub(super) fn next_value(&mut self) -> Option<String> {
        self.next_if(|w| w.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.')))
    }

    /// Puts `words` before those not read yet.
    pub(super) fn splice(&mut self, name: &str, words: &str) -> Result<()> {
        self.splices += 1;
        if self.splices > SPLICES {
            return usage(format!("'{name}': presets and traces stand for one another without end"));
        }
        words.split_whitespace().rev().for_each(|w| self.words.push_front(w.to_owned()));
        Ok(())
    }

    /// A delay or the like.
    pub(super) fn time(&mut self, what: &str, word: &str) -> Result<Duration> {
        self.time_up_to(what, word, LONGEST)
    }

    /// A time of a schedule.
    pub(super) fn moment(&mut self, word: &str) -> Result<Duration> {
        self.time_up_to("at", word, LONGEST_CALL)
    }

    fn time_up_to(&mut self, what: &str, word: &str, longest: Duration) -> Result<Duration> {
        let wrong = |why: String| usage(format!("{what}: '{word}' {why}"));
        let Some((number, unit)) = split(word) else {
            return wrong("is not a time such as 40ms".into());
        };
        let per_ms = match unit.to_ascii_lowercase().as_str() {
            "ns" | "nsec" | "nsecs" => 1e-6,
            "us" | "usec" | "usecs" => 1e-3,
            "ms" | "msec" | "msecs" => 1.0,
            "s" | "sec" | "secs" => 1e3,
            "" if self.pasted => {
                if number != 0.0 {
                    self.bare.push(word.to_owned());
                }
                1e-6
            }
            "" => return wrong(format!("has no unit; tc would take it for nanoseconds; say {word}ms")),
            _ => return wrong(format!("has the unit '{unit}'; there are us, ms and s")),
        };
        if number < 0.0 {
            return wrong("is negative; a time is 0ms or more".into());
        }
        if number * per_ms > ms(longest) {
            return wrong(format!("is longer than {} ms", ms(longest)));
        }
        Ok(from_ms(number * per_ms))
    }

    /// Bytes per second, from one of tc's many spellings. 0: no limit.
    pub(super) fn rate(&mut self, word: &str) -> Result<u64> {
        let wrong = |why: String| usage(format!("rate: '{word}' {why}"));
        let Some((number, unit)) = split(word) else {
            return wrong("is not a rate such as 300kbit".into());
        };
        let unit_small = unit.to_ascii_lowercase();
        let (prefix, bits) = match (unit_small.strip_suffix("bit"), unit_small.strip_suffix("bps")) {
            (Some(prefix), _) => (prefix, 1.0),
            (_, Some(prefix)) => (prefix, 8.0),
            _ if unit.is_empty() && (self.pasted || number == 0.0) => ("", 1.0),
            _ if unit.is_empty() => return wrong(format!("has no unit; say {word}kbit")),
            _ => return wrong(format!("has the unit '{unit}'; there are bit, kbit, mbit and bps, kbps, mbps (bytes)")),
        };
        let factor = match prefix {
            "" => 1.0,
            "k" => 1e3,
            "m" => 1e6,
            "g" => 1e9,
            "t" => 1e12,
            "ki" => 1024.0,
            "mi" => 1024.0 * 1024.0,
            "gi" => 1024.0 * 1024.0 * 1024.0,
            "ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            _ => return wrong(format!("has the unit '{unit}'; there are bit, kbit, mbit and bps, kbps, mbps (bytes)")),
        };
        let bytes = (number * factor * bits / 8.0).floor();
        match bytes {
            _ if number == 0.0 => Ok(0),
            _ if number < 0.0 => wrong("is negative".into()),
            _ if bytes < 1.0 => wrong("is less than a byte per second".into()),
            _ if bytes > FASTEST => wrong("is more than 1tbit; leave the rate out".into()),
            _ => Ok(bytes as u64),
        }
    }
}

/// The number and its unit.
fn split(word: &str) -> Option<(f64, &str)> {
    let unit_at = word.find(|c: char| c.is_alphabetic()).unwrap_or(word.len());
    let (number, unit) = word.split_at(unit_at);
    number.parse::<f64>().ok().filter(|n| n.is_finite()).map(|number| (number, unit))
}

pub(super) fn percent(what: &str, word: &str) -> Result<Probability> {
    word.parse().map_err(|error| Error::usage(format!("network: {what}: {error}")))
}

/// Removes `tc qdisc add dev eth0 root netem` and its like: where the impairment sits is no matter here.
fn command(words: &mut VecDeque<String>) -> Result<()> {
    let mut after = "";
    while let Some(word) = words.pop_front() {
        let word = word.as_str();
        after = match (after, word) {
            ("dev" | "parent" | "handle" | "-n" | "-netns" | "limit", _) => "",
            (_, "netem") => return Ok(()),
            (_, "dev" | "parent" | "handle") => {
                ["dev", "parent", "handle"].into_iter().find(|w| *w == word).unwrap_or("")
            }
            (_, "-n" | "-netns") => "-n",
            (_, "tc" | "qdisc" | "add" | "change" | "replace" | "link" | "root") => "",
            _ if word.ends_with("/tc") || word.starts_with('-') => "",
            (_, "del" | "delete" | "show") => {
                return usage(format!("tc's '{word}' describes no network; paste the line that adds netem"));
            }
            _ => {
                return usage(format!(
                    "'{word}' does not belong to a tc line of netem: tc qdisc add dev eth0 root netem ..."
                ));
            }
        };
    }
    usage("the tc line has no 'netem' in it".into())
}

pub(super) fn usage<T>(text: String) -> Result<T> {
    Err(Error::usage(format!("network: {text}")))
}
