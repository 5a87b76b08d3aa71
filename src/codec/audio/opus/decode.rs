//! How an Opus decoder is driven in a call: exact concealment, in-band FEC and deep redundancy.

use super::configure::OpusParameters;
use super::packet::{DEEPEST, Mode, OpusPacket};
use super::raw::{self, Set};
use crate::codec::api::{Decoder, Input, Settings};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::from_ms;
use std::cell::RefCell;
use std::time::Duration;

/// The longest packet, 120 ms, in samples per channel at 48 kHz (RFC 6716, section 3.4).
const LONGEST: usize = 5760;

/// The decoder of a call, on one version of libopus.
pub(super) struct OpusDecoder<D> {
    opus: D,
    format: PcmFormat,
    buffer: Vec<i16>,
    /// The last packet was CELT: libopus then conceals rather than decode the FEC of the next one.
    after_celt: bool,
    /// Where deep redundancy was asked for. A cell, because looking at a packet's reach reads the packet.
    deep: Option<RefCell<Deep>>,
}

impl<D: raw::Decode> OpusDecoder<D> {
    pub fn new(parameters: &OpusParameters, settings: &Settings<Pcm>) -> Result<OpusDecoder<D>> {
        let format = settings.format;
        let mut opus = D::new(format.sample_rate, format.channels)?;
        if parameters.deep_plc {
            opus.set(Set::Complexity, 5)?;
        }
        let deep = if parameters.dred.is_zero() { None } else { Some(RefCell::new(Deep::new(format)?)) };
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
        mut step: impl FnMut(&mut D, &mut [i16], usize) -> bool,
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
        if self.after_celt { Duration::ZERO } else { self.fec(from) }
    }
}

impl<D: raw::Decode> Decoder<Pcm> for OpusDecoder<D> {
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

    fn fec(&self, from: &[u8]) -> Duration {
        OpusPacket::parse(from).filter(|packet| packet.lbrr).map_or(Duration::ZERO, |packet| packet.frame)
    }

    fn duration(&self, unit: &[u8]) -> Option<Duration> {
        OpusPacket::parse(unit).map(|packet| packet.frame * packet.frames as u32)
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
