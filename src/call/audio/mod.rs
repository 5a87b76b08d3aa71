//! Both ends of a call's audio: capture, encoder and RTP at the one, playout and decoder at the other.

pub(super) mod record;
mod rtp;

use crate::call::api::chance;
use crate::codec::{Encoder, Feedback, Request, Settings};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::peer::wire::WireRecord;
use crate::peer::{Arrival, Kind, LossReport, Peers, Taps, TrackSpec, patience};
use crate::plan::Case;
use crate::playout::audio::{Playout, TICK};
use crate::units::{Bitrate, Probability, Time};
use record::{AudioRecord, Pass};
use rtp::{Sender, Unwrap};
use std::sync::Arc;
use std::time::Duration;

/// What is negotiated for the audio of that case.
pub(super) fn track(case: &Case) -> Result<TrackSpec> {
    let rtp = case.codec.rtp()?;
    let asked = (case.codec.configure)(&case.request, &case.clip.format())?;
    Ok(TrackSpec {
        kind: Kind::Audio,
        name: (rtp.encoding)(asked.bitrate),
        payload_type: rtp.payload_type,
        clock_rate: (rtp.clock_rate)(asked.format.sample_rate),
        channels: (rtp.channels)(asked.format.channels),
        fmtp: case.request.fmtp.clone(),
        offers_fmtp: rtp.offers_fmtp,
        repair: case.request.repair,
        patience: patience(case.receiver.constant()),
    })
}

pub(super) struct Audio {
    /// Its place among the tracks of the call.
    track: usize,
    settings: Settings<Pcm>,
    source: Arc<Pcm>,
    pass: Pass,
    encoder: Box<dyn Encoder<Pcm>>,
    sender: Sender,
    receiver: Unwrap,
    playout: Playout,
    /// The next sample to capture.
    position: usize,
}

impl Audio {
    /// The encoder is set by what the sender read in the answer, not by what the plan says.
    pub fn new(case: &Case, track: usize, spec: &TrackSpec, taps: &Taps) -> Result<Audio> {
        let request = Request { fmtp: taps.negotiated(track).clone(), ..case.request.clone() };
        let settings = (case.codec.configure)(&request, &case.clip.format())?;
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
        let encoder = settings.encoder()?;
        // Where the sound card stands when the call begins.
        let phase = TICK.mul_f64(chance(case).draw_unit("pull phase", &[]));
        let playout = Playout::new(case.receiver, settings.format, settings.decoder()?, case.warm_up, phase);
        let sender = Sender::new(case, track, spec);
        let receiver = Unwrap::new(&sender, &settings, spec);
        Ok(Audio { track, settings, source, pass, encoder, sender, receiver, playout, position: 0 })
    }

    /// Whether all of the scored pass was played.
    pub fn is_done(&self) -> bool {
        self.playout.position() >= (self.pass.start + self.pass.samples) as i64
    }

    /// When [`Audio::step`] has something to do: the next pull, or the next frame is captured.
    pub fn next(&self) -> Time {
        let captured = self.captured();
        self.playout.next_pull().map_or(captured, |pull| pull.min(captured))
    }

    /// When the frame at hand is whole.
    fn captured(&self) -> Time {
        let format = self.settings.format;
        Time::ZERO + format.duration(self.position + format.samples(self.settings.frame))
    }

    /// What it asks for on the wire, as far as congestion control counts it: without what is below RTP.
    pub fn bitrate(&self) -> Bitrate {
        self.sender.call_share(self.settings.bitrate.unwrap_or(Bitrate(64_000)), self.settings.frame)
    }

    pub fn arrive(&mut self, arrival: &Arrival) {
        self.receiver.packets(arrival).into_iter().for_each(|packet| self.playout.insert(packet));
    }

    /// What congestion control allows.
    pub fn allow(&mut self, now: Time, allowed: Bitrate) -> Result<()> {
        let target = Some(self.sender.codec_share(allowed, self.settings.frame));
        self.encoder.adapt(Feedback { at: now, target, ..Feedback::default() })
    }

    pub fn report(&mut self, report: &LossReport) -> Result<()> {
        let loss = Some(Probability::new(report.fraction_lost)?);
        self.encoder.adapt(Feedback { at: report.at, loss, ..Feedback::default() })
    }

    /// Plays and sends what is due.
    ///
    /// # Errors
    /// The codec's, the call's, and when nothing was heard at the end.
    pub fn step(&mut self, now: Time, peers: &mut dyn Peers) -> Result<()> {
        let format = self.settings.format;
        let end = Time::ZERO + format.duration(self.pass.start + self.pass.samples);
        if now > end + Duration::from_secs(10) && !self.is_done() {
            return Err(Error::Call("no media was heard within 10 s of the end of the clip".into()));
        }
        if self.playout.next_pull().is_some_and(|pull| pull <= now) {
            self.playout.pull()?;
        }
        if self.captured() <= now {
            let frame = format.samples(self.settings.frame);
            let pts = Time::ZERO + format.duration(self.position);
            let length = self.source.len();
            let offset = (self.position + length * frame - self.pass.start % length) % length;
            self.encoder.encode(pts, &looped(&self.source, offset, frame), &mut self.sender.units)?;
            self.sender.send(peers, now)?;
            self.position += frame;
        }
        Ok(())
    }

    /// `wire`: what the sender put there in the whole call.
    pub fn finish(self, wire: Vec<WireRecord>) -> AudioRecord {
        let track = self.track;
        AudioRecord {
            frames: self.position / self.settings.format.samples(self.settings.frame),
            settings: self.settings,
            pass: self.pass,
            units: self.sender.units,
            played: self.playout.finish(),
            wire: wire.into_iter().filter(|r| r.track.is_none_or(|t| t == track)).collect(),
            first_sequence: self.sender.first_sequence,
            came: self.receiver.came,
            copies: self.sender.copies,
        }
    }
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
