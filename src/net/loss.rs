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
