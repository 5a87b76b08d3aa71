//! What calls of every kind have alike: what they give, where their chance comes from, and how they are scored.

use crate::codec::Settings;
use crate::error::Result;
use crate::media::{Media, Pcm};
use crate::metric::{CallFacts, Evidence};
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

/// What is left of a call of audio once it is over: all that scoring asks of it, whoever coded, sent and played in it.
///
/// A call whose ends are ours leaves [`super::AudioRecord`], a storage codec what it read back from its file. A peer that sends and
/// plays by itself, as a browser does, has no encoder and no playout of ours to ask: of it there are the packets (a
/// capture, or what [`crate::peer::wire`] saw), its statistics, and the signal heard. It says the facts that those show and
/// leaves out the others; every metric of the signal has all that it needs.
pub trait Record {
    /// Facts of the scored pass alone, and the effective settings.
    ///
    /// # Errors
    /// The call cannot be scored.
    fn facts(&self, case: &Case) -> Result<Scores>;

    /// The scored pass as it was heard, and the constant delay in ms that was removed: that of its first sample. As many
    /// samples as the reference has at this rate: a listener who records for the clip's length.
    ///
    /// # Errors
    /// The scored pass was never played.
    fn scored_pass(&self) -> Result<(Pcm, f64)>;

    /// What the E-model asks; `None` where that is not known, or nothing was played. `facts` are those of [`Record::facts`].
    fn call_facts(&self, _case: &Case, _facts: &Scores) -> Option<CallFacts> {
        None
    }
}

/// Scores what was heard in the call of that case.
///
/// # Errors
/// As [`Record::facts`] and [`Record::scored_pass`]. A metric that cannot score is no error: it stands in
/// [`Scores::unscored`] with its reason.
pub fn score(case: &Case, record: &dyn Record) -> Result<Call> {
    let mut scores = record.facts(case)?;
    let (degraded, removed_delay_ms) = record.scored_pass()?;
    let call = record.call_facts(case, &scores);
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
    let mut shown: BTreeMap<String, String> =
        settings.shown().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    if *repair != Repair::default() {
        shown.insert("repair".into(), repair.to_string());
    }
    if transport == Transport::Live {
        shown.insert("transport".into(), "UDP sockets in real time".into());
    }
    shown
}
