//! How an Opus encoder is driven in a call: what is sent in pauses, and what the network's reports change.

use super::configure::{Application, BITRATE, OpusParameters};
use super::packet::{Bandwidth, DTX_BYTES};
use super::raw::{self, Set};
use crate::codec::api::{Encoder, Feedback, Settings, Unit};
use crate::error::Result;
use crate::media::Pcm;
use crate::units::{Bitrate, Probability, Time, ms};
use std::time::Duration;

/// The encoder of a call, on one version of libopus.
pub(super) struct OpusEncoder<E> {
    opus: E,
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

impl<E: raw::Encode> OpusEncoder<E> {
    pub fn new(parameters: &OpusParameters, settings: &Settings<Pcm>) -> Result<OpusEncoder<E>> {
        let OpusParameters { application, max_bandwidth, complexity, cbr, inband_fec, dtx, dred, .. } = *parameters;
        let bandwidth = match max_bandwidth {
            Bandwidth::Narrow => 1101,
            Bandwidth::Medium => 1102,
            Bandwidth::Wide => 1103,
            Bandwidth::SuperWide => 1104,
            Bandwidth::Full => 1105,
        };
        let bitrate = settings.bitrate.map_or(32_000, |b| b.0) as i32;
        let mut opus = E::new(settings.format.sample_rate, settings.format.channels, code(application))?;
        for (option, value) in [
            (Set::Bitrate, bitrate),
            (Set::InbandFec, i32::from(inband_fec)),
            (Set::MaxBandwidth, bandwidth),
            (Set::Complexity, i32::from(complexity)),
            (Set::Vbr, i32::from(!cbr)),
            (Set::Dtx, i32::from(dtx)),
            // libwebrtc does so: with DTX, an automatic choice may pick CELT, which leaves DTX too early.
            (Set::Signal, if dtx { 3001 } else { -1000 }),
            (Set::LossPercent, 0),
        ] {
            opus.set(option, value)?;
        }
        let dred = dred.as_millis() as i32 / 10;
        if dred > 0 {
            opus.set(Set::DredDuration, dred)?;
        }
        Ok(OpusEncoder {
            opus,
            frame: settings.frame,
            buffer: vec![0; room(bitrate, settings.frame)],
            in_dtx: false,
            loss: LossSmoother::default(),
            loss_percent: 0,
            bitrate,
            ceiling: settings.ceiling.map(|ceiling| ceiling.0 as i32),
        })
    }
}

/// What libopus knows it by.
pub(super) fn code(application: Application) -> i32 {
    match application {
        Application::Voip => raw::VOIP,
        Application::Audio => raw::AUDIO,
        Application::LowDelay => raw::LOW_DELAY,
        Application::Silk => raw::SILK,
        Application::Celt => raw::CELT,
    }
}

/// Twice the mean packet in bytes, as libwebrtc: it bounds the peaks of variable bitrate.
fn room(bitrate: i32, frame: Duration) -> usize {
    let room = 2 * (bitrate as u64 / 8000 + 1) * frame.as_micros() as u64;
    room.div_ceil(1000) as usize
}

impl<E: raw::Encode> Encoder<Pcm> for OpusEncoder<E> {
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
            let bitrate = i32::try_from(target).unwrap_or(i32::MAX).clamp(BITRATE.0, ceiling);
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
