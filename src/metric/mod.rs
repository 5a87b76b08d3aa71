//! Every metric is one static value in one file, and one line in [`AUDIO`] or [`VIDEO`]. Facts of the call that are not scores of a
//! signal pair (bitrates, losses, delays by the clock) are the [`FACTS`].

mod api;
pub mod audio;
pub mod equipment;
mod facts;
mod validity;
pub mod video;

pub use api::{Better, CallFacts, Evidence, Metric, Scale, Series, Value};
pub use audio::AUDIO;
pub use facts::FACTS;
pub use validity::{Situation, Validity, When};
pub use video::VIDEO;
pub use video::pictures::{alike, comparable};

use crate::error::{Error, Result, unknown};
use crate::media::{Media, Pcm, Picture};
use std::sync::LazyLock;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_brings_the_metrics_that_it_names() {
        let known: Vec<&str> = AUDIO.iter().map(|m| m.scale.id).chain(VIDEO.iter().map(|m| m.scale.id)).collect();
        for (feature, built, ids) in FEATURES {
            assert!(ids.iter().all(|id| known.contains(id) == built), "{feature}: {ids:?} of {known:?}");
        }
    }
}
