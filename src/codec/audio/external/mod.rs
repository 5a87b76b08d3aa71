//! Codecs of the user's own: a program that a plan describes, on the same charts as all others. It runs as a process of its
//! own, so that it can do no harm but to its own case.
//!
//! # `external`: frame by frame
//!
//! The program is started twice, with `encode` and with `decode` as its last argument, and then talks over its standard
//! input and output. Numbers are little endian, samples 16 bit, channels interleaved; a frame is always of the same length.
//!
//! - `encode` reads one frame of samples, and answers with the length of its packet (u32) and the packet. Length 0: nothing is
//!   sent (DTX). At most 1 MiB.
//! - `decode` reads the length of a packet (u32) and the packet, or the length 0xFFFFFFFF alone for one that was lost; it
//!   answers with one frame of samples, always.
//!
//! Each answer must be flushed before the next message is read. At the end of its standard input the program ends. What it
//! writes to standard error is shown when it fails: no answer in time, an answer cut short, too long or unasked for, an end
//! before its time. Codecbench splits losses that are no whole frames: it asks for a whole lost frame and keeps the rest for
//! the loss that follows at once.
//!
//! # `external-file`: file to file
//!
//! For storage codecs: a command from WAV (16 bit) to a file, and one from that file to WAV of the same rate and channels. The
//! files lie in a fresh folder; both commands run in the working directory, and must end with exit code 0.

mod files;
mod frames;
mod process;

pub use crate::codec::program::{Program, Run};

use super::settle::unknown_parameters;
use crate::codec::{
    Bitrates, Change, ChangeKind, Codec, Delay, Knob, Licence, Observed, Range, Request, RtpFormat, Settings, Terms,
};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::units::ms;
use std::collections::BTreeMap;

pub static EXTERNAL: Codec<Pcm> = Codec {
    name: "external",
    version: || "a program that the plan names; protocol 1".into(),
    // Nothing is linked; the format's own terms are not known.
    licence: Licence { code: "the program's own", terms: Terms::Unknown },
    feature: None,
    range: RANGE,
    rtp: Some(RtpFormat {
        encoding: |_| "external",
        payload_type: 112,
        clock_rate: |rate| rate,
        channels: u16::from,
        source: "none",
    }),
    plc: "the program's: it is told of each lost frame",
    fec: "",
    settle: |request, _| settle(EXTERNAL.name, request),
    encoder: frames::encoder,
    decoder: frames::decoder,
    observe: |settings, _| Observed {
        frame_ms: Some(ms(settings.frame)),
        channels: Some(settings.format.channels),
        ..Observed::default()
    },
    variants: Vec::new,
    delay,
};

pub static EXTERNAL_FILE: Codec<Pcm> = Codec {
    name: "external-file",
    version: || "a program that the plan names, file to file".into(),
    rtp: None,
    plc: "none: a file has no losses",
    settle: |request, _| settle(EXTERNAL_FILE.name, request),
    encoder: files::encoder,
    decoder: files::decoder,
    observe: |settings, _| Observed { channels: Some(settings.format.channels), ..Observed::default() },
    ..EXTERNAL
};

/// Anything that a plan may say: what the program can do is not known.
const RANGE: Range = Range {
    sample_rates: &[8000, 16_000, 24_000, 32_000, 44_100, 48_000],
    bitrates: Bitrates::Span(1, 50_000_000),
    packets_ms: &[],
    fmtp: &[],
    modes: &[],
    complexity: None,
};

/// The knob that carries the program from the settings to encoder and decoder.
const PROGRAM: &str = "program";

/// Whether a codec of that name runs a user's program.
pub fn is_external(codec: &str) -> bool {
    [EXTERNAL.name, EXTERNAL_FILE.name].contains(&codec)
}

fn settle(codec: &'static str, request: &Request) -> Result<Settings<Pcm>> {
    let Some(program) = &request.program else {
        let example = "program = { command = [\"evs\", \"{bitrate}\"], sample_rate = 16000, frame = \"20ms\" }";
        let example =
            if codec == EXTERNAL.name { example } else { "program = { encode = [...], decode = [...], ... }" };
        return Err(Error::usage(format!("{codec} needs a program, which a plan describes: {example}")));
    };
    let mut changes = unknown_parameters(&RANGE, request);
    let mut ignored = |requested: String, reason: &str| {
        let (effective, reason) = ("ignored".to_owned(), reason.to_owned());
        changes.push(Change { requested, effective, kind: ChangeKind::Ignored, reason });
    };
    if let Some(ptime) = request.fmtp.get("ptime") {
        ignored(format!("ptime={ptime}"), "the frame of the program, or the setting's own ptime, says it");
    }
    if let Some(complexity) = request.complexity {
        ignored(format!("complexity={complexity}"), "a program is told by its command");
    }
    if let Some(mode) = &request.mode {
        ignored(format!("mode={mode}"), "a program is told by its command");
    }
    let frame = match request.ptime {
        Some(ptime) if !program.reads(&["frame_ms"]) && ptime != program.frame => {
            ignored(format!("ptime={}", ms(ptime)), "the program's command has no {frame_ms}");
            program.frame
        }
        ptime => ptime.unwrap_or(program.frame),
    };
    let bitrate = match (request.bitrate, program.reads(&["bitrate", "kbps"])) {
        (Some(bitrate), false) => {
            ignored(format!("bitrate={}", bitrate.0), "the program's command has neither {bitrate} nor {kbps}");
            None
        }
        (None, true) => {
            let what = "its command has {bitrate} or {kbps}, and the setting has no bitrate";
            return Err(Error::usage(format!("{codec}: '{}': {what}", program.name)));
        }
        (bitrate, _) => bitrate,
    };
    let format = program.format();
    // Whole samples; what rounding takes away is less than one.
    let frame = format.duration(format.samples(frame));
    if frame.is_zero() || frame > crate::codec::program::LONGEST_FRAME {
        let longest = ms(crate::codec::program::LONGEST_FRAME);
        return Err(Error::usage(format!("{codec}: a frame is one sample to {longest} ms, not {} ms", ms(frame))));
    }
    let knobs = BTreeMap::from([(PROGRAM, Knob::Program(program.clone().into()))]);
    Ok(Settings { format, frame, bitrate, knobs, changes })
}

fn delay(settings: &Settings<Pcm>) -> Delay {
    let encoder = of(settings).map(|program| program.look_ahead).unwrap_or_default();
    Delay { encoder, source: "look_ahead of the plan's program", ..Delay::default() }
}

/// The program of settings that [`settle`] made.
fn of(settings: &Settings<Pcm>) -> Result<&Program> {
    match settings.knobs.get(PROGRAM) {
        Some(Knob::Program(program)) => Ok(program),
        _ => Err(Error::usage("external codecs need a program")),
    }
}
