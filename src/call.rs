//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.

use crate::codec::{Feedback, Knob, Observed, Request, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::metric::Evidence;
use crate::peer::sim::{Outgoing, Sim, TrackSpec, WireRecord};
use crate::plan::{Case, Scores};
use crate::playout::audio::{Origin, Packet, Played, Playout};
use crate::units::{Probability, Seed, Time, ms};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Of the call's behaviour: part of every cache key, raised whenever a case's result changes.
pub const VERSION: u32 = 1;

/// What a call gave: scores, and the signals they were made of.
pub struct Call {
    pub scores: Scores,
    pub reference: Arc<Pcm>,
    /// What was heard in the scored pass, at the codec's rate, the constant delay of the virtual clock removed; as long
    /// as the reference.
    pub degraded: Pcm,
}

/// Runs one case. A pure function of it: same case, same result.
///
/// # Errors
/// The setting cannot be made, or the call does not connect. A metric that cannot score is no error: it stands in
/// [`Scores::unscored`] with its reason.
pub fn run(case: &Case) -> Result<Call> {
    let heard = talk(case)?;
    let mut scores = heard.facts(case)?;
    let reference = case.clip.pcm.clone();
    let (degraded, removed_delay_ms) = heard.scored_pass()?;
    let evidence = Evidence { reference: &*reference, degraded: &degraded, removed_delay_ms };
    for metric in &case.metrics {
        match (metric.score)(&evidence) {
            Ok(value) => {
                scores.values.insert(metric.scale.id.into(), value.value);
                scores.series.extend(value.series);
            }
            Err(e) => {
                scores.unscored.insert(metric.scale.id.into(), e.to_string());
            }
        }
    }
    Ok(Call { scores, reference, degraded })
}

/// The call itself, without scores: for benches, and for whoever wants the signal.
///
/// # Errors
/// As [`run`].
pub fn talk(case: &Case) -> Result<Heard> {
    let asked = (case.codec.settle)(&case.request, &case.clip.pcm.format)?;
    let track = TrackSpec {
        name: case.codec.name,
        payload_type: case.codec.rtp.payload_type,
        clock_rate: (case.codec.rtp.clock_rate)(asked.format.sample_rate),
        channels: (case.codec.rtp.channels)(asked.format.channels),
        fmtp: case.request.fmtp.clone(),
    };
    let mut sim = Sim::connect(&track, &case.net, chance(case))?;
    // The encoder is set by what the sender read in the answer, not by what the plan says.
    let request = Request { fmtp: sim.negotiated().clone(), ..case.request.clone() };
    let settings = (case.codec.settle)(&request, &case.clip.pcm.format)?;
    let source = case.clip.in_format(settings.format)?;
    let frame = settings.format.samples(settings.frame);
    let pass = Pass {
        // Whole frames of warm-up, so that the scored pass begins with a frame.
        start: settings.format.samples(case.warm_up).div_ceil(frame) * frame,
        samples: source.len(),
    };
    if pass.samples == 0 {
        return Err(Error::usage(format!("clip '{}' has no samples", case.clip.id)));
    }

    let mut encoder = (case.codec.encoder)(&settings)?;
    let mut playout = Playout::new(case.receiver, settings.format, (case.codec.decoder)(&settings)?, case.warm_up);
    let mut sender = Sender::new(case, track.clock_rate);
    let mut receiver = Unwrap::new(&sender, &settings, track.clock_rate);
    let end = (pass.start + pass.samples) as i64;
    let last_tick = Time::ZERO + settings.format.duration(pass.start + pass.samples) + Duration::from_secs(10);
    let mut position = 0;
    while playout.position() < end {
        let captured = Time::ZERO + settings.format.duration(position + frame);
        let now = playout.next_pull().map_or(captured, |pull| pull.min(captured));
        if now > last_tick {
            return Err(Error::Call("no media was heard within 10 s of the end of the clip".into()));
        }
        sim.advance(now)?;
        for arrival in sim.arrivals() {
            playout.insert(receiver.packet(arrival));
        }
        for report in sim.reports() {
            encoder.adapt(Feedback { at: report.at, loss: Some(Probability::new(report.fraction_lost)?) })?;
        }
        if playout.next_pull().is_some_and(|pull| pull <= now) {
            playout.pull()?;
        }
        if captured <= now {
            let pts = Time::ZERO + settings.format.duration(position);
            let offset = (position + source.len() * frame - pass.start % source.len()) % source.len();
            encoder.encode(pts, &looped(&source, offset, frame), &mut sender.units)?;
            sender.send(&mut sim, now)?;
            position += frame;
        }
    }
    Ok(Heard {
        settings,
        pass,
        units: sender.units,
        frames: position / frame,
        played: playout.finish(),
        wire: sim.wire(),
        first_sequence: sender.first_sequence,
    })
}

/// Where the call's chance comes from: the seed and the clip, so that clips under one seed do not all meet the same
/// losses (their means would not be independent, and intervals over clips too narrow), while all settings do.
fn chance(case: &Case) -> Seed {
    Seed(case.seed.draw(&case.clip.hash, &[]))
}

/// The scored pass, in samples of the call.
#[derive(Clone, Copy, Debug)]
struct Pass {
    start: usize,
    samples: usize,
}

/// What was sent and heard, before any score.
pub struct Heard {
    pub settings: Settings<Pcm>,
    pass: Pass,
    units: Vec<Unit>,
    frames: usize,
    played: Played,
    wire: Vec<WireRecord>,
    first_sequence: u16,
}

impl Heard {
    /// The scored pass as it was heard, and the constant delay in ms that was removed: that of its first sample.
    fn scored_pass(&self) -> Result<(Pcm, f64)> {
        let (format, start) = (self.settings.format, self.pass.start as i64);
        let tick = format.samples(crate::playout::audio::TICK) as i64;
        let (index, first) = self
            .played
            .ticks
            .iter()
            .enumerate()
            .find(|(_, t)| t.position + tick > start)
            .ok_or_else(|| Error::Call("the scored pass was never played".into()))?;
        let into = (start - first.position).max(0);
        let heard_at = first.at + format.duration(into as usize);
        let delay = heard_at.since(Time::ZERO + format.duration(self.pass.start));
        let from = index * tick as usize + into as usize;
        Ok((self.played.heard.slice(from, self.pass.samples), ms(delay)))
    }

    /// Facts of the scored pass alone.
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
        let late =
            self.played.late.iter().filter(|s| scored.binary_search_by_key(*s, |(i, _)| *i as i64).is_ok()).count();
        let sent_between = |r: &&WireRecord| r.sent > begin && r.sent <= end + self.settings.frame;
        let media =
            || self.wire.iter().filter(sent_between).filter(|r| r.sequence.is_some_and(|s| sequences.contains(&s)));
        let control = self.wire.iter().filter(|r| r.sequence.is_none() && r.sent > begin && r.sent <= end);
        let wire_bytes: usize = media().chain(control).map(|r| r.bytes).sum();
        let dropped = media().filter(|r| r.dropped).count();

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
        let tick_delay =
            |t: &crate::playout::audio::Tick| ms(t.at.since(Time::ZERO + format.duration(t.position.max(0) as usize)));
        let mut delays: Vec<f64> = self.played.ticks.iter().filter(|t| in_pass(t.position)).map(tick_delay).collect();
        delays.sort_by(f64::total_cmp);
        let quantile = |q: f64| delays.get(((delays.len().max(1) - 1) as f64 * q).round() as usize).copied();

        let mut values = BTreeMap::new();
        let mut fact = |id: &str, value: f64| values.insert(id.to_owned(), value);
        fact("payload-bitrate", scored.iter().map(|(_, u)| u.data.len()).sum::<usize>() as f64 * 8e-3 / seconds);
        fact("wire-bitrate", wire_bytes as f64 * 8e-3 / seconds);
        fact("network-loss", percent(dropped as f64, packets));
        fact("late-loss", percent(late as f64, packets));
        fact("effective-loss", percent((dropped + late) as f64, packets));
        fact("recovered", percent(recovered as f64, packets));
        fact("concealed", percent(samples(Origin::Concealed) + samples(Origin::Inserted), self.pass.samples as f64));
        if let (Some(median), Some(p95)) = (quantile(0.5), quantile(0.95)) {
            fact("mouth-to-ear-clock", median);
            fact("mouth-to-ear-p95", p95);
        }
        let units: Vec<Unit> = scored.iter().map(|(_, u)| (*u).clone()).collect();
        Ok(Scores {
            values,
            unscored: BTreeMap::new(),
            effective: effective(&self.settings, case.clip.pcm.format),
            changes: self.settings.changes.clone(),
            observed: self.observed(case, &units),
            series: Vec::new(),
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

/// `samples` of the endlessly repeated `source`, from `offset` on.
fn looped(source: &Pcm, offset: usize, samples: usize) -> Pcm {
    let mut frame =
        Pcm { format: source.format, samples: Vec::with_capacity(samples * source.format.channels as usize) };
    let mut offset = offset;
    while frame.len() < samples {
        let part = (source.len() - offset).min(samples - frame.len());
        let c = source.format.channels as usize;
        frame.samples.extend_from_slice(&source.samples[offset * c..(offset + part) * c]);
        offset = (offset + part) % source.len();
    }
    frame
}

/// Numbers and stamps coded units as RTP packets.
struct Sender {
    units: Vec<Unit>,
    sent: usize,
    first_sequence: u16,
    first_timestamp: u32,
    clock_rate: u32,
    /// The last frame gave no packet: the next one starts a talkspurt (RFC 3551, section 4.1).
    silent: bool,
}

impl Sender {
    fn new(case: &Case, clock_rate: u32) -> Sender {
        // Random start values (RFC 3550, section 5.1), but from the seed.
        let start = chance(case).draw("rtp", &[]);
        Sender {
            units: Vec::new(),
            sent: 0,
            first_sequence: start as u16,
            first_timestamp: (start >> 16) as u32,
            clock_rate,
            silent: true,
        }
    }

    fn send(&mut self, sim: &mut Sim, now: Time) -> Result<()> {
        let nothing = self.sent == self.units.len();
        for unit in &self.units[self.sent..] {
            let ticks = (u128::from(unit.pts.0) * u128::from(self.clock_rate) + 500_000_000) / 1_000_000_000;
            let packet = Outgoing {
                sequence: self.first_sequence.wrapping_add(self.sent as u16),
                timestamp: self.first_timestamp.wrapping_add(ticks as u32),
                marker: std::mem::take(&mut self.silent),
                payload: unit.data.clone(),
            };
            sim.send(now, packet)?;
            self.sent += 1;
        }
        self.silent = nothing;
        Ok(())
    }
}

/// Unwraps sequence numbers and timestamps at the receiver.
struct Unwrap {
    sequence: i64,
    timestamp: i64,
    last_sequence: u16,
    last_timestamp: u32,
    clock_rate: i64,
    sample_rate: i64,
}

impl Unwrap {
    fn new(sender: &Sender, settings: &Settings<Pcm>, clock_rate: u32) -> Unwrap {
        Unwrap {
            sequence: 0,
            timestamp: 0,
            last_sequence: sender.first_sequence,
            last_timestamp: sender.first_timestamp,
            clock_rate: i64::from(clock_rate),
            sample_rate: i64::from(settings.format.sample_rate),
        }
    }

    fn packet(&mut self, arrival: crate::peer::sim::Arrival) -> Packet {
        self.sequence += i64::from(arrival.sequence.wrapping_sub(self.last_sequence) as i16);
        self.timestamp += i64::from(arrival.timestamp.wrapping_sub(self.last_timestamp) as i32);
        (self.last_sequence, self.last_timestamp) = (arrival.sequence, arrival.timestamp);
        Packet {
            at: arrival.at,
            sequence: self.sequence,
            position: (self.timestamp * self.sample_rate + self.clock_rate / 2) / self.clock_rate,
            payload: arrival.payload,
        }
    }
}
