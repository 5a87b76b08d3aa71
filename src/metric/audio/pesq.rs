//! PESQ (ITU-T P.862), by the crate `pesq` 0.2.0: wide-band (P.862.2) with and without Corrigendum 2, and narrow-band
//! (P.862 with the mapping of P.862.1).
//!
//! All three take the mono mix of a stereo signal and resample it to 16 kHz (wide-band) or 8 kHz (narrow-band) by
//! [`crate::media::resample`]. The crate's own 16 kHz to 8 kHz decimator cuts at 1.8 kHz, so it is not used. PESQ aligns
//! level and delay by itself; signals of different lengths are scored as they are. PESQ is for speech; on music it gives
//! a number that nobody validated.

use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value, mono_at};
use crate::metric::validity::{PESQ_NB, PESQ_WB};
use pesq::PesqError;
use pesq::disturbance::{aggregate, frame_disturbances};
use pesq::input::{AlignedPair, process_pair, process_pair_wideband};
use pesq::psychoacoustic::frame_range;
use pesq::score::raw_score;
use pesq::types::{RATE_8K, RATE_16K, SignalBuffer};
use std::panic::{UnwindSafe, catch_unwind};

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
    validity: PESQ_WB,
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
    validity: PESQ_WB,
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
    validity: PESQ_NB,
    version: || "pesq 0.2.0, P.862 with P.862.1".into(),
    score: narrow_band,
};

/// The mapped score of a pair without any disturbance, whose raw score is 4.5 (P.862, section 10.2.10).
const WIDE_BAND_CAP: f64 = 4.643_888_749_336_258;
const NARROW_BAND_CAP: f64 = 4.548_638_319_075_995;

/// Corrigendum 2 to P.862.2: -12 dB on the wide-band input filter.
const CORRIGENDUM_2_GAIN: f32 = 0.251_188;

fn wide_band(metric: &'static str, evidence: &Evidence<'_, Pcm>, filter_gain: f32) -> Result<Value> {
    let (reference, degraded) = audible_pair(metric, evidence, 16_000)?;
    let raw = guarded(metric, || {
        let buffer = |samples| SignalBuffer::from_pcm_at(samples, RATE_16K);
        let mut pair = process_pair_wideband(buffer(&reference)?, buffer(&degraded)?)?;
        // The gain of the filter acts on the perceptual model alone: levels and delays were aligned before it.
        for sample in pair.reference.samples.iter_mut().chain(&mut pair.degraded.samples) {
            *sample *= filter_gain;
        }
        Ok(raw(&pair))
    })?;
    mapped(metric, raw, 1.3669, 3.8224)
}

fn narrow_band(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    let metric = "pesq-nb";
    let (reference, degraded) = audible_pair(metric, evidence, 8_000)?;
    let raw = guarded(metric, || {
        let buffer = |samples| SignalBuffer::from_pcm_at(samples, RATE_8K);
        Ok(raw(&process_pair(buffer(&reference)?, buffer(&degraded)?)?))
    })?;
    mapped(metric, raw, 1.4945, 4.6607)
}

/// The crate's alignment of pesq 0.2.0 indexes out of bounds on a few pairs that have nothing in common (about 1 in 50
/// of some kinds of noise; never seen on speech). That costs this score, and must not cost the run.
fn guarded(metric: &'static str, score: impl FnOnce() -> Result<f64, PesqError> + UnwindSafe) -> Result<f64> {
    let reason = match catch_unwind(score) {
        Ok(Ok(raw)) => return Ok(raw),
        Ok(Err(PesqError::SignalTooShort { .. })) => "a signal is shorter than 250 ms",
        Ok(Err(PesqError::NoUtterancesFound)) => "no utterance found: no stretch of speech is common to both signals",
        Err(_) => "its alignment broke down: the signals have nothing in common",
    };
    Err(Error::Metric { metric, reason: reason.into() })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PcmFormat;
    use crate::units::Seed;

    #[test]
    fn the_caps_are_the_mappings_of_a_raw_4_5() {
        assert_eq!(mapped("", 4.5, 1.3669, 3.8224).unwrap().value, WIDE_BAND_CAP);
        assert_eq!(mapped("", 4.5, 1.4945, 4.6607).unwrap().value, NARROW_BAND_CAP);
        assert!(mapped("", f64::NAN, 1.0, 1.0).is_err());
    }

    #[test]
    fn the_version_that_enters_the_cache_key_is_the_one_that_is_pinned() {
        assert!(include_str!("../../../Cargo.toml").contains("pesq = \"=0.2.0\""));
        assert!([&WIDE_BAND, &WIDE_BAND_C2, &NARROW_BAND].iter().all(|m| (m.version)().starts_with("pesq 0.2.0")));
    }

    #[test]
    fn signals_that_break_the_alignment_are_an_error() {
        for seed in [75, 115] {
            let mut rng = Seed(seed).stream("test");
            let mut noise = |on: u32| -> Pcm {
                let gain = |n: u32| if n % 7367 < on { 1500.0 } else { 0.0 };
                let samples = (0..35_077).map(|n| (gain(n) * rng.normal()) as i16).collect();
                Pcm { format: PcmFormat::mono(8_000), samples }
            };
            let (reference, degraded) = (noise(5498), noise(7367));
            let evidence = Evidence::files(&reference, &degraded);
            let error = (NARROW_BAND.score)(&evidence).unwrap_err().to_string();
            assert!(error.contains("have nothing in common"), "{error}");
        }
    }
}
