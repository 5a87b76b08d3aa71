//! H.264 by openh264: its encoder and decoder, and what its packets show.

pub(super) use super::configure::configure;
use super::configure::{FRAME_SKIP, H264Parameters};
use super::raw;
use super::references::References;
use super::syntax::{self, NAME, Pps, Slice, Sps};
use crate::codec::about::Delay;
use crate::codec::api::{
    Coded, Decoder, Encoder, Feedback, Input, Observed, ObservedPictures, Parameters, Settings, Unit, on_off,
};
use crate::codec::video::configure::{Mode, adapted, no_look_ahead};
use crate::codec::video::observe;
use crate::error::{Error, Result};
use crate::media::{Footage, Picture, PictureFormat};
use crate::units::{Bitrate, Time};
use std::collections::BTreeMap;

pub(super) fn version() -> String {
    format!("openh264 {} through openh264-sys2 0.9.9", raw::version())
}

impl Parameters<Picture> for H264Parameters {
    fn encoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
        Ok(Box::new(H264Encoder::new(self, settings)?))
    }

    fn decoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
        Ok(Box::new(H264Decoder { openh264: raw::Decoder::new()?, format: settings.format }))
    }

    /// Profile, level and size out of the sequence parameter sets; the layers and quantisers as the encoder says.
    fn observe(&self, settings: &Settings<Picture>, units: &[Unit]) -> Observed {
        let sets = |unit: &Unit| {
            let of_kind = |nal: &&[u8]| syntax::kind(nal) == syntax::SPS;
            syntax::nal_units(&unit.data).into_iter().find(of_kind).and_then(Sps::read)
        };
        let sets: Vec<Sps> = units.iter().filter_map(sets).collect();
        let key = |unit: &&Unit| syntax::nal_units(&unit.data).iter().any(|nal| syntax::kind(nal) == syntax::IDR);
        let pictures = ObservedPictures {
            profile: sets.first().map(Sps::profile),
            level: sets.first().map(Sps::level),
            size: sets.iter().map(|set| set.size).max_by_key(|(w, h)| u64::from(*w) * u64::from(*h)),
            key_frames: units.iter().filter(key).count() as u32,
            ..observe::pictures(settings, units)
        };
        Observed { pictures: Some(pictures), ..Observed::default() }
    }

    fn delay(&self, _: &Settings<Picture>) -> Delay {
        no_look_ahead()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![
            ("complexity", self.complexity.to_string()),
            ("entropy", if self.profile.cabac { "CABAC" } else { "CAVLC" }.into()),
            ("frame_skip", on_off(FRAME_SKIP)),
            ("level", self.level.name.into()),
            ("level_idc", self.level.idc.to_string()),
            ("mode", self.mode.name().into()),
            ("packetization_mode", if self.slice_bytes.is_some() { "0" } else { "1" }.into()),
            ("profile", self.profile.name.into()),
            ("slice_bytes", self.slice_bytes.unwrap_or_default().to_string()),
            ("threads", "1".into()),
        ]
    }
}

struct H264Encoder {
    openh264: raw::Encoder,
    settings: Settings<Picture>,
    headers: Headers,
    references: References,
    /// Layers of the pictures that may still be referred to.
    layers: BTreeMap<u64, u8>,
    /// Number of the next picture.
    next: u64,
    key_wanted: bool,
    bitrate: u32,
}

impl H264Encoder {
    fn new(parameters: &H264Parameters, settings: &Settings<Picture>) -> Result<H264Encoder> {
        let H264Parameters { mode, profile, level, slice_bytes, complexity } = *parameters;
        let bitrate = settings.bitrate.map_or(0, |bitrate| bitrate.0);
        let openh264 = raw::Encoder::new(&raw::Config {
            width: settings.format.width,
            height: settings.format.height,
            rate: settings.format.rate.per_second() as f32,
            bitrate,
            layers: settings.temporal_layers(),
            screen: mode == Mode::Screen,
            complexity,
            profile_idc: profile.idc,
            level_idc: level.idc,
            cabac: profile.cabac,
            frame_skip: FRAME_SKIP,
            slice: slice_bytes,
        })?;
        Ok(H264Encoder {
            openh264,
            settings: settings.clone(),
            headers: Headers::default(),
            references: References::default(),
            layers: BTreeMap::new(),
            next: 0,
            key_wanted: false,
            bitrate,
        })
    }

    /// What the coded picture `id` is, by its own headers and the pictures before it.
    fn coded(&mut self, id: u64, layer: u8, data: &[u8]) -> Result<Coded> {
        let refuse = |reason: &str| Error::Codec { codec: NAME, reason: reason.into() };
        let headers = self.headers.read(data).ok_or_else(|| refuse("the encoder made a picture of unknown headers"))?;
        let Some((sps, slice)) = headers else { return Err(refuse("the encoder made an access unit without a slice")) };
        let depends_on = self
            .references
            .next(id, &slice, sps)
            .ok_or_else(|| refuse("the encoder refers to a picture that is no reference"))?;
        if slice.idr {
            self.layers.clear();
        }
        let of_base = |id: &u64| self.layers.get(id).is_some_and(|layer| *layer == 0);
        let switch = slice.idr || layer > 0 && depends_on.iter().all(of_base);
        if slice.reference {
            self.layers.insert(id, layer);
        }
        self.key_wanted &= !slice.idr;
        Ok(Coded { id, key: slice.idr, layer, depends_on, switch, qp: Some(slice.quantiser) })
    }
}

impl Encoder<Picture> for H264Encoder {
    fn encode(&mut self, pts: Time, frame: &Picture, out: &mut Vec<Unit>) -> Result<()> {
        let id = self.next;
        if self.key_wanted {
            self.openh264.force_key()?;
        }
        let ms = self.settings.format.rate.at(id as usize).as_millis() as i64;
        let made = self.openh264.encode(frame, ms)?;
        self.next += 1;
        if let Some(made) = made {
            let picture = Some(self.coded(id, made.layer, &made.data)?);
            out.push(Unit { data: made.data, pts, duration: self.settings.frame, picture });
        }
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        self.key_wanted |= feedback.key_wanted;
        if let Some(target) = feedback.target {
            let Bitrate(bitrate) = Bitrate(adapted(self.settings.ceiling, target));
            if bitrate != self.bitrate {
                self.openh264.set_bitrate(bitrate)?;
                self.bitrate = bitrate;
            }
        }
        Ok(())
    }
}

/// The parameter sets that hold.
#[derive(Default)]
struct Headers {
    sps: Option<Sps>,
    pps: Option<Pps>,
}

impl Headers {
    /// The first slice of an access unit with its sequence parameter set; `Some(None)`: it has none, `None`: it cannot be
    /// read.
    fn read(&mut self, data: &[u8]) -> Option<Option<(&Sps, Slice)>> {
        let mut first = None;
        for unit in syntax::nal_units(data) {
            match syntax::kind(unit) {
                syntax::SPS => self.sps = Some(Sps::read(unit)?),
                syntax::PPS => self.pps = Some(Pps::read(unit)?),
                syntax::SLICE | syntax::IDR => {
                    first = Some(Slice::read(unit, self.sps.as_ref()?, self.pps.as_ref()?)?);
                    break;
                }
                _ => {}
            }
        }
        Some(self.sps.as_ref().zip(first))
    }
}

struct H264Decoder {
    openh264: raw::Decoder,
    format: PictureFormat,
}

impl H264Decoder {
    fn picture(&mut self, data: &[u8]) -> Result<Picture> {
        let expected = (self.format.width, self.format.height);
        let fits = |(width, height): (u32, u32)| match (width, height) == expected {
            true => Ok(()),
            false => {
                let (w, h) = expected;
                Err(Error::Codec {
                    codec: NAME,
                    reason: format!("a picture of {width}x{height} where {w}x{h} was configured"),
                })
            }
        };
        // Before openh264 makes room for it: in a broken header any size may stand.
        let units = syntax::nal_units(data);
        for unit in units.iter().filter(|unit| syntax::kind(unit) == syntax::SPS) {
            let sps = Sps::read(unit);
            let sps = sps.ok_or_else(|| Error::Codec { codec: NAME, reason: "a broken parameter set".into() })?;
            fits(sps.size)?;
        }
        if !units.iter().any(|unit| matches!(syntax::kind(unit), syntax::SLICE | syntax::IDR)) {
            return Err(Error::Codec { codec: NAME, reason: "not a coded picture".into() });
        }
        let picture = self.openh264.decode(data)?;
        fits((picture.width, picture.height))?;
        Ok(picture)
    }
}

impl Decoder<Picture> for H264Decoder {
    /// A unit gives one picture; nothing stands in for a lost one.
    fn decode(&mut self, input: Input<'_>, out: &mut Footage) -> Result<()> {
        if let Input::Unit(data) = input {
            out.pictures.push(self.picture(data)?);
        }
        Ok(())
    }
}
