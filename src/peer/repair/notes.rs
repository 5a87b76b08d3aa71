//! What repair tells the application.

use crate::units::Bitrate;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What the repair of one call tells its application. Clones see the same.
#[derive(Clone, Debug, Default)]
pub struct Notes(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
pub(super) struct Inner {
    /// Track and sequence number.
    pub(super) rebuilt: BTreeSet<(usize, u16)>,
    pub(super) retransmitted: BTreeSet<(usize, u16)>,
    pub(super) round_trips: BTreeMap<usize, Duration>,
    pub(super) target: Option<Bitrate>,
}

impl Notes {
    /// A packet was made from repair packets and is on its way up.
    pub fn rebuilt(&self, track: usize, sequence: u16) {
        self.lock().rebuilt.insert((track, sequence));
    }

    /// Whether the packet that came up was made from repair packets; asked once for each.
    pub fn was_rebuilt(&self, track: usize, sequence: u16) -> bool {
        self.lock().rebuilt.remove(&(track, sequence))
    }

    /// A packet was unpacked from RTX and is on its way up.
    pub fn retransmitted(&self, track: usize, sequence: u16) {
        self.lock().retransmitted.insert((track, sequence));
    }

    /// Whether the packet that came up was unpacked from RTX; asked once for each.
    pub fn was_retransmitted(&self, track: usize, sequence: u16) -> bool {
        self.lock().retransmitted.remove(&(track, sequence))
    }

    /// The same of a packet that is still on its way up.
    pub fn is_retransmitted(&self, track: usize, sequence: u16) -> bool {
        self.lock().retransmitted.contains(&(track, sequence))
    }

    /// From a request for a packet to its arrival.
    pub fn note_round_trip(&self, track: usize, round_trip: Duration) {
        self.lock().round_trips.insert(track, round_trip);
    }

    pub fn round_trip(&self, track: usize) -> Option<Duration> {
        self.lock().round_trips.get(&track).copied()
    }

    /// What congestion control allows, when it has changed since it was last asked for.
    pub fn take_target(&self) -> Option<Bitrate> {
        self.lock().target.take()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
