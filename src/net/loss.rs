//! Loss: independent, or in bursts by a Gilbert-Elliott chain with netem's parameters.

use super::netem::{Dice, Draw};
use super::spec::Loss;

/// Decides packet by packet.
pub struct LossProcess {
    loss: Loss,
    /// The Gilbert-Elliott chain is in its bad state.
    bad: bool,
    /// The grid slot of that state; `None` before the first packet.
    slot: Option<u64>,
}

impl LossProcess {
    /// The chain starts good, as netem's does; on the grid its state in slot 0 is drawn from the stationary
    /// distribution instead, so that short calls are not luckier than long ones.
    pub(super) fn new(loss: Loss) -> LossProcess {
        LossProcess { loss, bad: false, slot: None }
    }

    /// Whether the packet at hand is lost.
    pub(super) fn lost(&mut self, dice: &mut Dice) -> bool {
        match self.loss {
            Loss::None => false,
            Loss::Random(p) => dice.packet(Draw::Loss) < p.get(),
            Loss::GilbertElliott { p, r, bad, good } => {
                let in_bad = match dice.slot() {
                    Some(slot) => self.state_in(slot, p.get(), r.get(), dice),
                    // loss_gilb_ell() draws the transition first, but the loss is that of the state before it.
                    None => self.step(p.get(), r.get(), dice.state(0)),
                };
                dice.packet(Draw::Loss) < if in_bad { bad.get() } else { good.get() }
            }
        }
    }

    /// The chain's state in `slot`: one step per slot since slot 0, whether packets were sent in it or not.
    fn state_in(&mut self, slot: u64, p: f64, r: f64, dice: &mut Dice) -> bool {
        let mut at = self.slot.unwrap_or_else(|| {
            self.bad = p > 0.0 && dice.state(0) < p / (p + r);
            0
        });
        while at < slot {
            at += 1;
            self.step(p, r, dice.state(at));
        }
        self.slot = Some(at);
        self.bad
    }

    /// One transition. Returns the state before it.
    fn step(&mut self, p: f64, r: f64, draw: f64) -> bool {
        let before = self.bad;
        if draw < if before { r } else { p } {
            self.bad = !before;
        }
        before
    }
}

#[cfg(test)]
mod tests {
    use crate::net::netem::{Netem, SLOT};
    use crate::net::spec::NetSpec;
    use crate::net::{Direction, Impairment, PacketInfo};
    use crate::units::{Seed, Time};

    /// The fate of `packets` packets that leave one per slot.
    fn losses(words: &str, seed: u64, packets: u64) -> Vec<bool> {
        let spec: NetSpec = words.parse().unwrap();
        let mut netem = Netem::new(spec.forward, spec.chance, Seed(seed), Direction::Forward);
        let mut out = Vec::new();
        let lost = |n: u64| {
            out.clear();
            netem.admit(Time(n * SLOT), &PacketInfo { wire_bytes: 100, rtcp: false }, &mut out);
            out.is_empty()
        };
        (0..packets).map(lost).collect()
    }

    fn share(lost: &[bool]) -> f64 {
        lost.iter().filter(|l| **l).count() as f64 / lost.len() as f64
    }

    fn mean_burst(lost: &[bool]) -> f64 {
        let begins = lost.windows(2).filter(|w| !w[0] && w[1]).count() + usize::from(lost[0]);
        lost.iter().filter(|l| **l).count() as f64 / begins as f64
    }

    #[test]
    fn five_percent_of_100000_packets_lie_within_the_binomial_interval() {
        // 99.9 %: 3.29 standard deviations of a binomial of n = 100,000 and p = 0.05.
        let bound = 3.29 * (0.05 * 0.95 / 1e5f64).sqrt();
        for words in ["loss 5%", "loss 5% chance packet"] {
            for seed in 0..5 {
                let share = share(&losses(words, seed, 100_000));
                assert!((share - 0.05).abs() < bound, "{words}, seed {seed}: {share}");
            }
        }
    }

    #[test]
    fn gilbert_elliott_agrees_with_netem() {
        let Ok(folder) = std::env::var("CODECBENCH_VECTORS") else {
            eprintln!("CODECBENCH_VECTORS is not set: the vectors of netem were skipped");
            return;
        };
        let text = std::fs::read_to_string(std::path::Path::new(&folder).join("netem.json")).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
        let cases = vectors["gemodel"]["cases"].as_array().unwrap();
        assert!(!cases.is_empty());
        for case in cases {
            let number = |v: &serde_json::Value| v.as_f64().unwrap();
            let [p, r, h, k] = ["p", "r", "one_minus_h", "one_minus_k"].map(|name| number(&case[name]));
            let words = format!("loss gemodel {p}% {r}% {h}% {k}%");
            let packets = case["sim"]["packets"].as_u64().unwrap();
            let (loss, burst) = (number(&case["theory_loss_percent"]), number(&case["theory_mean_burst"]));
            let (loss_error, burst_error) = (number(&case["sim"]["se_percent"]), number(&case["sim"]["se_mean_burst"]));
            assert!((words.parse::<NetSpec>().unwrap().asked_loss() - loss).abs() < 1e-6, "{words}");
            // One packet per slot: on the grid the chain advances as it does per packet.
            for chance in ["packet", "grid"] {
                let lost = losses(&format!("{words} chance {chance}"), 1, packets);
                let (seen, bursts) = (share(&lost) * 100.0, mean_burst(&lost));
                assert!((seen - loss).abs() < 4.0 * loss_error, "{words} {chance}: {seen} % and not {loss} %");
                assert!((bursts - burst).abs() < 4.0 * burst_error, "{words} {chance}: {bursts} and not {burst}");
            }
        }
    }

    #[test]
    fn plain_words_give_the_loss_and_the_bursts_they_say() {
        for words in ["loss 5% burst 3", "loss 5% burst 3 chance packet"] {
            let lost = losses(words, 3, 400_000);
            assert!((share(&lost) - 0.05).abs() < 0.003, "{words}: {}", share(&lost));
            assert!((mean_burst(&lost) - 3.0).abs() < 0.08, "{words}: {}", mean_burst(&lost));
        }
    }

    #[test]
    fn on_the_grid_a_call_begins_in_any_state_and_netem_begins_good() {
        let first = |words: &str| (0..10_000).filter(|seed| losses(words, *seed, 1)[0]).count();
        assert!((first("loss gemodel 10% 10%") as f64 - 5000.0).abs() < 4.0 * 50.0);
        assert_eq!(first("loss gemodel 10% 10% chance packet"), 0);
        assert_eq!(first("loss gemodel 0% 0%"), 0);
    }

    #[test]
    fn nothing_is_lost_at_0_and_everything_at_100_percent() {
        assert_eq!(share(&losses("loss gemodel 0% 50%", 1, 1000)), 0.0);
        assert_eq!(share(&losses("none", 1, 1000)), 0.0);
        assert_eq!(share(&losses("loss 100%", 1, 1000)), 1.0);
        assert_eq!(share(&losses("loss gemodel 0% 0% 100% 100%", 1, 1000)), 1.0);
    }
}
