//! A network in words: `delay 40ms 10ms loss 5%`.
//!
//! The words are those of Linux' `tc ... netem`, and a whole pasted command line is understood:
//!
//! - `delay T [J [CORRELATION]] [distribution uniform|normal|pareto|paretonormal|FILE]`
//! - `loss [random] P [CORRELATION]`, `loss state P13 [P31 [P32 [P23 [P14]]]]`, `loss gemodel P [R [1-H [1-K]]]`, `ecn`
//! - `corrupt P [CORRELATION]`, `duplicate P [CORRELATION]`, `reorder P [CORRELATION] [gap N]`
//! - `rate R [OVERHEAD [CELL [CELL_OVERHEAD]]]`, `limit N`, `seed N`
//! - `slot MIN [MAX]` or `slot distribution D DELAY JITTER`, with `packets N` and `bytes N`
//!
//! and some are our own:
//!
//! - `loss P burst B`: bursts of B packets on average
//! - `queue 200ms` or `queue 50p`: how long, or how many, may wait for a link of some `rate`
//! - `at 20s ...`: from then on these words replace those of their kind, all others stay; counted from the first packet of the
//!   call, warm-up included
//! - `trace FILE`: a recording ([`super::trace`]); `preset NAME`, or `NAME` alone ([`presets`])
//! - `forward` and `back` before the words of one direction. Words before them hold for both directions, except for one that
//!   has words of its own
//! - `chance grid|packet`, and `none` for a clean path.

mod parse;
pub mod presets;
mod print;
mod shown;
mod warn;

pub use super::netem::tables::Distribution;
pub use shown::Shown;

use super::trace::{Kind, Trace};
use crate::error::{Error, Result};
use crate::units::Probability;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;

/// What netem holds unless told otherwise, in packets.
pub const LIMIT: u32 = 1000;

/// Both directions of a path, and how chance works on it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NetSpec {
    /// Media sender to receiver.
    pub forward: LinkSpec,
    /// Receiver to sender: its RTCP.
    pub back: LinkSpec,
    pub chance: Chance,
    /// What was odd about the words it was read from; no part of the network.
    pub(super) notes: Vec<String>,
}

impl PartialEq for NetSpec {
    fn eq(&self, other: &NetSpec) -> bool {
        (&self.forward, &self.back, self.chance) == (&other.forward, &other.back, other.chance)
    }
}

impl NetSpec {
    pub fn new(forward: LinkSpec, back: LinkSpec, chance: Chance) -> NetSpec {
        NetSpec { forward, back, chance, notes: Vec::new() }
    }

    /// Whether nothing happens to any packet.
    pub fn is_clean(&self) -> bool {
        (&self.forward, &self.back) == (&LinkSpec::default(), &LinkSpec::default())
    }

    /// The share of packets that the way forward loses in the long run, in percent: by its loss model, by corruption and by a
    /// trace, not by a full queue. With a schedule the mean over its time, the last phase counted as long as the one before it.
    pub fn asked_loss(&self) -> f64 {
        let phases: Vec<_> = self.forward.phases().collect();
        let begin = |i: usize| phases[i].0.as_secs_f64();
        let length = |i: usize| match phases.len() {
            1 => 1.0,
            n if i + 1 < n => begin(i + 1) - begin(i),
            n => begin(n - 1) - begin(n - 2),
        };
        let (mut lost, mut time) = (0.0, 0.0);
        for (i, (_, link)) in phases.iter().enumerate() {
            lost += length(i) * link.loss_in_the_long_run();
            time += length(i);
        }
        100.0 * lost / time
    }

    /// The network and the content of every file in it: for keys. Without files it is what [`std::fmt::Display`] prints, but for
    /// a mark on words that meant something else in an earlier build.
    pub fn identity(&self) -> String {
        let links = || [&self.forward, &self.back].into_iter().flat_map(LinkSpec::phases).map(|(_, link)| link);
        let mut marks: Vec<&str> = links().flat_map(LinkSpec::hashes).collect();
        marks.dedup();
        if links().any(|link| link.slot.is_some() || link.duplicates() != link.duplicate) {
            marks.push("2");
        }
        std::iter::once(self.to_string()).chain(marks.iter().map(|mark| format!(" #{mark}"))).collect()
    }
}

/// One direction.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkSpec {
    pub delay: Duration,
    /// Half width (uniform) or standard deviation (tables).
    pub jitter: Duration,
    pub delay_correlation: Probability,
    pub distribution: Distribution,
    pub loss: Loss,
    /// As asked; what becomes of it: [`LinkSpec::duplicates`].
    pub duplicate: Odds,
    pub corrupt: Odds,
    pub reorder: Odds,
    /// Every how many packets one may be sent at once; 0 exactly when `reorder` is off.
    pub gap: u32,
    pub rate: Option<Rate>,
    pub queue: Option<Queue>,
    /// How many packets the link holds, those on their way included.
    pub limit: u32,
    pub slot: Option<Slot>,
    pub trace: Option<Arc<Trace>>,
    /// Chance of this direction's own, whatever the seed of the case.
    pub seed: Option<u64>,
    /// What the link becomes from each of these times on, ascending. They have no `later` of their own.
    pub later: Vec<(Duration, LinkSpec)>,
}

impl Default for LinkSpec {
    fn default() -> LinkSpec {
        LinkSpec {
            delay: Duration::ZERO,
            jitter: Duration::ZERO,
            delay_correlation: Probability::ZERO,
            distribution: Distribution::Uniform,
            loss: Loss::None,
            duplicate: Odds::default(),
            corrupt: Odds::default(),
            reorder: Odds::default(),
            gap: 0,
            rate: None,
            queue: None,
            limit: LIMIT,
            slot: None,
            trace: None,
            seed: None,
            later: Vec::new(),
        }
    }
}

impl LinkSpec {
    /// The link from 0 s on, and from each later time on.
    pub fn phases(&self) -> impl Iterator<Item = (Duration, &LinkSpec)> {
        std::iter::once((Duration::ZERO, self)).chain(self.later.iter().map(|(at, link)| (*at, link)))
    }

    /// How packets are duplicated. tc sends the correlation of duplicates only beside one of delay or loss (iproute2 6.1), so
    /// alone it does nothing.
    pub fn duplicates(&self) -> Odds {
        let of_loss = matches!(self.loss, Loss::Random(odds) if odds.correlation != Probability::ZERO);
        match of_loss || self.delay_correlation != Probability::ZERO {
            true => self.duplicate,
            false => self.duplicate.p.into(),
        }
    }

    /// As [`NetSpec::asked_loss`], of one phase, 0 to 1.
    fn loss_in_the_long_run(&self) -> f64 {
        // A packet that is both duplicated and lost survives as one.
        let mut lost = self.loss.stationary().get() * (1.0 - self.duplicates().effective());
        if let Some(Kind::Fates { fates, .. }) = self.trace.as_ref().map(|t| &t.kind) {
            let missing = fates.iter().filter(|f| f.is_none()).count();
            lost += (1.0 - lost) * missing as f64 / fates.len().max(1) as f64;
        }
        lost + (1.0 - lost) * self.corrupt.effective()
    }

    fn hashes(&self) -> impl Iterator<Item = &str> {
        let slot = self.slot.as_ref().and_then(|s| match &s.spacing {
            Spacing::Table { distribution: Distribution::User(t), .. } => Some(t.hash.as_str()),
            _ => None,
        });
        let delay = match &self.distribution {
            Distribution::User(t) => Some(t.hash.as_str()),
            _ => None,
        };
        self.trace.as_ref().map(|t| t.hash.as_str()).into_iter().chain(delay).chain(slot)
    }
}

/// That something happens to a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Odds {
    pub p: Probability,
    /// With what happened to the packet before. 0 when `p` is 0.
    pub correlation: Probability,
}

impl From<Probability> for Odds {
    fn from(p: Probability) -> Odds {
        Odds { p, correlation: Probability::ZERO }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    #[default]
    None,
    /// Independent, unless correlated.
    Random(Odds),
    /// Gilbert-Elliott with netem's parameters (`loss gemodel p r 1-h 1-k`): p good to bad, r bad to good, `bad` = 1-h
    /// the loss in the bad state, `good` = 1-k the loss in the good state.
    GilbertElliott { p: Probability, r: Probability, bad: Probability, good: Probability },
    /// netem's four states (`loss state`): 1 received in a gap, 2 received in a burst, 3 lost in a burst, 4 lost in a gap.
    FourState { p13: Probability, p31: Probability, p32: Probability, p23: Probability, p14: Probability },
}

/// A link's speed, as netem has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// At least 1.
    pub bytes_per_second: u64,
    /// Added to each packet, in bytes; may be negative.
    pub overhead: i32,
    /// Packets travel in whole cells of so many bytes; 0: no cells.
    pub cell: u32,
    /// Added to each cell.
    pub cell_overhead: i32,
}

/// What may wait for a link; what would be more is dropped on arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    /// So long.
    Time(Duration),
    /// So many packets, the one on the link included; at least 1.
    Packets(u32),
}

/// Packets leave in slots only.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    pub spacing: Spacing,
    /// The most in one slot; `None`: any number.
    pub packets: Option<u32>,
    /// The most in one slot; `None`: any number.
    pub bytes: Option<u32>,
}

/// The time from one slot to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Spacing {
    Range { min: Duration, max: Duration },
    Table { distribution: Distribution, delay: Duration, jitter: Duration },
}

/// What a random draw is keyed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chance {
    /// A time grid of 20 ms slots: two settings under one seed meet the same realisation. For every comparison.
    #[default]
    Grid,
    /// As tc: chains advance per packet.
    Packet,
}

impl TryFrom<String> for NetSpec {
    type Error = Error;
    fn try_from(text: String) -> Result<NetSpec> {
        text.parse()
    }
}

impl From<NetSpec> for String {
    fn from(net: NetSpec) -> String {
        net.to_string()
    }
}

#[cfg(test)]
pub(super) mod tests;
