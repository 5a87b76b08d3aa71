//! Opus (RFC 6716) as WebRTC sends it (RFC 7587), by libopus. [`configure`] maps the fmtp line to the encoder.
//!
//! Redundancy that a packet carries of what came before it: in-band FEC ("LBRR") of one frame, and on request deep
//! redundancy ("DRED", draft-ietf-mlcodec-opus-dred) of up to a second. libopus sends either only once loss was reported,
//! and takes the bits from the frame itself.

pub mod configure;
mod decode;
mod encode;
pub mod packet;
mod raw;
mod raw_131;
pub mod v131;

use crate::codec::about::{Delay, Licence, RtpFormat, Terms};
use crate::codec::api::{Codec, Decoder, Encoder, Observed, Parameters, Request, Settings, Unit, on_off};
use crate::error::Result;
use crate::media::Pcm;
use crate::units::{Bitrate, from_ms, ms};
use configure::{Application, Library, OpusParameters, configure};
use decode::OpusDecoder;
use encode::OpusEncoder;
use packet::{DEEPEST, DTX_BYTES, OpusPacket};
use std::collections::BTreeMap;

pub static OPUS: Codec<Pcm> = Codec {
    name: "opus",
    version: || format!("{} through opusic-sys 0.7.7", raw::version()),
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: configure::RANGE,
    rtp: Some(RTP),
    plc: "libopus, in steps of 10 ms; neural with deep-plc",
    fec: "in-band FEC (LBRR) of one frame, DRED",
    configure: |request, _| configure(&LIBOPUS, request),
    variants: || variants(&[AUDIO, LOW_DELAY, SILK, CELT]),
};

static LIBOPUS: Library = Library {
    modes: configure::RANGE.modes,
    encoder: |parameters, settings| Ok(Box::new(OpusEncoder::<raw::Encoder>::new(parameters, settings)?)),
    decoder: |parameters, settings| Ok(Box::new(OpusDecoder::<raw::Decoder>::new(parameters, settings)?)),
};

pub(super) const RTP: RtpFormat = RtpFormat {
    encoding: |_| "opus",
    payload_type: 111,
    clock_rate: |_| 48_000,
    channels: |_| 2,
    source: "RFC 7587",
    ..RtpFormat::AUDIO
};

/// A mode and the frames in ms that are worth measuring in it.
type Variants = (&'static str, &'static [f64]);
pub(super) const AUDIO: Variants = ("audio", &[2.5, 5.0, 10.0, 20.0, 40.0, 60.0]);
pub(super) const LOW_DELAY: Variants = ("lowdelay", &[2.5, 5.0, 10.0, 20.0]);
const SILK: Variants = ("silk", &[10.0, 20.0, 40.0, 60.0]);
const CELT: Variants = ("celt", &[2.5, 5.0, 10.0, 20.0]);

/// High bitrates, so that the marker of the delay measurement survives.
pub(super) fn variants(modes: &[Variants]) -> Vec<(String, Request)> {
    let variant = |mode: &str, frame_ms: f64| {
        let request = Request {
            ptime: Some(from_ms(frame_ms)),
            bitrate: Some(Bitrate(128_000)),
            mode: Some(mode.into()),
            ..Request::default()
        };
        (format!("{mode} {frame_ms} ms"), request)
    };
    modes.iter().flat_map(|(mode, frames)| frames.iter().map(move |frame_ms| variant(mode, *frame_ms))).collect()
}

impl Parameters<Pcm> for OpusParameters {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        (self.library.encoder)(self, settings)
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        (self.library.decoder)(self, settings)
    }

    fn is_generative(&self) -> bool {
        self.deep_plc || !self.dred.is_zero()
    }

    fn observe(&self, _: &Settings<Pcm>, units: &[Unit]) -> Observed {
        let packets: Vec<OpusPacket> = units.iter().filter_map(|u| OpusPacket::parse(&u.data)).collect();
        let share = |count: usize| (!units.is_empty()).then(|| count as f64 / units.len() as f64);
        Observed {
            frame_ms: shares(packets.iter().map(|p| p.frame * p.frames as u32)).first().map(|(frame, _)| ms(*frame)),
            bandwidths: named(shares(packets.iter().map(|p| p.bandwidth.name()))),
            modes: named(shares(packets.iter().map(|p| p.mode.name()))),
            channels: shares(packets.iter().map(|p| p.channels)).first().map(|(channels, _)| *channels),
            fec_share: share(packets.iter().filter(|p| p.lbrr).count()),
            dtx_share: share(units.iter().filter(|u| u.data.len() <= DTX_BYTES).count()),
            dred_reach_ms: (!self.dred.is_zero()).then(|| mean_reach(units)).flatten(),
            pictures: None,
        }
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        let celt_only = matches!(self.application, Application::LowDelay | Application::Celt);
        Delay {
            // In the decoder nothing waits but the overlap of CELT's windows.
            encoder: from_ms(if celt_only { 0.0 } else { 4.0 }),
            decoder: from_ms(2.5),
            source: "RFC 6716, section 2.1.9, and OPUS_GET_LOOKAHEAD: 2.5 ms of overlap in CELT, 4 ms more where SILK may be used",
            ..Delay::default()
        }
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        let mut shown = vec![
            ("application", self.application.name().into()),
            ("cbr", on_off(self.cbr)),
            ("complexity", self.complexity.to_string()),
            ("dtx", on_off(self.dtx)),
            ("inband_fec", on_off(self.inband_fec)),
            ("max_bandwidth", self.max_bandwidth.name().into()),
        ];
        // Only where they were asked for: a browser has none of it.
        if !self.dred.is_zero() {
            shown.push(("dred_ms", self.dred.as_millis().to_string()));
        }
        if self.deep_plc {
            shown.push(("deep_plc", on_off(true)));
        }
        shown
    }
}

/// The mean reach of deep redundancy over all packets, those without it included, in ms.
fn mean_reach(units: &[Unit]) -> Option<f64> {
    let mut dred = raw::Dred::new().ok().filter(|_| !units.is_empty())?;
    let reaches = units.iter().map(|u| dred.read(&u.data, DEEPEST, 48_000, true) as f64 / 48.0);
    Some(reaches.sum::<f64>() / units.len() as f64)
}

/// Each value with its share, the largest first, equal ones in the order of the values.
fn shares<T: Ord>(values: impl ExactSizeIterator<Item = T>) -> Vec<(T, f64)> {
    let total = values.len() as f64;
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0u32) += 1;
    }
    let mut shares: Vec<(T, f64)> = counts.into_iter().map(|(value, n)| (value, f64::from(n) / total)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

fn named(shares: Vec<(&'static str, f64)>) -> Vec<(String, f64)> {
    shares.into_iter().map(|(name, share)| (name.to_owned(), share)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PcmFormat;

    #[test]
    fn the_linked_libopus_names_itself() {
        assert_eq!((OPUS.version)(), "libopus 1.6.1 through opusic-sys 0.7.7");
    }

    #[test]
    fn the_documented_look_ahead_is_what_libopus_reports() {
        for (mode, samples) in [("voip", 312), ("audio", 312), ("lowdelay", 120), ("silk", 312), ("celt", 120)] {
            let request = Request { mode: Some(mode.into()), ..Request::default() };
            let settings = (OPUS.configure)(&request, &PcmFormat::mono(48_000)).unwrap();
            let application = Application::ALL.into_iter().find(|application| application.name() == mode).unwrap();
            let mut encoder = <raw::Encoder as raw::Encode>::new(48_000, 1, encode::code(application)).unwrap();
            assert_eq!(encoder.look_ahead().unwrap(), samples);
            assert_eq!(settings.format.samples(settings.delay().lookahead()), samples as usize);
        }
    }

    #[test]
    fn shares_come_largest_first_and_ties_by_name() {
        assert_eq!(shares(["b", "a", "c", "c"].into_iter()), [("c", 0.5), ("a", 0.25), ("b", 0.25)]);
    }
}
