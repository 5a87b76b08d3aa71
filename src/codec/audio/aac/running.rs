//! AAC by libfdk-aac: what each kind runs with, its encoder and decoder.

use super::raw;
use crate::codec::about::{Bitrates, Delay};
use crate::codec::api::{Decoder, Encoder, Input, Observed, Parameters, Request, Settings, Unit};
use crate::codec::audio::storage::{self, Storage};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;

pub(super) fn version() -> String {
    format!("libfdk-aac encoder {}, decoder {} through fdk-aac-sys 0.5.0", raw::versions()[0], raw::versions()[1])
}

/// What sets one of the four apart. The bitrates are those that the encoder takes as they are; others it would bring into
/// them without a word.
#[derive(Debug)]
struct Kind {
    storage: Storage,
    /// ISO/IEC 14496-3, table 1.17.
    object_type: u8,
    delay: fn() -> Delay,
}

static LC: Kind = Kind {
    storage: Storage {
        codec: "AAC-LC",
        frame: 1024,
        bitrates: [Bitrates::Span(12_000, 288_000), Bitrates::Span(14_000, 576_000)],
        usual: [64_000, 128_000],
    },
    object_type: 2,
    delay: || Delay {
        encoder: storage::samples(2048),
        spec: Some(storage::samples(1024 + 576)),
        source: "libfdk-aac's nDelay; Lutzky et al., A guideline to audio codec delay, AES 116 (2004): overlap, and 576 \
                 samples ahead for block switching",
        ..Delay::default()
    },
};
static HE: Kind = Kind {
    storage: Storage {
        codec: "HE-AAC",
        frame: 2048,
        bitrates: [Bitrates::Span(12_100, 144_000), Bitrates::Span(16_100, 288_000)],
        usual: [32_000, 64_000],
    },
    object_type: 5,
    delay: || Delay {
        encoder: storage::samples(4096),
        // The library says 962; what comes out is a sample earlier.
        decoder: storage::samples(961),
        spec: Some(storage::samples(2 * (1024 + 576) + 962)),
        source: "libfdk-aac's nDelayCore and nDelay; Lutzky et al., A guideline to audio codec delay, AES 116 (2004): \
                 AAC-LC at half the sampling rate, and 962 samples of SBR",
        ..Delay::default()
    },
};
static LD: Kind = Kind {
    storage: Storage { codec: "AAC-LD", frame: 480, bitrates: LOW_DELAY, usual: [64_000, 128_000] },
    object_type: 23,
    delay: || Delay {
        encoder: storage::samples(480),
        source: "libfdk-aac's nDelay: the overlap of the window",
        ..Delay::default()
    },
};
static ELD: Kind = Kind {
    storage: Storage { codec: "AAC-ELD", frame: 480, bitrates: LOW_DELAY, usual: [64_000, 128_000] },
    object_type: 39,
    delay: || Delay {
        encoder: storage::samples(240),
        source: "libfdk-aac's nDelay: half a frame, by which the low-delay window reaches beyond its frame",
        ..Delay::default()
    },
};
const LOW_DELAY: [Bitrates; 2] = [Bitrates::Span(24_800, 614_400), Bitrates::Span(28_800, 1_228_800)];

pub(super) fn configure_lc(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    configure(&LC, request, clip)
}

pub(super) fn configure_he(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    configure(&HE, request, clip)
}

pub(super) fn configure_ld(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    configure(&LD, request, clip)
}

pub(super) fn configure_eld(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    configure(&ELD, request, clip)
}

fn configure(kind: &'static Kind, request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    let basis = storage::basis(&kind.storage, request, clip)?;
    let bitrate = basis.bitrate.0;
    Ok(basis.with(AacParameters { kind, bitrate }))
}

#[derive(Debug)]
struct AacParameters {
    kind: &'static Kind,
    /// In bit/s.
    bitrate: u32,
}

impl AacParameters {
    fn open(&self, settings: &Settings<Pcm>) -> Result<raw::Encoder> {
        let frame = settings.format.samples(settings.frame);
        raw::Encoder::new(u32::from(self.kind.object_type), settings.format.channels, self.bitrate, frame)
    }
}

impl Parameters<Pcm> for AacParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        let samples = settings.format.samples(settings.frame);
        Ok(Box::new(AacEncoder { fdk: self.open(settings)?, samples, frames: 0 }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let config = self.open(settings)?.config().to_vec();
        let format = settings.format;
        let fdk = raw::Decoder::new(&config, format.channels)?;
        let values = format.samples(settings.frame) * usize::from(format.channels);
        Ok(Box::new(AacDecoder { fdk, format, frame: vec![0; values] }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        (self.kind.delay)()
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![("audio_object_type", self.kind.object_type.to_string())]
    }
}

struct AacEncoder {
    fdk: raw::Encoder,
    /// Samples per channel in a frame.
    samples: usize,
    /// Access units so far.
    frames: usize,
}

impl AacEncoder {
    fn unit(&mut self, data: Vec<u8>) -> Unit {
        self.frames += 1;
        storage::unit(data, (self.frames - 1) * self.samples, self.samples)
    }
}

impl Encoder<Pcm> for AacEncoder {
    fn encode(&mut self, _: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        if let Some(data) = self.fdk.encode(&frame.samples)? {
            out.push(self.unit(data));
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Unit>) -> Result<()> {
        while let Some(data) = self.fdk.flush()? {
            out.push(self.unit(data));
        }
        Ok(())
    }
}

struct AacDecoder {
    fdk: raw::Decoder,
    format: PcmFormat,
    /// Room for one frame.
    frame: Vec<i16>,
}

impl Decoder<Pcm> for AacDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit([]) => Err(Error::Codec { codec: "AAC", reason: "the access unit is empty".into() }),
            Input::Unit(data) => {
                self.fdk.decode(data, &mut self.frame)?;
                out.samples.extend_from_slice(&self.frame);
                Ok(())
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let mut left = self.format.samples(missing) * usize::from(self.format.channels);
                while left > 0 {
                    // The decoder conceals whole frames; what is too much of the last one is dropped.
                    if self.fdk.conceal(&mut self.frame).is_err() {
                        self.frame.fill(0);
                    }
                    let part = left.min(self.frame.len());
                    out.samples.extend_from_slice(&self.frame[..part]);
                    left -= part;
                }
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_delay_is_what_the_library_says() {
        for kind in [&LC, &HE, &LD, &ELD] {
            for channels in [1, 2] {
                let clip = PcmFormat { sample_rate: 48_000, channels };
                let Storage { codec, frame, usual, .. } = kind.storage;
                let delay = (kind.delay)();
                let documented = [delay.encoder, delay.lookahead()].map(|d| clip.samples(d));
                let bitrate = usual[usize::from(channels) - 1];
                let fdk = raw::Encoder::new(u32::from(kind.object_type), channels, bitrate, frame).unwrap();
                let [core, mut whole] = fdk.delays();
                if codec == "HE-AAC" {
                    whole -= 1;
                }
                assert_eq!([core, whole], documented, "{codec} {channels}");
            }
        }
    }

    #[test]
    fn bitrates_outside_the_ranges_are_not_the_encoders() {
        for kind in [&LC, &HE, &LD, &ELD] {
            for (channels, bitrates) in (1..).zip(kind.storage.bitrates) {
                let Bitrates::Span(low, high) = bitrates else { panic!("{bitrates:?}") };
                let open =
                    |bitrate| raw::Encoder::new(u32::from(kind.object_type), channels, bitrate, kind.storage.frame);
                for (inside, outside) in [(low, low - 2000), (high, high + 2000)] {
                    let name = kind.storage.codec;
                    assert!(open(inside).is_ok(), "{name} {channels}: {inside}");
                    assert!(open(outside).is_err(), "{name} {channels}: {outside}");
                }
            }
        }
    }
}
