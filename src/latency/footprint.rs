//! Where a codec lies over bitrate and delay: its shape in a chart in the manner of opus-codec.org.

use super::probe::VERSION;
use super::{Latency, STRETCH_MS, Through, measure, noise};
use crate::codec::{Bitrates, Codec, Request};
use crate::media::{Pcm, PcmFormat};
use crate::units::Bitrate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Bitrates at which the bandwidth of a codec without steps is measured, equally far apart in octaves.
const STEPS: u32 = 12;

/// What was measured of one codec over all its frame lengths, modes and bitrates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Footprint {
    /// The codec, and its mode where each of them has bitrates of its own: "speex wb".
    pub codec: String,
    /// The least and the most algorithmic delay, as a user meets it ([`Latency::met_ms`]).
    pub delays_ms: (f64, f64),
    /// (bitrate in bit/s, upper edge of the audio band in Hz), by rising bitrate.
    pub bands: Vec<(u32, f64)>,
}

/// The delays of the codec's variants, and its bandwidth at its bitrates where nothing else is asked; a codec whose modes
/// have different bitrates (Speex) has one footprint for each. Codecs without a bitrate of their own (L16) have none.
pub fn footprints(codec: &Codec<Pcm>) -> Vec<Footprint> {
    let modes: Vec<Option<&str>> = codec.range.modes.iter().map(|m| Some(*m)).collect();
    let spans = || modes.iter().map(|mode| bitrates(codec, *mode));
    let apart = modes.len() > 1 && spans().any(|span| Some(span) != spans().next());
    let modes = if apart { modes } else { vec![None] };
    modes.into_iter().filter_map(|mode| footprint(codec, mode)).collect()
}

/// Identifies the footprints of a codec: its implementation.
pub fn footprint_key(codec: &Codec<Pcm>) -> String {
    let text = format!("{VERSION}\0{}\0{}", codec.name, (codec.version)());
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

fn footprint(codec: &Codec<Pcm>, mode: Option<&str>) -> Option<Footprint> {
    let variants = (codec.variants)().into_iter().map(|(_, request)| request);
    let of_mode = variants.filter(|request| mode.is_none() || request.mode.as_deref() == mode);
    let measured: Vec<Latency> = of_mode.filter_map(|request| measure(codec, &request, &CLIP).ok()).collect();
    let delays = || measured.iter().map(Latency::met_ms);
    let delays_ms = (delays().fold(f64::INFINITY, f64::min), delays().fold(0.0, f64::max));
    let mut bands = Vec::new();
    for bitrate in bitrates(codec, mode) {
        let settings = (codec.configure)(&request(mode, bitrate), &CLIP).ok()?;
        if let Ok(through) = Through::of(codec, &settings, STRETCH_MS, noise) {
            bands.push((bitrate, through.bandwidth_hz(settings.format)));
        }
    }
    let name = mode.map_or_else(|| codec.name.to_owned(), |mode| format!("{} {mode}", codec.name));
    (!measured.is_empty() && !bands.is_empty()).then_some(Footprint { codec: name, delays_ms, bands })
}

const CLIP: PcmFormat = PcmFormat::mono(48_000);

fn request(mode: Option<&str>, bitrate: u32) -> Request {
    Request { bitrate: Some(Bitrate(bitrate)), mode: mode.map(str::to_owned), ..Request::default() }
}

/// The bitrates that the codec takes in that mode, each once: all of a list, some of a span.
fn bitrates(codec: &Codec<Pcm>, mode: Option<&str>) -> Vec<u32> {
    let asked: Vec<u32> = match codec.range.bitrates {
        Bitrates::One(only) => vec![only],
        Bitrates::List(all) => all.to_vec(),
        Bitrates::Span(low, high) => (0..=STEPS)
            .map(|i| {
                let share = f64::from(i) / f64::from(STEPS);
                (f64::from(low) * (f64::from(high) / f64::from(low)).powf(share)).round() as u32
            })
            .collect(),
    };
    let configured = |bitrate: u32| (codec.configure)(&request(mode, bitrate), &CLIP).ok()?.bitrate;
    let taken: BTreeSet<u32> = asked.into_iter().filter_map(configured).map(|b| b.0).collect();
    taken.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::audio;

    #[test]
    fn opus_widens_with_its_bitrate_and_pcmu_is_one_point() {
        let [opus] = &footprints(audio("opus").unwrap())[..] else { panic!("one shape") };
        assert!((opus.delays_ms.0 - 5.0).abs() < 0.1 && opus.delays_ms.1 >= 66.4, "{opus:?}");
        let (first, last) = (opus.bands[0], opus.bands[opus.bands.len() - 1]);
        assert!(first.0 == 6000 && first.1 <= 4500.0 && last.0 == 510_000 && last.1 >= 19_000.0, "{opus:?}");
        let pcmu = footprints(audio("PCMU").unwrap());
        assert_eq!((pcmu.len(), &pcmu[0].bands[..]), (1, &[(64_000, 4000.0)][..]));
    }
}
