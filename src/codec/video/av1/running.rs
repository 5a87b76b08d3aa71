//! AV1 by libaom and rav1d: its encoder and decoder, and what its packets show.

pub(super) use super::configure::configure;
use super::configure::{Av1Parameters, DROP_THRESHOLD, QUANTISERS};
use super::obu::{self, NAME};
use super::{decoder_raw, encoder_raw};
use crate::codec::about::Delay;
use crate::codec::api::{
    Coded, Decoder, Encoder, Feedback, Input, Observed, ObservedPictures, Parameters, Settings, Unit,
};
use crate::codec::video::configure::{Mode, adapted, no_look_ahead};
use crate::codec::video::layers::{self, Pattern, Step};
use crate::codec::video::observe;
use crate::error::{Error, Result};
use crate::media::{Footage, Picture, PictureFormat};
use crate::units::{Bitrate, Time};

pub(super) fn version() -> String {
    let (encoder, decoder) = (encoder_raw::version(), decoder_raw::version());
    format!("libaom {encoder} through libaom-sys 0.17.2, rav1d 1.1.0 of dav1d {decoder}")
}

impl Parameters<Picture> for Av1Parameters {
    fn encoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Encoder<Picture>>> {
        Ok(Box::new(Av1Encoder::new(self, settings)?))
    }

    fn decoder(&self, settings: &Settings<Picture>) -> Result<Box<dyn Decoder<Picture>>> {
        Ok(Box::new(Av1Decoder::new(settings)?))
    }

    /// Profile, level and size out of the sequence headers; the layers and quantisers as the encoder says.
    fn observe(&self, settings: &Settings<Picture>, units: &[Unit]) -> Observed {
        let sequences: Vec<obu::Sequence> = units.iter().filter_map(|unit| obu::sequence(&unit.data)).collect();
        let sizes = sequences.iter().map(|sequence| sequence.size);
        let pictures = ObservedPictures {
            profile: sequences.first().map(obu::Sequence::profile_name),
            level: sequences.first().map(obu::Sequence::level_name),
            size: sizes.max_by_key(|(w, h)| u64::from(*w) * u64::from(*h)),
            key_frames: units.iter().filter(|unit| obu::is_key(&unit.data) == Some(true)).count() as u32,
            ..observe::pictures(settings, units)
        };
        Observed { pictures: Some(pictures), ..Observed::default() }
    }

    fn delay(&self, _: &Settings<Picture>) -> Delay {
        no_look_ahead()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![
            ("drop_threshold", DROP_THRESHOLD.to_string()),
            ("level_idx", self.level_idx.to_string()),
            ("max_q", QUANTISERS.1.to_string()),
            ("min_q", QUANTISERS.0.to_string()),
            ("mode", self.mode.name().into()),
            ("profile", "0".into()),
            ("speed", self.speed.to_string()),
            ("threads", "1".into()),
            ("tier", u8::from(self.high_tier).to_string()),
        ]
    }
}

struct Av1Encoder {
    aom: encoder_raw::Encoder,
    settings: Settings<Picture>,
    pattern: Pattern,
    kbps: u32,
}

impl Av1Encoder {
    fn new(parameters: &Av1Parameters, settings: &Settings<Picture>) -> Result<Av1Encoder> {
        let layers = settings.temporal_layers();
        let kbps = settings.bitrate.map_or(0, |bitrate| bitrate.0 / 1000);
        let aom = encoder_raw::Encoder::new(&encoder_raw::Config {
            width: settings.format.width,
            height: settings.format.height,
            kbps: layers::shares(layers, kbps),
            speed: parameters.speed,
            min_q: QUANTISERS.0,
            max_q: QUANTISERS.1,
            drop_threshold: DROP_THRESHOLD,
            screen: parameters.mode == Mode::Screen,
        })?;
        Ok(Av1Encoder { aom, settings: settings.clone(), pattern: Pattern::new(layers::structure(layers)), kbps })
    }

    /// What the coded picture is, by its own header.
    fn coded(&mut self, step: Step, data: &[u8], quantiser: u8) -> Result<Coded> {
        let refuse = |reason: &str| Error::Codec { codec: NAME, reason: reason.into() };
        let key = obu::is_key(data).ok_or_else(|| refuse("the encoder made a temporal unit without a frame"))?;
        if self.pattern.key_wanted() && !key {
            return Err(refuse("the encoder made no key picture when asked"));
        }
        Ok(self.pattern.coded(step, key, quantiser))
    }
}

impl Encoder<Picture> for Av1Encoder {
    fn encode(&mut self, pts: Time, frame: &Picture, out: &mut Vec<Unit>) -> Result<()> {
        let (id, step) = self.pattern.begin();
        // In ticks of 90 kHz.
        let ticks = |id: u64| (self.settings.format.rate.at(id as usize).as_nanos() * 9 / 100_000) as u64;
        let (start, end) = (ticks(id), ticks(id + 1));
        // With one layer the encoder chooses what it refers to.
        let told = self.pattern.has_layers().then_some(step);
        let made = self.aom.encode(frame, (start, end - start), self.pattern.key_wanted(), told)?;
        if let Some(made) = made {
            let data = obu::without_delimiters(&made.data);
            let picture = Some(self.coded(step, &data, made.quantiser)?);
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
            let Bitrate(bitrate) = Bitrate(adapted(self.settings.ceiling, target));
            let kbps = bitrate / 1000;
            if kbps != self.kbps {
                self.aom.set_bitrate(&layers::shares(self.settings.temporal_layers(), kbps))?;
                self.kbps = kbps;
            }
        }
        Ok(())
    }
}

/// rav1d 1.1.0 ends the process when the data of a tile are broken, be it by a wrong bit or by a reference that is not the
/// right one. A call gives it neither: SRTP lets only whole packets pass, and a picture waits for what it depends on.
struct Av1Decoder {
    rav1d: decoder_raw::Decoder,
    format: PictureFormat,
}

impl Av1Decoder {
    fn new(settings: &Settings<Picture>) -> Result<Av1Decoder> {
        let luma = u32::try_from(settings.format.luma()).unwrap_or(u32::MAX);
        Ok(Av1Decoder { rav1d: decoder_raw::Decoder::new(luma)?, format: settings.format })
    }

    fn picture(&mut self, data: &[u8]) -> Result<Picture> {
        let refuse = |reason: String| Error::Codec { codec: NAME, reason };
        if !obu::is_whole(data) {
            return Err(refuse("not a whole coded picture".into()));
        }
        let picture = self.rav1d.decode(data)?;
        let (is, expected) = ((picture.width, picture.height), (self.format.width, self.format.height));
        if is != expected {
            let reason = format!("a picture of {}x{} where {}x{} was configured", is.0, is.1, expected.0, expected.1);
            return Err(refuse(reason));
        }
        Ok(picture)
    }
}

impl Decoder<Picture> for Av1Decoder {
    /// A unit gives one picture; nothing stands in for a lost one.
    fn decode(&mut self, input: Input<'_>, out: &mut Footage) -> Result<()> {
        if let Input::Unit(data) = input {
            out.pictures.push(self.picture(data)?);
        }
        Ok(())
    }
}
