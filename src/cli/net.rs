//! `codecbench net`: what a network does to voice packets.

use super::names;
use super::output::{print, print_json, table};
use crate::error::{Error, Result};
use crate::net::spec::{Chance, NetSpec};
use crate::net::survey::{Figures, Packet, SPACING, Theory, WIRE_BYTES, survey};
use crate::report::chart::over_time;
use crate::units::{Seed, ms};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The network, in the words of --net
    #[arg(value_name = "SPEC", required = true, value_parser = names::networks(), hide_possible_values = true)]
    net: Vec<String>,
    /// Packets to send, one each 20 ms
    #[arg(long, value_name = "N", default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=10_000_000))]
    packets: u64,
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// One JSON object on stdout (docs/formats.md)
    #[arg(long)]
    json: bool,
    /// Write delay.png and packets.csv to this folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

const EXAMPLES: &str = "\
Examples:
  codecbench net 'delay 40ms 10ms loss 5% burst 3'
  codecbench net 'loss gemodel 2% 25%' --packets 1000000 --json
  codecbench net wifi --out /tmp/wifi                with a chart of delay over time
  codecbench net 'trace ATT-LTE-driving.up'          a recorded network
  codecbench list networks                           the presets

The packets have 160 bytes of payload (210 on the wire), and go the way forward. Chance goes by
packets, as in tc, unless the words say 'chance grid'. 'rate' counts IPv4, UDP, RTP and SRTP; the
kernel counts Ethernet's header of 14 bytes as well: 'rate 300kbit 14' is its 'rate 300kbit'.";

pub fn run(args: &Args) -> Result<u8> {
    let words = args.net.join(" ");
    let mut net: NetSpec = words.parse()?;
    if !words.split_whitespace().any(|w| w == "chance") {
        net.chance = Chance::Packet;
    }
    let packets = survey(&net, args.packets, Seed(args.seed));
    let (figures, theory) = (Figures::of(&packets), Theory::of(&net));
    if let Some(folder) = &args.out {
        write(folder, &words, &packets, &figures)?;
    }
    for warning in net.warnings() {
        eprintln!("warning: {warning}");
    }
    match args.json {
        true => print_json(&object(&net, args, &figures, &theory))?,
        false => print(&text(&net, &figures, &theory))?,
    }
    Ok(0)
}

fn object(net: &NetSpec, args: &Args, figures: &Figures, theory: &Theory) -> Value {
    let mut object = json!({
        "schema": 1, "net": net.to_string(), "packets": figures.packets, "seed": args.seed, "warnings": net.warnings(),
    });
    for (key, value) in json_of(figures) {
        object[key] = value;
    }
    object["theory"] = json!({
        "loss": theory.loss, "mean_burst": theory.mean_burst,
        "delay_ms": theory.delay.map(|(mean, sd)| json!({ "mean": mean, "sd": sd })),
    });
    object
}

/// The figures by their keys; what there is none of is null.
pub fn json_of(figures: &Figures) -> [(&'static str, Value); 5] {
    let delay = figures.delay.map(|d| json!({ "mean": d.mean, "sd": d.sd, "p50": d.p50, "p95": d.p95, "p99": d.p99 }));
    [
        ("loss", json!(figures.loss)),
        ("mean_burst", json!(figures.mean_burst)),
        ("delay_ms", json!(delay)),
        ("reordered", json!(figures.reordered)),
        ("duplicated", json!(figures.duplicated)),
    ]
}

/// A heading, and a table of what was measured beside what theory says.
fn text(net: &NetSpec, figures: &Figures, theory: &Theory) -> String {
    let percent = |share: f64| format!("{:.3}", share * 100.0);
    let three = |v: f64| format!("{v:.3}");
    let or = |v: Option<String>| v.unwrap_or_else(|| "-".into());
    let delay = |of: fn(&crate::net::survey::Delay) -> f64| figures.delay.map(|d| three(of(&d)));
    let rows = [
        ("loss, %", Some(percent(figures.loss)), theory.loss.map(percent)),
        ("mean burst, packets", figures.mean_burst.map(three), theory.mean_burst.map(three)),
        ("delay mean, ms", delay(|d| d.mean), theory.delay.map(|d| three(d.0))),
        ("delay sd, ms", delay(|d| d.sd), theory.delay.map(|d| three(d.1))),
        ("delay p50, ms", delay(|d| d.p50), None),
        ("delay p95, ms", delay(|d| d.p95), None),
        ("delay p99, ms", delay(|d| d.p99), None),
        ("reordered, %", Some(percent(figures.reordered)), None),
        ("duplicated, %", Some(percent(figures.duplicated)), None),
    ];
    let mut cells = vec![["figure", "measured", "theory"].map(String::from).to_vec()];
    cells.extend(rows.map(|(name, measured, theory)| vec![name.to_owned(), or(measured), or(theory)]));
    let (n, step) = (figures.packets, SPACING.as_millis());
    format!("{net}\n{n} packets of {WIRE_BYTES} bytes, one each {step} ms\n\n{}", table(&cells))
}

fn write(folder: &Path, words: &str, packets: &[Packet], figures: &Figures) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::output(folder, e))?;
    let mut csv = String::from("packet,sent_ms,delay_ms,lost,copies\n");
    for (n, p) in packets.iter().enumerate() {
        let delay = p.delay().map_or(String::new(), |d| d.to_string());
        let lost = u8::from(p.arrivals.is_empty());
        // Writing to a string does not fail.
        let _ = writeln!(csv, "{n},{},{delay},{lost},{}", p.sent.as_ms(), p.arrivals.len());
    }
    let path = folder.join("packets.csv");
    std::fs::write(&path, csv).map_err(|e| Error::output(&path, e))?;
    over_time::draw(packets, &title(figures), &subtitle(words, figures)).png(&folder.join("delay.png"))
}

fn title(figures: &Figures) -> String {
    let delay =
        figures.delay.map(|d| format!("half of the packets take up to {:.0} ms, 95 % up to {:.0} ms; ", d.p50, d.p95));
    let delay = delay.unwrap_or_default();
    let burst = figures.mean_burst.map_or(String::new(), |b| format!(", {b:.1} in a row"));
    let text = format!("{delay}{:.2} % are lost{burst}", figures.loss * 100.0);
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}

fn subtitle(words: &str, figures: &Figures) -> String {
    let short: String = words.chars().take(160).collect();
    let more = if short.len() < words.len() { "…" } else { "" };
    format!("{short}{more} · {} voice packets, one each {} ms", figures.packets, ms(SPACING))
}
