//! Every figure of a report; charts and tables only draw it.

use crate::codec::Change;
use crate::latency::Footprint;
use crate::media::Content;
use crate::metric::{self, Better, When};
use crate::stats::{Interval, Judged, Paired, Summary};
use std::collections::BTreeMap;

/// Everything that a report says.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub title: String,
    /// Metrics and facts that any case has, in the order of the lists.
    pub measures: Vec<Measure>,
    /// In the order of the plan.
    pub settings: Vec<Setting>,
    /// Network, receiver and kind of material, in the order of the plan; figures are never pooled over two of them. Clips
    /// of several sample rates are of one kind, unless each rate has the clips that a verdict needs.
    pub conditions: Vec<Condition>,
    /// What (setting, condition) gave; places in the two lists.
    pub cells: BTreeMap<(usize, usize), Cell>,
    /// Paired differences between the settings, as [`Extras::compare`] says.
    pub comparisons: Vec<Comparison>,
    /// Whole curves over bitrate against the anchor's.
    pub deltas: Vec<Delta>,
    /// Against what listening tests found.
    pub published: Vec<Published>,
    pub failures: Vec<Failure>,
    pub unscored: Vec<Unscored>,
    pub caveats: Vec<Caveat>,
    pub delays: Vec<DelayRow>,
    /// Of whole codecs, beyond the settings at hand.
    pub footprints: Vec<Footprint>,
    pub costs: Vec<CostRow>,
    pub timelines: Vec<Timeline>,
    pub exhibits: Vec<Exhibit>,
    /// Name and value: versions, seeds, and what the caller adds.
    pub provenance: Vec<(String, String)>,
    pub cases: usize,
    pub failed: usize,
    /// Clips of all cases, and how many of them are synthesised or drawn.
    pub clips: usize,
    pub artificial: usize,
}

/// What the outcomes do not know.
#[derive(Clone, Debug, Default)]
pub struct Extras {
    /// The plan's name; the report's heading.
    pub title: String,
    /// Algorithmic delays to chart and list.
    pub delays: Vec<DelayRow>,
    pub footprints: Vec<Footprint>,
    pub costs: Vec<CostRow>,
    pub compare: Compare,
    /// What the other curves over bitrate are measured against: a codec or a label; the plan's first if not given.
    pub anchor: Option<String>,
    /// Single cases of video over time.
    pub timelines: Vec<Timeline>,
    pub exhibits: Vec<Exhibit>,
    /// Further lines of the provenance: warm-up, chance mode, the command.
    pub provenance: Vec<(String, String)>,
}

/// Which settings are compared in pairs. Up to four are each with each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compare {
    /// More than four are not: a plan's axes are charted, and pairs would be too many to read.
    #[default]
    FewOnly,
    /// More than four are each compared with the first.
    WithFirst,
}

/// The algorithmic delay of one codec setting.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DelayRow {
    pub codec: String,
    /// Equal to a plan's label where it is that setting.
    pub setting: String,
    /// In kbit/s; without it the row is listed, not charted, unless its setting has a measured bitrate.
    pub bitrate: Option<f64>,
    pub frame_ms: f64,
    pub lookahead_ms: f64,
    pub total_ms: f64,
}

/// CPU time of a setting. Depends on the machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CostRow {
    pub label: String,
    pub encode_us_per_frame: f64,
    pub decode_us_per_frame: f64,
    pub frame_ms: f64,
    /// The share of pictures that took longer to encode than until the next one, 0 to 1; `None` for audio.
    pub deadline_misses: Option<f64>,
    /// Where it was measured.
    pub machine: String,
}

/// One case of video over time, a value for each tick of the source's frame rate.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// The setting's label.
    pub setting: String,
    /// Network, clip and seed.
    pub case: String,
    /// From tick to tick.
    pub step_ms: f64,
    /// Metric ids with their scores of what was on show, the most telling first.
    pub curves: Vec<(String, Vec<f32>)>,
    /// Whether the picture was frozen.
    pub frozen: Vec<bool>,
    /// Whether a key frame was first shown.
    pub key: Vec<bool>,
}

/// A metric or a fact, as its [`crate::metric::Scale`] says.
#[derive(Clone, Debug, PartialEq)]
pub struct Measure {
    pub id: String,
    pub title: String,
    pub unit: String,
    pub better: Better,
    pub cap: Option<f64>,
    pub source: String,
    /// The smallest difference that matters.
    pub margin: f64,
}

/// One codec setting.
#[derive(Clone, Debug, PartialEq)]
pub struct Setting {
    pub label: String,
    pub codec: String,
    pub codec_version: String,
    pub requested: String,
    /// Each effective setting with the values it took; more than one where it follows the clip.
    pub effective: BTreeMap<String, Vec<String>>,
    pub changes: Vec<Change>,
    /// The colour of its series.
    pub colour: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Condition {
    /// The network, and what else tells it from the others.
    pub name: String,
    pub net: String,
    pub content: Content,
    /// Asked loss in percent.
    pub loss: f64,
    /// Conditions with the same family differ in their asked loss alone.
    pub family: Family,
    pub clips: usize,
    pub seeds: usize,
}

/// What stays when the amount of loss is taken out of a condition.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Family {
    /// The network's other words, the receiver and the material.
    pub base: String,
    /// The kind of loss: empty for independent loss and for none.
    pub model: String,
}

/// The cases of one setting under one condition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub cases: usize,
    pub failed: usize,
    /// By place in [`View::measures`].
    pub summaries: BTreeMap<usize, Summary>,
    pub observed: Seen,
}

/// What the packets showed, averaged over cases. Shares are 0 to 1.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Seen {
    pub frame_ms: Option<f64>,
    pub channels: Vec<u8>,
    pub bandwidths: Vec<(String, f64)>,
    pub modes: Vec<(String, f64)>,
    pub fec: Option<f64>,
    pub dtx: Option<f64>,
    /// `None` for audio.
    pub pictures: Option<SeenPictures>,
}

/// What the headers of coded pictures showed: every value that came, or the mean over cases.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SeenPictures {
    pub profiles: Vec<String>,
    pub levels: Vec<String>,
    /// In luma samples.
    pub sizes: Vec<(u32, u32)>,
    /// Temporal layers in use.
    pub layers: Vec<u8>,
    /// Coded pictures per second.
    pub frame_rate: Option<f64>,
    /// In the scored pass of a case.
    pub key_frames: Option<f64>,
    /// On the codec's own scale.
    pub qp: Option<f64>,
}

/// Setting `b` against setting `a`, paired by clip and seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    pub condition: usize,
    pub measure: usize,
    pub a: usize,
    pub b: usize,
    pub paired: Paired,
    /// Together with all comparisons of the view.
    pub judged: Judged,
}

/// Failed cases of one setting and condition with the same reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub setting: usize,
    pub condition: usize,
    pub reason: String,
    pub count: usize,
    /// "clip, seed" of the first few.
    pub examples: Vec<String>,
}

/// A metric that could not score, with how often and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unscored {
    pub metric: String,
    pub setting: usize,
    pub reason: String,
    pub count: usize,
}

/// A metric that was asked outside of where it was validated, and how many of its scores are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caveat {
    pub measure: usize,
    /// Completes "this metric ...".
    pub reason: String,
    pub count: usize,
}

impl Timeline {
    /// The worst tick by the first curve: its metric's id, the tick and its score. `None`: it has no finite score.
    pub fn worst(&self) -> Option<(&str, usize, f64)> {
        let (id, values) = self.curves.first()?;
        let finite = values.iter().enumerate().filter(|(_, v)| v.is_finite());
        let (tick, score) = finite.min_by(|a, b| a.1.total_cmp(b.1))?;
        Some((id, tick, f64::from(*score)))
    }
}

impl View {
    /// The measures that say how good it sounds or looks: those first that were asked the least outside of where they are
    /// valid, else in the order of the list. Of video what was on show comes before what was rendered, and both before the
    /// sound beside; where there are camera pictures VMAF leads, for settings are compared here, and that it is said to do
    /// at any size.
    pub fn qualities(&self) -> Vec<usize> {
        let fact = |m: &usize| metric::FACTS.iter().any(|f| f.id == self.measures[*m].id);
        let mut all: Vec<usize> =
            (0..self.measures.len()).filter(|m| self.measures[*m].better == Better::Higher && !fact(m)).collect();
        let worst = |m: &usize| self.caveats.iter().filter(|c| c.measure == *m).map(|c| c.count).max().unwrap_or(0);
        let beside = |m: &usize| self.is_video() && metric::AUDIO.iter().any(|a| a.scale.id == self.measures[*m].id);
        let rendered = |m: &usize| self.measures[*m].id.ends_with(metric::RENDERED);
        let camera = self.conditions.iter().any(|c| c.content == Content::Camera);
        let leads = |m: &usize| camera && self.measures[*m].id == "vmaf";
        all.sort_by_key(|m| (beside(m), rendered(m), !leads(m), worst(m)));
        all
    }

    /// Whether a reader should look at this metric for that kind of material: not where it is not made for it, and not at
    /// one for all sounds where one for speech has scored speech.
    pub fn speaks(&self, measure: usize, content: Content) -> bool {
        let of = |m: usize| metric::AUDIO.iter().find(|a| a.scale.id == self.measures[m].id);
        let not_for = |m: usize, content| {
            of(m).is_some_and(|a| a.validity.limits.iter().any(|(when, _)| *when == When::Content(content)))
        };
        let for_speech = |m: usize| not_for(m, Content::Music);
        let better = || content == Content::Speech && self.qualities().into_iter().any(for_speech);
        !not_for(measure, content) && (for_speech(measure) || !better())
    }

    /// Whether the pictures of the calls are what was measured.
    pub fn is_video(&self) -> bool {
        self.conditions.iter().any(|c| matches!(c.content, Content::Camera | Content::Screen))
    }

    /// The place of the measure with that id.
    pub fn measure(&self, id: &str) -> Option<usize> {
        self.measures.iter().position(|m| m.id == id)
    }

    pub fn summary(&self, setting: usize, condition: usize, measure: usize) -> Option<&Summary> {
        self.cells.get(&(setting, condition))?.summaries.get(&measure)
    }
}

/// One family of settings against the anchor's, under one condition and by one quality.
#[derive(Clone, Debug, PartialEq)]
pub struct Delta {
    pub condition: usize,
    pub measure: usize,
    pub anchor: String,
    pub test: String,
    /// Clips that every point of both curves has.
    pub clips: usize,
    /// In percent of payload bitrate at equal quality: below 0 `test` needs less. The range is of quality.
    pub rate: Result<Shift, String>,
    /// In the measure's unit at equal payload bitrate. The range is of bitrate, in kbit/s.
    pub quality: Result<Shift, String>,
}

/// A mean difference over the range that two curves share.
#[derive(Clone, Debug, PartialEq)]
pub struct Shift {
    pub mean: f64,
    /// Over clips.
    pub interval: Option<Interval>,
    pub range: Interval,
    /// What a reader must know of it: points left out, no interval.
    pub remark: String,
}

/// Two conditions of a test, and the same two here.
#[derive(Clone, Debug, PartialEq)]
pub struct Published {
    pub test: &'static str,
    /// Places of the settings: what listeners preferred, and what they put below it.
    pub better: usize,
    pub worse: usize,
    /// Their scores.
    pub scores: (f64, f64),
    pub condition: usize,
    pub measure: usize,
    /// The preferred one against the other.
    pub paired: Paired,
    /// Together with all other comparisons with listeners.
    pub judged: Judged,
}

/// One frame of a case, usually its worst, and what was on show around it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exhibit {
    /// "frame 93 at 3.1 s: VMAF 21.4".
    pub caption: String,
    /// A setting's label.
    pub setting: String,
    /// Network, clip and seed.
    pub condition: String,
    /// PNG files, as `png` makes them.
    pub reference_png: Vec<u8>,
    pub shown_png: Vec<u8>,
    /// A WebM file, as [`super::webm::file`] makes it.
    pub clip: Option<Vec<u8>>,
}
