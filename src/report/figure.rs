//! Numbers as text.

use crate::stats::Interval;

/// One decimal, where it says something: 26.5, but 20 and not 20.0.
pub fn short(value: f64) -> String {
    let text = figure(value, "%");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

/// A difference with its sign and unit.
pub fn signed(difference: f64, unit: &str) -> String {
    let text = figure(difference, unit);
    let plus = if text.starts_with('\u{2212}') || text.chars().all(|c| "0.".contains(c)) { "" } else { "+" };
    format!("{plus}{text} {unit}").trim_end().to_owned()
}

/// " [2.15, 2.31]", or nothing.
pub(super) fn bracket(interval: Option<Interval>, unit: &str) -> String {
    interval.map_or(String::new(), |i| format!(" [{}, {}]", figure(i.low, unit), figure(i.high, unit)))
}

/// A number as precise as its unit deserves.
pub fn figure(value: f64, unit: &str) -> String {
    let decimals = match unit {
        u if u.contains("MOS") => 2,
        "" | "index" => 3,
        _ if value.abs() >= 1000.0 => 0,
        _ => 1,
    };
    let text = format!("{value:.decimals$}");
    let text = if text.trim_start_matches(['-', '0', '.']).is_empty() { text.replace('-', "") } else { text };
    text.replace('-', "\u{2212}")
}

pub(super) fn figure_of_loss(loss: f64) -> String {
    let text = format!("{loss:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// "0 to 20 % loss", "5 % loss".
pub(super) fn range(losses: &[f64]) -> String {
    match losses {
        [] => String::new(),
        [one] => format!("{} % loss", figure_of_loss(*one)),
        [first, .., last] => format!("{} to {} % loss", figure_of_loss(*first), figure_of_loss(*last)),
    }
}
