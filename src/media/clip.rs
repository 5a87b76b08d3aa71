//! A reference signal with its name and origin.

use super::kind::Media;
use super::pcm::{Pcm, PcmFormat};
use super::picture::{Footage, Picture, PictureFormat};
use super::resample::resample;
use crate::error::Result;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

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
        self.converted(format, || resample(&self.signal.with_channels(format.channels), format.sample_rate))
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
