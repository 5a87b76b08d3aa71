//! iLBC (RFC 3951) in RTP (RFC 3952): 8 kHz, 15.2 kbit/s in frames of 20 ms or 13.33 kbit/s in frames of 30 ms.
//!
//! Written from the RFC's description, in floating point; encoder and decoder are not bit-exact with its C code, which the
//! RFC does not ask for. Where the C code and the text leave room: the search of the filtered codebook half is bounded by
//! lags, not by indices; the enhancer's segments are placed without the offset of one sample that the C code has; the
//! pitch of a lost frame is looked for over all lags; and losses fade step by step as the C code's comments mean it.

mod codebook;
mod conceal;
mod decoder;
mod encoder;
mod enhance;
mod excitation;
mod filter;
mod frame;
mod lpc;
mod lsf;
mod lsf_codebook;
mod search;
mod start;
mod tables;

use super::{Decoder, Encoder, Input, Settings, Unit};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use decoder::FrameDecoder;
use encoder::FrameEncoder;
use frame::{Mode, Unpacked, unpack};
use std::time::Duration;

struct IlbcEncoder {
    mode: Mode,
    encoder: FrameEncoder,
    packet: Duration,
}

impl Encoder<Pcm> for IlbcEncoder {
    fn encode(&mut self, pts: Time, packet: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let frames = packet.samples.chunks_exact(self.mode.samples());
        let data = frames.flat_map(|frame| self.encoder.encode(frame)).collect();
        out.push(Unit { data, pts, duration: self.packet, picture: None });
        Ok(())
    }
}

struct IlbcDecoder {
    mode: Mode,
    format: PcmFormat,
    decoder: FrameDecoder,
    /// Of a concealed frame, what is not given yet: losses need not be whole frames.
    concealed: Vec<i16>,
}

impl IlbcDecoder {
    fn new(mode: Mode, format: PcmFormat, enhance: bool) -> IlbcDecoder {
        IlbcDecoder { mode, format, decoder: FrameDecoder::new(mode, enhance), concealed: Vec::new() }
    }
}

impl Decoder<Pcm> for IlbcDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => {
                let frames = frames(self.mode, data)?;
                self.concealed.clear();
                for frame in frames {
                    out.samples.extend(match frame {
                        Some(frame) => self.decoder.decode(&frame),
                        None => self.decoder.conceal(),
                    });
                }
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let count = self.format.samples(missing);
                while self.concealed.len() < count {
                    self.concealed.extend(self.decoder.conceal());
                }
                out.samples.extend(self.concealed.drain(..count));
            }
        }
        Ok(())
    }
}

/// The frames of a packet, `None` for those that are marked as empty.
fn frames(mode: Mode, data: &[u8]) -> Result<Vec<Option<frame::Frame>>> {
    let size = mode.bytes();
    if data.is_empty() || !data.len().is_multiple_of(size) {
        return Err(refused(format!("{} bytes; packets are whole frames of {size} bytes", data.len())));
    }
    let unpacked = data.chunks_exact(size).map(|data| match unpack(mode, data) {
        Unpacked::Frame(frame) => Ok(Some(frame)),
        Unpacked::Empty => Ok(None),
        Unpacked::Corrupt => Err(refused("a frame's start state lies outside the frame".into())),
    });
    unpacked.collect()
}

fn refused(reason: String) -> Error {
    Error::Codec { codec: "iLBC", reason }
}
