//! PLCMOS v2 (Diener, Purin, Sootla, Saabas, Aichner, Cutler: "PLCMOS - a data-driven non-intrusive metric for the
//! evaluation of packet loss concealment algorithms", Interspeech 2023): how listeners would rate speech after loss and
//! concealment, from the degraded signal alone.
//!
//! The network takes a vector that stands for the rater. The published tool averages over 15 that it draws anew each
//! time; ours come from a fixed seed. The zero vector, a rater without leanings, is cheaper and reads about 0.1 lower.

use super::neural::{Network, heard};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Metric, Scale};
use crate::metric::validity::{self, Validity};
use crate::units::Seed;
use realfft::RealFftPlanner;

pub static PLCMOS: Metric<Pcm> = Metric {
    scale: Scale {
        id: "plcmos",
        title: "PLCMOS v2",
        unit: "MOS",
        better: Better::Higher,
        cap: None,
        source: "Diener et al. 2023; mean over 15 rater vectors of a fixed seed; degraded signal alone, mono mix at 16 kHz; \
                 model plcmos_v2.onnx of PyPI speechmos 0.0.1.1 (MIT)",
        margin: 0.05,
    },
    validity: VALIDITY,
    version: || VERSION.into(),
    score: |evidence| {
        let scores = rate("plcmos", evidence.degraded, &raters())?;
        Ok((scores.iter().sum::<f64>() / scores.len() as f64).into())
    },
};

pub static PLCMOS_ZERO: Metric<Pcm> = Metric {
    scale: Scale {
        id: "plcmos-zero",
        title: "PLCMOS v2, neutral rater",
        unit: "MOS",
        better: Better::Higher,
        cap: None,
        source: "Diener et al. 2023; the zero rater vector: about 0.1 below plcmos, never compare the two; degraded signal \
                 alone, mono mix at 16 kHz; model plcmos_v2.onnx of PyPI speechmos 0.0.1.1 (MIT)",
        margin: 0.05,
    },
    validity: VALIDITY,
    version: || VERSION.into(),
    score: |evidence| Ok(rate("plcmos-zero", evidence.degraded, &[[0.0; RATER]])?.iter().sum::<f64>().into()),
};

const VERSION: &str = "codecbench plcmos 1, plcmos_v2.onnx c0ad3fc6, rten 0.27.0";

const VALIDITY: Validity = Validity {
    intrusive: false,
    limits: &[validity::HEARS_8_KHZ, validity::NO_MUSIC, validity::NO_SIGNAL],
    source: "Diener et al. 2023: trained on speech with loss, concealed by many means",
};

static NETWORK: Network = Network::new("plcmos-v2.onnx");

/// Numbers of a rater vector.
pub const RATER: usize = 64;
const RATERS: usize = 15;
const WINDOW: usize = 512;
const HOP: usize = 256;
const BINS: usize = WINDOW / 2 + 1;

fn raters() -> Vec<[f32; RATER]> {
    let mut rng = Seed(0).stream("plcmos raters");
    (0..RATERS).map(|_| std::array::from_fn(|_| rng.normal() as f32)).collect()
}

/// One score per rater vector. What does not depend on the rater is computed once.
///
/// # Errors
/// The signal is silent or shorter than 1 s, or the model is not there. `metric` names who asks.
pub fn rate(metric: &'static str, degraded: &Pcm, raters: &[[f32; RATER]]) -> Result<Vec<f64>> {
    let features = features(metric, &heard(metric, degraded)?)?;
    NETWORK.run(metric, |network| {
        let audio = network.input("degraded_audio", &[1, 1, features.len() / BINS, BINS], features)?;
        let mut inputs = network.partly(&[audio])?;
        let mut one = |rater: &[f32; RATER]| {
            inputs.push(network.input("rater_embed", &[1, RATER], rater.to_vec())?);
            let score = network.output::<0>(&inputs)?.first().copied().map(f64::from);
            inputs.pop();
            score.filter(|s| s.is_finite()).ok_or_else(|| "the network gave no number".to_owned())
        };
        raters.iter().map(&mut one).collect::<Result<Vec<f64>, String>>()
    })
}

/// Frame by frame the logarithm of the power spectrum over 20. The signal begins with 256 zeros and is filled with zeros
/// to a whole frame; a power of exactly zero takes the place of the smallest that is not, less 27.63 (12 decades).
fn features(metric: &'static str, signal: &[f32]) -> Result<Vec<f32>> {
    let frames = (signal.len() + HOP).div_ceil(HOP);
    let mut padded = vec![0.0_f64; HOP];
    padded.extend(signal.iter().map(|s| f64::from(*s)));
    padded.resize((frames - 1) * HOP + WINDOW, 0.0);
    let step = std::f64::consts::TAU / WINDOW as f64;
    let window: Vec<f64> = (0..WINDOW).map(|n| 0.54 - 0.46 * (step * n as f64).cos()).collect();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
    let (mut time, mut spectrum, mut scratch) = (fft.make_input_vec(), fft.make_output_vec(), fft.make_scratch_vec());
    let mut logs = Vec::with_capacity(frames * BINS);
    for frame in padded.windows(WINDOW).step_by(HOP) {
        time.iter_mut().zip(frame).zip(&window).for_each(|((t, s), w)| *t = s * w);
        fft.process_with_scratch(&mut time, &mut spectrum, &mut scratch)
            .map_err(|e| Error::Metric { metric, reason: e.to_string() })?;
        logs.extend(spectrum.iter().map(|c| c.norm_sqr().ln()));
    }
    let least = logs.iter().copied().filter(|l| l.is_finite()).fold(f64::INFINITY, f64::min);
    let finite = |log: f64| if log.is_finite() { log } else { least - 27.63 };
    Ok(logs.iter().map(|log| (finite(*log) / 20.0) as f32).collect())
}
