//! Mouth-to-ear delay from the signals alone: where in the degraded signal each stretch of the reference is heard.
//!
//! A coarse lag of the whole signals comes first. Then each active window of the reference is correlated with its
//! surroundings in the degraded signal; of the correlation's highest peaks in each window a Viterbi search takes the path
//! that explains the windows best with few and small jumps, so that neither a lost packet nor the period of a voice
//! pulls it aside for long. A parabola through the chosen peak gives the fraction of a sample.

use super::correlate::Correlator;
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::api::{Better, Metric, Scale, Series, Value, mono_at, zero_mean};

/// The median over the matched windows. The series holds the delay of each window, every 40 ms of reference time; a
/// window without a match of its own repeats the one before it (the first ones the first that has).
pub static MOUTH_TO_EAR: Metric<Pcm> = Metric {
    scale: Scale {
        id: "mouth-to-ear",
        title: "mouth-to-ear delay (signals)",
        unit: "ms",
        better: Better::Lower,
        cap: None,
        source: "from the signals: normalised cross-correlation of 480 ms windows every 40 ms at 8 kHz, path by Viterbi, \
                 parabolic fraction; median; the codec's look-ahead is part of it",
        margin: 1.0,
    },
    validity: crate::metric::validity::DELAY,
    version: || "codecbench delay 1".into(),
    score: |evidence| {
        let track = track(evidence.reference, evidence.degraded)?;
        let value = track.median_ms + evidence.removed_delay_ms;
        let mut held = track.delays_ms.iter().flatten().next().copied().unwrap_or(track.median_ms);
        let hold = |delay: &Option<f64>| {
            held = delay.unwrap_or(held);
            (held + evidence.removed_delay_ms) as f32
        };
        let values = track.delays_ms.iter().map(hold).collect();
        Ok(Value { value, series: Some(Series { name: "mouth-to-ear", step_ms: track.step_ms, values }) })
    },
};

/// The delay of a degraded signal against its reference, along the reference's time. Positive: the degraded is later.
#[derive(Clone, Debug, PartialEq)]
pub struct Track {
    /// Window k starts at k times this in the reference.
    pub step_ms: f64,
    /// Length of a window.
    pub window_ms: f64,
    /// One per window. `None`: the reference is quiet there, or nothing in the degraded signal is like it.
    pub delays_ms: Vec<Option<f64>>,
    pub median_ms: f64,
    /// 5th and 95th percentile over the matched windows.
    pub p5_ms: f64,
    pub p95_ms: f64,
    /// Lasting changes, in order.
    pub steps: Vec<Step>,
    /// How fast the delay grows between steps, in microseconds per second: the skew of the clocks in ppm. `None` with less
    /// than 2 s to go by.
    pub drift_ppm: Option<f64>,
    /// Share of active windows without a match, 0 to 1.
    pub unmatched: f64,
    /// Mean normalised correlation of the matched windows, 0 to 1.
    pub confidence: f64,
}

/// A lasting change of the delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Reference time of the middle of the first window after it, good to half a window.
    pub at_ms: f64,
    /// Positive: the degraded signal is later from there on, something was inserted.
    pub by_ms: f64,
}

/// Follows the delay. Delays within 2 s either way are found, and changes within 500 ms of the prevailing one. The
/// result is good to about 0.1 ms.
///
/// # Errors
/// A signal is shorter than one window (480 ms) or silent (below -70 dBFS throughout), or nothing in the degraded signal is
/// like the reference.
pub fn track(reference: &Pcm, degraded: &Pcm) -> Result<Track> {
    let prepare = |pcm: &Pcm, which: &str| {
        let signal = zero_mean(&mono_at(pcm, RATE)?);
        match signal.len() < WINDOW {
            true => Err(failed(format!("the {which} signal is shorter than {} ms", WINDOW / PER_MS))),
            false if loudest(&signal) < SILENCE => Err(failed(format!("the {which} signal is silent"))),
            false => Ok(signal),
        }
    };
    let (reference, degraded) = (prepare(reference, "reference")?, prepare(degraded, "degraded")?);
    let coarse = coarse_lag(&reference, &degraded)?;
    let windows = candidates(&reference, &degraded, coarse)?;
    let path = best_path(&windows);
    let matched: Vec<Peak> = path.iter().flatten().filter(|p| p.correlation >= MATCH).copied().collect();
    let active = path.iter().flatten().count();
    if matched.is_empty() {
        return Err(failed("nothing in the degraded signal is like the reference".into()));
    }
    let ms = |peak: &Peak| peak.lag / PER_MS as f64;
    let mut sorted: Vec<f64> = matched.iter().map(ms).collect();
    sorted.sort_by(f64::total_cmp);
    let delays_ms: Vec<Option<f64>> =
        path.iter().map(|p| p.as_ref().filter(|p| p.correlation >= MATCH).map(ms)).collect();
    let plateaus = plateaus(&delays_ms);
    Ok(Track {
        step_ms: (HOP / PER_MS) as f64,
        window_ms: (WINDOW / PER_MS) as f64,
        steps: steps(&plateaus),
        drift_ppm: drift(&plateaus),
        delays_ms,
        median_ms: quantile(&sorted, 0.5),
        p5_ms: quantile(&sorted, 0.05),
        p95_ms: quantile(&sorted, 0.95),
        unmatched: 1.0 - matched.len() as f64 / active as f64,
        confidence: matched.iter().map(|p| p.correlation).sum::<f64>() / matched.len() as f64,
    })
}

/// Working rate: what tells one instant from another lies below 4 kHz in speech and in music, and the parabola resolves
/// far less than a sample.
const RATE: u32 = 8_000;
const PER_MS: usize = RATE as usize / 1000;
const WINDOW: usize = 480 * PER_MS;
const HOP: usize = 40 * PER_MS;
/// The coarse lag lies within this, either way.
const COARSE_REACH: usize = 2_000 * PER_MS;
/// A window's lag lies within this of the coarse one, either way.
const REACH: usize = 500 * PER_MS;
/// Mean square of a window at -70 dBFS.
const SILENCE: f64 = 32_768.0 * 32_768.0 * 1e-7;
/// A window is active down to this far below the loudest: 30 dB.
const ACTIVE: f64 = 1e-3;
const PEAKS: usize = 8;
/// What a change of delay costs on the path, in units of correlation: in proportion to its size up to a cap, since a
/// jitter buffer may jump anywhere, but rarely does.
const JUMP_PER_MS: f64 = 0.05;
const JUMP_CAP: f64 = 0.5;
/// Windows of unrelated speech reach about 0.25 over the whole search range; a window that spans a step still exceeds 0.5.
const MATCH: f64 = 0.4;

#[derive(Clone, Copy, Debug, PartialEq)]
struct Peak {
    /// In samples, with its fraction.
    lag: f64,
    correlation: f64,
}

/// The whole-sample lag at which the whole signals correlate most.
fn coarse_lag(reference: &[f64], degraded: &[f64]) -> Result<isize> {
    let mut delayed = vec![0.0; COARSE_REACH];
    delayed.extend_from_slice(degraded);
    let mut correlator = Correlator::new(reference.len().max(degraded.len()), 2 * COARSE_REACH + 1);
    let correlation = correlator.correlate(reference, &delayed)?;
    let best = correlation.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).map_or(COARSE_REACH, |(k, _)| k);
    Ok(best as isize - COARSE_REACH as isize)
}

/// For each window of the reference the highest peaks of its normalised correlation; none for an inactive window.
fn candidates(reference: &[f64], degraded: &[f64], coarse: isize) -> Result<Vec<Vec<Peak>>> {
    let threshold = (loudest(reference) * ACTIVE).max(SILENCE) * WINDOW as f64;
    let mut correlator = Correlator::new(WINDOW, 2 * REACH + 1);
    let mut out = Vec::new();
    for start in (0..=reference.len() - WINDOW).step_by(HOP) {
        let window = &reference[start..start + WINDOW];
        let energy = power(window);
        if energy < threshold {
            out.push(Vec::new());
            continue;
        }
        let around = padded(degraded, start as isize + coarse - REACH as isize, WINDOW + 2 * REACH);
        let mut correlation = correlator.correlate(window, &around)?.to_vec();
        normalise(&mut correlation, energy, &around);
        out.push(highest_peaks(&correlation, coarse - REACH as isize));
    }
    Ok(out)
}

/// Divides each lag's sum by the geometric mean of the two energies under it, which bounds it to 1.
fn normalise(correlation: &mut [f64], energy: f64, around: &[f64]) {
    let mut under = power(&around[..WINDOW]);
    for (k, r) in correlation.iter_mut().enumerate() {
        // A stretch far quieter than the window is no match, and its running sum is rounding noise.
        *r = if under > energy * 1e-6 { *r / (energy * under).sqrt() } else { 0.0 };
        if let Some(next) = around.get(k + WINDOW) {
            under += next * next - around[k] * around[k];
        }
    }
}

fn highest_peaks(correlation: &[f64], first_lag: isize) -> Vec<Peak> {
    let mut peaks: Vec<Peak> = correlation
        .windows(3)
        .enumerate()
        .filter(|(_, c)| c[1] > 0.0 && c[1] > c[0] && c[1] >= c[2])
        .map(|(k, c)| {
            // The vertex of the parabola through the three points lies within half a sample of the middle one.
            let fraction = 0.5 * (c[0] - c[2]) / (c[0] - 2.0 * c[1] + c[2]);
            Peak { lag: (first_lag + 1 + k as isize) as f64 + fraction, correlation: c[1].min(1.0) }
        })
        .collect();
    peaks.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    peaks.truncate(PEAKS);
    peaks
}

/// One peak per window that has any, so that the sum of what each lacks to 1 and of the jumps between them is least.
fn best_path(windows: &[Vec<Peak>]) -> Vec<Option<Peak>> {
    // Each step: the window, and per peak of it the least cost to get there and the peak it came from.
    let mut steps: Vec<(usize, Vec<(f64, usize)>)> = Vec::new();
    for (index, peaks) in windows.iter().enumerate().filter(|(_, peaks)| !peaks.is_empty()) {
        let arrive = |peak: &Peak| {
            let from = steps.last().and_then(|(before, costs)| {
                let jump = |from: &Peak| ((from.lag - peak.lag).abs() / PER_MS as f64 * JUMP_PER_MS).min(JUMP_CAP);
                let total = costs.iter().zip(&windows[*before]).map(|((cost, _), from)| cost + jump(from));
                total.enumerate().min_by(|a, b| a.1.total_cmp(&b.1))
            });
            let (came_from, cost) = from.unwrap_or((0, 0.0));
            (cost + 1.0 - peak.correlation, came_from)
        };
        steps.push((index, peaks.iter().map(arrive).collect()));
    }
    let mut path = vec![None; windows.len()];
    let last = steps.last().and_then(|(_, costs)| costs.iter().enumerate().min_by(|a, b| a.1.0.total_cmp(&b.1.0)));
    let mut chosen = last.map_or(0, |(peak, _)| peak);
    for (index, costs) in steps.iter().rev() {
        path[*index] = Some(windows[*index][chosen]);
        chosen = costs[chosen].1;
    }
    path
}

/// Stretches of matched windows along which the delay changes by at most 1 ms from one to the next: place and delay of each.
/// Those of less than 5 windows are a period of the voice taken for another rather than a plateau.
fn plateaus(delays_ms: &[Option<f64>]) -> Vec<Vec<(usize, f64)>> {
    let matched: Vec<(usize, f64)> = delays_ms.iter().enumerate().filter_map(|(k, d)| d.map(|d| (k, d))).collect();
    let runs = matched.chunk_by(|a, b| (a.1 - b.1).abs() <= 1.0);
    runs.filter(|run| run.len() >= 5).map(<[_]>::to_vec).collect()
}

/// From the end of one plateau to the begin of the next, by the median of 5 windows on either side.
fn steps(plateaus: &[Vec<(usize, f64)>]) -> Vec<Step> {
    let middle = |windows: &[(usize, f64)]| {
        let mut delays: Vec<f64> = windows.iter().map(|w| w.1).collect();
        delays.sort_by(f64::total_cmp);
        quantile(&delays, 0.5)
    };
    let step = |pair: &[Vec<(usize, f64)>]| {
        let (before, after) = (&pair[0], &pair[1]);
        let at_ms = (after[0].0 * HOP + WINDOW / 2) as f64 / PER_MS as f64;
        Step { at_ms, by_ms: middle(&after[..5]) - middle(&before[before.len() - 5..]) }
    };
    // A plateau may have been left for a moment only.
    plateaus.windows(2).map(step).filter(|step| step.by_ms.abs() > 1.0).collect()
}

/// The common slope of all plateaus by least squares.
fn drift(plateaus: &[Vec<(usize, f64)>]) -> Option<f64> {
    let seconds = |place: usize| (place * HOP) as f64 / f64::from(RATE);
    let (mut covariance, mut variance, mut length) = (0.0, 0.0, 0.0);
    for plateau in plateaus {
        let n = plateau.len() as f64;
        let time = plateau.iter().map(|w| seconds(w.0)).sum::<f64>() / n;
        let delay = plateau.iter().map(|w| w.1).sum::<f64>() / n;
        covariance += plateau.iter().map(|w| (seconds(w.0) - time) * (w.1 - delay)).sum::<f64>();
        variance += plateau.iter().map(|w| (seconds(w.0) - time).powi(2)).sum::<f64>();
        length += seconds(plateau[plateau.len() - 1].0) - seconds(plateau[0].0);
    }
    (length >= 2.0).then(|| covariance / variance * 1e3)
}

/// Mean square of the loudest window.
fn loudest(signal: &[f64]) -> f64 {
    signal.windows(WINDOW).step_by(HOP).map(power).fold(0.0, f64::max) / WINDOW as f64
}

fn power(signal: &[f64]) -> f64 {
    signal.iter().map(|s| s * s).sum()
}

/// `length` samples from `start`, which may lie before the signal; zeros where there is none.
fn padded(signal: &[f64], start: isize, length: usize) -> Vec<f64> {
    let mut out = vec![0.0; length];
    let (skip, from) = (usize::try_from(-start).unwrap_or(0), usize::try_from(start).unwrap_or(0));
    if let (Some(out), Some(signal)) = (out.get_mut(skip..), signal.get(from..)) {
        let n = out.len().min(signal.len());
        out[..n].copy_from_slice(&signal[..n]);
    }
    out
}

/// Of sorted values, between the nearest ranks.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    low + (high - low) * place.fract()
}

fn failed(reason: String) -> Error {
    Error::Metric { metric: "mouth-to-ear", reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peak(lag: f64, correlation: f64) -> Peak {
        Peak { lag, correlation }
    }

    #[test]
    fn the_path_bridges_a_wrong_peak_and_follows_a_lasting_step() {
        let good = vec![peak(80.0, 0.9), peak(400.0, 0.3)];
        let fooled = vec![peak(80.0, 0.5), peak(400.0, 0.7)];
        let stepped = vec![peak(400.0, 0.95), peak(80.0, 0.6)];
        let quiet = Vec::new();
        let windows: Vec<Vec<Peak>> =
            [vec![good; 5], vec![fooled; 2], vec![quiet], vec![stepped; 6]].into_iter().flatten().collect();
        let path = best_path(&windows);
        let lags: Vec<Option<f64>> = path.iter().map(|p| p.map(|p| p.lag)).collect();
        // The two fooled windows lie next to the real step, so they may fall to either side of it at no jump more.
        assert!(lags[..5].iter().all(|l| *l == Some(80.0)), "{lags:?}");
        assert_eq!(lags[7], None);
        assert!(lags[8..].iter().all(|l| *l == Some(400.0)), "{lags:?}");

        let alone = vec![peak(80.0, 0.5), peak(400.0, 0.7)];
        let windows = [vec![vec![peak(80.0, 0.9)]; 5], vec![alone; 3], vec![vec![peak(80.0, 0.9)]; 5]].concat();
        assert!(best_path(&windows).iter().flatten().all(|p| p.lag == 80.0));
    }

    #[test]
    fn a_parabola_gives_the_fraction_of_its_vertex() {
        let vertex = 2.3;
        let correlation: Vec<f64> = (0..6).map(|k| 0.9 - 0.05 * (k as f64 - vertex).powi(2)).collect();
        let peaks = highest_peaks(&correlation, -100);
        assert_eq!(peaks.len(), 1);
        assert!((peaks[0].lag - (-100.0 + vertex)).abs() < 1e-12);
    }

    #[test]
    fn steps_and_drift_are_told_apart() {
        // 100 ppm are 4 microseconds per 40 ms; a lost window and a short excursion are neither.
        let mut delays: Vec<Option<f64>> = (0..100).map(|k| Some(50.0 + 0.004 * f64::from(k))).collect();
        delays[60..].iter_mut().flatten().for_each(|d| *d += 20.0);
        delays[30] = None;
        delays[80..83].iter_mut().flatten().for_each(|d| *d -= 9.0);
        let plateaus = plateaus(&delays);
        let steps = steps(&plateaus);
        assert_eq!(steps.len(), 1);
        assert!((steps[0].by_ms - 20.0).abs() < 0.1 && steps[0].at_ms == 60.0 * 40.0 + 240.0, "{steps:?}");
        assert!((drift(&plateaus).unwrap() - 100.0).abs() < 1e-6);
        assert!(drift(&plateaus[..0]).is_none());
    }

    #[test]
    fn padding_is_silence_on_both_sides() {
        let signal = [1.0, 2.0, 3.0];
        assert_eq!(padded(&signal, -2, 4), [0.0, 0.0, 1.0, 2.0]);
        assert_eq!(padded(&signal, 1, 4), [2.0, 3.0, 0.0, 0.0]);
        assert_eq!(padded(&signal, -9, 4), [0.0; 4]);
        assert_eq!(padded(&signal, 9, 4), [0.0; 4]);
    }
}
