//! GSM: full rate, GSM 06.10, at 13 kbit/s, 8 kHz (RFC 3551, section 4.5.8).
//!
//! Losses are filled in the time domain by pitch repetition ([`super::plc`]) rather than by GSM 06.11, which repeats
//! the last frame's parameters: the decoder rests, and its filters forget within the cross-fade.

mod raw;

use super::configure::{Default, basis, variants};
use super::framed::{Framed, Frames};
use super::plc::Concealer;
use crate::codec::about::{Bitrates, Delay, Licence, Range, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Observed, Parameters, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use raw::{BYTES, SAMPLES, State};
use std::time::Duration;

pub static GSM: Codec<Pcm> = Codec {
    name: "GSM",
    version: || "libgsm 1.0 (gsm-sys 0.0.2), concealment 1".into(),
    licence: Licence { code: "TU-Berlin-2.0", terms: Terms::Open },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "GSM",
        payload_type: 3,
        clock_rate: |_| 8000,
        channels: |_| 1,
        source: "RFC 3551, section 4.5.8",
        ..RtpFormat::AUDIO
    }),
    plc: "pitch repetition after G.711 Appendix I; the decoder rests",
    fec: "",
    configure: |request, _| Ok(basis(&RANGE, &DEFAULT, request)?.with(GsmParameters)),
    variants: || variants().split_off(1),
};

const RANGE: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::One(13_000),
    packets_ms: &[20.0, 40.0, 60.0],
    fmtp: &[],
    modes: &[],
    complexity: None,
};
/// With the four bits that mark each frame, 33 bytes per 20 ms.
const DEFAULT: Default = Default { codec: "GSM", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 13_000 };

/// None of its own.
#[derive(Debug)]
struct GsmParameters;

impl Parameters<Pcm> for GsmParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        Ok(Box::new(GsmEncoder { state: State::new()?, frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let format = settings.format;
        Framed::boxed("GSM", format, move || Ok(GsmFrames { state: State::new()?, plc: Concealer::new(format) }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        Delay { source: "GSM 06.10: a frame by itself", ..Delay::default() }
    }
}

struct GsmEncoder {
    state: State,
    frame: Duration,
}

impl Encoder<Pcm> for GsmEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let (frames, _) = frame.samples.as_chunks::<SAMPLES>();
        let data = frames.iter().flat_map(|samples| self.state.encode(samples)).collect();
        out.push(Unit { data, pts, duration: self.frame, picture: None });
        Ok(())
    }
}

struct GsmFrames {
    state: State,
    plc: Concealer,
}

impl Frames for GsmFrames {
    fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
        let refused = |reason: String| Error::Codec { codec: "GSM", reason };
        let (frames, []) = data.as_chunks::<BYTES>() else {
            return Err(refused(format!("{} bytes are not whole frames of {BYTES}", data.len())));
        };
        if frames.iter().any(|frame| frame[0] >> 4 != 0xd) {
            return Err(refused("a frame begins with 1101".into()));
        }
        let start = out.len();
        for frame in frames {
            out.extend(self.state.decode(frame).ok_or_else(|| refused("not a frame".into()))?);
        }
        self.plc.heard(&mut out[start..]);
        Ok(())
    }

    fn lost(&mut self, count: usize, out: &mut Vec<i16>) -> Result<()> {
        self.plc.conceal(count, out);
        Ok(())
    }
}
