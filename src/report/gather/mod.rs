//! Outcomes to a [`View`], in one pass and with sums for memory.

mod names;
mod rates;
mod seen;

use super::condition::{self, ConditionSums};
use super::delta::{self, Curves};
use super::published;
use super::view::{Caveat, Cell, Compare, Comparison, Extras, Failure, Measure, Setting, Unscored, View};
use crate::corpus;
use crate::error::{Error, Result};
use crate::metric::{self, Better};
use crate::plan::{Outcome, Scores};
use crate::stats::{Entries, Prefer, Question, judge, paired, summary};
use names::{Names, colour, list, tell_apart};
use seen::SeenSums;
use std::collections::{BTreeMap, BTreeSet};

/// So many settings at most are compared in pairs: beyond, pairs are too many to read.
const MOST_PAIRED: usize = 4;
/// Pairs need the single values of both sides in memory, about 150 bytes for each case.
const MOST_PAIRED_CASES: usize = 200_000;
const EXAMPLES: usize = 8;

impl View {
    /// Reads all outcomes once, in the order of the plan.
    ///
    /// # Errors
    /// The first error of the iterator; [`Error::Usage`] when there is no outcome at all.
    pub fn build(outcomes: impl IntoIterator<Item = Result<Outcome>>, extras: Extras) -> Result<View> {
        let mut gather = Gather::new(extras.compare);
        for outcome in outcomes {
            gather.add(&outcome?);
        }
        gather.view(extras)
    }
}

#[derive(Default)]
pub struct Gather {
    compare: Compare,
    settings: Vec<SettingSums>,
    conditions: Vec<ConditionSums>,
    clips: Names,
    /// Sample rates by clip, in Hz.
    rates: BTreeMap<usize, u32>,
    measures: Names,
    cells: BTreeMap<(usize, usize), CellSums>,
    failures: Vec<Failure>,
    unscored: BTreeMap<(String, usize, String), usize>,
    caveats: BTreeMap<(&'static str, &'static str), usize>,
    seeds: BTreeMap<u64, u32>,
    /// Warm-ups in ms, as shown.
    warm_ups: BTreeSet<String>,
    cases: usize,
}

struct SettingSums {
    setting: Setting,
    effective: BTreeMap<String, BTreeSet<String>>,
}

#[derive(Default)]
struct CellSums {
    cases: usize,
    failed: usize,
    /// By measure and clip.
    sums: BTreeMap<(usize, usize), Sum>,
    /// By measure: clip, seed and value; only as long as settings may still be compared in pairs.
    singles: BTreeMap<usize, Vec<(u32, u32, f64)>>,
    seen: SeenSums,
}

#[derive(Clone, Copy, Default)]
struct Sum {
    total: f64,
    count: u32,
}

impl Gather {
    pub fn new(compare: Compare) -> Gather {
        Gather { compare, ..Gather::default() }
    }

    pub fn add(&mut self, outcome: &Outcome) {
        self.cases += 1;
        self.warm_ups.insert(format!("{} s", outcome.warm_up_ms / 1000.0));
        let seeds = self.seeds.len() as u32;
        let seed = *self.seeds.entry(outcome.seed).or_insert(seeds);
        let setting = self.setting(outcome);
        let pairs = self.pairs();
        if !pairs {
            self.cells.values_mut().for_each(|c| c.singles.clear());
        }
        let condition = self.condition(outcome);
        let clip = self.clips.place(&outcome.clip);
        let cell = self.cells.entry((setting, condition)).or_default();
        cell.cases += 1;
        match &outcome.result {
            Ok(scores) => {
                for (id, value) in scores.values.iter().filter(|(_, v)| v.is_finite()) {
                    let measure = self.measures.place(id);
                    let sum = cell.sums.entry((measure, clip)).or_default();
                    sum.total += value;
                    sum.count += 1;
                    if pairs && metric::scale(id).is_some_and(|s| s.better != Better::Neither) {
                        cell.singles.entry(measure).or_default().push((clip as u32, seed, *value));
                    }
                }
                cell.seen.add(&scores.observed);
                self.settings[setting].add(scores);
                for (metric, reason) in &scores.unscored {
                    *self.unscored.entry((metric.clone(), setting, reason.clone())).or_default() += 1;
                }
                for (metric, reasons) in outcome.caveats() {
                    reasons.into_iter().for_each(|reason| *self.caveats.entry((metric, reason)).or_default() += 1);
                }
            }
            Err(reason) => {
                cell.failed += 1;
                self.fail(setting, condition, reason, format!("{}, seed {}", outcome.clip, outcome.seed));
            }
        }
    }

    pub fn view(mut self, extras: Extras) -> Result<View> {
        if self.cases == 0 {
            return Err(Error::usage("nothing to report: no finished case"));
        }
        self.pool_rates();
        let order = self.measures.by_list();
        let cells = self.cells.iter().map(|(place, sums)| (*place, sums.cell(&order))).collect();
        let unscored = self.unscored.iter().map(|((metric, setting, reason), count)| Unscored {
            metric: metric.clone(),
            setting: *setting,
            reason: reason.clone(),
            count: *count,
        });
        let mut view = View {
            title: if extras.title.is_empty() { "codecbench".into() } else { extras.title },
            measures: order.iter().map(|m| Measure::of(&self.measures.names[*m])).collect(),
            settings: self.settings.iter().map(SettingSums::setting).collect(),
            conditions: condition::all(&self.conditions),
            cells,
            comparisons: Vec::new(),
            deltas: Vec::new(),
            published: Vec::new(),
            unscored: unscored.collect(),
            caveats: Vec::new(),
            delays: extras.delays,
            footprints: extras.footprints,
            costs: extras.costs,
            timelines: extras.timelines,
            exhibits: extras.exhibits,
            provenance: Vec::new(),
            cases: self.cases,
            failed: self.failures.iter().map(|f| f.count).sum(),
            failures: Vec::new(),
            clips: self.clips.names.len(),
            artificial: self.clips.names.iter().filter(|id| corpus::is_artificial(id)).count(),
        };
        let caveats = self.caveats.iter().filter_map(|((metric, reason), count)| {
            Some(Caveat { measure: view.measure(metric)?, reason: (*reason).to_owned(), count: *count })
        });
        view.caveats = caveats.collect();
        tell_apart(&mut view.settings);
        colour(&mut view.settings);
        view.comparisons = self.comparisons(&view, &order);
        view.deltas = delta::all(&view, extras.anchor.as_deref(), &PerClip { gather: &self, order: &order })?;
        view.published = published::all(&view, &PerClip { gather: &self, order: &order });
        view.provenance = self.provenance(&view, extras.provenance);
        view.failures = self.failures;
        Ok(view)
    }

    fn setting(&mut self, o: &Outcome) -> usize {
        let same = |s: &SettingSums| {
            let s = &s.setting;
            [&s.label, &s.codec, &s.requested, &s.codec_version] == o.setting()
        };
        self.settings.iter().position(same).unwrap_or_else(|| {
            let setting = Setting {
                label: o.label.clone(),
                codec: o.codec.clone(),
                codec_version: o.codec_version.clone(),
                requested: o.requested.clone(),
                effective: BTreeMap::new(),
                changes: Vec::new(),
                colour: 0,
            };
            self.settings.push(SettingSums { setting, effective: BTreeMap::new() });
            self.settings.len() - 1
        })
    }

    fn condition(&mut self, o: &Outcome) -> usize {
        let clip = self.clips.place(&o.clip);
        if let Some(rate) = o.clip_rate() {
            self.rates.insert(clip, rate);
        }
        let rate = self.rates.get(&clip).copied();
        let same =
            |c: &ConditionSums| c.net == o.net && c.receiver == o.receiver && c.content == o.content && c.rate == rate;
        let place = self.conditions.iter().position(same).unwrap_or_else(|| {
            self.conditions.push(ConditionSums {
                net: o.net.clone(),
                shown: o.net_shown.clone(),
                receiver: o.receiver.clone(),
                content: o.content,
                rate,
                loss: o.net_loss,
                clips: BTreeSet::new(),
                seeds: BTreeSet::new(),
            });
            self.conditions.len() - 1
        });
        self.conditions[place].clips.insert(clip);
        self.conditions[place].seeds.insert(o.seed);
        place
    }

    fn fail(&mut self, setting: usize, condition: usize, reason: &str, example: String) {
        let same = |f: &&mut Failure| f.setting == setting && f.condition == condition && f.reason == reason;
        match self.failures.iter_mut().find(same) {
            Some(failure) => {
                failure.count += 1;
                if failure.examples.len() < EXAMPLES {
                    failure.examples.push(example);
                }
            }
            None => {
                let reason = reason.to_owned();
                self.failures.push(Failure { setting, condition, reason, count: 1, examples: vec![example] });
            }
        }
    }

    fn pairs(&self) -> bool {
        (self.settings.len() <= MOST_PAIRED || self.compare == Compare::WithFirst) && self.cases <= MOST_PAIRED_CASES
    }

    fn comparisons(&self, view: &View, order: &[usize]) -> Vec<Comparison> {
        let n = view.settings.len();
        let firsts = if n <= MOST_PAIRED { n } else { 1 };
        let (mut places, mut questions) = (Vec::new(), Vec::new());
        for condition in 0..view.conditions.len() {
            for (a, b) in (0..firsts).flat_map(|a| (a + 1..n).map(move |b| (a, b))) {
                let entries = |s, m| self.cells.get(&(s, condition)).and_then(|c: &CellSums| c.entries(m));
                for (measure, m) in order.iter().enumerate() {
                    let (Some(x), Some(y)) = (entries(a, m), entries(b, m)) else { continue };
                    let Some(paired) = paired(&x, &y) else { continue };
                    let Measure { better, margin, .. } = view.measures[measure];
                    let prefer = match better {
                        Better::Higher => Prefer::Higher,
                        Better::Lower => Prefer::Lower,
                        Better::Neither => Prefer::Neither,
                    };
                    places.push((condition, measure, a, b));
                    questions.push(Question { paired, prefer, margin });
                }
            }
        }
        // All of the report are one family.
        let answers = questions.iter().zip(judge(&questions));
        let told = |((condition, measure, a, b), (question, judged)): (_, (&Question, _))| Comparison {
            condition,
            measure,
            a,
            b,
            paired: question.paired,
            judged,
        };
        places.into_iter().zip(answers).map(told).collect()
    }

    fn provenance(&self, view: &View, more: Vec<(String, String)>) -> Vec<(String, String)> {
        let mut lines = vec![("codecbench".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
        for s in &view.settings {
            let line = (format!("codec {}", s.codec), s.codec_version.clone());
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
        let receivers: BTreeSet<&str> = self.conditions.iter().map(|c| c.receiver.as_str()).collect();
        lines.push(("receiver".into(), receivers.into_iter().collect::<Vec<_>>().join(", ")));
        lines.push(("warm-up before the scored pass".into(), list(self.warm_ups.iter().cloned())));
        lines.push(("seeds".into(), list(self.seeds.keys().map(u64::to_string))));
        lines.push(("clips".into(), list(self.clips.names.iter().cloned())));
        lines.push(("cases".into(), format!("{}, of which {} failed", view.cases, view.failed)));
        if view.settings.len() <= MOST_PAIRED && !self.pairs() {
            let why = format!("left out: more than {MOST_PAIRED_CASES} cases");
            lines.push(("differences between settings".into(), why));
        }
        lines.extend(more);
        lines
    }
}

/// The mean of each clip over its seeds.
struct PerClip<'a> {
    gather: &'a Gather,
    order: &'a [usize],
}

impl Curves for PerClip<'_> {
    fn clips(&self, setting: usize, condition: usize, measure: usize) -> BTreeMap<usize, f64> {
        let cell = self.gather.cells.get(&(setting, condition));
        cell.map_or_else(BTreeMap::new, |cell| cell.means(self.order[measure]).collect())
    }
}

impl SettingSums {
    fn add(&mut self, scores: &Scores) {
        for (name, value) in &scores.effective {
            self.effective.entry(name.clone()).or_default().insert(value.clone());
        }
        for change in &scores.changes {
            if !self.setting.changes.contains(change) {
                self.setting.changes.push(change.clone());
            }
        }
    }

    fn setting(&self) -> Setting {
        let effective = self.effective.iter().map(|(k, v)| (k.clone(), v.iter().cloned().collect())).collect();
        Setting { effective, ..self.setting.clone() }
    }
}

impl CellSums {
    fn entries(&self, measure: &usize) -> Option<Entries<u32, u32>> {
        let singles = self.singles.get(measure)?;
        Some(singles.iter().map(|(clip, seed, value)| ((*clip, *seed), Some(*value))).collect())
    }

    /// By clip.
    fn means(&self, measure: usize) -> impl Iterator<Item = (usize, f64)> {
        let sums = self.sums.range((measure, 0)..(measure + 1, 0));
        sums.map(|((_, clip), sum)| (*clip, sum.total / f64::from(sum.count)))
    }

    fn cell(&self, order: &[usize]) -> Cell {
        let means = |m: &usize| -> Vec<Vec<f64>> { self.means(*m).map(|(_, mean)| vec![mean]).collect() };
        let summaries = order.iter().enumerate().filter_map(|(place, m)| Some((place, summary(&means(m))?)));
        Cell { cases: self.cases, failed: self.failed, summaries: summaries.collect(), observed: self.seen.seen() }
    }
}
