//! Which metric may speak: where each was validated, and what to say when it is asked outside of that.

use crate::media::Content;
use std::fmt;

/// Where a metric's numbers mean what its title says. Outside of it a score is a score all the same, with a caveat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Validity {
    /// It compares with the reference. Otherwise it hears the degraded signal alone: a reference that it dislikes scores
    /// no better against itself.
    pub intrusive: bool,
    /// When it should not be trusted alone, and why; the reason completes "metric X ...".
    pub limits: &'static [(When, &'static str)],
    /// What this rests on.
    pub source: &'static str,
}

impl Validity {
    /// Why a metric should not be trusted alone in `situation`; empty where it may speak.
    pub fn caveats(&self, situation: &Situation) -> Vec<&'static str> {
        self.limits.iter().filter(|(when, _)| when.applies(situation)).map(|(_, why)| *why).collect()
    }
}

/// A property of a [`Situation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The judged signal has a higher sample rate than this, in Hz.
    Above(u32),
    Content(Content),
    /// Packets were lost or late, or concealed.
    Loss,
    /// A jitter buffer stretched or shortened the sound.
    TimeScaling,
    /// Concealment that invents plausible speech (DRED, neural PLC), whose waveform is not the original's.
    Generative,
    /// The pictures have fewer lines than this.
    Below(u32),
    /// A picture stayed on show for long while the source moved on.
    Freezes,
}

/// What was done to a signal, as far as it decides which metric may speak of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// Rate of the judged signal, in Hz; 0 for pictures.
    pub sample_rate: u32,
    pub content: Content,
    pub loss: bool,
    pub time_scaling: bool,
    pub generative: bool,
    /// Of the judged pictures; `None` for sound.
    pub lines: Option<u32>,
    pub freezes: bool,
}

impl When {
    fn applies(self, situation: &Situation) -> bool {
        match self {
            When::Always => true,
            When::Above(sample_rate) => situation.sample_rate > sample_rate,
            When::Content(content) => situation.content == content,
            When::Loss => situation.loss,
            When::TimeScaling => situation.time_scaling,
            When::Generative => situation.generative,
            When::Below(lines) => situation.lines.is_some_and(|l| l < lines),
            When::Freezes => situation.freezes,
        }
    }
}

/// In a word, after "not for": "music".
impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Always => f.write_str("use alone"),
            When::Above(sample_rate) => write!(f, "more than {} kHz", f64::from(*sample_rate) / 1000.0),
            When::Content(Content::Speech) => f.write_str("speech"),
            When::Content(Content::Music) => f.write_str("music"),
            When::Content(Content::Signal) => f.write_str("test signals"),
            When::Content(Content::Camera) => f.write_str("camera pictures"),
            When::Content(Content::Screen) => f.write_str("screen content"),
            When::Loss => f.write_str("loss"),
            When::TimeScaling => f.write_str("time scaling"),
            When::Generative => f.write_str("generative concealment"),
            When::Below(lines) => write!(f, "less than {lines} lines"),
            When::Freezes => f.write_str("freezes"),
        }
    }
}

/// What the limits below rest on, where no Recommendation says it.
const MEASURED: &str = "measured on this project's speech pairs (24 conditions; no listening test)";

pub(super) const HEARS_4_KHZ: (When, &str) = (When::Above(8_000), "hears up to 4 kHz only");
pub(super) const HEARS_8_KHZ: (When, &str) = (When::Above(16_000), "hears up to 8 kHz only");
pub(super) const NO_MUSIC: (When, &str) = (When::Content(Content::Music), "is made for speech, not for music");
pub(super) const NO_SIGNAL: (When, &str) = (When::Content(Content::Signal), "is made for speech, not for test signals");
pub(super) const NO_SCALING: (When, &str) = (When::TimeScaling, "punishes time scaling that listeners hardly hear");
pub(super) const NO_INVENTION: (When, &str) =
    (When::Generative, "punishes concealment that is plausible but not the original");
const WAVEFORM: (When, &str) = (When::Always, "measures the waveform, not what is heard");

/// P.862, clause 5 and table 3: not for time warping, music, or delay changes in active speech of more than it tracks.
pub(super) const PESQ_NB: Validity = Validity {
    intrusive: true,
    limits: &[HEARS_4_KHZ, NO_MUSIC, NO_SIGNAL, NO_SCALING, NO_INVENTION],
    source: "scope of ITU-T P.862 and P.862.1",
};
pub(super) const PESQ_WB: Validity = Validity {
    intrusive: true,
    limits: &[HEARS_8_KHZ, NO_MUSIC, NO_SIGNAL, NO_SCALING, NO_INVENTION],
    source: "scope of ITU-T P.862 and P.862.2",
};
/// Single lost frames that people hear hardly move it.
const NO_LOSS: (When, &str) = (When::Loss, "hardly notices short gaps: not to be trusted alone under loss");
pub(super) const VISQOL_AUDIO: Validity = Validity {
    intrusive: true,
    limits: &[NO_LOSS, NO_INVENTION],
    source: "Chinen et al. 2020, and measured: loss of 20 % reads 4.4",
};
pub(super) const VISQOL_SPEECH: Validity = Validity {
    intrusive: true,
    limits: &[HEARS_8_KHZ, NO_MUSIC, NO_SIGNAL, NO_LOSS, NO_INVENTION],
    source: "Chinen et al. 2020, and measured: loss of 20 % reads 4.4",
};
pub(super) const INTELLIGIBILITY: Validity = Validity {
    intrusive: true,
    limits: &[
        (When::Above(10_000), "hears up to 5 kHz only"),
        NO_MUSIC,
        NO_SIGNAL,
        NO_SCALING,
        NO_INVENTION,
        (When::Loss, "tells intelligibility, not quality: gaps that annoy hardly move it"),
    ],
    source: "Taal et al. 2011, Jensen and Taal 2016: noisy and enhanced speech",
};
pub(super) const WAVEFORM_DISTANCE: Validity =
    Validity { intrusive: true, limits: &[WAVEFORM, NO_SCALING, NO_INVENTION], source: MEASURED };
pub(super) const DELAY: Validity = Validity { intrusive: true, limits: &[], source: MEASURED };

const FROZEN: (When, &str) =
    (When::Freezes, "compares picture by picture, and was never trained on freezes: read them beside it");
#[cfg(feature = "video")]
const NO_SCREEN: (When, &str) =
    (When::Content(Content::Screen), "is made for camera pictures, not for text and graphics");
/// Per-picture distances, which look at no neighbour in time.
pub(super) const PICTURE_DISTANCE: Validity = Validity {
    intrusive: true,
    limits: &[FROZEN],
    source: "Wang et al. 2004: quality of still pictures of one content at a time",
};
#[cfg(feature = "video")]
pub(super) const STILL_PICTURES: Validity = Validity {
    intrusive: true,
    limits: &[FROZEN, (When::Always, "is made for still pictures: what moves masks nothing in it")],
    source: "Sneyers 2023: fitted on compressed still pictures (CID22, TID2013, Kadid10k, KonFiG)",
};
/// The model was fitted on 1080p television seen from three picture heights.
#[cfg(feature = "video")]
pub(super) const VMAF_1080: Validity = Validity {
    intrusive: true,
    limits: &[
        (When::Below(1080), "is fitted to 1080 lines: with fewer it compares settings, and is no absolute quality"),
        FROZEN,
        NO_SCREEN,
    ],
    source: "Li et al. 2016 and the notes on models of libvmaf: H.264 and scaling artefacts of 1080p television",
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{AUDIO, audio};

    const CALM: Situation = Situation {
        sample_rate: 16_000,
        content: Content::Speech,
        loss: false,
        time_scaling: false,
        generative: false,
        lines: None,
        freezes: false,
    };

    /// Metrics that may speak of that, in the list's order.
    fn may_speak(situation: Situation) -> Vec<&'static str> {
        AUDIO.iter().filter(|m| m.validity.caveats(&situation).is_empty()).map(|m| m.scale.id).collect()
    }

    #[test]
    fn the_table_of_guidance_comes_out() {
        let speaks = |situation, id| may_speak(situation).contains(&id);
        assert!(speaks(CALM, "pesq-wb") && !speaks(CALM, "pesq-nb") && !speaks(CALM, "dnsmos-ovrl"));
        let loss = Situation { loss: true, ..CALM };
        assert!(speaks(loss, "plcmos") && speaks(loss, "pesq-wb") && !speaks(loss, "stoi"));
        let scaled = Situation { time_scaling: true, ..CALM };
        assert!(speaks(scaled, "plcmos") && !["pesq-wb", "stoi", "si-sdr"].iter().any(|id| speaks(scaled, *id)));
        let invented = Situation { generative: true, ..loss };
        assert!(speaks(invented, "plcmos") && !speaks(invented, "pesq-wb"));
        let music = Situation { content: Content::Music, sample_rate: 48_000, ..CALM };
        assert!(["pesq-wb", "plcmos", "stoi", "r-factor"].iter().all(|id| !speaks(music, *id)));
    }

    #[test]
    fn a_caveat_names_its_reason() {
        let full_band = Situation { sample_rate: 48_000, ..CALM };
        assert_eq!(audio("pesq-wb").unwrap().validity.caveats(&full_band), ["hears up to 8 kHz only"]);
        for metric in AUDIO {
            assert!(!metric.validity.source.is_empty());
            assert!(metric.validity.limits.iter().all(|(when, why)| !why.is_empty() && !when.to_string().is_empty()));
        }
    }
}
