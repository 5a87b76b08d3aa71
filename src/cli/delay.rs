//! `codecbench delay`: the algorithmic delay of codecs, measured through encoder and decoder.

use super::clips::LIBRARY;
use super::names;
use super::output::{print, print_json, table};
use crate::codec::{AUDIO, Codec, Request, audio};
use crate::error::{Error, Result};
use crate::latency::{By, Latency, measure};
use crate::media::{Pcm, PcmFormat};
use crate::plan::AnyPlan;
use crate::units::ms;
use rayon::prelude::*;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Measure the algorithmic delay of codecs: frame, encoder look-ahead, decoder delay, and what is held back.
///
/// Noise goes through encoder and decoder and is found again by correlation at nine places, to a fraction of a sample. The
/// nominal figure is the one that the implementation documents, the specified one that of the standard. How look-ahead is
/// shared between encoder and decoder cannot be seen from outside: those two columns are documented figures.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  codecbench delay\n  codecbench delay opus G722\n  codecbench delay opus --json\n  codecbench delay --plan plans/external.toml"
)]
pub struct Args {
    /// Codecs by name; all of them when none is named
    #[arg(value_name = "CODEC", value_parser = names::codecs(), hide_possible_values = true)]
    pub codecs: Vec<String>,
    /// Measure the settings of a plan instead, those with a program of your own among them
    #[arg(long, value_name = "PLAN", conflicts_with = "codecs", value_parser = names::plans(), hide_possible_values = true)]
    pub plan: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Prints the delays; the exit code: 1 if a codec could not be measured.
///
/// # Errors
/// An unknown codec, or one that only a plan can set; a plan that cannot be read or is of video.
pub fn run(args: &Args) -> Result<u8> {
    let rows = match &args.plan {
        Some(path) => measured(of_plan(path)?),
        None => measured(variants(&args.codecs)?),
    };
    if args.json {
        print_json(&to_json(&rows))?;
    } else {
        print(&to_table(&rows))?;
        let sources = sources(&rows);
        print(&format!("\nnominal and specified after:\n{sources}"))?;
    }
    for (row, error) in rows.iter().filter_map(|r| r.latency.as_ref().err().map(|e| (r, e))) {
        eprintln!("{} {}: {error}", row.codec, row.setting);
    }
    Ok(u8::from(rows.iter().any(|r| r.latency.is_err())))
}

struct Row {
    codec: &'static str,
    setting: String,
    latency: Result<Latency>,
}

/// A codec, the name of a setting, what it asks for, and for what clips.
type Asked = (&'static Codec<Pcm>, String, Request, PcmFormat);

/// The variants of the codecs of these names; of all that this build has where none is named.
fn variants(names: &[String]) -> Result<Vec<Asked>> {
    let codecs: Vec<&'static Codec<Pcm>> = match names {
        [] => AUDIO.iter().copied().filter(|c| c.is_built()).collect(),
        names => names.iter().map(|name| audio(name)).collect::<Result<_>>()?,
    };
    let clip = PcmFormat::mono(48_000);
    let of = |c: &'static Codec<Pcm>| (c.variants)().into_iter().map(move |(label, r)| (c, label, r, clip)).collect();
    let all: Vec<Vec<Asked>> = codecs.iter().copied().map(of).collect();
    match codecs.iter().zip(&all).find(|(_, asked)| asked.is_empty() && !names.is_empty()) {
        Some((codec, _)) => {
            Err(Error::usage(format!("{} needs a program, which a plan describes: say --plan PLAN.toml", codec.name)))
        }
        None => Ok(all.concat()),
    }
}

/// The settings of a plan, for the first of its clips.
fn of_plan(path: &Path) -> Result<Vec<Asked>> {
    let AnyPlan::Audio(plan) = AnyPlan::find(path, &LIBRARY)? else {
        return Err(Error::input(path, "a plan of video; delays are measured of codecs of audio"));
    };
    let clip = plan.clips.first().map_or(PcmFormat::mono(48_000), |clip| clip.format());
    Ok(plan.settings.into_iter().map(|s| (s.codec, s.label, s.request, clip)).collect())
}

fn measured(all: Vec<Asked>) -> Vec<Row> {
    let row = |(codec, setting, request, clip): Asked| Row {
        codec: codec.name,
        setting,
        latency: measure(codec, &request, &clip),
    };
    all.into_par_iter().map(row).collect()
}

fn to_json(rows: &[Row]) -> Value {
    let codec = |row: &Row| match &row.latency {
        Ok(l) => json!({
            "codec": row.codec,
            "setting": row.setting,
            "frame_ms": microseconds(l.frame_ms),
            "lookahead_ms": microseconds(l.lookahead_ms),
            "held_ms": microseconds(l.held_ms),
            "total_ms": microseconds(l.total_ms()),
            "nominal_encoder_ms": microseconds(ms(l.nominal.encoder)),
            "nominal_decoder_ms": microseconds(ms(l.nominal.decoder)),
            "nominal_ms": microseconds(l.nominal_ms()),
            "spec_ms": microseconds(l.spec_ms()),
            "container_ms": microseconds(ms(l.nominal.container)),
            "bandwidth_hz": l.bandwidth_hz,
            "measured_by": by(l),
            "source": l.nominal.source,
        }),
        Err(e) => json!({ "codec": row.codec, "setting": row.setting, "error": e.to_string() }),
    };
    json!({ "schema": 1, "codecs": rows.iter().map(codec).collect::<Vec<_>>() })
}

fn by(latency: &Latency) -> &'static str {
    match latency.by {
        By::Waveform => "waveform",
        By::Envelope => "envelope",
    }
}

fn to_table(rows: &[Row]) -> String {
    let head = [
        "codec",
        "setting",
        "frame",
        "shift",
        "held",
        "total ms",
        "nominal ms",
        "of it encoder",
        "decoder",
        "specified ms",
        "container",
        "band Hz",
    ];
    let mut cells = vec![head.map(str::to_owned).to_vec()];
    for Row { codec, setting, latency } in rows {
        let Ok(l) = latency else { continue };
        let about = if l.by == By::Envelope { "~" } else { "" };
        let figure = |ms: f64| format!("{:.3}", microseconds(ms));
        let unless_zero = |ms: f64| if microseconds(ms) == 0.0 { String::new() } else { figure(ms) };
        cells.push(vec![
            (*codec).to_owned(),
            setting.clone(),
            figure(l.frame_ms),
            format!("{about}{}", figure(l.lookahead_ms)),
            unless_zero(l.held_ms),
            format!("{about}{}", figure(l.total_ms())),
            figure(l.nominal_ms()),
            figure(ms(l.nominal.encoder)),
            figure(ms(l.nominal.decoder)),
            figure(l.spec_ms()),
            unless_zero(ms(l.nominal.container)),
            format!("{:.0}", l.bandwidth_hz),
        ]);
    }
    table(&cells)
}

/// Each source once, with the codecs that it is of.
fn sources(rows: &[Row]) -> String {
    let mut seen: Vec<(&str, Vec<&str>)> = Vec::new();
    for row in rows {
        let Ok(l) = &row.latency else { continue };
        match seen.iter_mut().find(|(source, _)| *source == l.nominal.source) {
            Some((_, codecs)) if !codecs.contains(&row.codec) => codecs.push(row.codec),
            Some(_) => {}
            None => seen.push((l.nominal.source, vec![row.codec])),
        }
    }
    seen.iter().map(|(source, codecs)| format!("  {}: {source}\n", codecs.join(", "))).collect()
}

/// Rounded to the microsecond, without a negative zero.
fn microseconds(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Delay;
    use std::time::Duration;

    fn row(codec: &'static str, lookahead_ms: f64) -> Row {
        let nominal = Delay { decoder: Duration::from_micros(1375), source: "the standard", ..Delay::default() };
        let latency =
            Latency { frame_ms: 20.0, lookahead_ms, held_ms: 0.0, nominal, by: By::Waveform, bandwidth_hz: 8000.0 };
        Row { codec, setting: "20 ms".into(), latency: Ok(latency) }
    }

    #[test]
    fn json_is_one_object_of_the_documented_shape() {
        let expected = json!({"schema": 1, "codecs": [{"codec": "G722", "setting": "20 ms", "frame_ms": 20.0,
            "lookahead_ms": 1.375, "held_ms": 0.0, "total_ms": 21.375, "nominal_encoder_ms": 0.0,
            "nominal_decoder_ms": 1.375, "nominal_ms": 21.375, "spec_ms": 21.375, "container_ms": 0.0,
            "bandwidth_hz": 8000.0, "measured_by": "waveform", "source": "the standard"}]});
        assert_eq!(to_json(&[row("G722", 1.375_000_4)]), expected);
        let failed = Row { latency: Err(Error::usage("no")), ..row("PCMU", 0.0) };
        assert_eq!(to_json(&[failed])["codecs"][0]["error"], "no");
    }

    #[test]
    fn the_table_shows_no_negative_zero_and_names_each_source_once() {
        let rows = [row("G722", 1.375), row("PCMU", -0.000_01), row("PCMU", 0.0)];
        let table = to_table(&rows);
        assert!(table.lines().count() >= 4 && !table.contains("-0.0"), "{table}");
        assert_eq!(sources(&rows), "  G722, PCMU: the standard\n");
    }

    #[test]
    fn an_unknown_codec_is_named_with_its_nearest() {
        let error = variants(&["opsu".into()]).err().unwrap();
        assert!(error.to_string().contains("'opus'") && error.exit_code() == 2);
    }
}
