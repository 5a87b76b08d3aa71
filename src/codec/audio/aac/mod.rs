//! Four kinds of AAC (ISO/IEC 14496-3) by libfdk-aac at constant bitrates: AAC-LC; HE-AAC, which codes the upper half of the
//! band by its envelope (SBR); AAC-LD and AAC-ELD with short frames. RFC 3640 carries them all, but no browser does, so that
//! here they are storage codecs.
//!
//! A unit is one access unit without ADTS header. What a file says once, the AudioSpecificConfig of two to four bytes, is no
//! unit: both ends make it from the settings.

#[cfg(feature = "aac-fdk")]
mod raw;

use super::storage::{self, Storage, observe};
use crate::codec::about::{Bitrates, Delay, Feature, Licence, Terms};
#[cfg(not(feature = "aac-fdk"))]
use crate::codec::absent::{decoder, encoder, version};
use crate::codec::api::{Codec, Knob, Request, Settings, at_bitrates};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
#[cfg(feature = "aac-fdk")]
use running::{decoder, encoder, version};

pub static AAC_LC: Codec<Pcm> = aac(
    Bitrates::Span(12_000, 576_000),
    |request, clip| settle(&LC, request, clip),
    || at_bitrates(&[96_000, 256_000]),
    |_| Delay {
        encoder: storage::samples(2048),
        spec: Some(storage::samples(1024 + 576)),
        source: "libfdk-aac's nDelay; Lutzky et al., A guideline to audio codec delay, AES 116 (2004): overlap, and 576 \
                 samples ahead for block switching",
        ..Delay::default()
    },
    LC.storage.codec,
);

pub static HE_AAC: Codec<Pcm> = aac(
    Bitrates::Span(12_100, 288_000),
    |request, clip| settle(&HE, request, clip),
    || at_bitrates(&[64_000, 128_000]),
    |_| Delay {
        encoder: storage::samples(4096),
        // The library says 962; what comes out is a sample earlier.
        decoder: storage::samples(961),
        spec: Some(storage::samples(2 * (1024 + 576) + 962)),
        source: "libfdk-aac's nDelayCore and nDelay; Lutzky et al., A guideline to audio codec delay, AES 116 (2004): \
                 AAC-LC at half the sampling rate, and 962 samples of SBR",
        ..Delay::default()
    },
    HE.storage.codec,
);

pub static AAC_LD: Codec<Pcm> = aac(
    Bitrates::Span(24_800, 1_228_800),
    |request, clip| settle(&LD, request, clip),
    || at_bitrates(&[96_000, 192_000]),
    |_| Delay {
        encoder: storage::samples(480),
        source: "libfdk-aac's nDelay: the overlap of the window",
        ..Delay::default()
    },
    LD.storage.codec,
);

pub static AAC_ELD: Codec<Pcm> = aac(
    Bitrates::Span(24_800, 1_228_800),
    |request, clip| settle(&ELD, request, clip),
    || at_bitrates(&[96_000, 192_000]),
    |_| Delay {
        encoder: storage::samples(240),
        source: "libfdk-aac's nDelay: half a frame, by which the low-delay window reaches beyond its frame",
        ..Delay::default()
    },
    ELD.storage.codec,
);

/// What the four have alike.
const fn aac(
    bitrates: Bitrates,
    settle: crate::codec::api::Settle<Pcm>,
    variants: fn() -> Vec<(String, Request)>,
    delay: fn(&Settings<Pcm>) -> Delay,
    name: &'static str,
) -> Codec<Pcm> {
    Codec {
        name,
        version,
        licence: Licence { code: "FDK-AAC", terms: Terms::Fees },
        feature: Some(Feature { name: "aac-fdk", built: cfg!(feature = "aac-fdk") }),
        range: storage::range(bitrates),
        rtp: None,
        plc: "libfdk-aac: noise with the spectrum of the last frame",
        fec: "",
        settle,
        encoder,
        decoder,
        observe,
        variants,
        delay,
    }
}

struct Kind {
    storage: Storage,
    /// ISO/IEC 14496-3, table 1.17.
    object_type: u8,
}

/// The bitrates are those that the encoder takes as they are; others it would bring into them without a word.
const LC: Kind = Kind {
    storage: Storage {
        codec: "AAC-LC",
        frame: 1024,
        bitrates: [Bitrates::Span(12_000, 288_000), Bitrates::Span(14_000, 576_000)],
        usual: [64_000, 128_000],
    },
    object_type: 2,
};
const HE: Kind = Kind {
    storage: Storage {
        codec: "HE-AAC",
        frame: 2048,
        bitrates: [Bitrates::Span(12_100, 144_000), Bitrates::Span(16_100, 288_000)],
        usual: [32_000, 64_000],
    },
    object_type: 5,
};
const LD: Kind = Kind {
    storage: Storage { codec: "AAC-LD", frame: 480, bitrates: LOW_DELAY, usual: [64_000, 128_000] },
    object_type: 23,
};
const ELD: Kind = Kind {
    storage: Storage { codec: "AAC-ELD", frame: 480, bitrates: LOW_DELAY, usual: [64_000, 128_000] },
    object_type: 39,
};
const LOW_DELAY: [Bitrates; 2] = [Bitrates::Span(24_800, 614_400), Bitrates::Span(28_800, 1_228_800)];

fn settle(kind: &Kind, request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    let mut settings = storage::settle(&kind.storage, request, clip)?;
    settings.knobs.insert("audio_object_type", Knob::Int(i64::from(kind.object_type)));
    Ok(settings)
}

#[cfg(feature = "aac-fdk")]
mod running {
    use super::storage;
    use crate::codec::api::{Decoder, Encoder, Input, Settings, Unit};
    use crate::codec::audio::aac::raw;
    use crate::error::{Error, Result};
    use crate::media::{Pcm, PcmFormat};
    use crate::units::Time;

    pub(super) fn version() -> String {
        format!("libfdk-aac encoder {}, decoder {} through fdk-aac-sys 0.5.0", raw::versions()[0], raw::versions()[1])
    }

    pub(super) fn encoder(settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(AacEncoder { fdk: open(settings)?, samples: frame(settings), frames: 0 }))
    }

    pub(super) fn decoder(settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let config = open(settings)?.config().to_vec();
        let format = settings.format;
        let fdk = raw::Decoder::new(&config, format.channels)?;
        Ok(Box::new(AacDecoder { fdk, format, frame: vec![0; frame(settings) * usize::from(format.channels)] }))
    }

    fn open(settings: &Settings<Pcm>) -> Result<raw::Encoder> {
        let bitrate = settings.bitrate.map_or(super::LC.storage.usual[0], |b| b.0);
        let object_type = settings.int("audio_object_type") as u32;
        raw::Encoder::new(object_type, settings.format.channels, bitrate, frame(settings))
    }

    fn frame(settings: &Settings<Pcm>) -> usize {
        settings.format.samples(settings.frame)
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
        use super::super::running::*;
        use crate::codec::api::Request;
        use crate::codec::audio::aac::{AAC_ELD, AAC_LC, AAC_LD, HE_AAC};

        #[test]
        fn the_documented_delay_is_what_the_library_says() {
            for codec in [&AAC_LC, &HE_AAC, &AAC_LD, &AAC_ELD] {
                for channels in [1, 2] {
                    let clip = PcmFormat { sample_rate: 48_000, channels };
                    let settings = (codec.settle)(&Request::default(), &clip).unwrap();
                    let delay = (codec.delay)(&settings);
                    let documented = [delay.encoder, delay.lookahead()].map(|d| clip.samples(d));
                    let [core, mut whole] = open(&settings).unwrap().delays();
                    if codec.name == "HE-AAC" {
                        whole -= 1;
                    }
                    assert_eq!([core, whole], documented, "{} {channels}", codec.name);
                }
            }
        }

        #[test]
        fn bitrates_outside_the_ranges_are_not_the_encoders() {
            for kind in [super::super::LC, super::super::HE, super::super::LD, super::super::ELD] {
                for (channels, bitrates) in (1..).zip(kind.storage.bitrates) {
                    let super::super::Bitrates::Span(low, high) = bitrates else { panic!("{bitrates:?}") };
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
}
