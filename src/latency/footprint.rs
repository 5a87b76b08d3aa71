//! Where a codec lies over bitrate and delay: its shape in a chart in the manner of opus-codec.org.

use super::{Latency, STRETCH_MS, Through, measure, noise};
use crate::codec::{Bitrates, Codec, Request};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Bitrate;

/// Bitrates at which the bandwidth of a codec without steps is measured, equally far apart in octaves.
const STEPS: u32 = 12;

/// What was measured of one codec over all its frame lengths, modes and bitrates.
#[derive(Clone, Debug, PartialEq)]
pub struct Footprint {
    pub codec: &'static str,
    /// The least and the most algorithmic delay, as a user meets it ([`Latency::met_ms`]).
    pub delays_ms: (f64, f64),
    /// (bitrate in bit/s, upper edge of the audio band in Hz), by rising bitrate.
    pub bands: Vec<(u32, f64)>,
}

/// The delays of the codec's variants, and its bandwidth at its bitrates where nothing else is asked. Codecs without a
/// bitrate of their own (L16) have none.
///
/// # Errors
/// Nothing of it could be measured.
pub fn footprint(codec: &Codec<Pcm>) -> Result<Footprint> {
    const CLIP: PcmFormat = PcmFormat::mono(48_000);
    let variants = (codec.variants)();
    let measured: Vec<Latency> =
        variants.iter().filter_map(|(_, request)| measure(codec, request, &CLIP).ok()).collect();
    let delays = || measured.iter().map(Latency::met_ms);
    let delays_ms = (delays().fold(f64::INFINITY, f64::min), delays().fold(0.0, f64::max));
    let mut bands: Vec<(u32, f64)> = Vec::new();
    for (mode, bitrate) in asked(codec) {
        let request = Request { bitrate: Some(Bitrate(bitrate)), mode, ..Request::default() };
        // What a mode cannot be coded at is no part of it.
        let Ok(settings) = (codec.settle)(&request, &CLIP) else { continue };
        let Some(bitrate) = settings.bitrate else { continue };
        if bands.iter().any(|(known, _)| *known == bitrate.0) {
            continue;
        }
        if let Ok(through) = Through::of(codec, &settings, STRETCH_MS, noise) {
            bands.push((bitrate.0, through.bandwidth_hz(settings.format)));
        }
    }
    bands.sort_by_key(|(bitrate, _)| *bitrate);
    if measured.is_empty() || bands.is_empty() {
        return Err(Error::Codec { codec: codec.name, reason: "neither delay nor bandwidth could be measured".into() });
    }
    Ok(Footprint { codec: codec.name, delays_ms, bands })
}

/// The modes of its variants, each with the codec's bitrates; without a mode first, since that is what most people run.
fn asked(codec: &Codec<Pcm>) -> Vec<(Option<String>, u32)> {
    let bitrates: Vec<u32> = match codec.range.bitrates {
        Bitrates::One(only) => vec![only],
        Bitrates::List(all) => all.to_vec(),
        Bitrates::Span(low, high) => (0..=STEPS)
            .map(|i| {
                let share = f64::from(i) / f64::from(STEPS);
                (f64::from(low) * (f64::from(high) / f64::from(low)).powf(share)).round() as u32
            })
            .collect(),
    };
    let of = |mode: Option<&str>| bitrates.iter().map(move |b| (mode.map(str::to_owned), *b)).collect::<Vec<_>>();
    // A codec whose modes differ in their bitrates (Speex) shows them all; one that has all in each mode (Opus) is done.
    let modes = codec.range.modes.iter().map(|m| Some(*m));
    std::iter::once(None).chain(modes).flat_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::audio;

    #[test]
    fn opus_widens_with_its_bitrate_and_pcmu_is_one_point() {
        let opus = footprint(audio("opus").unwrap()).unwrap();
        assert!((opus.delays_ms.0 - 5.0).abs() < 0.1 && opus.delays_ms.1 >= 66.4, "{opus:?}");
        let (first, last) = (opus.bands[0], opus.bands[opus.bands.len() - 1]);
        assert!(first.0 == 6000 && first.1 <= 4500.0 && last.0 == 510_000 && last.1 >= 19_000.0, "{opus:?}");
        let pcmu = footprint(audio("PCMU").unwrap()).unwrap();
        assert_eq!(pcmu.bands, [(64_000, 4000.0)]);
    }
}
