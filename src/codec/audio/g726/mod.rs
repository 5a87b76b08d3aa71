//! G726: ITU-T G.726, adaptive differential PCM at 16, 24, 32 and 40 kbit/s, 8 kHz, packed as RFC 3551, section 4.5.4
//! says: the first code in the least significant bits of the first octet.
//!
//! Losses are filled in the time domain by pitch repetition ([`super::plc`]). The decoder rests meanwhile: predictor
//! and step size leak (G.726, sections 2.4 and 2.7), so that it comes into step with the encoder soon after.

mod adpcm;

use super::configure::{Default, basis};
use super::framed::{Framed, Frames};
use super::g711;
use super::plc::Concealer;
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Observed, Parameters, Settings, Unit, at_bitrates};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Time};
use adpcm::{Adpcm, Rate};
use std::time::Duration;

pub static G726: Codec<Pcm> = Codec {
    name: "G726",
    version: || "codecbench G.726 1".into(),
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |bitrate| match bitrate {
            Some(Bitrate(16_000)) => "G726-16",
            Some(Bitrate(24_000)) => "G726-24",
            Some(Bitrate(40_000)) => "G726-40",
            _ => "G726-32",
        },
        payload_type: 108,
        clock_rate: |_| 8000,
        channels: |_| 1,
        source: "RFC 3551, section 4.5.4",
        ..RtpFormat::AUDIO
    }),
    plc: "pitch repetition after G.711 Appendix I; the ADPCM state rests",
    fec: "",
    configure: |request, _| {
        let basis = basis(&RANGE, &DEFAULT, request)?;
        let rate = rate(basis.bitrate);
        Ok(basis.with(G726Parameters { rate }))
    },
    variants: || at_bitrates(&[16_000, 24_000, 32_000, 40_000]),
};

const RANGE: Range = Range { bitrates: Bitrates::List(&[16_000, 24_000, 32_000, 40_000]), ..g711::RANGE };
const DEFAULT: Default = Default { codec: "G726", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 32_000 };

fn rate(bitrate: Bitrate) -> &'static Rate {
    match bitrate {
        Bitrate(16_000) => &Rate::KBIT_16,
        Bitrate(24_000) => &Rate::KBIT_24,
        Bitrate(40_000) => &Rate::KBIT_40,
        _ => &Rate::KBIT_32,
    }
}

#[derive(Debug)]
struct G726Parameters {
    rate: &'static Rate,
}

impl Parameters<Pcm> for G726Parameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(G726Encoder { adpcm: Adpcm::new(self.rate), frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let (rate, format) = (self.rate, settings.format);
        Framed::boxed("G726", format, move || Ok(G726Frames { adpcm: Adpcm::new(rate), plc: Concealer::new(format) }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay { source: "G.726: each sample by itself", ..Delay::default() }
    }
}

struct G726Encoder {
    adpcm: Adpcm,
    frame: Duration,
}

impl Encoder<Pcm> for G726Encoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let bits = self.adpcm.bits();
        let data = pack(bits, frame.samples.iter().map(|sample| self.adpcm.encode(*sample)));
        out.push(Unit { data, pts, duration: self.frame, picture: None });
        Ok(())
    }
}

struct G726Frames {
    adpcm: Adpcm,
    plc: Concealer,
}

impl Frames for G726Frames {
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let start = out.len();
        out.extend(unpack(self.adpcm.bits(), data).map(|code| self.adpcm.decode(code)));
        self.plc.heard(&mut out[start..]);
        Ok(())
    }

    fn lost(&mut self, count: usize, out: &mut Vec<i16>) -> Result<()> {
        self.plc.conceal(count, out);
        Ok(())
    }
}

/// Codes of `bits` each, the first in the least significant bits. Bits that fill no octet are left out; packets of whole
/// 8 samples have none.
fn pack(bits: u32, codes: impl Iterator<Item = u8>) -> Vec<u8> {
    let (mut held, mut count) = (0u32, 0);
    let mut data = Vec::new();
    for code in codes {
        held |= u32::from(code) << count;
        count += bits;
        if count >= 8 {
            data.push(held as u8);
            held >>= 8;
            count -= 8;
        }
    }
    data
}

fn unpack(bits: u32, data: &[u8]) -> impl Iterator<Item = u8> {
    (0..data.len() * 8 / bits as usize).map(move |i| {
        let at = i * bits as usize;
        let next = data.get(at / 8 + 1).copied().unwrap_or_default();
        let both = u16::from_le_bytes([data[at / 8], next]);
        (both >> (at % 8) & ((1 << bits) - 1)) as u8
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_stand_in_octets_as_rfc_3551_draws_them() {
        // Section 4.5.4: at 40 kbit/s eight codes fill five octets, at 32 kbit/s two fill one.
        assert_eq!(pack(4, [0x1, 0x2, 0x3, 0xf].into_iter()), [0x21, 0xf3]);
        assert_eq!(pack(5, [0b00001, 0b10010, 1, 1, 1, 1, 1, 1].into_iter())[..2], [0b0100_0001, 0b1000_0110]);
        for bits in 2..=5 {
            let codes: Vec<u8> = (0..80u8).map(|i| i.wrapping_mul(37) & ((1 << bits) - 1)).collect();
            let data = pack(bits, codes.iter().copied());
            assert_eq!(data.len(), 10 * bits as usize);
            assert_eq!(unpack(bits, &data).collect::<Vec<_>>(), codes);
        }
    }
}
