//! Numbers to places, with ticks that people would choose.

/// One axis of a plot.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// "payload bitrate, kbit/s".
    pub title: String,
    pub low: f64,
    pub high: f64,
    pub ticks: Vec<f64>,
    log: bool,
}

impl Axis {
    /// An octave is as wide everywhere; `values` must be positive.
    pub fn log2(title: impl Into<String>, values: impl IntoIterator<Item = f64>) -> Axis {
        let (low, high) = extent(values.into_iter().filter(|v| *v > 0.0)).unwrap_or((8.0, 128.0));
        // At least two octaves, so that a single bitrate does not look like a range.
        let spare = (4.0 / (high / low)).max(1.0).sqrt();
        let (low, high) = (low / spare.max(1.2), high * spare.max(1.2));
        let inside = |steps: &[f64]| -> Vec<f64> {
            let octaves = low.log2().floor() as i32..=high.log2().ceil() as i32;
            let all = octaves.flat_map(|k| steps.iter().map(move |s| s * f64::from(k).exp2()));
            all.filter(|t| (low..=high).contains(t)).collect()
        };
        let whole = inside(&[1.0]);
        let ticks = if whole.len() >= 3 { whole } else { inside(&[1.0, 1.5]) };
        Axis { title: title.into(), low, high, ticks, log: true }
    }

    /// From round number to round number around `values`, or exactly over `range` where a scale has its own.
    pub fn linear(title: impl Into<String>, values: impl IntoIterator<Item = f64>, range: Option<(f64, f64)>) -> Axis {
        let (low, high) = range.or_else(|| extent(values)).unwrap_or((0.0, 1.0));
        let (low, high) = if high > low { (low, high) } else { (low - 0.5, high + 0.5) };
        let step = nice_step((high - low) / 4.5);
        let half = step / 2.0;
        let round = |low: f64, high: f64| ((low / half).floor() * half, (high / half).ceil() * half);
        let (low, high) = if range.is_some() { (low, high) } else { round(low, high) };
        // An end that is a tick but for rounding has one.
        let ticks = (low / step - 1e-9).ceil() as i64..=(high / step + 1e-9).floor() as i64;
        let ticks = ticks.map(|k| k as f64 * step).collect();
        Axis { title: title.into(), low, high, ticks, log: false }
    }

    /// Only these ticks, those inside the axis.
    pub fn with_ticks(self, ticks: impl IntoIterator<Item = f64>) -> Axis {
        let ticks = ticks.into_iter().filter(|t| (self.low..=self.high).contains(t)).collect();
        Axis { ticks, ..self }
    }

    /// Where `value` lies between the places `from` (the axis' low end) and `to`. Values outside lie outside.
    pub fn place(&self, value: f64, from: f64, to: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low / 16.0) / self.low).log2() / (self.high / self.low).log2()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        from + share * (to - from)
    }

    /// A tick in figures, with as many decimals as the ticks' distance needs.
    pub fn label(&self, tick: f64) -> String {
        if self.log {
            let text = format!("{tick:.2}");
            return text.trim_end_matches('0').trim_end_matches('.').to_owned();
        }
        let step = self.ticks.windows(2).map(|w| w[1] - w[0]).fold(f64::INFINITY, f64::min);
        let decimals = (0..3).find(|d| is_whole(step * 10f64.powi(*d)) && is_whole(tick * 10f64.powi(*d)));
        let decimals = if step.is_finite() { decimals.unwrap_or(3) } else { 0 };
        let text = format!("{:.*}", decimals as usize, tick + 0.0);
        text.replace('-', "\u{2212}")
    }
}

fn extent(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    values.into_iter().filter(|v| v.is_finite()).fold(None, |e, v| match e {
        None => Some((v, v)),
        Some((low, high)) => Some((low.min(v), high.max(v))),
    })
}

/// 1, 2 or 5 times a power of ten, not below `step`.
fn nice_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0].into_iter().find(|n| n * power >= step * 0.999_999);
    nice.unwrap_or(10.0) * power
}

fn is_whole(v: f64) -> bool {
    (v - v.round()).abs() < 1e-6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log2_ticks_are_octaves_and_octaves_are_equal() {
        let axis = Axis::log2("kbit/s", [6.5, 130.0]);
        assert_eq!(axis.ticks, [8.0, 16.0, 32.0, 64.0, 128.0]);
        let at = |v| axis.place(v, 0.0, 100.0);
        assert!((at(16.0) - at(8.0) - (at(128.0) - at(64.0))).abs() < 1e-9);
    }

    #[test]
    fn one_bitrate_still_has_ticks() {
        let axis = Axis::log2("kbit/s", [64.0]);
        assert!(axis.low < 40.0 && axis.high > 100.0, "{axis:?}");
        assert!(axis.ticks.len() >= 2, "{axis:?}");
        assert_eq!(axis.label(48.0), "48");
    }

    #[test]
    fn linear_ticks_are_round_and_hold_all_values() {
        let axis = Axis::linear("dB", [-3.2, 17.9], None);
        assert_eq!(axis.ticks, [-5.0, 0.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(axis.label(-5.0), "\u{2212}5");
        let mos = Axis::linear("MOS", [], Some((1.0, 5.0)));
        assert_eq!((mos.low, mos.high, mos.ticks), (1.0, 5.0, vec![1.0, 2.0, 3.0, 4.0, 5.0]));
        let fine = Axis::linear("", [0.0, 0.9], None);
        assert_eq!(fine.label(0.2), "0.2");
    }

    #[test]
    fn equal_values_make_no_division_by_zero() {
        for axis in [Axis::linear("", [3.0, 3.0], None), Axis::linear("", [], None), Axis::log2("", [])] {
            assert!(axis.place(3.0, 0.0, 1.0).is_finite());
            assert!(!axis.ticks.is_empty());
        }
    }
}
