//! Every metric is one static value in one file, and one line in [`AUDIO`] or [`VIDEO`]. Facts of the call that are not scores of a
//! signal pair (bitrates, losses, delays by the clock) are the [`FACTS`].

pub mod audio;
mod facts;
mod validity;
pub mod video;

pub use facts::FACTS;
pub use validity::{Situation, Validity, When, caveats};
pub use video::pictures::{alike, comparable};

use crate::error::{Error, Result, unknown};
use crate::media::{Media, Pcm, Picture, resample};
use serde::Serialize;
use std::sync::LazyLock;

/// All audio metrics of this build.
pub static AUDIO: &[&Metric<Pcm>] = &[
    &audio::pesq::WIDE_BAND,
    &audio::pesq::WIDE_BAND_C2,
    &audio::pesq::NARROW_BAND,
    &audio::visqol::AUDIO,
    &audio::visqol::SPEECH,
    &audio::visqol::SPEECH_UNSCALED,
    &audio::stoi::STOI,
    &audio::stoi::ESTOI,
    &audio::si_sdr::SI_SDR,
    &audio::lsd::LSD,
    #[cfg(feature = "neural")]
    &audio::plcmos::PLCMOS,
    #[cfg(feature = "neural")]
    &audio::plcmos::PLCMOS_ZERO,
    #[cfg(feature = "neural")]
    &audio::dnsmos::SIGNAL,
    #[cfg(feature = "neural")]
    &audio::dnsmos::BACKGROUND,
    #[cfg(feature = "neural")]
    &audio::dnsmos::OVERALL,
    &audio::emodel::R_FACTOR,
    &audio::emodel::MOS_CQE,
    &audio::delay::MOUTH_TO_EAR,
];

/// All video metrics of this build.
pub static VIDEO: &[&Metric<Picture>] = &[
    &video::psnr::Y,
    &video::psnr::U,
    &video::psnr::V,
    &video::ssim::SSIM,
    &video::ms_ssim::MS_SSIM,
    #[cfg(feature = "video")]
    &video::vmaf::VMAF,
    #[cfg(feature = "video")]
    &video::vmaf::NEG,
    #[cfg(feature = "video")]
    &video::ciede2000::CIEDE2000,
    #[cfg(feature = "video")]
    &video::ssimulacra2::SSIMULACRA2,
];

/// What is scored of pictures when nobody says what: those that everybody quotes; the others cost more.
pub static USUAL_VIDEO: &[&Metric<Picture>] = &[
    &video::psnr::Y,
    &video::psnr::U,
    &video::psnr::V,
    &video::ssim::SSIM,
    #[cfg(feature = "video")]
    &video::vmaf::VMAF,
    #[cfg(feature = "video")]
    &video::vmaf::NEG,
];

/// What is scored when nobody says what: those that need no fetched model, and that files have as well as calls.
pub static USUAL: &[&Metric<Pcm>] = &[
    &audio::pesq::WIDE_BAND,
    &audio::pesq::WIDE_BAND_C2,
    &audio::pesq::NARROW_BAND,
    &audio::visqol::SPEECH,
    &audio::si_sdr::SI_SDR,
    &audio::delay::MOUTH_TO_EAR,
];

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
    /// Where it was validated; [`caveats`] asks.
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
    pub equipment: Option<audio::emodel::Equipment>,
}

/// The audio metric of that id.
///
/// # Errors
/// [`crate::Error::Usage`] that names the nearest known id, or says why the metric is not offered.
pub fn audio(id: &str) -> Result<&'static Metric<Pcm>> {
    if id == "visqol-speech-lattice" {
        return Err(Error::usage(audio::visqol::NO_LATTICE));
    }
    of(AUDIO, id)
}

/// The video metric of that id.
///
/// # Errors
/// [`crate::Error::Usage`] that names the nearest known id.
pub fn video(id: &str) -> Result<&'static Metric<Picture>> {
    of(VIDEO, id)
}

fn of<M: Media>(list: &[&'static Metric<M>], id: &str) -> Result<&'static Metric<M>> {
    let ids: Vec<&str> = AUDIO.iter().map(|m| m.scale.id).chain(VIDEO.iter().map(|m| m.scale.id)).collect();
    let found = list.iter().find(|m| m.scale.id == id).copied();
    found.ok_or_else(|| match FEATURES.iter().find(|(_, built, of_it)| !built && of_it.contains(&id)) {
        Some((feature, ..)) => Error::usage(format!("{id} is not in this build: build it with --features {feature}")),
        None if ids.contains(&id) => Error::usage(format!("{id} is no metric for {}", M::KIND)),
        None => unknown("metric", id, &ids),
    })
}

/// The features that bring metrics, whether this build has them, and what they bring.
const FEATURES: [(&str, bool, &[&str]); 2] = [
    ("neural", cfg!(feature = "neural"), &["plcmos", "plcmos-zero", "dnsmos-sig", "dnsmos-bak", "dnsmos-ovrl"]),
    ("video", cfg!(feature = "video"), &["vmaf", "vmaf-neg", "ciede2000", "ssimulacra2"]),
];

/// What a video metric's id ends in when it looked at the rendered pictures alone, each beside its own source picture;
/// without it, at what was on show at each tick of the source.
pub const RENDERED: &str = "-rendered";

/// The scale of a metric or fact id.
pub fn scale(id: &str) -> Option<&'static Scale> {
    static OF_RENDERED: LazyLock<Vec<Scale>> = LazyLock::new(|| {
        // Made once, and few: they live as long as the program.
        let text = |text: String| -> &'static str { Box::leak(text.into_boxed_str()) };
        let scale = |m: &&Metric<Picture>| Scale {
            id: text(format!("{}{RENDERED}", m.scale.id)),
            title: text(format!("{}, rendered frames", m.scale.title)),
            ..m.scale
        };
        VIDEO.iter().map(scale).collect()
    });
    let all = AUDIO.iter().map(|m| &m.scale).chain(VIDEO.iter().map(|m| &m.scale)).chain(FACTS);
    all.chain(OF_RENDERED.iter()).find(|s| s.id == id)
}

/// The mono mix at the rate that a metric works at.
fn mono_at(pcm: &Pcm, sample_rate: u32) -> Result<Vec<i16>> {
    let mono = pcm.to_mono();
    if mono.format.sample_rate == sample_rate {
        return Ok(mono.samples);
    }
    Ok(resample::resample(&mono, sample_rate)?.samples)
}

/// The signal without its mean: an offset is inaudible, but it would correlate with everything.
fn zero_mean<S: Copy + Into<f64>>(signal: &[S]) -> Vec<f64> {
    let mean = signal.iter().map(|s| (*s).into()).sum::<f64>() / signal.len().max(1) as f64;
    signal.iter().map(|s| (*s).into() - mean).collect()
}
