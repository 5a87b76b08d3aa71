//! What shows of a call's tracks while it goes on, whatever carries its packets.

use super::repair::notes::Notes;
use super::rtcp::{LossReport, Reports};
use super::track::{Kind, Negotiated, TrackSpec};
use super::wire::{WireLog, WireRecord};
use crate::error::{Error, Result};
use crate::sdp::fmtp::Fmtp;
use crate::units::{Bitrate, Time};
use std::time::Duration;

/// What a call's peers keep alike: what was agreed on for each track, and what the sender learns and puts on the wire.
#[derive(Default)]
pub struct Taps {
    tracks: Vec<Track>,
    pub(super) reports: Reports,
    pub(super) notes: Notes,
    pub(super) wire: WireLog,
}

/// One track at the sender.
pub(super) struct Track {
    pub kind: Kind,
    pub payload_type: u8,
    pub negotiated: Negotiated,
}

impl Taps {
    /// The fmtp line of a track that the sender read in the answer.
    ///
    /// # Panics
    /// There is no such track.
    pub fn negotiated(&self, track: usize) -> &Fmtp {
        &self.tracks[track].negotiated.fmtp
    }

    /// Requests for key pictures that reached the sender since the last call: when, and for which track. Those of
    /// [`super::Peers::request_key`], and those of the receiver's NACK when more packets are missing than it asks for.
    pub fn key_requests(&self) -> Vec<(Time, usize)> {
        self.reports.take_key_requests()
    }

    /// From a request for a lost packet of the track to its arrival, the median of the last ones; `None` before the first.
    pub fn round_trip(&self, track: usize) -> Option<Duration> {
        self.notes.round_trip(track)
    }

    /// Receiver reports that reached the sender since the last call. The receiver sends one 5 s after its first packet
    /// and every 5 s from then on; of video each second.
    pub fn reports(&self) -> Vec<LossReport> {
        self.reports.take()
    }

    /// What congestion control allows the sender's RTP packets of all tracks together, when it has changed since the last
    /// call: headers and payloads, without what SRTP, UDP and IP add. Of audio without FEC, of video with all repair.
    /// Always `None` without `gcc`.
    pub fn target(&self) -> Option<Bitrate> {
        self.notes.take_target()
    }

    /// Everything the media sender put on the wire since media start, in order. In a live call media has its nominal time.
    pub fn wire(&self) -> Vec<WireRecord> {
        self.wire.records()
    }

    /// The same, once it is known what the peers agreed on.
    pub(super) fn with_tracks(self, tracks: &[TrackSpec], negotiated: Vec<Negotiated>) -> Taps {
        let track =
            |(spec, negotiated): (&TrackSpec, _)| Track { kind: spec.kind, payload_type: spec.sent_as(), negotiated };
        Taps { tracks: tracks.iter().zip(negotiated).map(track).collect(), ..self }
    }

    /// # Errors
    /// [`Error::Call`]: there is no such track.
    pub(super) fn track(&self, track: usize) -> Result<&Track> {
        let none = || Error::Call(format!("no track {track}: the call has {}", self.tracks.len()));
        self.tracks.get(track).ok_or_else(none)
    }

    /// That a key picture of the track can be asked for.
    ///
    /// # Errors
    /// [`Error::Call`]: there is no such track, or it has none.
    pub(super) fn check_key(&self, track: usize) -> Result<()> {
        match self.track(track)?.kind {
            Kind::Video => Ok(()),
            Kind::Audio => Err(Error::Call(format!("track {track} is audio: it has no key pictures"))),
        }
    }
}
