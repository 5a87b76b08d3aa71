//! LC3: the low complexity communication codec of Bluetooth LE Audio, frames of 7.5 or 10 ms. No RFC carries it: frames are
//! put into packets as they are, since both ends know their size.
//!
//! Left out are 8 kHz, which the encoder of the crate cannot do, and 24 kHz, where with frames of 10 ms it stays 10 dB and
//! more behind liblc3 at every bitrate. Below 64, 80 and 88 kbit/s at 16, 32 and 48 kHz the format uses its long-term
//! post-filter, and there the encoder is 3 to 13 dB behind liblc3 at periodic sounds (scripts/codec-check).

mod raw;

use super::configure::{Default, basis};
use super::framed::{Framed, Frames};
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{
    Codec, Decoder as DecoderOf, Encoder as EncoderOf, Observed, Parameters, Request, Settings, Unit,
};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Time, from_ms, ms};
use lc3_codec::common::config::{FrameDuration, SamplingFrequency};
use raw::{Decoder, Encoder};
use std::time::Duration;

pub static LC3: Codec<Pcm> = Codec {
    name: "LC3",
    version: || "lc3-codec 0.2.0".into(),
    licence: Licence { code: "Apache-2.0", terms: Terms::Free },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "LC3",
        payload_type: 109,
        clock_rate: |sample_rate| sample_rate,
        channels: |_| 1,
        source: "none",
        ..RtpFormat::AUDIO
    }),
    plc: "the decoder's own, the last spectrum with random signs, muted",
    fec: "",
    configure,
    variants: || {
        let variant = |mode: &str, packet, bitrate| Request {
            mode: Some(mode.into()),
            ptime: Some(from_ms(packet)),
            bitrate: Some(Bitrate(bitrate)),
            ..Request::default()
        };
        let mut all = Vec::new();
        for mode in RANGE.modes {
            for packet in [7.5, 10.0] {
                all.push((format!("{mode}Hz, {packet} ms"), variant(mode, packet, 160_000)));
            }
        }
        all
    },
};

const RANGE: Range = Range {
    sample_rates: &[16_000, 32_000, 48_000],
    bitrates: Bitrates::Span(16_000, 320_000),
    packets_ms: &[7.5, 10.0, 15.0, 20.0, 30.0, 40.0, 60.0],
    fmtp: &[],
    modes: &["48k", "32k", "16k"],
    complexity: None,
};

/// The smallest and the largest frame, in bytes (LC3 specification, section 2.4).
const FRAME_BYTES: (usize, usize) = (20, 400);

fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
    // The lowest at which the long-term post-filter rests.
    let (sample_rate, bitrate) = match request.mode.as_deref() {
        Some("16k") => (16_000, 64_000),
        Some("32k") => (32_000, 80_000),
        _ => (48_000, 96_000),
    };
    let default = Default { codec: "LC3", format: PcmFormat::mono(sample_rate), packet_ms: 10.0, bitrate };
    let mut basis = basis(&RANGE, &default, request)?;
    let layout = Layout::of(&basis.format, basis.frame, basis.bitrate);
    let taken = (layout.bytes as f64 * 8000.0 / layout.samples_ms).round() as u32;
    let reason = format!("whole bytes per frame, {} to {}", FRAME_BYTES.0, FRAME_BYTES.1);
    basis.bring_to(request, taken, reason);
    let mode = basis.mode;
    Ok(basis.with(Lc3Parameters { mode, layout }))
}

#[derive(Debug)]
struct Lc3Parameters {
    /// One of [`RANGE`].
    mode: &'static str,
    layout: Layout,
}

impl Parameters<Pcm> for Lc3Parameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn EncoderOf<Pcm>>> {
        let layout = self.layout;
        Ok(Box::new(Lc3Encoder { encoder: Encoder::new(layout.duration, frequency(settings)), layout }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn DecoderOf<Pcm>>> {
        let (layout, frequency) = (self.layout, frequency(settings));
        Framed::boxed("LC3", settings.format, move || {
            Ok(Lc3Frames { decoder: Decoder::new(layout.duration, frequency), layout })
        })
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay {
            encoder: if self.layout.samples_ms == 10.0 { from_ms(2.5) } else { from_ms(4.0) },
            source: "LC3 specification, section 2.2: how far the transform's window reaches beyond the frame",
            ..Delay::default()
        }
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![("mode", self.mode.into())]
    }
}

/// How a packet is cut into frames.
#[derive(Clone, Copy, Debug)]
struct Layout {
    duration: FrameDuration,
    samples_ms: f64,
    samples: usize,
    /// Of one frame.
    bytes: usize,
    packet: Duration,
}

impl Layout {
    /// Packets of whole tens of ms hold frames of 10 ms, the others of 7.5 ms.
    fn of(format: &PcmFormat, packet: Duration, Bitrate(bitrate): Bitrate) -> Layout {
        let tens = ms(packet) % 10.0 == 0.0;
        let samples_ms = if tens { 10.0 } else { 7.5 };
        Layout {
            duration: if tens { FrameDuration::TenMs } else { FrameDuration::SevenPointFiveMs },
            samples_ms,
            samples: format.samples(from_ms(samples_ms)),
            // A bitrate that was rounded to whole bytes may lie a fraction of a bit below them.
            bytes: ((f64::from(bitrate) * samples_ms / 8000.0 + 0.001) as usize).clamp(FRAME_BYTES.0, FRAME_BYTES.1),
            packet,
        }
    }
}

fn frequency(settings: &Settings<Pcm>) -> SamplingFrequency {
    match settings.format.sample_rate {
        16_000 => SamplingFrequency::Hz16000,
        32_000 => SamplingFrequency::Hz32000,
        _ => SamplingFrequency::Hz48000,
    }
}

struct Lc3Encoder {
    encoder: Encoder,
    layout: Layout,
}

impl EncoderOf<Pcm> for Lc3Encoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let frames = frame.samples.chunks_exact(self.layout.samples);
        let mut data = vec![0; frames.len() * self.layout.bytes];
        for (samples, bytes) in frames.zip(data.chunks_exact_mut(self.layout.bytes)) {
            self.encoder.encode(samples, bytes);
        }
        out.push(Unit { data, pts, duration: self.layout.packet, picture: None });
        Ok(())
    }
}

struct Lc3Frames {
    decoder: Decoder,
    layout: Layout,
}

impl Lc3Frames {
    fn frame(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let start = out.len();
        out.resize(start + self.layout.samples, 0);
        let decoded = self.decoder.decode(data, &mut out[start..]);
        let refused = || Error::Codec { codec: "LC3", reason: "the frame is undecodable".into() };
        if decoded { Ok(()) } else { Err(refused()) }
    }
}

impl Frames for Lc3Frames {
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let bytes = self.layout.bytes;
        if !data.len().is_multiple_of(bytes) {
            let reason = format!("{} bytes are not whole frames of {bytes}", data.len());
            return Err(Error::Codec { codec: "LC3", reason });
        }
        data.chunks_exact(bytes).try_for_each(|frame| self.frame(frame, out))
    }

    fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
        self.frame(&[], out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitrate_is_whole_bytes_per_frame() {
        for (mode, packet, asked, bitrate, changes) in [
            ("48k", 10.0, None, 96_000, 0),
            ("16k", 20.0, None, 64_000, 0),
            ("48k", 7.5, Some(96_000), 96_000, 0),
            ("48k", 7.5, Some(50_000), 49_067, 1),
            ("16k", 7.5, Some(16_000), 21_333, 1),
            ("48k", 10.0, Some(500_000), 320_000, 1),
            ("48k", 12.0, None, 96_000, 1),
        ] {
            let request = Request {
                mode: Some(mode.into()),
                ptime: Some(from_ms(packet)),
                bitrate: asked.map(Bitrate),
                ..Request::default()
            };
            let settings = configure(&request, &PcmFormat::mono(48_000)).unwrap();
            let found = (settings.bitrate, settings.changes.len());
            assert_eq!(found, (Some(Bitrate(bitrate)), changes), "{mode} {packet} ms {asked:?}");
            let layout = Layout::of(&settings.format, settings.frame, Bitrate(bitrate));
            assert_eq!((layout.bytes as f64 * 8000.0 / layout.samples_ms).round(), f64::from(bitrate));
        }
    }
}
