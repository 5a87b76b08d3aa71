//! Student's t and the normal distribution, to about 1e-12: all that intervals need.

/// The value below which Student's t with `freedom` degrees of freedom (1 or more) lies with probability `p`, 0 < p < 1.
pub(super) fn student_quantile(p: f64, freedom: f64) -> f64 {
    inverse(p, |t| student_cdf(t, freedom))
}

/// The probability that Student's t is at least as far from zero as `t`, on either side. Small ones keep their digits.
pub(super) fn student_two_sided(t: f64, freedom: f64) -> f64 {
    incomplete_beta(freedom / (freedom + t * t), 0.5 * freedom, 0.5)
}

/// The quantile of the standard normal distribution, as [`student_quantile`].
pub(super) fn normal_quantile(p: f64) -> f64 {
    inverse(p, normal_cdf)
}

/// The probability that a standard normal lies below `x`: Marsaglia's series, "Evaluating the normal distribution", 2004.
pub(super) fn normal_cdf(x: f64) -> f64 {
    if x.abs() > 8.0 {
        return if x > 0.0 { 1.0 } else { 0.0 };
    }
    let (mut sum, mut term, mut odd) = (x, x, 1.0);
    while sum + term != sum {
        odd += 2.0;
        term *= x * x / odd;
        sum += term;
    }
    0.5 + sum * (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt()
}

/// Through the regularised incomplete beta function (Abramowitz and Stegun, 26.7.1), of the middle: it is exact near 0.
fn student_cdf(t: f64, freedom: f64) -> f64 {
    0.5 + 0.5 * t.signum() * incomplete_beta(t * t / (freedom + t * t), 0.5, 0.5 * freedom)
}

/// I_x(a, b), by its continued fraction (Abramowitz and Stegun, 26.5.8) in Lentz's evaluation.
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 || x >= 1.0 {
        return x.clamp(0.0, 1.0);
    }
    // The fraction converges fast below the mean of the distribution only; above it, the mirror image does.
    if x > (a + 1.0) / (a + b + 2.0) {
        return 1.0 - incomplete_beta(1.0 - x, b, a);
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (1.0 - x).ln()).exp() / a;
    let coefficient = |m: f64, even: bool| match even {
        true => m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m)),
        false => -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0)),
    };
    let not_zero = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let (mut fraction, mut c, mut d) = (1.0, 1.0, 0.0);
    for k in 1..500_u32 {
        let numerator = coefficient(f64::from(k / 2), k % 2 == 0);
        d = 1.0 / not_zero(1.0 + numerator * d);
        c = not_zero(1.0 + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() < 1e-15 {
            break;
        }
    }
    front / fraction
}

/// Stirling's series, after the recurrence has brought the argument to where it is exact to double precision.
pub(super) fn ln_gamma(x: f64) -> f64 {
    let (mut z, mut product) = (x, 1.0);
    while z < 15.0 {
        product *= z;
        z += 1.0;
    }
    let r = 1.0 / (z * z);
    let series = (1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r / 1188.0)))) / z;
    (z - 0.5) * z.ln() - z + 0.5 * std::f64::consts::TAU.ln() + series - product.ln()
}

/// The point where a rising distribution function reaches `p`, by bisection to the last bit.
fn inverse(p: f64, cdf: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = (-1.0, 1.0);
    while cdf(low) > p && low > -1e12 {
        low *= 2.0;
    }
    while cdf(high) < p && high < 1e12 {
        high *= 2.0;
    }
    loop {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            return middle;
        }
        if cdf(middle) < p { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn student_quantiles_equal_closed_forms_and_the_printed_table() {
        // One, two and four degrees of freedom have closed forms.
        let p: f64 = 0.975;
        let alpha = 4.0 * p * (1.0 - p);
        let of_four = 2.0 * ((alpha.sqrt().acos() / 3.0).cos() / alpha.sqrt() - 1.0).sqrt();
        let closed = [
            (1.0, (std::f64::consts::PI * (p - 0.5)).tan()),
            (2.0, 2.0 * (p - 0.5) * (2.0 / alpha).sqrt()),
            (4.0, of_four),
        ];
        for (freedom, expected) in closed {
            assert!((student_quantile(p, freedom) - expected).abs() < 1e-8, "{freedom}");
        }
        // Abramowitz and Stegun, table 26.10, and its usual extensions, to the digits printed.
        let table = [
            (3.0, 3.182),
            (5.0, 2.571),
            (8.0, 2.306),
            (10.0, 2.228),
            (11.0, 2.201),
            (19.0, 2.093),
            (20.0, 2.086),
            (24.0, 2.064),
            (28.0, 2.048),
            (120.0, 1.980),
        ];
        for (freedom, expected) in table {
            assert!((student_quantile(p, freedom) - expected).abs() < 5.1e-4, "{freedom}");
        }
        assert!((student_quantile(0.995, 10.0) - 3.169).abs() < 5.1e-4);
        assert!((student_quantile(0.025, 10.0) + student_quantile(0.975, 10.0)).abs() < 1e-10);
        assert!(student_quantile(0.5, 7.0).abs() < 1e-10);
    }

    #[test]
    fn two_sided_probabilities_undo_the_quantiles_and_keep_their_digits() {
        for (p, freedom) in [(0.05, 5.0), (0.2, 1.0), (0.001, 39.0)] {
            assert!((student_two_sided(student_quantile(1.0 - p / 2.0, freedom), freedom) - p).abs() < 1e-10);
        }
        assert_eq!((student_two_sided(0.0, 7.0), student_two_sided(f64::INFINITY, 7.0)), (1.0, 0.0));
        // Two degrees of freedom have a closed form: 1 - t / sqrt(2 + t^2), which is near 1 / t^2 far out.
        assert!((student_two_sided(-1e6, 2.0) * 1e12 - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_normal_distribution_equals_its_published_values() {
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-11);
        assert!((normal_quantile(0.01) + 2.326_347_874_040_841).abs() < 1e-11);
        assert!((normal_cdf(1.0) - 0.841_344_746_068_542_9).abs() < 1e-14);
        assert!((student_quantile(0.9, 1e7) - normal_quantile(0.9)).abs() < 1e-6);
        assert_eq!((normal_cdf(-9.0), normal_cdf(9.0)), (0.0, 1.0));
    }

    #[test]
    fn ln_gamma_equals_factorials_and_the_root_of_pi() {
        assert!((ln_gamma(1.0)).abs() < 1e-13 && (ln_gamma(11.0) - 3_628_800_f64.ln()).abs() < 1e-12);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-13);
    }
}
