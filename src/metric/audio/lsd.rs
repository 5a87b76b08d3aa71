//! Log-spectral distance: the root-mean-square difference in dB of two short-time spectra (Gray and Markel: "Distance
//! measures for speech processing", IEEE TASSP 24(5), 1976).

use super::align::overlap;
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value, mono_at};
use crate::metric::validity::WAVEFORM_DISTANCE;
use realfft::RealFftPlanner;

/// The mean over all frames of the root of the mean over all bins of the squared difference in dB. So that silence and
/// what the codec's band does not hold cannot dominate it, each power is raised to a floor 50 dB below the largest of the
/// reference (the dynamic range of speech).
pub static LSD: Metric<Pcm> = Metric {
    scale: Scale {
        id: "lsd",
        title: "log-spectral distance",
        unit: "dB",
        better: Better::Lower,
        cap: Some(0.0),
        source: "Gray and Markel 1976; mean over frames of the RMS difference over bins, 32 ms Hann frames every 16 ms, \
                 powers floored 50 dB below the reference's largest; mono mix at the degraded signal's rate, both cut to \
                 the shorter; in a call after one whole-sample alignment within +-100 ms, of files without any",
        margin: 0.1,
    },
    validity: WAVEFORM_DISTANCE,
    version: || "codecbench lsd 1".into(),
    score,
};

const FRAME_MS: usize = 32;
const RANGE: f64 = 1e-5;

fn score(evidence: &Evidence<'_, Pcm>) -> Result<Value> {
    let (reference, degraded) = overlap("lsd", evidence)?;
    let rate = degraded.format.sample_rate;
    let frame = rate as usize * FRAME_MS / 1000 / 2 * 2;
    let (reference, degraded) = (powers(&mono_at(&reference, rate)?, frame)?, powers(&degraded.samples, frame)?);
    let floor = reference.iter().flatten().copied().fold(0.0, f64::max) * RANGE;
    if floor == 0.0 {
        return Err(failed(format!("the signals share less than {FRAME_MS} ms, or the reference is silent there")));
    }
    let decibel = |power: f64| 10.0 * power.max(floor).log10();
    let distance = |(x, y): (&Vec<f64>, &Vec<f64>)| {
        let squares: f64 = x.iter().zip(y).map(|(x, y)| (decibel(*x) - decibel(*y)).powi(2)).sum();
        (squares / x.len() as f64).sqrt()
    };
    // Resampled lengths may differ by a sample, hence by a frame.
    let frames = reference.len().min(degraded.len());
    Ok((reference.iter().zip(&degraded).map(distance).sum::<f64>() / frames as f64).into())
}

/// Power spectra of the frames, which overlap by half.
fn powers(signal: &[i16], frame: usize) -> Result<Vec<Vec<f64>>> {
    let step = std::f64::consts::TAU / frame as f64;
    let window: Vec<f64> = (0..frame).map(|n| 0.5 - 0.5 * (step * n as f64).cos()).collect();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(frame);
    let (mut time, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut scratch = fft.make_scratch_vec();
    let mut out = Vec::new();
    for samples in signal.windows(frame).step_by(frame / 2) {
        time.iter_mut().zip(samples).zip(&window).for_each(|((t, s), w)| *t = f64::from(*s) * w);
        fft.process_with_scratch(&mut time, &mut spectrum, &mut scratch).map_err(|e| failed(e.to_string()))?;
        out.push(spectrum.iter().map(|c| c.norm_sqr()).collect());
    }
    Ok(out)
}

fn failed(reason: String) -> Error {
    Error::Metric { metric: "lsd", reason }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::PcmFormat;
    use crate::units::Seed;

    fn noise(deviation: f64) -> Pcm {
        let mut rng = Seed(4).stream("test");
        let samples = (0..32_000).map(|_| (deviation * rng.normal()).round() as i16).collect();
        Pcm { format: PcmFormat::mono(16_000), samples }
    }

    #[test]
    fn a_gain_is_its_own_distance() {
        let loud = noise(8000.0).samples.iter().map(|s| s / 4 * 4).collect();
        let loud = Pcm { format: PcmFormat::mono(16_000), samples: loud };
        let soft = Pcm { format: loud.format, samples: loud.samples.iter().map(|s| s / 4).collect() };
        let distance = score(&Evidence::files(&loud, &soft)).unwrap().value;
        assert!((distance - 20.0 * 4.0_f64.log10()).abs() < 0.01, "{distance}");
        // Only what lies below the floor is nearer than the gain.
        assert!(score(&Evidence::files(&loud, &noise(0.4))).unwrap().value <= 50.0);
    }

    #[test]
    fn an_offset_counts_for_files_and_not_in_a_call() {
        let early = noise(3000.0);
        let late = Pcm { format: early.format, samples: [vec![0; 104], early.samples.clone()].concat() };
        let files = Evidence::files(&early, &late);
        assert!(score(&files).unwrap().value > 3.0);
        assert_eq!(score(&Evidence { align: true, ..files }).unwrap().value, 0.0);
    }
}
