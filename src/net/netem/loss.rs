//! Loss as `loss_event()` of `net/sched/sch_netem.c` has it (since Linux 5; older ones had other chains):
//!
//! - random: lost when a draw, correlated if so asked, is at most p. With correlation far less than p is lost, since averages
//!   are seldom small: [`correlated`] has the figure.
//! - gemodel p r 1-h 1-k, Gilbert-Elliott: the transition is drawn first, but the loss is that of the state before it. Loss
//!   (r (1-k) + p (1-h)) / (p + r); bursts of 1/r on average when everything is lost in the bad state and nothing in the good.
//! - state p13 p31 p32 p23 p14, four states: received in a gap (1) or a burst (2), lost in a burst (3) or a gap (4); 4 goes back
//!   to 1 always. Loss (p13 p23 + p14 p23 p31) / (p13 p23 + p23 p31 + p14 p23 p31 + p13 p32).

use super::random::{Draw, Happens, Prng, threshold};
use crate::net::spec::{Loss, Odds};
use crate::units::Probability;

/// Decides packet by packet.
pub struct LossProcess {
    loss: Loss,
    random: Happens,
    /// The chain's thresholds: p, r, h, 1-k; or p13, p31, p32, p23, p14.
    chain: [u32; 5],
    /// 0 good, 1 bad; or the four states from 0 on.
    state: usize,
    /// The grid slot of that state; `None` before the first packet.
    slot: Option<u64>,
}

impl LossProcess {
    /// A chain starts in its first state, as netem's does; on the grid its state in slot 0 is drawn from the stationary
    /// distribution instead, so that short calls are not luckier than long ones.
    pub(super) fn new(loss: Loss) -> LossProcess {
        let not = |p: Probability| threshold(Probability::new(1.0 - p.get()).unwrap_or(Probability::ZERO));
        let chain = match loss {
            Loss::None | Loss::Random(_) => [0; 5],
            Loss::GilbertElliott { p, r, bad, good } => [threshold(p), threshold(r), not(bad), threshold(good), 0],
            Loss::FourState { p13, p31, p32, p23, p14 } => [p13, p31, p32, p23, p14].map(threshold),
        };
        let odds = match loss {
            Loss::Random(odds) => odds,
            _ => Probability::ZERO.into(),
        };
        LossProcess { loss, random: Happens::new(Draw::Loss, odds), chain, state: 0, slot: None }
    }

    /// Whether the packet at hand is lost.
    pub(super) fn lost(&mut self, prng: &mut Prng) -> bool {
        match self.loss {
            Loss::None => false,
            Loss::Random(_) => self.random.next(prng),
            Loss::GilbertElliott { .. } => {
                let before = match prng.slot() {
                    Some(slot) => self.state_in(slot, prng),
                    None => {
                        let before = self.state;
                        self.step(prng.state(0));
                        before
                    }
                };
                let [_, _, h, not_k, _] = self.chain;
                let draw = prng.packet(Draw::Loss);
                if before == 1 { draw > h } else { draw < not_k }
            }
            Loss::FourState { .. } => match prng.slot() {
                Some(slot) => self.state_in(slot, prng) >= 2,
                None => self.step(prng.state(0)),
            },
        }
    }

    /// The chain's state in `slot`: one step per slot since slot 0, whether packets were sent in it or not.
    fn state_in(&mut self, slot: u64, prng: &mut Prng) -> usize {
        let mut at = self.slot.unwrap_or_else(|| {
            let mut draw = f64::from(prng.state(0)) / 2f64.powi(32);
            let is_it = |share: &f64| {
                draw -= share;
                draw < 0.0
            };
            self.state = self.shares().iter().position(is_it).unwrap_or(0);
            0
        });
        while at < slot {
            at += 1;
            self.step(prng.state(at));
        }
        self.slot = Some(at);
        self.state
    }

    /// How long the chain is in each of its states.
    fn shares(&self) -> [f64; 4] {
        match self.loss {
            Loss::GilbertElliott { p, r, .. } if p.get() > 0.0 => {
                let bad = p.get() / (p.get() + r.get());
                [1.0 - bad, bad, 0.0, 0.0]
            }
            Loss::FourState { .. } => four_state_shares(self.loss),
            _ => [1.0, 0.0, 0.0, 0.0],
        }
    }

    /// One transition. Of the four states: whether the packet is lost, that is, the new state is one of loss.
    fn step(&mut self, draw: u32) -> bool {
        let Loss::FourState { .. } = self.loss else {
            let [p, r, ..] = self.chain;
            if draw < if self.state == 1 { r } else { p } {
                self.state = 1 - self.state;
            }
            return false;
        };
        let [p13, p31, p32, p23, p14] = self.chain;
        // Sums in 32 bits, comparisons on both sides strict, so that a draw on the very border changes nothing.
        let (to_burst, to_gap) = (p13.wrapping_add(p14), p31.wrapping_add(p32));
        let (state, lost) = match self.state {
            0 if draw < p14 => (3, true),
            0 if p14 < draw && draw < to_burst => (2, true),
            1 if draw < p23 => (2, true),
            2 if draw < p32 => (1, false),
            2 if p32 < draw && draw < to_gap => (0, false),
            2 if to_gap < draw => (2, true),
            3 => (0, false),
            same => (same, false),
        };
        self.state = state;
        lost
    }
}

/// The stationary distribution of [`Loss::FourState`]; anything else is always in the first state.
pub(super) fn four_state_shares(loss: Loss) -> [f64; 4] {
    let Loss::FourState { p13, p31, p32, p23, p14 } = loss else { return [1.0, 0.0, 0.0, 0.0] };
    let [p13, p31, p32, p23, p14] = [p13, p31, p32, p23, p14].map(Probability::get);
    // State 2 is never entered without p32; then it does not matter how it would be left.
    let p23 = if p32 == 0.0 { 1.0 } else { p23 };
    let weights = [p31 * p23, p13 * p32, p13 * p23, p14 * p31 * p23];
    let sum: f64 = weights.iter().sum();
    if p13 == 0.0 || sum == 0.0 {
        // A burst never begins.
        return [1.0 / (1.0 + p14), 0.0, 0.0, p14 / (1.0 + p14)];
    }
    weights.map(|w| w / sum)
}

/// The share of draws that are at most `p` when each is (1-ρ) v + ρ times the one before, v uniform. It is `p` without
/// correlation and far less with it: their standard deviation shrinks to sqrt((1-ρ)/(1+ρ)) of the uniform one.
///
/// The distribution F of the draws solves F(x) = ∫ F((x - (1-ρ) v) / ρ) dv over v in 0 to 1, here on a grid, by iteration from
/// the uniform one.
pub fn correlated(p: f64, rho: f64) -> f64 {
    const N: usize = 4096;
    // Beyond it a call is too short to tell such a chain from a constant, which is at most p with probability p.
    if rho <= 0.0 || rho > 0.999 || p <= 0.0 || p >= 1.0 {
        return p;
    }
    let mut f: Vec<f64> = (0..=N).map(|i| i as f64 / N as f64).collect();
    let mut integral = vec![0.0; N + 1];
    for _ in 0..2000 {
        for i in 1..=N {
            integral[i] = integral[i - 1] + (f[i - 1] + f[i]) / (2 * N) as f64;
        }
        // ∫ of F from -∞ to y; between the points as a parabola would have it.
        let below = |y: f64| match y {
            y if y <= 0.0 => 0.0,
            y if y >= 1.0 => integral[N] + (y - 1.0),
            y => {
                let (i, t) = ((y * N as f64) as usize, (y * N as f64).fract());
                integral[i] + (f[i] + 0.5 * t * (f[i + 1] - f[i])) * t / N as f64
            }
        };
        let mut change: f64 = 0.0;
        let next: Vec<f64> = (0..=N)
            .map(|i| {
                let x = i as f64 / N as f64;
                let value = rho / (1.0 - rho) * (below(x / rho) - below((x - (1.0 - rho)) / rho));
                change = change.max((value - f[i]).abs());
                value
            })
            .collect();
        f = next;
        if change < 1e-9 {
            break;
        }
    }
    let (i, t) = ((p * N as f64) as usize, (p * N as f64).fract());
    (f[i] + t * (f[i + 1] - f[i])).clamp(0.0, 1.0)
}

impl Odds {
    /// The share of packets that it happens to: with correlation not `p`, see [`correlated`].
    pub fn effective(self) -> f64 {
        correlated(self.p.get(), self.correlation.get())
    }
}

impl Loss {
    /// The share of packets lost in the long run. A chain that never changes stays good, where it starts.
    pub fn stationary(self) -> Probability {
        let loss = match self {
            Loss::None => 0.0,
            Loss::Random(odds) => odds.effective(),
            Loss::GilbertElliott { p, r, bad, good } if p.get() > 0.0 => {
                let share_bad = p.get() / (p.get() + r.get());
                share_bad * bad.get() + (1.0 - share_bad) * good.get()
            }
            Loss::GilbertElliott { good, .. } => good.get(),
            Loss::FourState { .. } => four_state_shares(self)[2..].iter().sum(),
        };
        Probability::new(loss.clamp(0.0, 1.0)).unwrap_or(Probability::ONE)
    }
}

#[cfg(test)]
mod tests {
    use crate::net::netem::{Netem, SLOT};
    use crate::net::spec::NetSpec;
    use crate::net::{Direction, Impairment, PacketInfo, Purpose};
    use crate::units::{Seed, Time};

    /// The fate of `packets` packets that leave one per slot.
    fn losses(words: &str, seed: u64, packets: u64) -> Vec<bool> {
        let spec: NetSpec = words.parse().unwrap();
        let mut netem = Netem::new(spec.forward, spec.chance, Seed(seed), Direction::Forward);
        let mut out = Vec::new();
        let lost = |n: u64| {
            out.clear();
            netem.admit(Time(n * SLOT), &PacketInfo { wire_bytes: 100, purpose: Purpose::Media }, &mut out);
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

    /// Loss and mean burst of a chain, in percent and packets, within four standard errors of theory. On the grid, one packet
    /// per slot, the chain advances as it does per packet.
    fn agrees(words: &str, case: &serde_json::Value) {
        let number = |v: &serde_json::Value| v.as_f64().unwrap();
        let packets = case["sim"]["packets"].as_u64().unwrap();
        let (loss, burst) = (number(&case["theory_loss_percent"]), number(&case["theory_mean_burst"]));
        let (loss_error, burst_error) = (number(&case["sim"]["se_percent"]), number(&case["sim"]["se_mean_burst"]));
        assert!((words.parse::<NetSpec>().unwrap().asked_loss() - loss).abs() < 1e-6, "{words}");
        for chance in ["packet", "grid"] {
            let lost = losses(&format!("{words} chance {chance}"), 1, packets);
            let (seen, bursts) = (share(&lost) * 100.0, mean_burst(&lost));
            assert!((seen - loss).abs() < 4.0 * loss_error, "{words} {chance}: {seen} % and not {loss} %");
            assert!((bursts - burst).abs() < 4.0 * burst_error, "{words} {chance}: {bursts} and not {burst}");
        }
    }

    #[test]
    fn chains_agree_with_netem() {
        let Some(vectors) = crate::net::vectors() else { return };
        for (model, names) in [
            ("gemodel", &["p", "r", "one_minus_h", "one_minus_k"][..]),
            ("state", &["p13", "p31", "p32", "p23", "p14"]),
        ] {
            let cases = vectors[model]["cases"].as_array().unwrap();
            assert!(!cases.is_empty());
            for case in cases {
                let numbers: Vec<_> = names.iter().map(|name| format!("{}%", case[*name])).collect();
                agrees(&format!("loss {model} {}", numbers.join(" ")), case);
            }
        }
    }

    #[test]
    fn correlation_collapses_the_loss_as_in_netem() {
        let Some(vectors) = crate::net::vectors() else { return };
        for case in vectors["loss_correlation"]["cases"].as_array().unwrap() {
            let number = |v: &serde_json::Value| v.as_f64().unwrap();
            let (p, rho) = (number(&case["nominal_loss_percent"]), number(&case["correlation_percent"]));
            let (loss, error) = (number(&case["sim"]["loss_percent"]), number(&case["sim"]["se_percent"]));
            // The reference took 2e7 packets; with fewer its error grows with the root, and adds to ours.
            let packets = 1_000_000;
            let own = error * (number(&case["sim"]["packets"]) / packets as f64).sqrt();
            let bound = 4.0 * (own * own + error * error).sqrt();
            for chance in ["packet", "grid"] {
                let lost = losses(&format!("loss {p}% {rho}% chance {chance}"), 1, packets);
                let seen = share(&lost) * 100.0;
                assert!((seen - loss).abs() <= bound, "loss {p}% {rho}% {chance}: {seen} % and not {loss} %");
                if let Some(burst) = case["sim"]["mean_burst"].as_f64() {
                    let runs = lost.windows(2).filter(|w| !w[0] && w[1]).count() as f64;
                    // A geometric length, at the least: its standard error over that many bursts.
                    let error = (burst * (burst - 1.0) / runs).sqrt() * 1.5;
                    assert!(
                        (mean_burst(&lost) - burst).abs() < 4.0 * error,
                        "{p} {rho} {chance}: {}",
                        mean_burst(&lost)
                    );
                }
            }
            // What the warning says, against the reference alone.
            let told = 100.0 * super::correlated(p / 100.0, rho / 100.0);
            assert!((told - loss).abs() <= 4.0 * error + 1e-4, "{told} and not {loss}");
        }
        assert_eq!(super::correlated(0.05, 0.0), 0.05);
        assert!((super::correlated(0.5, 0.9) - 0.5).abs() < 1e-3);
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
