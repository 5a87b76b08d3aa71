//! `codecbench report`: charts and tables of runs that are finished, or as far as they came.

pub mod worst;

use super::exhibit;
use super::output::print;
use crate::codec::{self, Codec, Request};
use crate::error::{Error, Result};
use crate::latency::{self, Footprint};
use crate::media::{Pcm, PcmFormat};
use crate::report;
use crate::report::{Compare, CostRow, DelayRow, Extras, Setting, View};
use crate::store::Store;
use crate::units::{Bitrate, from_ms, ms};
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use worst::Worst;

/// Write the report of finished runs again: report.html and the charts as PNG.
///
/// Several folders become one report; a case that is in two of them counts once.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  codecbench report reports/demo\n  \
                        codecbench report reports/old reports/new --out reports/both")]
pub struct Args {
    /// Folders that a run wrote
    #[arg(value_name = "DIR", required = true)]
    dirs: Vec<PathBuf>,
    /// Where to write [default: the folder itself, when it is one]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// The codec or setting that the others' BD-rate is against [default: the plan's first with four bitrates]
    #[arg(long, value_name = "NAME")]
    anchor: Option<String>,
}

/// Prints the files it wrote; the exit code.
///
/// # Errors
/// A folder holds no results, several folders have no `--out`, or the report cannot be written.
pub fn run(args: &Args) -> Result<u8> {
    let out = match (&args.out, args.dirs.as_slice()) {
        (Some(out), _) => out,
        (None, [dir]) => dir,
        (None, _) => return Err(Error::usage("a report of several folders needs a folder of its own: --out DIR")),
    };
    let stores = args.dirs.iter().map(|dir| Store::open(dir)).collect::<Result<Vec<Store>>>()?;
    let view = gathered(&stores.iter().collect::<Vec<_>>(), Compare::FewOnly, args.anchor.clone())?;
    for path in report::write(out, &view)? {
        print(&format!("{}\n", path.display()))?;
    }
    Ok(0)
}

/// The figures of all stores together.
///
/// # Errors
/// The stores hold no finished case, or are damaged.
pub fn view(stores: &[&Store], compare: Compare) -> Result<View> {
    gathered(stores, compare, None)
}

fn gathered(stores: &[&Store], compare: Compare, anchor: Option<String>) -> Result<View> {
    let mut names: Vec<String> = Vec::new();
    let mut costs = Vec::new();
    for store in stores {
        let name = store.plan()?;
        if !names.contains(&name) {
            names.push(name);
        }
        costs.extend(store.costs()?.into_iter().map(|(label, cost)| CostRow {
            label,
            encode_us_per_frame: cost.encode_us_per_frame,
            decode_us_per_frame: cost.decode_us_per_frame,
            frame_ms: cost.frame_ms,
            deadline_misses: Some(cost.deadline_misses),
            machine: cost.machine,
        }));
    }
    let mut seen = BTreeSet::new();
    let mut new = |key: &str, label: &str| stores.len() == 1 || seen.insert((key.to_owned(), label.to_owned()));
    let mut worst = Worst::default();
    let outcomes = stores.iter().enumerate().flat_map(|(i, store)| store.outcomes().map(move |o| (i, o)));
    let once = outcomes.filter(|(_, o)| o.as_ref().map_or(true, |o| new(&o.key, &o.label)));
    let once = once.map(|(i, outcome)| outcome.inspect(|o| worst.see(i, o)));
    let mut view = View::build(once, Extras { title: names.join(", "), costs, compare, anchor, ..Extras::default() })?;
    view.exhibits = worst.cases().iter().filter_map(|c| exhibit::read(stores[c.store].folder(), c)).collect();
    view.timelines = worst.cases().iter().map(|case| case.timeline(stores)).collect::<Result<_>>()?;
    view.delays = delays(&view.settings);
    view.footprints = footprints(&view.settings);
    Ok(view)
}

/// The algorithmic delay of each setting, measured with its frame and mode. In calls it does not depend on the bitrate, so it
/// is measured at that of the codec's own variants, where the marker is heard best; the containers of storage codecs do
/// depend on it. A setting whose codec this build does not have, or that cannot be measured, has none.
fn delays(settings: &[Setting]) -> Vec<DelayRow> {
    let asked: Vec<(&Setting, Asked)> = settings.iter().filter_map(|s| Some((s, asked(s)?))).collect();
    let distinct: BTreeSet<&Asked> = asked.iter().map(|(_, asked)| asked).collect();
    let measure = |asked: &&Asked| {
        let codec = codec::audio(asked.codec).ok()?;
        latency::measure(codec, &asked.request, &PcmFormat::mono(asked.sample_rate)).ok()
    };
    let measured: Vec<Option<latency::Latency>> = distinct.par_iter().map(measure).collect();
    let known: BTreeMap<&Asked, Option<latency::Latency>> = distinct.into_iter().zip(measured).collect();
    let row = |(setting, asked): &(&Setting, Asked)| {
        let l = known[asked]?;
        Some(DelayRow {
            codec: setting.codec.clone(),
            setting: setting.label.clone(),
            bitrate: None,
            frame_ms: ms(from_ms(l.frame_ms)),
            lookahead_ms: l.lookahead_ms,
            total_ms: l.met_ms(),
        })
    };
    asked.iter().filter_map(row).collect()
}

/// What the delay of a setting is measured with.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Asked {
    codec: &'static str,
    request: Request,
    sample_rate: u32,
}

fn asked(setting: &Setting) -> Option<Asked> {
    let codec = codec::audio(&setting.codec).ok()?;
    let mode = ["application", "mode"].iter().find_map(|name| setting.effective.get(*name)?.first().cloned());
    let bitrate = match codec.rtp {
        Some(_) => (codec.variants)().first().and_then(|(_, request)| request.bitrate),
        None => number(setting, "bitrate").map(|bitrate| Bitrate(bitrate as u32)),
    };
    let ptime = Some(from_ms(number(setting, "frame")?));
    let sample_rate = number(setting, "sample rate").map_or(48_000, |rate| rate as u32);
    Some(Asked { codec: codec.name, request: Request { ptime, mode, bitrate, ..Request::default() }, sample_rate })
}

/// Of the audio codecs at hand, where there are enough to compare. Those that this build does not have are missing.
fn footprints(settings: &[Setting]) -> Vec<Footprint> {
    let mut codecs: Vec<&Codec<Pcm>> = Vec::new();
    for codec in settings.iter().filter_map(|s| codec::audio(&s.codec).ok()) {
        if !codecs.iter().any(|known| known.name == codec.name) {
            codecs.push(codec);
        }
    }
    if codecs.len() < 3 {
        return Vec::new();
    }
    codecs.par_iter().flat_map_iter(|codec| latency::footprints(codec)).collect()
}

/// The number at the head of an effective setting: 20 of "20 ms".
fn number(setting: &Setting, name: &str) -> Option<f64> {
    setting.effective.get(name)?.first()?.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn args(dirs: &[&Path]) -> Args {
        Args { dirs: dirs.iter().map(|d| d.to_path_buf()).collect(), out: None, anchor: None }
    }

    #[test]
    fn a_folder_without_results_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = run(&args(&[folder.path()])).unwrap_err();
        assert!(error.to_string().contains(folder.path().to_str().unwrap()), "{error}");
        assert_eq!(error.exit_code(), 2);
    }

    #[test]
    fn several_folders_need_a_place() {
        let error = run(&args(&[Path::new("a"), Path::new("b")])).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
    }

    #[test]
    fn the_delay_of_a_setting_is_that_of_its_frame_and_mode() {
        let setting = |codec: &str, frame: &str, mode: Option<&str>| Setting {
            label: "A".into(),
            codec: codec.into(),
            codec_version: String::new(),
            requested: String::new(),
            effective: [("frame", Some(frame)), ("application", mode)]
                .into_iter()
                .filter_map(|(k, v)| Some((k.to_owned(), vec![v?.to_owned()])))
                .collect(),
            changes: Vec::new(),
            colour: 0,
        };
        let rows = delays(&[
            setting("opus", "20 ms", Some("voip")),
            setting("opus", "2.5 ms", Some("lowdelay")),
            setting("PCMU", "20 ms", None),
            setting("none such", "20 ms", None),
        ]);
        let totals: Vec<f64> = rows.iter().map(|r| (r.total_ms * 10.0).round() / 10.0).collect();
        assert_eq!(totals, [26.5, 5.0, 20.0]);
    }
}
