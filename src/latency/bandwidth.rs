//! The audio bandwidth that comes through a codec, measured on white noise: what is declared may not be what is coded.

use realfft::RealFftPlanner;
use std::f64::consts::TAU;

const WINDOW: usize = 1024;
/// Below the level of the loudest part of the spectrum by so much, in dB, a frequency counts as cut off.
const CUT_DB: f64 = 15.0;
/// Frequencies are looked at in steps so wide, in Hz.
const STEP_HZ: f64 = 250.0;

/// The upper edge in Hz of what `heard` holds of the white noise that was sent; both have that many samples per second.
/// Half the sampling rate where nothing is cut off.
pub(super) fn of_noise(heard: &[f64], sample_rate: u32) -> f64 {
    let power = spectrum(heard);
    let per_step = STEP_HZ * WINDOW as f64 / f64::from(sample_rate);
    let steps: Vec<f64> = (0..)
        .map(|i| ((f64::from(i) * per_step) as usize, (f64::from(i + 1) * per_step) as usize))
        .take_while(|(_, to)| *to < power.len())
        .map(|(from, to)| power[from..to.max(from + 1)].iter().sum::<f64>() / (to.max(from + 1) - from) as f64)
        .collect();
    // The mean of the strongest quarter, so that one strong step does not decide.
    let mut sorted = steps.clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let quarter = &sorted[..sorted.len().div_ceil(4)];
    let least = quarter.iter().sum::<f64>() / quarter.len().max(1) as f64 * 10f64.powf(-CUT_DB / 10.0);
    let edge = steps.iter().rposition(|p| *p > least).map_or(0.0, |i| (i + 1) as f64 * STEP_HZ);
    if edge + 2.0 * STEP_HZ > f64::from(sample_rate) / 2.0 { f64::from(sample_rate) / 2.0 } else { edge }
}

/// Mean power per bin, windows of Hann half overlapped.
fn spectrum(signal: &[f64]) -> Vec<f64> {
    let fft = RealFftPlanner::<f64>::new().plan_fft_forward(WINDOW);
    let (mut input, mut bins) = (fft.make_input_vec(), fft.make_output_vec());
    let mut power = vec![0.0; bins.len()];
    for start in (0..signal.len().saturating_sub(WINDOW)).step_by(WINDOW / 2) {
        for (i, v) in input.iter_mut().enumerate() {
            *v = signal[start + i] * (0.5 - 0.5 * (TAU * i as f64 / WINDOW as f64).cos());
        }
        // It fails only on wrong lengths, and these are its own.
        if fft.process(&mut input, &mut bins).is_ok() {
            power.iter_mut().zip(&bins).for_each(|(p, bin)| *p += bin.norm_sqr());
        }
    }
    power
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    #[test]
    fn white_noise_has_all_and_its_running_sums_have_less() {
        let mut rng = Seed(1).stream("noise");
        let white: Vec<f64> = (0..48_000).map(|_| rng.normal()).collect();
        assert_eq!(of_noise(&white, 48_000), 24_000.0);
        // A windowed sinc that cuts at 8 kHz, by 6 dB there; a Hamming window is 3.3 / 101 of 48 kHz wide: 1.6 kHz.
        let tap = |n: i32| {
            let x = f64::from(n) / 3.0 * std::f64::consts::PI;
            let sinc = if n == 0 { 1.0 } else { x.sin() / x };
            sinc / 3.0 * (0.54 + 0.46 * (TAU * f64::from(n) / 101.0).cos())
        };
        let low: Vec<f64> =
            (50..47_950).map(|i: i32| (-50..=50).map(|n| tap(n) * white[(i - n) as usize]).sum()).collect();
        let edge = of_noise(&low, 48_000);
        assert!((7750.0..=8750.0).contains(&edge), "{edge} Hz");
    }
}
