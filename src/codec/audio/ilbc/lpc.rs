//! Linear prediction of the input (RFC 3951, section 3.2.1 and 3.2.2).

use super::filter::{Lpc, ORDER, broaden};
use std::f64::consts::PI;

/// Samples under one analysis window.
pub(super) const WINDOW: usize = 240;

/// Resonances are broadened by this much, so that the line spectral frequencies keep apart.
const CHIRP: f32 = 0.9025;

/// The symmetric window, over the middle of what is analysed.
pub(super) fn symmetric_window() -> Vec<f64> {
    let half = |i: usize| 0.5 * (1.0 - (2.0 * PI * (i + 1) as f64 / (WINDOW + 1) as f64).cos());
    (0..WINDOW).map(|i| half(i.min(WINDOW - 1 - i))).collect()
}

/// The asymmetric window, whose weight is on the newest samples.
pub(super) fn asymmetric_window() -> Vec<f64> {
    let rise = |i: usize| (PI * (i + 1) as f64 / 441.0).sin().powi(2);
    let fall = |i: usize| ((i - 220) as f64 * PI / 40.0).cos();
    (0..WINDOW).map(|i| if i < 220 { rise(i) } else { fall(i) }).collect()
}

/// The prediction filter of [`WINDOW`] samples.
pub(super) fn analyse(samples: &[f32], window: &[f64]) -> Lpc {
    let windowed: Vec<f64> = samples.iter().zip(window).map(|(s, w)| f64::from(*s) * w).collect();
    let correlation: Vec<f64> = (0..=ORDER)
        .map(|lag| {
            let sum: f64 = windowed[lag..].iter().zip(&windowed).map(|(a, b)| a * b).sum();
            sum * lag_window(lag)
        })
        .collect();
    broaden(&levinson_durbin(&correlation), CHIRP)
}

/// 60 Hz of bandwidth, and a white floor 40 dB down.
fn lag_window(lag: usize) -> f64 {
    if lag == 0 { 1.0001 } else { (-0.5 * (2.0 * PI * 60.0 * lag as f64 / 8000.0).powi(2)).exp() }
}

fn levinson_durbin(correlation: &[f64]) -> Lpc {
    let mut a = [0.0; ORDER + 1];
    a[0] = 1.0;
    let mut error = correlation[0];
    // Silence predicts nothing.
    if error > 1e-9 {
        for order in 1..=ORDER {
            let sum: f64 = (0..order).map(|j| a[j] * correlation[order - j]).sum();
            let reflection = -sum / error;
            let before = a;
            for j in 1..=order {
                a[j] = before[j] + reflection * before[order - j];
            }
            error *= 1.0 - reflection * reflection;
        }
    }
    a.map(|a| a as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoregressive_signal_gives_its_filter() {
        // Two poles at 0.9: x[n] = 1.2 x[n-1] - 0.81 x[n-2] + e[n] has the correlations of its recursion.
        let (a1, a2) = (1.2, -0.81);
        let mut r = vec![1.0, a1 / (1.0 - a2)];
        (2..=ORDER).for_each(|k| r.push(a1 * r[k - 1] + a2 * r[k - 2]));
        let a = levinson_durbin(&r);
        assert!((a[1] + 1.2).abs() < 1e-5 && (a[2] - 0.81).abs() < 1e-5, "{a:?}");
        assert!(a[3..].iter().all(|a| a.abs() < 1e-5), "{a:?}");
    }

    #[test]
    fn windows_are_those_of_the_rfc() {
        let (symmetric, asymmetric) = (symmetric_window(), asymmetric_window());
        // Its tables are rounded to 2^-15.
        for (value, table) in [(symmetric[0], 0.000183), (symmetric[119], 0.999969), (asymmetric[0], 0.000061)] {
            assert!((value - table).abs() < 1.6e-5, "{value} for {table}");
        }
        assert_eq!(asymmetric[220], 1.0);
        assert!(symmetric.iter().eq(symmetric.iter().rev()));
    }

    #[test]
    fn silence_gives_the_identity() {
        assert_eq!(analyse(&[0.0; WINDOW], &symmetric_window())[1..], [0.0; ORDER]);
    }
}
