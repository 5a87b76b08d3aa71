//! PESQ (ITU-T P.862), by the crate `pesq` 0.2.0: wide-band (P.862.2) with and without Corrigendum 2, and narrow-band
//! (P.862 with the mapping of P.862.1).
//!
//! All three take the mono mix of a stereo signal and resample it to 16 kHz (wide-band) or 8 kHz (narrow-band) by
//! [`crate::media::resample`]. The crate's own 16 kHz to 8 kHz decimator cuts at 1.8 kHz, so it is not used. PESQ aligns
//! level and delay by itself; signals of different lengths are scored as they are. PESQ is for speech; on music it gives
//! a number that nobody validated.

use super::{Better, Evidence, Metric, Scale, Value, mono_at};
use crate::error::{Error, Result};
use crate::media::Pcm;
use pesq::disturbance::{aggregate, frame_disturbances};
use pesq::input::{AlignedPair, process_pair, process_pair_wideband};
use pesq::psychoacoustic::frame_range;
use pesq::score::raw_score;
use pesq::types::{RATE_8K, RATE_16K, SignalBuffer};

/// P.862.2 as most tools compute it: the input filter of the 2005 text.
pub static WIDE_BAND: Metric<Pcm> = Metric {
    scale: Scale {
        id: "pesq-wb",
        title: "PESQ wide-band",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(WIDE_BAND_CAP),
        source: "ITU-T P.862.2 mapping, WITHOUT Corrigendum 2 (03/2018); mono mix at 16 kHz; clean-room implementation \
                 (crate pesq 0.2.0), checked against vectors of PyPI pesq, not certified; P.862 may be encumbered: see \
                 the crate's notes before commercial use",
        margin: 0.05,
    },
    version: || "pesq 0.2.0, P.862.2 without Corrigendum 2".into(),
    score: |evidence| wide_band("pesq-wb", evidence, 1.0),
};

/// P.862.2 with Corrigendum 2, which lowers the gain of the wide-band input filter. Scores lie higher than `pesq-wb`,
/// by 0.4 on average and up to 2: never compare one with the other.
pub static WIDE_BAND_C2: Metric<Pcm> = Metric {
    scale: Scale {
        id: "pesq-wb-c2",
        title: "PESQ wide-band, Corrigendum 2",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(WIDE_BAND_CAP),
        source: "ITU-T P.862.2 mapping, WITH Corrigendum 2 (03/2018: input filter scaled by 0.251188); mono mix at \
                 16 kHz; clean-room implementation (crate pesq 0.2.0), checked against vectors of PyPI pesqc2, not \
                 certified; P.862 may be encumbered: see the crate's notes before commercial use",
        margin: 0.05,
    },
    version: || "pesq 0.2.0, P.862.2 with Corrigendum 2".into(),
    score: |evidence| wide_band("pesq-wb-c2", evidence, CORRIGENDUM_2_GAIN),
};

/// P.862 at its native rate, mapped by P.862.1.
pub static NARROW_BAND: Metric<Pcm> = Metric {
    scale: Scale {
        id: "pesq-nb",
        title: "PESQ narrow-band",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(NARROW_BAND_CAP),
        source: "ITU-T P.862 with the P.862.1 mapping; mono mix at 8 kHz; clean-room implementation (crate pesq \
                 0.2.0), checked against vectors of PyPI pesq, not certified; P.862 may be encumbered: see the crate's \
                 notes before commercial use",
        margin: 0.05,
    },
    version: || "pesq 0.2.0, P.862 with P.862.1".into(),
    score: narrow_band,
};

/// The mapped score of a pair without any disturbance, whose raw score is 4.5 (P.862, section 10.2.10).
const WIDE_BAND_CAP: f64 = 4.643_888_749_336_258;
const NARROW_BAND_CAP: f64 = 4.548_638_319_075_995;

/// Corrigendum 2 to P.862.2: -12 dB on the wide-band input filter.
const CORRIGENDUM_2_GAIN: f32 = 0.251_188;

fn wide_band(metric: &'static str, evidence: &Evidence<'_, Pcm>, filter_gain: f32) -> Result<Value> {
    let buffer = |pcm: &[i16]| SignalBuffer::from_pcm_at(pcm, RATE_16K).map_err(|e| failed(metric, e));
    let (reference, degraded) = audible_pair(metric, evidence, 16_000)?;
    let mut pair =
        process_pair_wideband(buffer(&reference)?, buffer(&degraded)?).map_err(|error| failed(metric, error))?;
    // The gain of the filter acts on the perceptual model alone: levels and delays were aligned before it.
    for sample in pair.reference.samples.iter_mut().chain(&mut pair.degraded.samples) {
        *sample *= filter_gain;
    }
    mapped(metric, raw(&pair), 1.3669, 3.8224)
}

fn narrow_band(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    let metric = "pesq-nb";
    let buffer = |pcm: &[i16]| SignalBuffer::from_pcm_at(pcm, RATE_8K).map_err(|e| failed(metric, e));
    let (reference, degraded) = audible_pair(metric, evidence, 8_000)?;
    let pair = process_pair(buffer(&reference)?, buffer(&degraded)?).map_err(|error| failed(metric, error))?;
    mapped(metric, raw(&pair), 1.4945, 4.6607)
}

/// Both signals as P.862 wants them. A silent one has no level to align to, so it is refused here.
fn audible_pair(metric: &'static str, evidence: &Evidence<'_, Pcm>, sample_rate: u32) -> Result<(Vec<i16>, Vec<i16>)> {
    let prepare = |pcm: &Pcm, which: &str| {
        let mono = mono_at(pcm, sample_rate)?;
        match mono.iter().all(|s| *s == 0) {
            true => Err(Error::Metric { metric, reason: format!("the {which} signal is silent") }),
            false => Ok(mono),
        }
    };
    Ok((prepare(evidence.reference, "reference")?, prepare(evidence.degraded, "degraded")?))
}

/// The raw P.862 score, about -0.5 to 4.5.
fn raw(pair: &AlignedPair) -> f64 {
    let frames = frame_disturbances(&pair.reference, &pair.degraded, &pair.utterances);
    let range = frame_range(&pair.reference, pair.nominal_max());
    let indicators = aggregate(&frames, range.start);
    f64::from(raw_score(indicators.symmetric, indicators.asymmetric))
}

/// The logistic of P.862.1 and P.862.2, each with its own constants.
fn mapped(metric: &'static str, raw: f64, slope: f64, offset: f64) -> Result<Value> {
    let score = 0.999 + 4.0 / (1.0 + (offset - slope * raw).exp());
    match score.is_finite() {
        true => Ok(score.into()),
        false => Err(Error::Metric { metric, reason: "the signals are too weak for its level alignment".into() }),
    }
}

fn failed(metric: &'static str, error: pesq::PesqError) -> Error {
    let reason = match error {
        pesq::PesqError::SignalTooShort { .. } => "a signal is shorter than 250 ms".into(),
        pesq::PesqError::NoUtterancesFound => {
            "no utterance found: no stretch of speech is common to both signals".into()
        }
    };
    Error::Metric { metric, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caps_are_the_mappings_of_a_raw_4_5() {
        assert_eq!(mapped("", 4.5, 1.3669, 3.8224).unwrap().value, WIDE_BAND_CAP);
        assert_eq!(mapped("", 4.5, 1.4945, 4.6607).unwrap().value, NARROW_BAND_CAP);
        assert!(mapped("", f64::NAN, 1.0, 1.0).is_err());
    }

    #[test]
    fn the_version_that_enters_the_cache_key_is_the_one_that_is_pinned() {
        assert!(include_str!("../../Cargo.toml").contains("pesq = \"=0.2.0\""));
        assert!([&WIDE_BAND, &WIDE_BAND_C2, &NARROW_BAND].iter().all(|m| (m.version)().starts_with("pesq 0.2.0")));
    }
}
