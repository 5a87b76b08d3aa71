//! Metrics of sound: a file or folder each, and their list. Beside them is what several of them share.

mod align;
mod correlate;
pub mod delay;
pub mod dnsmos;
pub mod emodel;
pub mod lsd;
mod neural;
pub mod pesq;
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
    &plcmos::PLCMOS,
    &plcmos::PLCMOS_ZERO,
    &dnsmos::SIGNAL,
    &dnsmos::BACKGROUND,
    &dnsmos::OVERALL,
    &emodel::R_FACTOR,
    &emodel::MOS_CQE,
    &delay::MOUTH_TO_EAR,
];
