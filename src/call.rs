//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.

use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::plan::{Case, Scores};
use std::sync::Arc;

/// What a call gave: scores, and the signals they were made of.
pub struct Call {
    pub scores: Scores,
    pub reference: Arc<Pcm>,
    /// What was heard in the scored pass, at the codec's rate, the constant delay of the virtual clock removed; as long
    /// as the reference.
    pub degraded: Pcm,
}

/// Runs one case. A pure function of it: same case, same result.
///
/// # Errors
/// The setting cannot be made, or the call does not connect. A metric that cannot score is no error: it stands in
/// [`Scores::unscored`] with its reason.
pub fn run(_case: &Case) -> Result<Call> {
    Err(Error::Call("not connected".into()))
}
