//! Printing a network in the one way that parses back to it; [`super`] says what the words are.

use super::{Chance, LinkSpec, Loss, NetSpec, Odds, Queue, Rate, Slot, Spacing};
use crate::net::netem::tables::Distribution;
use crate::units::{Probability, ms};
use std::fmt;
use std::time::Duration;

/// Canonical: equal networks read the same, and what is printed parses to the same network.
impl fmt::Display for NetSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&words(self, loss))
    }
}

/// As `Display`, but for the words of a loss.
pub(super) fn words(net: &NetSpec, loss: fn(Loss) -> String) -> String {
    let mut words = link(&net.forward, loss);
    if net.back != net.forward {
        words += &format!(" back {}", link(&net.back, loss));
    }
    match net.chance {
        Chance::Grid => words,
        Chance::Packet => words + " chance packet",
    }
}

impl fmt::Display for LinkSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&link(self, loss))
    }
}

/// The words of one direction, with its schedule; `none` when there are none.
fn link(link: &LinkSpec, loss: fn(Loss) -> String) -> String {
    let mut words = Vec::new();
    let mut before = kinds(&LinkSpec::default(), loss);
    for (at, phase) in link.phases() {
        if !at.is_zero() {
            words.push(format!("at {}", time(at)));
        }
        let now = kinds(phase, loss);
        words.extend(now.iter().zip(&before).filter(|(new, old)| new != old).map(|(new, _)| new.clone()));
        before = now;
    }
    if let Some(seed) = link.seed {
        words.insert(0, format!("seed {seed}"));
    }
    if words.is_empty() { "none".into() } else { words.join(" ") }
}

/// What each kind of words says; a kind that is off says so.
fn kinds(link: &LinkSpec, loss: fn(Loss) -> String) -> [String; 10] {
    let trace = link.trace.as_ref().map_or("none", |t| &t.name);
    [
        delay(link),
        loss(link.loss),
        format!("duplicate {}", odds(link.duplicate)),
        format!("corrupt {}", odds(link.corrupt)),
        match link.gap {
            0 | 1 => format!("reorder {}", odds(link.reorder)),
            gap => format!("reorder {} gap {gap}", odds(link.reorder)),
        },
        link.rate.map_or("rate none".into(), rate),
        match link.queue {
            None => "queue none".into(),
            Some(Queue::Time(t)) => format!("queue {}", time(t)),
            Some(Queue::Packets(n)) => format!("queue {n}p"),
        },
        format!("limit {}", link.limit),
        link.slot.as_ref().map_or("slot none".into(), slot),
        format!("trace {trace}"),
    ]
}

fn delay(link: &LinkSpec) -> String {
    let mut words = format!("delay {}", time(link.delay));
    if !link.jitter.is_zero() {
        words += &format!(" {}", time(link.jitter));
        if link.delay_correlation != Probability::ZERO {
            words += &format!(" {}", percent(link.delay_correlation));
        }
        if link.distribution != Distribution::Uniform {
            words += &format!(" distribution {}", link.distribution.name());
        }
    }
    words
}

pub(super) fn loss(loss: Loss) -> String {
    match loss {
        Loss::None => "loss 0%".into(),
        Loss::Random(o) => format!("loss {}", odds(o)),
        Loss::GilbertElliott { p, r, bad, good } => {
            let mut words = format!("loss gemodel {} {}", percent(p), percent(r));
            if (bad, good) != (Probability::ONE, Probability::ZERO) {
                words += &format!(" {}", percent(bad));
            }
            if good != Probability::ZERO {
                words += &format!(" {}", percent(good));
            }
            words
        }
        Loss::FourState { p13, p31, p32, p23, p14 } => {
            let words = [p13, p31, p32, p23, p14].map(percent);
            format!("loss state {}", words.join(" "))
        }
    }
}

fn odds(odds: Odds) -> String {
    match odds.correlation {
        Probability::ZERO => percent(odds.p),
        correlation => format!("{} {}", percent(odds.p), percent(correlation)),
    }
}

fn rate(rate: Rate) -> String {
    let bits = u128::from(rate.bytes_per_second) * 8;
    let mut words = match bits {
        _ if bits.is_multiple_of(1_000_000) => format!("rate {}mbit", bits / 1_000_000),
        _ if bits.is_multiple_of(1000) => format!("rate {}kbit", bits / 1000),
        _ => format!("rate {bits}bit"),
    };
    let framing = [i64::from(rate.overhead), rate.cell.into(), rate.cell_overhead.into()];
    let given = framing.iter().rposition(|n| *n != 0).map_or(0, |i| i + 1);
    for number in &framing[..given] {
        words += &format!(" {number}");
    }
    words
}

fn slot(slot: &Slot) -> String {
    let mut words = match &slot.spacing {
        Spacing::Range { min, max } if min == max => format!("slot {}", time(*min)),
        Spacing::Range { min, max } => format!("slot {} {}", time(*min), time(*max)),
        Spacing::Table { distribution, delay, jitter } => {
            format!("slot distribution {} {} {}", distribution.name(), time(*delay), time(*jitter))
        }
    };
    for (what, most) in [("packets", slot.packets), ("bytes", slot.bytes)] {
        if let Some(most) = most {
            words += &format!(" {what} {most}");
        }
    }
    words
}

impl Distribution {
    /// As in the words of a network.
    pub fn name(&self) -> &str {
        match self {
            Distribution::Uniform => "uniform",
            Distribution::Normal => "normal",
            Distribution::Pareto => "pareto",
            Distribution::ParetoNormal => "paretonormal",
            Distribution::User(table) => &table.name,
        }
    }
}

/// In ms, and in s when those are whole and many.
pub(super) fn time(t: Duration) -> String {
    match t.as_secs() {
        s if s >= 10 && t.subsec_nanos() == 0 => format!("{s}s"),
        _ => format!("{}ms", ms(t)),
    }
}

/// The shortest percentage that parses to `p`: 7%, not 7.000000000000001%.
pub(super) fn percent(p: Probability) -> String {
    let parses_back = |text: &String| text.parse::<Probability>().is_ok_and(|q| q == p);
    (0..=30).map(|digits| format!("{:.digits$}%", p.percent())).find(parses_back).unwrap_or(format!("{}%", p.percent()))
}
