//! One case, end to end: clip, encoder, RTP, PeerConnection, network, PeerConnection, playout, decoder, scores.

mod heard;
mod stream;

pub use heard::Heard;

use crate::codec::{Feedback, Request};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::metric::Evidence;
use crate::peer::sim::{Sim, TrackSpec};
use crate::peer::{Peers, patience};
use crate::plan::{Case, Scores};
use crate::playout::audio::{Playout, Receiver};
use crate::units::{Probability, Seed, Time};
use heard::Pass;
use std::sync::Arc;
use std::time::Duration;
use stream::{Sender, Unwrap};

/// Of the call's behaviour: part of every cache key, raised whenever a case's result changes.
pub const VERSION: u32 = 4;

/// What a call gave: scores, and the signals they were made of.
pub struct Call {
    pub scores: Scores,
    pub reference: Arc<Pcm>,
    /// What was heard in the scored pass, at the codec's rate, the constant delay of the virtual clock removed; as long
    /// as the reference.
    pub degraded: Pcm,
}

/// Runs one case. In virtual time a pure function of it: same case, same result.
///
/// # Errors
/// The setting cannot be made, or the call does not connect. A metric that cannot score is no error: it stands in
/// [`Scores::unscored`] with its reason.
pub fn run(case: &Case) -> Result<Call> {
    score(case, &talk(case)?)
}

/// As [`run`] in virtual time, and a pcapng file of all that the peers put on the wire; see [`Sim::capture`].
///
/// # Errors
/// As [`run`].
pub fn run_captured(case: &Case) -> Result<(Call, Vec<u8>)> {
    let mut capture = Vec::new();
    let begin = |peers: &Peers| peers.simulated().into_iter().for_each(Sim::keep_packets);
    let end = |peers: &Peers| capture = peers.simulated().map(Sim::capture).unwrap_or_default();
    let heard = talk_and(case, begin, end)?;
    Ok((score(case, &heard)?, capture))
}

/// Scores what was heard in the call of that case.
///
/// # Errors
/// The scored pass was never played.
pub fn score(case: &Case, heard: &Heard) -> Result<Call> {
    let mut scores = heard.facts(case)?;
    let reference = case.clip.signal.clone();
    let (degraded, removed_delay_ms) = heard.scored_pass()?;
    let evidence = Evidence {
        reference: &*reference,
        degraded: &degraded,
        removed_delay_ms,
        align: true,
        threads: 1,
        call: heard.call_facts(case, &scores),
    };
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
    talk_and(case, |_| {}, |_| {})
}

/// As [`talk`]; `begin` and `end` see the connected call before the first packet and after the last.
fn talk_and(case: &Case, begin: impl FnOnce(&Peers), end_of_call: impl FnOnce(&Peers)) -> Result<Heard> {
    let asked = (case.codec.settle)(&case.request, &case.clip.signal.format)?;
    let track = TrackSpec {
        name: case.codec.name,
        payload_type: case.codec.rtp.payload_type,
        clock_rate: (case.codec.rtp.clock_rate)(asked.format.sample_rate),
        channels: (case.codec.rtp.channels)(asked.format.channels),
        fmtp: case.request.fmtp.clone(),
        repair: case.request.repair,
        patience: match case.receiver {
            Receiver::Fixed(delay) => patience(Some(delay)),
            _ => patience(None),
        },
    };
    let mut sim = Peers::connect(case.transport, &track, &case.net, chance(case))?;
    begin(&sim);
    // The encoder is set by what the sender read in the answer, not by what the plan says.
    let request = Request { fmtp: sim.negotiated().clone(), ..case.request.clone() };
    let settings = (case.codec.settle)(&request, &case.clip.signal.format)?;
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
    let mut receiver = Unwrap::new(&sender, &settings, &track);
    let end = (pass.start + pass.samples) as i64;
    let last_tick = Time::ZERO + settings.format.duration(pass.start + pass.samples) + Duration::from_secs(10);
    let (mut position, mut now) = (0, Time::ZERO);
    while playout.position() < end {
        let captured = Time::ZERO + settings.format.duration(position + frame);
        // The first pull may lie before the instant at which its packet was seen.
        now = playout.next_pull().map_or(captured, |pull| pull.min(captured)).max(now);
        if now > last_tick {
            return Err(Error::Call("no media was heard within 10 s of the end of the clip".into()));
        }
        sim.advance(now)?;
        for arrival in sim.arrivals() {
            receiver.packets(&arrival).into_iter().for_each(|packet| playout.insert(packet));
        }
        if let Some(allowed) = sim.target() {
            let target = Some(sender.codec_share(allowed, settings.frame));
            encoder.adapt(Feedback { at: now, target, ..Feedback::default() })?;
        }
        for report in sim.reports() {
            let loss = Some(Probability::new(report.fraction_lost)?);
            encoder.adapt(Feedback { at: report.at, loss, ..Feedback::default() })?;
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
    end_of_call(&sim);
    Ok(Heard {
        settings,
        pass,
        units: sender.units,
        frames: position / frame,
        played: playout.finish(),
        wire: sim.wire(),
        first_sequence: sender.first_sequence,
        came: receiver.came,
        copies: sender.copies,
    })
}

/// Where the call's chance comes from: the seed and the clip, so that clips under one seed do not all meet the same
/// losses (their means would not be independent, and intervals over clips too narrow), while all settings do.
fn chance(case: &Case) -> Seed {
    Seed(case.seed.draw(&case.clip.hash, &[]))
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
