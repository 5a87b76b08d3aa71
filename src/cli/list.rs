//! `codecbench list codecs|metrics|clips|networks`: what this build knows.

use super::card::{card, fitting};
use super::names;
use super::net::json_of;
use super::output::{print, print_json, table};
use crate::error::{Result, unknown};
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
#[command(after_help = "\
Examples:
  codecbench list codecs
  codecbench list codecs opus      all that is known of one, as a card
  codecbench list clips speech     the clips of a set")]
pub struct Args {
    #[arg(value_enum)]
    what: What,
    /// This one alone, with all that is known of it; of clips also a set
    #[arg(value_parser = names::listed(), hide_possible_values = true)]
    name: Option<String>,
    /// All columns, however long the lines are
    #[arg(long, conflicts_with = "json")]
    wide: bool,
    /// One JSON object on stdout (docs/formats.md)
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

/// What is listed, and how people read it.
struct Kind {
    /// The key of its JSON.
    plural: &'static str,
    one: &'static str,
    /// What 100 columns hold.
    usual: &'static [Column],
    /// All that makes a table.
    wide: &'static [Column],
    /// What a card has besides.
    card: &'static [Column],
    /// Of all; what takes long may be left out of others than the one of that name.
    entries: fn(only: Option<&str>) -> Result<Vec<Value>>,
    /// Puts into an entry what people read of it.
    words: fn(&mut Value),
}

/// Heading and key.
type Column = (&'static str, &'static str);

pub fn run(args: &Args) -> Result<u8> {
    let kind = match args.what {
        What::Codecs => CODECS,
        What::Metrics => METRICS,
        What::Clips => CLIPS,
        What::Networks => NETWORKS,
    };
    let mut entries = (kind.entries)(args.name.as_deref())?;
    if let Some(name) = &args.name {
        entries = chosen(&kind, entries, name)?;
    }
    if args.json {
        print_json(&json!({ "schema": 1, kind.plural: entries }))?;
        return Ok(0);
    }
    // For people alone: `--json` has what a program needs.
    entries.iter_mut().for_each(kind.words);
    match (&entries[..], &args.name) {
        ([one], Some(_)) => print(&card(&fields(&kind, one)))?,
        _ => {
            let columns = if args.wide { kind.wide } else { kind.usual };
            let mut rows = vec![columns.iter().map(|(heading, _)| (*heading).to_owned()).collect::<Vec<_>>()];
            rows.extend(entries.iter().map(|e| columns.iter().map(|(_, key)| cell(e, key)).collect()));
            print(&if args.wide { table(&rows) } else { fitting(rows) })?;
        }
    }
    Ok(0)
}

/// The entry of that name, or the clips of that set.
fn chosen(kind: &Kind, entries: Vec<Value>, name: &str) -> Result<Vec<Value>> {
    let is = |e: &Value| e["name"].as_str().is_some_and(|known| known.eq_ignore_ascii_case(name));
    let in_set = |e: &Value| kind.plural == "clips" && corpus::named_by(name).iter().any(|clip| e["name"] == clip.name);
    let (found, others): (Vec<Value>, Vec<Value>) = entries.into_iter().partition(|e| is(e) || in_set(e));
    if found.is_empty() {
        let names: Vec<&str> = others.iter().filter_map(|e| e["name"].as_str()).collect();
        return Err(unknown(kind.one, name, &names));
    }
    Ok(found)
}

fn fields(kind: &Kind, entry: &Value) -> Vec<(&'static str, String)> {
    let columns = kind.wide.iter().chain(kind.card);
    columns.map(|(heading, key)| (*heading, cell(entry, key))).collect()
}

fn cell(entry: &Value, key: &str) -> String {
    let found = entry.get(key).or_else(|| entry.pointer(&format!("/{key}"))).unwrap_or(&Value::Null);
    match found {
        Value::Number(n) if n.is_f64() => format!("{:.2}", n.as_f64().unwrap_or(f64::NAN)),
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.into(),
        Value::Array(all) => all.iter().map(|v| v.as_str().unwrap_or_default()).collect::<Vec<_>>().join("\n"),
        other => other.to_string(),
    }
}

const CODECS: Kind = Kind {
    plural: "codecs",
    one: "codec",
    usual: &[
        ("name", "name"),
        ("built", "built"),
        ("delay ms", "delay ms"),
        ("kHz", "kHz from to"),
        ("kbit/s", "kbit/s from to"),
        ("packet ms", "packet ms from to"),
        ("rtp", "rtp number"),
    ],
    wide: &[
        ("name", "name"),
        ("built", "built"),
        ("delay ms", "delay ms"),
        ("kHz", "kHz"),
        ("kbit/s", "kbit/s"),
        ("packet ms", "packet ms"),
        ("rtp", "rtp in full"),
        ("modes", "all modes"),
        ("version", "version"),
        ("licence", "licence"),
        ("terms", "terms"),
        ("plc", "plc"),
        ("fec", "fec"),
        ("fmtp", "all fmtp"),
    ],
    card: &[("kind", "kind"), ("each delay", "each delay")],
    entries: |only| Ok(codecs(only)),
    words: codec_in_words,
};

/// One row per codec, all of it from the static value; audio codecs of this build with their measured delays.
fn codecs(only: Option<&str>) -> Vec<Value> {
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
            let wanted = c.is_built() && only.is_none_or(|name| name.eq_ignore_ascii_case(c.name));
            let variants = if wanted { (c.variants)() } else { Vec::new() };
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

fn codec_in_words(entry: &mut Value) {
    let numbers = |key: &str, factor: f64| {
        let all = entry[key].as_array().into_iter().flatten().filter_map(Value::as_f64);
        all.map(|n| (n / factor).to_string()).collect::<Vec<_>>()
    };
    let (rates, packets) = (numbers("sample_rates_hz", 1000.0), numbers("packets_ms", 1.0));
    let words = |key: &str| {
        let texts = entry[key].as_array().into_iter().flatten().filter_map(Value::as_str);
        texts.collect::<Vec<_>>().join(", ")
    };
    let bitrates = entry["bitrates_kbps"].as_str().unwrap_or_default().to_owned();
    let few: Vec<String> = bitrates.split(" in ").next().unwrap_or_default().split(", ").map(str::to_owned).collect();
    let delays: Vec<(&str, f64)> = entry["delays"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|d| Some((d["setting"].as_str()?, d["ms"].as_f64()?)))
        .collect();
    let (least, most) = delays.iter().fold((f64::INFINITY, 0.0), |(a, b), (_, d)| (d.min(a), d.max(b)));
    let delay = match delays.len() {
        0 => String::new(),
        _ if most - least < 0.05 => format!("{least:.1}"),
        _ => format!("{least:.1} to {most:.1}"),
    };
    let each: Vec<String> = delays.iter().map(|(setting, ms)| format!("{setting}: {ms} ms")).collect();
    let build = match entry["feature"].as_str() {
        Some(feature) if entry["available"] == true => format!("yes, {feature}"),
        Some(feature) => format!("--features {feature}"),
        None => "yes".into(),
    };
    let (number, rtp) = match &entry["rtp"] {
        Value::Null => ("storage".to_owned(), "storage".to_owned()),
        rtp => {
            let number = format!("{}/{}", rtp["payload_type"], rtp["clock_rate"]);
            (number.clone(), format!("{number}, {}", rtp["source"].as_str().unwrap_or_default()))
        }
    };
    for (column, text) in [
        ("built", build),
        ("kHz from to", ends(&rates)),
        ("kHz", rates.join(", ")),
        ("kbit/s from to", ends(&few)),
        ("kbit/s", bitrates),
        ("packet ms from to", ends(&packets)),
        ("packet ms", packets.join(", ")),
        ("all modes", words("modes")),
        ("all fmtp", words("fmtp")),
        ("delay ms", delay),
        ("each delay", if each.len() > 1 { each.join("\n") } else { String::new() }),
        ("rtp number", number),
        ("rtp in full", rtp),
    ] {
        entry[column] = json!(text);
    }
}

/// "8", "8, 16", "8 to 48".
fn ends(all: &[String]) -> String {
    match all {
        [first, .., last] if all.len() > 2 => format!("{first} to {last}"),
        few => few.join(", "),
    }
}

const METRICS: Kind = Kind {
    plural: "metrics",
    one: "metric",
    usual: &[("name", "name"), ("unit", "unit"), ("better", "better"), ("title", "title")],
    wide: &[
        ("name", "name"),
        ("title", "title"),
        ("unit", "unit"),
        ("better", "better"),
        ("not for", "not for"),
        ("version", "version"),
    ],
    card: &[("best value", "cap"), ("margin", "margin"), ("source", "source"), ("beware", "beware")],
    entries: |_| Ok(metrics()),
    words: metric_in_words,
};

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

/// Where a metric should not be trusted, in short and at length.
fn metric_in_words(entry: &mut Value) {
    let is = |id: &str| entry["name"] == id;
    let audio = metric::AUDIO.iter().find(|m| is(m.scale.id)).map(|m| &m.validity);
    let validity = audio.or_else(|| metric::VIDEO.iter().find(|m| is(m.scale.id)).map(|m| &m.validity));
    let limits = validity.map_or(&[][..], |v| v.limits);
    let short: Vec<String> = limits.iter().map(|(when, _)| when.to_string()).collect();
    let long: Vec<String> = limits.iter().map(|(when, why)| format!("{when}: {why}")).collect();
    entry["not for"] = json!(short.join(", "));
    entry["beware"] = json!(long.join("\n"));
}

const CLIPS: Kind = Kind {
    plural: "clips",
    one: "clip",
    usual: &[
        ("name", "name"),
        ("content", "content"),
        ("here", "available"),
        ("format", "format"),
        ("seconds", "seconds"),
        ("language", "language"),
        ("heard or seen", "heard"),
    ],
    wide: &[
        ("name", "name"),
        ("kind", "kind"),
        ("content", "content"),
        ("format", "format"),
        ("seconds", "seconds"),
        ("available", "available"),
        ("language", "language"),
        ("talker", "talker"),
        ("licence", "licence"),
        ("heard or seen", "heard"),
    ],
    card: &[("origin", "origin"), ("notes", "notes")],
    entries: |_| Ok(corpus::clips().iter().map(|c| json!(c)).collect()),
    words: |entry| {
        let text = |key: &str| entry[key].as_str().unwrap_or_default();
        let format = match entry["sample_rate"].as_u64() {
            Some(rate) => format!("{rate} Hz"),
            None => format!("{}x{} at {} fps", entry["width"], entry["height"], text("frame_rate")),
        };
        entry["format"] = json!(format);
    },
};

const NETWORKS: Kind = Kind {
    plural: "networks",
    one: "network",
    usual: NETWORK,
    wide: NETWORK,
    card: &[("source", "source")],
    entries: |_| networks(),
    words: |_| (),
};

const NETWORK: &[Column] = &[
    ("name", "name"),
    ("loss %", "loss_percent"),
    ("burst", "mean_burst"),
    ("delay p50", "delay_ms/p50"),
    ("p95", "delay_ms/p95"),
    ("p99 ms", "delay_ms/p99"),
    ("words", "words"),
];

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
