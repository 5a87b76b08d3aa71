//! Audio playout.

use std::time::Duration;

/// How the receiver sets its playout delay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// So much above the fastest packet.
    Fixed(Duration),
    /// A quantile of the observed lateness.
    Adaptive,
}
