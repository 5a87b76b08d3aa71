//! Speex in narrowband, wideband and ultra-wideband, 8, 16 and 32 kHz (RFC 5574). Needs the feature `speex`.

#[cfg(feature = "speex")]
mod raw;

use super::settle::{Default, observe, settle};
use crate::codec::about::{Bitrates, Delay, Feature, Licence, Range, RtpFormat, Terms};
#[cfg(not(feature = "speex"))]
use crate::codec::absent as running;
use crate::codec::api::{Change, ChangeKind, Codec, Knob, Request, Settings};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Bitrate;
use std::time::Duration;

pub static SPEEX: Codec<Pcm> = Codec {
    name: "speex",
    version: running::version,
    licence: Licence { code: "MPL-2.0 AND BSD-3-Clause", terms: Terms::Open },
    feature: Some(Feature { name: "speex", built: cfg!(feature = "speex") }),
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "speex",
        payload_type: 105,
        clock_rate: |sample_rate| sample_rate,
        channels: |_| 1,
        source: "RFC 5574",
        ..RtpFormat::AUDIO
    }),
    plc: "the decoder's own, the excitation repeated by its pitch and muted",
    fec: "",
    settle: |request, _| settle_speex(request),
    encoder: running::encoder,
    decoder: running::decoder,
    observe,
    variants: || {
        let variant = |band: &Band| Request {
            mode: Some(band.mode.into()),
            bitrate: band.bitrates.last().copied().map(Bitrate),
            ..Request::default()
        };
        BANDS.iter().map(|band| (format!("{} Hz", band.sample_rate), variant(band))).collect()
    },
    delay: |settings| {
        let band = band(settings.text("mode"));
        let rate = u64::from(band.sample_rate);
        let delay = |samples: u64| Duration::from_nanos(samples * 1_000_000_000 / rate);
        Delay {
            encoder: delay(band.lookahead.0),
            decoder: delay(band.lookahead.1),
            source: "libspeex, SPEEX_GET_LOOKAHEAD of encoder and decoder",
            ..Delay::default()
        }
    },
};

/// What is different by bandwidth.
struct Band {
    mode: &'static str,
    sample_rate: u32,
    /// By quality, 0 to 10, each once; ascending.
    bitrates: &'static [u32],
    /// The library's own, of quality 8.
    bitrate: u32,
    /// Samples that the encoder and the decoder hold back.
    lookahead: (u64, u64),
}

const BANDS: [Band; 3] = [
    Band {
        mode: "nb",
        sample_rate: 8000,
        bitrates: &[2150, 3950, 5950, 8000, 11_000, 15_000, 18_200, 24_600],
        bitrate: 15_000,
        lookahead: (40, 40),
    },
    Band {
        mode: "wb",
        sample_rate: 16_000,
        bitrates: &[3950, 5750, 7750, 9800, 12_800, 16_800, 20_600, 23_800, 27_800, 34_200, 42_200],
        bitrate: 27_800,
        lookahead: (143, 80),
    },
    Band {
        mode: "uwb",
        sample_rate: 32_000,
        bitrates: &[4150, 7550, 9550, 11_600, 14_600, 18_600, 22_400, 25_600, 29_600, 36_000, 44_000],
        bitrate: 29_600,
        lookahead: (349, 160),
    },
];

/// What RFC 5574, table 1 calls the modes of narrowband, 1 to 8.
const NARROW_MODES: [u32; 8] = [2150, 5950, 8000, 11_000, 15_000, 18_200, 24_600, 3950];

const RANGE: Range = Range {
    sample_rates: &[8000, 16_000, 32_000],
    bitrates: Bitrates::Span(2150, 44_000),
    packets_ms: &[20.0, 40.0, 60.0],
    fmtp: &["cng", "maxptime", "mode", "vbr"],
    modes: &["nb", "wb", "uwb"],
    complexity: Some(10),
};

fn band(mode: &str) -> &'static Band {
    BANDS.iter().find(|band| band.mode == mode).unwrap_or(&BANDS[0])
}

/// RFC 5574, section 3.3: the receiver's first `mode` is what it likes best, where the setting asks for no bitrate.
fn settle_speex(request: &Request) -> Result<Settings<Pcm>> {
    let band = band(request.mode.as_deref().unwrap_or_default());
    let format = PcmFormat::mono(band.sample_rate);
    let range = Range { bitrates: Bitrates::List(band.bitrates), ..RANGE };
    let default = Default { codec: "speex", format, packet_ms: 20.0, bitrate: band.bitrate };
    let mut settings = settle(&range, &default, request)?;
    // The library's own.
    settings.knobs.entry("complexity").or_insert(Knob::Int(2));
    let mut note = |name: &str, value: &str, effective: &str, kind, reason: &str| {
        let requested = format!("{name}={value}");
        settings.changes.push(Change { requested, effective: effective.into(), kind, reason: reason.into() });
    };
    for (name, value) in request.fmtp.iter() {
        let value = value.unwrap_or_default().trim_matches('"');
        match (name, value) {
            ("vbr", "on" | "vad") => {
                let knob = if value == "on" { "variable bitrate" } else { "voice activity detection" };
                settings.knobs.insert(knob, Knob::Flag(true));
            }
            ("vbr", "off") | ("cng", "on") => {}
            ("cng", "off") => note(name, value, "ignored", ChangeKind::Ignored, "the decoder always fills pauses"),
            ("vbr", _) => note(name, value, "off", ChangeKind::Invalid, "on, off or vad (RFC 5574, section 3.3)"),
            ("cng", _) => note(name, value, "on", ChangeKind::Invalid, "on or off (RFC 5574, section 3.3)"),
            ("maxptime", _) => note(name, value, "ignored", ChangeKind::Ignored, "packets are as long as ptime says"),
            ("mode", _) => match (liked(band, value), request.bitrate) {
                (None, _) => note(name, value, "any", ChangeKind::Invalid, "numbers or any, with commas between them"),
                (Some(Some(liked)), None) => settings.bitrate = Some(Bitrate(liked)),
                (Some(Some(_)), Some(_)) => {
                    note(name, value, "ignored", ChangeKind::Ignored, "the setting has its own bitrate");
                }
                (Some(None), _) => {}
            },
            _ => {}
        }
    }
    Ok(settings)
}

/// The bitrate of the first mode of a list: `Some(None)` for any. `None`: no list of modes.
fn liked(band: &Band, list: &str) -> Option<Option<u32>> {
    let mode = |text: &str| {
        if text == "any" {
            return Some(None);
        }
        let number: usize = text.parse().ok()?;
        let bitrate = match band.sample_rate {
            8000 => NARROW_MODES.get(number.checked_sub(1)?),
            _ => band.bitrates.get(number),
        };
        bitrate.copied().map(Some)
    };
    let modes: Vec<Option<u32>> = list.split(',').map(|text| mode(text.trim())).collect::<Option<_>>()?;
    modes.first().copied()
}

#[cfg(feature = "speex")]
mod running {
    use super::super::framed::{Framed, Frames};
    use super::BANDS;
    use super::raw::{Decoder, Encoder, Set, version as library};
    use crate::codec::api::{Encoder as EncoderOf, Settings, Unit};
    use crate::error::Result;
    use crate::media::Pcm;
    use crate::units::{Bitrate, Time};
    use std::time::Duration;

    pub fn version() -> String {
        format!("libspeex {}", library())
    }

    /// The library's number of the band, and the samples of one frame of 20 ms.
    fn band(settings: &Settings<Pcm>) -> (i32, usize) {
        let number = BANDS.iter().position(|band| band.mode == settings.text("mode")).unwrap_or_default();
        (number as i32, settings.format.samples(Duration::from_millis(20)))
    }

    pub fn encoder(settings: &Settings<Pcm>) -> Result<Box<dyn EncoderOf<Pcm>>> {
        let (number, frame) = band(settings);
        let mut encoder = Encoder::new(number)?;
        encoder.set(Set::Complexity, settings.int("complexity") as i32)?;
        let Bitrate(bitrate) = settings.bitrate.unwrap_or(Bitrate(BANDS[0].bitrate));
        let variable = settings.flag("variable bitrate");
        encoder.set(if variable { Set::AverageBitrate } else { Set::Bitrate }, bitrate as i32)?;
        encoder.set(Set::VoiceActivity, i32::from(settings.flag("voice activity detection")))?;
        Ok(Box::new(SpeexEncoder { encoder, frame, packet: settings.frame }))
    }

    struct SpeexEncoder {
        encoder: Encoder,
        frame: usize,
        packet: Duration,
    }

    impl EncoderOf<Pcm> for SpeexEncoder {
        fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
            let data = self.encoder.encode(frame.samples.chunks(self.frame))?;
            out.push(Unit { data, pts, duration: self.packet, picture: None });
            Ok(())
        }
    }

    pub fn decoder(settings: &Settings<Pcm>) -> Result<Box<dyn crate::codec::api::Decoder<Pcm>>> {
        let (number, frame) = band(settings);
        Framed::boxed("speex", settings, move || Decoder::new(number, frame))
    }

    impl Frames for Decoder {
        fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
            Decoder::packet(self, data, out)
        }

        fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
            Decoder::lost(self, out);
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(mode: &str, fmtp: &str, bitrate: Option<u32>) -> Settings<Pcm> {
        let request = Request {
            mode: Some(mode.into()),
            fmtp: fmtp.parse().unwrap(),
            bitrate: bitrate.map(Bitrate),
            ..Request::default()
        };
        (SPEEX.settle)(&request, &PcmFormat::mono(48_000)).unwrap()
    }

    #[test]
    fn the_receivers_mode_sets_the_bitrate_where_the_setting_does_not() {
        for (band, fmtp, asked, bitrate, changes) in [
            ("nb", "", None, 15_000, 0),
            ("nb", "mode=4", None, 11_000, 0),
            ("nb", "mode=\"8,any\"", None, 3950, 0),
            ("wb", "mode=\"10,3\"", None, 42_200, 0),
            ("wb", "mode=any", None, 27_800, 0),
            ("wb", "mode=11", None, 27_800, 1),
            ("nb", "mode=0", None, 15_000, 1),
            ("nb", "mode=4", Some(8000), 8000, 1),
            ("uwb", "", Some(20_000), 18_600, 1),
            ("nb", "vbr=maybe;cng=off", None, 15_000, 2),
        ] {
            let settings = settled(band, fmtp, asked);
            let found = (settings.bitrate, settings.changes.len());
            assert_eq!(found, (Some(Bitrate(bitrate)), changes), "{band} {fmtp}");
        }
        assert!(settled("nb", "vbr=on", None).flag("variable bitrate"));
        assert!(settled("nb", "vbr=vad", None).flag("voice activity detection"));
    }

    #[cfg(feature = "speex")]
    #[test]
    fn the_bitrates_are_those_of_the_library() {
        use crate::codec::audio::speex::raw::{Encoder, Set};
        for (number, band) in BANDS.iter().enumerate() {
            let mut encoder = Encoder::new(number as i32).unwrap();
            for bitrate in band.bitrates {
                encoder.set(Set::Bitrate, *bitrate as i32).unwrap();
                assert_eq!(encoder.bitrate(), *bitrate as i32, "{}", band.mode);
                encoder.set(Set::Bitrate, *bitrate as i32 + 100).unwrap();
                assert_eq!(encoder.bitrate(), *bitrate as i32, "{}: none in between", band.mode);
            }
        }
    }
}
