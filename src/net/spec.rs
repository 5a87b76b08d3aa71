//! A network in words: `delay 40ms 10ms loss 5%`.

use crate::units::Probability;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Both directions of a path, and how chance works on it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NetSpec {
    /// Media sender to receiver.
    pub forward: LinkSpec,
    /// Receiver to sender: its RTCP.
    pub back: LinkSpec,
    pub chance: Chance,
}

/// One direction.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LinkSpec {
    pub delay: Duration,
    /// Half width (uniform) or standard deviation (normal).
    pub jitter: Duration,
    pub distribution: Distribution,
    pub loss: Loss,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Distribution {
    #[default]
    Uniform,
    Normal,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Loss {
    #[default]
    None,
    /// Independent.
    Random(Probability),
    /// Gilbert-Elliott with netem's parameters (`loss gemodel p r 1-h 1-k`): p good to bad, r bad to good, `bad` = 1-h
    /// the loss in the bad state, `good` = 1-k the loss in the good state.
    GilbertElliott { p: Probability, r: Probability, bad: Probability, good: Probability },
}

/// What a random draw is keyed by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Chance {
    /// A time grid of 20 ms slots: two settings under one seed meet the same weather. For every comparison.
    #[default]
    Grid,
    /// As tc: chains advance per packet.
    Packet,
}
