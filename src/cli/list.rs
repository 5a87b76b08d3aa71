//! `codecbench list codecs|metrics|clips`: what this build knows.

use super::{print, print_json, table};
use crate::error::Result;
use crate::{codec, corpus, metric};
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    what: What,
    /// One JSON object on stdout (reports/README.md)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    Codecs,
    Metrics,
    Clips,
}

pub fn run(args: &Args) -> Result<u8> {
    let (name, columns, mut entries) = match args.what {
        What::Codecs => ("codecs", &["name", "rtp", "version", "licence", "plc"][..], codecs()),
        What::Metrics => ("metrics", &["name", "title", "unit", "better", "not for", "version"][..], metrics()),
        What::Clips => {
            ("clips", &["name", "content", "seconds", "available", "language", "talker", "licence"][..], clips())
        }
    };
    if args.json {
        print_json(&json!({ "schema": 1, name: entries }))?;
        return Ok(0);
    }
    // For people alone: `--json` has what a program needs.
    for (entry, metric) in entries.iter_mut().zip(metric::AUDIO).filter(|_| name == "metrics") {
        let limits: Vec<String> = metric.validity.limits.iter().map(|(when, _)| when.to_string()).collect();
        entry["not for"] = json!(limits.join(", "));
    }
    let cell = |entry: &Value, column: &str| match &entry[column] {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        other => other.to_string(),
    };
    let mut rows = vec![columns.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()];
    rows.extend(entries.iter().map(|e| columns.iter().map(|c| cell(e, c)).collect()));
    print(&table(&rows))?;
    Ok(0)
}

fn codecs() -> Vec<Value> {
    let entry = |c: &&codec::Codec<crate::media::Pcm>| {
        json!({
            "name": c.name, "available": true, "version": (c.version)(), "licence": c.licence, "plc": c.plc,
            "rtp": format!("{}/{}", c.rtp.payload_type, (c.rtp.clock_rate)(48_000)),
        })
    };
    codec::AUDIO.iter().map(entry).collect()
}

fn metrics() -> Vec<Value> {
    let entry = |scale: &metric::Scale, version: String| {
        let mut entry = json!(scale);
        entry["name"] = json!(scale.id);
        entry["version"] = json!(version);
        entry
    };
    let scores = metric::AUDIO.iter().map(|m| entry(&m.scale, (m.version)()));
    scores.chain(metric::FACTS.iter().map(|s| entry(s, "fact of the call".into()))).collect()
}

fn clips() -> Vec<Value> {
    corpus::clips().iter().map(|c| json!(c)).collect()
}
