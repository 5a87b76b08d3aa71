//! VP8 (RFC 6386) and VP9 as WebRTC sends them (RFC 7741, RFC 9628), by libvpx with libwebrtc's real-time settings: constant
//! bitrate, pictures dropped when the buffer runs low, key pictures only when asked for, one to three temporal layers.
//!
//! `running` has what both have in common; `vp8` and `vp9` have the settings, the patterns of references and the rest.

#[cfg(feature = "video")]
mod header;
#[cfg(feature = "video")]
mod kind;
#[cfg(feature = "video")]
mod raw;
#[cfg(feature = "video")]
mod running;
#[cfg(feature = "video")]
mod vp8;
#[cfg(feature = "video")]
mod vp9;

use crate::codec::about::{Feature, Licence, Range, RtpFormat, Terms};
use crate::codec::api::Codec;
#[cfg(not(feature = "video"))]
use crate::codec::{absent as running, absent as vp8, absent as vp9};
use crate::media::Picture;
use crate::rtp;

pub static VP8: Codec<Picture> = Codec {
    name: "VP8",
    range: Range { fmtp: &["max-fr", "max-fs"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "VP8",
        payload_type: 96,
        source: "RFC 7741",
        payload: Some(&rtp::vp8::VP8),
        ..RtpFormat::VIDEO
    }),
    configure: vp8::configure,
    ..BY_LIBVPX
};

pub static VP9: Codec<Picture> = Codec {
    name: "VP9",
    range: Range { fmtp: &["profile-id", "max-fr", "max-fs"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "VP9",
        payload_type: 98,
        source: "RFC 9628",
        payload: Some(&rtp::vp9::VP9),
        ..RtpFormat::VIDEO
    }),
    configure: vp9::configure,
    ..BY_LIBVPX
};

/// What both have alike, to be completed.
const BY_LIBVPX: Codec<Picture> = Codec {
    name: "",
    version: running::version,
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: Some(Feature::VIDEO),
    range: Range::VIDEO,
    rtp: None,
    plc: "the last picture stays",
    fec: "",
    configure: vp8::configure,
    variants: Vec::new,
};
