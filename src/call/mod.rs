//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.
//!
//! A storage codec has no call: [`run`] codes and decodes its clip as a file (`storage`).
//!
//! This file is a call of audio; `audio` is its two ends, which a call of [`mod@video`] may have beside the pictures.

mod api;
mod audio;
mod storage;
pub mod video;

pub use api::{Call, Record, score};
pub use audio::record::AudioRecord;

use crate::error::Result;
use crate::peer::{self, Peers};
use crate::plan::Case;
use crate::units::Time;
use api::chance;
use audio::Audio;

/// Of the call's behaviour: part of every cache key, raised whenever a case's result changes.
pub const VERSION: u32 = 4;

/// Runs one case. In virtual time a pure function of it: same case, same result.
///
/// # Errors
/// The setting cannot be made, or the call does not connect. A metric that cannot score is no error: it stands in
/// [`crate::plan::Scores::unscored`] with its reason.
pub fn run(case: &Case) -> Result<Call> {
    if case.codec.rtp.is_none() {
        return score(case, &storage::store(case)?);
    }
    score(case, &talk(case)?)
}

/// As [`run`] in virtual time, and a pcapng file of all that the peers put on the wire; see [`Peers::capture`].
///
/// # Errors
/// As [`run`].
pub fn run_captured(case: &Case) -> Result<(Call, Vec<u8>)> {
    let mut capture = Vec::new();
    let begin = |peers: &dyn Peers| peers.keep_packets();
    let end = |peers: &dyn Peers| capture = peers.capture().unwrap_or_default();
    let heard = talk_and(case, begin, end)?;
    Ok((score(case, &heard)?, capture))
}

/// The call itself, without scores: for benches, and for whoever wants the signal.
///
/// # Errors
/// As [`run`].
pub fn talk(case: &Case) -> Result<AudioRecord> {
    talk_and(case, |_| {}, |_| {})
}

/// As [`talk`]; `begin` and `end` see the connected call before the first packet and after the last.
fn talk_and(case: &Case, begin: impl FnOnce(&dyn Peers), end: impl FnOnce(&dyn Peers)) -> Result<AudioRecord> {
    let track = audio::track(case)?;
    let mut peers = peer::connect(case.transport, std::slice::from_ref(&track), &case.net, chance(case))?;
    begin(&*peers);
    let mut audio = Audio::new(case, 0, &track, peers.taps())?;
    let mut now = Time::ZERO;
    while !audio.is_done() {
        // The first pull may lie before the instant at which its packet was seen.
        now = audio.next().max(now);
        peers.advance(now)?;
        for arrival in peers.arrivals() {
            audio.arrive(&arrival);
        }
        if let Some(allowed) = peers.taps().target() {
            audio.allow(now, allowed)?;
        }
        for report in peers.taps().reports() {
            audio.report(&report)?;
        }
        audio.step(now, &mut *peers)?;
    }
    end(&*peers);
    Ok(audio.finish(peers.taps().wire()))
}
