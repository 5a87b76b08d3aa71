//! A network as reports show it, beside others.

use super::print::{loss, words};
use super::{LinkSpec, Loss, NetSpec};
use crate::units::Probability;

/// What reports call a network, and by what they know those that differ in their loss alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// Its words, "loss 5% burst 3" for the two odds of a Gilbert chain that say the same.
    pub words: String,
    /// Its words without the loss of the media direction; empty where nothing else happens.
    pub base: String,
    /// The kind of that loss without its amount; empty for random loss and for none.
    pub model: String,
}

impl Shown {
    /// Of words alone, as a store of an earlier build has them. Those that cannot be read here, since a file in them is
    /// not at hand, are a network beside no other.
    pub fn of(words: &str) -> Shown {
        let alone = || Shown { words: words.to_owned(), base: words.to_owned(), model: String::new() };
        words.parse().map_or_else(|_| alone(), |net: NetSpec| net.shown())
    }
}

impl NetSpec {
    /// What reports show of it.
    pub fn shown(&self) -> Shown {
        let (forward, taken) = without_loss(&self.forward);
        // A way back that is as the way there but for a loss, or was until that was taken out, is not said.
        let both = self.back == self.forward;
        let back = if both { forward.clone() } else { self.back.clone() };
        let base = words(&NetSpec::new(forward, back, self.chance), loss);
        Shown {
            words: words(self, in_bursts),
            base: base.strip_prefix("none").unwrap_or(&base).trim_start().to_owned(),
            model: model(taken),
        }
    }
}

/// A way without its first loss, however long that stays, and that loss.
fn without_loss(link: &LinkSpec) -> (LinkSpec, Loss) {
    let mut bare = link.clone();
    let losses = std::iter::once(&mut bare.loss).chain(bare.later.iter_mut().map(|(_, link)| &mut link.loss));
    let mut first = Loss::None;
    for loss in losses.skip_while(|loss| loss.stationary() == Probability::ZERO) {
        if first == Loss::None {
            first = *loss;
        }
        if *loss != first {
            break;
        }
        *loss = Loss::None;
    }
    (bare, first)
}

fn model(taken: Loss) -> String {
    match taken {
        Loss::None | Loss::Random(_) => String::new(),
        Loss::GilbertElliott { r, bad: Probability::ONE, good: Probability::ZERO, .. } => {
            format!("bursts of {}", plain(100.0 / r.percent()))
        }
        other => {
            let words = loss(other);
            let amount = words.split(' ').nth(2).unwrap_or_default();
            words.replacen(&format!(" {amount}"), " \u{2026}", 1)
        }
    }
}

/// As [`loss`], but as `burst` has it where the chain has its two odds alone.
fn in_bursts(of: Loss) -> String {
    match of {
        Loss::GilbertElliott { p, r, bad: Probability::ONE, good: Probability::ZERO } => {
            let (p, r) = (p.percent(), r.percent());
            format!("loss {}% burst {}", plain(100.0 * p / (p + r)), plain(100.0 / r))
        }
        other => loss(other),
    }
}

fn plain(value: f64) -> String {
    format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_odds_are_told_as_bursts() {
        let words = |net: &str| net.parse::<NetSpec>().unwrap().shown().words;
        assert_eq!(words("delay 25ms loss 5% burst 3 back delay 25ms"), "delay 25ms loss 5% burst 3 back delay 25ms");
        assert_eq!(words("loss gemodel 2% 25%"), "loss 7.407% burst 4");
        for same in ["delay 40ms loss 5%", "loss gemodel 3% 25% 70% 0.1%", "none", "loss state 1% 99% 0% 100% 2%"] {
            assert_eq!(words(same), same);
        }
    }

    #[test]
    fn networks_that_differ_in_loss_alone_are_one_family() {
        let of = |net| {
            let Shown { base, model, .. } = Shown::of(net);
            format!("{base}|{model}")
        };
        assert_eq!(of("none"), "|");
        assert_eq!(of("loss 5%"), "|");
        assert_eq!(of("delay 40ms 10ms"), "delay 40ms 10ms|");
        assert_eq!(of("delay 40ms 10ms loss 5%"), "delay 40ms 10ms|");
        assert_eq!(of("delay 40ms loss gemodel 2% 25%"), "delay 40ms|bursts of 4");
        assert_eq!(of("loss gemodel 0.33% 33.33333333333333%"), "|bursts of 3");
        assert_eq!(of("delay 40ms loss gemodel 3% 25% 70% 0.1%"), "delay 40ms|loss gemodel \u{2026} 25% 70% 0.1%");
        assert_eq!(of("delay 40ms loss 5% back delay 40ms"), "delay 40ms|");
        assert_eq!(of("loss 5% back none"), "|");
        assert_eq!(of("delay 40ms back delay 40ms loss 5%"), "delay 40ms back delay 40ms loss 5%|");
        assert_eq!(of("delay 40ms loss 5% chance packet"), "delay 40ms chance packet|");
        assert_eq!(of("loss 5% back delay 40ms"), "back delay 40ms|");
        assert_eq!(of("delay 40ms at 20s loss 5% at 40s rate 1mbit"), "delay 40ms at 20s at 40s rate 1mbit|");
        assert_eq!(of("trace not-here.csv"), "trace not-here.csv|");
    }
}
