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

mod configure;
mod files;
mod frames;
mod process;

pub use crate::codec::program::{Program, Run};

use crate::codec::about::{Licence, RtpFormat, Terms};
use crate::codec::api::Codec;
use crate::media::Pcm;
use configure::{FILE_NAME, NAME, configure};
use files::FileProgram;
use frames::FrameProgram;

pub static EXTERNAL: Codec<Pcm> = Codec {
    name: NAME,
    version: || "a program that the plan names; protocol 1".into(),
    // Nothing is linked; the format's own terms are not known.
    licence: Licence { code: "the program's own", terms: Terms::Unknown },
    feature: None,
    range: configure::RANGE,
    rtp: Some(RtpFormat { encoding: |_| "external", payload_type: 112, source: "none", ..RtpFormat::AUDIO }),
    plc: "the program's: it is told of each lost frame",
    fec: "",
    configure: |request, _| configure(NAME, request, FrameProgram),
    variants: Vec::new,
};

pub static EXTERNAL_FILE: Codec<Pcm> = Codec {
    name: FILE_NAME,
    version: || "a program that the plan names, file to file".into(),
    rtp: None,
    plc: "none: a file has no losses",
    configure: |request, _| configure(FILE_NAME, request, FileProgram),
    ..EXTERNAL
};

/// Whether a codec of that name runs a user's program.
pub fn is_external(codec: &str) -> bool {
    [NAME, FILE_NAME].contains(&codec)
}
