//! Metrics of sound: a file or folder each, and their list. Beside them is what several of them share.

mod align;
mod correlate;
pub mod delay;
#[cfg(feature = "neural")]
pub mod dnsmos;
pub mod emodel;
pub mod lsd;
#[cfg(feature = "neural")]
mod neural;
pub mod pesq;
#[cfg(feature = "neural")]
pub mod plcmos;
pub mod si_sdr;
pub mod stoi;
pub mod visqol;

use super::api::Metric;
use crate::media::Pcm;

/// All audio metrics of this build.
pub static AUDIO: &[&Metric<Pcm>] = &[
    &pesq::WIDE_BAND,
    &pesq::WIDE_BAND_C2,
    &pesq::NARROW_BAND,
    &visqol::AUDIO,
    &visqol::SPEECH,
    &visqol::SPEECH_UNSCALED,
    &stoi::STOI,
    &stoi::ESTOI,
    &si_sdr::SI_SDR,
    &lsd::LSD,
    #[cfg(feature = "neural")]
    &plcmos::PLCMOS,
    #[cfg(feature = "neural")]
    &plcmos::PLCMOS_ZERO,
    #[cfg(feature = "neural")]
    &dnsmos::SIGNAL,
    #[cfg(feature = "neural")]
    &dnsmos::BACKGROUND,
    #[cfg(feature = "neural")]
    &dnsmos::OVERALL,
    &emodel::R_FACTOR,
    &emodel::MOS_CQE,
    &delay::MOUTH_TO_EAR,
];
