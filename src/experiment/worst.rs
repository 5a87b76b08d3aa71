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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Request;
    use crate::codec::audio::l16::L16;
    use crate::experiment::view;
    use crate::media::{Clip, Content, Pcm, PcmFormat};
    use crate::metric::Series;
    use crate::net::spec::Shown;
    use crate::peer::Transport;
    use crate::plan::{Plan, Scores, Setting};
    use crate::playout::audio::Receiver;
    use crate::report::Compare;
    use crate::store::Finished;
    use crate::units::Seed;
    use std::sync::Arc;
    use std::time::Duration;

    /// Two settings over four networks; the second setting is worse by 10, and each network than the one before.
    fn plan() -> Plan {
        let pcm = Pcm::silence(PcmFormat::mono(8000), 1);
        let networks = ["none", "loss 2%", "loss 5%", "loss 10%"];
        Plan {
            name: "test".into(),
            clips: vec![Arc::new(Clip::new("walk", Content::Camera, pcm))],
            settings: ["A", "B"].map(|l| Setting::new(l, &L16, Request::default())).into(),
            receivers: vec![Receiver::default()],
            networks: networks.map(|n| n.parse().unwrap()).into(),
            seeds: vec![Seed(7)],
            warm_up: Duration::ZERO,
            metrics: Vec::new(),
            transport: Transport::Virtual,
            left_out: Vec::new(),
        }
    }

    fn scores(index: usize) -> Scores {
        let psnr = 40.0 - 10.0 * (index % 2) as f64 - (index / 2) as f64;
        let series = |name, values: [f32; 3]| Series { name, step_ms: 40.0, values: values.into() };
        Scores {
            values: BTreeMap::from([("psnr-y".into(), psnr)]),
            series: vec![
                series("psnr-y", [psnr as f32, 20.0, 30.0]),
                series("frozen", [0.0, 1.0, 0.0]),
                series("key", [1.0, 0.0, 1.0]),
            ],
            ..Scores::default()
        }
    }

    #[test]
    fn the_worst_case_of_the_hardest_networks_has_its_series() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::create(folder.path()).unwrap();
        let mut plan = plan();
        // The key has the settings' requests in it, not their labels.
        plan.settings[1].request.complexity = Some(1);
        store.begin(&plan).unwrap();
        let finished: Vec<Finished> =
            plan.cases().enumerate().map(|(i, case)| Finished { case, result: Ok(scores(i)) }).collect();
        store.write(&finished).unwrap();
        let view = view(&[&store], Compare::FewOnly, None).unwrap();
        let shown: Vec<(&str, &str)> =
            view.timelines.iter().map(|t| (t.setting.as_str(), t.case.split(',').next().unwrap())).collect();
        assert_eq!(shown, [("B", "loss 10%"), ("B", "loss 5%"), ("B", "loss 2%")]);
        let first = &view.timelines[0];
        assert_eq!(first.case, "loss 10%, clip walk, seed 7");
        assert_eq!((first.step_ms, first.curves.len()), (40.0, 1));
        assert_eq!(first.worst(), Some(("psnr-y", 1, 20.0)));
        assert_eq!(
            (first.frozen.as_slice(), first.key.as_slice()),
            (&[false, true, false][..], &[true, false, true][..])
        );
    }

    #[test]
    fn cases_without_a_score_of_pictures_are_passed_over() {
        let mut worst = Worst::default();
        let mut outcome = Outcome {
            key: String::new(),
            index: 3,
            clip: "c".into(),
            content: Content::Camera,
            codec: "VP8".into(),
            codec_version: String::new(),
            label: "A".into(),
            requested: String::new(),
            net: "none".into(),
            net_shown: Shown::default(),
            net_loss: 0.0,
            receiver: String::new(),
            warm_up_ms: 0.0,
            seed: 1,
            result: Err("gone".into()),
        };
        worst.see(0, &outcome);
        outcome.result = Ok(Scores { values: BTreeMap::from([("pesq-wb".into(), 1.0)]), ..Scores::default() });
        worst.see(0, &outcome);
        assert!(worst.cases().is_empty());
        let values = BTreeMap::from([("vmaf".into(), 50.0), ("psnr-y".into(), 20.0)]);
        outcome.result = Ok(Scores { values, ..Scores::default() });
        worst.see(1, &outcome);
        let cases = worst.cases();
        assert_eq!((cases.len(), cases[0].index, cases[0].store), (1, 3, 1));
        assert_eq!(cases[0].words(), "clean network, clip c, seed 1");
    }
}
