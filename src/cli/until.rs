//! `--until`: seeds are added until the intervals are narrow enough.

use crate::experiment::{Of, Until};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add seeds until the first metric's 95 % intervals are this narrow: plus and minus so much, in its unit
    #[arg(long, value_name = "HALF-WIDTH", value_parser = half_width)]
    pub until: Option<f64>,
    /// With --until: never more seeds than this
    #[arg(long, value_name = "N", default_value_t = 50, requires = "until", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_seeds: u32,
}

impl Args {
    /// What is asked for, if it is.
    pub fn target(&self, of: Of) -> Option<Until> {
        self.until.map(|half_width| Until { half_width, max_seeds: self.max_seeds as usize, of })
    }
}

fn half_width(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|v: &f64| *v > 0.0 && v.is_finite());
    number.ok_or_else(|| "a number above 0 is wanted, in the unit of the metric, such as 0.05".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_width_is_taken() {
        assert_eq!(half_width("0.05"), Ok(0.05));
        for wrong in ["0", "-1", "NaN", "inf", "x"] {
            assert!(half_width(wrong).unwrap_err().contains("above 0"));
        }
    }
}
