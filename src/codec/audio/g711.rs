//! PCMU and PCMA: ITU-T G.711 at 64 kbit/s, 8 kHz (RFC 3551, sections 4.5.14).

use super::configure::{Default, basis, variants};
use super::plc::Concealer;
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Input, Observed, Parameters, Request, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use std::time::Duration;

pub static PCMU: Codec<Pcm> = Codec {
    name: "PCMU",
    version: || "codecbench G.711 mu-law 1".into(),
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat { encoding: |_| "PCMU", payload_type: 0, ..RTP }),
    plc: "pitch repetition after G.711 Appendix I, without its 3.75 ms delay",
    fec: "",
    configure: |request, _| configure(&MU_LAW, request),
    variants,
};

pub static PCMA: Codec<Pcm> = Codec {
    name: "PCMA",
    version: || "codecbench G.711 A-law 1".into(),
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat { encoding: |_| "PCMA", payload_type: 8, ..RTP }),
    plc: "pitch repetition after G.711 Appendix I, without its 3.75 ms delay",
    fec: "",
    configure: |request, _| configure(&A_LAW, request),
    variants,
};

/// One bitrate; packets of 10 to 60 ms in whole tens as libwebrtc takes them, 20 by default (RFC 3551, section 4.2).
pub(super) const RANGE: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::One(64_000),
    packets_ms: &[10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
    fmtp: &[],
    modes: &[],
    complexity: None,
};
const DEFAULT: Default = Default { codec: "G.711", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 64_000 };
const RTP: RtpFormat = RtpFormat {
    encoding: |_| "PCMU",
    payload_type: 0,
    clock_rate: |_| 8000,
    channels: |_| 1,
    source: "RFC 3551, section 4.5.14",
    ..RtpFormat::AUDIO
};

/// What sets the two apart.
#[derive(Debug)]
struct Law {
    codec: &'static str,
    encode: fn(i16) -> u8,
    decode: fn(u8) -> i16,
}

static MU_LAW: Law = Law { codec: "PCMU", encode: mu_encode, decode: mu_decode };
static A_LAW: Law = Law { codec: "PCMA", encode: a_encode, decode: a_decode };

fn configure(law: &'static Law, request: &Request) -> Result<Settings<Pcm>> {
    Ok(basis(&RANGE, &DEFAULT, request)?.with(G711Parameters(law)))
}

#[derive(Debug)]
struct G711Parameters(&'static Law);

impl Parameters<Pcm> for G711Parameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(G711Encoder { law: self.0, frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let format = settings.format;
        Ok(Box::new(G711Decoder { law: self.0, format, plc: Concealer::new(format) }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay { source: "G.711: each sample by itself", ..Delay::default() }
    }
}

struct G711Encoder {
    law: &'static Law,
    frame: Duration,
}

impl Encoder<Pcm> for G711Encoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let data = frame.samples.iter().map(|s| (self.law.encode)(*s)).collect();
        out.push(Unit { data, pts, duration: self.frame, picture: None });
        Ok(())
    }
}

struct G711Decoder {
    law: &'static Law,
    format: PcmFormat,
    plc: Concealer,
}

impl Decoder<Pcm> for G711Decoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit([]) => Err(Error::Codec { codec: self.law.codec, reason: "the packet is empty".into() }),
            Input::Unit(data) => {
                let start = out.samples.len();
                out.samples.extend(data.iter().map(|code| (self.law.decode)(*code)));
                self.plc.heard(&mut out.samples[start..]);
                Ok(())
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                self.plc.conceal(self.format.samples(missing), &mut out.samples);
                Ok(())
            }
        }
    }
}

/// G.711 Table 2: eight segments of doubling width, 33 added first (14-bit scale; 132 at 16 bit) so that each segment
/// starts at a power of two. All bits of the code are inverted.
fn mu_encode(sample: i16) -> u8 {
    let magnitude = i32::from(sample).abs().min(32_635) + 132;
    let segment = magnitude.ilog2() - 7;
    let code = (segment << 4) as u8 | ((magnitude >> (segment + 3)) & 15) as u8;
    !(if sample < 0 { code | 0x80 } else { code })
}

fn mu_decode(code: u8) -> i16 {
    let code = !code;
    let (segment, step) = (code >> 4 & 7, i16::from(code & 15));
    let magnitude = (((2 * step + 33) << segment) - 33) * 4;
    if code & 0x80 != 0 { -magnitude } else { magnitude }
}

/// G.711 Table 1: the first two segments are equally wide, the others double; even bits of the code are inverted.
fn a_encode(sample: i16) -> u8 {
    let magnitude = i32::from(if sample < 0 { !sample } else { sample }) >> 4;
    let segment = if magnitude < 16 { 0 } else { magnitude.ilog2() as i32 - 3 };
    let step = if segment == 0 { magnitude } else { magnitude >> (segment - 1) } & 15;
    let code = (segment << 4 | step) as u8;
    (if sample < 0 { code } else { code | 0x80 }) ^ 0x55
}

fn a_decode(code: u8) -> i16 {
    let code = code ^ 0x55;
    let (segment, step) = (code >> 4 & 7, i16::from(code & 15));
    let magnitude = if segment == 0 { (2 * step + 1) << 3 } else { (2 * step + 33) << (segment + 2) };
    if code & 0x80 != 0 { magnitude } else { -magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decoder output values at the ends of the segments, G.711 Tables 1 and 2, brought to 16 bit.
    #[test]
    fn codes_decode_to_the_values_of_the_tables() {
        let mu = [(0xff, 0), (0xfe, 2), (0xf0, 30), (0xef, 33), (0xe0, 93), (0xdf, 99), (0xc0, 471), (0x80, 8031)];
        for (code, value) in mu {
            assert_eq!(mu_decode(code), value * 4, "mu-law {code:#x}");
            assert_eq!(mu_decode(code & 0x7f), -value * 4, "mu-law {code:#x} negative");
        }
        let a = [(0xd5, 1), (0xda, 31), (0xc5, 33), (0xca, 63), (0xf5, 66), (0xe5, 132), (0xaa, 4032)];
        for (code, value) in a {
            assert_eq!(a_decode(code), value * 8, "A-law {code:#x}");
            assert_eq!(a_decode(code & 0x7f), -value * 8, "A-law {code:#x} negative");
        }
    }

    #[test]
    fn all_codes_survive_decoding_and_encoding() {
        for code in 0..=255u8 {
            assert_eq!(a_encode(a_decode(code)), code);
            // Mu-law has two zeros; encoding gives the positive one.
            assert_eq!(mu_encode(mu_decode(code)), if code == 0x7f { 0xff } else { code });
        }
    }

    /// The decision values of a law are running sums of its interval widths, and a sample is coded to the middle of its
    /// interval (G.711, Tables 1 and 2); mu-law's first, half as wide, to zero.
    fn assert_coded_to_the_middle(widths: &[i32], encode: fn(i16) -> u8, decode: fn(u8) -> i16) {
        let mut low = 0;
        for (i, width) in widths.iter().enumerate() {
            let high = low + width;
            let middle = if i == 0 && widths[0] == 4 { 0 } else { (low + high) / 2 };
            for magnitude in low..high.min(32_768) {
                assert_eq!(i32::from(decode(encode(magnitude as i16))), middle, "sample {magnitude}");
                // Mu-law mirrors a sample by its sign, A-law by its one's complement.
                let mirrored = if widths[0] == 4 { -(magnitude as i16) } else { !(magnitude as i16) };
                assert_eq!(i32::from(decode(encode(mirrored))), -middle, "sample {mirrored}");
            }
            low = high;
        }
        assert!(low >= 32_636);
    }

    #[test]
    fn every_sample_is_coded_to_the_middle_of_its_interval() {
        let doubling = |start: i32, times: u32| (0..times).flat_map(move |s| [start << s; 16]);
        let mu: Vec<i32> = [4].into_iter().chain([8; 15]).chain(doubling(16, 7)).collect();
        assert_coded_to_the_middle(&mu, mu_encode, mu_decode);
        let a: Vec<i32> = [16; 16].into_iter().chain(doubling(16, 7)).collect();
        assert_coded_to_the_middle(&a, a_encode, a_decode);
    }
}
