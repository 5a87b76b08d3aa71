//! What to measure: a [`Plan`] (TOML) unfolds into [`Case`]s; a finished case is an [`Outcome`].

use crate::codec::{Change, Codec, Observed, Request};
use crate::media::{Clip, Pcm};
use crate::metric::{Metric, Series};
use crate::units::Seed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// One call: a clip with a codec setting and a receiver, over one network, with one seed.
#[derive(Clone)]
pub struct Case {
    pub clip: Arc<Clip>,
    pub codec: &'static Codec<Pcm>,
    /// The setting's name in charts and tables, unique in a plan: "opus 24k", "A", "B".
    pub label: String,
    pub request: Request,
    /// `fixed:60ms` or `adaptive`.
    pub receiver: crate::playout::audio::Receiver,
    pub net: crate::net::spec::NetSpec,
    pub warm_up: Duration,
    pub seed: Seed,
    pub metrics: Vec<&'static Metric<Pcm>>,
}

/// What is known of a finished case. All that reports see; owns no media.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// BLAKE3 of everything that shapes the case, in hex.
    pub key: String,
    /// Place in the plan; outcomes are shown in this order.
    pub index: usize,
    pub clip: String,
    pub content: crate::media::Content,
    pub codec: String,
    pub codec_version: String,
    pub label: String,
    pub requested: String,
    pub net: String,
    /// Asked network loss in the media direction, in percent: the x of loss charts.
    pub net_loss: f64,
    pub receiver: String,
    pub seed: u64,
    pub result: Result<Scores, String>,
}

/// What a case gave.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Metric and fact ids to finite numbers.
    pub values: BTreeMap<String, f64>,
    /// Metrics that could not score, with their reason.
    pub unscored: BTreeMap<String, String>,
    /// Effective settings by name.
    pub effective: BTreeMap<String, String>,
    pub changes: Vec<Change>,
    pub observed: Observed,
    #[serde(skip)]
    pub series: Vec<Series>,
}
