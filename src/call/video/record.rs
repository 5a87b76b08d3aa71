//! What was sent and shown in a call, its scored pass as a viewer saw it, and the facts of it.

use crate::codec::{Observed, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Footage, FrameRate, Picture, PictureFormat};
use crate::metric::Series;
use crate::net::Purpose;
use crate::peer::wire::WireRecord;
use crate::plan::{Case, Scores, Subject};
use crate::playout::video::{Freezes, Render, Shown, freezes};
use crate::units::{Bitrate, Time, ms};
use std::collections::BTreeMap;
use std::time::Duration;

/// What a gap must be longer than the interval of pictures to count as stalled: what libwebrtc adds to the mean gap.
const STALL: Duration = Duration::from_millis(150);

/// When pictures are captured, and which of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticks {
    pub rate: FrameRate,
    /// Pictures of the warm-up.
    pub start: usize,
    /// Pictures of the scored pass.
    pub count: usize,
}

impl Ticks {
    /// The capture of picture `index` of the call.
    pub fn at(&self, index: usize) -> Time {
        Time::ZERO + self.rate.at(index)
    }

    /// Which picture of the clip that is. The scored pass is the clip from its first picture to its last; before and after
    /// it is played to and fro, so that nothing jumps where the pass begins and ends.
    pub fn source(&self, index: usize) -> usize {
        let (n, offset) = (self.count as i64, index as i64 - self.start as i64);
        let place = offset.rem_euclid(2 * n);
        (if place < n { place } else { 2 * n - 1 - place }) as usize
    }
}

/// What was sent and shown, before any score.
pub struct VideoRecord {
    pub settings: Settings<Picture>,
    pub(super) ticks: Ticks,
    /// How many pictures were captured.
    pub(super) captured: usize,
    pub(super) units: Vec<Unit>,
    /// How many packets each of them took.
    pub(super) packets: Vec<usize>,
    pub(super) targets: Vec<(Time, Bitrate)>,
    /// When each packet left the pacer, and how long it had waited.
    pub(super) waits: Vec<(Time, Duration)>,
    pub(super) shown: Shown,
    /// The RTP timestamp of the first capture.
    pub(super) first_timestamp: u32,
    pub(super) wire: Vec<WireRecord>,
}

impl VideoRecord {
    /// All that was rendered since the scored pass was near, in order.
    pub fn renders(&self) -> &[Render] {
        &self.shown.renders
    }

    /// The coded pictures of the whole call, in order.
    pub fn units(&self) -> &[Unit] {
        &self.units
    }

    /// The pictures that were captured in the call, in order.
    ///
    /// # Errors
    /// The scaler's.
    pub fn captured(&self, case: &Case<Picture>) -> Result<Vec<Picture>> {
        let source = case.clip.in_format(self.settings.format)?;
        Ok((0..self.captured).map(|tick| source.pictures[self.ticks.source(tick)].clone()).collect())
    }

    /// Which picture of the call (from 0, warm-up included) was rendered there.
    pub fn tick(&self, render: &Render) -> usize {
        let since = (render.timestamp - i64::from(self.first_timestamp)).max(0);
        (since as f64 / 90_000.0 * self.ticks.rate.per_second()).round() as usize
    }

    /// The renders of pictures of the scored pass, each with its place in it.
    fn scored(&self) -> impl Iterator<Item = (usize, &Render)> {
        let Ticks { start, count, .. } = self.ticks;
        let place = move |r: &Render| self.tick(r).checked_sub(start).filter(|place| *place < count);
        self.shown.renders.iter().filter_map(move |r| Some((place(r)?, r)))
    }

    /// The median capture-to-render delay, by which the displayed timeline is put back: of the scored pass, or of the whole
    /// call where the picture stood still all through the pass; zero where nothing was ever shown.
    fn delay(&self) -> Duration {
        let delay = |r: &Render| r.at.since(self.ticks.at(self.tick(r)));
        let of_call = || self.shown.renders.iter().map(delay).collect::<Vec<_>>();
        let mut delays = Some(self.delays()).filter(|d| !d.is_empty()).unwrap_or_else(of_call);
        delays.sort_unstable();
        delays.get(delays.len() / 2).copied().unwrap_or_default()
    }

    fn delays(&self) -> Vec<Duration> {
        self.scored().map(|(place, r)| r.at.since(self.ticks.at(self.ticks.start + place))).collect()
    }

    /// What was on show at each tick of the source, at its size; black before the first picture. The median delay is
    /// removed, and each tick looks at the middle of its interval, so that a render may come half of it early or late.
    pub(super) fn displayed(&self, reference: &Footage) -> Result<Footage> {
        let format = reference.format;
        let render = |place: Option<usize>| place.map(|i| &self.shown.renders[i]);
        let pictures = self.on_show(format, self.delay()).into_iter().map(render).map(|render| match render {
            Some(Render { picture: Some(picture), .. }) => fitted(picture, format),
            _ => Ok(Picture::grey(format.width, format.height, 16)),
        });
        Ok(Footage { format, pictures: pictures.collect::<Result<_>>()? })
    }

    /// The middle of the first tick of the source, as it was on show.
    fn first_tick(&self, source: PictureFormat, delay: Duration) -> Time {
        self.ticks.at(self.ticks.start) + delay + source.rate.at(1) / 2
    }

    /// For each tick of the source the place of the render on show.
    fn on_show(&self, source: PictureFormat, delay: Duration) -> Vec<Option<usize>> {
        let begin = self.first_tick(source, delay);
        let duration = self.ticks.rate.at(self.ticks.count);
        let ticks = (0..).map(|k| source.rate.at(k)).take_while(|at| *at + source.rate.at(1) / 2 < duration);
        let on_show = |at: Duration| self.shown.renders.partition_point(|r| r.at <= begin + at).checked_sub(1);
        ticks.map(on_show).collect()
    }

    /// Each rendered picture of the pass beside the source picture that was coded; `None` when there is none.
    pub(super) fn rendered(&self, reference: &Footage) -> Result<Option<(Footage, Footage)>> {
        let format = reference.format;
        let (mut own, mut shown) = (Footage::new(format), Footage::new(format));
        let last = reference.pictures.len().saturating_sub(1);
        for (place, render) in self.scored() {
            let Some(picture) = &render.picture else { continue };
            // The picture of the source that stood at that capture.
            let at = self.ticks.rate.at(place).as_secs_f64() * format.rate.per_second();
            own.pictures.push(reference.pictures[((at + 1e-6) as usize).min(last)].clone());
            shown.pictures.push(fitted(picture, format)?);
        }
        Ok((!own.pictures.is_empty()).then_some((own, shown)))
    }

    /// Facts of the scored pass alone.
    pub(super) fn facts(&self, case: &Case<Picture>) -> Result<Scores> {
        let Ticks { start, count, rate } = self.ticks;
        let (begin, end) = (self.ticks.at(start), self.ticks.at(start + count));
        let seconds = rate.at(count).as_secs_f64();
        let percent = |part: f64, whole: f64| if whole > 0.0 { 100.0 * part / whole } else { 0.0 };
        let per_minute = |count: usize| count as f64 * 60.0 / seconds;
        let in_pass = |at: Time| (begin..end).contains(&at);

        let mut values = BTreeMap::new();
        let mut fact = |id: &str, value: f64| values.insert(id.to_owned(), value);
        let sent: Vec<&Unit> = self.units.iter().filter(|unit| in_pass(unit.pts)).collect();
        let payload = sent.iter().map(|unit| unit.data.len()).sum::<usize>() as f64 * 8e-3 / seconds;
        fact("payload-bitrate", payload);
        if self.settings.bitrate.is_some() {
            let target = self.mean_target(begin, end) / 1000.0;
            fact("bitrate-error", 100.0 * (payload - target) / target);
        }
        self.wire_facts(&mut fact, seconds);
        fact("encoder-dropped", percent((count - sent.len().min(count)) as f64, count as f64));
        fact("key-frames", per_minute(sent.iter().filter(|unit| is_key(unit)).count()));
        fact("plis", per_minute(self.shown.key_requests.iter().filter(|at| in_pass(**at)).count()));
        let paced: Vec<f64> = self.waits.iter().filter(|(at, _)| in_pass(*at)).map(|(_, d)| ms(*d)).collect();
        fact("pacer-delay", paced.iter().sum::<f64>() / paced.len().max(1) as f64);

        let mut delays: Vec<f64> = self.delays().into_iter().map(ms).collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |q: f64| delays.get(((delays.len().max(1) - 1) as f64 * q).round() as usize).copied();
        for (id, q) in [("capture-to-render", 0.5), ("capture-to-render-p95", 0.95), ("capture-to-render-p99", 0.99)] {
            quantile(q).map(|value| fact(id, value));
        }
        fact("rendered", percent(self.scored().count() as f64, count as f64));
        self.shown.renders.first().map(|first| fact("first-frame", first.at.as_ms()));
        let delay = self.delay();
        let frozen = self.freeze_facts(&mut fact, begin + delay, end + delay);
        let on_show = self.on_show(case.clip.format(), delay);
        Ok(Scores {
            values,
            unscored: BTreeMap::new(),
            effective: effective(&self.settings, case),
            changes: self.settings.changes.clone(),
            observed: self.observed(begin, end),
            subject: Subject { lines: Some(self.settings.format.height), ..Subject::default() },
            series: self.series(case.clip.format(), &on_show, &frozen, delay),
        })
    }

    /// Bitrates and losses on the wire.
    fn wire_facts(&self, fact: &mut impl FnMut(&str, f64) -> Option<f64>, seconds: f64) {
        let (begin, end) = (self.ticks.at(self.ticks.start), self.ticks.at(self.ticks.start + self.ticks.count));
        let sent = || self.units.iter().zip(&self.packets);
        let before: usize = sent().filter(|(unit, _)| unit.pts < begin).map(|(_, packets)| packets).sum();
        let packets: usize = sent().filter(|(unit, _)| (begin..end).contains(&unit.pts)).map(|(_, n)| n).sum();
        // Packets leave in the order in which they were made.
        let first_sent = self.wire.iter().filter(|r| r.purpose == Purpose::Media);
        let media: Vec<&WireRecord> = first_sent.skip(before).take(packets).collect();
        let others = |purpose| {
            let of = self.wire.iter().filter(move |r| r.purpose == purpose && r.sent > begin && r.sent <= end);
            of.collect::<Vec<_>>()
        };
        let bytes = |records: &[&WireRecord]| records.iter().map(|r| r.bytes).sum::<usize>() as f64;
        let (again, repair) = (others(Purpose::Retransmission), others(Purpose::Fec));
        let repaired = bytes(&again) + bytes(&repair);
        let wire = bytes(&media) + repaired + bytes(&others(Purpose::Control));
        fact("wire-bitrate", wire * 8e-3 / seconds);
        let dropped = media.iter().filter(|r| r.dropped).count();
        fact("network-loss", 100.0 * dropped as f64 / media.len().max(1) as f64);
        fact("retransmitted", 100.0 * again.len() as f64 / media.len().max(1) as f64);
        fact("repair-bitrate", repaired * 8e-3 / seconds);
    }

    /// The freezes that lie in the pass as it was shown.
    fn freeze_facts(&self, fact: &mut impl FnMut(&str, f64) -> Option<f64>, begin: Time, end: Time) -> Freezes {
        let seconds = end.since(begin).as_secs_f64();
        let mut times: Vec<Time> = self.shown.renders.iter().map(|r| r.at).collect();
        // A picture that stands still until the end is frozen that long; libwebrtc would count it with the next render.
        times.extend(times.last().copied().filter(|last| *last < end).map(|_| end));
        let mut frozen = freezes(&times);
        // What of it lies in the pass.
        frozen.intervals.retain_mut(|(from, to)| {
            (*from, *to) = ((*from).max(begin), (*to).min(end));
            from < to
        });
        let lengths: Vec<f64> = frozen.intervals.iter().map(|(from, to)| ms(to.since(*from))).collect();
        fact("freezes", lengths.len() as f64 * 60.0 / seconds);
        fact("freeze-time", lengths.iter().sum::<f64>() / seconds / 10.0);
        fact("freeze-longest", lengths.iter().fold(0.0, |a, b| a.max(*b)));
        // Gaps that end in the pass.
        let ends = |pair: &&[Time]| pair[1] > begin && pair[1] <= end;
        let gaps = times.windows(2).filter(ends).map(|pair| pair[1].since(pair[0]).as_secs_f64());
        let (sum, squares) = gaps.fold((0.0, 0.0), |(sum, squares), gap| (sum + gap, squares + gap * gap));
        if squares > 0.0 {
            fact("frame-rate", sum / squares);
        }
        let long = self.ticks.rate.at(1) + STALL;
        let stalls = times.windows(2).filter(|pair| pair[1].since(pair[0]) >= long);
        let inside = stalls.map(|pair| pair[1].min(end).since(pair[0].max(begin)).as_secs_f64());
        fact("stalled", 100.0 * inside.sum::<f64>() / seconds);
        frozen
    }

    /// The mean of what the encoder was told over that time, in bit/s.
    fn mean_target(&self, begin: Time, end: Time) -> f64 {
        let ends = self.targets.iter().skip(1).map(|(at, _)| *at).chain(std::iter::once(Time(u64::MAX)));
        let spans =
            self.targets.iter().zip(ends).map(|((from, bitrate), to)| {
                (f64::from(bitrate.0), to.min(end).since((*from).max(begin)).as_secs_f64())
            });
        spans.map(|(bitrate, span)| bitrate * span).sum::<f64>() / end.since(begin).as_secs_f64()
    }

    fn observed(&self, begin: Time, end: Time) -> Observed {
        // The headers that tell of profile and size stand in key pictures, and the last one may lie before the pass.
        let last_key = |u: &&Unit| u.pts < begin && is_key(u);
        let key = self.units.iter().rev().find(last_key).cloned();
        let scored: Vec<Unit> = self.units.iter().filter(|u| (begin..end).contains(&u.pts)).cloned().collect();
        let all: Vec<Unit> = key.into_iter().chain(scored.iter().cloned()).collect();
        let mut observed = self.settings.observe(&all);
        if let Some(pictures) = &mut observed.pictures {
            pictures.frame_rate = scored.len() as f64 / end.since(begin).as_secs_f64();
            pictures.key_frames = scored.iter().filter(|u| is_key(u)).count() as u32;
        }
        observed
    }

    /// Per tick of the source: whether the picture stood still for too long, and whether a key picture was new on it.
    fn series(
        &self,
        source: PictureFormat,
        on_show: &[Option<usize>],
        frozen: &Freezes,
        delay: Duration,
    ) -> Vec<Series> {
        let step_ms = ms(source.rate.at(1));
        let begin = self.first_tick(source, delay);
        let within = |at: Time| frozen.intervals.iter().any(|(from, to)| (*from..*to).contains(&at));
        let still = (0..on_show.len()).map(|k| f32::from(u8::from(within(begin + source.rate.at(k)))));
        let new = |k: usize| on_show[k] != k.checked_sub(1).and_then(|before| on_show[before]);
        let key = |k: usize| new(k) && on_show[k].is_some_and(|i| self.shown.renders[i].key);
        let key = (0..on_show.len()).map(|k| f32::from(u8::from(key(k))));
        vec![
            Series { name: "frozen", step_ms, values: still.collect() },
            Series { name: "key", step_ms, values: key.collect() },
        ]
    }
}

fn is_key(unit: &Unit) -> bool {
    unit.picture.as_ref().is_some_and(|picture| picture.key)
}

/// At the size of the source, as a viewer's window shows it.
fn fitted(picture: &Picture, format: PictureFormat) -> Result<Picture> {
    if (picture.width, picture.height) == (format.width, format.height) {
        return Ok(picture.clone());
    }
    let as_coded = PictureFormat { width: picture.width, height: picture.height, rate: format.rate };
    let alone = Footage { format: as_coded, pictures: vec![picture.clone()] };
    let mut fitted = alone.in_format(format)?.pictures;
    fitted.pop().ok_or_else(|| Error::Call("no picture came out of the scaler".into()))
}

/// The encoder's settings as reports show them.
fn effective(settings: &Settings<Picture>, case: &Case<Picture>) -> BTreeMap<String, String> {
    let PictureFormat { width, height, rate } = settings.format;
    let mut shown = crate::call::api::shared(settings, &case.request.repair, case.transport);
    shown.insert("size".into(), format!("{width}x{height}"));
    shown.insert("frame rate".into(), format!("{rate} fps"));
    if settings.format != case.clip.format() {
        shown.insert("clip brought to".into(), format!("{} from {}", settings.format, case.clip.format()));
    }
    if let Some(beside) = &case.beside {
        shown.insert("beside".into(), beside.requested());
    }
    shown
}
