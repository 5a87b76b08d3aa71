//! The same codec on libopus 1.3.1, which browsers shipped for years: `unsafe-libopus`, that C library translated to Rust
//! by machine. It has no symbols of C, so that both versions live in one program; packets of either decode on the other.

use super::configure::{self, Library};
use super::decode::OpusDecoder;
use super::encode::OpusEncoder;
use super::raw_131 as raw;
use crate::codec::about::{Licence, Range, Terms};
use crate::codec::api::{Change, ChangeKind, Codec, Request, Settings};
use crate::codec::audio::opus;
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use std::time::Duration;

pub static OPUS_131: Codec<Pcm> = Codec {
    name: "opus@1.3.1",
    version: || "libopus 1.3.1 through unsafe-libopus 0.2.0".into(),
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: Range { modes: LIBOPUS_131.modes, ..configure::RANGE },
    rtp: Some(opus::RTP),
    plc: "pitch repetition after G.711 Appendix I: that of the translated library is broken",
    fec: "in-band FEC (LBRR) of one frame",
    configure,
    variants: || opus::variants(&[opus::AUDIO, opus::LOW_DELAY]),
};

static LIBOPUS_131: Library = Library {
    modes: &["voip", "audio", "lowdelay"],
    encoder: |parameters, settings| Ok(Box::new(OpusEncoder::<raw::Encoder>::new(parameters, settings)?)),
    decoder: |parameters, settings| Ok(Box::new(OpusDecoder::<raw::Decoder>::new(parameters, settings)?)),
};

/// As [`configure::configure`]; the neural parts came with libopus 1.5.
fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
    let (dred, deep_plc) = (request.repair.dred, request.repair.deep_plc);
    let mut request = request.clone();
    request.repair.dred = Duration::ZERO;
    request.repair.deep_plc = false;
    let mut settings = configure::configure(&LIBOPUS_131, &request)?;
    let neural =
        [(!dred.is_zero(), format!("dred:{}ms", dred.as_millis())), (deep_plc, "deep-plc".to_owned())].into_iter();
    settings.changes.extend(neural.filter(|(asked, _)| *asked).map(|(_, requested)| Change {
        requested,
        effective: "ignored".into(),
        kind: ChangeKind::Ignored,
        reason: "came with libopus 1.5".into(),
    }));
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::api::{Input, Unit};
    use crate::codec::audio::opus::OPUS;
    use crate::units::Time;

    const CLIP: PcmFormat = PcmFormat::mono(48_000);

    #[test]
    fn the_linked_library_is_that_version() {
        assert!(raw::version().ends_with("1.3.1"), "{}", raw::version());
    }

    #[test]
    fn what_it_lacks_is_told_or_refused() {
        let mut request = Request::default();
        request.repair.dred = Duration::from_millis(200);
        request.repair.deep_plc = true;
        let changes = configure(&request, &CLIP).unwrap().changes;
        let told: Vec<_> = changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        assert_eq!(told, [("dred:200ms", ChangeKind::Ignored), ("deep-plc", ChangeKind::Ignored)]);
        for mode in ["silk", "celt"] {
            let request = Request { mode: Some(mode.into()), ..Request::default() };
            let error = configure(&request, &CLIP).err().unwrap().to_string();
            assert!(error.contains("opus mode") && error.contains(mode), "{error}");
            assert!((OPUS.configure)(&request, &CLIP).is_ok());
        }
    }

    /// Were one of them linked in the other's place, their packets would be the same.
    #[test]
    fn both_versions_run_side_by_side_code_differently_and_understand_each_other() {
        let codecs = [&OPUS, &OPUS_131].map(|codec| (codec.configure)(&Request::default(), &CLIP).unwrap());
        let tone = |n: usize| (6000.0 * (n as f64 * 0.02 + (n as f64 * 0.0003).sin() * 9.0).sin()) as i16;
        let mut encoders = codecs.each_ref().map(|settings| settings.encoder().unwrap());
        let mut units: [Vec<Unit>; 2] = Default::default();
        for i in 0..50 {
            let frame = Pcm { format: CLIP, samples: (0..960).map(|n| tone(i * 960 + n)).collect() };
            for (encoder, units) in encoders.iter_mut().zip(&mut units) {
                encoder.encode(Time::from_millis(20 * i as u64), &frame, units).unwrap();
            }
        }
        let same = units[0].iter().zip(&units[1]).filter(|(a, b)| a.data == b.data).count();
        assert!(same < 40, "{same} of 50 packets are the same");
        for (units, settings) in units.iter().zip(codecs.iter().rev()) {
            let mut decoder = settings.decoder().unwrap();
            let mut heard = Pcm::silence(CLIP, 0);
            for unit in units {
                decoder.decode(Input::Unit(&unit.data), &mut heard).unwrap();
            }
            let power = |samples: &[i16]| samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>();
            let sent: Vec<i16> = (9600..48_000).map(tone).collect();
            let ratio = power(&heard.samples[9600..]) / power(&sent);
            assert!((0.7..1.4).contains(&ratio), "{settings:?}: {ratio}");
        }
    }

    /// The translated library's own concealment of SILK frames gives out full scale. Some overshoot is left: the decoder has
    /// not seen the lost frame.
    #[test]
    fn losses_are_no_louder_than_the_voice() {
        let settings = configure(&Request::default(), &CLIP).unwrap();
        let (mut encoder, mut decoder) = (settings.encoder().unwrap(), settings.decoder().unwrap());
        let mut heard = Pcm::silence(CLIP, 0);
        for i in 0..100 {
            let tone = |n: usize| (3000.0 * ((i * 960 + n) as f64 * 0.013).sin()) as i16;
            let mut units = Vec::new();
            let frame = Pcm { format: CLIP, samples: (0..960).map(tone).collect() };
            encoder.encode(Time::from_millis(20 * i as u64), &frame, &mut units).unwrap();
            let input = if i % 7 == 6 { Input::Lost(settings.frame) } else { Input::Unit(&units[0].data) };
            decoder.decode(input, &mut heard).unwrap();
        }
        let loudest = heard.samples.iter().map(|s| i32::from(*s).abs()).max().unwrap();
        assert!((2000..12_000).contains(&loudest), "{loudest}");
    }
}
