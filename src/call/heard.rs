//! What was sent and heard in a call, and the facts of its scored pass.

use crate::codec::{Knob, Observed, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::metric::Series;
use crate::peer::sim::WireRecord;
use crate::plan::{Case, Scores};
use crate::playout::audio::{Origin, Played, TICK, Tick};
use crate::units::{Time, ms};
use std::collections::{BTreeMap, BTreeSet};

/// The scored pass, in samples of the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub start: usize,
    pub samples: usize,
}

/// What was sent and heard, before any score.
pub struct Heard {
    pub settings: Settings<Pcm>,
    pub(super) pass: Pass,
    pub(super) units: Vec<Unit>,
    pub(super) frames: usize,
    pub(super) played: Played,
    pub(super) wire: Vec<WireRecord>,
    pub(super) first_sequence: u16,
}

impl Heard {
    /// The scored pass as it was heard, and the constant delay in ms that was removed: that of its first sample. As
    /// many samples as the reference has, from that sample on: a listener who records for the clip's length. Where an
    /// adaptive receiver ends the pass with more delay than it began with, so much of the end is not in it; where it
    /// ends with less, silence fills it up.
    pub(super) fn scored_pass(&self) -> Result<(Pcm, f64)> {
        let (format, start) = (self.settings.format, self.pass.start as i64);
        let tick = format.samples(TICK) as i64;
        let (index, first) = self
            .played
            .ticks
            .iter()
            .enumerate()
            .find(|(_, t)| t.position + tick > start)
            .ok_or_else(|| Error::Call("the scored pass was never played".into()))?;
        // Before the tick, where what lies at the start of the pass was never played.
        let from = (index as i64 * tick + start - first.position).max(0) as usize;
        let delay = self.played.ticks[0].at.since(Time::ZERO) + format.duration(from);
        let delay = ms(delay) - ms(format.duration(self.pass.start));
        Ok((self.played.heard.slice(from, self.pass.samples), delay))
    }

    /// Facts of the scored pass alone.
    pub(super) fn facts(&self, case: &Case) -> Result<Scores> {
        let format = self.settings.format;
        let (from, to) = (self.pass.start, self.pass.start + self.pass.samples);
        let (begin, end) = (Time::ZERO + format.duration(from), Time::ZERO + format.duration(to));
        let seconds = format.duration(self.pass.samples).as_secs_f64();
        let in_pass = |position: i64| (from as i64..to as i64).contains(&position);

        let sequence = |index: usize| self.first_sequence.wrapping_add(index as u16);
        let scored: Vec<(usize, &Unit)> =
            self.units.iter().enumerate().filter(|(_, u)| (begin..end).contains(&u.pts)).collect();
        let sequences: BTreeSet<u16> = scored.iter().map(|(i, _)| sequence(*i)).collect();
        let late =
            self.played.late.iter().filter(|s| scored.binary_search_by_key(*s, |(i, _)| *i as i64).is_ok()).count();
        let sent_between = |r: &&WireRecord| r.sent > begin && r.sent <= end + self.settings.frame;
        let media =
            || self.wire.iter().filter(sent_between).filter(|r| r.sequence.is_some_and(|s| sequences.contains(&s)));
        let control = self.wire.iter().filter(|r| r.sequence.is_none() && r.sent > begin && r.sent <= end);
        let wire_bytes: usize = media().chain(control).map(|r| r.bytes).sum();
        let dropped = media().filter(|r| r.dropped).count();
        let missing = scored.iter().filter(|(i, _)| !self.played.played.contains(&(*i as i64))).count();

        let percent = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
        let packets = scored.len() as f64;
        let samples = |origin: Origin| -> f64 {
            self.played
                .stretches
                .iter()
                .filter(|s| s.origin == origin && in_pass(s.position))
                .fold(0.0, |sum, s| sum + s.samples as f64)
        };
        let recovered =
            self.played.stretches.iter().filter(|s| s.origin == Origin::Recovered && in_pass(s.position)).count();
        let ticks: Vec<&Tick> = self.played.ticks.iter().filter(|t| in_pass(t.position)).collect();
        let tick_delay = |t: &&Tick| ms(t.at.since(Time::ZERO + format.duration(t.position.max(0) as usize)));
        let mut delays: Vec<f64> = ticks.iter().map(tick_delay).collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |q: f64| delays.get(((delays.len().max(1) - 1) as f64 * q).round() as usize).copied();

        let mut values = BTreeMap::new();
        let mut fact = |id: &str, value: f64| values.insert(id.to_owned(), value);
        fact("payload-bitrate", scored.iter().map(|(_, u)| u.data.len()).sum::<usize>() as f64 * 8e-3 / seconds);
        fact("wire-bitrate", wire_bytes as f64 * 8e-3 / seconds);
        fact("network-loss", percent(dropped as f64, packets));
        fact("late-loss", percent(late as f64, packets));
        fact("effective-loss", percent(missing as f64, packets));
        fact("recovered", percent(recovered as f64, packets));
        fact("concealed", percent(samples(Origin::Concealed) + samples(Origin::Inserted), self.pass.samples as f64));
        fact("stretched", percent(samples(Origin::Stretched), self.pass.samples as f64));
        fact("compressed", percent(samples(Origin::Compressed), self.pass.samples as f64));
        for (id, q) in [("mouth-to-ear-clock", 0.5), ("mouth-to-ear-p95", 0.95), ("mouth-to-ear-p99", 0.99)] {
            quantile(q).map(|value| fact(id, value));
        }
        let target = |t: &Tick| Some(ms(t.target));
        let held = |t: &Tick| t.held.map(ms);
        mean(&ticks, target).map(|value| fact("target-delay", value));
        mean(&ticks, held).map(|value| fact("buffer-delay", value));
        let series = vec![series("target-delay", &ticks, target), series("buffer-delay", &ticks, held)];
        let units: Vec<Unit> = scored.iter().map(|(_, u)| (*u).clone()).collect();
        Ok(Scores {
            values,
            unscored: BTreeMap::new(),
            effective: effective(&self.settings, case.clip.pcm.format),
            changes: self.settings.changes.clone(),
            observed: self.observed(case, &units),
            series,
        })
    }

    /// What the packets show, and the frames for which there was no packet.
    fn observed(&self, case: &Case, units: &[Unit]) -> Observed {
        let mut observed = (case.codec.observe)(&self.settings, units);
        let frame = self.settings.format.samples(self.settings.frame);
        let frames = self.pass.samples.div_ceil(frame).min(self.frames) as f64;
        if let Some(share) = observed.dtx_share {
            let unsent = (frames - units.len() as f64).max(0.0);
            observed.dtx_share = Some((unsent + share * units.len() as f64) / frames);
        }
        observed
    }
}

/// The mean over the ticks that have a value.
fn mean(ticks: &[&Tick], value: impl Fn(&Tick) -> Option<f64>) -> Option<f64> {
    let values: Vec<f64> = ticks.iter().filter_map(|t| value(t)).collect();
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The means of every 100 ms of playout; where no tick has a value, the one before stands.
fn series(name: &'static str, ticks: &[&Tick], value: impl Fn(&Tick) -> Option<f64>) -> Series {
    let mut last = 0.0;
    let means = ticks.chunks(10).map(|ten| {
        last = mean(ten, &value).unwrap_or(last);
        last as f32
    });
    Series { name, step_ms: 100.0, values: means.collect() }
}

/// The encoder's settings as reports show them.
fn effective(settings: &Settings<Pcm>, clip: PcmFormat) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = settings
        .knobs
        .iter()
        .map(|(name, knob)| {
            let value = match knob {
                Knob::Flag(true) => "on".into(),
                Knob::Flag(false) => "off".into(),
                Knob::Int(v) => v.to_string(),
                Knob::Text(v) => (*v).to_owned(),
            };
            ((*name).to_owned(), value)
        })
        .collect();
    shown.insert("frame".into(), format!("{} ms", ms(settings.frame)));
    shown.insert("sample rate".into(), format!("{} Hz", settings.format.sample_rate));
    shown.insert("channels".into(), settings.format.channels.to_string());
    if clip.sample_rate != settings.format.sample_rate {
        let how = format!("{} to {} Hz by rubato", clip.sample_rate, settings.format.sample_rate);
        shown.insert("clip resampled".into(), how);
    }
    if clip.channels != settings.format.channels {
        let how = if settings.format.channels == 1 { "to the mean of its channels" } else { "to two equal channels" };
        shown.insert("clip mixed".into(), how.into());
    }
    if let Some(bitrate) = settings.bitrate {
        shown.insert("bitrate".into(), bitrate.to_string());
    }
    shown
}
