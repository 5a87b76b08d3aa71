//! How far a run is, on stderr: a bar on a terminal, else a line per twentieth of the way; and once, of a long run, what
//! all of it will take.

use crate::experiment::{Observer, Progress};
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A run that takes longer is told beforehand.
const LONG: Duration = Duration::from_secs(300);
/// An estimate waits until each setting had its turn, but no longer than this: settings may cost very different amounts.
const PATIENCE: Duration = Duration::from_secs(20);

/// Looks on while a plan runs, and shows it on stderr.
pub struct Screen {
    settings: usize,
    jobs: usize,
    /// While cases are computed.
    bar: Mutex<Option<Bar>>,
}

impl Screen {
    /// For a plan of so many settings.
    pub fn new(settings: usize, jobs: usize) -> Screen {
        Screen { settings, jobs, bar: Mutex::new(None) }
    }
}

impl Observer for Screen {
    fn progress(&self, progress: Progress) {
        let mut bar = self.bar.lock().unwrap_or_else(PoisonError::into_inner);
        if progress.done == 0 {
            *bar = Some(Bar::new(progress.total, self.settings, self.jobs));
        }
        if let Some(bar) = &*bar {
            bar.show(progress);
        }
        if progress.done == progress.total {
            *bar = None;
        }
    }

    fn note(&self, text: &str) {
        *self.bar.lock().unwrap_or_else(PoisonError::into_inner) = None;
        eprintln!("{text}");
    }
}

struct Bar {
    bar: ProgressBar,
    /// Cases after which each setting had its turn.
    round: usize,
    jobs: usize,
    told: AtomicUsize,
    estimated: AtomicBool,
}

impl Bar {
    /// For `total` cases of `settings` settings in turn.
    fn new(total: usize, settings: usize, jobs: usize) -> Bar {
        let bar = ProgressBar::new(total as u64);
        let template = "{bar:30} {pos}/{len} cases, {per_sec:.1}, {eta} left{msg}";
        bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar { bar, round: settings.max(jobs), jobs, told: 0.into(), estimated: false.into() }
    }

    fn show(&self, Progress { done, total, failed }: Progress) {
        let failures = if failed > 0 { format!(", {failed} failed") } else { String::new() };
        self.bar.set_position(done as u64);
        self.bar.set_message(failures.clone());
        if !self.estimated.load(Ordering::Relaxed)
            && let Some(all) = estimate(self.bar.elapsed(), done, total, self.round)
        {
            self.estimated.store(true, Ordering::Relaxed);
            if all > LONG {
                let jobs = if self.jobs == 1 { "one job".to_owned() } else { format!("{} jobs", self.jobs) };
                let text = format!("about {} for {total} cases on {jobs}", HumanDuration(all));
                self.bar.suspend(|| eprintln!("{text}"));
            }
        }
        let twentieth = 20 * done / total.max(1);
        if self.bar.is_hidden() && self.told.fetch_max(twentieth, Ordering::Relaxed) < twentieth {
            eprintln!("{done} of {total} cases, {} left{failures}", HumanDuration(self.bar.eta()));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What all cases will take, by those done in the time since the start; `None`: too early to say.
fn estimate(elapsed: Duration, done: usize, total: usize, round: usize) -> Option<Duration> {
    let enough = done > 0 && (done >= round || elapsed >= PATIENCE);
    enough.then(|| elapsed.mul_f64(total as f64 / done as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_waits_for_each_setting_but_not_for_long() {
        let seconds = Duration::from_secs;
        assert_eq!(estimate(seconds(3), 0, 100, 4), None);
        assert_eq!(estimate(seconds(3), 3, 100, 4), None, "a setting has not run yet");
        assert_eq!(estimate(seconds(4), 4, 100, 4), Some(seconds(100)));
        assert_eq!(estimate(seconds(20), 2, 100, 4), Some(seconds(1000)));
        assert_eq!(estimate(seconds(60), 0, 100, 4), None, "nothing to go by");
    }
}
