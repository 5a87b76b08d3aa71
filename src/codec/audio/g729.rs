//! G729: ITU-T G.729 at 8 kbit/s, 8 kHz, frames of 10 ms (RFC 3551, section 4.5.6); the encoder of reduced complexity
//! (Annex A), which every decoder understands. Needs the feature `g729`.

use super::configure::variants;
use super::g711;
use crate::codec::about::{Bitrates, Feature, Licence, Range, RtpFormat, Terms};
#[cfg(not(feature = "g729"))]
use crate::codec::absent as running;
use crate::codec::api::Codec;
use crate::media::Pcm;

pub static G729: Codec<Pcm> = Codec {
    name: "G729",
    version: running::version,
    licence: Licence { code: "MIT OR Apache-2.0", terms: Terms::Fees },
    feature: Some(Feature { name: "g729", built: cfg!(feature = "g729") }),
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "G729",
        payload_type: 18,
        clock_rate: |_| 8000,
        channels: |_| 1,
        source: "RFC 3551, section 4.5.6",
        ..RtpFormat::AUDIO
    }),
    plc: "the decoder's own, parameters of the last good frame repeated and muted",
    fec: "",
    configure: running::configure,
    variants,
};

const RANGE: Range = Range { bitrates: Bitrates::One(8000), fmtp: &["annexb"], ..g711::RANGE };

#[cfg(feature = "g729")]
mod running {
    use super::super::configure::{Default, basis};
    use super::super::framed::{Framed, Frames};
    use super::RANGE;
    use crate::codec::about::Delay;
    use crate::codec::api::{Change, ChangeKind, Decoder, Encoder, Observed, Parameters, Request, Settings, Unit};
    use crate::error::{Error, Result};
    use crate::media::{Pcm, PcmFormat};
    use crate::units::Time;
    use codec_core::codecs::g729::G729Codec;
    use codec_core::types::{AudioCodec as _, CodecConfig};
    use std::time::Duration;

    const DEFAULT: Default = Default { codec: "G729", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 8000 };
    const BYTES: usize = G729Codec::MAX_ENCODED_BYTES;

    pub fn version() -> String {
        "rvoip-codec-core 0.4.0 (Annex A)".into()
    }

    fn codec() -> Result<G729Codec> {
        G729Codec::new(CodecConfig::g729a()).map_err(refused)
    }

    fn refused(reason: impl std::fmt::Display) -> Error {
        Error::Codec { codec: "G729", reason: reason.to_string() }
    }

    /// RFC 4856, section 2.1.9: `annexb` lets the sender leave out pauses; this one never does.
    pub fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
        let mut basis = basis(&RANGE, &DEFAULT, request)?;
        let told = match request.fmtp.get("annexb") {
            None | Some("no") => None,
            Some("yes") => Some((ChangeKind::Ignored, "the sender codes pauses like speech")),
            Some(_) => Some((ChangeKind::Invalid, "yes or no (RFC 4856, section 2.1.9)")),
        };
        basis.changes.extend(told.map(|(kind, reason)| Change {
            requested: format!("annexb={}", request.fmtp.get("annexb").unwrap_or_default()),
            effective: "no".into(),
            kind,
            reason: reason.into(),
        }));
        Ok(basis.with(G729Parameters))
    }

    /// None of its own.
    #[derive(Debug)]
    struct G729Parameters;

    impl Parameters<Pcm> for G729Parameters {
        fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
            Ok(Box::new(G729Encoder { codec: codec()?, packet: settings.frame }))
        }

        fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
            Framed::boxed("G729", settings.format, || Ok(G729Frames(codec()?)))
        }

        fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
            Observed::as_set(settings)
        }

        /// Of speech, whose weight lies at low frequencies, the high-pass and the post-filter make it look a little less.
        fn delay(&self, _: &Settings<Pcm>) -> Delay {
            Delay {
                encoder: Duration::from_millis(5),
                source: "G.729, section 2.4: 5 ms of look-ahead",
                ..Delay::default()
            }
        }
    }

    struct G729Encoder {
        codec: G729Codec,
        packet: Duration,
    }

    impl Encoder<Pcm> for G729Encoder {
        fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
            let mut data = Vec::new();
            for samples in frame.samples.chunks_exact(G729Codec::FRAME_SAMPLES) {
                data.extend(self.codec.encode(samples).map_err(refused)?);
            }
            out.push(Unit { data, pts, duration: self.packet, picture: None });
            Ok(())
        }
    }

    struct G729Frames(G729Codec);

    impl Frames for G729Frames {
        fn packet(&mut self, data: &[u8], out: &mut Vec<i16>) -> Result<()> {
            if !data.len().is_multiple_of(BYTES) {
                return Err(refused(format!("{} bytes are not whole frames of {BYTES}", data.len())));
            }
            for frame in data.chunks_exact(BYTES) {
                out.extend(self.0.decode(frame).map_err(refused)?);
            }
            Ok(())
        }

        fn lost(&mut self, _: usize, out: &mut Vec<i16>) -> Result<()> {
            out.extend(self.0.decode(&[]).map_err(refused)?);
            Ok(())
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn pauses_are_coded_whatever_the_receiver_allows() {
            for (fmtp, kind) in [
                ("annexb=no", None),
                ("annexb=yes", Some(ChangeKind::Ignored)),
                ("annexb=1", Some(ChangeKind::Invalid)),
            ] {
                let request = Request { fmtp: fmtp.parse().unwrap(), ..Request::default() };
                assert_eq!(
                    configure(&request, &PcmFormat::mono(8000)).unwrap().changes.first().map(|c| c.kind),
                    kind,
                    "{fmtp}"
                );
            }
        }
    }
}
