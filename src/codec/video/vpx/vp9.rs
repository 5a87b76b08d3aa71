//! VP9: its settings and its patterns of references, as libwebrtc's structures L1T1, L1T2 and L1T3.

use super::kind::Kind;
use super::raw::Set;
use super::running::{self, VpxDecoder, VpxEncoder};
use crate::codec::api::{ChangeKind, Decoder, Encoder, Knob, Observed, Request, Settings, Unit};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers;
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};

/// The parameters of RFC 9628, section 6: `profile-id`, `max-fr`, `max-fs`. Complexity 10 is speed 5, libwebrtc's for small
/// pictures, 8 is 7, its usual one, 6 and less is 9.
///
/// # Errors
/// [`Error::Usage`]: a profile other than 0, since pictures here are 8-bit 4:2:0.
pub(super) fn settle(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
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
    let mut settings =
        running::settle(Kind::Vp9, request, clip, read, |complexity| i64::from(15 - complexity.clamp(6, 10)))?;
    let screen = settings.text("mode") == "screen";
    settings.knobs.extend([
        ("profile", Knob::Int(0)),
        ("min_q", Knob::Int(if screen { 8 } else { 2 })),
        ("max_q", Knob::Int(52)),
        ("static_threshold", Knob::Int(1)),
        ("aq_mode", Knob::Int(3)),
    ]);
    Ok(settings)
}

pub(super) fn encoder(settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
    let layers = settings.int("layers");
    let mut encoder = VpxEncoder::new(Kind::Vp9, settings, layers::structure(layers), (50, 50))?;
    let vpx = &mut encoder.vpx;
    if layers > 1 {
        vpx.set(Set::Svc, 1)?;
        vpx.set_layer_quantisers(settings.int("min_q") as u32, settings.int("max_q") as u32)?;
    }
    vpx.set(Set::AqMode, settings.int("aq_mode") as i32)?;
    vpx.set(Set::FrameParallel, 0)?;
    vpx.set(Set::NoiseSensitivityOfVp9, 0)?;
    vpx.set(Set::TileColumns, 0)?;
    vpx.set(Set::RowThreads, 0)?;
    vpx.set(Set::TuneContent, i32::from(settings.text("mode") == "screen"))?;
    Ok(Box::new(encoder))
}

pub(super) fn decoder(settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
    Ok(Box::new(VpxDecoder::new(Kind::Vp9, settings)?))
}

pub(super) fn observe(settings: &Settings<Picture>, units: &[Unit]) -> Observed {
    running::observe(Kind::Vp9, settings, units)
}
