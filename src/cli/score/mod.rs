//! `codecbench score REFERENCE DEGRADED`: what the metrics say of two files.

#[cfg_attr(not(feature = "video"), expect(dead_code, reason = "VMAF alone reads pair by pair"))]
mod pairs;

use crate::error::{Error, Result};
use crate::media::{self, Clip, Media, Pcm, y4m};
#[cfg(feature = "video")]
use crate::metric::video::vmaf::Model;
use crate::metric::{self, Evidence, Metric, Value};
#[cfg(feature = "video")]
use pairs::Pairs;
use pairs::notes;
use serde::Serialize;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Scores a degraded file against its reference: two files of sound, or two of pictures.
///
/// Sound is taken as it is: any rate, mono or stereo, of any length; each metric resamples and mixes as its source says
/// (`codecbench list metrics`). Pictures are compared one by one, so both files must have the same number of them, of one
/// size and rate. A metric that cannot score is listed with its reason, and the exit code is 1.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  codecbench score original.wav received.wav
  codecbench score original.wav received.wav --metric pesq-wb --metric si-sdr --json
  codecbench score original.y4m received.y4m")]
pub struct Args {
    /// The original: a WAV or FLAC file, or a Y4M file of 8-bit 4:2:0
    reference: PathBuf,
    /// What became of it: a file of the same kind
    degraded: PathBuf,
    /// Only this metric; may be given more than once [default: PESQ, ViSQOL speech, SI-SDR and delay; of pictures PSNR,
    /// SSIM, VMAF and VMAF NEG]
    #[arg(long = "metric", value_name = "ID", value_parser = super::names::metrics(), hide_possible_values = true)]
    metrics: Vec<String>,
    /// Align the sounds first, by whole samples within 100 ms, where a metric is defined on aligned ones (SI-SDR, STOI, LSD)
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
        true => super::output::print_json(&card.json()?)?,
        false => super::output::print(&card.table())?,
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
        let Args { reference, degraded, metrics, align, .. } = args;
        // Names before files: a wrong name is told at once.
        if let Some(wrong) = metrics.iter().find(|id| metric::audio(id).is_err() && metric::video(id).is_err()) {
            metric::audio(wrong)?;
        }
        let (notes, scores) = match (is_video(reference), is_video(degraded)) {
            (false, false) => sounds(reference, degraded, metrics, *align)?,
            (true, true) if *align => {
                return Err(Error::usage("--align: it aligns sounds; pictures are taken as they are"));
            }
            (true, true) => films(reference, degraded, metrics)?,
            (video, _) => {
                let (film, other) = if video { (reference, degraded) } else { (degraded, reference) };
                // A file that cannot be read at all is told first.
                media::load(other)?;
                let text = format!("sound, and {} is pictures; two files of one kind would be right", film.display());
                return Err(Error::input(other, text));
            }
        };
        Ok(Card { schema: 1, reference, degraded, notes, scores })
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
        super::output::table(&rows) + &notes.collect::<String>()
    }

    fn exit_code(&self) -> u8 {
        u8::from(self.scores.iter().any(|row| row.error.is_some()))
    }
}

/// Without a negative zero.
fn thousandths(value: f64) -> String {
    format!("{:.3}", (value * 1000.0).round() / 1000.0 + 0.0)
}

/// By its first bytes. What cannot be read is told by whoever reads it next.
fn is_video(path: &Path) -> bool {
    let mut start = vec![0; y4m::MAGIC.len()];
    File::open(path).and_then(|mut file| file.read_exact(&mut start)).is_ok() && start == y4m::MAGIC
}

type Scored = (Vec<String>, Vec<Row>);

fn sounds(reference: &Path, degraded: &Path, ids: &[String], align: bool) -> Result<Scored> {
    let metrics = chosen(ids, metric::USUAL, metric::audio)?;
    let (reference, degraded) = (media::load(reference)?, media::load(degraded)?);
    let notes = [&reference, &degraded].into_iter().flat_map(|c| c.notes.iter().map(move |n| format!("{}: {n}", c.id)));
    let rows = metrics.into_iter().map(|metric| row_of_sounds(metric, &reference, &degraded, align));
    Ok((notes.collect(), rows.collect()))
}

fn films(reference: &Path, degraded: &Path, ids: &[String]) -> Result<Scored> {
    let metrics = chosen(ids, metric::USUAL_VIDEO, metric::video)?;
    // Nothing else runs beside it.
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    #[cfg(feature = "video")]
    if let [only] = metrics[..]
        && let Some(model) = Model::of(only)
    {
        let mut pairs = Pairs::open(reference, degraded)?;
        let value = model.score(pairs.reference.format, &mut pairs, threads);
        return Ok((pairs.finish()?, vec![row_of(only, value)]));
    }
    let (a, b) = rayon::join(|| y4m::read(reference), || y4m::read(degraded));
    let (a, b) = (a?, b?);
    metric::comparable(&a.footage, &b.footage).map_err(|reason| Error::input(degraded, reason))?;
    let evidence = Evidence { threads, ..Evidence::files(&a.footage, &b.footage) };
    let rows = metrics.into_iter().map(|metric| row(metric, &evidence)).collect();
    Ok((notes(reference, &a.notes).chain(notes(degraded, &b.notes)).collect(), rows))
}

fn chosen<M: Media>(
    ids: &[String],
    usual: &[&'static Metric<M>],
    known: fn(&str) -> Result<&'static Metric<M>>,
) -> Result<Vec<&'static Metric<M>>> {
    match ids {
        [] => Ok(usual.to_vec()),
        ids => ids.iter().map(|id| known(id)).collect(),
    }
}

pub(super) fn row_of_sounds(metric: &Metric<Pcm>, reference: &Clip, degraded: &Clip, align: bool) -> Row {
    row(metric, &Evidence { align, ..Evidence::files(&*reference.signal, &*degraded.signal) })
}

pub(super) fn row<M: Media>(metric: &Metric<M>, evidence: &Evidence<'_, M>) -> Row {
    row_of(metric, (metric.score)(evidence))
}

fn row_of<M: Media>(metric: &Metric<M>, scored: Result<Value>) -> Row {
    let (value, error) = match scored {
        Ok(scored) => (Some(scored.value), None),
        Err(Error::Metric { reason, .. }) => (None, Some(reason)),
        Err(other) => (None, Some(other.to_string())),
    };
    Row { metric: metric.scale.id, value, error, unit: metric.scale.unit, version: (metric.version)() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Footage, FrameRate, PcmFormat, Picture, PictureFormat, wav};
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

    fn film(width: u32, fps: u32, pictures: u8) -> Footage {
        let format = PictureFormat { width, height: 48, rate: FrameRate::new(fps, 1) };
        let picture = |i: u8| {
            let luma = (0..format.luma()).map(|k| (k * k / 7 % 200) as u8 + i);
            Picture::new(width, 48, luma.chain(vec![128; format.luma() / 2]).collect::<Vec<u8>>()).unwrap()
        };
        Footage { format, pictures: (0..pictures).map(picture).collect() }
    }

    #[test]
    fn films_are_scored_by_what_is_usual_of_pictures() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (folder.path().join("a.y4m"), folder.path().join("b.y4m"));
        let original = film(64, 25, 3);
        let mut received = original.clone();
        received.pictures[1] = original.pictures[0].clone();
        y4m::write(&a, &original).unwrap();
        y4m::write(&b, &received).unwrap();
        let usual = args(&[&a, &b]);
        let json = Card::of(&usual).unwrap().json().unwrap();
        let scores = json["scores"].as_array().unwrap();
        let ids: Vec<&str> = scores.iter().map(|s| s["metric"].as_str().unwrap()).collect();
        assert_eq!(ids, ["psnr-y", "psnr-u", "psnr-v", "ssim", "vmaf", "vmaf-neg"]);
        // Two pictures at the cap of 60 dB; in the third all of luma is off by one: 48.13 dB.
        assert!((scores[0]["value"].as_f64().unwrap() - 56.0436).abs() < 1e-3 && scores[1]["value"] == 60.0);

        // Of one of these alone the files are read beside each other.
        for (place, id) in [(4, "vmaf"), (5, "vmaf-neg")] {
            let alone = args(&[&a, &b, Path::new("--metric"), Path::new(id)]);
            assert_eq!(Card::of(&alone).unwrap().json().unwrap()["scores"].as_array().unwrap(), &scores[place..=place]);
        }

        let small = args(&[&a, &b, Path::new("--metric=ms-ssim")]);
        let card = Card::of(&small).unwrap();
        assert_eq!(card.exit_code(), 1);
        assert!(card.table().contains("not scored: the pictures are 64x48, it needs at least 176x176"));
    }

    #[test]
    fn what_cannot_be_compared_is_one_line_and_code_2() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let write = |name: &str, film: Footage| y4m::write(&path(name), &film).unwrap();
        write("a.y4m", film(64, 25, 3));
        let bytes = std::fs::read(path("a.y4m")).unwrap();
        std::fs::write(path("cut.y4m"), &bytes[..bytes.len() - 7]).unwrap();
        let header = bytes.iter().position(|b| *b == b'\n').unwrap() + 1;
        std::fs::write(path("none.y4m"), &bytes[..header]).unwrap();
        write("short.y4m", film(64, 25, 2));
        write("wide.y4m", film(66, 25, 3));
        write("fast.y4m", film(64, 50, 3));
        wav::write(&path("a.wav"), &bursts()).unwrap();
        for (reference, degraded, options, says) in [
            ("a.y4m", "short.y4m", &[][..], "short.y4m: the reference has 3 pictures, the degraded footage 2 pictures"),
            ("a.y4m", "wide.y4m", &[], "wide.y4m: the reference has 64x48, the degraded footage 66x48"),
            ("a.y4m", "fast.y4m", &[], "fast.y4m: the reference has 25 fps, the degraded footage 50 fps"),
            (
                "a.y4m",
                "short.y4m",
                &["--metric=vmaf"],
                "short.y4m: the reference has 3 pictures, the degraded footage 2 p",
            ),
            ("short.y4m", "a.y4m", &["--metric=vmaf"], "a.y4m: the reference has 2 pictures, the degraded footage 3 p"),
            ("a.y4m", "wide.y4m", &["--metric=vmaf"], "wide.y4m: the reference has 64x48, the degraded footage 66x48"),
            ("a.y4m", "cut.y4m", &["--metric=vmaf"], "cut.y4m: cut short: frame 2 lacks 7 of its 4608 bytes"),
            ("none.y4m", "a.y4m", &["--metric=vmaf"], "none.y4m: 0 frames; there is nothing to see in it"),
            ("a.y4m", "a.wav", &[], "a.wav: sound, and "),
            ("a.wav", "a.y4m", &[], "a.wav: sound, and "),
            ("a.y4m", "none.wav", &[], "none.wav: no such file"),
            ("a.y4m", "a.y4m", &["--align"], "--align: "),
            ("a.y4m", "a.y4m", &["--metric=pesq-wb"], "pesq-wb is no metric for video"),
            ("a.wav", "a.wav", &["--metric=vmaf"], "vmaf is no metric for audio"),
            ("a.y4m", "a.y4m", &["--metric=wmaf"], "did you mean 'vmaf'?"),
        ] {
            let (reference, degraded) = (path(reference), path(degraded));
            let line: Vec<&Path> = [&*reference, &degraded].into_iter().chain(options.iter().map(Path::new)).collect();
            let args = args(&line);
            let error = Card::of(&args).err().unwrap();
            let text = error.to_string();
            assert!(error.exit_code() == 2 && text.contains(says) && !text.contains('\n'), "{text}");
        }
    }
}
