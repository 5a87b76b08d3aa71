//! The tables from which netem draws delays: inverse distribution functions, 8192 to one standard deviation.
//!
//! The three built-in ones follow the formulas of iproute2's table programs (`netem/normal.c`, `pareto.c`,
//! `paretonormal.c`; public domain), entry by entry:
//!
//! - normal: x walks from -10 in steps of 0.00005; entry k is the last x whose Φ(x) rounds to 4k/16384.
//! - pareto: (4/3) (u^(-1/3) - 3/2) for u = 1, 1-1/4096, ...: a = 3, scaled to what its authors took for mean 0 and deviation 1.
//! - paretonormal: a quarter of normal and three quarters of pareto.
//!
//! The last two do not have mean 0 and standard deviation 1; [`moments`] tells what they have.

use crate::error::{Error, Result};
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// One standard deviation.
pub const SCALE: i64 = 8192;

/// The most entries that netem takes.
const MOST: usize = 16384;

/// How a delay is spread.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Distribution {
    #[default]
    Uniform,
    Normal,
    Pareto,
    ParetoNormal,
    /// A file of numbers as tc's `.dist` files have them.
    User(Arc<Table>),
}

/// A table of the user's own.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// As the user named it: a file's path.
    pub name: String,
    /// BLAKE3 of the entries, in hex.
    pub hash: String,
    /// 1 to 16384 of them.
    pub values: Vec<i16>,
}

impl Table {
    /// Reads whole numbers between blanks; `#` begins a comment. As tc reads its `.dist` files.
    ///
    /// # Errors
    /// [`Error::Input`] with the line.
    pub fn read(path: &Path) -> Result<Table> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::input(path, e))?;
        let mut values = Vec::new();
        for (line, words) in text.lines().enumerate() {
            let words = words.split('#').next().unwrap_or_default();
            for word in words.split_whitespace() {
                values.push(word.parse::<i16>().map_err(|_| {
                    let right = "a whole number within -32768 and 32767 (8192 is one standard deviation)";
                    Error::input(path, format!("line {}: '{word}' is not {right}", line + 1))
                })?);
            }
        }
        if values.is_empty() || values.len() > MOST {
            return Err(Error::input(path, format!("a table has 1 to {MOST} numbers, this one {}", values.len())));
        }
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Ok(Table { name: path.display().to_string(), hash: blake3::hash(&bytes).to_hex().to_string(), values })
    }
}

/// The table of `distribution`; `None` for uniform, which netem draws without one.
pub fn table(distribution: &Distribution) -> Option<&[i16]> {
    match distribution {
        Distribution::Uniform => None,
        Distribution::Normal => Some(&NORMAL),
        Distribution::Pareto => Some(&PARETO),
        Distribution::ParetoNormal => Some(&PARETO_NORMAL),
        Distribution::User(table) => Some(&table.values),
    }
}

/// Mean and standard deviation, in units of the jitter.
pub fn moments(distribution: &Distribution) -> (f64, f64) {
    let Some(table) = table(distribution) else {
        return (0.0, 1.0 / 3f64.sqrt());
    };
    let values = || table.iter().map(|v| f64::from(*v) / SCALE as f64);
    let mean = values().sum::<f64>() / table.len() as f64;
    let variance = values().map(|v| (v - mean).powi(2)).sum::<f64>() / table.len() as f64;
    (mean, variance.sqrt())
}

const ENTRIES: usize = 4096;

static NORMAL: LazyLock<Vec<i16>> = LazyLock::new(|| quantiles().iter().map(|x| scaled(*x)).collect());
static PARETO: LazyLock<Vec<i16>> = LazyLock::new(|| (0..ENTRIES).map(|i| clamp(pareto(i))).collect());
static PARETO_NORMAL: LazyLock<Vec<i16>> = LazyLock::new(|| {
    let mix = |(i, x): (usize, &f64)| {
        // Both in whole numbers, the division towards zero, as the program has it.
        let normal = (x * SCALE as f64).round_ties_even() as i64;
        clamp((normal + 3 * pareto(i).min(i64::from(i16::MAX))) / 4)
    };
    quantiles().iter().enumerate().map(mix).collect()
});

/// Quantiles of the normal distribution, 4096 of them.
fn quantiles() -> Vec<f64> {
    const FINE: f64 = 16384.0;
    const STEP: f64 = 0.00005;
    let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
    let mut found = vec![0.0; ENTRIES];
    // Below -6 all is in entry 0, and entry 4095 ends before 4. The sums of x must still be the program's, from -10 on.
    let (mut x, mut below): (f64, f64) = (-10.0, 0.0);
    while x < 4.0 {
        let place = (FINE * below).round_ties_even() as usize;
        if place.is_multiple_of(4) && place / 4 < ENTRIES {
            found[place / 4] = x;
        }
        let next = x + STEP;
        if x >= -6.0 {
            // Simpson's rule; its error is far below that of the sums. What lies below -6 is 1e-9.
            below += (next - x) / 6.0 * (density(x) + 4.0 * density(0.5 * (x + next)) + density(next));
        } else if next >= -6.0 {
            below = 9.865_876_450_376_946e-10;
        }
        x = next;
    }
    found
}

fn pareto(i: usize) -> i64 {
    let u = (65536 - 16 * i) as f64 / 65536.0;
    let x = 1.0 / u.powf(1.0 / 3.0) - 1.5;
    (x * (4.0 / 3.0) * SCALE as f64).round_ties_even() as i64
}

fn scaled(x: f64) -> i16 {
    clamp((x * SCALE as f64).round_ties_even() as i64)
}

fn clamp(value: i64) -> i16 {
    value.clamp(i64::from(i16::MIN), i64::from(i16::MAX)) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_equal_those_of_iproute2_entry_by_entry() {
        let Some(vectors) = crate::net::vectors() else { return };
        let tables = &vectors["distribution_tables"]["tables"];
        for (name, distribution) in [
            ("normal", Distribution::Normal),
            ("pareto", Distribution::Pareto),
            ("paretonormal", Distribution::ParetoNormal),
        ] {
            let (values, expected) = (table(&distribution).unwrap(), &tables[name]);
            assert_eq!(values.len() as u64, expected["entries"].as_u64().unwrap());
            for (place, value) in expected["values_at"].as_object().unwrap() {
                assert_eq!(
                    i64::from(values[place.parse::<usize>().unwrap()]),
                    value.as_i64().unwrap(),
                    "{name} {place}"
                );
            }
            let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
            let digest = ring::digest::digest(&ring::digest::SHA256, &bytes);
            let hex: String = digest.as_ref().iter().map(|b| format!("{b:02x}")).collect();
            assert_eq!(hex, expected["sha256_int16_le"].as_str().unwrap(), "{name}");
            let sigma = |key: &str| expected[key].as_f64().unwrap();
            let (mean, deviation) = moments(&distribution);
            assert!((mean - sigma("mean_sigma")).abs() < 1e-5, "{name}: {mean}");
            assert!((deviation - sigma("sd_sigma")).abs() < 1e-5, "{name}: {deviation}");
            let at = |share: f64| f64::from(values[(share * 4096.0) as usize]) / SCALE as f64;
            for (share, value) in expected["quantiles_sigma"].as_object().unwrap() {
                let (seen, value) = (at(share.parse().unwrap()), value.as_f64().unwrap());
                assert!((seen - value).abs() < 0.01, "{name} {share}: {seen}");
            }
            let range = (f64::from(values[0]) / SCALE as f64, f64::from(values[4095]) / SCALE as f64);
            assert!((range.0 - sigma("min_sigma")).abs() < 1e-5 && (range.1 - sigma("max_sigma")).abs() < 1e-5);
        }
    }

    #[test]
    fn a_users_table_is_read_and_a_broken_one_named_by_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.dist");
        std::fs::write(&path, "# two points\n-8192 # one below\n\n 8192\n").unwrap();
        let table = Table::read(&path).unwrap();
        assert_eq!(table.values, [-8192, 8192]);
        assert_eq!(moments(&Distribution::User(table.into())), (0.0, 1.0));
        for (text, says) in
            [("", "this one 0"), ("1 2\n3 x", "line 2: 'x'"), ("40000", "line 1: '40000'"), ("1.5", "'1.5'")]
        {
            std::fs::write(&path, text).unwrap();
            let error = Table::read(&path).unwrap_err().to_string();
            assert!(error.contains(says) && error.contains("mine.dist"), "{error}");
        }
        std::fs::write(&path, "1 ".repeat(MOST + 1)).unwrap();
        assert!(Table::read(&path).is_err());
    }
}
