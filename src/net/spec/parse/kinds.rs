//! One function for each kind of words.

use super::tokens::{percent, usage};
use super::words::{Words, once};
use crate::error::{Result, unknown};
use crate::net::netem::tables::{Distribution, Table};
use crate::net::spec::presets::PRESETS;
use crate::net::spec::{LinkSpec, Loss, Odds, Queue, Rate, Slot, Spacing};
use crate::net::trace::{self, Kind, Recording, Trace};
use crate::units::Probability;
use std::path::Path;
use std::sync::Arc;

const DISTRIBUTIONS: &[&str] = &["uniform", "normal", "pareto", "paretonormal"];

/// Words that are understood only together with others, in any order.
#[derive(Default)]
pub(super) struct Open {
    pub(super) distribution: Option<Distribution>,
    pub(super) reorder: Option<Odds>,
    pub(super) gap: Option<u32>,
    pub(super) ecn: bool,
}

impl Open {
    /// Puts them into `link`, and checks what must fit together.
    pub(super) fn close(
        self,
        link: &mut LinkSpec,
        seen: &[String],
        first: bool,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        if let Some(distribution) = self.distribution {
            if link.jitter.is_zero() {
                return usage("'distribution' needs a jitter: delay 40ms 10ms distribution normal".into());
            }
            link.distribution = distribution;
        }
        match (self.reorder, self.gap) {
            // The kernel takes a gap alone for certain reordering.
            (None, Some(gap)) if link.gap == 0 => (link.reorder, link.gap) = (Probability::ONE.into(), gap),
            (None, Some(gap)) => link.gap = gap.max(1),
            (Some(odds), gap) => (link.reorder, link.gap) = (odds, gap.unwrap_or(1).max(1)),
            (None, None) => {}
        }
        if link.gap == 0 || link.reorder.p == Probability::ZERO {
            (link.reorder, link.gap) = (Odds::default(), 0);
        }
        if self.ecn {
            if link.loss == Loss::None {
                return usage("'ecn' needs a loss model: loss 5% ecn".into());
            }
            notes.push("ecn does nothing here: media is not ECN-capable, so netem drops it".into());
        }
        let opportunities = matches!(link.trace.as_ref().map(|t| &t.kind), Some(Kind::Opportunities { .. }));
        if link.rate.is_some() && opportunities {
            return usage("a 'rate' and a trace of delivery times are two speeds of one link; leave one out".into());
        }
        if link.rate.is_none() && !opportunities && link.queue.is_some() {
            if first || seen.iter().any(|s| s == "queue") {
                return usage("'queue' needs a link that can be full: rate 1mbit queue 200ms".into());
            }
            link.queue = None;
        }
        Ok(())
    }
}

impl Words {
    pub(super) fn delay(&mut self, link: &mut LinkSpec) -> Result<()> {
        let (mut jitter, mut correlation) = (Default::default(), Probability::ZERO);
        let word = self.value("delay", "a time such as 40ms")?;
        link.delay = self.time("delay", &word)?;
        if let Some(word) = self.tokens.next_value() {
            jitter = self.time("jitter", &word)?;
            if let Some(word) = self.tokens.next_value() {
                correlation = percent("delay correlation", &word)?;
            }
        }
        (link.jitter, link.distribution) = (jitter, Distribution::Uniform);
        link.delay_correlation = if jitter.is_zero() { Probability::ZERO } else { correlation };
        Ok(())
    }

    /// A time; a bare number in a pasted tc line is told.
    fn time(&mut self, what: &str, word: &str) -> Result<std::time::Duration> {
        let time = self.tokens.time(what, word)?;
        for bare in self.tokens.bare.drain(..) {
            self.notes
                .push(format!("{what} {bare}: tc takes a bare number for nanoseconds; say {bare}ms for milliseconds"));
        }
        Ok(time)
    }

    pub(super) fn distribution(&mut self) -> Result<Distribution> {
        let name = self.value("distribution", "a name such as normal, or a file of numbers")?;
        Ok(match name.as_str() {
            "uniform" => Distribution::Uniform,
            "normal" => Distribution::Normal,
            "pareto" => Distribution::Pareto,
            "paretonormal" => Distribution::ParetoNormal,
            _ if Path::new(&name).is_file() => Distribution::User(Arc::new(Table::read(Path::new(&name))?)),
            _ => return Err(unknown("distribution", &name, DISTRIBUTIONS)),
        })
    }

    /// `P [CORRELATION]`.
    pub(super) fn odds(&mut self, what: &str) -> Result<Odds> {
        let word = self.value(what, "a percentage such as 5%")?;
        self.odds_from(what, &word)
    }

    fn odds_from(&mut self, what: &str, word: &str) -> Result<Odds> {
        let p = percent(what, word)?;
        let correlation = match self.tokens.next_value() {
            Some(word) => percent(&format!("{what} correlation"), &word)?,
            None => Probability::ZERO,
        };
        Ok(if p == Probability::ZERO { Odds::default() } else { Odds { p, correlation } })
    }

    pub(super) fn loss(&mut self) -> Result<Loss> {
        if self.tokens.next_if(|w| w == "gemodel").is_some() {
            return self.gilbert_elliott();
        }
        if self.tokens.next_if(|w| w == "state").is_some() {
            return self.four_state();
        }
        self.tokens.next_if(|w| w == "random");
        let word = self.value("loss", "a percentage such as 5%")?;
        if self.tokens.next_if(|w| w == "burst").is_some() {
            let length = self.value("burst", "the mean number of packets lost in a row, such as 3")?;
            return burst(percent("loss", &word)?, &length);
        }
        let odds = self.odds_from("loss", &word)?;
        if self.tokens.next_if(|w| w == "burst").is_some() {
            return usage("'burst' and a correlation are two words for one thing; say loss 5% burst 3".into());
        }
        Ok(if odds.p == Probability::ZERO { Loss::None } else { Loss::Random(odds) })
    }

    /// With tc's defaults: R = 1-P, 1-H = 100 %, 1-K = 0.
    fn gilbert_elliott(&mut self) -> Result<Loss> {
        let p = percent("gemodel", &self.value("gemodel", "its p, a percentage such as 2%")?)?;
        let [r, bad, good] = self.percents("gemodel", [1.0 - p.get(), 1.0, 0.0])?;
        Ok(Loss::GilbertElliott { p, r, bad, good })
    }

    /// With tc's defaults: P31 = 1-P13, P32 = 0, P23 = 100 %, P14 = 0.
    fn four_state(&mut self) -> Result<Loss> {
        let p13 = percent("state", &self.value("state", "its p13, a percentage such as 2%")?)?;
        let [p31, p32, p23, p14] = self.percents("state", [1.0 - p13.get(), 0.0, 1.0, 0.0])?;
        Ok(Loss::FourState { p13, p31, p32, p23, p14 })
    }

    /// As many percentages as follow; the defaults for the others.
    fn percents<const N: usize>(&mut self, what: &str, defaults: [f64; N]) -> Result<[Probability; N]> {
        let mut read = [Probability::ZERO; N];
        for (place, default) in read.iter_mut().zip(defaults) {
            *place = match self.tokens.next_value() {
                Some(word) => percent(what, &word)?,
                None => Probability::new(default)?,
            };
        }
        Ok(read)
    }

    pub(super) fn rate(&mut self) -> Result<Option<Rate>> {
        if self.off() {
            return Ok(None);
        }
        let word = self.value("rate", "a rate such as 300kbit")?;
        let bytes_per_second = self.tokens.rate(&word)?;
        let mut next = |what: &str, least: i64, most: i64| match self.tokens.next_value() {
            None => Ok(0),
            Some(word) => match word.parse::<i64>() {
                Ok(n) if (least..=most).contains(&n) => Ok(n),
                _ => usage(format!("rate: {what}: '{word}' is not a number of bytes such as 20")),
            },
        };
        let (less, more) = (i64::from(i32::MIN), i64::from(i32::MAX));
        let overhead = next("overhead", less, more)? as i32;
        let cell = next("cell size", 0, more)? as u32;
        let cell_overhead = next("cell overhead", less, more)? as i32;
        Ok((bytes_per_second > 0).then_some(Rate { bytes_per_second, overhead, cell, cell_overhead }))
    }

    pub(super) fn queue(&mut self) -> Result<Option<Queue>> {
        // `none` begins something else everywhere but here.
        if self.off() {
            return Ok(None);
        }
        let word = self.value("queue", "a time such as 200ms or a number of packets such as 50p")?;
        if let Some(packets) = word.strip_suffix('p') {
            return match packets.parse::<u32>() {
                Ok(n) if n > 0 => Ok(Some(Queue::Packets(n))),
                _ => usage(format!("queue: '{word}' is not a number of packets such as 50p")),
            };
        }
        Ok(Some(Queue::Time(self.time("queue", &word)?)))
    }

    pub(super) fn slot(&mut self) -> Result<Option<Slot>> {
        if self.off() {
            return Ok(None);
        }
        let spacing = if self.tokens.next_if(|w| w == "distribution").is_some() {
            let distribution = self.distribution()?;
            let delay = self.value("slot distribution", "a delay such as 5ms")?;
            let delay = self.time("slot delay", &delay)?;
            let jitter = self.value("slot distribution", "a jitter such as 1ms")?;
            Spacing::Table { distribution, delay, jitter: self.time("slot jitter", &jitter)? }
        } else {
            let min = self.value("slot", "a time such as 800us")?;
            let min = self.time("slot", &min)?;
            let max = match self.tokens.next_value() {
                Some(word) => self.time("slot", &word)?,
                None => min,
            };
            if max < min {
                return usage("slot: the longest time is shorter than the shortest".into());
            }
            Spacing::Range { min, max }
        };
        let mut slot = Slot { spacing, packets: None, bytes: None };
        while let Some(what) = self.tokens.next_if(|w| matches!(w, "packets" | "bytes")) {
            let most = self.number(&what, 0, i32::MAX as u64, "a number such as 5")? as u32;
            let place = if what == "packets" { &mut slot.packets } else { &mut slot.bytes };
            once(place.is_some(), &what)?;
            *place = (most > 0).then_some(most);
        }
        let off = match &slot.spacing {
            Spacing::Range { max, .. } => max.is_zero(),
            Spacing::Table { delay, jitter, .. } => delay.is_zero() && jitter.is_zero(),
        };
        Ok((!off).then_some(slot))
    }

    pub(super) fn trace(&mut self) -> Result<Option<Arc<Trace>>> {
        if self.off() {
            return Ok(None);
        }
        let file = self.value("trace", "a file")?;
        match trace::read(Path::new(&file))? {
            Recording::Trace(trace) => Ok(Some(trace)),
            Recording::Words(words) => {
                self.tokens.splice(&file, &words)?;
                Ok(None)
            }
        }
    }

    pub(super) fn preset(&mut self, name: &str) -> Result<()> {
        match PRESETS.iter().find(|p| p.name == name) {
            Some(preset) => self.tokens.splice(name, preset.words),
            None => Err(unknown("preset", name, &PRESETS.iter().map(|p| p.name).collect::<Vec<_>>())),
        }
    }

    fn off(&mut self) -> bool {
        self.tokens.next_if(|w| w == "none").is_some()
    }
}

/// A Gilbert chain that loses `loss` of all packets, `length` in a row on average: as libwebrtc's simulated network
/// has it, r = 1/B and p = L / (B (1-L)).
fn burst(loss: Probability, length: &str) -> Result<Loss> {
    let wrong = |why: String| usage(format!("burst: {why}"));
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
    let (p, r) = (by_percent(p)?, by_percent(1.0 / length)?);
    Ok(Loss::GilbertElliott { p, r, bad: Probability::ONE, good: Probability::ZERO })
}

/// The probability nearest to `p` that a percentage can say, so that it prints and parses exactly.
fn by_percent(p: f64) -> Result<Probability> {
    Probability::new(p * 100.0 / 100.0)
}
