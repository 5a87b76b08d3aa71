//! PCM audio.

use super::kind::{Media, sealed::Sealed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

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

impl Sealed for Pcm {}

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
