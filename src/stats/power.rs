//! How large a difference must be to be found.

use super::distribution::{ln_gamma, normal_cdf, student_quantile};

/// A verdict may be false in one of twenty experiments. The tests are asked for 4 %, since on skewed clips (exponential
/// ones with noise) both go over their level by up to a seventh: 5.6 % at 5 %, 4.6 % at 4 %.
pub(super) const LEVEL: f64 = 0.04;

/// The power asked of the t-test, so that the verdict, which asks the sign flips too, has 80 %: from eight clips on they
/// cost up to three points (by simulation, 20,000 experiments each).
const POWER: f64 = 0.85;

/// With fewer clips the sign flips are coarse and decide: six must all agree. Deviations found in 80 % of 20,000
/// simulated experiments each.
const COARSE: [(usize, f64); 2] = [(6, 1.87), (7, 1.53)];

/// The smallest true mean difference, in standard deviations of the clips' differences, that gets a verdict in at least
/// four of five experiments: `clips` (2 or more) normal differences, tested as one of `comparisons`.
///
/// It counts on the first and hardest step of Holm's correction, so it is never too small.
pub fn detectable(clips: usize, comparisons: usize) -> f64 {
    let (n, freedom) = (clips as f64, clips as f64 - 1.0);
    let critical = student_quantile(1.0 - LEVEL / 2.0 / comparisons.max(1) as f64, freedom);
    let (mut low, mut high) = (0.0, 4.0 * critical + 8.0);
    while high - low > 1e-4 * high {
        let middle = 0.5 * (low + high);
        if power(middle, critical, freedom) < POWER { low = middle } else { high = middle }
    }
    let found = high / n.sqrt();
    COARSE.iter().filter(|(n, _)| *n == clips).fold(found, |found, (_, floor)| found.max(*floor))
}

/// The chance that Student's t with non-centrality `shift` exceeds `critical`: the mean over w, the ratio of the spread
/// found to the true one (w^2 freedom is chi-squared), of the chance for a normal mean. Simpson's rule.
fn power(shift: f64, critical: f64, freedom: f64) -> f64 {
    let half = 0.5 * freedom;
    let scale = 2.0_f64.ln() + half * half.ln() - ln_gamma(half);
    let density = |w: f64| (scale + (freedom - 1.0) * w.ln() - half * w * w).exp();
    const STEPS: u32 = 64;
    let reach = 8.0 / (2.0 * freedom).sqrt();
    let (from, to) = ((1.0 - reach).max(1e-9), 1.0 + reach);
    let step = (to - from) / f64::from(STEPS);
    let at = |k: u32| {
        let w = from + step * f64::from(k);
        normal_cdf(shift - critical * w) * density(w)
    };
    let weight = |k: u32| if k == 0 || k == STEPS { 1.0 } else { f64::from(2 + 2 * (k % 2)) };
    (0..=STEPS).map(|k| weight(k) * at(k)).sum::<f64>() * step / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn power_equals_the_non_central_t_distribution() {
        // scipy 1.17.1: 1 - stats.nct.cdf(stats.t.ppf(.975, 11), 11, shift), and the same with 5 and 39.
        for (freedom, shift, expected) in SCIPY {
            let found = power(*shift, student_quantile(0.975, *freedom), *freedom);
            assert!((found - expected).abs() < 2e-6, "{freedom} {shift}: {found}, not {expected}");
        }
        // Without a shift it is the level of one tail.
        assert!((power(0.0, student_quantile(0.975, 19.0), 19.0) - 0.025).abs() < 1e-6);
    }

    const SCIPY: &[(f64, f64, f64)] = &[
        (5.0, 1.5, 0.231_027_644),
        (5.0, 3.0, 0.672_173_037),
        (5.0, 4.5, 0.944_027_379),
        (11.0, 1.5, 0.277_826_752),
        (11.0, 3.0, 0.779_594_072),
        (11.0, 4.5, 0.983_030_152),
        (39.0, 1.5, 0.309_656_694),
        (39.0, 3.0, 0.832_830_654),
        (39.0, 4.5, 0.992_382_512),
    ];

    #[test]
    fn more_clips_find_less_and_more_comparisons_need_more() {
        for comparisons in [1, 14, 500] {
            let found: Vec<f64> = (6..60).map(|clips| detectable(clips, comparisons)).collect();
            assert!(found.windows(2).all(|w| w[1] < w[0]), "{found:?}");
        }
        assert!(detectable(12, 14) > 1.3 * detectable(12, 1));
    }
}
