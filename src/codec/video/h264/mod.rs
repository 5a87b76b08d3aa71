//! H.264 (Rec. ITU-T H.264) as WebRTC sends it (RFC 6184, RFC 7742), by openh264 with libwebrtc's settings: constant
//! bitrate, pictures dropped when it cannot be held, key pictures only when asked for, one to three temporal layers.
//!
//! A unit is one access unit in a byte stream (Annex B), with both parameter sets before each key picture. Key pictures are
//! IDR pictures. `settle` maps the fmtp line to the encoder, `syntax` reads headers.

#[cfg(feature = "video")]
mod raw;
#[cfg(feature = "video")]
mod references;
#[cfg(feature = "video")]
mod running;
#[cfg(feature = "video")]
mod settle;
#[cfg(feature = "video")]
mod syntax;

#[cfg(not(feature = "video"))]
use crate::codec::absent as running;
use crate::codec::{Codec, Delay, Feature, Licence, Range, RtpFormat, Terms};
use crate::media::Picture;

const NAME: &str = "H264";

pub static H264: Codec<Picture> = Codec {
    name: NAME,
    version: running::version,
    licence: Licence { code: "BSD-2-Clause", terms: Terms::Fees },
    feature: Some(Feature::VIDEO),
    range: Range { fmtp: &["profile-level-id", "packetization-mode", "level-asymmetry-allowed"], ..Range::VIDEO },
    rtp: Some(RtpFormat { encoding: |_| NAME, payload_type: 102, source: "RFC 6184", ..RtpFormat::VIDEO }),
    plc: "the last picture stays",
    fec: "",
    settle: running::settle,
    encoder: running::encoder,
    decoder: running::decoder,
    observe: running::observe,
    variants: Vec::new,
    delay: |_| Delay { source: "real-time mode: no look-ahead", ..Delay::default() },
};
