//! Short-time objective intelligibility: STOI (Taal, Hendriks, Heusdens, Jensen, IEEE TASLP 19(7), 2011) and extended STOI
//! (Jensen, Taal, IEEE/ACM TASLP 24(11), 2016), with the choices of PyPI pystoi 0.4.1.
//!
//! Both signals are brought to 10 kHz, frames in which the reference is quiet are cut out of both, and the envelopes of
//! 15 third-octave bands are correlated over stretches of 30 frames (384 ms).

use super::align::overlap;
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Evidence, Metric, Scale, Value};
use crate::metric::validity::INTELLIGIBILITY;
use realfft::RealFftPlanner;

pub static STOI: Metric<Pcm> = Metric {
    scale: Scale {
        id: "stoi",
        title: "STOI",
        unit: "index",
        better: Better::Higher,
        cap: Some(1.0),
        source: "Taal et al. 2011 as PyPI pystoi 0.4.1 computes it; mono mix at 10 kHz, both cut to the shorter; in a call \
                 after one whole-sample alignment within +-100 ms, of files without any",
        margin: 0.01,
    },
    validity: INTELLIGIBILITY,
    version: || "codecbench stoi 1".into(),
    score: |evidence| score("stoi", evidence, correlation),
};

pub static ESTOI: Metric<Pcm> = Metric {
    scale: Scale {
        id: "estoi",
        title: "ESTOI",
        unit: "index",
        better: Better::Higher,
        cap: Some(1.0),
        source: "Jensen and Taal 2016 as PyPI pystoi 0.4.1 computes it; signals as for stoi",
        margin: 0.01,
    },
    validity: INTELLIGIBILITY,
    version: || "codecbench stoi 1".into(),
    score: |evidence| score("estoi", evidence, extended_correlation),
};

/// Envelopes of a stretch: one row per band, one column per frame.
type Segment = [[f64; SEGMENT]; BANDS];

const RATE: u32 = 10_000;
const FRAME: usize = 256;
const HOP: usize = FRAME / 2;
const FFT: usize = 512;
const BANDS: usize = 15;
const LOWEST_BAND_HZ: f64 = 150.0;
const SEGMENT: usize = 30;
/// Frames of the reference that lie further below its loudest are cut out.
const DYNAMIC_RANGE_DB: f64 = 40.0;

fn score(
    metric: &'static str,
    evidence: &Evidence<'_, Pcm>,
    similarity: fn(&mut Segment, &mut Segment) -> f64,
) -> Result<Value> {
    let failed = |reason: String| Error::Metric { metric, reason };
    let (reference, degraded) = overlap(metric, evidence)?;
    let resampled = |pcm: &Pcm| -> Vec<f64> { resample(&pcm.samples, pcm.format.sample_rate) };
    let (mut reference, mut degraded) = (resampled(&reference), resampled(&degraded));
    let length = reference.len().min(degraded.len());
    reference.truncate(length);
    degraded.truncate(length);
    let window = hann(FRAME);
    let (reference, degraded) = without_silence(&reference, &degraded, &window);
    let (reference, degraded) = (envelopes(metric, &reference, &window)?, envelopes(metric, &degraded, &window)?);
    if reference.len() < SEGMENT {
        let ms = (SEGMENT + 1) * HOP * 1000 / RATE as usize;
        return Err(failed(format!("less than {ms} ms of the reference is left without its pauses")));
    }
    let segment = |frames: &[[f64; BANDS]]| std::array::from_fn(|band| std::array::from_fn(|k| frames[k][band]));
    let pairs = reference.windows(SEGMENT).zip(degraded.windows(SEGMENT));
    let sum: f64 = pairs.map(|(x, y)| similarity(&mut segment(x), &mut segment(y))).sum();
    let mean = sum / (reference.len() - SEGMENT + 1) as f64;
    match mean.is_finite() {
        true => Ok(mean.min(1.0).into()),
        false => Err(failed("a signal has no envelope to correlate".into())),
    }
}

/// Keeps a division by the norm of silence finite.
const EPSILON: f64 = f64::EPSILON;

/// The degraded envelopes are brought to the reference's level, clipped at 15 dB of distortion (Taal et al., eq. 3), and
/// correlated band by band.
fn correlation(reference: &mut Segment, degraded: &mut Segment) -> f64 {
    let ceiling = 1.0 + 10.0_f64.powf(15.0 / 20.0);
    let mut sum = 0.0;
    for (x, y) in reference.iter_mut().zip(degraded) {
        let gain = norm(x) / (norm(y) + EPSILON);
        for (x, y) in x.iter().zip(y.iter_mut()) {
            *y = (*y * gain).min(x * ceiling);
        }
        centre(x);
        centre(y);
        sum += dot(x, y) / ((norm(x) + EPSILON) * (norm(y) + EPSILON));
    }
    sum / BANDS as f64
}

/// Rows, then columns, are brought to zero mean and unit norm; the mean correlation of the columns.
fn extended_correlation(reference: &mut Segment, degraded: &mut Segment) -> f64 {
    for segment in [&mut *reference, &mut *degraded] {
        for row in segment.iter_mut() {
            centre(row);
            scale(row);
        }
    }
    let column = |segment: &Segment, k: usize| {
        let mut column: [f64; BANDS] = std::array::from_fn(|band| segment[band][k]);
        centre(&mut column);
        scale(&mut column);
        column
    };
    (0..SEGMENT).map(|k| dot(&column(reference, k), &column(degraded, k))).sum::<f64>() / SEGMENT as f64
}

fn centre(values: &mut [f64]) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    values.iter_mut().for_each(|v| *v -= mean);
}

fn scale(values: &mut [f64]) {
    let norm = norm(values) + EPSILON;
    values.iter_mut().for_each(|v| *v /= norm);
}

fn norm(values: &[f64]) -> f64 {
    dot(values, values).sqrt()
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// A Hann window without its zeros at either end.
fn hann(length: usize) -> Vec<f64> {
    let step = std::f64::consts::TAU / (length + 1) as f64;
    (1..=length).map(|n| 0.5 - 0.5 * (step * n as f64).cos()).collect()
}

/// Starts of the frames; the reference program leaves out a last frame that would end with the signal.
fn starts(length: usize) -> impl Iterator<Item = usize> {
    (0..length.saturating_sub(FRAME)).step_by(HOP)
}

/// Both signals from those windowed frames, overlapped and added, in which the reference is not quiet.
fn without_silence(reference: &[f64], degraded: &[f64], window: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let energy = |start: usize| -> f64 {
        let norm = reference[start..start + FRAME].iter().zip(window).map(|(s, w)| (s * w).powi(2)).sum::<f64>().sqrt();
        20.0 * (norm + EPSILON).log10()
    };
    let energies: Vec<(usize, f64)> = starts(reference.len()).map(|start| (start, energy(start))).collect();
    let floor = energies.iter().map(|(_, e)| *e).fold(f64::NEG_INFINITY, f64::max) - DYNAMIC_RANGE_DB;
    let kept: Vec<usize> = energies.iter().filter(|(_, e)| *e > floor).map(|(start, _)| *start).collect();
    let length = if kept.is_empty() { 0 } else { (kept.len() - 1) * HOP + FRAME };
    let join = |signal: &[f64]| {
        let mut out = vec![0.0; length];
        for (k, start) in kept.iter().enumerate() {
            let frame = signal[*start..start + FRAME].iter().zip(window);
            out[k * HOP..].iter_mut().zip(frame).for_each(|(out, (s, w))| *out += s * w);
        }
        out
    };
    (join(reference), join(degraded))
}

/// Per frame, the root of each third-octave band's power.
fn envelopes(metric: &'static str, signal: &[f64], window: &[f64]) -> Result<Vec<[f64; BANDS]>> {
    let bands = band_edges();
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(FFT);
    let (mut time, mut spectrum) = (fft.make_input_vec(), fft.make_output_vec());
    let mut scratch = fft.make_scratch_vec();
    let mut out = Vec::new();
    for start in starts(signal.len()) {
        time.fill(0.0);
        time.iter_mut().zip(&signal[start..start + FRAME]).zip(window).for_each(|((t, s), w)| *t = s * w);
        fft.process_with_scratch(&mut time, &mut spectrum, &mut scratch)
            .map_err(|e| Error::Metric { metric, reason: e.to_string() })?;
        let power = |(low, high): (usize, usize)| spectrum[low..high].iter().map(|c| c.norm_sqr()).sum::<f64>().sqrt();
        out.push(bands.map(power));
    }
    Ok(out)
}

/// First bin of each band, and the one after its last: the bins nearest to its edges.
fn band_edges() -> [(usize, usize); BANDS] {
    let bin = |hz: f64| (hz * FFT as f64 / f64::from(RATE)).round() as usize;
    std::array::from_fn(|k| {
        let edge = |sixths: i32| bin(LOWEST_BAND_HZ * 2.0_f64.powf(f64::from(2 * k as i32 + sixths) / 6.0));
        (edge(-1), edge(1))
    })
}

/// To 10 kHz as Octave's resample does it: a sinc under a Kaiser window with 60 dB of rejection, whose roll-off is a
/// tenth of the stop band's frequency. Sample k of the result lies at the time of sample k * down / up.
fn resample(samples: &[i16], rate: u32) -> Vec<f64> {
    let divisor = gcd(RATE, rate);
    let (up, down) = ((RATE / divisor) as usize, (rate / divisor) as usize);
    let signal = samples.iter().map(|s| f64::from(*s) / 32_768.0);
    if up == down {
        return signal.collect();
    }
    let signal: Vec<f64> = signal.collect();
    let filter = low_pass(up.max(down), up as f64);
    let half = filter.len() / 2;
    let at = |k: usize| {
        // Input j meets the tap at k * down - j * up + half; those outside of the signal are zero.
        let place = k * down + half;
        let first = place.saturating_sub(filter.len() - 1).div_ceil(up);
        let last = (place / up).min(signal.len() - 1);
        (first..=last).map(|j| signal[j] * filter[place - j * up]).sum()
    };
    (0..(signal.len() * up).div_ceil(down)).map(at).collect()
}

/// Cut off at 1 / (2 * `ratio`) of the sample rate; the taps sum to `gain`.
fn low_pass(ratio: usize, gain: f64) -> Vec<f64> {
    let rejection_db = 60.0;
    let cutoff = 0.5 / ratio as f64;
    let half = ((rejection_db - 8.0) / (28.714 * cutoff / 10.0)).ceil();
    let beta = 0.1102 * (rejection_db - 8.7);
    let tap = |n: usize| {
        let t = n as f64 - half;
        let angle = std::f64::consts::TAU * cutoff * t;
        let sinc = if t == 0.0 { 1.0 } else { angle.sin() / angle };
        sinc * bessel(beta * (1.0 - (t / half).powi(2)).max(0.0).sqrt())
    };
    let taps: Vec<f64> = (0..=2 * half as usize).map(tap).collect();
    let sum: f64 = taps.iter().sum();
    taps.iter().map(|tap| tap * gain / sum).collect()
}

/// The modified Bessel function of the first kind and order 0, by its series.
fn bessel(x: f64) -> f64 {
    let (mut sum, mut term, mut k) = (1.0, 1.0, 1.0);
    while term > sum * 1e-17 {
        term *= (x / (2.0 * k)).powi(2);
        sum += term;
        k += 1.0;
    }
    sum
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_thirds_of_an_octave_side_by_side() {
        let bands = band_edges();
        assert_eq!((bands[0], bands[14]), ((7, 9), (174, 219)));
        assert!(bands.windows(2).all(|b| b[0].1 == b[1].0));
    }

    #[test]
    fn resampling_keeps_a_tone_in_time_and_level() {
        for rate in [8_000, 16_000, 44_100, 48_000] {
            let tone = |n: usize, rate: u32| 0.5 * (std::f64::consts::TAU * 700.0 * n as f64 / f64::from(rate)).sin();
            let samples: Vec<i16> = (0..rate as usize).map(|n| (tone(n, rate) * 32_768.0).round() as i16).collect();
            let out = resample(&samples, rate);
            assert_eq!(out.len(), 10_000);
            let worst = (2000..8000).map(|k| (out[k] - tone(k, RATE)).abs()).fold(0.0, f64::max);
            assert!(worst < 1e-3, "{rate}: {worst}");
        }
    }

    #[test]
    fn the_bessel_function_meets_its_table() {
        // Abramowitz and Stegun, table 9.8.
        for (x, expected) in [(0.0, 1.0), (1.0, 1.266_065_878), (5.0, 27.239_871_82)] {
            assert!((bessel(x) - expected).abs() < 1e-7 * expected);
        }
    }

    #[test]
    fn scaled_and_shifted_envelopes_correlate_fully_and_reversed_ones_do_not() {
        let wave = |band: usize, k: usize| 2.0 + (0.3 * k as f64 + 1.7 * band as f64).sin();
        let make =
            |f: &dyn Fn(usize, usize) -> f64| -> Segment { std::array::from_fn(|b| std::array::from_fn(|k| f(b, k))) };
        for similarity in [correlation, extended_correlation] {
            let same = similarity(&mut make(&wave), &mut make(&|b, k| 5.0 * wave(b, k)));
            assert!((same - 1.0).abs() < 1e-9, "{same}");
            let reversed = similarity(&mut make(&wave), &mut make(&|b, k| 4.0 - wave(b, k)));
            assert!(reversed < -0.9, "{reversed}");
        }
    }
}
