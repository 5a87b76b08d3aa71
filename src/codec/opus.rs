//! Opus (RFC 6716) as WebRTC sends it (RFC 7587): libopus through the crate `opus`. [`super::opus_settle`] maps the fmtp
//! line to the encoder, [`super::opus_packet`] reads packets.

use super::opus_packet::{Mode, OpusPacket};
use super::{Codec, Decoder, Encoder, Feedback, Input, Observed, Request, RtpFormat, Settings, Unit, opus_settle};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, Probability, Time, from_ms, ms};
use std::collections::BTreeMap;
use std::time::Duration;

/// The longest packet, 120 ms, in samples per channel at 48 kHz (RFC 6716, section 3.4).
const LONGEST: usize = 5760;
/// A packet so short holds no audio: it is DTX (RFC 6716, section 3.2.1; libwebrtc draws the line here too).
const DTX_BYTES: usize = 2;

pub static OPUS: Codec<Pcm> = Codec {
    name: "opus",
    version: || format!("{} through opus 0.4.0", opus::version()),
    licence: "BSD-3-Clause",
    rtp: RtpFormat { payload_type: 111, clock_rate: |_| 48_000, channels: |_| 2 },
    plc: "libopus, in steps of 10 ms; in-band FEC (LBRR) when the next packet carries it",
    settle: opus_settle::settle,
    encoder: |settings| Ok(Box::new(OpusEncoder::new(settings).map_err(refused)?)),
    decoder: |settings| Ok(Box::new(OpusDecoder::new(settings.format).map_err(refused)?)),
    observe,
    variants,
    // RFC 6716, section 2.1.9, and the manual of OPUS_GET_LOOKAHEAD: 2.5 ms of CELT, 4 ms more where SILK may be used.
    nominal_lookahead: |settings| from_ms(if settings.text("application") == "lowdelay" { 2.5 } else { 6.5 }),
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

fn observe(_: &Settings<Pcm>, units: &[Unit]) -> Observed {
    let packets: Vec<OpusPacket> = units.iter().filter_map(|u| OpusPacket::parse(&u.data)).collect();
    let share = |count: usize| (!units.is_empty()).then(|| count as f64 / units.len() as f64);
    Observed {
        frame_ms: shares(packets.iter().map(|p| p.frame * p.frames as u32)).first().map(|(frame, _)| ms(*frame)),
        bandwidths: named(shares(packets.iter().map(|p| p.bandwidth.name()))),
        modes: named(shares(packets.iter().map(|p| p.mode.name()))),
        channels: shares(packets.iter().map(|p| p.channels)).first().map(|(channels, _)| *channels),
        fec_share: share(packets.iter().filter(|p| p.lbrr).count()),
        dtx_share: share(units.iter().filter(|u| u.data.len() <= DTX_BYTES).count()),
    }
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
    opus: opus::Encoder,
    frame: Duration,
    /// Room for one packet.
    buffer: Vec<u8>,
    in_dtx: bool,
    loss: LossSmoother,
    loss_percent: i32,
}

impl OpusEncoder {
    fn new(settings: &Settings<Pcm>) -> opus::Result<OpusEncoder> {
        let application = match settings.text("application") {
            "lowdelay" => opus::Application::LowDelay,
            "audio" => opus::Application::Audio,
            _ => opus::Application::Voip,
        };
        let bandwidth = match settings.text("max_bandwidth") {
            "narrowband" => opus::Bandwidth::Narrowband,
            "mediumband" => opus::Bandwidth::Mediumband,
            "wideband" => opus::Bandwidth::Wideband,
            "superwideband" => opus::Bandwidth::Superwideband,
            _ => opus::Bandwidth::Fullband,
        };
        let bitrate = settings.bitrate.map_or(32_000, |b| b.0);
        let mut opus = opus::Encoder::new(settings.format.sample_rate, channels(settings.format), application)?;
        opus.set_bitrate(opus::Bitrate::Bits(bitrate as i32))?;
        opus.set_inband_fec(settings.flag("inband_fec"))?;
        opus.set_max_bandwidth(bandwidth)?;
        opus.set_complexity(settings.int("complexity") as i32)?;
        opus.set_vbr(!settings.flag("cbr"))?;
        opus.set_dtx(settings.flag("dtx"))?;
        // libwebrtc does so: with DTX, an automatic choice may pick CELT, which leaves DTX too early.
        opus.set_signal(if settings.flag("dtx") { opus::Signal::Voice } else { opus::Signal::Auto })?;
        opus.set_packet_loss_perc(0)?;
        // Twice the mean packet, as libwebrtc: it bounds the peaks of variable bitrate.
        let room = 2 * u64::from(bitrate / 8000 + 1) * settings.frame.as_micros() as u64;
        Ok(OpusEncoder {
            opus,
            frame: settings.frame,
            buffer: vec![0; room.div_ceil(1000) as usize],
            in_dtx: false,
            loss: LossSmoother::default(),
            loss_percent: 0,
        })
    }
}

impl Encoder<Pcm> for OpusEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let length = self.opus.encode(&frame.samples, &mut self.buffer).map_err(refused)?;
        // The first packet without audio tells the decoder that DTX begins; libwebrtc sends none of those after it.
        let dtx = length <= DTX_BYTES;
        if !(dtx && self.in_dtx) {
            out.push(Unit { data: self.buffer[..length].to_vec(), pts, duration: self.frame });
        }
        self.in_dtx = dtx;
        Ok(())
    }

    fn adapt(&mut self, feedback: Feedback) -> Result<()> {
        let Some(loss) = feedback.loss else { return Ok(()) };
        let percent = self.loss.percent(feedback.at, loss);
        if percent != self.loss_percent {
            self.opus.set_packet_loss_perc(percent).map_err(refused)?;
            self.loss_percent = percent;
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
    opus: opus::Decoder,
    format: PcmFormat,
    buffer: Vec<i16>,
    /// The last packet was CELT: libopus then conceals rather than decode the FEC of the next one.
    after_celt: bool,
}

impl OpusDecoder {
    fn new(format: PcmFormat) -> opus::Result<OpusDecoder> {
        let opus = opus::Decoder::new(format.sample_rate, channels(format))?;
        Ok(OpusDecoder { opus, format, buffer: vec![0; LONGEST * format.channels as usize], after_celt: false })
    }

    /// Concealment of `samples` per channel, exactly.
    fn conceal(&mut self, mut samples: usize, out: &mut Vec<i16>) {
        let (channels, step) = (self.format.channels as usize, self.format.samples(from_ms(10.0)));
        let smallest = self.format.samples(from_ms(2.5));
        while samples > 0 {
            // libopus conceals in multiples of 2.5 ms; what is too much of the last one is dropped.
            let part = samples.min(step);
            let made = part.next_multiple_of(smallest) * channels;
            if self.opus.decode(&[], &mut self.buffer[..made], false).is_err() {
                self.buffer[..made].fill(0);
            }
            out.extend_from_slice(&self.buffer[..part * channels]);
            samples -= part;
        }
    }

    /// The FEC in `from`, and concealment before it if more is missing than it holds.
    fn recover(&mut self, from: &[u8], samples: usize, out: &mut Vec<i16>) {
        let channels = self.format.channels as usize;
        let covered = OpusPacket::parse(from).map_or(usize::MAX, |p| self.format.samples(p.frame));
        if covered > samples || self.reach(from).is_zero() {
            return self.conceal(samples, out);
        }
        self.conceal(samples - covered, out);
        match self.opus.decode(from, &mut self.buffer[..covered * channels], true) {
            Ok(made) if made == covered => out.extend_from_slice(&self.buffer[..covered * channels]),
            _ => self.conceal(covered, out),
        }
    }
}

impl Decoder<Pcm> for OpusDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => {
                let packet = OpusPacket::parse(data)
                    .ok_or_else(|| Error::Codec { codec: "opus", reason: "not an Opus packet".into() })?;
                let samples = self.opus.decode(data, &mut self.buffer, false).map_err(refused)?;
                self.after_celt = packet.mode == Mode::Celt;
                out.samples.extend_from_slice(&self.buffer[..samples * self.format.channels as usize]);
            }
            // In-band FEC holds what lies right before its packet.
            Input::Recover { from, offset, missing } if offset == missing => {
                self.recover(from, self.format.samples(missing), &mut out.samples);
            }
            Input::Recover { missing, .. } => self.conceal(self.format.samples(missing), &mut out.samples),
            Input::Lost(missing) => self.conceal(self.format.samples(missing), &mut out.samples),
        }
        Ok(())
    }

    fn reach(&self, from: &[u8]) -> Duration {
        let lbrr = OpusPacket::parse(from).filter(|packet| packet.lbrr && !self.after_celt);
        lbrr.map_or(Duration::ZERO, |packet| packet.frame)
    }
}

fn channels(format: PcmFormat) -> opus::Channels {
    if format.channels == 2 { opus::Channels::Stereo } else { opus::Channels::Mono }
}

fn refused(error: opus::Error) -> Error {
    Error::Codec { codec: "opus", reason: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_linked_libopus_names_itself() {
        assert_eq!((OPUS.version)(), "libopus 1.6.1 through opus 0.4.0");
    }

    #[test]
    fn the_documented_look_ahead_is_what_libopus_reports() {
        for (mode, samples) in [("voip", 312), ("audio", 312), ("lowdelay", 120)] {
            let request = Request { mode: Some(mode.into()), ..Request::default() };
            let settings = (OPUS.settle)(&request, &PcmFormat::mono(48_000)).unwrap();
            assert_eq!(OpusEncoder::new(&settings).unwrap().opus.get_lookahead().unwrap(), samples);
            assert_eq!(settings.format.samples((OPUS.nominal_lookahead)(&settings)), samples as usize);
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
