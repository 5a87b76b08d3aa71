//! Recorded networks: what a file says becomes a [`Trace`] that [`Replay`] applies packet by packet, or, for files that
//! describe phases of a link, words of [`super::spec`].

use crate::error::Result;
use crate::units::Time;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A recording of a link. Two traces are equal when their contents are.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// As the user named it: a file's path.
    pub name: String,
    /// BLAKE3 of the recording's content, in hex: part of every cache key.
    pub hash: String,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Instants, ascending, at each of which up to 1500 bytes may leave a queue; they repeat after `period` (Mahimahi).
    Opportunities { at: Vec<Duration>, period: Duration },
    /// One fate per `step` of time (`chance grid`) or per packet (`chance packet`): its delay, or lost; they repeat.
    Fates { step: Duration, fates: Vec<Option<Duration>> },
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    Trace(Arc<Trace>),
    /// A schedule in the words of [`super::spec`]: "rate 1mbit at 40s rate 2500kbit".
    Words(String),
}

/// Reads a recording; its form is told from its content.
///
/// # Errors
/// [`crate::Error::Input`] that names the file, and the line where there is one.
pub fn read(path: &Path) -> Result<Recording> {
    Err(crate::error::Error::input(path, "no reader yet"))
}

/// A running trace.
pub struct Replay {
    trace: Arc<Trace>,
    packets: u64,
}

impl Replay {
    pub fn new(trace: Arc<Trace>) -> Replay {
        Replay { trace, packets: 0 }
    }

    /// When the packet of `bytes` that comes at `now` leaves the link; `None`: lost. `by_packet`: one fate per packet
    /// instead of one per step.
    pub fn admit(&mut self, now: Time, _bytes: usize, _by_packet: bool) -> Option<Time> {
        let Kind::Fates { fates, .. } = &self.trace.kind else { return Some(now) };
        let n = self.packets;
        self.packets += 1;
        fates[n as usize % fates.len()].map(|delay| now + delay)
    }
}
