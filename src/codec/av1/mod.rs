//! AV1 as WebRTC sends it (AV1 RTP payload format), coded by libaom with libwebrtc's real-time settings: constant bitrate,
//! pictures dropped when the buffer runs low, key pictures only when asked for, one to three temporal layers. Decoded by
//! rav1d.
//!
//! A unit is one temporal unit in the low-overhead format, without its temporal delimiter, which RTP does not carry; a
//! sequence header is before each key picture. `settle` maps the fmtp line to the encoder, `obu` reads headers.

mod decoder_raw;
mod encoder_raw;
mod obu;
mod settle;

use super::{
    Codec, Coded, Decoder, Delay, Encoder, Feedback, Input, Licence, Observed, ObservedPictures, Range, RtpFormat,
    Settings, Terms, Unit, video_observe, video_settle,
};
use crate::error::{Error, Result};
use crate::media::{Footage, Picture, PictureFormat};
use crate::units::{Bitrate, Time};
use encoder_raw::Step;

const NAME: &str = "AV1";

pub static AV1: Codec<Picture> = Codec {
    name: NAME,
    version: || {
        let (encoder, decoder) = (encoder_raw::version(), decoder_raw::version());
        format!("libaom {encoder} through libaom-sys 0.17.2, rav1d 1.1.0 of dav1d {decoder}")
    },
    licence: Licence { code: "BSD-2-Clause", terms: Terms::Open },
    feature: None,
    range: Range { fmtp: &["profile", "level-idx", "tier"], ..Range::VIDEO },
    rtp: Some(RtpFormat {
        encoding: |_| NAME,
        payload_type: 45,
        source: "AOMedia, RTP Payload Format for AV1",
        ..RtpFormat::VIDEO
    }),
    plc: "the last picture stays",
    fec: "",
    settle: settle::settle,
    encoder: |settings| Ok(Box::new(Av1Encoder::new(settings)?)),
    decoder: |settings| Ok(Box::new(Av1Decoder::new(settings)?)),
    observe,
    variants: Vec::new,
    delay: |_| Delay { source: "real-time mode: no look-ahead", ..Delay::default() },
};

/// Profile, level and size out of the sequence headers; the layers and quantisers as the encoder says.
fn observe(settings: &Settings<Picture>, units: &[Unit]) -> Observed {
    let sequences: Vec<obu::Sequence> = units.iter().filter_map(|unit| obu::sequence(&unit.data)).collect();
    let sizes = sequences.iter().map(|sequence| sequence.size);
    let pictures = ObservedPictures {
        profile: sequences.first().map(obu::Sequence::profile_name),
        level: sequences.first().map(obu::Sequence::level_name),
        size: sizes.max_by_key(|(w, h)| u64::from(*w) * u64::from(*h)),
        key_frames: units.iter().filter(|unit| obu::is_key(&unit.data) == Some(true)).count() as u32,
        ..video_observe::pictures(settings, units)
    };
    Observed { pictures: Some(pictures), ..Observed::default() }
}

/// What the pictures after a key picture do, over and over, as libwebrtc's structures L1T2 and L1T3: with two layers only
/// layer 0 is referred to; with three, layer 1 has a buffer too, which the second picture of layer 2 refers to.
fn pattern(layers: i64) -> &'static [Step] {
    const TWO: [Step; 2] = [step(0, 0, Some(0)), step(1, 0, None)];
    const THREE: [Step; 4] = [step(0, 0, Some(0)), step(2, 0, None), step(1, 0, Some(1)), step(2, 1, None)];
    match layers {
        ..=1 => &[],
        2 => &TWO,
        _ => &THREE,
    }
}

const fn step(layer: u8, reads: u8, writes: Option<u8>) -> Step {
    Step { layer, reads, writes }
}

struct Av1Encoder {
    aom: encoder_raw::Encoder,
    settings: Settings<Picture>,
    /// Empty with one layer: the encoder then chooses what it refers to.
    pattern: &'static [Step],
    /// Place of the next picture in the pattern.
    place: usize,
    /// Number of the picture that began this round of the pattern.
    round: u64,
    /// Number of the next picture.
    next: u64,
    /// The coded pictures that lie in the buffers; with one layer, the last picture.
    buffers: [Option<(u64, u8)>; 2],
    key_wanted: bool,
    kbps: u32,
}

impl Av1Encoder {
    fn new(settings: &Settings<Picture>) -> Result<Av1Encoder> {
        let layers = settings.int("layers");
        let kbps = settings.bitrate.map_or(0, |bitrate| bitrate.0 / 1000);
        let aom = encoder_raw::Encoder::new(&encoder_raw::Config {
            width: settings.format.width,
            height: settings.format.height,
            kbps: shares(layers, kbps),
            speed: settings.int("speed") as i32,
            min_q: settings.int("min_q") as u32,
            max_q: settings.int("max_q") as u32,
            drop_threshold: settings.int("drop_threshold") as u32,
            screen: settings.text("mode") == "screen",
        })?;
        Ok(Av1Encoder {
            aom,
            settings: settings.clone(),
            pattern: pattern(layers),
            place: 0,
            round: 0,
            next: 0,
            buffers: [None; 2],
            key_wanted: true,
            kbps,
        })
    }

    /// What the next picture does. The buffer of layer 1 is not read if it was not replaced since the round began, because
    /// that picture was dropped: a receiver that just joined the layer may miss what it holds.
    fn step(&self) -> Option<Step> {
        let first = self.pattern.first()?;
        let mut step = if self.key_wanted { *first } else { self.pattern[self.place] };
        if step.reads == 1 && self.buffers[1].is_none_or(|(id, _)| id < self.round) {
            step.reads = 0;
        }
        Some(step)
    }

    /// What the coded picture `id` is, by its own header and the buffers before it; then the buffers after it.
    fn coded(&mut self, id: u64, step: Option<Step>, data: &[u8], quantiser: u8) -> Result<Coded> {
        let refuse = |reason: &str| Error::Codec { codec: NAME, reason: reason.into() };
        let key = obu::is_key(data).ok_or_else(|| refuse("the encoder made a temporal unit without a frame"))?;
        if self.key_wanted && !key {
            return Err(refuse("the encoder made no key picture when asked"));
        }
        if key {
            (self.place, self.round, self.key_wanted) = (0, id, false);
            self.buffers = [Some((id, 0)); 2];
            return Ok(Coded { id, key, layer: 0, depends_on: Vec::new(), switch: true, qp: Some(quantiser) });
        }
        // With one layer the encoder keeps older references too, but all of them are behind the picture before, whose
        // probabilities each picture needs.
        let step = step.unwrap_or(Step { layer: 0, reads: 0, writes: Some(0) });
        let reference = self.buffers[usize::from(step.reads)];
        let (before, of_layer) = reference.ok_or_else(|| refuse("the encoder began without a key picture"))?;
        if let Some(buffer) = step.writes {
            self.buffers[usize::from(buffer)] = Some((id, step.layer));
        }
        let switch = step.layer > 0 && of_layer == 0;
        Ok(Coded { id, key, layer: step.layer, depends_on: vec![before], switch, qp: Some(quantiser) })
    }
}

impl Encoder<Picture> for Av1Encoder {
    fn encode(&mut self, pts: Time, frame: &Picture, out: &mut Vec<Unit>) -> Result<()> {
        let id = self.next;
        if self.place == 0 {
            self.round = id;
        }
        let step = self.step();
        // In ticks of 90 kHz.
        let ticks = |id: u64| (self.settings.format.rate.at(id as usize).as_nanos() * 9 / 100_000) as u64;
        let (start, end) = (ticks(id), ticks(id + 1));
        let made = self.aom.encode(frame, (start, end - start), self.key_wanted, step)?;
        self.next += 1;
        if let Some(made) = made {
            let data = obu::without_delimiters(&made.data);
            let picture = Some(self.coded(id, step, &data, made.quantiser)?);
            out.push(Unit { data, pts, duration: self.settings.frame, picture });
        }
        self.place = (self.place + 1) % self.pattern.len().max(1);
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        self.key_wanted |= feedback.key_wanted;
        if let Some(target) = feedback.target {
            let Bitrate(bitrate) = Bitrate(video_settle::adapted(&self.settings, target));
            let kbps = bitrate / 1000;
            if kbps != self.kbps {
                self.aom.set_bitrate(&shares(self.settings.int("layers"), kbps))?;
                self.kbps = kbps;
            }
        }
        Ok(())
    }
}

/// What each layer and those below it take of `kbps`, as libwebrtc divides it: 1 : 0.55, and 1 : 0.55^2 : 0.55 in the order
/// of the layers.
fn shares(layers: i64, kbps: u32) -> Vec<u32> {
    let percent: &[u32] = match layers {
        ..=1 => &[100],
        2 => &[65, 100],
        _ => &[54, 70, 100],
    };
    percent.iter().map(|percent| (u64::from(kbps) * u64::from(*percent) / 100) as u32).collect()
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
            let reason = format!("a picture of {}x{} where {}x{} was settled", is.0, is.1, expected.0, expected.1);
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
