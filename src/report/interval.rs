//! Student's t over clips.

use super::Summary;

/// The mean of clip means with its 95 % interval; `None` when there is no clip.
pub fn summary(clip_means: &[f64]) -> Option<Summary> {
    let n = clip_means.len();
    if n == 0 {
        return None;
    }
    let mean = clip_means.iter().sum::<f64>() / n as f64;
    let interval = (n > 1).then(|| {
        let variance = clip_means.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1) as f64;
        let half = quantile(n - 1) * (variance / n as f64).sqrt();
        (mean - half, mean + half)
    });
    Some(Summary { mean, interval, n })
}

/// The 97.5 % quantile of Student's t.
fn quantile(freedom: usize) -> f64 {
    const SMALL: [f64; 10] = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228];
    let v = freedom as f64;
    SMALL.get(freedom - 1).copied().unwrap_or(1.96 + 2.372 / v + 2.822 / (v * v))
}
