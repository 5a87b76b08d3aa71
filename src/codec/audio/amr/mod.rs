//! AMR and AMR-WB: 3GPP TS 26.090 and ITU-T G.722.2 (3GPP TS 26.190), in the payload format of RFC 4867.
//!
//! The rate stays as it is set: no mode is changed during a call, and there is no discontinuous transmission, which RFC
//! 4867 leaves to the sender.

mod configure;

use super::framed::{Framed, Frames};
use crate::codec::about::{Delay, Licence, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Observed, Parameters, Settings, Unit, at_bitrates, on_off};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::units::{Bitrate, Time};
use codec_core::codecs::amr::{
    AmrCodec, AmrFrameType, AmrInterleaving, AmrMode, AmrPacket, AmrPayloadCodec, AmrPayloadConfig, AmrPayloadFrame,
    AmrVariant,
};
use codec_core::types::{CodecConfig, CodedFrame, VariableRateCodec as _};
use configure::{AmrParameters, NARROW, WIDE, configure};
use std::collections::BTreeMap;
use std::time::Duration;

pub static AMR: Codec<Pcm> = Codec {
    name: "AMR",
    version,
    licence: LICENCE,
    feature: None,
    range: NARROW,
    rtp: Some(RtpFormat { encoding: |_| "AMR", payload_type: 106, ..RTP }),
    plc: PLC,
    fec: "",
    configure: |request, _| configure(AmrVariant::NarrowBand, request),
    variants: || at_bitrates(&[12_200]),
};

pub static AMR_WB: Codec<Pcm> = Codec {
    name: "AMR-WB",
    version,
    licence: LICENCE,
    feature: None,
    range: WIDE,
    rtp: Some(RtpFormat { encoding: |_| "AMR-WB", payload_type: 107, clock_rate: |_| 16_000, ..RTP }),
    plc: PLC,
    fec: "",
    configure: |request, _| configure(AmrVariant::WideBand, request),
    variants: || at_bitrates(&[23_850]),
};

const LICENCE: Licence = Licence { code: "MIT OR Apache-2.0", terms: Terms::Fees };
const PLC: &str = "the decoder's own, parameters of the last good frame repeated and muted";
const RTP: RtpFormat = RtpFormat {
    encoding: |_| "AMR",
    payload_type: 106,
    clock_rate: |_| 8000,
    channels: |_| 1,
    source: "RFC 4867",
    ..RtpFormat::AUDIO
};

fn version() -> String {
    "rvoip-codec-core 0.4.0".into()
}

impl AmrParameters {
    fn payload(&self) -> Result<AmrPayloadCodec> {
        AmrPayloadCodec::new(AmrPayloadConfig {
            octet_aligned: self.octet_align.unwrap_or_default(),
            crc: self.crc.unwrap_or_default(),
            robust_sorting: self.robust_sorting.unwrap_or_default(),
            interleaving: self.interleaving,
            ..AmrPayloadConfig::bandwidth_efficient(self.variant)
        })
        .map_err(|e| refused(self.variant, e))
    }
}

impl Parameters<Pcm> for AmrParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        let variant = self.variant;
        let mut codec = codec(variant)?;
        let mode = AmrMode::all(variant).into_iter().find(|mode| Some(Bitrate(mode.bitrate())) == settings.bitrate);
        let mode = mode.ok_or_else(|| refused(variant, "no mode has that bitrate"))?;
        codec.set_mode(mode.index()).map_err(|e| refused(variant, e))?;
        Ok(Box::new(AmrEncoder { variant, codec, payload: self.payload()?, frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let (variant, payload) = (self.variant, self.payload()?);
        Framed::boxed(variant.sdp_name(), settings.format, move || {
            Ok(AmrFrames { variant, codec: codec(variant)?, payload, mode: 0 })
        })
    }

    /// The frame type of the first frame of each packet says the mode (RFC 4867, section 4.3.2).
    fn observe(&self, settings: &Settings<Pcm>, units: &[Unit]) -> Observed {
        let mut counts: BTreeMap<String, f64> = BTreeMap::new();
        if let Ok(payload) = self.payload() {
            for frame in units.iter().filter_map(|u| payload.unpack(&u.data).ok()?.frames.into_iter().next()) {
                let mode = match frame.frame_type {
                    AmrFrameType::Speech(mode) => Bitrate(mode.bitrate()).in_kilobits(),
                    AmrFrameType::Sid(_) => "comfort noise".into(),
                    AmrFrameType::SpeechLost | AmrFrameType::NoData => "nothing".into(),
                };
                *counts.entry(mode).or_default() += 1.0 / units.len() as f64;
            }
        }
        let mut modes: Vec<(String, f64)> = counts.into_iter().collect();
        modes.sort_by(|a, b| b.1.total_cmp(&a.1));
        Observed { modes, ..Observed::as_set(settings) }
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        match self.variant {
            // Of speech, whose weight lies at low frequencies, the high-pass and the post-filter make it look up to 0.4 ms
            // less.
            AmrVariant::NarrowBand => Delay {
                encoder: Duration::from_millis(5),
                source: "TS 26.090, section 4.4.1: 5 ms of look-ahead",
                ..Delay::default()
            },
            AmrVariant::WideBand => Delay {
                encoder: Duration::from_micros(5000),
                decoder: Duration::from_micros(940),
                source: "G.722.2, section 5: 5 ms look-ahead; the filters between 16 and 12.8 kHz 0.94 ms",
                ..Delay::default()
            },
        }
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let flags = [
            ("crc", self.crc),
            ("interleaving", self.interleaving.then_some(true)),
            ("octet-align", self.octet_align),
            ("robust-sorting", self.robust_sorting),
        ];
        flags.into_iter().filter_map(|(name, on)| Some((name, on_off(on?)))).collect()
    }
}

fn codec(variant: AmrVariant) -> Result<AmrCodec> {
    let config = match variant {
        AmrVariant::NarrowBand => CodecConfig::amr_nb(),
        AmrVariant::WideBand => CodecConfig::amr_wb(),
    };
    AmrCodec::new(&config).map_err(|e| refused(variant, e))
}

fn refused(variant: AmrVariant, reason: impl std::fmt::Display) -> Error {
    Error::Codec { codec: variant.sdp_name(), reason: reason.to_string() }
}

struct AmrEncoder {
    variant: AmrVariant,
    codec: AmrCodec,
    payload: AmrPayloadCodec,
    frame: Duration,
}

impl Encoder<Pcm> for AmrEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let variant = self.variant;
        let mut packet = AmrPacket::default();
        for samples in frame.samples.chunks(variant.frame_samples()) {
            let coded = self.codec.encode_frame(samples).map_err(|e| refused(variant, e))?;
            let mode = AmrMode::new(variant, coded.mode).map_err(|e| refused(variant, e))?;
            let frame = AmrPayloadFrame::new(AmrFrameType::Speech(mode), true, coded.data);
            packet.frames.push(frame.map_err(|e| refused(variant, e))?);
        }
        if self.payload.config().interleaving {
            packet.interleaving = Some(AmrInterleaving { ill: 0, ilp: 0 });
        }
        let data = self.payload.pack(&packet).map_err(|e| refused(variant, e))?;
        out.push(Unit { data, pts, duration: self.frame, picture: None });
        Ok(())
    }
}

struct AmrFrames {
    variant: AmrVariant,
    codec: AmrCodec,
    payload: AmrPayloadCodec,
    /// Of the last frame: concealment goes by it.
    mode: u8,
}

impl AmrFrames {
    fn frame(&mut self, mut frame: CodedFrame, out: &mut Vec<i16>) -> Result<()> {
        frame.mode = self.mode;
        out.extend(self.codec.decode_frame(&frame).map_err(|e| refused(self.variant, e))?);
        Ok(())
    }
}

impl Frames for AmrFrames {
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let packet = self.payload.unpack(data).map_err(|e| refused(self.variant, e))?;
        for frame in packet.frames {
            let mut coded = match frame.frame_type {
                AmrFrameType::Speech(mode) => {
                    self.mode = mode.index();
                    CodedFrame::speech(mode.index(), frame.data)
                }
                AmrFrameType::Sid(_) => CodedFrame::comfort_noise(frame.data),
                AmrFrameType::SpeechLost => CodedFrame::lost(),
                AmrFrameType::NoData => CodedFrame::no_data(),
            };
            coded.quality_ok = frame.quality_ok;
            self.frame(coded, out)?;
        }
        Ok(())
    }

    fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
        self.frame(CodedFrame::lost(), out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::about::Bitrates;
    use crate::codec::api::{Input, Request};
    use crate::media::PcmFormat;
    use crate::units::Seed;

    fn configured(codec: &Codec<Pcm>, fmtp: &str, bitrate: Option<u32>) -> Settings<Pcm> {
        let request = Request { fmtp: fmtp.parse().unwrap(), bitrate: bitrate.map(Bitrate), ..Request::default() };
        (codec.configure)(&request, &PcmFormat::mono(48_000)).unwrap()
    }

    fn coded(settings: &Settings<Pcm>) -> Vec<Unit> {
        let mut rng = Seed(3).stream("signal");
        let mut encoder = settings.encoder().unwrap();
        let mut units = Vec::new();
        for _ in 0..20 {
            let samples =
                (0..settings.format.samples(settings.frame)).map(|_| (2000.0 * rng.normal()) as i16).collect();
            encoder.encode(Time::ZERO, &Pcm { format: settings.format, samples }, &mut units).unwrap();
        }
        units
    }

    #[test]
    fn every_mode_has_the_payload_size_of_rfc_4867_in_both_framings() {
        // Speech bits per frame: RFC 4867, section 3.6 (AMR) and TS 26.201, table 2 (AMR-WB).
        let narrow = [95, 103, 118, 134, 148, 159, 204, 244];
        let wide = [132, 177, 253, 285, 317, 365, 397, 461, 477];
        for (codec, bits) in [(&AMR, narrow.as_slice()), (&AMR_WB, &wide)] {
            let Bitrates::List(bitrates) = codec.range.bitrates else { panic!("a list") };
            assert_eq!(bitrates.len(), bits.len());
            for (bitrate, bits) in bitrates.iter().zip(bits) {
                assert_eq!(*bitrate, bits * 50);
                // 4 bits of mode request and 6 of contents, or 1 octet each.
                for (fmtp, octets) in [("", (10 + bits).div_ceil(8)), ("octet-align=1", 2 + bits.div_ceil(8))] {
                    let settings = configured(codec, fmtp, Some(*bitrate));
                    let units = coded(&settings);
                    assert!(units.iter().all(|u| u.data.len() == octets as usize), "{bitrate} {fmtp}");
                    let modes = settings.observe(&units).modes;
                    assert_eq!(modes.len(), 1);
                    assert_eq!(modes[0].0, format!("{} kbit/s", f64::from(*bitrate) / 1000.0));
                }
            }
        }
    }

    #[test]
    fn all_framings_carry_the_same_speech() {
        let decoded = |fmtp: &str| {
            let settings = configured(&AMR, &format!("ptime=60;{fmtp}"), None);
            let mut decoder = settings.decoder().unwrap();
            let mut out = Pcm::silence(settings.format, 0);
            for unit in coded(&settings) {
                decoder.decode(Input::Unit(&unit.data), &mut out).unwrap();
            }
            out
        };
        let plain = decoded("");
        assert_eq!(plain.len(), 20 * 480);
        for fmtp in ["octet-align=1", "crc=1", "robust-sorting=1", "interleaving=4", "crc=1;robust-sorting=1"] {
            assert_eq!(decoded(fmtp), plain, "{fmtp}");
        }
    }
}
