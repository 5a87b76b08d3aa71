//! `codecbench delay`: the algorithmic delay of codecs, measured through encoder and decoder.

use super::{print, print_json};
use crate::codec::{AUDIO, audio};
use crate::error::Result;
use crate::latency::{Latency, measure};
use crate::media::PcmFormat;
use serde_json::{Value, json};

/// Measure the algorithmic delay of codecs: frame, encoder look-ahead and decoder delay.
///
/// Noise goes through encoder and decoder and is found again by correlation, to a fraction of a sample. The nominal
/// figure is the one that the implementation documents.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  codecbench delay\n  codecbench delay opus G722\n  codecbench delay opus --json")]
pub struct Args {
    /// Codecs by name; all of them when none is named
    #[arg(value_name = "CODEC")]
    pub codecs: Vec<String>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// Prints the delays; the exit code.
///
/// # Errors
/// An unknown codec, or a codec that cannot be measured.
pub fn run(args: &Args) -> Result<u8> {
    let rows = rows(&args.codecs)?;
    if args.json {
        print_json(&to_json(&rows))?;
    } else {
        print(&to_table(&rows))?;
    }
    Ok(0)
}

struct Row {
    codec: &'static str,
    setting: String,
    latency: Latency,
}

fn rows(names: &[String]) -> Result<Vec<Row>> {
    let codecs = match names {
        [] => AUDIO.to_vec(),
        names => names.iter().map(|name| audio(name)).collect::<Result<_>>()?,
    };
    let mut rows = Vec::new();
    for codec in codecs {
        for (setting, request) in (codec.variants)() {
            rows.push(Row { codec: codec.name, setting, latency: measure(codec, &request, &PcmFormat::mono(48_000))? });
        }
    }
    Ok(rows)
}

fn to_json(rows: &[Row]) -> Value {
    let codec = |row: &Row| {
        json!({
            "codec": row.codec,
            "setting": row.setting,
            "frame_ms": microseconds(row.latency.frame_ms),
            "lookahead_ms": microseconds(row.latency.lookahead_ms),
            "total_ms": microseconds(row.latency.total_ms),
            "nominal_ms": microseconds(row.latency.nominal_ms),
        })
    };
    json!({ "schema": 1, "codecs": rows.iter().map(codec).collect::<Vec<_>>() })
}

fn to_table(rows: &[Row]) -> String {
    let width = |cell: fn(&Row) -> usize, head: &str| rows.iter().map(cell).max().unwrap_or(0).max(head.len());
    let (first, second) = (width(|r| r.codec.len(), "codec"), width(|r| r.setting.chars().count(), "setting"));
    let mut table = format!(
        "{:first$}  {:second$}  {:>8}  {:>12}  {:>8}  {:>10}\n",
        "codec", "setting", "frame ms", "look-ahead ms", "total ms", "nominal ms"
    );
    for Row { codec, setting, latency } in rows {
        let [frame, lookahead, total, nominal] =
            [latency.frame_ms, latency.lookahead_ms, latency.total_ms, latency.nominal_ms].map(microseconds);
        table += &format!(
            "{codec:first$}  {setting:second$}  {frame:>8.1}  {lookahead:>13.3}  {total:>8.3}  {nominal:>10.3}\n"
        );
    }
    table
}

/// Rounded to the microsecond, without a negative zero.
fn microseconds(ms: f64) -> f64 {
    (ms * 1000.0).round() / 1000.0 + 0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(codec: &'static str, lookahead_ms: f64) -> Row {
        let latency = Latency { frame_ms: 20.0, lookahead_ms, total_ms: 20.0 + lookahead_ms, nominal_ms: 21.375 };
        Row { codec, setting: "20 ms".into(), latency }
    }

    #[test]
    fn json_is_one_object_of_the_documented_shape() {
        let expected = json!({"schema": 1, "codecs": [{"codec": "G722", "setting": "20 ms", "frame_ms": 20.0,
            "lookahead_ms": 1.375, "total_ms": 21.375, "nominal_ms": 21.375}]});
        assert_eq!(to_json(&[row("G722", 1.375_000_4)]), expected);
    }

    #[test]
    fn the_table_is_aligned_and_shows_no_negative_zero() {
        let table = to_table(&[row("G722", 1.375), row("PCMU", -0.000_01)]);
        let lengths: Vec<usize> = table.lines().map(str::len).collect();
        assert!(lengths.len() == 3 && lengths.iter().all(|l| *l == lengths[0]), "{table}");
        assert!(!table.contains("-0.0"), "{table}");
    }

    #[test]
    fn an_unknown_codec_is_named_with_its_nearest() {
        let error = rows(&["opsu".into()]).err().unwrap();
        assert!(error.to_string().contains("'opus'") && error.exit_code() == 2);
    }
}
