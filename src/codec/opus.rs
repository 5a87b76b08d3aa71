//! Opus (RFC 6716) as WebRTC sends it (RFC 7587), by libopus. [`super::opus_settle`] maps the fmtp line to the encoder,
//! [`super::opus_packet`] reads packets.
//!
//! Redundancy that a packet carries of what came before it: in-band FEC ("LBRR") of one frame, and on request deep
//! redundancy ("DRED", draft-ietf-mlcodec-opus-dred) of up to a second. libopus sends either only once loss was reported,
//! and takes the bits from the frame itself.

use super::opus_packet::{Mode, OpusPacket};
use super::opus_raw::{self as raw, Set};
use super::{
    Codec, Decoder, Delay, Encoder, Feedback, Input, Licence, Observed, Request, RtpFormat, Settings, Terms, Unit,
    opus_settle,
};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Probability, Time, from_ms, ms};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest packet, 120 ms, in samples per channel at 48 kHz (RFC 6716, section 3.4).
const LONGEST: usize = 5760;
/// The farthest that deep redundancy reaches, 1040 ms, in samples at 48 kHz.
const DEEPEST: usize = 49_920;
/// A packet so short holds no audio: it is DTX (RFC 6716, section 3.2.1; libwebrtc draws the line here too).
const DTX_BYTES: usize = 2;

pub static OPUS: Codec<Pcm> = Codec {
    name: "opus",
    version: || format!("{} through opusic-sys 0.7.7", raw::version()),
    licence: Licence { code: "BSD-3-Clause", terms: Terms::Open },
    feature: None,
    range: opus_settle::RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "opus",
        payload_type: 111,
        clock_rate: |_| 48_000,
        channels: |_| 2,
        source: "RFC 7587",
    }),
    plc: "libopus, in steps of 10 ms; neural with deep-plc",
    fec: "in-band FEC (LBRR) of one frame, DRED",
    settle: opus_settle::settle,
    encoder: |settings| Ok(Box::new(OpusEncoder::new(settings)?)),
    decoder: |settings| Ok(Box::new(OpusDecoder::new(settings)?)),
    observe,
    variants,
    delay: |settings| Delay {
        // In the decoder nothing waits but the overlap of CELT's windows.
        encoder: from_ms(if settings.text("application") == "lowdelay" { 0.0 } else { 4.0 }),
        decoder: from_ms(2.5),
        source: "RFC 6716, section 2.1.9, and OPUS_GET_LOOKAHEAD: 2.5 ms of overlap in CELT, 4 ms more where SILK may be used",
        ..Delay::default()
    },
};

/// High bitrates, so that the marker of the delay measurement survives.
fn variants() -> Vec<(String, Request)> {
    let variant = |mode: &str, frame_ms: f64| {
        let request = Request {
            ptime: Some(from_ms(frame_ms)),
            bitrate: Some(Bitrate(128_000)),
            mode: Some(mode.into()),
            ..Request::default()
        };
        (format!("{mode} {frame_ms} ms"), request)
    };
    let audio = [2.5, 5.0, 10.0, 20.0, 40.0, 60.0].map(|frame_ms| variant("audio", frame_ms));
    let low_delay = [2.5, 5.0, 10.0, 20.0].map(|frame_ms| variant("lowdelay", frame_ms));
    audio.into_iter().chain(low_delay).collect()
}

fn observe(settings: &Settings<Pcm>, units: &[Unit]) -> Observed {
    let packets: Vec<OpusPacket> = units.iter().filter_map(|u| OpusPacket::parse(&u.data)).collect();
    let share = |count: usize| (!units.is_empty()).then(|| count as f64 / units.len() as f64);
    Observed {
        frame_ms: shares(packets.iter().map(|p| p.frame * p.frames as u32)).first().map(|(frame, _)| ms(*frame)),
        bandwidths: named(shares(packets.iter().map(|p| p.bandwidth.name()))),
        modes: named(shares(packets.iter().map(|p| p.mode.name()))),
        channels: shares(packets.iter().map(|p| p.channels)).first().map(|(channels, _)| *channels),
        fec_share: share(packets.iter().filter(|p| p.lbrr).count()),
        dtx_share: share(units.iter().filter(|u| u.data.len() <= DTX_BYTES).count()),
        dred_reach_ms: (settings.int("dred_ms") > 0).then(|| mean_reach(units)).flatten(),
        pictures: None,
    }
}

/// The mean reach of deep redundancy over all packets, those without it included, in ms.
fn mean_reach(units: &[Unit]) -> Option<f64> {
    let mut dred = raw::Dred::new().ok().filter(|_| !units.is_empty())?;
    let reaches = units.iter().map(|u| dred.read(&u.data, DEEPEST, 48_000, true) as f64 / 48.0);
    Some(reaches.sum::<f64>() / units.len() as f64)
}

/// Each value with its share, the largest first, equal ones in the order of the values.
fn shares<T: Ord>(values: impl ExactSizeIterator<Item = T>) -> Vec<(T, f64)> {
    let total = values.len() as f64;
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value).or_insert(0u32) += 1;
    }
    let mut shares: Vec<(T, f64)> = counts.into_iter().map(|(value, n)| (value, f64::from(n) / total)).collect();
    shares.sort_by(|a, b| b.1.total_cmp(&a.1));
    shares
}

fn named(shares: Vec<(&'static str, f64)>) -> Vec<(String, f64)> {
    shares.into_iter().map(|(name, share)| (name.to_owned(), share)).collect()
}

struct OpusEncoder {
    opus: raw::Encoder,
    frame: Duration,
    /// Room for one packet.
    buffer: Vec<u8>,
    in_dtx: bool,
    loss: LossSmoother,
    loss_percent: i32,
    bitrate: i32,
    /// The highest bitrate that congestion control may set; `None`: it may set none.
    ceiling: Option<i32>,
}

impl OpusEncoder {
    fn new(settings: &Settings<Pcm>) -> Result<OpusEncoder> {
        let application = match settings.text("application") {
            "lowdelay" => raw::LOW_DELAY,
            "audio" => raw::AUDIO,
            _ => raw::VOIP,
        };
        let bandwidth = match settings.text("max_bandwidth") {
            "narrowband" => 1101,
            "mediumband" => 1102,
            "wideband" => 1103,
            "superwideband" => 1104,
            _ => 1105,
        };
        let bitrate = settings.bitrate.map_or(32_000, |b| b.0) as i32;
        let dtx = settings.flag("dtx");
        let mut opus = raw::Encoder::new(settings.format.sample_rate, settings.format.channels, application)?;
        for (option, value) in [
            (Set::Bitrate, bitrate),
            (Set::InbandFec, i32::from(settings.flag("inband_fec"))),
            (Set::MaxBandwidth, bandwidth),
            (Set::Complexity, settings.int("complexity") as i32),
            (Set::Vbr, i32::from(!settings.flag("cbr"))),
            (Set::Dtx, i32::from(dtx)),
            // libwebrtc does so: with DTX, an automatic choice may pick CELT, which leaves DTX too early.
            (Set::Signal, if dtx { 3001 } else { -1000 }),
            (Set::LossPercent, 0),
            (Set::DredDuration, settings.int("dred_ms") as i32 / 10),
        ] {
            opus.set(option, value)?;
        }
        Ok(OpusEncoder {
            opus,
            frame: settings.frame,
            buffer: vec![0; room(bitrate, settings.frame)],
            in_dtx: false,
            loss: LossSmoother::default(),
            loss_percent: 0,
            bitrate,
            ceiling: settings.knobs.contains_key("gcc_max_bitrate").then(|| settings.int("gcc_max_bitrate") as i32),
        })
    }
}

/// Twice the mean packet in bytes, as libwebrtc: it bounds the peaks of variable bitrate.
fn room(bitrate: i32, frame: Duration) -> usize {
    let room = 2 * (bitrate as u64 / 8000 + 1) * frame.as_micros() as u64;
    room.div_ceil(1000) as usize
}

impl Encoder<Pcm> for OpusEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let length = self.opus.encode(&frame.samples, &mut self.buffer)?;
        // The first packet without audio tells the decoder that DTX begins; libwebrtc sends none of those after it.
        let dtx = length <= DTX_BYTES;
        if !(dtx && self.in_dtx) {
            out.push(Unit { data: self.buffer[..length].to_vec(), pts, duration: self.frame, picture: None });
        }
        self.in_dtx = dtx;
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        if let Some(loss) = feedback.loss {
            let percent = self.loss.percent(feedback.at, loss);
            if percent != self.loss_percent {
                self.opus.set(Set::LossPercent, percent)?;
                self.loss_percent = percent;
            }
        }
        if let (Some(Bitrate(target)), Some(ceiling)) = (feedback.target, self.ceiling) {
            let bitrate = i32::try_from(target).unwrap_or(i32::MAX).clamp(opus_settle::BITRATE.0, ceiling);
            if bitrate != self.bitrate {
                self.opus.set(Set::Bitrate, bitrate)?;
                self.bitrate = bitrate;
                self.buffer.resize(room(bitrate, self.frame), 0);
            }
        }
        Ok(())
    }
}

/// libwebrtc's estimate of the loss that the encoder should reckon with: nothing before the first report, which is then
/// taken whole; later ones pull the estimate with a time constant of 10 s. At most 20 %.
#[derive(Default)]
struct LossSmoother {
    last: Option<(Time, f64)>,
}

impl LossSmoother {
    fn percent(&mut self, at: Time, loss: Probability) -> i32 {
        let smoothed = self.last.map_or(loss.get(), |(time, estimate)| {
            // libwebrtc's filter base per millisecond.
            let weight = 0.9999f64.powf(ms(at.since(time)));
            weight * estimate + (1.0 - weight) * loss.get()
        });
        self.last = Some((at, smoothed));
        (smoothed.min(0.2) * 100.0).round() as i32
    }
}

struct OpusDecoder {
    opus: raw::Decoder,
    format: PcmFormat,
    buffer: Vec<i16>,
    /// The last packet was CELT: libopus then conceals rather than decode the FEC of the next one.
    after_celt: bool,
    /// Where deep redundancy was asked for. A cell, because looking at a packet's reach reads the packet.
    deep: Option<RefCell<Deep>>,
}

impl OpusDecoder {
    fn new(settings: &Settings<Pcm>) -> Result<OpusDecoder> {
        let format = settings.format;
        let mut opus = raw::Decoder::new(format.sample_rate, format.channels)?;
        if settings.flag("deep_plc") {
            opus.set(Set::Complexity, 5)?;
        }
        let deep = if settings.int("dred_ms") > 0 { Some(RefCell::new(Deep::new(format)?)) } else { None };
        let buffer = vec![0; LONGEST * format.channels as usize];
        Ok(OpusDecoder { opus, format, buffer, after_celt: false, deep })
    }

    /// Concealment of `samples` per channel, exactly.
    fn conceal(&mut self, samples: usize, out: &mut Vec<i16>) {
        self.make(samples, out, |opus, buffer, _| opus.decode(None, buffer, false).is_ok());
    }

    /// `samples` per channel in steps of 10 ms; `step` fills one, and is told how much is still to be made with it.
    fn make(
        &mut self,
        mut samples: usize,
        out: &mut Vec<i16>,
        mut step: impl FnMut(&mut raw::Decoder, &mut [i16], usize) -> bool,
    ) {
        let (channels, longest) = (self.format.channels as usize, self.format.samples(from_ms(10.0)));
        let smallest = self.format.samples(from_ms(2.5));
        while samples > 0 {
            // libopus conceals in multiples of 2.5 ms; what is too much of the last one is dropped.
            let part = samples.min(longest);
            let made = part.next_multiple_of(smallest) * channels;
            if !step(&mut self.opus, &mut self.buffer[..made], samples) {
                self.buffer[..made].fill(0);
            }
            out.extend_from_slice(&self.buffer[..part * channels]);
            samples -= part;
        }
    }

    /// The stretch of `missing` samples that begins `offset` before `from`: from deep redundancy as far as that reaches,
    /// its last frame from in-band FEC where there is some, the rest concealed.
    fn recover(&mut self, from: &[u8], offset: usize, missing: usize, out: &mut Vec<i16>) {
        let covered = self.format.samples(self.lbrr(from));
        // In-band FEC is one frame right before its packet, and comes whole.
        if covered == 0 || covered > missing || offset != missing {
            return self.recover_deep(from, offset, missing, out);
        }
        self.recover_deep(from, offset, missing - covered, out);
        let channels = self.format.channels as usize;
        match self.opus.decode(Some(from), &mut self.buffer[..covered * channels], true) {
            Ok(made) if made == covered => out.extend_from_slice(&self.buffer[..covered * channels]),
            _ => self.conceal(covered, out),
        }
    }

    fn recover_deep(&mut self, from: &[u8], offset: usize, missing: usize, out: &mut Vec<i16>) {
        let Some(cell) = self.deep.take() else { return self.conceal(missing, out) };
        let mut deep = cell.into_inner();
        let reach = deep.read(from, offset);
        let end = offset - missing.min(offset);
        self.make(missing, out, |opus, buffer, left| match end + left {
            at if at <= reach => opus.decode_dred(&deep.dred, at, buffer).is_ok(),
            _ => opus.decode(None, buffer, false).is_ok(),
        });
        self.deep = Some(RefCell::new(deep));
    }

    /// What the in-band FEC of `from` covers.
    fn lbrr(&self, from: &[u8]) -> Duration {
        let lbrr = OpusPacket::parse(from).filter(|packet| packet.lbrr && !self.after_celt);
        lbrr.map_or(Duration::ZERO, |packet| packet.frame)
    }
}

impl Decoder<Pcm> for OpusDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => {
                let packet = OpusPacket::parse(data)
                    .ok_or_else(|| Error::Codec { codec: "opus", reason: "not an Opus packet".into() })?;
                let samples = self.opus.decode(Some(data), &mut self.buffer, false)?;
                self.after_celt = packet.mode == Mode::Celt;
                out.samples.extend_from_slice(&self.buffer[..samples * self.format.channels as usize]);
            }
            Input::Recover { from, offset, missing } => {
                self.recover(from, self.format.samples(offset), self.format.samples(missing), &mut out.samples);
            }
            Input::Lost(missing) => self.conceal(self.format.samples(missing), &mut out.samples),
        }
        Ok(())
    }

    fn reach(&self, from: &[u8]) -> Duration {
        let deep = self.deep.as_ref().map_or(0, |deep| deep.borrow_mut().reach(from));
        self.lbrr(from).max(self.format.duration(deep))
    }
}

/// Deep redundancy at the decoder: the packet that it was last read from.
struct Deep {
    dred: raw::Dred,
    sample_rate: u32,
    deepest: usize,
    packet: Vec<u8>,
    reach: usize,
    /// How far back it is ready to be decoded.
    ready: usize,
}

impl Deep {
    fn new(format: PcmFormat) -> Result<Deep> {
        let deepest = DEEPEST * format.sample_rate as usize / 48_000;
        let dred = raw::Dred::new()?;
        Ok(Deep { dred, sample_rate: format.sample_rate, deepest, packet: Vec::new(), reach: 0, ready: 0 })
    }

    /// How far before `packet` its redundancy reaches, in samples.
    fn reach(&mut self, packet: &[u8]) -> usize {
        if self.packet != packet {
            self.packet = packet.to_vec();
            self.reach = self.dred.read(packet, self.deepest, self.sample_rate, true);
            self.ready = 0;
        }
        self.reach
    }

    /// As [`Deep::reach`], and makes it ready back to `offset`.
    fn read(&mut self, packet: &[u8], offset: usize) -> usize {
        let reach = self.reach(packet);
        if reach > 0 && self.ready < offset.min(reach) {
            self.ready = offset.min(reach);
            self.dred.read(packet, self.ready, self.sample_rate, false);
        }
        reach
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_libopus_names_itself() {
        assert_eq!((OPUS.version)(), "libopus 1.6.1 through opusic-sys 0.7.7");
    }

    #[test]
    fn the_documented_look_ahead_is_what_libopus_reports() {
        for (mode, samples) in [("voip", 312), ("audio", 312), ("lowdelay", 120)] {
            let request = Request { mode: Some(mode.into()), ..Request::default() };
            let settings = (OPUS.settle)(&request, &PcmFormat::mono(48_000)).unwrap();
            assert_eq!(OpusEncoder::new(&settings).unwrap().opus.look_ahead().unwrap(), samples);
            let Delay { encoder, decoder, .. } = (OPUS.delay)(&settings);
            assert_eq!(settings.format.samples(encoder + decoder), samples as usize);
        }
    }

    #[test]
    fn the_loss_estimate_starts_with_the_first_report_and_follows_with_10_s() {
        let loss = |p| Probability::new(p).unwrap();
        let mut smoother = LossSmoother::default();
        assert_eq!(smoother.percent(Time::from_millis(5000), loss(0.05)), 5);
        // After one time constant the rest of the way is 1/e: 0.05 / e = 1.84 %.
        assert_eq!(smoother.percent(Time::from_millis(15_000), loss(0.0)), 2);
        assert_eq!(smoother.percent(Time::from_millis(15_000), loss(1.0)), 2);
        // From 1.84 % toward 100 %: clamped.
        assert_eq!(smoother.percent(Time::from_millis(25_000), loss(1.0)), 20);
    }

    #[test]
    fn shares_come_largest_first_and_ties_by_name() {
        assert_eq!(shares(["b", "a", "c", "c"].into_iter()), [("c", 0.5), ("a", 0.25), ("b", 0.25)]);
    }
}
