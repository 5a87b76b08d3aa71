//! MP3 (MPEG-1 audio layer III, ISO/IEC 11172-3) at constant bitrates: coded by LAME, decoded by nanomp3. LAME's own decoder
//! keeps what it decodes at one place for all threads.
//!
//! A unit is one frame with its header: 1152 samples, as it stands in a file. The frame's bytes may begin in earlier frames
//! (the bit reservoir), so that LAME completes a frame only once later ones have filled it. The sampling rate stays at
//! 48 kHz, where LAME by itself would lower it at low bitrates.

#[cfg(feature = "lame")]
mod raw;

use super::storage;
use crate::codec::about::{Bitrates, Feature, Licence, Terms};
#[cfg(not(feature = "lame"))]
use crate::codec::absent as running;
use crate::codec::api::{Codec, at_bitrates};
use crate::media::Pcm;

pub static MP3: Codec<Pcm> = Codec {
    name: "MP3",
    version: running::version,
    licence: Licence { code: "LGPL-3.0", terms: Terms::Open },
    feature: Some(Feature { name: "lame", built: cfg!(feature = "lame") }),
    range: storage::range(BITRATES),
    rtp: None,
    plc: "silence",
    fec: "",
    configure: running::configure,
    variants: || at_bitrates(&[128_000, 320_000]),
};

/// ISO/IEC 11172-3, section 2.4.2.3, layer III.
const BITRATES: Bitrates = Bitrates::List(&[
    32_000, 40_000, 48_000, 56_000, 64_000, 80_000, 96_000, 112_000, 128_000, 160_000, 192_000, 224_000, 256_000,
    320_000,
]);

#[cfg(feature = "lame")]
mod running {
    use super::{BITRATES, raw, storage};
    use crate::codec::about::Delay;
    use crate::codec::api::{Decoder, Encoder, Input, Observed, Parameters, Request, Settings, Unit};
    use crate::codec::audio::storage::Storage;
    use crate::error::{Error, Result};
    use crate::media::{Pcm, PcmFormat};
    use crate::units::Time;
    use nanomp3_core as nano;

    /// Samples in a frame.
    const FRAME: usize = 1152;
    const STORAGE: Storage =
        Storage { codec: "MP3", frame: FRAME, bitrates: [BITRATES, BITRATES], usual: [64_000, 128_000] };
    /// What LAME puts before the signal (lame_get_encoder_delay), and what it looks at beyond a frame: its psychoacoustic model
    /// reads 1904 samples to code 1152, of which 528 are there before the first.
    const ENCODER: usize = 576;
    const AHEAD: usize = 1904 - 528 - FRAME;
    /// Filter bank and overlap of any decoder.
    const DECODER: usize = 529;
    /// How far back a frame may begin (main_data_begin, ISO/IEC 11172-3, section 2.4.2.7).
    const RESERVOIR_BYTES: u32 = 511;

    pub(super) fn version() -> String {
        format!("LAME {} through mp3lame-sys 0.1.11, decoded by nanomp3-core 0.2.0", raw::version())
    }

    pub(super) fn configure(request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
        let basis = storage::basis(&STORAGE, request, clip)?;
        let bitrate = basis.bitrate.0;
        Ok(basis.with(Mp3Parameters { bitrate }))
    }

    #[derive(Debug)]
    struct Mp3Parameters {
        /// In bit/s.
        bitrate: u32,
    }

    impl Parameters<Pcm> for Mp3Parameters {
        fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
            let channels = settings.format.channels;
            let lame = raw::Encoder::new(channels, self.bitrate)?;
            let mut encoder = Mp3Encoder { lame, bytes: Vec::new(), frames: 0 };
            encoder.lame.encode(&vec![0; AHEAD * usize::from(channels)], &mut encoder.bytes)?;
            Ok(Box::new(encoder))
        }

        fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
            Ok(Box::new(Mp3Decoder {
                nano: nano::Decoder::new(),
                channels: settings.format.channels,
                buffer: vec![0; nano::MAX_SAMPLES_PER_FRAME],
            }))
        }

        fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
            Observed::as_set(settings)
        }

        fn delay(&self, settings: &Settings<Pcm>) -> Delay {
            Delay {
                encoder: storage::samples(ENCODER + AHEAD),
                decoder: storage::samples(DECODER),
                // Units are whole frames, of three bytes for each kbit/s.
                container: settings.frame * RESERVOIR_BYTES.div_ceil(3 * self.bitrate / 1000),
                spec: None,
                source: "LAME: 576 samples of encoder delay (lame_get_encoder_delay) and 224 of look-ahead; a decoder's 528 + 1; \
                         ISO/IEC 11172-3, section 2.4.2.7: a bit reservoir of 511 bytes, in \
                         whole frames",
            }
        }
    }

    struct Mp3Encoder {
        lame: raw::Encoder,
        /// Coded, but no whole frame yet.
        bytes: Vec<u8>,
        frames: usize,
    }

    impl Mp3Encoder {
        fn take(&mut self, out: &mut Vec<Unit>) -> Result<()> {
            while self.bytes.len() >= 4 {
                let Some(length) = frame_bytes(&self.bytes) else {
                    return Err(Error::Codec { codec: "MP3", reason: "LAME gave out what is no frame".into() });
                };
                if self.bytes.len() < length {
                    break;
                }
                let data = self.bytes.drain(..length).collect();
                out.push(storage::unit(data, self.frames * FRAME, FRAME));
                self.frames += 1;
            }
            Ok(())
        }
    }

    impl Encoder<Pcm> for Mp3Encoder {
        fn encode(&mut self, _: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
            self.lame.encode(&frame.samples, &mut self.bytes)?;
            self.take(out)
        }

        fn finish(&mut self, out: &mut Vec<Unit>) -> Result<()> {
            self.lame.flush(&mut self.bytes)?;
            self.take(out)
        }
    }

    struct Mp3Decoder {
        nano: nano::Decoder,
        channels: u8,
        buffer: Vec<i16>,
    }

    impl Decoder<Pcm> for Mp3Decoder {
        fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
            let data = match input {
                Input::Unit(data) => data,
                Input::Recover { missing, .. } | Input::Lost(missing) => {
                    storage::silence(missing, out);
                    return Ok(());
                }
            };
            let refused = |reason: &str| Err(Error::Codec { codec: "MP3", reason: reason.into() });
            if frame_bytes(data) != Some(data.len()) {
                return refused("not one frame of MPEG-1 layer III at 48 kHz");
            }
            match self.nano.decode(data, &mut self.buffer).1 {
                Ok(info) if info.channels.num() == self.channels => {
                    let samples = info.samples_produced * usize::from(self.channels);
                    out.samples.extend_from_slice(&self.buffer[..samples]);
                    Ok(())
                }
                Ok(_) => refused("the frame has another number of channels"),
                Err(nano::DecodeError::ReservoirUnavailable(_)) => {
                    refused("what the frame needs of earlier ones is lost")
                }
                Err(_) => refused("the frame is damaged"),
            }
        }
    }

    /// Length of the frame whose header `bytes` begins with: MPEG-1 layer III at 48 kHz (ISO/IEC 11172-3, section 2.4.1.3).
    fn frame_bytes(bytes: &[u8]) -> Option<usize> {
        const KBITS: [usize; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
        let header = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
        // Sync word, version and layer; then the sampling rate.
        if header >> 17 != 0b111_1111_1111_1101 || header >> 10 & 3 != 1 {
            return None;
        }
        let kbits = *KBITS.get((header >> 12 & 15) as usize)?;
        let padding = (header >> 9 & 1) as usize;
        // 1152 samples at 48 kHz are 24 ms: three bytes for each kbit/s.
        (kbits > 0).then_some(3 * kbits + padding)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_header_tells_the_length_of_its_frame() {
            // 128 kbit/s without CRC: 384 bytes.
            assert_eq!(frame_bytes(&[0xff, 0xfb, 0x94, 0x00]), Some(384));
            // 44.1 kHz, free format, layer II, MPEG-2, no sync word, and too short.
            for other in [
                [0xff, 0xfb, 0x90, 0],
                [0xff, 0xfb, 0x04, 0],
                [0xff, 0xfd, 0x94, 0],
                [0xff, 0xf3, 0x94, 0],
                [0x7f, 0xfb, 0x94, 0],
            ] {
                assert_eq!(frame_bytes(&other), None, "{other:02x?}");
            }
            assert_eq!(frame_bytes(&[0xff, 0xfb, 0x94]), None);
        }

        #[test]
        fn lame_says_the_documented_delay() {
            assert_eq!(raw::Encoder::new(2, 128_000).unwrap().delay(), ENCODER);
        }
    }
}
