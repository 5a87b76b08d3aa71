//! The store as text: `results.jsonl` and `results.csv`, in the plan's order. `docs/formats.md` documents both.

use super::Store;
use crate::cost::Cost;
use crate::error::{Error, Result};
use crate::metric;
use crate::plan::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Of a line of `results.jsonl`.
pub const SCHEMA: u32 = 1;

pub(super) const COLUMNS: &str = "index,clip,content,codec,codec_version,label,requested,net,net_loss,receiver,warm_up_ms,seed,metric,value,unit,reason";

/// Writes `results.jsonl` and `results.csv` into `folder`, each as a whole or not at all. The bytes depend on the plan
/// alone, but for `cost`.
///
/// # Errors
/// [`Error::Output`]: a file cannot be written; [`Error::Store`]: the store is damaged.
pub fn write(store: &Store, folder: &Path) -> Result<()> {
    let costs = store.costs()?;
    atomically(&folder.join("results.jsonl"), |out| {
        store.outcomes().try_for_each(|row| Ok(writeln!(out, "{}", line(&row?, &costs))?))
    })?;
    atomically(&folder.join("results.csv"), |out| {
        writeln!(out, "{COLUMNS}")?;
        store.outcomes().try_for_each(|row| rows(out, &row?))
    })
}

/// Lets `fill` write a file that appears under its name only when it is whole.
///
/// # Errors
/// [`Error::Output`] with the path, and whatever else `fill` failed of.
pub fn atomically(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> Result<(), Failure>) -> Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.part"));
    let write = || -> Result<(), Failure> {
        let mut out = BufWriter::new(File::create(&part)?);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        Ok(std::fs::rename(&part, path)?)
    };
    write().map_err(|failure| {
        // What is there of it is of no use; that it cannot be removed is not worth a second error.
        let _ = std::fs::remove_file(&part);
        match failure {
            Failure::Write(e) => Error::output(path, e),
            Failure::Content(e) => e,
        }
    })
}

/// Why a file was not written: it could not be, or there was nothing to write.
pub enum Failure {
    Write(std::io::Error),
    Content(Error),
}

impl From<std::io::Error> for Failure {
    fn from(e: std::io::Error) -> Failure {
        Failure::Write(e)
    }
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        Failure::Content(e)
    }
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
