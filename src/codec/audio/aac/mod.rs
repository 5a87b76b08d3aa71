//! Four kinds of AAC (ISO/IEC 14496-3) by libfdk-aac at constant bitrates: AAC-LC; HE-AAC, which codes the upper half of the
//! band by its envelope (SBR); AAC-LD and AAC-ELD with short frames. RFC 3640 carries them all, but no browser does, so that
//! here they are storage codecs.
//!
//! A unit is one access unit without ADTS header. What a file says once, the AudioSpecificConfig of two to four bytes, is no
//! unit: both ends make it from the settings.

#[cfg(feature = "aac-fdk")]
mod raw;
#[cfg(feature = "aac-fdk")]
mod running;

use super::storage;
use crate::codec::about::{Bitrates, Feature, Licence, Terms};
#[cfg(not(feature = "aac-fdk"))]
use crate::codec::absent::{
    configure as configure_eld, configure as configure_he, configure as configure_lc, configure as configure_ld,
    version,
};
use crate::codec::api::{Codec, Configure, at_bitrates};
use crate::media::Pcm;
#[cfg(feature = "aac-fdk")]
use running::{configure_eld, configure_he, configure_lc, configure_ld, version};

pub static AAC_LC: Codec<Pcm> = Codec {
    variants: || at_bitrates(&[96_000, 256_000]),
    ..aac("AAC-LC", Bitrates::Span(12_000, 576_000), configure_lc)
};

pub static HE_AAC: Codec<Pcm> = Codec {
    variants: || at_bitrates(&[64_000, 128_000]),
    ..aac("HE-AAC", Bitrates::Span(12_100, 288_000), configure_he)
};

pub static AAC_LD: Codec<Pcm> = aac("AAC-LD", Bitrates::Span(24_800, 1_228_800), configure_ld);

pub static AAC_ELD: Codec<Pcm> = aac("AAC-ELD", Bitrates::Span(24_800, 1_228_800), configure_eld);

/// What the four have alike.
const fn aac(name: &'static str, bitrates: Bitrates, configure: Configure<Pcm>) -> Codec<Pcm> {
    Codec {
        name,
        version,
        licence: Licence { code: "FDK-AAC", terms: Terms::Fees },
        feature: Some(Feature { name: "aac-fdk", built: cfg!(feature = "aac-fdk") }),
        range: storage::range(bitrates),
        rtp: None,
        plc: "libfdk-aac: noise with the spectrum of the last frame",
        fec: "",
        configure,
        variants: || at_bitrates(&[96_000, 192_000]),
    }
}
