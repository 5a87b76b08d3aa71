//! What calls of every kind have alike: what they give, where their chance comes from, and how they are scored.

use crate::codec::{Knob, Settings};
use crate::media::{Media, Pcm};
use crate::metric::Evidence;
use crate::peer::Transport;
use crate::plan::{Case, Scores};
use crate::sdp::repair::Repair;
use crate::units::Seed;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a call gave: scores, and the signals they were made of.
pub struct Call<M: Media = Pcm> {
    pub scores: Scores,
    pub reference: Arc<M::Signal>,
    /// What was heard in the scored pass, at the codec's rate, the constant delay of the virtual clock removed, as long
    /// as the reference; or what was on show at each tick of the source.
    pub degraded: M::Signal,
}

pub(super) fn evidence_of<'a>(case: &'a Case, degraded: &'a Pcm) -> Evidence<'a, Pcm> {
    Evidence { align: true, ..Evidence::files(&*case.clip.signal, degraded) }
}

/// Every metric of the case; one that cannot score leaves its reason.
pub(super) fn measure(case: &Case, evidence: &Evidence<'_, Pcm>, scores: &mut Scores) {
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

/// Where the call's chance comes from: the seed and the clip, so that clips under one seed do not all meet the same
/// losses (their means would not be independent, and intervals over clips too narrow), while all settings do.
pub(super) fn chance<M: Media>(case: &Case<M>) -> Seed {
    Seed(case.seed.draw(&case.clip.hash, &[]))
}

/// The effective settings that every kind of media has.
pub(super) fn shared<M: Media>(
    settings: &Settings<M>,
    repair: &Repair,
    transport: Transport,
) -> BTreeMap<String, String> {
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
