//! G722: ITU-T G.722 at 64 kbit/s, 16 kHz, whose RTP clock is 8000 Hz by a historic error (RFC 3551, section 4.5.2).
//!
//! Losses are filled in the time domain by pitch repetition ([`super::plc`]), in the spirit of G.722 Appendix IV; its
//! re-encoding of the concealment is left out. The ADPCM decoder rests during a loss: its predictors and step sizes forget
//! by their leakage (G.722, sections 3.5 and 3.6), so that it comes into step with the encoder soon after, while the
//! cross-fade of the concealment covers the worst.

mod adpcm;

use super::configure::{Default, basis, variants};
use super::g711;
use super::plc::Concealer;
use crate::codec::about::{Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Input, Observed, Parameters, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use adpcm::{Decoder as AdpcmDecoder, Encoder as AdpcmEncoder};
use std::time::Duration;

pub static G722: Codec<Pcm> = Codec {
    name: "G722",
    version: || "codecbench G.722 1, concealment 1".into(),
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "G722",
        payload_type: 9,
        clock_rate: |_| 8000,
        channels: |_| 1,
        source: "RFC 3551, section 4.5.2",
        ..RtpFormat::AUDIO
    }),
    plc: "pitch repetition after G.711 Appendix I at 16 kHz; the ADPCM state rests",
    fec: "",
    configure: |request, _| Ok(basis(&RANGE, &DEFAULT, request)?.with(G722Parameters)),
    variants,
};

const RANGE: Range = Range { sample_rates: &[16_000], ..g711::RANGE };
const DEFAULT: Default = Default { codec: "G722", format: PcmFormat::mono(16_000), packet_ms: 20.0, bitrate: 64_000 };

/// Octets at 64 kbit/s, as a file without any header has them.
pub fn decode(octets: &[u8]) -> Pcm {
    let mut adpcm = AdpcmDecoder::new();
    let samples = octets.iter().flat_map(|octet| adpcm.samples(*octet)).collect();
    Pcm { format: PcmFormat::mono(16_000), samples }
}

/// None of its own.
#[derive(Debug)]
struct G722Parameters;

impl Parameters<Pcm> for G722Parameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(G722Encoder { adpcm: AdpcmEncoder::new(), frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let format = settings.format;
        Ok(Box::new(G722Decoder { adpcm: AdpcmDecoder::new(), format, plc: Concealer::new(format) }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    /// The two 24-tap quadrature mirror filters: 22 samples at 16 kHz, half in the encoder, half in the decoder.
    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay {
            encoder: Duration::from_nanos(687_500),
            decoder: Duration::from_nanos(687_500),
            source: "G.722, section 3.1: two filters of 24 taps",
            ..Delay::default()
        }
    }
}

struct G722Encoder {
    adpcm: AdpcmEncoder,
    frame: Duration,
}

impl Encoder<Pcm> for G722Encoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let pairs = frame.samples.chunks_exact(2);
        let data = pairs.map(|pair| self.adpcm.code([pair[0], pair[1]])).collect();
        out.push(Unit { data, pts, duration: self.frame, picture: None });
        Ok(())
    }
}

struct G722Decoder {
    adpcm: AdpcmDecoder,
    format: PcmFormat,
    plc: Concealer,
}

impl Decoder<Pcm> for G722Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit([]) => Err(Error::Codec { codec: "G722", reason: "the packet is empty".into() }),
            Input::Unit(data) => {
                let mut samples: Vec<i16> = data.iter().flat_map(|octet| self.adpcm.samples(*octet)).collect();
                self.plc.heard(&mut samples);
                out.samples.extend(samples);
                Ok(())
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                self.plc.conceal(self.format.samples(missing), &mut out.samples);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::api::Request;

    /// Codes `signal` and gives signal-to-noise ratio in dB against it, 22 samples later.
    fn snr(signal: &[i16], codes: Option<&mut Vec<u8>>) -> f64 {
        let settings = (G722.configure)(&Request::default(), &PcmFormat::mono(16_000)).unwrap();
        let mut encoder = settings.encoder().unwrap();
        let mut decoder = settings.decoder().unwrap();
        let mut units = Vec::new();
        for frame in signal.chunks_exact(320) {
            let frame = Pcm { format: settings.format, samples: frame.to_vec() };
            encoder.encode(Time::ZERO, &frame, &mut units).unwrap();
        }
        let mut out = Pcm::silence(settings.format, 0);
        for unit in &units {
            decoder.decode(Input::Unit(&unit.data), &mut out).unwrap();
        }
        if let Some(codes) = codes {
            codes.extend(units.iter().flat_map(|u| &u.data));
        }
        let (mut power, mut error) = (0.0, 0.0);
        for i in 3200..out.samples.len() {
            let wanted = f64::from(signal[i - 22]);
            power += wanted * wanted;
            error += (f64::from(out.samples[i]) - wanted).powi(2);
        }
        10.0 * (power / error).log10()
    }

    fn tone(hz: f64, level: f64) -> Vec<i16> {
        (0..16_000).map(|n| (level * (std::f64::consts::TAU * hz * n as f64 / 16e3).sin()) as i16).collect()
    }

    #[test]
    fn tones_of_both_bands_come_back_22_samples_later() {
        // 6 bit ADPCM in the lower band, 2 bit in the upper (G.722, section 1.3).
        let (low, high) = (snr(&tone(1000.0, 8000.0), None), snr(&tone(6000.0, 8000.0), None));
        assert!(low > 35.0, "lower band: {low:.1} dB");
        assert!(high > 10.0, "upper band: {high:.1} dB");
    }

    /// The codes are those of spandsp 0.0.6 (Debian 12), the samples those of ffmpeg 5.1, from the same integers.
    #[test]
    fn codes_and_samples_are_those_of_an_independent_implementation() {
        let mut state = 1u32;
        let signal: Vec<i16> = (0..32_000)
            .map(|n: i32| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 16) as i16;
                let (saw, loud) = (((n * 397) % 16_000 - 8000) as i16, n / 4000);
                match loud {
                    0 => noise,
                    1 => {
                        if n % 50 < 25 {
                            i16::MAX
                        } else {
                            i16::MIN
                        }
                    }
                    2 => 0,
                    k => saw / (k as i16 - 2) + noise / 64,
                }
            })
            .collect();
        let mut encoder = AdpcmEncoder::new();
        let codes: Vec<u8> = signal.chunks_exact(2).map(|pair| encoder.code([pair[0], pair[1]])).collect();
        let mut decoder = AdpcmDecoder::new();
        let samples: Vec<u8> =
            codes.iter().flat_map(|octet| decoder.samples(*octet)).flat_map(i16::to_le_bytes).collect();
        let hash = |bytes: &[u8]| blake3::hash(bytes).to_hex()[..16].to_string();
        assert_eq!([hash(&codes), hash(&samples)], ["791f475820bafbef", "3a20344cdb7be71a"]);
    }

    #[test]
    fn one_byte_codes_two_samples_and_silence_has_no_level() {
        let mut codes = Vec::new();
        snr(&vec![0; 16_000], Some(&mut codes));
        assert_eq!(codes.len(), 8000, "64 kbit/s");
    }
}
