//! Both ends of a call's video: capture, encoder, packetizer and pacer at the one, depacketizer, buffer, decoder and screen at the other.

use super::record::{Ticks, VideoRecord};
use crate::call::api::chance;
use crate::codec::{Encoder, Feedback, Request, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Footage, Picture};
use crate::peer::pacer::{Paced, Pacer};
use crate::peer::wire::WireRecord;
use crate::peer::{Arrival, Kind, Outgoing, Peers, Taps, TrackSpec, patience};
use crate::plan::Case;
use crate::playout::video::Screen;
use crate::rtp::api::{Depacketizer, Described, Packetizer, VideoPacket};
use crate::units::{Bitrate, Time};
use std::sync::Arc;
use std::time::Duration;

/// The most bytes of a payload: a packet of 1200 bytes, as libwebrtc makes them, less RTP's header and extensions of 8 bytes.
const MAX_PAYLOAD: usize = 1180;

/// RTP's header and usual extensions.
const RTP_BYTES: usize = 12 + 8;

/// RTP's clock for video (RFC 3551, section 5).
const CLOCK_RATE: u32 = 90_000;

/// libwebrtc's sender answers a key frame request at most this often.
const KEY_INTERVAL: Duration = Duration::from_millis(300);

/// What RTP's headers and extensions take of a packet of mean size, in parts of what congestion control allows.
const HEADERS: f64 = 0.03;

/// How long after the end of the clip its last picture is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is negotiated for the video of that case.
pub(super) fn track(case: &Case<Picture>) -> Result<TrackSpec> {
    let rtp = case.codec.rtp()?;
    (case.codec.configure)(&case.request, &case.clip.format())?;
    Ok(TrackSpec {
        kind: Kind::Video,
        name: case.codec.name,
        payload_type: rtp.payload_type,
        clock_rate: CLOCK_RATE,
        channels: 0,
        fmtp: case.request.fmtp.clone(),
        offers_fmtp: rtp.offers_fmtp,
        repair: case.request.repair,
        patience: patience(None),
    })
}

/// Ticks of RTP's clock since the first capture.
fn timestamp(at: Time) -> u32 {
    ((u128::from(at.0) * u128::from(CLOCK_RATE) + 500_000_000) / 1_000_000_000) as u32
}

pub(super) struct Video {
    /// Its place among the tracks of the call.
    track: usize,
    settings: Settings<Picture>,
    source: Arc<Footage>,
    ticks: Ticks,
    // The sending end.
    encoder: Box<dyn Encoder<Picture>>,
    packetizer: Box<dyn Packetizer>,
    pacer: Pacer<Outgoing>,
    /// When each packet left the pacer, and how long it had waited.
    waits: Vec<(Time, Duration)>,
    sequence: u16,
    first_timestamp: u32,
    /// Pictures captured so far.
    captured: usize,
    units: Vec<Unit>,
    /// How many packets each of them took.
    packets: Vec<usize>,
    /// What the encoder was told, in order of time.
    targets: Vec<(Time, Bitrate)>,
    answered: Option<Time>,
    // The receiving end.
    depacketizer: Box<dyn Depacketizer>,
    screen: Screen,
}

impl Video {
    /// The encoder is set by what the sender read in the answer, not by what the plan says.
    pub fn new(case: &Case<Picture>, track: usize, taps: &Taps) -> Result<Video> {
        let request = Request { fmtp: taps.negotiated(track).clone(), ..case.request.clone() };
        let settings = (case.codec.configure)(&request, &case.clip.format())?;
        let source = case.clip.in_format(settings.format)?;
        let rate = settings.format.rate;
        let warm_up = (case.warm_up.as_secs_f64() * rate.per_second()).ceil() as usize;
        let ticks = Ticks { rate, start: warm_up, count: source.pictures.len() };
        if ticks.count == 0 {
            return Err(Error::usage(format!("clip '{}' has no pictures", case.clip.id)));
        }
        let format = case.codec.rtp()?.payload;
        let format = format.ok_or_else(|| Error::usage(format!("no RTP payload format for {}", case.codec.name)))?;
        let bitrate = settings.bitrate.unwrap_or(Bitrate(1_000_000));
        let start = chance(case).draw("rtp", &[]);
        // Far from where it wraps, so that it need not be unwrapped here.
        let first_timestamp = (start >> 33) as u32;
        let mut screen = Screen::new(case.receiver, settings.format, settings.decoder()?, case.warm_up);
        screen.keep_from(i64::from(first_timestamp) + timestamp(ticks.at(ticks.start)) as i64);
        Ok(Video {
            track,
            encoder: settings.encoder()?,
            packetizer: (format.packetizer)(&request.fmtp),
            pacer: Pacer::new(bitrate),
            waits: Vec::new(),
            sequence: start as u16,
            first_timestamp,
            captured: 0,
            units: Vec::new(),
            packets: Vec::new(),
            targets: vec![(Time::ZERO, bitrate)],
            answered: None,
            depacketizer: (format.depacketizer)(),
            screen,
            settings,
            source,
            ticks,
        })
    }

    /// Whether a picture behind the scored pass was shown, or was waited for long enough.
    pub fn is_done(&self, now: Time) -> bool {
        let end = self.ticks.start + self.ticks.count;
        let behind = i64::from(self.first_timestamp) + timestamp(self.ticks.at(end + 2)) as i64;
        self.screen.last_shown().is_some_and(|shown| shown >= behind) || now > self.ticks.at(end) + PATIENCE
    }

    /// When [`Video::step`] has something to do.
    pub fn next(&self, now: Time) -> Time {
        let captured = self.ticks.at(self.captured);
        let others = [self.pacer.next(now), self.screen.next_event()];
        others.into_iter().flatten().fold(captured, Time::min)
    }

    pub fn arrive(&mut self, arrival: Arrival) -> Result<()> {
        let now = arrival.at;
        let packet = VideoPacket {
            at: arrival.at,
            sequence: arrival.sequence,
            timestamp: arrival.timestamp,
            marker: arrival.marker,
            payload: arrival.payload,
            descriptor: arrival.descriptor,
            retransmitted: arrival.retransmitted,
        };
        let mut frames = Vec::new();
        let key = self.depacketizer.insert(packet, &mut frames);
        self.screen.heard(now, key);
        frames.into_iter().for_each(|frame| self.screen.insert(frame, now));
        Ok(())
    }

    pub fn round_trip(&mut self, round_trip: Duration) {
        self.screen.set_round_trip(round_trip);
    }

    /// The receiver asked for a key picture.
    pub fn key_wanted(&mut self, at: Time) -> Result<()> {
        if self.answered.is_some_and(|last| at.since(last) < KEY_INTERVAL) {
            return Ok(());
        }
        self.answered = Some(at);
        self.encoder.adapt(Feedback { at, key_wanted: true, ..Feedback::default() })
    }

    /// What congestion control leaves the video. Nothing changes where it was asked for by the audio alone.
    pub fn allow(&mut self, now: Time, allowed: Bitrate) -> Result<()> {
        let Some(ceiling) = self.settings.ceiling else { return Ok(()) };
        let target = Bitrate((f64::from(allowed.0) * (1.0 - HEADERS)) as u32).min(ceiling);
        self.targets.push((now, target));
        self.pacer.set_target(now, target);
        self.encoder.adapt(Feedback { at: now, target: Some(target), ..Feedback::default() })
    }

    /// Captures, sends, decodes and shows what is due.
    pub fn step(&mut self, now: Time, peers: &mut dyn Peers) -> Result<()> {
        self.screen.advance(now);
        if self.screen.take_key_request() {
            peers.request_key(now, self.track)?;
        }
        if self.ticks.at(self.captured) <= now {
            self.capture(now)?;
        }
        while let Some(Paced { packet, waited }) = self.pacer.pop(now) {
            self.waits.push((now, waited));
            peers.send(now, self.track, packet)?;
        }
        Ok(())
    }

    /// Codes the picture of this tick and hands its packets to the pacer.
    fn capture(&mut self, now: Time) -> Result<()> {
        let pts = self.ticks.at(self.captured);
        let picture = &self.source.pictures[self.ticks.source(self.captured)];
        self.captured += 1;
        let first = self.units.len();
        self.encoder.encode(pts, picture, &mut self.units)?;
        for unit in &self.units[first..] {
            let coded =
                unit.picture.as_ref().ok_or_else(|| Error::Call("a unit that says nothing of itself".into()))?;
            let described = Described {
                id: coded.id,
                key: coded.key,
                layer: coded.layer,
                depends_on: &coded.depends_on,
                switch: coded.switch,
                layers: self.settings.temporal_layers(),
                size: (self.settings.format.width, self.settings.format.height),
                data: &unit.data,
            };
            let payloads = self.packetizer.packetize(&described, MAX_PAYLOAD)?;
            self.packets.push(payloads.len());
            for part in payloads {
                let packet = Outgoing {
                    sequence: self.sequence,
                    timestamp: self.first_timestamp.wrapping_add(timestamp(pts)),
                    marker: part.marker,
                    payload: part.data,
                    descriptor: part.descriptor,
                };
                self.sequence = self.sequence.wrapping_add(1);
                self.pacer.push(now, packet.payload.len() + RTP_BYTES, packet);
            }
        }
        Ok(())
    }

    /// `wire`: what the sender put there in the whole call.
    pub fn finish(self, wire: Vec<WireRecord>) -> VideoRecord {
        let track = self.track;
        VideoRecord {
            waits: self.waits,
            settings: self.settings,
            ticks: self.ticks,
            captured: self.captured,
            units: self.units,
            packets: self.packets,
            targets: self.targets,
            shown: self.screen.finish(),
            first_timestamp: self.first_timestamp,
            wire: wire.into_iter().filter(|r| r.track.is_none_or(|t| t == track)).collect(),
        }
    }
}
