//! AMR and AMR-WB: 3GPP TS 26.090 and ITU-T G.722.2 (3GPP TS 26.190), in the payload format of RFC 4867.
//!
//! The rate stays as it is set: no mode is changed during a call, and there is no discontinuous transmission, which RFC
//! 4867 leaves to the sender.

use super::configure::{Basis, Default, basis};
use super::framed::{Framed, Frames};
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{
    Change, ChangeKind, Codec, Decoder, Encoder, Observed, Parameters, Request, Settings, Unit, at_bitrates, on_off,
};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Time, ms};
use codec_core::codecs::amr::{
    AmrCodec, AmrFrameType, AmrInterleaving, AmrMode, AmrPacket, AmrPayloadCodec, AmrPayloadConfig, AmrPayloadFrame,
    AmrVariant,
};
use codec_core::types::{CodecConfig, CodedFrame, VariableRateCodec as _};
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
    configure: |request, _| configure(AmrVariant::NarrowBand, &NARROW, &NARROW_DEFAULT, request),
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
    configure: |request, _| configure(AmrVariant::WideBand, &WIDE, &WIDE_DEFAULT, request),
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
const NARROW: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::List(&[4750, 5150, 5900, 6700, 7400, 7950, 10_200, 12_200]),
    packets_ms: &[20.0, 40.0, 60.0],
    fmtp: &[
        "channels",
        "crc",
        "interleaving",
        "max-red",
        "maxptime",
        "mode-change-capability",
        "mode-change-neighbor",
        "mode-change-period",
        "mode-set",
        "octet-align",
        "robust-sorting",
    ],
    modes: &[],
    complexity: None,
};
const WIDE: Range = Range {
    sample_rates: &[16_000],
    bitrates: Bitrates::List(&[6600, 8850, 12_650, 14_250, 15_850, 18_250, 19_850, 23_050, 23_850]),
    ..NARROW
};
/// The highest rate, that of enhanced full rate, is what networks use where nothing forces them lower.
const NARROW_DEFAULT: Default =
    Default { codec: "AMR", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 12_200 };
/// The lowest rate without the artefacts of the two below it (G.722.2, section 1), and the usual one of networks.
const WIDE_DEFAULT: Default =
    Default { codec: "AMR-WB", format: PcmFormat::mono(16_000), packet_ms: 20.0, bitrate: 12_650 };

fn version() -> String {
    "rvoip-codec-core 0.4.0".into()
}

/// RFC 4867, section 8.1. The receiver's `mode-set` bounds the bitrate; `crc`, `robust-sorting` and `interleaving` imply
/// octet alignment.
fn configure(variant: AmrVariant, range: &Range, default: &Default, request: &Request) -> Result<Settings<Pcm>> {
    let mut basis = basis(range, default, request)?;
    let mut note = |requested: String, effective: &str, kind, reason: &str| {
        basis.changes.push(Change { requested, effective: effective.into(), kind, reason: reason.into() });
    };
    let mut parameters =
        AmrParameters { variant, octet_align: None, crc: None, robust_sorting: None, interleaving: false };
    let mut mode_set = Vec::new();
    for (name, value) in request.fmtp.iter().filter(|(name, _)| range.fmtp.contains(name)) {
        let value = value.unwrap_or_default();
        let text = format!("{name}={value}");
        let fits = |fits: bool| if fits { ChangeKind::Ignored } else { ChangeKind::Invalid };
        let number = value.parse::<u32>().ok();
        match name {
            "octet-align" | "crc" | "robust-sorting" => match number.filter(|v| *v <= 1) {
                Some(flag) if name == "octet-align" => parameters.octet_align = Some(flag == 1),
                Some(flag) if name == "crc" => parameters.crc = Some(flag == 1),
                Some(flag) => parameters.robust_sorting = Some(flag == 1),
                None => note(text, "0", ChangeKind::Invalid, "0 or 1 (RFC 4867, section 8.1)"),
            },
            "interleaving" if number.is_some_and(|v| v > 0) => {
                parameters.interleaving = true;
                let reason = "each packet is a group by itself: interleaving would add its delay";
                note(text, "1", ChangeKind::Ignored, reason);
            }
            "interleaving" => note(text, "ignored", ChangeKind::Invalid, "a number of frame blocks above 0"),
            "mode-set" => match modes(variant, value) {
                Some(modes) => mode_set = modes,
                None => note(text, "ignored", ChangeKind::Invalid, "modes of the codec, with commas between them"),
            },
            "channels" if number != Some(1) => {
                note(text, "1", fits(number.is_some_and(|v| (1..=6).contains(&v))), "calls are in mono");
            }
            "max-red" if number != Some(0) => {
                note(text, "0", fits(number.is_some_and(|v| v <= 65_535)), "the sender repeats no frames");
            }
            "maxptime" if number.is_none_or(|v| f64::from(v) < ms(basis.frame)) => {
                note(text, "ignored", fits(number.is_some()), "packets are as long as ptime says");
            }
            // A mode that never changes keeps within each of the others.
            _ => {}
        }
    }
    let implied = parameters.implies_octet_alignment();
    if let (Some(by), Some(false)) = (implied, parameters.octet_align) {
        note("octet-align=0".into(), "1", ChangeKind::Invalid, &format!("{by} implies it (RFC 4867, section 8.1)"));
    }
    if implied.is_some() {
        parameters.octet_align = Some(true);
    }
    within(&mode_set, request, &mut basis);
    Ok(basis.with(parameters))
}

/// The modes of `mode-set=0,2,7`, the lowest first; `None` when they are none of the codec.
fn modes(variant: AmrVariant, list: &str) -> Option<Vec<AmrMode>> {
    let mode = |index: &str| AmrMode::new(variant, index.trim().parse().ok()?).ok();
    let mut modes: Vec<AmrMode> = list.split(',').map(mode).collect::<Option<_>>()?;
    modes.sort_by_key(|mode| mode.bitrate());
    Some(modes)
}

/// Brings the bitrate into the mode set: its highest mode that is not above what is wanted, or its lowest.
fn within(mode_set: &[AmrMode], request: &Request, basis: &mut Basis) {
    let not_above = mode_set.iter().rev().find(|mode| mode.bitrate() <= basis.bitrate.0);
    let Some(taken) = not_above.or(mode_set.first()).map(|mode| mode.bitrate()) else { return };
    let reason = "mode-set: the receiver takes no other modes (RFC 4867, section 8.1)";
    basis.bring_to(request, taken, reason.into());
}

#[derive(Debug)]
struct AmrParameters {
    variant: AmrVariant,
    /// What the fmtp line says of the payload format; `None`: nothing, which is no.
    octet_align: Option<bool>,
    crc: Option<bool>,
    robust_sorting: Option<bool>,
    interleaving: bool,
}

impl AmrParameters {
    /// The parameter that implies it, where one does.
    fn implies_octet_alignment(&self) -> Option<&'static str> {
        let flags = [
            ("crc", self.crc == Some(true)),
            ("robust-sorting", self.robust_sorting == Some(true)),
            ("interleaving", self.interleaving),
        ];
        flags.into_iter().find(|(_, on)| *on).map(|(name, _)| name)
    }

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
    use crate::codec::api::Input;
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
    fn the_bitrate_is_the_highest_of_the_mode_set_not_above_what_was_asked() {
        for (fmtp, asked, taken, changes) in [
            ("mode-set=0,2,4,7", None, 12_200, 0),
            ("mode-set=0,2,4", None, 7400, 0),
            ("mode-set=2,0,4", Some(7000), 5900, 1),
            ("mode-set=4", Some(4750), 7400, 1),
            ("mode-set=0,4", Some(7400), 7400, 0),
            ("mode-set=0,9", Some(7400), 7400, 1),
            ("", Some(7000), 6700, 1),
        ] {
            let settings = configured(&AMR, fmtp, asked);
            assert_eq!((settings.bitrate, settings.changes.len()), (Some(Bitrate(taken)), changes), "{fmtp} {asked:?}");
        }
    }

    #[test]
    fn what_the_sender_does_not_do_is_told() {
        let fmtp = "octet-align=0;crc=1;interleaving=30;max-red=220;channels=2;robust-sorting=x;mode-change-period=2";
        let settings = configured(&AMR_WB, fmtp, None);
        let shown = [("crc", "on"), ("interleaving", "on"), ("octet-align", "on"), ("bitrate", "12650 bit/s")];
        assert_eq!(settings.shown(), shown.map(|(name, value)| (name, value.to_owned())));
        let told: Vec<_> = settings.changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        let expected = [
            ("interleaving=30", ChangeKind::Ignored),
            ("max-red=220", ChangeKind::Ignored),
            ("channels=2", ChangeKind::Ignored),
            ("robust-sorting=x", ChangeKind::Invalid),
            ("octet-align=0", ChangeKind::Invalid),
        ];
        assert_eq!(told, expected);
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
