//! AV1 as WebRTC sends it (AV1 RTP payload format), coded by libaom with libwebrtc's real-time settings: constant bitrate,
//! pictures dropped when the buffer runs low, key pictures only when asked for, one to three temporal layers. Decoded by
//! rav1d.
//!
//! A unit is one temporal unit in the low-overhead format, without its temporal delimiter, which RTP does not carry; a
//! sequence header is before each key picture. `configure` maps the fmtp line to the encoder, `obu` reads headers.

#[cfg(feature = "video")]
mod configure;
#[cfg(feature = "video")]
mod decoder_raw;
#[cfg(feature = "video")]
mod encoder_raw;
#[cfg(feature = "video")]
mod obu;
#[cfg(feature = "video")]
mod running;

use crate::codec::about::{Feature, Licence, Range, RtpFormat, Terms};
#[cfg(not(feature = "video"))]
use crate::codec::absent as running;
use crate::codec::api::Codec;
use crate::media::Picture;
use crate::rtp;

pub static AV1: Codec<Picture> = Codec {
    name: "AV1",
    version: running::version,
    licence: Licence { code: "BSD-2-Clause", terms: Terms::Open },
    feature: Some(Feature::VIDEO),
    range: Range { fmtp: &["profile", "level-idx", "tier"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "AV1",
        payload_type: 45,
        source: "AOMedia, RTP Payload Format for AV1",
        payload: Some(&rtp::av1::AV1),
        ..RtpFormat::VIDEO
    }),
    plc: "the last picture stays",
    fec: "",
    configure: running::configure,
    variants: Vec::new,
};
