//! Stores to the figures of a report.

use super::exhibits;
use super::measure::COMPARED;
use super::worst::Worst;
use crate::cost::Cost;
use crate::error::Result;
use crate::latency::{Footprint, SettingDelay};
use crate::plan::Outcome;
use crate::report::{Compare, CostRow, DelayRow, Extras, View};
use crate::store::Store;
use std::collections::BTreeSet;

/// The figures of all stores together, and what their runs measured besides; nothing is measured here. A case that is in
/// two of them counts once. `anchor` is the codec or setting that the others' BD-rate is against; if it is not given, the
/// plan's first with four bitrates.
///
/// # Errors
/// The stores hold no finished case, or are damaged; no setting is called `anchor`.
pub fn view(stores: &[&Store], compare: Compare, anchor: Option<String>) -> Result<View> {
    let mut names: Vec<String> = Vec::new();
    let mut costs = Vec::new();
    for store in stores {
        let name = store.plan()?;
        if !names.contains(&name) {
            names.push(name);
        }
        costs.extend(store.measurements::<Cost>()?.into_iter().map(|(label, cost)| CostRow {
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
    let (mut worst, mut origins) = (Worst::default(), Origins::default());
    let outcomes = stores.iter().enumerate().flat_map(|(i, store)| store.outcomes().map(move |o| (i, o)));
    let once = outcomes.filter(|(_, o)| o.as_ref().map_or(true, |o| new(&o.key, &o.label)));
    let once = once.map(|(i, outcome)| {
        outcome.inspect(|o| {
            worst.see(i, o);
            origins.see(i, o);
        })
    });
    let mut view = View::build(once, Extras { title: names.join(", "), costs, compare, anchor, ..Extras::default() })?;
    view.exhibits = worst.cases().iter().filter_map(|c| exhibits::read(stores[c.store].folder(), c)).collect();
    view.timelines = worst.cases().iter().map(|case| case.timeline(stores)).collect::<Result<_>>()?;
    view.delays = origins.delays(stores, &view)?;
    view.footprints = origins.footprints(stores, &view)?;
    Ok(view)
}

/// The settings of the view in its order, each by the store that has it first and its label there.
#[derive(Default)]
struct Origins(Vec<(usize, [String; 4])>);

impl Origins {
    fn see(&mut self, store: usize, outcome: &Outcome) {
        let setting = outcome.setting();
        if !self.0.iter().any(|(_, known)| *known == setting) {
            self.0.push((store, setting.map(str::to_owned)));
        }
    }

    /// Each setting's own; the view may have numbered its label, where two stores have the same.
    fn delays(&self, stores: &[&Store], view: &View) -> Result<Vec<DelayRow>> {
        let measured = stores.iter().map(|store| store.measurements::<Option<SettingDelay>>());
        let measured = measured.collect::<Result<Vec<_>>>()?;
        let row = |((store, [label, ..]), setting): (&(usize, [String; 4]), &crate::report::Setting)| {
            let delay = (*measured[*store].get(label)?)?;
            Some(DelayRow {
                codec: setting.codec.clone(),
                setting: setting.label.clone(),
                bitrate: None,
                frame_ms: delay.frame_ms,
                lookahead_ms: delay.lookahead_ms,
                total_ms: delay.total_ms,
            })
        };
        Ok(self.0.iter().zip(&view.settings).filter_map(row).collect())
    }

    /// Of the codecs of audio, where there are enough to compare.
    fn footprints(&self, stores: &[&Store], view: &View) -> Result<Vec<Footprint>> {
        let measured = stores.iter().map(|store| store.measurements::<Vec<Footprint>>());
        let measured = measured.collect::<Result<Vec<_>>>()?;
        let mut codecs: Vec<(&str, &Vec<Footprint>)> = Vec::new();
        for ((store, [label, ..]), setting) in self.0.iter().zip(&view.settings) {
            let known = codecs.iter().any(|(codec, _)| *codec == setting.codec);
            match measured[*store].get(label) {
                Some(of) if !known => codecs.push((&setting.codec, of)),
                _ => {}
            }
        }
        let enough = codecs.len() >= COMPARED;
        Ok(codecs.into_iter().filter(|_| enough).flat_map(|(_, of)| of.clone()).collect())
    }
}
