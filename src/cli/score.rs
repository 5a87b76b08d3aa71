//! `codecbench score REFERENCE DEGRADED`: what the metrics say of two files.

use crate::error::{Error, Result};
use crate::media::{self, Clip};
use crate::metric::{self, Evidence, Metric};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Scores a degraded file against its reference.
///
/// Files are taken as they are: any rate, mono or stereo, of any length; each metric resamples and mixes as its source
/// says (`codecbench list metrics`). A metric that cannot score is listed with its reason, and the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  codecbench score original.wav received.wav
  codecbench score original.wav received.wav --metric pesq-wb --metric si-sdr --json")]
pub struct Args {
    /// The original: a WAV or FLAC file
    reference: PathBuf,
    /// What became of it: a WAV or FLAC file
    degraded: PathBuf,
    /// Only this metric; may be given more than once [default: PESQ, ViSQOL speech, SI-SDR and delay]
    #[arg(long = "metric", value_name = "ID")]
    metrics: Vec<String>,
    /// Align the signals first, by whole samples within 100 ms, where a metric is defined on aligned ones (SI-SDR, STOI, LSD)
    #[arg(long)]
    align: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// Prints the scores to stdout; 1 if a metric could not score, else 0.
///
/// # Errors
/// An unknown metric, or a file that cannot be used.
pub fn run(args: &Args) -> Result<u8> {
    let card = Card::of(args)?;
    match args.json {
        true => super::print_json(&card.json()?)?,
        false => super::print(&card.table())?,
    }
    Ok(card.exit_code())
}

/// `"schema": 1` of `score --json`.
#[derive(Serialize)]
struct Card<'a> {
    schema: u32,
    reference: &'a Path,
    degraded: &'a Path,
    /// What had to be done to the files when they were read.
    notes: Vec<String>,
    scores: Vec<Row>,
}

/// Either `value` or `error` is there.
#[derive(Serialize)]
pub(super) struct Row {
    metric: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    unit: &'static str,
    version: String,
}

impl Card<'_> {
    fn of(args: &Args) -> Result<Card<'_>> {
        // Names before files: a wrong name is told at once.
        let metrics = match args.metrics.as_slice() {
            [] => metric::USUAL.to_vec(),
            ids => ids.iter().map(|id| metric::audio(id)).collect::<Result<_>>()?,
        };
        let (reference, degraded) = (media::load(&args.reference)?, media::load(&args.degraded)?);
        let notes =
            [&reference, &degraded].into_iter().flat_map(|c| c.notes.iter().map(move |n| format!("{}: {n}", c.id)));
        Ok(Card {
            schema: 1,
            reference: &args.reference,
            degraded: &args.degraded,
            notes: notes.collect(),
            scores: metrics.into_iter().map(|metric| row(metric, &reference, &degraded, args.align)).collect(),
        })
    }

    fn json(&self) -> Result<serde_json::Value> {
        serde_json::to_value(self).map_err(|error| Error::output("stdout", error))
    }

    fn table(&self) -> String {
        let head = ["metric", "value", "unit", "version"].map(String::from).to_vec();
        let line = |row: &Row| {
            let value = row.value.map_or_else(String::new, thousandths);
            let last = row.error.as_ref().map_or_else(|| row.version.clone(), |error| format!("not scored: {error}"));
            vec![row.metric.to_owned(), value, row.unit.to_owned(), last]
        };
        let rows: Vec<Vec<String>> = std::iter::once(head).chain(self.scores.iter().map(line)).collect();
        let notes = self.notes.iter().map(|note| format!("note: {note}\n"));
        super::table(&rows) + &notes.collect::<String>()
    }

    fn exit_code(&self) -> u8 {
        u8::from(self.scores.iter().any(|row| row.error.is_some()))
    }
}

/// Without a negative zero.
fn thousandths(value: f64) -> String {
    format!("{:.3}", (value * 1000.0).round() / 1000.0 + 0.0)
}

pub(super) fn row(metric: &Metric<media::Pcm>, reference: &Clip, degraded: &Clip, align: bool) -> Row {
    let evidence = Evidence { align, ..Evidence::files(&*reference.signal, &*degraded.signal) };
    let (value, error) = match (metric.score)(&evidence) {
        Ok(scored) => (Some(scored.value), None),
        Err(Error::Metric { reason, .. }) => (None, Some(reason)),
        Err(other) => (None, Some(other.to_string())),
    };
    Row { metric: metric.scale.id, value, error, unit: metric.scale.unit, version: (metric.version)() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Pcm, PcmFormat, wav};
    use crate::units::Seed;

    #[derive(clap::Parser)]
    struct Cli {
        #[command(flatten)]
        args: Args,
    }

    fn args(line: &[&Path]) -> Args {
        let program = [Path::new("score")];
        <Cli as clap::Parser>::try_parse_from(program.iter().chain(line)).unwrap().args
    }

    /// Two seconds of loud and quiet noise at 16 kHz.
    fn bursts() -> Pcm {
        let mut rng = Seed(1).stream("test");
        let loudness = |n| if n % 8000 < 5000 { 3000.0 } else { 5.0 };
        let samples = (0..32_000).map(|n| (rng.normal() * loudness(n)) as i16).collect();
        Pcm { format: PcmFormat::mono(16_000), samples }
    }

    #[test]
    fn scores_come_as_one_object_and_failures_as_rows() {
        let folder = tempfile::tempdir().unwrap();
        let (a, silent) = (folder.path().join("a.wav"), folder.path().join("silent.wav"));
        let signal = bursts();
        wav::write(&a, &signal).unwrap();
        wav::write(&silent, &Pcm::silence(signal.format, signal.len())).unwrap();

        let all = args(&[&a, &a]);
        let card = Card::of(&all).unwrap();
        let json = card.json().unwrap();
        assert_eq!((card.exit_code(), &json["schema"]), (0, &1.into()));
        assert_eq!(json["reference"], a.display().to_string());
        let scores = json["scores"].as_array().unwrap();
        assert_eq!(scores.len(), metric::USUAL.len());
        for (score, metric) in scores.iter().zip(metric::USUAL) {
            assert_eq!(score["metric"], metric.scale.id);
            assert!(score["value"].is_f64() && score["unit"].is_string() && score["version"].is_string());
            assert!(card.table().contains(metric.scale.id));
        }

        let some = args(&[&a, &silent, Path::new("--metric"), Path::new("si-sdr"), Path::new("--metric=pesq-nb")]);
        let card = Card::of(&some).unwrap();
        let json = card.json().unwrap();
        assert_eq!((card.exit_code(), json["scores"].as_array().unwrap().len()), (1, 2));
        assert_eq!(json["scores"][0]["error"], "the degraded signal is silent");
        assert!(json["scores"][0].get("value").is_none());
        assert!(card.table().contains("the degraded signal is silent"));
    }

    #[test]
    fn wrong_names_and_files_are_usage_errors() {
        let missing = Path::new("no-such-file.wav");
        let unknown = args(&[missing, missing, Path::new("--metric=pesq-bw")]);
        let error = Card::of(&unknown).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().contains("did you mean 'pesq-wb'?"));
        let error = Card::of(&args(&[missing, missing])).err().unwrap();
        assert!(error.exit_code() == 2 && error.to_string().starts_with("no-such-file.wav: "));
    }
}
