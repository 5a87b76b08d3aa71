//! Material of several sample rates: apart where each rate can have a verdict of its own, else one kind of material.

use super::{CellSums, EXAMPLES, Gather};
use crate::media::Content;
use crate::report::condition::ConditionSums;
use crate::stats::MIN_CLIPS;
use std::collections::{BTreeMap, BTreeSet};

impl Gather {
    /// Makes one of the conditions that differ in their clips' sample rate alone, unless every rate of that kind of
    /// material has the clips that a verdict needs.
    pub(super) fn pool_rates(&mut self) {
        let apart = self.apart();
        let mut places = Vec::with_capacity(self.conditions.len());
        for mut c in std::mem::take(&mut self.conditions) {
            c.rate = c.rate.filter(|_| apart.contains(&c.content));
            // The rate of a clip that was never scored is not known: it stands with the first.
            let same = |o: &ConditionSums| {
                let rate = o.rate == c.rate || o.rate.is_none() || c.rate.is_none();
                rate && o.net == c.net && o.receiver == c.receiver && o.content == c.content
            };
            let place = self.conditions.iter().position(same);
            places.push(place.unwrap_or(self.conditions.len()));
            match place {
                Some(place) => {
                    let known = &mut self.conditions[place];
                    known.rate = known.rate.or(c.rate);
                    known.clips.extend(c.clips);
                    known.seeds.extend(c.seeds);
                }
                None => self.conditions.push(c),
            }
        }
        for ((setting, condition), sums) in std::mem::take(&mut self.cells) {
            self.cells.entry((setting, places[condition])).or_default().merge(sums);
        }
        for f in std::mem::take(&mut self.failures) {
            let condition = places[f.condition];
            let same = self
                .failures
                .iter_mut()
                .find(|known| known.setting == f.setting && known.condition == condition && known.reason == f.reason);
            match same {
                Some(known) => {
                    known.count += f.count;
                    known.examples.extend(f.examples);
                    known.examples.truncate(EXAMPLES);
                }
                None => self.failures.push(crate::report::view::Failure { condition, ..f }),
            }
        }
    }

    /// The kinds of material of which there are several sample rates, each with clips enough.
    fn apart(&self) -> Vec<Content> {
        let mut kinds: Vec<(Content, BTreeMap<u32, BTreeSet<usize>>)> = Vec::new();
        for c in &self.conditions {
            let Some(rate) = c.rate else { continue };
            let place = kinds.iter().position(|(content, _)| *content == c.content).unwrap_or_else(|| {
                kinds.push((c.content, BTreeMap::new()));
                kinds.len() - 1
            });
            kinds[place].1.entry(rate).or_default().extend(&c.clips);
        }
        let enough = |rates: &BTreeMap<u32, BTreeSet<usize>>| {
            rates.len() > 1 && rates.values().all(|clips| clips.len() >= MIN_CLIPS)
        };
        kinds.into_iter().filter(|(_, rates)| enough(rates)).map(|(content, _)| content).collect()
    }
}

impl CellSums {
    fn merge(&mut self, other: CellSums) {
        self.cases += other.cases;
        self.failed += other.failed;
        for (place, sum) in other.sums {
            let mine = self.sums.entry(place).or_default();
            mine.total += sum.total;
            mine.count += sum.count;
        }
        for (measure, singles) in other.singles {
            self.singles.entry(measure).or_default().extend(singles);
        }
        self.seen.merge(other.seen);
    }
}
