//! Where netem does something else than its words make people expect.

use super::presets::PRESETS;
use super::print::{percent, time};
use super::{LinkSpec, Loss, NetSpec, Odds, Spacing};
use crate::net::netem::tables::{Distribution, moments};
use crate::units::{Probability, ms};
use std::time::Duration;

impl NetSpec {
    /// Where the network does something else than its words make people expect: one line each, with the effective figure
    /// and the words that do what was meant.
    pub fn warnings(&self) -> Vec<String> {
        warnings(self)
    }
}

fn warnings(net: &NetSpec) -> Vec<String> {
    // A preset means its tails as they are.
    let is = |words: &str| words.parse::<NetSpec>().is_ok_and(|p| (&p.forward, &p.back) == (&net.forward, &net.back));
    if PRESETS.iter().any(|p| is(p.words)) {
        return Vec::new();
    }
    let mut all = net.notes.clone();
    for link in [&net.forward, &net.back] {
        for (_, phase) in link.phases() {
            all.extend(of(phase));
        }
        if let Some(seed) = link.seed {
            all.push(format!("seed {seed}: every case meets the same chance there, whatever its own seed"));
        }
    }
    let mut told: Vec<String> = Vec::new();
    for warning in all {
        if !told.contains(&warning) {
            told.push(warning);
        }
    }
    told
}

fn of(link: &LinkSpec) -> Vec<String> {
    let mut found = Vec::new();
    match link.loss {
        Loss::Random(Odds { p, correlation }) if correlation != Probability::ZERO => found.push(format!(
            "loss {} {}: correlation changes how much is lost; {} is lost in the long run, not {}; for bursts say loss {} burst 3",
            percent(p),
            percent(correlation),
            share(Odds { p, correlation }.effective()),
            percent(p),
            percent(p),
        )),
        Loss::FourState { p13, p31, p32, p14, .. } => {
            if let Some(over) = [(p13, p14, "p13 + p14"), (p31, p32, "p31 + p32")].iter().find(|(a, b, _)| a.get() + b.get() > 1.0) {
                found.push(format!("loss state: {} is more than 100 %; the kernel's sum overflows, and the loss is none that was asked", over.2));
            }
            let defaults = (p31.get() - (1.0 - p13.get())).abs() < 1e-9 && p32 == Probability::ZERO && p14 == Probability::ZERO;
            if defaults {
                found.push(independent("loss state", p13));
            }
        }
        Loss::GilbertElliott { p, r, bad: Probability::ONE, good: Probability::ZERO } if p != Probability::ZERO && (p.get() + r.get() - 1.0).abs() < 1e-9 => {
            found.push(independent("loss gemodel", p));
        }
        _ => {}
    }
    if link.duplicates() != link.duplicate {
        found.push(format!(
            "duplicate {0} {1}: tc sends the correlation of duplicates only beside one of loss or delay, so it does nothing here, and {0} \
             of the packets are duplicated, independently",
            percent(link.duplicate.p),
            percent(link.duplicate.correlation),
        ));
    }
    for (what, odds) in [("duplicate", link.duplicates()), ("corrupt", link.corrupt), ("reorder", link.reorder)] {
        if odds.correlation != Probability::ZERO {
            found.push(format!(
                "{what} {} {}: correlation changes how often it happens; that is {} of the packets, not {}",
                percent(odds.p),
                percent(odds.correlation),
                share(odds.effective()),
                percent(odds.p),
            ));
        }
    }
    if link.delay_correlation != Probability::ZERO {
        found.push(format!(
            "delay {} {} {}: the correlation does nothing at delays of calls, since netem uses only a draw's remainder; \
             for delays that follow one another use a rate with a queue, or a trace",
            time(link.delay),
            time(link.jitter),
            percent(link.delay_correlation),
        ));
    }
    found.extend(spread("delay", link.delay, link.jitter, &link.distribution));
    if let Some(Spacing::Table { distribution, delay, jitter }) = link.slot.as_ref().map(|s| &s.spacing) {
        found.extend(spread("slot distribution", *delay, *jitter, distribution));
    }
    if link.jitter.as_nanos() > i32::MAX as u128 {
        found.push(format!("jitter {}: netem has at most 2147.483647ms", time(link.jitter)));
    }
    let recorded = link.trace.is_some() || link.rate.is_some();
    if link.gap > 0 && link.delay.is_zero() && !recorded {
        found.push("reorder without a delay does nothing, since no packet waits; say for instance delay 40ms".into());
    }
    found
}

/// A table whose mean or standard deviation is not what was asked.
fn spread(what: &str, delay: Duration, jitter: Duration, distribution: &Distribution) -> Option<String> {
    let (mean, deviation) = moments(distribution);
    let off = mean.abs() > 0.01 || (deviation - 1.0).abs() > 0.01;
    if *distribution == Distribution::Uniform || jitter.is_zero() || !off {
        return None;
    }
    Some(format!(
        "{what} {} {}: {} has mean {:.1} ms and deviation {:.1} ms here, as its table is not scaled to 0 and 1; say distribution \
         normal for what was asked",
        time(delay),
        time(jitter),
        distribution.name(),
        ms(delay) + mean * ms(jitter),
        deviation * ms(jitter),
    ))
}

fn independent(what: &str, p: Probability) -> String {
    format!(
        "{what} {0}: with this r or p31 the losses are independent, as loss {0}; for bursts say loss {0} burst 3",
        percent(p)
    )
}

/// "0.19 %", and less with its order of magnitude.
fn share(p: f64) -> String {
    match 100.0 * p {
        x if x < 0.001 => "less than 0.001%".into(),
        x if x < 0.1 => format!("{x:.3}%"),
        x => format!("{x:.2}%"),
    }
}

#[cfg(test)]
mod tests {
    use crate::net::spec::NetSpec;

    fn warnings(words: &str) -> Vec<String> {
        words.parse::<NetSpec>().unwrap().warnings()
    }

    #[test]
    fn what_defeats_the_meaning_is_told_with_the_effective_figure() {
        for (words, says) in [
            ("loss 5% 25%", "0.19% is lost in the long run, not 5%; for bursts say loss 5% burst 3"),
            ("loss 10% 50%", "0.11% is lost"),
            ("loss 30% 75%", "3.21% is lost"),
            ("loss 0.3% 25%", "less than 0.001% is lost"),
            ("duplicate 5% 25%", "does nothing here, and 5% of the packets are duplicated"),
            ("corrupt 5% 25%", "0.19% of the packets"),
            ("delay 100ms 20ms 25%", "correlation does nothing"),
            ("delay 100ms 20ms distribution pareto", "mean 99.3 ms and deviation 16.4 ms"),
            ("delay 100ms 20ms distribution paretonormal", "mean 99.5 ms and deviation 16.7 ms"),
            ("slot distribution pareto 100ms 20ms", "mean 99.3 ms"),
            ("loss 5% ecn", "ecn does nothing"),
            ("loss state 5%", "independent, as loss 5%"),
            ("loss gemodel 5%", "independent, as loss 5%"),
            ("loss state 60% 30% 20% 10% 50%", "p13 + p14 is more than 100 %"),
            (
                "tc qdisc add dev eth0 root netem delay 100",
                "delay 100: tc takes a bare number for nanoseconds; say 100ms",
            ),
            ("reorder 25%", "reorder without a delay does nothing"),
            ("delay 10s 5s", "at most 2147.483647ms"),
            ("loss 5% seed 7", "seed 7: every case meets the same chance"),
            ("none at 20s loss 5% 25%", "0.19% is lost"),
            ("none back loss 5% 25%", "0.19% is lost"),
        ] {
            let told = warnings(words);
            assert_eq!(told.len(), 1, "{words}: {told:?}");
            assert!(told[0].contains(says), "{words}: {told:?}");
            assert!(!told[0].contains('\n'));
        }
    }

    #[test]
    fn what_does_as_it_says_is_not_warned_about() {
        for words in [
            "none",
            "delay 40ms 10ms loss 5%",
            "delay 40ms 10ms distribution normal loss 5% burst 3",
            "loss gemodel 2% 25% 70% 0.1%",
            "delay 10ms reorder 25% gap 5",
            "rate 1mbit queue 200ms at 20s rate 300kbit",
            "tc qdisc add dev eth0 root netem delay 100ms 20ms limit 2000",
        ] {
            assert_eq!(warnings(words), Vec::<String>::new(), "{words}");
        }
    }
}
