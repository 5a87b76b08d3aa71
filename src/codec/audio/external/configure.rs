//! From the program of a plan to what the external codecs run with.

use crate::codec::about::{Bitrates, Delay, Range};
use crate::codec::api::{Change, ChangeKind, Parameters, Request, Settings};
use crate::codec::audio::configure::unknown_parameters;
use crate::codec::program::{LONGEST_FRAME, Program};
use crate::error::{Error, Result};
use crate::media::Pcm;
use crate::units::ms;

/// What plans call the codec that runs frame by frame, and the one that runs file to file.
pub(super) const NAME: &str = "external";
pub(super) const FILE_NAME: &str = "external-file";

/// Anything that a plan may say: what the program can do is not known.
pub(super) const RANGE: Range = Range {
    sample_rates: &[8000, 16_000, 24_000, 32_000, 44_100, 48_000],
    bitrates: Bitrates::Span(1, 50_000_000),
    packets_ms: &[],
    fmtp: &[],
    modes: &[],
    complexity: None,
};

/// `parameters` makes them of the program.
pub(super) fn configure<P: Parameters<Pcm> + 'static>(
    codec: &'static str,
    request: &Request,
    parameters: fn(Program) -> P,
) -> Result<Settings<Pcm>> {
    let Some(program) = &request.program else {
        let example = "program = { command = [\"evs\", \"{bitrate}\"], sample_rate = 16000, frame = \"20ms\" }";
        let example = if codec == NAME { example } else { "program = { encode = [...], decode = [...], ... }" };
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
    if frame.is_zero() || frame > LONGEST_FRAME {
        let longest = ms(LONGEST_FRAME);
        return Err(Error::usage(format!("{codec}: a frame is one sample to {longest} ms, not {} ms", ms(frame))));
    }
    Ok(Settings { bitrate, changes, ..Settings::new(format, frame, parameters(program.clone())) })
}

/// What the plan says of it.
pub(super) fn delay(program: &Program) -> Delay {
    Delay { encoder: program.look_ahead, source: "look_ahead of the plan's program", ..Delay::default() }
}
