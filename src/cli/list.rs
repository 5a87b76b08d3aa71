//! `codecbench list codecs|metrics|clips|networks`: what this build knows.

use super::net::json_of;
use super::output::{print, print_json, table};
use crate::error::Result;
use crate::latency::measure;
use crate::media::{Media, PcmFormat};
use crate::net::spec::presets::{PRESETS, Preset};
use crate::net::spec::{Chance, NetSpec};
use crate::net::survey::{Figures, survey};
use crate::units::Seed;
use crate::{codec, corpus, metric};
use rayon::prelude::*;
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
        What::Codecs => ("codecs", CODEC_COLUMNS, codecs()),
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
    entries.iter_mut().filter(|_| name == "codecs").for_each(in_words);
    for (entry, clip) in entries.iter_mut().zip(corpus::clips()).filter(|_| name == "clips") {
        entry["format"] = json!(clip.format.to_string());
    }
    let of_audio = metric::AUDIO.iter().map(|m| &m.validity);
    let validities = of_audio.chain(metric::VIDEO.iter().map(|m| &m.validity));
    for (entry, validity) in entries.iter_mut().zip(validities).filter(|_| name == "metrics") {
        let limits: Vec<String> = validity.limits.iter().map(|(when, _)| when.to_string()).collect();
        entry["not for"] = json!(limits.join(", "));
    }
    let cell = |entry: &Value, column: &str| match entry
        .get(column)
        .or_else(|| entry.pointer(&format!("/{column}")))
        .unwrap_or(&Value::Null)
    {
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

const CODEC_COLUMNS: &[&str] = &[
    "name",
    "built",
    "delay ms",
    "kHz",
    "kbit/s",
    "packet ms",
    "rtp",
    "modes",
    "version",
    "licence",
    "terms",
    "plc",
    "fec",
    "fmtp",
];

/// One row per codec, all of it from the static value; audio codecs of this build with their measured delays.
fn codecs() -> Vec<Value> {
    fn entry<M: Media>(c: &codec::Codec<M>) -> Value {
        let range = c.range;
        let rtp = c.rtp.map(|rtp| {
            let rate = range.sample_rates.last().copied().unwrap_or(90_000);
            json!({ "payload_type": rtp.payload_type, "clock_rate": (rtp.clock_rate)(rate), "source": rtp.source })
        });
        json!({
            "name": c.name, "kind": M::KIND, "available": c.is_built(), "feature": c.feature.map(|f| f.name),
            "version": (c.version)(), "licence": c.licence.code, "terms": c.licence.terms.words(),
            "sample_rates_hz": range.sample_rates, "bitrates_kbps": range.bitrates.words(),
            "packets_ms": range.packets_ms, "modes": range.modes, "fmtp": range.fmtp, "rtp": rtp,
            "plc": c.plc, "fec": c.fec,
        })
    }
    let mut entries: Vec<Value> = codec::AUDIO
        .par_iter()
        .map(|c| {
            let mut entry = entry(c);
            let variants = if c.is_built() { (c.variants)() } else { Vec::new() };
            let delay = |(label, request): &(String, codec::Request)| {
                let latency = measure(c, request, &PcmFormat::mono(48_000)).ok()?;
                Some(json!({ "setting": label, "ms": (latency.total_ms() * 1000.0).round() / 1000.0 }))
            };
            entry["delays"] = variants.iter().filter_map(delay).collect();
            entry
        })
        .collect();
    entries.extend(codec::VIDEO.iter().map(|c| entry(c)));
    entries
}

/// What people read of the lists in a codec's entry.
fn in_words(entry: &mut Value) {
    let list = |value: &Value, factor: f64| {
        let numbers = value.as_array().into_iter().flatten().filter_map(Value::as_f64);
        numbers.map(|n| format!("{}", n / factor)).collect::<Vec<_>>().join(", ")
    };
    let words = |value: &Value| {
        let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(", ")
    };
    let delays: Vec<f64> = entry["delays"].as_array().into_iter().flatten().filter_map(|d| d["ms"].as_f64()).collect();
    let (least, most) = delays.iter().fold((f64::INFINITY, 0.0), |(a, b), d| (d.min(a), d.max(b)));
    let delay = match delays.len() {
        0 => String::new(),
        _ if most - least < 0.05 => format!("{least:.1}"),
        _ => format!("{least:.1} to {most:.1}"),
    };
    let build = match entry["feature"].as_str() {
        Some(feature) if entry["available"] == true => format!("yes, {feature}"),
        Some(feature) => format!("--features {feature}"),
        None => "yes".into(),
    };
    let rtp = match &entry["rtp"] {
        Value::Null => "storage".into(),
        rtp => format!("{}/{}, {}", rtp["payload_type"], rtp["clock_rate"], rtp["source"].as_str().unwrap_or_default()),
    };
    for (column, text) in [
        ("built", build),
        ("kHz", list(&entry["sample_rates_hz"], 1000.0)),
        ("kbit/s", entry["bitrates_kbps"].as_str().unwrap_or_default().to_owned()),
        ("packet ms", list(&entry["packets_ms"], 1.0)),
        ("modes", words(&entry["modes"])),
        ("fmtp", words(&entry["fmtp"])),
        ("delay ms", delay),
        ("rtp", rtp),
    ] {
        entry[column] = json!(text);
    }
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
