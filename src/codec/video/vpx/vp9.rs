//! VP9: its settings and its patterns of references, as libwebrtc's structures L1T1, L1T2 and L1T3.

use super::kind::Kind;
use super::raw::Set;
use super::running::{self, VpxDecoder, VpxEncoder, VpxParameters};
use crate::codec::about::Delay;
use crate::codec::api::{ChangeKind, Decoder, Encoder, Observed, Parameters, Request, Settings, Unit};
use crate::codec::video::configure::{Mode, no_look_ahead};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers;
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};

/// The parameters of RFC 9628, section 6: `profile-id`, `max-fr`, `max-fs`. Complexity 10 is speed 5, libwebrtc's for small
/// pictures, 8 is 7, its usual one, 6 and less is 9.
///
/// # Errors
/// [`Error::Usage`]: a profile other than 0, since pictures here are 8-bit 4:2:0.
pub(super) fn configure(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    if let Some(profile @ ("1" | "2" | "3")) = request.fmtp.get("profile-id") {
        let text =
            format!("VP9: profile-id={profile} is not 8-bit 4:2:0, and pictures here are; profile-id=0 would be right");
        return Err(Error::usage(text));
    }
    let read = |name: &str, value: Option<&str>| match (name, value) {
        ("profile-id", Some("0")) => Read::Taken,
        ("profile-id", _) => {
            Read::Differs("0".into(), ChangeKind::Invalid, "profiles are 0 to 3, so the default holds")
        }
        _ => Read::Unknown,
    };
    let mut basis = running::basis(Kind::Vp9, request, clip, read)?;
    let vpx = VpxParameters {
        mode: basis.mode,
        speed: 15 - running::complexity(&mut basis, request).clamp(6, 10),
        error_resilient: basis.layers > 1,
        min_q: if basis.mode == Mode::Screen { 8 } else { 2 },
        max_q: 52,
        static_threshold: 1,
    };
    Ok(basis.with(Vp9Parameters(vpx)))
}

/// Cyclic refresh.
const AQ_MODE: i32 = 3;

#[derive(Debug)]
struct Vp9Parameters(VpxParameters);

impl Parameters<Picture> for Vp9Parameters {
    fn encoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
        let Vp9Parameters(parameters) = self;
        let layers = settings.temporal_layers();
        let mut encoder = VpxEncoder::new(Kind::Vp9, parameters, settings, layers::structure(layers), (50, 50))?;
        let vpx = &mut encoder.vpx;
        if layers > 1 {
            vpx.set(Set::Svc, 1)?;
            vpx.set_layer_quantisers(parameters.min_q, parameters.max_q)?;
        }
        vpx.set(Set::AqMode, AQ_MODE)?;
        vpx.set(Set::FrameParallel, 0)?;
        vpx.set(Set::NoiseSensitivityOfVp9, 0)?;
        vpx.set(Set::TileColumns, 0)?;
        vpx.set(Set::RowThreads, 0)?;
        vpx.set(Set::TuneContent, i32::from(parameters.mode == Mode::Screen))?;
        Ok(Box::new(encoder))
    }

    fn decoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
        Ok(Box::new(VpxDecoder::new(Kind::Vp9, settings)?))
    }

    fn observe(&self, settings: &Settings<Picture>, units: &[Unit]) -> Observed {
        running::observe(Kind::Vp9, settings, units)
    }

    fn delay(&self, _: &Settings<Picture>) -> Delay {
        no_look_ahead()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = self.0.shown();
        shown.extend([("aq_mode", AQ_MODE.to_string()), ("profile", "0".into())]);
        shown
    }
}
