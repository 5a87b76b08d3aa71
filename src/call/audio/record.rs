//! What was sent and heard in a call, and the facts of its scored pass.

use super::rtp::Came;
use crate::call::api::Record;
use crate::codec::{Observed, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::{CallFacts, Series};
use crate::net::Purpose;
use crate::peer::wire::WireRecord;
use crate::plan::{Case, Scores, Subject};
use crate::playout::audio::{Counters, Origin, Played, Receiver, TICK, Tick};
use crate::units::{Time, ms};
use std::collections::{BTreeMap, BTreeSet};

/// The scored pass, in samples of the call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pass {
    pub start: usize,
    pub samples: usize,
}

/// What was sent and heard, before any score.
pub struct AudioRecord {
    pub settings: Settings<Pcm>,
    pub(super) pass: Pass,
    pub(super) units: Vec<Unit>,
    pub(super) frames: usize,
    pub(super) played: Played,
    pub(super) wire: Vec<WireRecord>,
    pub(super) first_sequence: u16,
    /// How each frame first came to the receiver, by the packet's place in the call.
    pub(super) came: BTreeMap<i64, Came>,
    /// Of each packet the bytes of its copies of earlier frames.
    pub(super) copies: Vec<usize>,
}

impl AudioRecord {
    /// Everything that the media sender put on the wire since media start, in order.
    pub fn wire(&self) -> &[WireRecord] {
        &self.wire
    }

    /// Of the recovered samples of the pass those out of deep redundancy: all but what in-band FEC covers, which is the last
    /// frame before a packet that carries it.
    fn deep_samples(&self, case: &Case, in_pass: &dyn Fn(i64) -> bool) -> f64 {
        if case.request.repair.dred.is_zero() {
            return 0.0;
        }
        let format = self.settings.format;
        let fec_before = |position: i64| {
            let pts = Time::ZERO + format.duration(position.max(0) as usize);
            let unit = self.units.binary_search_by_key(&pts, |u| u.pts).ok().map(|i| &self.units[i]);
            let share = |u: &Unit| self.settings.observe(std::slice::from_ref(u)).fec_share;
            unit.is_some_and(|u| share(u).is_some_and(|s| s > 0.0))
        };
        let mut next = i64::MAX;
        let mut deep = 0;
        for stretch in self.played.stretches.iter().rev() {
            match stretch.origin {
                Origin::Decoded => next = stretch.position,
                Origin::Recovered if in_pass(stretch.position) => {
                    let frame = format.samples(self.settings.frame) as i64;
                    if next.saturating_sub(stretch.position) > frame || !fec_before(next) {
                        deep += stretch.samples;
                    }
                }
                _ => {}
            }
        }
        deep as f64
    }

    /// What the packets show, and the frames for which there was no packet.
    fn observed(&self, units: &[Unit]) -> Observed {
        let mut observed = self.settings.observe(units);
        let frame = self.settings.format.samples(self.settings.frame);
        let frames = self.pass.samples.div_ceil(frame).min(self.frames) as f64;
        if let Some(share) = observed.dtx_share {
            let unsent = (frames - units.len() as f64).max(0.0);
            observed.dtx_share = Some((unsent + share * units.len() as f64) / frames);
        }
        observed
    }
}

impl Record for AudioRecord {
    fn facts(&self, case: &Case) -> Result<Scores> {
        let format = self.settings.format;
        let (from, to) = (self.pass.start, self.pass.start + self.pass.samples);
        let (begin, end) = (Time::ZERO + format.duration(from), Time::ZERO + format.duration(to));
        let seconds = format.duration(self.pass.samples).as_secs_f64();
        let in_pass = |position: i64| (from as i64..to as i64).contains(&position);

        let sequence = |index: usize| self.first_sequence.wrapping_add(index as u16);
        let scored: Vec<(usize, &Unit)> =
            self.units.iter().enumerate().filter(|(_, u)| (begin..end).contains(&u.pts)).collect();
        let sequences: BTreeSet<u16> = scored.iter().map(|(i, _)| sequence(*i)).collect();
        let late: BTreeSet<i64> = self.played.late.iter().copied().collect();
        let sent_between = |r: &&WireRecord| r.sent > begin && r.sent <= end + self.settings.frame;
        let media = || {
            let first = self.wire.iter().filter(|r| r.purpose == Purpose::Media).filter(sent_between);
            first.filter(|r| r.sequence.is_some_and(|s| sequences.contains(&s)))
        };
        let others =
            |purpose| self.wire.iter().filter(move |r| r.purpose == purpose && r.sent > begin && r.sent <= end);
        let bytes = |sum: usize, r: &WireRecord| sum + r.bytes;
        let repair_bytes = others(Purpose::Retransmission).chain(others(Purpose::Fec)).fold(0, bytes);
        let wire_bytes = media().chain(others(Purpose::Control)).fold(repair_bytes, bytes);
        let dropped: BTreeSet<u16> = media().filter(|r| r.dropped).filter_map(|r| r.sequence).collect();
        let fate = |(i, _): &(usize, &Unit)| Fate {
            in_time: self.played.played.contains(&(*i as i64)),
            late: late.contains(&(*i as i64)),
            came: self.came.get(&(*i as i64)).copied(),
            dropped: dropped.contains(&sequence(*i)),
        };
        let fates: Vec<Fate> = scored.iter().map(fate).collect();
        let count = |wanted: &dyn Fn(&Fate) -> bool| fates.iter().filter(|f| wanted(f)).count() as f64;

        let percent = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
        let packets = scored.len() as f64;
        let samples = |origin: Origin| -> f64 {
            self.played
                .stretches
                .iter()
                .filter(|s| s.origin == origin && in_pass(s.position))
                .fold(0.0, |sum, s| sum + s.samples as f64)
        };
        let recovered = samples(Origin::Recovered);
        let deep = self.deep_samples(case, &in_pass);
        let ticks: Vec<&Tick> = self.played.ticks.iter().filter(|t| in_pass(t.position)).collect();
        let tick_delay = |t: &&Tick| ms(t.at.since(Time::ZERO + format.duration(t.position.max(0) as usize)));
        let mut delays: Vec<f64> = ticks.iter().map(tick_delay).collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |q: f64| delays.get(((delays.len().max(1) - 1) as f64 * q).round() as usize).copied();

        let mut values = BTreeMap::new();
        let mut fact = |id: &str, value: f64| values.insert(id.to_owned(), value);
        fact("payload-bitrate", scored.iter().map(|(_, u)| u.data.len()).sum::<usize>() as f64 * 8e-3 / seconds);
        fact("wire-bitrate", wire_bytes as f64 * 8e-3 / seconds);
        fact("network-loss", percent(dropped.len() as f64, packets));
        fact("late-loss", percent(count(&|f| f.late), packets));
        fact("effective-loss", percent(count(&|f| !f.in_time), packets));
        fact("burst-ratio", burst_ratio(&fates.iter().map(|f| !f.in_time).collect::<Vec<bool>>()));
        fact("recovered", percent(recovered - deep, self.pass.samples as f64));
        let repair = case.request.repair;
        if !repair.dred.is_zero() {
            fact("recovered-dred", percent(deep, self.pass.samples as f64));
        }
        if repair.nack {
            fact("retransmitted", percent(others(Purpose::Retransmission).count() as f64, packets));
            fact("recovered-nack", percent(count(&|f| f.in_time && f.again()), packets));
        }
        if repair.red > 0 {
            fact("recovered-red", percent(count(&|f| f.in_time && f.came == Some(Came::Copied)), packets));
        }
        if repair.flexfec > 0 {
            fact("recovered-flexfec", percent(count(&|f| f.in_time && f.came == Some(Came::Rebuilt)), packets));
        }
        if repair.nack || repair.red > 0 || repair.flexfec > 0 {
            let copies: usize = scored.iter().map(|(i, _)| self.copies.get(*i).copied().unwrap_or(0)).sum();
            fact("repair-bitrate", (repair_bytes + copies) as f64 * 8e-3 / seconds);
            let repaired = |f: &Fate| f.again() || matches!(f.came, Some(Came::Copied | Came::Rebuilt));
            fact("repair-late", percent(count(&|f| f.late && repaired(f)), packets));
        }
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
        if let (Receiver::Adaptive { .. }, [first, .., last]) = (case.receiver, ticks.as_slice()) {
            let gained = |count: fn(&Counters) -> u64| (count(&last.counters) - count(&first.counters)) as f64;
            let emitted = gained(|c| c.jitter_buffer_emitted_count);
            if emitted > 0.0 {
                fact("jitter-buffer-delay", gained(|c| c.jitter_buffer_delay) / emitted);
            }
            fact("concealment-events", gained(|c| c.concealment_events) * 60.0 / seconds);
        }
        let series = vec![series("target-delay", &ticks, target), series("buffer-delay", &ticks, held)];
        let units: Vec<Unit> = scored.iter().map(|(_, u)| (*u).clone()).collect();
        let observed = self.observed(&units);
        if let Some(reach) = observed.dred_reach_ms {
            fact("dred-reach", reach);
        }
        Ok(Scores {
            values,
            unscored: BTreeMap::new(),
            effective: effective(&self.settings, case),
            changes: self.settings.changes.clone(),
            observed,
            subject: subject(&self.settings, case),
            series,
        })
    }

    /// Where an adaptive receiver ends the pass with more delay than it began with, so much of the end is not in it; where it ends with
    /// less, silence fills it up.
    fn scored_pass(&self) -> Result<(Pcm, f64)> {
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

    fn call_facts(&self, case: &Case, facts: &Scores) -> Option<CallFacts> {
        let fact = |id: &str| facts.values.get(id).copied();
        Some(CallFacts {
            codec: case.codec.name,
            bitrate: self.settings.bitrate.map(|b| b.0),
            mouth_to_ear_ms: fact("mouth-to-ear-clock")? + ms(self.settings.delay().lookahead()),
            loss_percent: fact("effective-loss")?,
            burst_ratio: fact("burst-ratio")?,
            equipment: case.equipment,
        })
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

/// What became of a packet.
struct Fate {
    /// It was played.
    in_time: bool,
    /// Its first copy came after its playout time.
    late: bool,
    came: Option<Came>,
    /// The network took it when it was first sent.
    dropped: bool,
}

impl Fate {
    /// It came, and only because it was sent again.
    fn again(&self) -> bool {
        self.dropped && self.came == Some(Came::Itself)
    }
}

/// Mean length of the bursts of lost packets over that of random loss of the same rate, 1 / (1 - p) (ITU-T G.107, 7.5);
/// 1 where nothing or everything is lost.
fn burst_ratio(lost: &[bool]) -> f64 {
    let count = lost.iter().filter(|l| **l).count();
    let bursts = lost.chunk_by(|a, b| a == b).filter(|run| run[0]).count();
    if count == 0 || count == lost.len() {
        return 1.0;
    }
    count as f64 / bursts as f64 * (1.0 - count as f64 / lost.len() as f64)
}

/// What is judged of that case.
pub(crate) fn subject(settings: &Settings<Pcm>, case: &Case) -> Subject {
    let clip_rate = case.clip.format().sample_rate;
    Subject {
        clip_rate: Some(clip_rate),
        sample_rate: Some(clip_rate.min(settings.format.sample_rate)),
        lines: None,
        generative: settings.parameters.is_generative(),
    }
}

/// The encoder's settings as reports show them.
pub(crate) fn effective(settings: &Settings<Pcm>, case: &Case) -> BTreeMap<String, String> {
    let clip = case.clip.format();
    let mut shown = crate::call::api::shared(settings, &case.request.repair, case.transport);
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
    shown
}

#[cfg(test)]
mod tests {
    use super::burst_ratio;
    use crate::units::Seed;

    #[test]
    fn the_burst_ratio_of_random_loss_is_one() {
        let seed = Seed(1);
        let random: Vec<bool> = (0..200_000).map(|k| seed.draw_unit("loss", &[k]) < 0.2).collect();
        assert!((burst_ratio(&random) - 1.0).abs() < 0.01);
        // Bursts of 2 every 10: 20 % of loss, whose random bursts last 1.25.
        let pairs: Vec<bool> = (0..1000).map(|k| k % 10 < 2).collect();
        assert!((burst_ratio(&pairs) - 1.6).abs() < 1e-12);
        assert_eq!([burst_ratio(&[]), burst_ratio(&[false; 9]), burst_ratio(&[true; 9])], [1.0; 3]);
    }
}
