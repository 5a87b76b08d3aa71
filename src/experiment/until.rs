//! Seeds are added until the intervals are narrow enough.

use crate::error::{Error, Result};
use crate::media::Media;
use crate::plan::Plan;
use crate::report::figure::figure;
use crate::report::{Extras, View};
use crate::stats::Interval;
use crate::store::Store;
use crate::units::Seed;

/// How narrow the 95 % intervals of the plan's first metric shall be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Until {
    /// Plus and minus so much, in the metric's unit; above 0.
    pub half_width: f64,
    /// Never more seeds than this.
    pub max_seeds: usize,
    pub of: Of,
}

/// Which intervals must be narrow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// Those of the differences between settings; of the means where there is one setting alone.
    Differences,
    Means,
}

/// What follows from the intervals of a plan that was run.
pub(super) struct Next {
    /// For people: how wide they are, and how it goes on.
    pub told: String,
    /// To be added; none when that is the end.
    pub seeds: Vec<Seed>,
}

impl Until {
    /// # Errors
    /// [`Error::Usage`] when there is no interval to go by; [`Error::Store`] when the store is damaged.
    pub(super) fn next<M: Media>(&self, plan: &Plan<M>, store: &Store) -> Result<Next> {
        let Until { half_width, max_seeds, of } = *self;
        let first = plan.metrics.first().map_or("", |m| m.scale.id);
        let view = View::build(store.outcomes(), Extras::default())?;
        let (width, which) = widest(&view, first, of)?;
        let seeds = plan.seeds.len();
        let unit = view.measure(first).map_or("", |m| view.measures[m].unit.as_str());
        let reached = format!("{seeds} {}: {first} \u{b1}{} {unit} ({which})", plural(seeds), figure(width, unit));
        if width <= half_width {
            return Ok(Next { told: format!("until {half_width}: reached with {reached}"), seeds: Vec::new() });
        }
        let Some(next) = more(seeds, max_seeds, width / half_width) else {
            let told = format!(
                "until {half_width}: not reached with {reached}; seeds cannot make clips more alike: take more clips, or \
                 more than {max_seeds} seeds"
            );
            return Ok(Next { told, seeds: Vec::new() });
        };
        let last = plan.seeds.last().map_or(0, |s| s.0);
        let seeds = (1..=(next - seeds) as u64).map(|i| Seed(last.wrapping_add(i)));
        Ok(Next { told: format!("{reached}; going on with {next} seeds"), seeds: seeds.collect() })
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
        view.measure(metric).ok_or_else(|| Error::usage(format!("until: no case has a {metric} score to go by")))?;
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
        let Interval { low, high } = interval
            .ok_or_else(|| Error::usage(format!("until: one clip has no interval ({name}); give two or more clips")))?;
        let half = 0.5 * (high - low);
        if widest.as_ref().is_none_or(|(most, _)| half > *most) {
            widest = Some((half, name));
        }
    }
    widest.ok_or_else(|| Error::usage(format!("until: nothing can be compared in {metric}")))
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
}
