//! What verbs that run a plan share: cases, costs and results into a folder.

use super::output::print;
use super::progress::Bar;
use super::{exhibit, signals};
use crate::call::Call;
use crate::codec::{Change, ChangeKind};
use crate::cost::Cost;
use crate::error::{Error, Result};
use crate::files;
use crate::media::{Clip, Footage, Media, Pcm, Picture};
use crate::net::spec::NetSpec;
use crate::peer::Transport;
use crate::plan::file::Kind;
use crate::plan::{Case, Plan, Setting};
use crate::run;
use crate::store::{Count, Key, Store, export};
use crate::{call, cost, media};
use indicatif::HumanDuration;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Tells of values outside their range, by the setting's label after `kind`, or refuses them when `strict`; and of networks
/// that do something else than their words make people expect.
///
/// # Errors
/// A setting cannot be made for one of the clips' formats, or is out of range under `strict`.
pub fn warn<M: Media>(plan: &Plan<M>, kind: &str, strict: bool) -> Result<()> {
    let formats: BTreeSet<M::Format> = plan.clips.iter().map(|clip| clip.format()).collect();
    for Setting { label, codec, request, .. } in &plan.settings {
        let mut told: Vec<Change> = Vec::new();
        for format in &formats {
            for change in (codec.configure)(request, format)?.changes {
                if matches!(change.kind, ChangeKind::Clamped | ChangeKind::Invalid) && !told.contains(&change) {
                    told.push(change);
                }
            }
        }
        for Change { requested, effective, reason, .. } in &told {
            if strict {
                let what = format!("{kind}{label}: {requested} would become {effective}: {reason}");
                return Err(Error::usage(format!("--strict: {what}")));
            }
            eprintln!("warning: {kind}{label}: {requested} becomes {effective}: {reason}");
        }
    }
    if !plan.left_out.is_empty() {
        let names = plan.left_out.join(", ");
        eprintln!("warning: left out, not in this build: {names}; 'codecbench list codecs' tells their features");
    }
    let mut told = BTreeSet::new();
    for warning in plan.networks.iter().flat_map(NetSpec::warnings) {
        if told.insert(warning.clone()) {
            eprintln!("warning: --net: {warning}");
        }
    }
    Ok(())
}

/// The cases of a plan, tab-separated.
///
/// # Errors
/// As [`print()`].
pub fn list<M: Media>(plan: &Plan<M>) -> Result<u8> {
    print("index\tlabel\tclip\tnet\treceiver\tseed\n")?;
    for (index, c) in plan.cases().enumerate() {
        print(&format!("{index}\t{}\t{}\t{}\t{}\t{}\n", c.label, c.clip.id, c.net, c.receiver, c.seed.0))?;
    }
    Ok(0)
}

/// A plan that was run.
pub struct Done {
    pub store: Store,
    pub count: Count,
    /// Someone pressed Ctrl-C.
    pub interrupted: bool,
}

impl Done {
    pub fn exit_code(&self) -> u8 {
        match self {
            Done { interrupted: true, .. } => signals::INTERRUPTED,
            Done { count, .. } => u8::from(count.failed > 0),
        }
    }
}

/// A kind of media whose cases run.
pub trait Run: Kind {
    /// Of the file that keeps a signal.
    const ENDING: &'static str;
    /// What is heard or seen when no clip is named.
    const CLIPS: &'static [&'static str];
    /// One case, and what was on the wire if it is to be kept.
    fn run(case: &Case<Self>, keep_packets: bool) -> Result<(Call<Self>, Option<Vec<u8>>)>;
    fn write(path: &Path, signal: &Self::Signal) -> Result<()>;
    fn cost(setting: &Setting<Self>, clip: &Clip<Self>) -> Result<Cost>;
    /// Pictures for the report, where there are any.
    fn exhibit(_plan: &Plan<Self>, _store: &Store, _folder: &Path) -> Result<()> {
        Ok(())
    }
}

impl Run for Pcm {
    const ENDING: &'static str = "wav";
    const CLIPS: &'static [&'static str] = &["speech"];

    fn run(case: &Case, keep_packets: bool) -> Result<(Call, Option<Vec<u8>>)> {
        match keep_packets {
            true => call::run_captured(case).map(|(call, capture)| (call, Some(capture))),
            false => Ok((call::run(case)?, None)),
        }
    }
    fn write(path: &Path, signal: &Pcm) -> Result<()> {
        media::wav::write(path, signal)
    }
    fn cost(setting: &Setting, clip: &Clip) -> Result<Cost> {
        cost::measure(setting, clip)
    }
}

impl Run for Picture {
    const ENDING: &'static str = "y4m";
    /// Six, so that there can be a verdict, and all of one kind, for kinds are not averaged.
    const CLIPS: &'static [&'static str] = &["dog", "bunny", "bikes", "carphone", "synth-talk", "synth-still"];

    fn run(case: &Case<Picture>, keep_packets: bool) -> Result<(Call<Picture>, Option<Vec<u8>>)> {
        call::video::run(case, keep_packets)
    }
    fn write(path: &Path, signal: &Footage) -> Result<()> {
        media::y4m::write(path, signal)
    }
    fn cost(setting: &Setting<Picture>, clip: &Clip<Picture>) -> Result<Cost> {
        cost::measure(setting, clip)
    }
    fn exhibit(plan: &Plan<Picture>, store: &Store, folder: &Path) -> Result<()> {
        exhibit::make(plan, store, folder)
    }
}

/// What is kept of each case besides its scores.
#[derive(Clone, Copy, Debug, Default)]
pub struct Keep {
    /// What was heard, in `media/*.wav`.
    pub media: bool,
    /// What was on the wire, in `captures/*.pcapng`.
    pub packets: bool,
}

impl Keep {
    /// The files of a case that are asked for: what was heard or seen, and what was on the wire.
    fn files<M: Run>(self, folder: &Path, case: &Case<M>) -> [Option<PathBuf>; 2] {
        let file = |sub: &str, ending: &str| folder.join(sub).join(format!("{}.{ending}", file_name(case)));
        [self.media.then(|| file("media", M::ENDING)), self.packets.then(|| file("captures", "pcapng"))]
    }
}

/// Runs what of `plan` is not yet in `folder`, measures costs, and writes `results.jsonl` and `results.csv`. Cases of
/// which a file of `keep` is missing run too.
///
/// # Errors
/// The folder or the store in it cannot be used.
pub fn execute<M: Run>(plan: &Plan<M>, folder: &Path, jobs: Option<usize>, keep: Keep) -> Result<Done> {
    let stop = signals::catch()?;
    let mut store = Store::create(folder).map_err(elsewhere)?;
    let mut todo = store.begin(plan)?;
    for (_, sub) in [(keep.media, "media"), (keep.packets, "captures")].into_iter().filter(|(wanted, _)| *wanted) {
        std::fs::create_dir_all(folder.join(sub)).map_err(|e| Error::output(folder.join(sub), e))?;
    }
    if keep.media || keep.packets {
        let missing = |index: &u32| {
            let files = plan.case(*index as usize).map(|case| keep.files(folder, &case));
            files.into_iter().flatten().flatten().any(|file| !file.is_file())
        };
        todo = (0..plan.len() as u32).filter(|i| todo.binary_search(i).is_ok() || missing(i)).collect();
    }
    let known = plan.len() - todo.len();
    if known > 0 {
        eprintln!("{known} of {} cases are there already", plan.len());
    }

    let jobs = jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    if plan.transport == Transport::Live && !todo.is_empty() {
        eprintln!("{} live calls, {jobs} at a time: {}", todo.len(), HumanDuration(real_time(plan, &todo, jobs)));
    }
    let bar = Bar::new(todo.len(), plan.settings.len(), jobs);
    let work = |case: &Case<M>| {
        let [media, captured] = keep.files(folder, case);
        let (call, capture) = M::run(case, captured.is_some())?;
        if let (Some(path), Some(capture)) = (captured, capture) {
            files::write(&path, &capture)?;
        }
        if let Some(path) = media {
            files::whole(&path, |part| M::write(part, &call.degraded))?;
        }
        Ok(call.scores)
    };
    let complete = run::cases(plan, &todo, &mut store, jobs, &stop, work, |p| bar.show(p));
    bar.finish();
    let (complete, count) = (complete?, store.count()?);
    if !complete {
        let left = count.cases - count.finished;
        eprintln!("stopped: {} cases are kept, {left} are left; the same command goes on", count.finished);
        return Ok(Done { store, count, interrupted: true });
    }

    let clip = plan.clips.first();
    let alone = |setting: &_| M::cost(setting, clip.ok_or_else(|| Error::usage("no clip"))?);
    run::costs(plan, &mut store, &stop, alone, |setting| eprintln!("CPU time of {}", setting.label))?;
    export::write(&store, folder)?;
    if count.failed > 0 {
        eprintln!("{} of {} cases failed; results.csv has the reasons", count.failed, count.cases);
    }
    Ok(Done { store, count, interrupted: stop.load(Ordering::Relaxed) })
}

/// What else to say of a folder that cannot be written: the usual one lies in the working directory.
fn elsewhere(e: Error) -> Error {
    match e {
        Error::Output { path, reason } => Error::Output { path, reason: format!("{reason}; give another --out") },
        other => other,
    }
}

/// How long live calls take, `jobs` at a time. Connecting and scoring come on top, some seconds each.
fn real_time<M: Media>(plan: &Plan<M>, todo: &[u32], jobs: usize) -> Duration {
    let calls = todo.iter().filter_map(|index| plan.case(*index as usize));
    let all: Duration = calls.map(|case| case.warm_up + case.clip.duration()).sum();
    all / jobs.min(todo.len()).max(1) as u32
}

/// "opus-24-kbit-s_clip_loss-5_s1_1f3a97c0": readable, and by its end the case's own.
fn file_name<M: Media>(case: &Case<M>) -> String {
    let plain = |text: &str| {
        let words = text.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|w| !w.is_empty());
        words.collect::<Vec<_>>().join("-").chars().take(40).collect::<String>()
    };
    let (label, clip, net) = (plain(&case.label), plain(&case.clip.id), plain(&case.net.to_string()));
    format!("{label}_{clip}_{net}_s{}_{:.8}", case.seed.0, Key::of(case).to_string())
}
