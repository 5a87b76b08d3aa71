//! ViSQOL 3.3.3, our own: audio mode with the support-vector mapping, and speech mode with the exponential mapping.
//!
//! Each step follows the published version, so scores equal its conformance constants within 1e-5. The steps: mono mix;
//! one lag for all (`align`); equal RMS; spectrograms behind a gammatone filter bank (`gammatone`) in dB, floored;
//! patches of the reference, in speech mode the loud ones, and their best match in the degraded signal (`patches`) by
//! NSIM (`nsim`); each pair aligned once more; the mean similarity per band (`similarity`); the mapping.
//!
//! Audio mode works at 48 kHz, and other signals are resampled to it. Speech mode works at the reference's own rate, as
//! the published program does, and hears up to 8 kHz of it; a degraded signal of another rate is resampled to that one.
//! Its deep-lattice mapping, the program's default, is refused by name ([`NO_LATTICE`]).
//!
//! Scores are rounded to 1e-6, because the last bits of transforms and exponentials differ from machine to machine.

mod align;
mod gammatone;
mod nsim;
mod patches;
mod similarity;
mod svr;
mod wide;

use crate::error::{Error, Result};
use crate::media::{Pcm, resample};
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::model;
use gammatone::Gammatone;
use similarity::{Mode, similarity};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use svr::Svr;

/// For music and anything at full band.
pub static AUDIO: Metric<Pcm> = Metric {
    scale: Scale {
        id: "visqol-audio",
        title: "ViSQOL audio",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(4.732_101),
        source: "ViSQOL 3.3.3 (Chinen et al., QoMEX 2020), audio mode, support-vector mapping; mono mix at 48 kHz; own \
                 implementation, equal to the published conformance constants within 1e-5",
        margin: 0.05,
    },
    validity: crate::metric::validity::VISQOL_AUDIO,
    version: || "ViSQOL 3.3.3 audio, SVR 1e8246ed, own implementation 1".into(),
    score: audio,
};

/// For speech, scaled so that the best is 5.
pub static SPEECH: Metric<Pcm> = Metric {
    scale: Scale {
        id: "visqol-speech",
        title: "ViSQOL speech",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(SPEECH_CAP),
        source: "ViSQOL 3.3.3 (Chinen et al., QoMEX 2020), speech mode, EXPONENTIAL mapping scaled to 5 (the program's \
                 default is the lattice mapping, which scores lower); mono mix at the reference's rate; own \
                 implementation, equal to the published conformance constants within 1e-5",
        margin: 0.05,
    },
    validity: crate::metric::validity::VISQOL_SPEECH,
    version: || "ViSQOL 3.3.3 speech, exponential, scaled, own implementation 1".into(),
    score: |evidence| speech("visqol-speech", evidence, SCALE_TO_5),
};

/// As [`SPEECH`], without the scaling.
pub static SPEECH_UNSCALED: Metric<Pcm> = Metric {
    scale: Scale {
        id: "visqol-speech-unscaled",
        title: "ViSQOL speech, unscaled",
        unit: "MOS-LQO",
        better: Better::Higher,
        cap: Some(UNSCALED_CAP),
        source: "ViSQOL 3.3.3 (Chinen et al., QoMEX 2020), speech mode, EXPONENTIAL mapping, unscaled: the best is 4.016; \
                 mono mix at the reference's rate; own implementation, equal to the published conformance constants \
                 within 1e-5",
        margin: 0.04,
    },
    validity: crate::metric::validity::VISQOL_SPEECH,
    version: || "ViSQOL 3.3.3 speech, exponential, unscaled, own implementation 1".into(),
    score: |evidence| speech("visqol-speech-unscaled", evidence, 1.0),
};

/// Why there is no `visqol-speech-lattice`: it would have to be equal, and its scores lie up to 2 below the exponential
/// ones, so the one must not stand in for the other.
pub const NO_LATTICE: &str = "metric 'visqol-speech-lattice' is not offered: its mapping is a TensorFlow Lite network \
                              that is not evaluated exactly here, and it is never approximated; 'visqol-speech' has \
                              the exponential mapping of the same similarity";

/// The mapping of a similarity of 1.
const SPEECH_CAP: f64 = 5.0;
const UNSCALED_CAP: f64 = 4.015_861;
const SCALE_TO_5: f64 = 1.245063;

/// Below this mean similarity nothing is left of the reference.
const LOST: f64 = 0.15;

fn audio(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    static BANK: OnceLock<Gammatone<32>> = OnceLock::new();
    static MODEL: OnceLock<Svr> = OnceLock::new();
    let metric = "visqol-audio";
    let failed = |reason: String| Error::Metric { metric, reason };
    let model = match MODEL.get() {
        Some(model) => model,
        None => {
            let text = model::read("visqol-svr.txt").map_err(|e| failed(e.to_string()))?;
            let parsed = Svr::parse(&String::from_utf8_lossy(&text), 32);
            let parsed = parsed.map_err(|e| failed(format!("model 'visqol-svr.txt': {e}")))?;
            MODEL.get_or_init(|| parsed)
        }
    };
    let bank = BANK.get_or_init(|| Gammatone::new(48_000, 24_000.0));
    let (reference, degraded) = (mono(evidence.reference, 48_000)?, mono(evidence.degraded, 48_000)?);
    let bands = similarity(bank, 48_000, Mode::Audio, &reference, &degraded).map_err(failed)?;
    Ok(mapped(nsim::mean(&bands), model.predict(&bands)))
}

/// The exponential was fitted on TCD-VoIP by the authors.
fn speech(metric: &'static str, evidence: &Evidence<'_, Pcm>, scale: f64) -> Result<Value> {
    static BANKS: Mutex<BTreeMap<u32, Arc<Gammatone<21>>>> = Mutex::new(BTreeMap::new());
    let failed = |reason: String| Error::Metric { metric, reason };
    let rate = evidence.reference.format.sample_rate;
    if rate < 8_000 {
        return Err(failed(format!("the reference has {rate} Hz, speech needs 8000 or more")));
    }
    let new = || Arc::new(Gammatone::new(rate, 8_000.0));
    let bank = BANKS.lock().unwrap_or_else(PoisonError::into_inner).entry(rate).or_insert_with(new).clone();
    let (reference, degraded) = (mono(evidence.reference, rate)?, mono(evidence.degraded, rate)?);
    let mean = nsim::mean(&similarity(&bank, rate, Mode::Speech, &reference, &degraded).map_err(failed)?);
    Ok(mapped(mean, scale * (-262.847869 + (0.0154302525 * (mean + 361.063949)).exp())))
}

/// Within 1 and 5.
fn mapped(mean_similarity: f64, score: f64) -> Value {
    let score = if mean_similarity < LOST { 1.0 } else { score.clamp(1.0, 5.0) };
    ((score * 1e6).round() / 1e6).into()
}

/// The mean of the channels, unrounded, at that rate; full scale is 1.
fn mono(pcm: &Pcm, sample_rate: u32) -> Result<Vec<f64>> {
    let pcm = resample::resample(pcm, sample_rate)?;
    let channels = usize::from(pcm.format.channels);
    let mix = |frame: &[i16]| frame.iter().map(|s| f64::from(*s)).sum::<f64>() / channels as f64 / 32_768.0;
    Ok(pcm.samples.chunks_exact(channels).map(mix).collect())
}
