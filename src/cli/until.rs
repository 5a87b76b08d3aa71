//! `--until`: seeds are added until the intervals are narrow enough.

use super::execute::{Done, Keep, Run, execute};
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::report::figure::figure;
use crate::report::{Extras, View};
use crate::stats::Interval;
use crate::units::Seed;
use std::path::Path;

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Add seeds until the first metric's 95 % intervals are this narrow: plus and minus so much, in its unit
    #[arg(long, value_name = "HALF-WIDTH", value_parser = half_width)]
    pub until: Option<f64>,
    /// With --until: never more seeds than this
    #[arg(long, value_name = "N", default_value_t = 50, requires = "until", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub max_seeds: u32,
}

fn half_width(text: &str) -> std::result::Result<f64, String> {
    let number = text.parse().ok().filter(|v: &f64| *v > 0.0 && v.is_finite());
    number.ok_or_else(|| "a number above 0 is wanted, in the unit of the metric, such as 0.05".into())
}

/// Which intervals must be narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Those of the differences between settings; of the means where there is one setting alone.
    Differences,
    Means,
}

/// [`execute`], again with more seeds as long as [`Args`] ask for it. `plan` then has the seeds that it took, and the
/// results are those of a plain run with that many.
///
/// # Errors
/// As [`execute`]; [`Error::Usage`] when there is no interval to go by.
pub fn run<M: Run>(
    plan: &mut Plan<M>,
    args: &Args,
    of: Of,
    folder: &Path,
    jobs: Option<usize>,
    keep: Keep,
) -> Result<Done> {
    let first = plan.metrics.first().map_or("", |m| m.scale.id);
    loop {
        let done = execute(plan, folder, jobs, keep)?;
        let Some(target) = args.until.filter(|_| !done.interrupted) else { return Ok(done) };
        let view = View::build(done.store.outcomes(), Extras::default())?;
        let (width, which) = widest(&view, first, of)?;
        let seeds = plan.seeds.len();
        let unit = view.measure(first).map_or("", |m| view.measures[m].unit.as_str());
        let reached = format!("{seeds} {}: {first} \u{b1}{} {unit} ({which})", plural(seeds), figure(width, unit));
        if width <= target {
            eprintln!("--until {target} is reached with {reached}");
            return Ok(done);
        }
        let Some(next) = more(seeds, args.max_seeds as usize, width / target) else {
            eprintln!(
                "--until {target} is not reached with {reached}; seeds cannot make clips more alike: take more clips, or \
                 more than --max-seeds {}",
                args.max_seeds
            );
            return Ok(done);
        };
        eprintln!("{reached}; going on with {next} seeds");
        let last = plan.seeds.last().map_or(0, |s| s.0);
        plan.seeds.extend((1..=(next - seeds) as u64).map(|i| Seed(last.wrapping_add(i))));
    }
}

fn plural(seeds: usize) -> &'static str {
    if seeds == 1 { "seed" } else { "seeds" }
}

/// How many seeds next; `None` at the maximum. As many as would do if chance alone made the interval wide, which falls
/// with the root of their number, but never more than twice as many: how clips differ has its part too.
fn more(seeds: usize, most: usize, too_wide: f64) -> Option<usize> {
    let wanted = (seeds as f64 * too_wide * too_wide).ceil().min(2.0 * seeds as f64) as usize;
    (seeds < most).then(|| wanted.max(seeds + 1).min(most))
}

/// The largest half-width, and of what.
fn widest(view: &View, metric: &str, of: Of) -> Result<(f64, String)> {
    let m =
        view.measure(metric).ok_or_else(|| Error::usage(format!("--until: no case has a {metric} score to go by")))?;
    let place = |c: usize| &view.conditions[c].name;
    let differences = view.comparisons.iter().filter(|c| c.measure == m).map(|c| {
        let (a, b) = (&view.settings[c.a].label, &view.settings[c.b].label);
        (c.paired.difference.interval, format!("{b} against {a}, {}", place(c.condition)))
    });
    let means = view.cells.iter().filter_map(|((s, c), cell)| {
        Some((cell.summaries.get(&m)?.interval, format!("{}, {}", view.settings[*s].label, place(*c))))
    });
    let all: Vec<(Option<Interval>, String)> = match of {
        Of::Differences if view.settings.len() > 1 => differences.collect(),
        _ => means.collect(),
    };
    let mut widest: Option<(f64, String)> = None;
    for (interval, name) in all {
        let Interval { low, high } = interval.ok_or_else(|| {
            Error::usage(format!("--until: one clip has no interval ({name}); give two or more clips"))
        })?;
        let half = 0.5 * (high - low);
        if widest.as_ref().is_none_or(|(most, _)| half > *most) {
            widest = Some((half, name));
        }
    }
    widest.ok_or_else(|| Error::usage(format!("--until: nothing can be compared in {metric}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_grow_by_what_is_missing_at_most_twofold_and_end_at_the_maximum() {
        assert_eq!(more(4, 50, 1.2), Some(6));
        assert_eq!(more(4, 50, 1.0001), Some(5));
        assert_eq!(more(4, 50, 30.0), Some(8));
        assert_eq!(more(40, 50, 30.0), Some(50));
        assert_eq!(more(50, 50, 30.0), None);
        assert_eq!(more(60, 50, 30.0), None);
    }

    #[test]
    fn only_a_width_is_taken() {
        assert_eq!(half_width("0.05"), Ok(0.05));
        for wrong in ["0", "-1", "NaN", "inf", "x"] {
            assert!(half_width(wrong).unwrap_err().contains("above 0"));
        }
    }
}
