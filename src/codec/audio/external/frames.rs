//! Frame by frame over stdin and stdout: the protocol is in [`super`].

use super::configure::{NAME, delay};
use super::process::{Answer, Conversation};
use crate::codec::about::Delay;
use crate::codec::api::{Decoder, Encoder, Input, Observed, Parameters, Settings, Unit};
use crate::codec::program::{Filling, Program, Run};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use std::time::Duration;

/// In the place of a packet's length: it was lost.
const LOST: u32 = u32::MAX;

#[derive(Debug)]
pub(super) struct FrameProgram(pub Program);

impl FrameProgram {
    fn start(&self, settings: &Settings<Pcm>, direction: &str, answer: Answer) -> Result<Conversation> {
        let FrameProgram(program) = self;
        let Run::Frames { command } = &program.run else {
            let what = "works file to file: it is for the codec external-file";
            return Err(Error::usage(format!("'{}' {what}", program.name)));
        };
        let filling =
            Filling { bitrate: settings.bitrate, format: settings.format, frame: settings.frame, files: None };
        let mut command = filling.fill(command);
        command.push(direction.to_owned());
        let who = format!("'{}' ({direction})", program.name);
        Conversation::start(NAME, who, &command, answer, program.timeout)
    }
}

impl Parameters<Pcm> for FrameProgram {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        let program = self.start(settings, "encode", Answer::Packet)?;
        Ok(Box::new(FrameEncoder { program, frame: settings.frame }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        let values = settings.format.samples(settings.frame) * settings.format.channels as usize;
        let program = self.start(settings, "decode", Answer::Bytes(2 * values))?;
        Ok(Box::new(FrameDecoder { program, format: settings.format, concealed: Vec::new() }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed::as_set(settings)
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        delay(&self.0)
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![("program", self.0.words())]
    }
}

struct FrameEncoder {
    program: Conversation,
    frame: Duration,
}

impl Encoder<Pcm> for FrameEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, out: &mut Vec<Unit>) -> Result<()> {
        let data = self.program.ask(frame.samples.iter().flat_map(|s| s.to_le_bytes()).collect())?;
        if !data.is_empty() {
            out.push(Unit { data, pts, duration: self.frame, picture: None });
        }
        Ok(())
    }
}

struct FrameDecoder {
    program: Conversation,
    format: PcmFormat,
    /// What is left of a frame that was asked for as lost: a loss need not be whole frames.
    concealed: Vec<i16>,
}

impl FrameDecoder {
    fn ask(&mut self, message: Vec<u8>) -> Result<Vec<i16>> {
        let bytes = self.program.ask(message)?;
        Ok(bytes.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]])).collect())
    }
}

impl Decoder<Pcm> for FrameDecoder {
    /// A program that has failed fails for a lost frame too: there is nobody left who could make one up.
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => {
                // What was made up beyond the loss has its place taken by what was received.
                self.concealed.clear();
                let mut message = (data.len() as u32).to_le_bytes().to_vec();
                message.extend_from_slice(data);
                out.samples.extend(self.ask(message)?);
            }
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let wanted = self.format.samples(missing) * self.format.channels as usize;
                while self.concealed.len() < wanted {
                    let made = self.ask(LOST.to_le_bytes().to_vec())?;
                    self.concealed.extend(made);
                }
                out.samples.extend(self.concealed.drain(..wanted));
            }
        }
        Ok(())
    }
}
