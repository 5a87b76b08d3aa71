//! What VP8 and VP9 have in common, by libvpx.

use super::header::Header;
use super::kind::Kind;
use super::raw::{self, Set};
use crate::codec::api::{
    Coded, Decoder, Encoder, Feedback, Input, Observed, ObservedPictures, Request, Settings, Unit, on_off,
};
use crate::codec::video::caps::max_fr_and_fs;
use crate::codec::video::configure::{self, Basis, Mode};
use crate::codec::video::fmtp::{self, Read};
use crate::codec::video::layers::{self, Pattern, Step};
use crate::codec::video::observe;
use crate::error::{Error, Result};
use crate::media::{Footage, FrameRate, Picture, PictureFormat};
use crate::units::Time;

/// Below it libwebrtc takes more time for a picture: 352x288, in luma samples.
const SMALL: usize = 352 * 288;

pub(super) fn version() -> String {
    format!("libvpx {} through libvpx-native-sys 5.0.17", raw::version())
}

/// What both are set to.
#[derive(Debug)]
pub(super) struct VpxParameters {
    pub mode: Mode,
    /// libvpx's `cpu-used`.
    pub speed: i32,
    pub error_resilient: bool,
    /// Quantisers of 0 to 63.
    pub min_q: u32,
    pub max_q: u32,
    pub static_threshold: i32,
}

/// Fill of the buffer in percent below which pictures are dropped.
const DROP_THRESHOLD: u32 = 30;

impl VpxParameters {
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        vec![
            ("drop_threshold", DROP_THRESHOLD.to_string()),
            ("error_resilient", on_off(self.error_resilient)),
            ("max_q", self.max_q.to_string()),
            ("min_q", self.min_q.to_string()),
            ("mode", self.mode.name().into()),
            ("speed", self.speed.to_string()),
            ("static_threshold", self.static_threshold.to_string()),
            ("threads", "1".into()),
        ]
    }
}

/// What both have alike; `read` knows the codec's parameters besides `max-fr` and `max-fs`.
pub(super) fn basis(
    kind: Kind,
    request: &Request,
    clip: &PictureFormat,
    mut read: impl FnMut(&str, Option<&str>) -> Read,
) -> Result<Basis> {
    let changes = fmtp::parameters(&request.fmtp, |name, value| match name {
        "max-fr" | "max-fs" => fmtp::counted(value),
        _ => read(name, value),
    });
    let mut basis = configure::basis(kind.name(), request, clip, &max_fr_and_fs(&request.fmtp), changes)?;
    basis.whole_kilobits("libvpx takes whole kbit/s");
    Ok(basis)
}

/// The effort, 0 to 10.
pub(super) fn complexity(basis: &mut Basis, request: &Request) -> i32 {
    let default = if basis.format.luma() < SMALL { 10 } else { 8 };
    i32::from(basis.complexity(request, default))
}

/// Sizes out of key pictures; the rest as the encoder says.
pub(super) fn observe(kind: Kind, settings: &Settings<Picture>, units: &[Unit]) -> Observed {
    let headers: Vec<Header> = units.iter().filter_map(|unit| kind.header(&unit.data)).collect();
    let sizes = headers.iter().filter(|h| h.key).filter_map(|h| h.size);
    let pictures = ObservedPictures {
        profile: headers.first().filter(|_| kind == Kind::Vp9).map(|header| format!("profile {}", header.profile)),
        size: sizes.max_by_key(|(w, h)| u64::from(*w) * u64::from(*h)),
        ..observe::pictures(settings, units)
    };
    Observed { pictures: Some(pictures), ..Observed::default() }
}

pub(super) struct VpxEncoder {
    kind: Kind,
    pub(super) vpx: raw::Encoder,
    settings: Settings<Picture>,
    pattern: Pattern,
    kbps: u32,
}

impl VpxEncoder {
    pub(super) fn new(
        kind: Kind,
        parameters: &VpxParameters,
        settings: &Settings<Picture>,
        steps: &'static [Step],
        (undershoot_percent, overshoot_percent): (u32, u32),
    ) -> Result<VpxEncoder> {
        let kbps = settings.bitrate.map_or(0, |bitrate| bitrate.0 / 1000);
        let config = raw::Config {
            kind,
            width: settings.format.width,
            height: settings.format.height,
            kbps: shares(kind, settings.temporal_layers(), kbps),
            error_resilient: parameters.error_resilient,
            min_q: parameters.min_q,
            max_q: parameters.max_q,
            undershoot_percent,
            overshoot_percent,
            drop_threshold: DROP_THRESHOLD,
        };
        let mut vpx = raw::Encoder::new(&config)?;
        // Half the optimal buffer of 600 ms, in percent of a picture; libwebrtc's formula.
        let largest_key = (settings.format.rate.per_second() * 30.0).round().max(300.0);
        vpx.set(Set::CpuUsed, parameters.speed)?;
        vpx.set(Set::StaticThreshold, parameters.static_threshold)?;
        vpx.set(Set::MaxIntraPercent, largest_key as i32)?;
        Ok(VpxEncoder { kind, vpx, settings: settings.clone(), pattern: Pattern::new(steps), kbps })
    }

    /// The flags of libvpx's call for that picture. VP8 has its layer and references in them, VP9 is told beforehand.
    fn announce(&mut self, step: Step) -> Result<u32> {
        let key = if self.pattern.key_wanted() { raw::FORCE_KEY } else { 0 };
        if self.kind == Kind::Vp9 {
            if self.pattern.has_layers() {
                self.vpx.set_references(step.layer, step.reads >> 1, step.writes)?;
            }
            return Ok(key);
        }
        self.vpx.set(Set::TemporalLayer, i32::from(step.layer))?;
        if self.pattern.key_wanted() {
            return Ok(key);
        }
        // The probabilities of a picture that none refers to end with it.
        let mut flags = if step.writes == 0 { raw::FREEZE_ENTROPY } else { 0 };
        for buffer in 0..3 {
            flags |= if step.reads >> buffer & 1 == 0 { raw::NO_REFERENCE[buffer] } else { 0 };
            flags |= if step.writes >> buffer & 1 == 0 { raw::NO_UPDATE[buffer] } else { 0 };
        }
        Ok(flags)
    }

    /// What the coded picture is, by its own header.
    fn coded(&mut self, step: Step, data: &[u8]) -> Result<Coded> {
        let refuse = |reason: &str| Error::Codec { codec: self.kind.name(), reason: reason.into() };
        let header = self.kind.header(data).ok_or_else(|| refuse("the encoder made a picture without a header"))?;
        if self.pattern.key_wanted() && !header.key {
            return Err(refuse("the encoder made no key picture when asked"));
        }
        // What is said of references rests on this. With one layer libvpx refreshes its golden picture whatever it is told,
        // but there each picture needs the one before anyway.
        let told = header.key || !self.pattern.has_layers() || header.writes == step.writes;
        if !header.shown || !told || header.keeps_entropy && step.layer > 0 {
            return Err(refuse(&format!("the encoder did otherwise than told: {header:?} for {step:?}")));
        }
        Ok(self.pattern.coded(step, header.key, header.qp))
    }
}

impl Encoder<Picture> for VpxEncoder {
    fn encode(&mut self, pts: Time, frame: &Picture, out: &mut Vec<Unit>) -> Result<()> {
        let (id, step) = self.pattern.begin();
        let flags = self.announce(step)?;
        let (start, end) = (ticks(self.settings.format.rate, id), ticks(self.settings.format.rate, id + 1));
        let data = self.vpx.encode(frame, start, end - start, flags)?;
        if let Some(data) = data {
            let picture = Some(self.coded(step, &data)?);
            out.push(Unit { data, pts, duration: self.settings.frame, picture });
        }
        self.pattern.done();
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        if feedback.key_wanted {
            self.pattern.want_key();
        }
        if let Some(target) = feedback.target {
            let kbps = configure::adapted(self.settings.ceiling, target) / 1000;
            if kbps != self.kbps {
                self.vpx.set_bitrate(&shares(self.kind, self.settings.temporal_layers(), kbps))?;
                self.kbps = kbps;
            }
        }
        Ok(())
    }
}

/// When picture `index` begins, in ticks of 90 kHz.
fn ticks(rate: FrameRate, index: u64) -> u64 {
    (u128::from(index) * 90_000 * u128::from(rate.denominator) / u128::from(rate.numerator.max(1))) as u64
}

/// What each layer and those below it take of `kbps`, as libwebrtc divides it.
fn shares(kind: Kind, layers: u8, kbps: u32) -> Vec<u32> {
    match (kind, layers) {
        (Kind::Vp8, 2) => layers::divided(kbps, &[60, 100]),
        (Kind::Vp8, 3..) => layers::divided(kbps, &[40, 60, 100]),
        _ => layers::shares(layers, kbps),
    }
}

pub(super) struct VpxDecoder {
    kind: Kind,
    vpx: raw::Decoder,
    format: PictureFormat,
}

impl VpxDecoder {
    pub(super) fn new(kind: Kind, settings: &Settings<Picture>) -> Result<VpxDecoder> {
        Ok(VpxDecoder { kind, vpx: raw::Decoder::new(kind)?, format: settings.format })
    }

    fn picture(&mut self, data: &[u8]) -> Result<Picture> {
        let refuse = |reason: String| Error::Codec { codec: self.kind.name(), reason };
        let expected = (self.format.width, self.format.height);
        // Before libvpx makes room for it: in a broken header any size may stand.
        let stated = self.kind.header(data).ok_or_else(|| refuse("not a coded picture".into()))?.size;
        let wrong = |(width, height)| {
            refuse(format!("a picture of {width}x{height} where {}x{} was configured", expected.0, expected.1))
        };
        if let Some(size) = stated.filter(|size| *size != expected) {
            return Err(wrong(size));
        }
        let picture = self.vpx.decode(data)?;
        let size = (picture.width, picture.height);
        if size == expected { Ok(picture) } else { Err(wrong(size)) }
    }
}

impl Decoder<Picture> for VpxDecoder {
    /// A unit gives one picture; nothing stands in for a lost one.
    fn decode(&mut self, input: Input<'_>, out: &mut Footage) -> Result<()> {
        if let Input::Unit(data) = input {
            out.pictures.push(self.picture(data)?);
        }
        Ok(())
    }
}
