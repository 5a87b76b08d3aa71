//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.
//!
//! A storage codec has no call: [`run`] codes and decodes its clip as a file (`storage`).
//!
//! This file is a call of audio; `audio` is its two ends, which a call of [`mod@video`] may have beside the pictures.

mod api;
mod audio;
mod storage;
pub mod video;

pub use api::Call;
pub use audio::record::Heard;

use crate::error::Result;
use crate::metric::Evidence;
use crate::peer::Peers;
use crate::peer::sim::Sim;
use crate::plan::Case;
use crate::units::Time;
use api::{chance, evidence_of, measure};
use audio::Audio;

/// Of the call's behaviour: part of every cache key, raised whenever a case's result changes.
pub const VERSION: u32 = 4;

/// Runs one case. In virtual time a pure function of it: same case, same result.
///
/// # Errors
/// The setting cannot be made, or the call does not connect. A metric that cannot score is no error: it stands in
/// [`Scores::unscored`] with its reason.
pub fn run(case: &Case) -> Result<Call> {
    if case.codec.rtp.is_none() {
        return storage::run(case);
    }
    score(case, &talk(case)?)
}

/// As [`run`] in virtual time, and a pcapng file of all that the peers put on the wire; see [`Sim::capture`].
///
/// # Errors
/// As [`run`].
pub fn run_captured(case: &Case) -> Result<(Call, Vec<u8>)> {
    let mut capture = Vec::new();
    let begin = |peers: &Peers| peers.simulated().into_iter().for_each(Sim::keep_packets);
    let end = |peers: &Peers| capture = peers.simulated().map(Sim::capture).unwrap_or_default();
    let heard = talk_and(case, begin, end)?;
    Ok((score(case, &heard)?, capture))
}

/// Scores what was heard in the call of that case.
///
/// # Errors
/// The scored pass was never played.
pub fn score(case: &Case, heard: &Heard) -> Result<Call> {
    let mut scores = heard.facts(case)?;
    let (degraded, removed_delay_ms) = heard.scored_pass()?;
    let call = heard.call_facts(case, &scores);
    measure(case, &Evidence { removed_delay_ms, call, ..evidence_of(case, &degraded) }, &mut scores);
    Ok(Call { scores, reference: case.clip.signal.clone(), degraded })
}

/// The call itself, without scores: for benches, and for whoever wants the signal.
///
/// # Errors
/// As [`run`].
pub fn talk(case: &Case) -> Result<Heard> {
    talk_and(case, |_| {}, |_| {})
}

/// As [`talk`]; `begin` and `end` see the connected call before the first packet and after the last.
fn talk_and(case: &Case, begin: impl FnOnce(&Peers), end: impl FnOnce(&Peers)) -> Result<Heard> {
    let track = audio::track(case)?;
    let mut peers = Peers::connect(case.transport, std::slice::from_ref(&track), &case.net, chance(case))?;
    begin(&peers);
    let mut audio = Audio::new(case, 0, &track, &peers)?;
    let mut now = Time::ZERO;
    while !audio.is_done() {
        // The first pull may lie before the instant at which its packet was seen.
        now = audio.next().max(now);
        peers.advance(now)?;
        for arrival in peers.arrivals() {
            audio.arrive(&arrival);
        }
        if let Some(allowed) = peers.target() {
            audio.allow(now, allowed)?;
        }
        for report in peers.reports() {
            audio.report(&report)?;
        }
        audio.step(now, &mut peers)?;
    }
    end(&peers);
    Ok(audio.finish(peers.wire()))
}
