//! Scale-invariant signal-to-distortion ratio (Le Roux, Wisdom, Erdogan, Hershey: "SDR - half-baked or well done?",
//! ICASSP 2019): how closely the waveform is kept. It punishes what changes a waveform, heard or not.

use super::align::{REACH_MS, best_lag};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value, mono_at, zero_mean};
use crate::metric::validity::WAVEFORM_DISTANCE;

/// With [`Evidence::align`] the signals are aligned first, at the degraded signal's rate: the whole-sample lag within 100 ms
/// either way at which the two correlate most. The ratio is taken over their overlap, of the mono mix, each signal without its mean.
pub static SI_SDR: Metric<Pcm> = Metric {
    scale: Scale {
        id: "si-sdr",
        title: "SI-SDR",
        unit: "dB",
        better: Better::Higher,
        cap: Some(CAP_DB),
        source: "Le Roux et al. 2019; mono mix at the degraded signal's rate; in a call after one whole-sample alignment \
                 within +-100 ms, of files without any; identical signals are capped at 100 dB",
        margin: 0.5,
    },
    validity: WAVEFORM_DISTANCE,
    version: || "codecbench si-sdr 2".into(),
    score,
};

/// What identical signals score: their ratio is infinite. 16-bit rounding alone stays below it.
const CAP_DB: f64 = 100.0;

fn score(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    let rate = evidence.degraded.format.sample_rate;
    let reference = zero_mean(&mono_at(evidence.reference, rate)?);
    let degraded = zero_mean(&mono_at(evidence.degraded, rate)?);
    for (signal, which) in [(&reference, "reference"), (&degraded, "degraded")] {
        if signal.iter().all(|s| *s == 0.0) {
            return Err(failed(format!("the {which} signal is silent")));
        }
    }
    let lag = match evidence.align {
        true => best_lag(&reference, &degraded, rate as usize * REACH_MS / 1000)?,
        false => 0,
    };
    let reference = &reference[usize::try_from(-lag).unwrap_or(0)..];
    let degraded = &degraded[usize::try_from(lag).unwrap_or(0)..];
    Ok(ratio_db(reference, degraded)?.into())
}

/// Over the shorter length: the overlap of two aligned signals, whose means are taken anew.
fn ratio_db(reference: &[f64], degraded: &[f64]) -> Result<f64> {
    let overlap = reference.len().min(degraded.len());
    let (reference, degraded) = (&zero_mean(&reference[..overlap]), &zero_mean(&degraded[..overlap]));
    let dot: f64 = reference.iter().zip(degraded).map(|(r, d)| r * d).sum();
    let energy: f64 = reference.iter().map(|r| r * r).sum();
    if dot == 0.0 || energy == 0.0 {
        return Err(failed("nothing in the degraded signal correlates with the reference within 100 ms".into()));
    }
    let scale = dot / energy;
    let target = scale * scale * energy;
    let distortion: f64 = reference.iter().zip(degraded).map(|(r, d)| (d - scale * r).powi(2)).sum();
    Ok((10.0 * (target / distortion).log10()).min(CAP_DB))
}

fn failed(reason: String) -> Error {
    Error::Metric { metric: "si-sdr", reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PcmFormat;

    fn sine(periods: f64, n: usize) -> impl Iterator<Item = f64> {
        (0..n).map(move |i| (std::f64::consts::TAU * periods * i as f64 / n as f64).sin())
    }

    #[test]
    fn orthogonal_noise_gives_the_closed_form() {
        // Sines of different whole numbers of periods are orthogonal: the ratio is that of their powers.
        let reference: Vec<f64> = sine(5.0, 4000).collect();
        for (gain, noise, expected) in [(1.0, 0.1, 20.0), (-0.5, 0.5, 0.0), (3.0, 30.0, -20.0)] {
            let degraded: Vec<f64> = sine(5.0, 4000).zip(sine(70.0, 4000)).map(|(s, n)| gain * s + noise * n).collect();
            assert!((ratio_db(&reference, &degraded).unwrap() - expected).abs() < 1e-9);
        }
        assert_eq!(ratio_db(&reference, &reference).unwrap(), CAP_DB);
    }

    #[test]
    fn a_shift_either_way_is_undone_and_a_gain_is_free() {
        let rng = &mut crate::units::Seed(1).stream("test");
        let samples: Vec<i16> = (0..4000).map(|_| (rng.normal() * 3000.0) as i16 * 2).collect();
        let format = PcmFormat::mono(16_000);
        let reference = Pcm { format, samples: samples.clone() };
        let late = Pcm { format, samples: [vec![0; 321], samples.iter().map(|s| s / 2).collect()].concat() };
        let early = Pcm { format, samples: samples[1500..].iter().map(|s| -*s).collect() };
        for degraded in [&late, &early] {
            let files = Evidence::files(&reference, degraded);
            assert!(score(&files).unwrap().value < 0.0, "files are taken as they are");
            assert_eq!(score(&Evidence { align: true, ..files }).unwrap().value, CAP_DB);
        }
        let beyond = Pcm { format, samples: samples[1700..].to_vec() };
        let evidence = Evidence { align: true, ..Evidence::files(&reference, &beyond) };
        assert!((SI_SDR.score)(&evidence).unwrap().value < 0.0);
    }
}
