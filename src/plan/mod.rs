//! What to measure: a [`Plan`] (TOML, see [`mod@file`]) unfolds into [`Case`]s; a finished case is an [`Outcome`].

pub mod file;
mod kind;
mod shipped;

pub use shipped::{SHIPPED, Shipped};

use crate::codec::{Change, Codec, Observed, Request};
use crate::media::{Clip, Media, Pcm, Picture};
use crate::metric::equipment::Equipment;
use crate::metric::{self, Metric, Scale, Series, Situation};
use crate::net::spec::{NetSpec, Shown};
use crate::peer::Transport;
use crate::playout::audio::Receiver;
use crate::sdp::repair::Repair;
use crate::units::{Bitrate, Seed, ms};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// The axes of an experiment. Its cases are their product; no case is kept in memory.
#[derive(Clone)]
pub struct Plan<M: Media = Pcm> {
    /// The folder below `reports/`.
    pub name: String,
    pub clips: Vec<Arc<Clip<M>>>,
    pub settings: Vec<Setting<M>>,
    pub receivers: Vec<Receiver>,
    pub networks: Vec<NetSpec>,
    pub seeds: Vec<Seed>,
    pub warm_up: Duration,
    pub metrics: Vec<&'static Metric<M>>,
    pub transport: Transport,
    /// Codecs that the plan names, but this build does not have.
    pub left_out: Vec<String>,
}

/// A plan of either kind of media.
pub enum AnyPlan {
    Audio(Plan),
    Video(Plan<Picture>),
}

/// A codec with what is asked of it.
#[derive(Clone)]
pub struct Setting<M: Media = Pcm> {
    /// Unique in a plan.
    pub label: String,
    pub codec: &'static Codec<M>,
    pub request: Request,
    /// Audio in the same PeerConnection as this video (BUNDLE, RFC 9143).
    pub beside: Option<Arc<Beside>>,
    /// What the E-model takes the codec for, where the user knows better than the published table or it has no row.
    pub equipment: Option<Equipment>,
}

/// The audio of a call whose video is measured. It competes for the link, is scored as any audio, and its delay against
/// that of the pictures is the lip-sync offset.
#[derive(Clone)]
pub struct Beside {
    pub clip: Arc<Clip>,
    pub codec: &'static Codec<Pcm>,
    pub request: Request,
    pub metrics: Vec<&'static Metric<Pcm>>,
}

impl<M: Media> Setting<M> {
    pub fn new(label: impl Into<String>, codec: &'static Codec<M>, request: Request) -> Setting<M> {
        Setting { label: label.into(), codec, request, beside: None, equipment: None }
    }
}

impl Beside {
    /// "opus 32 kbit/s, clip synth-voice-1".
    pub fn requested(&self) -> String {
        format!("{}, clip {}", requested(self.codec, &self.request), self.clip.id)
    }
}

impl<M: Media> Plan<M> {
    /// The number of cases.
    pub fn len(&self) -> usize {
        self.seeds.len() * self.clips.len() * self.receivers.len() * self.networks.len() * self.settings.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The case at that place of the product, from 0 to [`Plan::len`]; `None` beyond.
    ///
    /// Settings turn fastest, then networks, receivers and clips; seeds turn slowest. So settings that will be compared
    /// finish together, cheap and dear ones alternate (the time left is foreseen well), and a run that was stopped has
    /// whole replicates.
    pub fn case(&self, index: usize) -> Option<Case<M>> {
        let mut rest = index;
        let mut turn = |length: usize| {
            let place = rest.checked_rem(length);
            rest = rest.checked_div(length).unwrap_or(0);
            place
        };
        let setting = self.settings.get(turn(self.settings.len())?)?;
        let net = self.networks.get(turn(self.networks.len())?)?;
        let receiver = self.receivers.get(turn(self.receivers.len())?)?;
        let clip = self.clips.get(turn(self.clips.len())?)?;
        let seed = self.seeds.get(rest)?;
        Some(Case {
            clip: clip.clone(),
            codec: setting.codec,
            label: setting.label.clone(),
            request: setting.request.clone(),
            beside: setting.beside.clone(),
            equipment: setting.equipment,
            receiver: *receiver,
            net: net.clone(),
            warm_up: self.warm_up,
            seed: *seed,
            metrics: self.metrics.clone(),
            transport: self.transport,
        })
    }

    /// All cases in the order of [`Plan::case`], made one at a time.
    pub fn cases(&self) -> impl Iterator<Item = Case<M>> + '_ {
        (0..self.len()).map_while(|index| self.case(index))
    }

    /// The same number of seeds, but counted from `base` on.
    pub fn with_base_seed(mut self, base: u64) -> Plan<M> {
        self.seeds = (0..self.seeds.len() as u64).map(|i| Seed(base.wrapping_add(i))).collect();
        self
    }
}

/// One call: a clip with a codec setting and a receiver, over one network, with one seed.
#[derive(Clone)]
pub struct Case<M: Media = Pcm> {
    pub clip: Arc<Clip<M>>,
    pub codec: &'static Codec<M>,
    /// The setting's name in charts and tables, unique in a plan: "opus 24k", "A", "B".
    pub label: String,
    pub request: Request,
    pub beside: Option<Arc<Beside>>,
    pub equipment: Option<Equipment>,
    /// `fixed:60ms` or `adaptive`.
    pub receiver: Receiver,
    pub net: NetSpec,
    pub warm_up: Duration,
    pub seed: Seed,
    pub metrics: Vec<&'static Metric<M>>,
    pub transport: Transport,
}

impl<M: Media> Case<M> {
    /// A simulated call from the first frame of the clip on, as the codec runs when nothing is asked of it, heard or seen by
    /// the usual receiver; it gets no score but the facts of the call. Its label is the codec's name.
    pub fn new(clip: Arc<Clip<M>>, codec: &'static Codec<M>, net: NetSpec, seed: Seed) -> Case<M> {
        Case {
            clip,
            codec,
            label: codec.name.into(),
            request: Request::default(),
            beside: None,
            equipment: None,
            receiver: Receiver::default(),
            net,
            warm_up: Duration::ZERO,
            seed,
            metrics: Vec::new(),
            transport: Transport::default(),
        }
    }

    /// The setting in words, with the audio beside it and the user's figures for the E-model.
    pub fn requested(&self) -> String {
        let beside = self.beside.as_ref().map_or(String::new(), |b| format!(", beside {}", b.requested()));
        let equipment = self.equipment.map_or(String::new(), |e| format!(", E-model {}", e.words()));
        requested(self.codec, &self.request) + &beside + &equipment
    }
}

/// A setting in words, only what was asked: "opus 24 kbit/s, 20 ms, complexity 9, voip, useinbandfec=1", "external EVS, 9.6
/// kbit/s".
pub fn requested<M: Media>(codec: &Codec<M>, request: &Request) -> String {
    let Request { fmtp, ptime, bitrate, complexity, mode, repair, layers, program } = request;
    let fmtp = fmtp.to_string();
    let parts = [
        program.as_ref().map(|p| p.name.clone()),
        bitrate.map(Bitrate::in_kilobits),
        ptime.map(|p| format!("{} ms", ms(p))),
        complexity.map(|c| format!("complexity {c}")),
        mode.clone(),
        layers.map(|n| format!("{n} temporal layer{}", if n == 1 { "" } else { "s" })),
        (!fmtp.is_empty()).then_some(fmtp),
        (*repair != Repair::default()).then(|| repair.to_string()),
    ];
    let asked = parts.into_iter().flatten().collect::<Vec<_>>().join(", ");
    format!("{} {asked}", codec.name).trim_end().to_owned()
}

/// What is known of a finished case. All that reports see; owns no media.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// BLAKE3 of everything that shapes the case, in hex.
    pub key: String,
    /// Place in the plan; outcomes are shown in this order.
    pub index: usize,
    pub clip: String,
    pub content: crate::media::Content,
    pub codec: String,
    pub codec_version: String,
    pub label: String,
    pub requested: String,
    /// Its canonical words.
    pub net: String,
    pub net_shown: Shown,
    /// Asked network loss in the media direction, in percent: the x of loss charts.
    pub net_loss: f64,
    pub receiver: String,
    /// Unscored time before the scored pass, in ms.
    pub warm_up_ms: f64,
    pub seed: u64,
    pub result: Result<Scores, String>,
}

impl Outcome {
    /// What tells its setting from the others, also where several runs come together: its label, codec, request and the
    /// codec's version.
    pub fn setting(&self) -> [&str; 4] {
        [&self.label, &self.codec, &self.requested, &self.codec_version]
    }

    /// The clip's sample rate in Hz; `None` of pictures, and of a case that failed.
    pub fn clip_rate(&self) -> Option<u32> {
        self.result.as_ref().ok()?.subject.clip_rate
    }

    /// For each score the reasons why its metric should not be trusted alone on this case, by metric id; those that may
    /// speak are not in it.
    pub fn caveats(&self) -> BTreeMap<&'static str, Vec<&'static str>> {
        let Ok(scores) = &self.result else { return BTreeMap::new() };
        let value = |id: &str| scores.values.get(id).copied().unwrap_or(0.0);
        let Subject { clip_rate: _, sample_rate, lines, generative } = scores.subject;
        let situation = Situation {
            sample_rate: sample_rate.unwrap_or(0),
            content: self.content,
            loss: value("network-loss") + value("late-loss") > 0.0,
            time_scaling: value("stretched") + value("compressed") > 0.0,
            generative,
            lines,
            freezes: value("stalled") > 0.0,
        };
        // Beside one another, each picture was shown: the freezes are left out of the score, not held against it.
        let rendered = Situation { freezes: false, ..situation };
        let audio = metric::AUDIO.iter().map(|m| (Some(&m.scale), m.validity.caveats(&situation)));
        let video = metric::VIDEO.iter().flat_map(|m| {
            let id = format!("{}{}", m.scale.id, metric::RENDERED);
            [(Some(&m.scale), m.validity.caveats(&situation)), (metric::scale(&id), m.validity.caveats(&rendered))]
        });
        let scored = |(scale, reasons): (Option<&'static Scale>, Vec<&'static str>)| {
            let id = scale.map(|scale| scale.id).filter(|id| scores.values.contains_key(*id))?;
            (!reasons.is_empty()).then_some((id, reasons))
        };
        audio.chain(video).filter_map(scored).collect()
    }
}

/// What a case gave.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// Metric and fact ids to finite numbers.
    pub values: BTreeMap<String, f64>,
    /// Metrics that could not score, with their reason.
    pub unscored: BTreeMap<String, String>,
    /// Effective settings by name.
    pub effective: BTreeMap<String, String>,
    pub changes: Vec<Change>,
    pub observed: Observed,
    pub subject: Subject,
    pub series: Vec<Series>,
}

/// What was judged, as far as its scores do not tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// The clip's, in Hz; `None` of pictures.
    pub clip_rate: Option<u32>,
    /// Of the judged signal, which has no more than its clip brings, in Hz; `None` of pictures.
    pub sample_rate: Option<u32>,
    /// Of the judged pictures; `None` of sound.
    pub lines: Option<u32>,
    /// Lost sound may have been replaced by speech that was made up (DRED, neural concealment).
    pub generative: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::{Content, PcmFormat};

    fn plan(clips: usize, settings: usize, seeds: u64) -> Plan {
        let pcm = Pcm::silence(PcmFormat::mono(8000), 1);
        Plan {
            name: "test".into(),
            clips: (0..clips).map(|i| Arc::new(Clip::new(format!("c{i}"), Content::Signal, pcm.clone()))).collect(),
            settings: (0..settings)
                .map(|i| Setting::new(format!("s{i}"), &crate::codec::audio::l16::L16, Request::default()))
                .collect(),
            receivers: vec![Receiver::default(), Receiver::ADAPTIVE],
            networks: vec![NetSpec::default()],
            seeds: (1..=seeds).map(Seed).collect(),
            warm_up: Duration::ZERO,
            metrics: Vec::new(),
            transport: Transport::Virtual,
            left_out: Vec::new(),
        }
    }

    #[test]
    fn the_product_is_complete_and_each_case_is_there_once() {
        let plan = plan(3, 2, 4);
        let names: Vec<String> = plan
            .cases()
            .map(|c| {
                format!("{} {} {} {} {}", c.seed.0, c.clip.id, c.receiver, c.net.forward.jitter.as_millis(), c.label)
            })
            .collect();
        assert_eq!((plan.len(), names.len()), (48, 48));
        assert_eq!(names.iter().collect::<std::collections::BTreeSet<_>>().len(), 48);
        assert!(names.is_sorted_by_key(|n| n.split(' ').next().map(str::to_owned)), "seeds turn slowest");
        assert!(names[0].ends_with("s0") && names[1].ends_with("s1"), "settings turn fastest");
        assert!(plan.case(48).is_none());
    }

    #[test]
    fn an_axis_without_values_gives_no_case() {
        assert!(plan(0, 2, 1).is_empty() && plan(0, 2, 1).case(0).is_none());
        assert!(plan(2, 0, 1).case(0).is_none());
    }

    #[test]
    fn the_base_seed_moves_all_seeds() {
        assert_eq!(plan(1, 1, 3).with_base_seed(40).seeds, [Seed(40), Seed(41), Seed(42)]);
    }

    #[test]
    fn pictures_have_their_own_caveats() {
        let values = [("vmaf", 80.0), ("vmaf-rendered", 90.0), ("psnr-y-rendered", 40.0), ("stalled", 3.0)];
        let scores = Scores {
            values: values.map(|(id, value)| (id.to_owned(), value)).into(),
            subject: Subject { lines: Some(360), ..Subject::default() },
            ..Scores::default()
        };
        let outcome = Outcome {
            key: String::new(),
            index: 0,
            clip: "c".into(),
            content: Content::Camera,
            codec: "VP8".into(),
            codec_version: String::new(),
            label: "A".into(),
            requested: "VP8".into(),
            net: "none".into(),
            net_shown: Shown::default(),
            net_loss: 0.0,
            receiver: String::new(),
            warm_up_ms: 0.0,
            seed: 1,
            result: Ok(scores),
        };
        let caveats = outcome.caveats();
        assert_eq!(caveats.keys().copied().collect::<Vec<_>>(), ["vmaf", "vmaf-rendered"]);
        assert!(caveats["vmaf"].len() == 2 && caveats["vmaf"][1].contains("freezes"), "{caveats:?}");
        assert!(caveats["vmaf-rendered"].len() == 1 && caveats["vmaf-rendered"][0].contains("1080 lines"));
    }
}
