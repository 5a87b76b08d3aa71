//! What a codec is: one static value, from which its running parts are made as boxed trait objects.

use super::about::{Delay, Feature, Licence, Range, RtpFormat};
use super::program::Program;
use crate::error::{Error, Result};
use crate::media::{Media, Pcm};
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::units::{Bitrate, Probability, Time, ms};
use serde::{Deserialize, Serialize};
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

/// A codec: what it is, and how to make its running parts.
pub struct Codec<M: Media> {
    /// What plans call it, unique in its list: the SDP encoding name where there is one ("opus", "PCMU", "G722").
    pub name: &'static str,
    /// What is inside: the library and the version that really got linked. Enters the cache key and every report.
    pub version: fn() -> String,
    pub licence: Licence,
    /// The feature that it needs; `None`: it is in every build.
    pub feature: Option<Feature>,
    pub range: Range,
    /// `None`: a storage codec, which no call carries; see [`Codec::rtp`].
    pub rtp: Option<RtpFormat>,
    /// What a lost packet is filled with, in words.
    pub plc: &'static str,
    /// What its packets can carry against loss, in words; empty: nothing.
    pub fec: &'static str,
    /// Requested to effective, each difference with its reason. Out-of-range values follow libwebrtc.
    pub configure: Configure<M>,
    /// Settings whose algorithmic delay is worth measuring: (label, request).
    pub variants: fn() -> Vec<(String, Request)>,
}

impl<M: Media> Codec<M> {
    /// Whether this build can run it.
    pub fn is_built(&self) -> bool {
        self.feature.is_none_or(|f| f.built)
    }

    /// How it travels.
    ///
    /// # Errors
    /// [`Error::Usage`]: it is a storage codec.
    pub fn rtp(&self) -> Result<RtpFormat> {
        let none = || format!("{} is a storage codec: nothing carries it in a call", self.name);
        self.rtp.ok_or_else(|| Error::usage(none()))
    }
}

/// Variants that differ in their bitrate (bit/s) alone: "96 kbit/s".
pub(super) fn at_bitrates(bitrates: &[u32]) -> Vec<(String, Request)> {
    let variant = |bitrate: &u32| {
        let bitrate = Bitrate(*bitrate);
        (bitrate.in_kilobits(), Request { bitrate: Some(bitrate), ..Request::default() })
    };
    bitrates.iter().map(variant).collect()
}

/// From what is asked and the clip's format to what the codec runs with.
pub type Configure<M> = fn(&Request, &<M as Media>::Format) -> Result<Settings<M>>;

/// What was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Request {
    pub fmtp: Fmtp,
    /// Milliseconds are fractional for Opus (2.5).
    pub ptime: Option<Duration>,
    pub bitrate: Option<Bitrate>,
    /// 0 to 10 where the encoder has such a parameter.
    pub complexity: Option<u8>,
    /// The encoder's mode where it has one; Opus: "voip", "audio", "lowdelay".
    pub mode: Option<String>,
    /// What both ends do against loss beyond what the fmtp line says.
    pub repair: Repair,
    /// Temporal layers of a video codec, 1 to 3.
    pub layers: Option<u8>,
    /// What the external codecs run.
    pub program: Option<Program>,
}

/// What the encoder and decoder are set to, and what makes them.
#[derive(Clone, Debug)]
pub struct Settings<M: Media> {
    /// What the encoder is fed and the decoder gives.
    pub format: M::Format,
    /// The media time of one call of `encode`.
    pub frame: Duration,
    /// Target bitrate, where the codec has one.
    pub bitrate: Option<Bitrate>,
    /// The most that congestion control may set; `None`: it may set nothing.
    pub ceiling: Option<Bitrate>,
    /// Temporal layers of a video codec, 1 to 3; `None` for audio.
    pub layers: Option<u8>,
    /// The codec's own.
    pub parameters: Arc<dyn Parameters<M>>,
    /// Where the effective differs from the requested, and why.
    pub changes: Vec<Change>,
}

impl<M: Media> Settings<M> {
    /// Settings of format and frame alone, everything else as `parameters` have it.
    pub fn new(format: M::Format, frame: Duration, parameters: impl Parameters<M> + 'static) -> Settings<M> {
        let parameters = Arc::new(parameters);
        Settings { format, frame, bitrate: None, ceiling: None, layers: None, parameters, changes: Vec::new() }
    }

    /// How many [`Settings::layers`] there are: 1 where nothing is said of them.
    pub fn temporal_layers(&self) -> u8 {
        self.layers.unwrap_or(1)
    }

    /// A new encoder.
    ///
    /// # Errors
    /// The library or program refuses the settings.
    pub fn encoder(&self) -> Result<Box<dyn Encoder<M>>> {
        self.parameters.encoder(self)
    }

    /// A new decoder.
    ///
    /// # Errors
    /// As [`Settings::encoder`].
    pub fn decoder(&self) -> Result<Box<dyn Decoder<M>>> {
        self.parameters.decoder(self)
    }

    /// What a sequence of packets, coded with these settings, shows of itself.
    pub fn observe(&self, units: &[Unit]) -> Observed {
        self.parameters.observe(self, units)
    }

    /// The implementation's documented delays beyond the frame.
    pub fn delay(&self) -> Delay {
        self.parameters.delay(self)
    }

    /// Names and values as reports show them. Format and frame are not among them: each kind of media shows its own.
    pub fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = self.parameters.shown();
        shown.extend(self.bitrate.map(|bitrate| ("bitrate", bitrate.to_string())));
        shown.extend(self.ceiling.map(|ceiling| ("gcc_max_bitrate", ceiling.0.to_string())));
        shown.extend(self.layers.map(|layers| ("layers", layers.to_string())));
        shown
    }
}

/// A codec's own effective parameters, and what is made of them. Each function gets the settings that hold them.
pub trait Parameters<M: Media>: Debug + Send + Sync {
    /// # Errors
    /// The library or program refuses the settings.
    fn encoder(&self, settings: &Settings<M>) -> Result<Box<dyn Encoder<M>>>;

    /// # Errors
    /// As [`Parameters::encoder`].
    fn decoder(&self, settings: &Settings<M>) -> Result<Box<dyn Decoder<M>>>;

    /// What a sequence of packets shows of itself (RFC 6716 TOC and the like).
    fn observe(&self, settings: &Settings<M>, units: &[Unit]) -> Observed;

    /// The implementation's documented delays beyond the frame.
    fn delay(&self, settings: &Settings<M>) -> Delay;

    /// Whether what is missing is made by a model that invents sound, on which some metrics do not hold.
    fn is_generative(&self) -> bool {
        false
    }

    /// Names and values as reports show them; flags are "on" or "off".
    fn shown(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// A flag as reports show it.
pub(super) fn on_off(on: bool) -> String {
    if on { "on" } else { "off" }.into()
}

/// One difference between requested and effective.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The parameter as requested: "maxaveragebitrate=999999".
    pub requested: String,
    /// "510000", or "ignored".
    pub effective: String,
    pub kind: ChangeKind,
    /// In words, with its source.
    pub reason: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// A value outside its range, brought into it. An error under `--strict`.
    Clamped,
    /// A value that is not one, so the default holds. An error under `--strict`.
    Invalid,
    /// Valid, but nothing in this sender reads it.
    Ignored,
    Rounded,
    /// A parameter that the codec's payload format does not define.
    Unknown,
}

/// What packets show of themselves. `None`: the codec's packets do not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Most frequent duration of a packet's media, in ms.
    pub frame_ms: Option<f64>,
    /// Share of packets per audio bandwidth ("narrowband" ... "fullband"), the largest first.
    pub bandwidths: Vec<(String, f64)>,
    /// Share of packets per coding mode ("SILK", "hybrid", "CELT"), the largest first.
    pub modes: Vec<(String, f64)>,
    pub channels: Option<u8>,
    /// Share of packets that carry in-band FEC (LBRR), 0 to 1.
    pub fec_share: Option<f64>,
    /// Share of packets that are DTX (2 bytes or fewer), 0 to 1; frames never sent are not in it.
    pub dtx_share: Option<f64>,
    /// How far back deep redundancy (DRED) reaches, mean of all packets in ms.
    pub dred_reach_ms: Option<f64>,
    /// What coded pictures show of themselves; `None` for audio.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pictures: Option<ObservedPictures>,
}

impl Observed {
    /// Of codecs whose packets all have the frame and the channels that were set.
    pub(super) fn as_set(settings: &Settings<Pcm>) -> Observed {
        let channels = Some(settings.format.channels);
        Observed { frame_ms: Some(ms(settings.frame)), channels, ..Observed::default() }
    }
}

/// What the headers of coded pictures say, not what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ObservedPictures {
    /// "constrained baseline", "high", "profile 0", "main".
    pub profile: Option<String>,
    /// "3.1".
    pub level: Option<String>,
    /// The largest size that a key frame announced, in luma samples.
    pub size: Option<(u32, u32)>,
    /// Coded pictures per second of media.
    pub frame_rate: f64,
    /// Temporal layers in use.
    pub layers: u8,
    pub key_frames: u32,
    /// Mean quantiser, on the codec's own scale; `None` where the encoder does not tell.
    pub qp: Option<f64>,
}

/// One coded unit: what one RTP payload (or a run of them) carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unit {
    pub data: Vec<u8>,
    /// Capture time of its first sample.
    pub pts: Time,
    /// The media time it covers.
    pub duration: Duration,
    /// Of coded pictures.
    pub picture: Option<Coded>,
}

/// What a video encoder tells of a coded picture besides its bytes. A unit is one access unit (one temporal unit of AV1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coded {
    /// Number of the source picture in the call, from 0. Pictures that the encoder dropped leave a hole.
    pub id: u64,
    /// Decodable without any other picture.
    pub key: bool,
    /// Temporal layer, from 0.
    pub layer: u8,
    /// The pictures that it refers to; empty for key pictures.
    pub depends_on: Vec<u64>,
    /// It refers to pictures of layer 0 only, so that one who has but those may take up this layer here (VP8's Y bit);
    /// true of key pictures, false of the others of layer 0.
    pub switch: bool,
    /// The quantiser of its header, on the codec's own scale.
    pub qp: Option<u8>,
}

/// What the network and the receiver tell the encoder.
#[derive(Clone, Copy, Debug, Default)]
pub struct Feedback {
    /// When it reached the sender.
    pub at: Time,
    /// The share of packets lost since the last report (RFC 3550, section 6.4.1); the encoder smooths it.
    pub loss: Option<Probability>,
    /// What congestion control allows the codec, headers already taken off.
    pub target: Option<Bitrate>,
    /// The receiver asks for a key picture (PLI): the next one coded is to be one.
    pub key_wanted: bool,
}

pub trait Encoder<M: Media>: Send {
    /// Codes one frame of exactly [`Settings::frame`] into 0..n units (0: DTX). `pts` is the frame's capture time.
    fn encode(&mut self, pts: Time, frame: &M, out: &mut Vec<Unit>) -> Result<()>;

    /// Gives out what is still held back. Only storage codecs hold anything; no frame comes after it.
    fn finish(&mut self, _out: &mut Vec<Unit>) -> Result<()> {
        Ok(())
    }

    fn adapt(&mut self, _feedback: Feedback) -> Result<()> {
        Ok(())
    }
}

/// What the receiver has for the next stretch of media time.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    Unit(&'a [u8]),
    /// Lost media out of the redundancy that the later unit `from` carries (in-band FEC, DRED): the stretch of length
    /// `missing` that begins `offset` before the first sample of `from`. `missing` is at most `offset`.
    Recover {
        from: &'a [u8],
        offset: Duration,
        missing: Duration,
    },
    /// Nothing: conceal so much.
    Lost(Duration),
}

/// The longest unit that carries no sound, in bytes, where the codec has no other sign of it (Opus, RFC 6716, section 3.1: a
/// TOC and a frame of no bytes; G.729 Annex B).
const DTX_BYTES: usize = 2;

pub trait Decoder<M: Media>: Send {
    /// Appends the decoded media to `out`. `Lost` and `Recover` give exactly the missing duration and never fail.
    ///
    /// # Errors
    /// The unit is undecodable; it should be treated as lost, and decoding may go on.
    fn decode(&mut self, input: Input<'_>, out: &mut M::Signal) -> Result<()>;

    /// How far before `from` its redundancy reaches: the largest `offset` for which `Recover` gives more than concealment
    /// would. Zero: it carries none.
    fn reach(&self, _from: &[u8]) -> Duration {
        Duration::ZERO
    }

    /// The frame right before `from` that `from` carries as in-band FEC, whatever was decoded before; zero: none.
    fn fec(&self, _from: &[u8]) -> Duration {
        Duration::ZERO
    }

    /// The media time of a unit, where its bytes tell.
    fn duration(&self, _unit: &[u8]) -> Option<Duration> {
        None
    }

    /// Whether a unit carries no sound: the sender falls silent (DTX), and until it speaks again `Lost` gives comfort noise.
    fn is_dtx(&self, unit: &[u8]) -> bool {
        unit.len() <= DTX_BYTES
    }
}
