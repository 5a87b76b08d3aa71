//! What verbs that run a plan share: warnings, the list of cases, and a run that is watched.

use super::output::print;
use super::progress::Screen;
use super::signals;
use crate::error::{Error, Result};
use crate::experiment::{self, Done, How, Run, Warning, warnings};
use crate::media::Media;
use crate::plan::Plan;
use crate::report::{self, Compare, View};
use crate::store::Store;
use std::path::Path;

/// Tells of values outside their range, by the setting's label after `kind`, or refuses them when `strict`; and of networks
/// that do something else than their words make people expect.
///
/// # Errors
/// A setting cannot be made for one of the clips' formats, or is out of range under `strict`.
pub fn warn<M: Media>(plan: &Plan<M>, kind: &str, strict: bool) -> Result<()> {
    for warning in warnings(plan)? {
        match &warning {
            Warning::Value { label, change } if strict => {
                let (requested, effective, reason) = (&change.requested, &change.effective, &change.reason);
                let what = format!("{kind}{label}: {requested} would become {effective}: {reason}");
                return Err(Error::usage(format!("--strict: {what}")));
            }
            Warning::Value { .. } | Warning::Unheard { .. } => eprintln!("warning: {kind}{warning}"),
            Warning::LeftOut(_) => eprintln!("warning: {warning}"),
            Warning::Network(_) => eprintln!("warning: --net: {warning}"),
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

/// Runs a plan into `folder` and writes its report there, progress and notes to stderr. The figures, `None` when someone
/// pressed Ctrl-C, and the exit code.
///
/// # Errors
/// As [`experiment::run`], and when the report cannot be written.
pub fn execute<M: Run>(plan: &mut Plan<M>, folder: &Path, how: &How, compare: Compare) -> Result<(Option<View>, u8)> {
    let stop = signals::catch()?;
    let mut store = Store::create(folder).map_err(elsewhere)?;
    let screen = Screen::new(plan.settings.len(), how.jobs);
    let done = experiment::run(plan, &mut store, how, &stop, &screen);
    drop(screen);
    let Done { count, interrupted } = done?;
    if interrupted {
        return Ok((None, signals::INTERRUPTED));
    }
    let view = experiment::view(&[&store], compare, None)?;
    report::write(folder, &view)?;
    Ok((Some(view), u8::from(count.failed > 0)))
}

/// What else to say of a folder that cannot be written: the usual one lies in the working directory.
fn elsewhere(e: Error) -> Error {
    match e {
        Error::Output { path, reason } => Error::Output { path, reason: format!("{reason}; give another --out") },
        other => other,
    }
}
