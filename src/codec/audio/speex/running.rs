//! Speex by libspeex: what it runs with, its encoder and decoder.

use super::bands::{BANDS, Band, RANGE};
use super::raw::{Decoder, Encoder, Set, version as library};
use crate::codec::about::{Bitrates, Delay, Range};
use crate::codec::api::{
    Change, ChangeKind, Decoder as DecoderOf, Encoder as EncoderOf, Observed, Parameters, Request, Settings, Unit,
    on_off,
};
use crate::codec::audio::configure::{Default, basis};
use crate::codec::audio::framed::{Framed, Frames};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Time};
use std::time::Duration;

/// One frame of the library; a packet holds one or more.
const FRAME: Duration = Duration::from_millis(20);

/// What RFC 5574, table 1 calls the modes of narrowband, 1 to 8.
const NARROW_MODES: [u32; 8] = [2150, 5950, 8000, 11_000, 15_000, 18_200, 24_600, 3950];

pub(super) fn version() -> String {
    format!("libspeex {}", library())
}

/// RFC 5574, section 3.3: the receiver's first `mode` is what it likes best, where the setting asks for no bitrate.
pub(super) fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
    let number = BANDS.iter().position(|band| Some(band.mode) == request.mode.as_deref()).unwrap_or_default();
    let band = &BANDS[number];
    let format = PcmFormat::mono(band.sample_rate);
    let range = Range { bitrates: Bitrates::List(band.bitrates), ..RANGE };
    let default = Default { codec: "speex", format, packet_ms: 20.0, bitrate: band.bitrate };
    let mut basis = basis(&range, &default, request)?;
    let (mut variable, mut voice_activity) = (false, false);
    let mut note = |name: &str, value: &str, effective: &str, kind, reason: &str| {
        let requested = format!("{name}={value}");
        basis.changes.push(Change { requested, effective: effective.into(), kind, reason: reason.into() });
    };
    for (name, value) in request.fmtp.iter() {
        let value = value.unwrap_or_default().trim_matches('"');
        match (name, value) {
            ("vbr", "on") => variable = true,
            ("vbr", "vad") => voice_activity = true,
            ("vbr", "off") | ("cng", "on") => {}
            ("cng", "off") => note(name, value, "ignored", ChangeKind::Ignored, "the decoder always fills pauses"),
            ("vbr", _) => note(name, value, "off", ChangeKind::Invalid, "on, off or vad (RFC 5574, section 3.3)"),
            ("cng", _) => note(name, value, "on", ChangeKind::Invalid, "on or off (RFC 5574, section 3.3)"),
            ("maxptime", _) => note(name, value, "ignored", ChangeKind::Ignored, "packets are as long as ptime says"),
            ("mode", _) => match (liked(band, value), request.bitrate) {
                (None, _) => note(name, value, "any", ChangeKind::Invalid, "numbers or any, with commas between them"),
                (Some(Some(liked)), None) => basis.bitrate = Bitrate(liked),
                (Some(Some(_)), Some(_)) => {
                    note(name, value, "ignored", ChangeKind::Ignored, "the setting has its own bitrate");
                }
                (Some(None), _) => {}
            },
            _ => {}
        }
    }
    // Complexity 2 is the library's own.
    let complexity = basis.complexity.unwrap_or(2);
    Ok(basis.with(SpeexParameters { number, complexity, variable, voice_activity }))
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

#[derive(Debug)]
struct SpeexParameters {
    /// The library's number of the band, its place in [`BANDS`].
    number: usize,
    /// 0 to 10.
    complexity: u8,
    /// The bitrate is the mean of a variable one.
    variable: bool,
    /// Short frames in pauses.
    voice_activity: bool,
}

impl Parameters<Pcm> for SpeexParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn EncoderOf<Pcm>>> {
        let mut encoder = Encoder::new(self.number as i32)?;
        encoder.set(Set::Complexity, i32::from(self.complexity))?;
        let Bitrate(bitrate) = settings.bitrate.unwrap_or(Bitrate(BANDS[0].bitrate));
        encoder.set(if self.variable { Set::AverageBitrate } else { Set::Bitrate }, bitrate as i32)?;
        encoder.set(Set::VoiceActivity, i32::from(self.voice_activity))?;
        Ok(Box::new(SpeexEncoder { encoder, frame: settings.format.samples(FRAME), packet: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn DecoderOf<Pcm>>> {
        let (number, frame) = (self.number as i32, settings.format.samples(FRAME));
        Framed::boxed("speex", settings.format, move || Decoder::new(number, frame))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, settings: &Settings<Pcm>) -> Delay {
        let (encoder, decoder) = BANDS[self.number].lookahead;
        Delay {
            encoder: settings.format.duration(encoder),
            decoder: settings.format.duration(decoder),
            source: "libspeex, SPEEX_GET_LOOKAHEAD of encoder and decoder",
            ..Delay::default()
        }
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = vec![("mode", BANDS[self.number].mode.into()), ("complexity", self.complexity.to_string())];
        let asked = [("variable bitrate", self.variable), ("voice activity detection", self.voice_activity)];
        shown.extend(asked.into_iter().filter(|(_, on)| *on).map(|(name, on)| (name, on_off(on))));
        shown
    }
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

impl Frames for Decoder {
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        Decoder::packet(self, data, out)
    }

    fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
        Decoder::lost(self, out);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(mode: &str, fmtp: &str, bitrate: Option<u32>) -> Settings<Pcm> {
        let request = Request {
            mode: Some(mode.into()),
            fmtp: fmtp.parse().unwrap(),
            bitrate: bitrate.map(Bitrate),
            ..Request::default()
        };
        configure(&request, &PcmFormat::mono(48_000)).unwrap()
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
            let settings = configured(band, fmtp, asked);
            let found = (settings.bitrate, settings.changes.len());
            assert_eq!(found, (Some(Bitrate(bitrate)), changes), "{band} {fmtp}");
        }
        let shown =
            |fmtp: &str| configured("nb", fmtp, None).shown().into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(shown(""), ["mode", "complexity", "bitrate"]);
        assert_eq!(shown("vbr=on"), ["mode", "complexity", "variable bitrate", "bitrate"]);
        assert_eq!(shown("vbr=vad"), ["mode", "complexity", "voice activity detection", "bitrate"]);
    }

    #[test]
    fn the_bitrates_are_those_of_the_library() {
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
