//! Speex in narrowband, wideband and ultra-wideband, 8, 16 and 32 kHz (RFC 5574). Needs the feature `speex`.

mod bands;
#[cfg(feature = "speex")]
mod raw;
#[cfg(feature = "speex")]
mod running;

use crate::codec::about::{Feature, Licence, RtpFormat, Terms};
#[cfg(not(feature = "speex"))]
use crate::codec::absent as running;
use crate::codec::api::{Codec, Request};
use crate::media::Pcm;
use crate::units::Bitrate;
use bands::{BANDS, Band, RANGE};

pub static SPEEX: Codec<Pcm> = Codec {
    name: "speex",
    version: running::version,
    licence: Licence { code: "MPL-2.0 AND BSD-3-Clause", terms: Terms::Open },
    feature: Some(Feature { name: "speex", built: cfg!(feature = "speex") }),
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "speex",
        payload_type: 105,
        clock_rate: |sample_rate| sample_rate,
        channels: |_| 1,
        source: "RFC 5574",
        ..RtpFormat::AUDIO
    }),
    plc: "the decoder's own, the excitation repeated by its pitch and muted",
    fec: "",
    configure: running::configure,
    variants: || {
        let variant = |band: &Band| Request {
            mode: Some(band.mode.into()),
            bitrate: band.bitrates.last().copied().map(Bitrate),
            ..Request::default()
        };
        BANDS.iter().map(|band| (format!("{} Hz", band.sample_rate), variant(band))).collect()
    },
};
