//! Codec2: a vocoder for 1.2 to 3.2 kbit/s at 8 kHz. No RFC carries it: frames are put into packets as they are. Needs the
//! feature `codec2`.
//!
//! It has no concealment; losses are filled in the time domain by pitch repetition ([`super::plc`]).
//!
//! Packets are reproducible, what is heard is not, to the sample: the decoder draws the phases of unvoiced sounds from one
//! counter of the whole process.

use crate::codec::about::{Bitrates, Feature, Licence, Range, RtpFormat, Terms};
#[cfg(not(feature = "codec2"))]
use crate::codec::absent as running;
use crate::codec::api::{Codec, Request};
use crate::media::Pcm;
use crate::units::{Bitrate, from_ms};

pub static CODEC2: Codec<Pcm> = Codec {
    name: "Codec2",
    version: running::version,
    licence: Licence { code: "LGPL-2.1-only", terms: Terms::Open },
    feature: Some(Feature { name: "codec2", built: cfg!(feature = "codec2") }),
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "Codec2",
        payload_type: 110,
        clock_rate: |_| 8000,
        channels: |_| 1,
        source: "none",
        ..RtpFormat::AUDIO
    }),
    plc: "pitch repetition after G.711 Appendix I; the decoder rests",
    fec: "",
    configure: running::configure,
    variants: || {
        let variant = |bitrate, packet| Request {
            bitrate: Some(Bitrate(bitrate)),
            ptime: Some(from_ms(packet)),
            ..Request::default()
        };
        [(3200, 20.0), (3200, 40.0), (1200, 40.0)]
            .map(|(bitrate, packet)| (format!("{bitrate} bit/s, {packet} ms"), variant(bitrate, packet)))
            .into()
    },
};

const RANGE: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::List(&[1200, 1300, 1400, 1600, 2400, 3200]),
    packets_ms: &[20.0, 40.0, 80.0, 120.0],
    fmtp: &[],
    modes: &[],
    complexity: None,
};

#[cfg(feature = "codec2")]
mod running {
    use super::super::configure::{Default, basis};
    use super::super::framed::{Framed, Frames};
    use super::super::plc::Concealer;
    use super::RANGE;
    use crate::codec::about::Delay;
    use crate::codec::api::{Change, ChangeKind, Decoder, Encoder, Observed, Parameters, Request, Settings, Unit};
    use crate::error::{Error, Result};
    use crate::media::{Pcm, PcmFormat};
    use crate::units::{Bitrate, Time, from_ms, ms};
    use codec2::{Codec2, Codec2Mode};
    use std::time::Duration;

    const DEFAULT: Default = Default { codec: "Codec2", format: PcmFormat::mono(8000), packet_ms: 40.0, bitrate: 3200 };

    pub fn version() -> String {
        "codec2 0.3.1, concealment 1".into()
    }

    fn codec(bitrate: Option<Bitrate>) -> Codec2 {
        Codec2::new(match bitrate {
            Some(Bitrate(1200)) => Codec2Mode::MODE_1200,
            Some(Bitrate(1300)) => Codec2Mode::MODE_1300,
            Some(Bitrate(1400)) => Codec2Mode::MODE_1400,
            Some(Bitrate(1600)) => Codec2Mode::MODE_1600,
            Some(Bitrate(2400)) => Codec2Mode::MODE_2400,
            _ => Codec2Mode::MODE_3200,
        })
    }

    pub fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
        let mut basis = basis(&RANGE, &DEFAULT, request)?;
        if basis.bitrate.0 < 2400 && ms(basis.frame) < 40.0 {
            basis.frame = from_ms(40.0);
            basis.changes.retain(|change| !change.requested.starts_with("ptime="));
            basis.changes.push(Change {
                requested: request.ptime.map_or("ptime=20".into(), |p| format!("ptime={}", ms(p))),
                effective: "40".into(),
                kind: ChangeKind::Clamped,
                reason: "below 2400 bit/s a frame is 40 ms".into(),
            });
        }
        Ok(basis.with(Codec2Parameters))
    }

    /// None of its own: the bitrate says the mode.
    #[derive(Debug)]
    struct Codec2Parameters;

    impl Parameters<Pcm> for Codec2Parameters {
        fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
            Ok(Box::new(Codec2Encoder { codec: codec(settings.bitrate), packet: settings.frame }))
        }

        fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
            let (bitrate, format) = (settings.bitrate, settings.format);
            Framed::boxed("Codec2", format, move || {
                Ok(Codec2Frames { codec: codec(bitrate), plc: Concealer::new(format) })
            })
        }

        fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
            Observed::as_set(settings)
        }

        /// Parameters are those of the middle of the last 40 ms, taken each 10 ms, and synthesis overlaps by 10 ms.
        fn delay(&self, _: &Settings<Pcm>) -> Delay {
            Delay {
                encoder: from_ms(10.0),
                decoder: from_ms(10.0),
                source: "the code: a window of 40 ms that ends with each 10 ms, an overlap of 10 ms",
                ..Delay::default()
            }
        }
    }

    struct Codec2Encoder {
        codec: Codec2,
        packet: Duration,
    }

    impl Encoder<Pcm> for Codec2Encoder {
        fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
            let frames = frame.samples.chunks_exact(self.codec.samples_per_frame());
            let bytes = self.codec.bits_per_frame().div_ceil(8);
            let mut data = vec![0; frames.len() * bytes];
            for (samples, bits) in frames.zip(data.chunks_exact_mut(bytes)) {
                self.codec.encode(bits, samples);
            }
            out.push(Unit { data, pts, duration: self.packet, picture: None });
            Ok(())
        }
    }

    struct Codec2Frames {
        codec: Codec2,
        plc: Concealer,
    }

    impl Frames for Codec2Frames {
        fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
            let (bytes, count) = (self.codec.bits_per_frame().div_ceil(8), self.codec.samples_per_frame());
            if !data.len().is_multiple_of(bytes) {
                let reason = format!("{} bytes are not whole frames of {bytes}", data.len());
                return Err(Error::Codec { codec: "Codec2", reason });
            }
            let start = out.len();
            for bits in data.chunks_exact(bytes) {
                let at = out.len();
                out.resize(at + count, 0);
                self.codec.decode(&mut out[at..], bits);
            }
            self.plc.heard(&mut out[start..]);
            Ok(())
        }

        fn lost(&mut self, count: usize, out: &mut Vec<i16>) -> Result<()> {
            self.plc.conceal(count, out);
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn low_bitrates_have_longer_frames() {
            for (bitrate, packet, taken, changes) in
                [(3200, 20.0, 20.0, 0), (1300, 20.0, 40.0, 1), (1300, 10.0, 40.0, 1), (1200, 80.0, 80.0, 0)]
            {
                let request =
                    Request { bitrate: Some(Bitrate(bitrate)), ptime: Some(from_ms(packet)), ..Request::default() };
                let settings = configure(&request, &PcmFormat::mono(8000)).unwrap();
                assert_eq!((ms(settings.frame), settings.changes.len()), (taken, changes), "{bitrate} {packet}");
            }
        }
    }
}
