//! VP8: its settings and its patterns of references, as libwebrtc's default temporal layers.

use super::kind::Kind;
use super::raw::Set;
use super::running::{self, VpxDecoder, VpxEncoder};
use crate::codec::api::{Decoder, Encoder, Knob, Observed, Request, Settings, Unit};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers::{Step, step};
use crate::error::Result;
use crate::media::{Picture, PictureFormat};

/// `max-fr` and `max-fs` (RFC 7741, section 6.1) are all that there is. Complexity 10 is speed -4, libwebrtc's for small
/// pictures, 8 is -6, its usual one, 0 is -14.
pub(super) fn settle(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    let speed = |complexity| i64::from(complexity) - 14;
    let mut settings = running::settle(Kind::Vp8, request, clip, |_, _| Read::Unknown, speed)?;
    let screen = settings.text("mode") == "screen";
    settings.knobs.extend([
        ("min_q", Knob::Int(if screen { 12 } else { 2 })),
        ("max_q", Knob::Int(56)),
        ("static_threshold", Knob::Int(if screen { 100 } else { 1 })),
    ]);
    Ok(settings)
}

pub(super) fn encoder(settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
    let mut encoder = VpxEncoder::new(Kind::Vp8, settings, pattern(settings.int("layers")), (100, 15))?;
    // Unlike Chrome, which denoises camera pictures: the noise is the clip's own.
    encoder.vpx.set(Set::NoiseSensitivity, 0)?;
    encoder.vpx.set(Set::TokenPartitions, 0)?;
    encoder.vpx.set(Set::ScreenContent, if settings.text("mode") == "screen" { 2 } else { 0 })?;
    Ok(Box::new(encoder))
}

pub(super) fn decoder(settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
    Ok(Box::new(VpxDecoder::new(Kind::Vp8, settings)?))
}

pub(super) fn observe(settings: &Settings<Picture>, units: &[Unit]) -> Observed {
    running::observe(Kind::Vp8, settings, units)
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
