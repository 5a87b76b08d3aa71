//! What a recording holds, and what its readers share.

use std::time::Duration;

/// The longest delay in a recording: beyond it lies a mistyped unit or a broken file rather than a network.
pub(super) const LONGEST: Duration = Duration::from_secs(60);

/// Of error patterns and of 3GPP's delay/error files: a voice frame.
pub(super) const FRAME: Duration = Duration::from_millis(20);

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Instants, ascending and not empty, at each of which up to [`OPPORTUNITY_BYTES`] may leave a queue; they repeat
    /// after `period` (Mahimahi), which is the last of them and not zero.
    Opportunities { at: Vec<Duration>, period: Duration },
    /// One fate per `step` of time (`chance grid`) or per packet (`chance packet`): its delay, or lost; they repeat.
    /// Neither empty nor of step zero.
    Fates { step: Duration, fates: Vec<Option<Duration>> },
}

/// A word of a file for an error: of a length that a line can hold, and printable.
pub(super) fn shown(word: &str) -> String {
    let mut text: String = word.chars().take(24).map(|c| if c.is_control() { '?' } else { c }).collect();
    if text.len() < word.len() {
        text.push('…');
    }
    text
}

/// What an opportunity of a Mahimahi trace carries, in bytes.
pub const OPPORTUNITY_BYTES: usize = 1500;
