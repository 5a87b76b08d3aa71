//! `codecbench list codecs|metrics|clips|networks`: what this build knows.

use super::net::json_of;
use super::{print, print_json, table};
use crate::error::Result;
use crate::media::Media;
use crate::net::presets::{PRESETS, Preset};
use crate::net::spec::{Chance, NetSpec};
use crate::net::survey::{Figures, survey};
use crate::units::Seed;
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
    /// The presets, measured on 10 minutes of voice packets
    Networks,
}

pub fn run(args: &Args) -> Result<u8> {
    let (name, columns, mut entries) = match args.what {
        What::Codecs => ("codecs", &["name", "kind", "rtp", "version", "licence", "plc"][..], codecs()),
        What::Metrics => ("metrics", &["name", "title", "unit", "better", "not for", "version"][..], metrics()),
        What::Clips => (
            "clips",
            &["name", "kind", "content", "format", "seconds", "available", "language", "talker", "licence"][..],
            clips(),
        ),
        What::Networks => ("networks", NETWORK_COLUMNS, networks()?),
    };
    if args.json {
        print_json(&json!({ "schema": 1, name: entries }))?;
        return Ok(0);
    }
    // For people alone: `--json` has what a program needs.
    for (entry, clip) in entries.iter_mut().zip(corpus::clips()).filter(|_| name == "clips") {
        entry["format"] = json!(clip.format.to_string());
    }
    let of_audio = metric::AUDIO.iter().map(|m| &m.validity);
    let validities = of_audio.chain(metric::VIDEO.iter().map(|m| &m.validity));
    for (entry, validity) in entries.iter_mut().zip(validities).filter(|_| name == "metrics") {
        let limits: Vec<String> = validity.limits.iter().map(|(when, _)| when.to_string()).collect();
        entry["not for"] = json!(limits.join(", "));
    }
    let cell = |entry: &Value, column: &str| match entry.pointer(&format!("/{column}")).unwrap_or(&Value::Null) {
        Value::Number(n) if n.is_f64() => format!("{:.2}", n.as_f64().unwrap_or(f64::NAN)),
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
    fn entry<M: Media>(c: &&codec::Codec<M>) -> Value {
        json!({
            "name": c.name, "kind": M::KIND, "available": true, "version": (c.version)(), "licence": c.licence.code,
            "plc": c.plc,
        })
    }
    codec::AUDIO.iter().map(entry).chain(codec::VIDEO.iter().map(entry)).collect()
}

fn metrics() -> Vec<Value> {
    let entry = |scale: &metric::Scale, version: String| {
        let mut entry = json!(scale);
        entry["name"] = json!(scale.id);
        entry["version"] = json!(version);
        entry
    };
    let of_audio = metric::AUDIO.iter().map(|m| entry(&m.scale, (m.version)()));
    let scores = of_audio.chain(metric::VIDEO.iter().map(|m| entry(&m.scale, (m.version)())));
    scores.chain(metric::FACTS.iter().map(|s| entry(s, "fact of the call".into()))).collect()
}

const NETWORK_COLUMNS: &[&str] =
    &["name", "loss_percent", "mean_burst", "delay_ms/p50", "delay_ms/p95", "delay_ms/p99", "words"];

/// Each preset with what it does to 30,000 voice packets under seed 1.
fn networks() -> Result<Vec<Value>> {
    let entry = |preset: &Preset| {
        let mut net: NetSpec = preset.words.parse()?;
        net.chance = Chance::Packet;
        let figures = Figures::of(&survey(&net, 30_000, Seed(1)));
        let mut entry = json!({ "name": preset.name, "words": preset.words, "source": preset.source });
        for (key, value) in json_of(&figures) {
            entry[key] = value;
        }
        entry["loss_percent"] = json!(figures.loss * 100.0);
        Ok(entry)
    };
    PRESETS.iter().map(entry).collect()
}

fn clips() -> Vec<Value> {
    corpus::clips().iter().map(|c| json!(c)).collect()
}
