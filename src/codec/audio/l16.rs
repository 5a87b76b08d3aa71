//! L16, linear PCM (RFC 3551, section 4.5.11): the identity codec that shows what the path alone does.

use super::configure::unknown_parameters;
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Input, Observed, Parameters, Request, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use std::time::Duration;

/// A payload stays below this many bytes, so that no datagram exceeds a usual path MTU.
const MAX_PAYLOAD: usize = 1200;

pub static L16: Codec<Pcm> = Codec {
    name: "L16",
    version: || "codecbench L16 1".into(),
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "L16",
        payload_type: 96,
        source: "RFC 3551, section 4.5.11",
        ..RtpFormat::AUDIO
    }),
    plc: "silence",
    fec: "",
    configure,
    variants: || vec![("48 kHz".into(), Request { ptime: Some(Duration::from_millis(10)), ..Request::default() })],
};

const RANGE: Range = Range {
    sample_rates: &[8000, 16_000, 24_000, 32_000, 44_100, 48_000],
    bitrates: Bitrates::Span(128_000, 1_536_000),
    packets_ms: &[],
    fmtp: &[],
    modes: &[],
    complexity: None,
};

fn configure(request: &Request, format: &PcmFormat) -> Result<Settings<Pcm>> {
    let frame = request.ptime.unwrap_or_else(|| one_payload(format));
    if frame.is_zero() || frame > Duration::from_millis(200) || format.duration(format.samples(frame)) != frame {
        return Err(Error::usage(format!("L16: ptime must be 1 to 200 ms of whole samples, not {frame:?}")));
    }
    let changes = unknown_parameters(&RANGE, request);
    Ok(Settings { changes, ..Settings::new(*format, frame, L16Parameters) })
}

/// 10 ms, or 5 where 10 would not go into one payload.
fn one_payload(format: &PcmFormat) -> Duration {
    let bytes = 2 * format.channels as usize * format.samples(Duration::from_millis(10));
    Duration::from_millis(if bytes <= MAX_PAYLOAD { 10 } else { 5 })
}

/// None of its own: format and frame say it all.
#[derive(Debug)]
struct L16Parameters;

impl Parameters<Pcm> for L16Parameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(L16Encoder { format: settings.format }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        Ok(Box::new(L16Decoder { format: settings.format }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay { source: "the samples as they are", ..Delay::default() }
    }
}

struct L16Encoder {
    format: PcmFormat,
}

impl Encoder<Pcm> for L16Encoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let channels = self.format.channels as usize;
        let per_unit = MAX_PAYLOAD / (2 * channels);
        for (i, part) in frame.samples.chunks(per_unit * channels).enumerate() {
            out.push(Unit {
                data: part.iter().flat_map(|s| s.to_be_bytes()).collect(),
                pts: pts + self.format.duration(i * per_unit),
                duration: self.format.duration(part.len() / channels),
                picture: None,
            });
        }
        Ok(())
    }
}

struct L16Decoder {
    format: PcmFormat,
}

impl Decoder<Pcm> for L16Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => {
                if data.len() % (2 * self.format.channels as usize) != 0 {
                    return Err(Error::Codec {
                        codec: "L16",
                        reason: format!("{} bytes are not whole samples", data.len()),
                    });
                }
                out.samples.extend(data.chunks_exact(2).map(|b| i16::from_be_bytes([b[0], b[1]])));
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let samples = self.format.samples(missing) * self.format.channels as usize;
                out.samples.extend(std::iter::repeat_n(0, samples));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_back_bit_by_bit_and_in_small_payloads() {
        let format = PcmFormat { sample_rate: 48_000, channels: 2 };
        let settings =
            (L16.configure)(&Request { ptime: Some(Duration::from_millis(10)), ..Request::default() }, &format)
                .unwrap();
        let frame = Pcm { format, samples: (0..960).map(|i| (i * 37 - 9000) as i16).collect() };
        let mut units = Vec::new();
        settings.encoder().unwrap().encode(Time::ZERO, &frame, &mut units).unwrap();
        assert!(units.len() == 2 && units.iter().all(|u| u.data.len() <= MAX_PAYLOAD));
        assert_eq!(units.iter().map(|u| u.duration).sum::<Duration>(), settings.frame);
        let mut out = Pcm { format, samples: Vec::new() };
        let mut decoder = settings.decoder().unwrap();
        for unit in &units {
            decoder.decode(Input::Unit(&unit.data), &mut out).unwrap();
        }
        assert_eq!(out, frame);
    }
}
