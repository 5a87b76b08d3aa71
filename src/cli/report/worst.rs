//! The cases of video that are worth looking at one by one: the worst of each network.

use crate::error::Result;
use crate::plan::Outcome;
use crate::report::Timeline;
use crate::store::Store;
use std::collections::BTreeMap;

/// What says how bad a case is, the most telling first; also the curves of its timeline.
const BY: [&str; 3] = ["vmaf", "psnr-y", "ssim"];
const MOST: usize = 3;

/// The worst case of each network so far.
#[derive(Default)]
pub struct Worst {
    /// By place in [`BY`] and network.
    found: BTreeMap<(usize, String), Case>,
}

/// A finished case of video, and where it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// Place among the stores.
    pub store: usize,
    /// In the store.
    pub key: String,
    /// Place in the plan.
    pub index: usize,
    /// The setting's label.
    pub label: String,
    pub net: String,
    pub clip: String,
    pub seed: u64,
    /// Asked loss in percent.
    loss: f64,
    score: f64,
}

impl Worst {
    /// Cases that failed, and those without a score of pictures, are passed over.
    pub fn see(&mut self, store: usize, outcome: &Outcome) {
        let Ok(scores) = &outcome.result else { return };
        for (by, id) in BY.iter().enumerate() {
            let Some(score) = scores.values.get(*id).copied() else { continue };
            let known = self.found.get(&(by, outcome.net.clone()));
            if known.is_none_or(|worst| score < worst.score) {
                let case = Case {
                    store,
                    key: outcome.key.clone(),
                    index: outcome.index,
                    label: outcome.label.clone(),
                    net: outcome.net.clone(),
                    clip: outcome.clip.clone(),
                    seed: outcome.seed,
                    loss: outcome.net_loss,
                    score,
                };
                self.found.insert((by, outcome.net.clone()), case);
            }
        }
    }

    /// One case of each network by the most telling metric that there is, those with the most loss first; three at most.
    pub fn cases(&self) -> Vec<Case> {
        let best = self.found.keys().map(|(by, _)| *by).min();
        let of = self.found.iter().filter(|((by, _), _)| Some(*by) == best);
        let mut cases: Vec<Case> = of.map(|(_, case)| case.clone()).collect();
        cases.sort_by(|a, b| b.loss.total_cmp(&a.loss).then(a.score.total_cmp(&b.score)));
        cases.truncate(MOST);
        cases
    }
}

impl Case {
    /// "delay 25ms loss 5%, clip synth-talk, seed 1".
    pub fn words(&self) -> String {
        let net = if self.net.is_empty() || self.net == "none" { "clean network" } else { &self.net };
        format!("{net}, clip {}, seed {}", self.clip, self.seed)
    }

    /// Its series out of its store.
    ///
    /// # Errors
    /// [`crate::Error::Store`]: the file is damaged.
    pub fn timeline(&self, stores: &[&Store]) -> Result<Timeline> {
        let series = stores[self.store].series(&self.key)?;
        let values = |id: &str| series.get(id).map(|(_, values)| values.clone());
        let marks = |id: &str| values(id).unwrap_or_default().iter().map(|v| *v > 0.5).collect();
        Ok(Timeline {
            setting: self.label.clone(),
            case: self.words(),
            step_ms: BY.iter().find_map(|id| series.get(*id)).map_or(0.0, |(step, _)| *step),
            curves: BY.iter().filter_map(|id| Some(((*id).to_owned(), values(id)?))).collect(),
            frozen: marks("frozen"),
            key: marks("key"),
        })
    }
}
