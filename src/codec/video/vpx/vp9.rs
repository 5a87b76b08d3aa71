//! VP9: its settings and its patterns of references, as libwebrtc's structures L1T1, L1T2 and L1T3.

use super::{Kind, VpxDecoder, VpxEncoder, raw::Set};
use crate::codec::about::{Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{ChangeKind, Codec, Knob, Request, Settings};
use crate::codec::video::fmtp::Read;
use crate::codec::video::layers;
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};
use crate::rtp;

pub static VP9: Codec<Picture> = Codec {
    name: "VP9",
    version: super::version,
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: Range { fmtp: &["profile-id", "max-fr", "max-fs"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| "VP9",
        payload_type: 98,
        source: "RFC 9628",
        payload: Some(&rtp::vp9::VP9),
        ..RtpFormat::VIDEO
    }),
    plc: "the last picture stays",
    fec: "",
    settle,
    encoder: |settings| Ok(Box::new(encoder(settings)?)),
    decoder: |settings| Ok(Box::new(VpxDecoder::new(Kind::Vp9, settings)?)),
    observe: |settings, units| super::observe(Kind::Vp9, settings, units),
    variants: Vec::new,
    delay: |_| Delay { source: "real-time mode: no look-ahead", ..Delay::default() },
};

/// The parameters of RFC 9628, section 6: `profile-id`, `max-fr`, `max-fs`. Complexity 10 is speed 5, libwebrtc's for small
/// pictures, 8 is 7, its usual one, 6 and less is 9.
///
/// # Errors
/// [`Error::Usage`]: a profile other than 0, since pictures here are 8-bit 4:2:0.
fn settle(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
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
        super::settle(Kind::Vp9, request, clip, read, |complexity| i64::from(15 - complexity.clamp(6, 10)))?;
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

fn encoder(settings: &Settings<Picture>) -> Result<VpxEncoder> {
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
    Ok(encoder)
}
