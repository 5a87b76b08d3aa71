//! All cases of a plan: what is not in the store yet is computed on all cores, and committed as it comes.

use super::observer::Progress;
use crate::error::{Error, Result};
use crate::media::Media;
use crate::plan::{Case, Plan, Scores};
use crate::store::{Finished, Store};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// Results that wait for the writer. Bounds the memory of a run whose cases are quicker than the disk.
const WAITING: usize = 64;

/// Computes the cases of `plan` at the places `todo` on `jobs` threads, in that order, until all are done or `stop` is
/// set; cases that run then are finished first. Returns whether all were done.
///
/// What `work` gives depends on its case alone, so a case that fails or panics is a result too: it is stored with its
/// reason and not tried again. Only [`Error::Output`] ends the run: it says nothing of the case.
///
/// # Errors
/// The store cannot be written, or `work` could not write a file.
pub fn cases<M: Media>(
    plan: &Plan<M>,
    todo: &[u32],
    store: &mut Store,
    jobs: usize,
    stop: &AtomicBool,
    work: impl Fn(&Case<M>) -> Result<Scores> + Sync,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<bool> {
    let pool = threads(jobs)?;
    let (sender, receiver) = sync_channel(WAITING);
    let (next, halt) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut state = Progress { total: todo.len(), ..Progress::default() };
    progress(state);
    std::thread::scope(|scope| {
        let (halt, state) = (&halt, &mut state);
        let writer = scope.spawn(move || {
            let result = commit_all(store, &receiver, |committed| {
                state.done += committed.len();
                state.failed += committed.iter().filter(|f| f.result.is_err()).count();
                progress(*state);
            });
            // With the receiver gone nobody may compute on: the result would be lost.
            halt.store(result.is_err(), Ordering::Relaxed);
            result
        });
        let take = || -> Option<Case<M>> {
            let open = !stop.load(Ordering::Relaxed) && !halt.load(Ordering::Relaxed);
            let place = open.then(|| todo.get(next.fetch_add(1, Ordering::Relaxed)))??;
            plan.case(*place as usize)
        };
        // Every thread takes the next case when it is free: the order is the plan's, whatever the number of threads.
        pool.broadcast(|_| compute(&take, &work, &sender));
        drop(sender);
        writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    Ok(state.done == state.total)
}

/// So many, at least one.
///
/// # Errors
/// [`Error::Usage`]: the system refuses them.
pub(super) fn threads(jobs: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(jobs.max(1)).build();
    pool.map_err(|e| Error::usage(format!("{jobs} jobs: {e}")))
}

fn compute<M: Media>(
    take: &impl Fn() -> Option<Case<M>>,
    work: &impl Fn(&Case<M>) -> Result<Scores>,
    sender: &SyncSender<Result<Finished<M>>>,
) {
    while let Some(case) = take() {
        let result = match catch_unwind(AssertUnwindSafe(|| work(&case))) {
            Ok(Ok(scores)) => Ok(Finished { result: Ok(finite(scores)), case }),
            Ok(Err(e @ Error::Output { .. })) => Err(e),
            Ok(Err(e)) => Ok(Finished { result: Err(e.to_string()), case }),
            Err(panic) => Ok(Finished { result: Err(format!("panicked: {}", message(&*panic))), case }),
        };
        if sender.send(result).is_err() {
            return;
        }
    }
}

/// The scores alone; one that is no finite number has no value but a reason.
fn finite(mut scores: Scores) -> Scores {
    let unscored = &mut scores.unscored;
    scores.values.retain(|id, value| {
        if !value.is_finite() {
            unscored.insert(id.clone(), format!("gave {value}, which is no finite number"));
        }
        value.is_finite()
    });
    scores
}

fn message(panic: &(dyn std::any::Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

/// Commits whatever is there, at once: under light load every case by itself, under heavy load many in one transaction.
fn commit_all<M: Media>(
    store: &mut Store,
    receiver: &Receiver<Result<Finished<M>>>,
    mut committed: impl FnMut(&[Finished<M>]),
) -> Result<()> {
    while let Ok(first) = receiver.recv() {
        let (mut batch, mut failure) = (Vec::new(), None);
        for result in std::iter::once(first).chain(receiver.try_iter().take(WAITING)) {
            match result {
                Ok(finished) => batch.push(finished),
                Err(e) => failure = Some(e),
            }
        }
        store.write(&batch)?;
        committed(&batch);
        if let Some(e) = failure {
            return Err(e);
        }
    }
    Ok(())
}
