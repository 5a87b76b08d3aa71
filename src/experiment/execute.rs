//! A plan, from its cases to all that a report reads.

use super::cases::cases;
use super::keep::Keep;
use super::measure::{costs, delays, footprints};
use super::media::Run;
use super::observer::Observer;
use super::until::{Next, Until};
use crate::error::{Error, Result};
use crate::media::Media;
use crate::peer::Transport;
use crate::plan::Plan;
use crate::store::{Count, Store, export};
use indicatif::HumanDuration;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// How a plan is run.
#[derive(Clone, Debug)]
pub struct How {
    /// Cases at a time, at least 1.
    pub jobs: usize,
    pub keep: Keep,
    /// With more seeds than the plan has, as long as intervals are wide.
    pub until: Option<Until>,
}

impl Default for How {
    /// A case per core at a time; nothing is kept but the scores.
    fn default() -> How {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        How { jobs, keep: Keep::default(), until: None }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done {
    pub count: Count,
    /// It was stopped. What is finished is kept, and another run goes on from there.
    pub interrupted: bool,
}

/// Runs what of `plan` is not yet in `store`, measures costs and delays, and writes `results.jsonl` and `results.csv`
/// beside the store; of video also what its report shows picture by picture. Cases of which a file of [`How::keep`] is
/// missing run too. With [`How::until`] `plan` then has the seeds that it took, and the results are those of a plain run with
/// that many.
///
/// # Errors
/// The store or its folder cannot be used. [`Error::Usage`]: there is no interval for [`How::until`] to go by.
pub fn run<M: Run>(
    plan: &mut Plan<M>,
    store: &mut Store,
    how: &How,
    stop: &AtomicBool,
    observer: &dyn Observer,
) -> Result<Done> {
    loop {
        let done = once(plan, store, how, stop, observer)?;
        if done.interrupted {
            return Ok(done);
        }
        let Some(until) = &how.until else { break };
        let Next { told, seeds } = until.next(plan, store)?;
        observer.note(&told);
        if seeds.is_empty() {
            break;
        }
        plan.seeds.extend(seeds);
    }
    M::exhibit(plan, store, observer)?;
    Ok(Done { count: store.count()?, interrupted: stop.load(Ordering::Relaxed) })
}

/// With the seeds that the plan has.
fn once<M: Run>(
    plan: &Plan<M>,
    store: &mut Store,
    how: &How,
    stop: &AtomicBool,
    observer: &dyn Observer,
) -> Result<Done> {
    let folder = store.folder().to_owned();
    let todo = store.begin(plan)?;
    let todo = how.keep.begin(plan, &folder, todo)?;
    let known = plan.len() - todo.len();
    if known > 0 {
        observer.note(&format!("{known} of {} cases are there already", plan.len()));
    }
    if plan.transport == Transport::Live && !todo.is_empty() {
        let time = HumanDuration(real_time(plan, &todo, how.jobs));
        observer.note(&format!("{} live calls, {} at a time: {time}", todo.len(), how.jobs));
    }
    let work = |case: &_| how.keep.work(&folder, case);
    let complete = cases(plan, &todo, store, how.jobs, stop, work, |progress| observer.progress(progress))?;
    let count = store.count()?;
    if !complete {
        let left = count.cases - count.finished;
        observer.note(&format!(
            "stopped: {} cases are kept, {left} are left; another run goes on from there",
            count.finished
        ));
        return Ok(Done { count, interrupted: true });
    }

    let clip = plan.clips.first();
    let alone = |setting: &_| M::cost(setting, clip.ok_or_else(|| Error::usage("no clip"))?);
    costs(plan, store, stop, alone, |setting| observer.note(&format!("CPU time of {}", setting.label)))?;
    delays(plan, store, how.jobs, stop)?;
    footprints(plan, store, how.jobs, stop)?;
    export::write(store, &folder)?;
    if count.failed > 0 {
        observer.note(&format!("{} of {} cases failed; results.csv has the reasons", count.failed, count.cases));
    }
    Ok(Done { count, interrupted: stop.load(Ordering::Relaxed) })
}

/// How long live calls take, `jobs` at a time. Connecting and scoring come on top, some seconds each.
fn real_time<M: Media>(plan: &Plan<M>, todo: &[u32], jobs: usize) -> Duration {
    let calls = todo.iter().filter_map(|index| plan.case(*index as usize));
    let all: Duration = calls.map(|case| case.warm_up + case.clip.duration()).sum();
    all / jobs.min(todo.len()).max(1) as u32
}
