//! Values that stand in more than one place of a plan.

use super::source::Value;
use crate::error::{Error, Result};
use crate::metric::{self, Metric};
use crate::plan::kind::Kind;
use crate::units::{from_ms, ms};
use std::collections::BTreeSet;
use std::time::Duration;

/// "20ms", "2.5 ms", "30s". Zero is a time; a codec says whether it is a frame.
pub(super) fn duration(text: &str, most: Duration) -> Result<Duration> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let factor = match &text[number.len()..] {
        "ms" => Some(1.0),
        "s" => Some(1000.0),
        _ => None,
    };
    let value = factor.and_then(|f| Some(f * number.trim().parse::<f64>().ok()?));
    match value {
        Some(value) if (0.0..=ms(most)).contains(&value) => Ok(from_ms(value)),
        _ => {
            Err(Error::usage(format!("'{text}' is not a time from 0ms to {}s, such as 20ms or 2s", most.as_secs_f64())))
        }
    }
}

/// The metrics of that list, without facts of the call: those are always recorded.
pub(super) fn metrics<M: Kind>(value: Option<Value<'_>>) -> Result<Vec<&'static Metric<M>>> {
    let Some(value) = value else { return Ok(M::usual().to_vec()) };
    let read = |id: &str| match metric::FACTS.iter().any(|fact| fact.id == id) {
        true => Ok(None),
        false => M::metric(id).map(Some),
    };
    let read = value.each()?.iter().map(|v| v.read(read)).collect::<Result<Vec<_>>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// Each element read; two that mean the same are an error.
pub(super) fn distinct<T>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T>,
    name: impl Fn(&T) -> String,
) -> Result<Vec<T>> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for element in value.each()? {
        let read = read(&element)?;
        if !seen.insert(name(&read)) {
            return Err(element.error(format_args!("'{}' is given twice", name(&read))));
        }
        all.push(read);
    }
    Ok(all)
}
