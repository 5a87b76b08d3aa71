//! Conditions: their names, and which of them differ in loss alone.

use super::view::{Condition, Family};
use crate::media::Content;
use std::collections::BTreeSet;

/// A condition while outcomes come in.
pub struct ConditionSums {
    pub net: String,
    pub receiver: String,
    pub content: Content,
    /// Of the clips, in Hz, where material of several rates is kept apart.
    pub rate: Option<u32>,
    pub loss: f64,
    pub clips: BTreeSet<usize>,
    pub seeds: BTreeSet<u64>,
}

/// The conditions with names that tell them apart.
pub fn all(sums: &[ConditionSums]) -> Vec<Condition> {
    let receivers: BTreeSet<&str> = sums.iter().map(|c| c.receiver.as_str()).collect();
    let contents: Vec<Content> = sums.iter().map(|c| c.content).collect();
    let several = contents.iter().any(|c| *c != contents[0]);
    let condition = |c: &ConditionSums| {
        let clean = c.net.is_empty() || c.net == "none";
        let net = if clean { "clean network".to_owned() } else { in_bursts(&c.net) };
        let mut more = String::new();
        if receivers.len() > 1 {
            more += &format!(", {} receiver", c.receiver);
        }
        if several || c.rate.is_some() {
            more += &format!(", {}", format!("{:?}", c.content).to_lowercase());
        }
        if let Some(rate) = c.rate {
            more += &format!(" at {} kHz", f64::from(rate) / 1000.0);
        }
        let (base, model) = without_loss(&c.net);
        Condition {
            name: format!("{net}{more}"),
            net,
            content: c.content,
            loss: c.loss,
            family: Family { base: format!("{base}{more}").trim_start_matches(", ").to_owned(), model },
            clips: c.clips.len(),
            seeds: c.seeds.len(),
        }
    };
    sums.iter().map(condition).collect()
}

/// "loss 5% burst 3" for the two odds of a Gilbert chain that say the same; no others are changed.
fn in_bursts(net: &str) -> String {
    let words: Vec<&str> = net.split(' ').collect();
    let percent = |word: &str| word.strip_suffix('%').and_then(|number| number.parse::<f64>().ok());
    let plain = |value: f64| format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned();
    let mut out: Vec<String> = Vec::new();
    let mut rest = &words[..];
    while let [first, after @ ..] = rest {
        let more = |after: &[&str]| after.get(3).is_some_and(|word| percent(word).is_some());
        match after {
            ["gemodel", p, r, ..] if *first == "loss" && !more(after) => {
                let (Some(p), Some(r)) = (percent(p), percent(r)) else { return net.to_owned() };
                out.push(format!("loss {}% burst {}", plain(100.0 * p / (p + r)), plain(100.0 / r)));
                rest = &after[3..];
            }
            _ => {
                out.push((*first).to_owned());
                rest = after;
            }
        }
    }
    out.join(" ")
}

/// A network's words without the amount of loss in the media direction, and the kind of that loss.
fn without_loss(net: &str) -> (String, String) {
    let is_amount = |t: &&str| t.trim_end_matches('%').parse::<f64>().is_ok();
    let (forward, back) = net.split_once(" back ").map_or((net, ""), |(f, b)| (f, b));
    let words: Vec<&str> = forward.split_whitespace().filter(|w| *w != "none").collect();
    let start = words.iter().position(|w| *w == "loss").unwrap_or(words.len());
    let kind_end = words.len().min(start + 1 + words.iter().skip(start + 1).take_while(|w| !is_amount(w)).count());
    let end = kind_end + words[kind_end..].iter().take_while(|w| is_amount(w)).count();
    let model = match words.get(start + 1..kind_end).unwrap_or_default() {
        [] => String::new(),
        // A Gilbert chain with nothing but its two odds: bursts of 1/r packets.
        ["gemodel"] if end == kind_end + 2 => {
            let r = words[kind_end + 1].trim_end_matches('%').parse().unwrap_or(100.0);
            format!("bursts of {:.3}", 100.0 / r).trim_end_matches('0').trim_end_matches('.').to_owned()
        }
        kind => [&["loss"], kind, &["…"], words.get(kind_end + 1..end).unwrap_or_default()].concat().join(" "),
    };
    let base = [&words[..start], &words[end..]].concat().join(" ");
    // A way back of its own is said only where it differs: without loss it may not.
    let back = if back.is_empty() || back == base || base.is_empty() && back == "none" { None } else { Some(back) };
    (back.map_or(base.clone(), |back| format!("{base} back {back}").trim_start().to_owned()), model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_odds_are_told_as_bursts() {
        let chain = "delay 25ms loss gemodel 1.754385964912281% 33.33333333333333% back delay 25ms";
        assert_eq!(in_bursts(chain), "delay 25ms loss 5% burst 3 back delay 25ms");
        for same in ["delay 40ms loss 5%", "loss gemodel 3% 25% 70% 0.1%", "none", "loss state 1% 2%"] {
            assert_eq!(in_bursts(same), same);
        }
    }

    #[test]
    fn networks_that_differ_in_loss_alone_are_one_family() {
        let of = |net| {
            let (base, model) = without_loss(net);
            format!("{base}|{model}")
        };
        assert_eq!(of("none"), "|");
        assert_eq!(of("loss 5%"), "|");
        assert_eq!(of("delay 40ms 10ms"), "delay 40ms 10ms|");
        assert_eq!(of("delay 40ms 10ms loss 5%"), "delay 40ms 10ms|");
        assert_eq!(of("delay 40ms loss gemodel 2% 25%"), "delay 40ms|bursts of 4");
        assert_eq!(of("loss gemodel 0.33% 33.33333333333333%"), "|bursts of 3");
        assert_eq!(of("delay 40ms loss gemodel 3% 25% 70% 0.1%"), "delay 40ms|loss gemodel … 25% 70% 0.1%");
        assert_eq!(of("delay 40ms loss 5% back delay 40ms"), "delay 40ms|");
        assert_eq!(of("loss 5% back none"), "|");
        assert_eq!(of("delay 40ms back delay 40ms loss 5%"), "delay 40ms back delay 40ms loss 5%|");
        assert_eq!(of("delay 40ms loss 5% chance packet"), "delay 40ms chance packet|");
    }
}
