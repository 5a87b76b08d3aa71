//! What a metric is: one static value with its scale, where it was validated, and what it makes of the evidence.

use super::equipment::Equipment;
use super::validity::Validity;
use crate::error::Result;
use crate::media::{Media, Pcm, resample};
use serde::Serialize;

/// The scale on which a number lies. Reports know nothing else of a metric.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Scale {
    /// "pesq-wb", "si-sdr", "wire-bitrate".
    pub id: &'static str,
    /// For people: "PESQ wide-band".
    pub title: &'static str,
    /// "MOS-LQO", "dB", "kbit/s", "ms", "%".
    pub unit: &'static str,
    pub better: Better,
    /// The best value that can be reached, if there is one.
    pub cap: Option<f64>,
    /// Recommendation or paper, the mapping, and the corrigendum state.
    pub source: &'static str,
    /// The smallest difference that matters in practice; differences inside it count as none.
    pub margin: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Better {
    Higher,
    Lower,
    /// Neither is better by itself (a target delay, a concealed share that was asked for).
    Neither,
}

/// One finite number, and what it was made of.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    pub value: f64,
    /// Per-frame series, where the metric has one: (name, step in ms, values).
    pub series: Option<Series>,
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value { value, series: None }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    pub name: &'static str,
    pub step_ms: f64,
    pub values: Vec<f32>,
}

pub struct Metric<M: Media> {
    pub scale: Scale,
    /// Where it was validated; [`Validity::caveats`] asks.
    pub validity: Validity,
    /// The implementation and its version: enters the cache key.
    pub version: fn() -> String,
    pub score: fn(&Evidence<'_, M>) -> Result<Value>,
}

/// What a metric may look at. Both signals are whole, at whatever rate they have; a metric resamples as its standard
/// says, and the call has already removed the constant mouth-to-ear delay that the virtual clock knows.
pub struct Evidence<'a, M: Media> {
    pub reference: &'a M::Signal,
    pub degraded: &'a M::Signal,
    /// The constant delay in ms that was removed from `degraded` before it was handed over; 0 for files.
    pub removed_delay_ms: f64,
    /// A metric that is defined on aligned signals and aligns nothing by itself (STOI, LSD) is to align them first: in a
    /// call always, since the codec's look-ahead is still in the signal; files are taken as they are.
    pub align: bool,
    /// How many threads a metric of pictures may use; the scores are the same with any number. Cases of a plan run beside
    /// each other, so there it is 1.
    pub threads: usize,
    /// What only a call can tell; `None` for files.
    pub call: Option<CallFacts>,
}

impl<'a, M: Media> Evidence<'a, M> {
    /// Two files, taken as they are.
    pub fn files(reference: &'a M::Signal, degraded: &'a M::Signal) -> Evidence<'a, M> {
        Evidence { reference, degraded, removed_delay_ms: 0.0, align: false, threads: 1, call: None }
    }
}

/// What the E-model asks of a call: facts of its scored pass.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFacts {
    /// SDP encoding name.
    pub codec: &'static str,
    /// What the encoder was set to, in bit/s; `None` for codecs of one rate.
    pub bitrate: Option<u32>,
    /// Median mouth-to-ear delay, the codec's look-ahead included, in ms.
    pub mouth_to_ear_ms: f64,
    /// Packets that were not there at their playout time, in percent.
    pub loss_percent: f64,
    /// Mean length of the observed loss bursts over that of random loss of the same rate; 1 for random loss or none.
    pub burst_ratio: f64,
    /// What the user says of the codec, in place of the published figures.
    pub equipment: Option<Equipment>,
}

/// The mono mix at the rate that a metric works at.
pub(super) fn mono_at(pcm: &Pcm, sample_rate: u32) -> Result<Vec<i16>> {
    let mono = pcm.to_mono();
    if mono.format.sample_rate == sample_rate {
        return Ok(mono.samples);
    }
    Ok(resample::resample(&mono, sample_rate)?.samples)
}

/// The signal without its mean: an offset is inaudible, but it would correlate with everything.
pub(super) fn zero_mean<S: Copy + Into<f64>>(signal: &[S]) -> Vec<f64> {
    let mean = signal.iter().map(|s| (*s).into()).sum::<f64>() / signal.len().max(1) as f64;
    signal.iter().map(|s| (*s).into() - mean).collect()
}
