//! What is coded, heard and seen: PCM audio and pictures, and clips of either.

pub mod ffmpeg;
mod file;
pub mod flac;
pub mod motion;
pub mod picture;
pub mod resample;
mod scale;
pub mod synth;
pub mod wav;
pub mod y4m;

pub use file::{Decoded, glob, is_pattern, load, load_video};
pub use picture::{Footage, FrameRate, Picture, PictureFormat};

use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// A kind of media that codecs, metrics, plans and calls are generic over. Sealed: [`Pcm`] and [`Picture`].
pub trait Media: sealed::Sealed + Clone + Send + Sync + 'static {
    type Format: Copy + Ord + Send + Sync + std::fmt::Debug;
    /// A stretch of it: what a clip holds, and what a decoder appends to.
    type Signal: Clone + Send + Sync + 'static;
    /// "audio" or "video", as in SDP.
    const KIND: &'static str;

    fn format(signal: &Self::Signal) -> Self::Format;
    fn duration(signal: &Self::Signal) -> Duration;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Pcm {}
    impl Sealed for super::Picture {}
}

/// The format of PCM audio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PcmFormat {
    /// Samples per second and channel, in Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
}

impl PcmFormat {
    pub const fn mono(sample_rate: u32) -> PcmFormat {
        PcmFormat { sample_rate, channels: 1 }
    }

    /// Samples per channel in `d`, rounded to the nearest.
    pub fn samples(&self, d: Duration) -> usize {
        ((d.as_nanos() * u128::from(self.sample_rate) + 500_000_000) / 1_000_000_000) as usize
    }

    /// The time that `samples` per channel take, rounded to the nanosecond.
    pub fn duration(&self, samples: usize) -> Duration {
        Duration::from_nanos((samples as u128 * 1_000_000_000 / u128::from(self.sample_rate)) as u64)
    }
}

/// Linear PCM, 16 bit, channels interleaved: `samples.len()` is frames times channels. 16 bit is what WebRTC's audio
/// path carries; deeper files are rounded to it when read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pcm {
    pub format: PcmFormat,
    pub samples: Vec<i16>,
}

impl Media for Pcm {
    type Format = PcmFormat;
    type Signal = Pcm;
    const KIND: &'static str = "audio";

    fn format(signal: &Pcm) -> PcmFormat {
        signal.format
    }

    fn duration(signal: &Pcm) -> Duration {
        signal.format.duration(signal.len())
    }
}

impl Pcm {
    pub fn silence(format: PcmFormat, samples_per_channel: usize) -> Pcm {
        Pcm { format, samples: vec![0; samples_per_channel * format.channels as usize] }
    }

    /// Samples per channel.
    pub fn len(&self) -> usize {
        self.samples.len() / self.format.channels as usize
    }

    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    pub fn duration(&self) -> Duration {
        self.format.duration(self.len())
    }

    /// `samples_per_channel` from `start` on; what lies beyond the end is silence.
    pub fn slice(&self, start: usize, samples_per_channel: usize) -> Pcm {
        let c = self.format.channels as usize;
        let (from, to) =
            ((start * c).min(self.samples.len()), ((start + samples_per_channel) * c).min(self.samples.len()));
        let mut samples = self.samples[from..to].to_vec();
        samples.resize(samples_per_channel * c, 0);
        Pcm { format: self.format, samples }
    }

    /// The mean of the channels, rounded to the nearest; a mono signal as it is.
    pub fn to_mono(&self) -> Pcm {
        if self.format.channels == 1 {
            return self.clone();
        }
        let samples =
            self.samples.chunks_exact(2).map(|c| ((i32::from(c[0]) + i32::from(c[1]) + 1) >> 1) as i16).collect();
        Pcm { format: PcmFormat::mono(self.format.sample_rate), samples }
    }

    /// Brought to one or two channels: mono is doubled, stereo is averaged.
    pub fn with_channels(&self, channels: u8) -> Pcm {
        match (self.format.channels, channels) {
            (2, 1) => self.to_mono(),
            (1, 2) => Pcm {
                format: PcmFormat { channels: 2, ..self.format },
                samples: self.samples.iter().flat_map(|s| [*s, *s]).collect(),
            },
            _ => self.clone(),
        }
    }
}

/// What a clip holds; metrics and charts ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Content {
    Speech,
    Music,
    /// Test signals: sweep, silence, noise.
    Signal,
    /// Moving pictures as a camera gives them, or like those.
    Camera,
    /// Text and graphics of a shared screen.
    Screen,
}

/// A reference signal with its name and origin. The unit over which every interval is drawn.
#[derive(Debug)]
pub struct Clip<M: Media = Pcm> {
    /// Unique in a run: the manifest's id, or a file's path as given.
    pub id: String,
    pub content: Content,
    /// Who speaks, if speech of a known talker.
    pub talker: Option<String>,
    /// BCP 47, such as "en".
    pub language: Option<String>,
    /// What a reader of the report should know: origin, licence, "coded with G.722 before", "rounded to 16 bit".
    pub notes: Vec<String>,
    pub signal: Arc<M::Signal>,
    /// BLAKE3 of format and samples, in hex: what the cache key sees.
    pub hash: String,
    converted: Mutex<BTreeMap<M::Format, Arc<M::Signal>>>,
}

impl<M: Media> Clip<M> {
    fn with_hash(id: impl Into<String>, content: Content, signal: M::Signal, hash: blake3::Hash) -> Clip<M> {
        Clip {
            id: id.into(),
            content,
            talker: None,
            language: None,
            notes: Vec::new(),
            signal: Arc::new(signal),
            hash: hash.to_hex().to_string(),
            converted: Mutex::new(BTreeMap::new()),
        }
    }

    pub fn format(&self) -> M::Format {
        M::format(&self.signal)
    }

    pub fn duration(&self) -> Duration {
        M::duration(&self.signal)
    }

    /// The signal in another format, made once by `convert` and kept.
    fn converted(&self, format: M::Format, convert: impl FnOnce() -> Result<M::Signal>) -> Result<Arc<M::Signal>> {
        if format == self.format() {
            return Ok(self.signal.clone());
        }
        let mut converted = self.converted.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(signal) = converted.get(&format) {
            return Ok(signal.clone());
        }
        let signal = Arc::new(convert()?);
        converted.insert(format, signal.clone());
        Ok(signal)
    }
}

impl Clip {
    /// A clip of audio.
    pub fn new(id: impl Into<String>, content: Content, pcm: Pcm) -> Clip {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&pcm.format.sample_rate.to_le_bytes());
        hasher.update(&[pcm.format.channels]);
        for sample in &pcm.samples {
            hasher.update(&sample.to_le_bytes());
        }
        Clip::with_hash(id, content, pcm, hasher.finalize())
    }

    /// The clip in another format, converted once and kept: codecs run at their own rate, metrics at theirs.
    ///
    /// # Errors
    /// The resampler's, when the rates have no sensible ratio.
    pub fn in_format(&self, format: PcmFormat) -> Result<Arc<Pcm>> {
        self.converted(format, || resample::resample(&self.signal.with_channels(format.channels), format.sample_rate))
    }
}

impl Clip<Picture> {
    /// A clip of pictures.
    pub fn video(id: impl Into<String>, content: Content, footage: Footage) -> Clip<Picture> {
        let mut hasher = blake3::Hasher::new();
        hasher.update(format!("{:?}", footage.format).as_bytes());
        for picture in &footage.pictures {
            hasher.update(&picture.data);
        }
        Clip::with_hash(id, content, footage, hasher.finalize())
    }

    /// The clip at another size and rate, converted once and kept; see [`Footage::in_format`].
    ///
    /// # Errors
    /// As [`Footage::in_format`].
    pub fn in_format(&self, format: PictureFormat) -> Result<Arc<Footage>> {
        self.converted(format, || self.signal.in_format(format))
    }
}
