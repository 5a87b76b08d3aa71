//! The store as text: `results.jsonl` and `results.csv`, in the plan's order. `docs/formats.md` documents both.

use super::Store;
use crate::cost::Cost;
use crate::error::Result;
use crate::files::{self, Failure};
use crate::metric;
use crate::plan::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// Of a line of `results.jsonl`.
pub const SCHEMA: u32 = 1;

pub(super) const COLUMNS: &str = "index,clip,content,codec,codec_version,label,requested,net,net_loss,receiver,warm_up_ms,seed,metric,value,unit,reason";

/// Writes `results.jsonl` and `results.csv` into `folder`, each as a whole or not at all. The bytes depend on the plan
/// alone, but for `cost`.
///
/// # Errors
/// [`crate::Error::Output`]: a file cannot be written; [`crate::Error::Store`]: the store is damaged.
pub fn write(store: &Store, folder: &Path) -> Result<()> {
    let costs = store.measurements::<Cost>()?;
    files::stream(&folder.join("results.jsonl"), |out| {
        store.outcomes().try_for_each(|row| Ok(writeln!(out, "{}", line(&row?, &costs))?))
    })?;
    files::stream(&folder.join("results.csv"), |out| {
        writeln!(out, "{COLUMNS}")?;
        store.outcomes().try_for_each(|row| rows(out, &row?))
    })
}

/// One line of `results.jsonl`. `serde_json` sorts the keys of a [`Value`].
fn line(row: &Outcome, costs: &BTreeMap<String, Cost>) -> Value {
    let Outcome {
        key,
        index,
        clip,
        content,
        codec,
        codec_version,
        label,
        requested,
        net,
        net_shown: _,
        net_loss,
        receiver,
        warm_up_ms,
        seed,
        result,
    } = row;
    let mut line = json!({
        "schema": SCHEMA, "index": index, "key": key, "clip": clip, "content": content, "codec": codec,
        "codec_version": codec_version, "label": label, "requested": requested, "net": net, "net_loss": net_loss,
        "receiver": receiver, "warm_up_ms": warm_up_ms, "seed": seed, "cost": costs.get(label),
        "failure": result.as_ref().err(),
    });
    if let Ok(scores) = result {
        line["scores"] = json!(scores.values);
        line["unscored"] = json!(scores.unscored);
        line["caveats"] = json!(row.caveats());
        line["effective"] = json!(scores.effective);
        line["changes"] = json!(scores.changes);
        line["observed"] = json!(scores.observed);
    }
    line
}

/// One row per metric, scored or not; a failed case is one row.
fn rows(out: &mut impl Write, o: &Outcome) -> Result<(), Failure> {
    let content = json!(o.content);
    let about = [
        &o.index.to_string(),
        &o.clip,
        content.as_str().unwrap_or_default(),
        &o.codec,
        &o.codec_version,
        &o.label,
        &o.requested,
        &o.net,
        &o.net_loss.to_string(),
        &o.receiver,
        &o.warm_up_ms.to_string(),
        &o.seed.to_string(),
    ]
    .map(field)
    .join(",");
    let mut put = |metric: &str, value: &str, reason: &str| {
        let unit = metric::scale(metric).map_or("", |s| s.unit);
        writeln!(out, "{about},{}", [metric, value, unit, reason].map(field).join(","))
    };
    match &o.result {
        Err(reason) => put("", "", reason)?,
        Ok(scores) => {
            scores.values.iter().try_for_each(|(metric, value)| put(metric, &value.to_string(), ""))?;
            scores.unscored.iter().try_for_each(|(metric, reason)| put(metric, "", reason))?;
        }
    }
    Ok(())
}

/// RFC 4180: quotes where there must be some.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}
