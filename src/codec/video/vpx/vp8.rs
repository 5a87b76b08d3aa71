//! VP8: its settings and its patterns of references, as libwebrtc's default temporal layers.

use super::{Kind, VpxDecoder, VpxEncoder, raw::Set};
use crate::codec::about::{Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Knob, Request, Settings};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers::{Step, step};
use crate::error::Result;
use crate::media::{Picture, PictureFormat};
use crate::rtp;

pub static VP8: Codec<Picture> = Codec {
    name: "VP8",
    version: super::version,
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: Range { fmtp: &["max-fr", "max-fs"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "VP8",
        payload_type: 96,
        source: "RFC 7741",
        payload: Some(&rtp::vp8::VP8),
        ..RtpFormat::VIDEO
    }),
    plc: "the last picture stays",
    fec: "",
    settle,
    encoder: |settings| Ok(Box::new(encoder(settings)?)),
    decoder: |settings| Ok(Box::new(VpxDecoder::new(Kind::Vp8, settings)?)),
    observe: |settings, units| super::observe(Kind::Vp8, settings, units),
    variants: Vec::new,
    delay: |_| Delay { source: "real-time mode: no look-ahead", ..Delay::default() },
};

/// `max-fr` and `max-fs` (RFC 7741, section 6.1) are all that there is. Complexity 10 is speed -4, libwebrtc's for small
/// pictures, 8 is -6, its usual one, 0 is -14.
fn settle(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    let speed = |complexity| i64::from(complexity) - 14;
    let mut settings = super::settle(Kind::Vp8, request, clip, |_, _| Read::Unknown, speed)?;
    let screen = settings.text("mode") == "screen";
    settings.knobs.extend([
        ("min_q", Knob::Int(if screen { 12 } else { 2 })),
        ("max_q", Knob::Int(56)),
        ("static_threshold", Knob::Int(if screen { 100 } else { 1 })),
    ]);
    Ok(settings)
}

fn encoder(settings: &Settings<Picture>) -> Result<VpxEncoder> {
    let mut encoder = VpxEncoder::new(Kind::Vp8, settings, pattern(settings.int("layers")), (100, 15))?;
    // Unlike Chrome, which denoises camera pictures: the noise is the clip's own.
    encoder.vpx.set(Set::NoiseSensitivity, 0)?;
    encoder.vpx.set(Set::TokenPartitions, 0)?;
    encoder.vpx.set(Set::ScreenContent, if settings.text("mode") == "screen" { 2 } else { 0 })?;
    Ok(encoder)
}

/// 1: the last picture, which holds layer 0. 2: the golden picture, which holds layer 1 or the key picture.
fn pattern(layers: i64) -> &'static [Step] {
    const TWO: &[Step] = &[step(0, 1, 1), step(1, 1, 2), step(0, 1, 1), step(1, 3, 0)];
    const THREE: &[Step] = &[
        step(0, 1, 1),
        step(2, 1, 0),
        step(1, 1, 2),
        step(2, 3, 0),
        step(0, 1, 1),
        step(2, 3, 0),
        step(1, 3, 2),
        step(2, 3, 0),
    ];
    match layers {
        ..=1 => &TWO[..1],
        2 => TWO,
        _ => THREE,
    }
}
