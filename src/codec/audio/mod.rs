//! Audio codecs: a file each, and their list. Beside them is what several of them share.

pub mod aac;
pub mod amr;
pub mod codec2;
mod configure;
pub mod external;
mod framed;
pub mod g711;
pub mod g722;
pub mod g726;
pub mod g729;
pub mod gsm;
pub mod ilbc;
pub mod l16;
pub mod lc3;
pub mod mp3;
pub mod opus;
pub mod plc;
pub mod speex;
mod storage;
pub mod vorbis;

use super::api::Codec;
use crate::media::Pcm;

/// All audio codecs that codecbench knows; [`Codec::is_built`] tells whether this build has them.
#[rustfmt::skip]
pub static AUDIO: &[&Codec<Pcm>] = &[
    &l16::L16,
    &g711::PCMU,
    &g711::PCMA,
    &g722::G722,
    &g726::G726,
    &gsm::GSM,
    &g729::G729,
    &ilbc::ILBC,
    &amr::AMR,
    &amr::AMR_WB,
    &speex::SPEEX,
    &codec2::CODEC2,
    &lc3::LC3,
    &opus::OPUS,
    &opus::v131::OPUS_131,
    &aac::AAC_LC,
    &aac::HE_AAC,
    &aac::AAC_LD,
    &aac::AAC_ELD,
    &mp3::MP3,
    &vorbis::VORBIS,
    &external::EXTERNAL,
    &external::EXTERNAL_FILE,
];
