//! H.264 (Rec. ITU-T H.264) as WebRTC sends it (RFC 6184, RFC 7742), by openh264 with libwebrtc's settings: constant
//! bitrate, pictures dropped when it cannot be held, key pictures only when asked for, one to three temporal layers.
//!
//! A unit is one access unit in a byte stream (Annex B), with both parameter sets before each key picture. Key pictures are
//! IDR pictures. `configure` maps the fmtp line to the encoder, `syntax` reads headers.

#[cfg(feature = "video")]
mod configure;
#[cfg(feature = "video")]
mod raw;
#[cfg(feature = "video")]
mod references;
#[cfg(feature = "video")]
mod running;
#[cfg(feature = "video")]
mod syntax;

use crate::codec::about::{Feature, Licence, Range, RtpFormat, Terms};
#[cfg(not(feature = "video"))]
use crate::codec::absent as running;
use crate::codec::api::Codec;
use crate::media::Picture;
use crate::rtp;

pub static H264: Codec<Picture> = Codec {
    name: "H264",
    version: running::version,
    licence: Licence { code: "BSD-2-Clause", terms: Terms::Fees },
    feature: Some(Feature::VIDEO),
    range: Range { fmtp: &["profile-level-id", "packetization-mode", "level-asymmetry-allowed"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "H264",
        payload_type: 102,
        source: "RFC 6184",
        payload: Some(&rtp::h264::H264),
        // RFC 6184, section 8.2.2: profile and packetization mode are the same in both.
        offers_fmtp: true,
        ..RtpFormat::VIDEO
    }),
    plc: "the last picture stays",
    fec: "",
    configure: running::configure,
    variants: Vec::new,
};
