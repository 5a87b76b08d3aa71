//! VP8: its settings and its patterns of references, as libwebrtc's default temporal layers.

use super::kind::Kind;
use super::raw::Set;
use super::running::{self, VpxDecoder, VpxEncoder, VpxParameters};
use crate::codec::about::Delay;
use crate::codec::api::{Decoder, Encoder, Observed, Parameters, Request, Settings, Unit};
use crate::codec::video::configure::{Mode, no_look_ahead};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers::{Step, step};
use crate::error::Result;
use crate::media::{Picture, PictureFormat};

/// `max-fr` and `max-fs` (RFC 7741, section 6.1) are all that there is. Complexity 10 is speed -4, libwebrtc's for small
/// pictures, 8 is -6, its usual one, 0 is -14.
pub(super) fn configure(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    let mut basis = running::basis(Kind::Vp8, request, clip, |_, _| Read::Unknown)?;
    let screen = basis.mode == Mode::Screen;
    let vpx = VpxParameters {
        mode: basis.mode,
        speed: running::complexity(&mut basis, request) - 14,
        error_resilient: basis.layers > 1,
        min_q: if screen { 12 } else { 2 },
        max_q: 56,
        static_threshold: if screen { 100 } else { 1 },
    };
    Ok(basis.with(Vp8Parameters(vpx)))
}

#[derive(Debug)]
struct Vp8Parameters(VpxParameters);

impl Parameters<Picture> for Vp8Parameters {
    fn encoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
        let Vp8Parameters(vpx) = self;
        let mut encoder = VpxEncoder::new(Kind::Vp8, vpx, settings, pattern(settings.temporal_layers()), (100, 15))?;
        // Unlike Chrome, which denoises camera pictures: the noise is the clip's own.
        encoder.vpx.set(Set::NoiseSensitivity, 0)?;
        encoder.vpx.set(Set::TokenPartitions, 0)?;
        encoder.vpx.set(Set::ScreenContent, if vpx.mode == Mode::Screen { 2 } else { 0 })?;
        Ok(Box::new(encoder))
    }

    fn decoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
        Ok(Box::new(VpxDecoder::new(Kind::Vp8, settings)?))
    }

    fn observe(&self, settings: &Settings<Picture>, units: &[Unit]) -> Observed {
        running::observe(Kind::Vp8, settings, units)
    }

    fn delay(&self, _: &Settings<Picture>) -> Delay {
        no_look_ahead()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        self.0.shown()
    }
}

/// 1: the last picture, which holds layer 0. 2: the golden picture, which holds layer 1 or the key picture.
fn pattern(layers: u8) -> &'static [Step] {
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
