//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.
//!
//! A storage codec has no call: [`run`] codes and decodes its clip as a file (`storage`).
//!
//! This file is a call of audio; `audio` is its two ends, which a call of [`mod@video`] may have beside the pictures.

mod audio;
mod storage;
pub mod video;

pub use audio::record::Heard;

use crate::codec::{Knob, Settings};
use crate::error::Result;
use crate::media::{Media, Pcm};
use crate::metric::Evidence;
use crate::peer::sim::Sim;
use crate::peer::{Peers, Transport};
use crate::plan::{Case, Scores};
use crate::sdp::repair::Repair;
use crate::units::{Seed, Time};
use audio::Audio;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Of the call's behaviour: part of every cache key, raised whenever a case's result changes.
pub const VERSION: u32 = 4;

/// What a call gave: scores, and the signals they were made of.
pub struct Call<M: Media = Pcm> {
    pub scores: Scores,
    pub reference: Arc<M::Signal>,
    /// What was heard in the scored pass, at the codec's rate, the constant delay of the virtual clock removed, as long
    /// as the reference; or what was on show at each tick of the source.
    pub degraded: M::Signal,
}

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

fn evidence_of<'a>(case: &'a Case, degraded: &'a Pcm) -> Evidence<'a, Pcm> {
    Evidence { align: true, ..Evidence::files(&*case.clip.signal, degraded) }
}

/// Every metric of the case; one that cannot score leaves its reason.
fn measure(case: &Case, evidence: &Evidence<'_, Pcm>, scores: &mut Scores) {
    for metric in &case.metrics {
        match (metric.score)(evidence) {
            Ok(value) => {
                scores.values.insert(metric.scale.id.into(), value.value);
                scores.series.extend(value.series);
            }
            Err(e) => {
                scores.unscored.insert(metric.scale.id.into(), e.to_string());
            }
        }
    }
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

/// Where the call's chance comes from: the seed and the clip, so that clips under one seed do not all meet the same
/// losses (their means would not be independent, and intervals over clips too narrow), while all settings do.
fn chance<M: Media>(case: &Case<M>) -> Seed {
    Seed(case.seed.draw(&case.clip.hash, &[]))
}

/// The effective settings that every kind of media has.
fn shared<M: Media>(settings: &Settings<M>, repair: &Repair, transport: Transport) -> BTreeMap<String, String> {
    let knob = |knob: &Knob| match knob {
        Knob::Flag(true) => "on".into(),
        Knob::Flag(false) => "off".into(),
        Knob::Int(v) => v.to_string(),
        Knob::Text(v) => (*v).to_owned(),
        Knob::Program(program) => program.words(),
    };
    let mut shown: BTreeMap<String, String> =
        settings.knobs.iter().map(|(name, value)| ((*name).to_owned(), knob(value))).collect();
    if let Some(bitrate) = settings.bitrate {
        shown.insert("bitrate".into(), bitrate.to_string());
    }
    if *repair != Repair::default() {
        shown.insert("repair".into(), repair.to_string());
    }
    if transport == Transport::Live {
        shown.insert("transport".into(), "UDP sockets in real time".into());
    }
    shown
}
