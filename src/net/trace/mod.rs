//! Recorded networks: what a file says becomes a [`Trace`] that [`Replay`] applies packet by packet, or, for files that
//! describe phases of a link, words of [`super::spec`].
//!
//! The form is told from the content; where that leaves it open, from the file's ending:
//!
//! | form | content | ending | becomes |
//! |---|---|---|---|
//! | pcap, pcapng | magic number | | [`Kind::Fates`] of its busiest RTP stream |
//! | OpenNetLab JSON | begins with `{` or `[` | | words: a schedule |
//! | G.192 error pattern | words 0x6B21 (good), 0x6B20 (lost) of either byte order | | [`Kind::Fates`], 20 ms |
//! | byte error pattern | bytes 0x21 (good), 0x20 (lost) | | [`Kind::Fates`], 20 ms |
//! | loss mask | 20 or more figures `0` (good) and `1` (lost), one a line or written without a break | | [`Kind::Fates`], 20 ms |
//! | Mahimahi | whole ms, one a line, never descending | `.up`, `.down`, `.mahi` | [`Kind::Opportunities`] |
//! | 3GPP delay/error | whole ms, one a line, -1 is lost | `.dat` | [`Kind::Fates`], 20 ms |

mod capture;
mod kind;
mod lines;
mod packets;
mod pattern;
mod phases;
mod rtp;

pub use kind::{Kind, OPPORTUNITY_BYTES};

use crate::error::{Error, Result};
use crate::units::Time;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The largest file that is read.
pub const LARGEST: u64 = 256 << 20;

/// A recording of a link. Two traces are equal when their contents are.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// As the user named it: a file's path.
    pub name: String,
    /// BLAKE3 of the recording's content, in hex: part of every cache key.
    pub hash: String,
    pub kind: Kind,
}

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Recording {
    Trace(Arc<Trace>),
    /// A schedule in the words of [`super::spec`]: "rate 1mbit at 40s rate 2500kbit".
    Words(String),
}

/// Reads a recording; its form is told as the table above says.
///
/// # Errors
/// [`Error::Input`] that names the file, and the line (or packet, byte, phase) where there is one.
pub fn read(path: &Path) -> Result<Recording> {
    let data = load(path)?;
    parse(&data, &path.to_string_lossy()).map_err(|reason| Error::input(path, reason))
}

/// As [`read`], of a file's content and name.
///
/// # Errors
/// The reason, in one line.
pub fn parse(data: &[u8], name: &str) -> Result<Recording, String> {
    let trace = |kind| {
        let hash = blake3::hash(data).to_hex().to_string();
        Recording::Trace(Arc::new(Trace { name: name.to_owned(), hash, kind }))
    };
    if packets::is_capture(data) {
        return capture::read(data).map(trace);
    }
    if data.iter().all(u8::is_ascii_whitespace) {
        return Err("the file is empty".into());
    }
    if let Some(kind) = pattern::words(data).or_else(|| pattern::bytes(data)) {
        return kind.map(trace);
    }
    let text = text(data)?;
    if text.trim_start().starts_with(['{', '[']) {
        return phases::read(text).map(Recording::Words);
    }
    let ending = Path::new(name).extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    if let Some(kind) = pattern::mask(text).filter(|_| !lines::is_named(&ending)) {
        return Ok(trace(kind));
    }
    lines::read(text, &ending).map(trace)
}

fn load(path: &Path) -> Result<Vec<u8>> {
    let too_large = || Error::input(path, format!("is larger than {} MiB, the most that is read", LARGEST >> 20));
    let file = std::fs::File::open(path).map_err(|e| Error::input(path, e))?;
    let about = file.metadata().map_err(|e| Error::input(path, e))?;
    if about.is_dir() {
        return Err(Error::input(path, "is a folder, not a trace"));
    }
    if about.len() > LARGEST {
        return Err(too_large());
    }
    let mut data = Vec::with_capacity(about.len() as usize);
    file.take(LARGEST + 1).read_to_end(&mut data).map_err(|e| Error::input(path, e))?;
    if data.len() as u64 > LARGEST { Err(too_large()) } else { Ok(data) }
}

/// The content as text, if it is.
fn text(data: &[u8]) -> Result<&str, String> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let strange = |b: &u8| b.is_ascii_control() && !b.is_ascii_whitespace();
    let text = std::str::from_utf8(data).map_err(|e| e.valid_up_to());
    match (text, data.iter().position(strange)) {
        (Ok(text), None) => Ok(text),
        (text, strange) => {
            let at = text.err().into_iter().chain(strange).min().unwrap_or(0);
            Err(format!("byte {at} (0x{:02X}): neither text nor a binary form that is known", data[at]))
        }
    }
}

/// A running trace.
pub struct Replay {
    trace: Arc<Trace>,
    packets: u64,
    /// Of [`Kind::Opportunities`].
    queue: Queue,
}

/// Where a FIFO of bytes stands: the opportunity that the last packet left with, and what that still carries.
#[derive(Clone, Copy, Default)]
struct Queue {
    cycle: u64,
    index: usize,
    leaves: Time,
    left: usize,
}

impl Replay {
    pub fn new(trace: Arc<Trace>) -> Replay {
        Replay { trace, packets: 0, queue: Queue::default() }
    }

    /// When the packet of `bytes` that comes at `now` leaves the link; `None`: lost. `by_packet`: one fate per packet
    /// instead of one per step.
    ///
    /// Opportunities serve a queue without bound, first in first out, of bytes: a packet may need several, several may
    /// share one, and what nobody waits for is gone. As in Mahimahi, one takes only what came before its instant.
    /// `now` never runs backwards.
    pub fn admit(&mut self, now: Time, bytes: usize, by_packet: bool) -> Option<Time> {
        match &self.trace.kind {
            Kind::Fates { step, fates } => {
                let slot = (now.0 / (step.as_nanos() as u64).max(1)) as usize;
                let n = if by_packet { self.packets as usize } else { slot };
                self.packets += 1;
                fates.get(n % fates.len().max(1)).copied().flatten().map(|delay| now + delay)
            }
            Kind::Opportunities { at, period } => {
                self.queue.serve(now, bytes, at, period.as_nanos() as u64);
                Some(self.queue.leaves)
            }
        }
    }
}

impl Queue {
    fn serve(&mut self, now: Time, bytes: usize, at: &[Duration], period: u64) {
        let instant = |d: &Duration| d.as_nanos() as u64;
        if self.leaves <= now {
            // Nobody waits: the first opportunity after `now`.
            self.cycle = now.0 / period;
            self.index = at.partition_point(|d| instant(d) <= now.0 % period);
            if self.index == at.len() {
                (self.cycle, self.index) = (self.cycle + 1, 0);
            }
            self.left = OPPORTUNITY_BYTES;
        }
        let mut bytes = bytes;
        while bytes > self.left {
            bytes -= self.left;
            self.left = OPPORTUNITY_BYTES;
            self.index += 1;
            if self.index == at.len() {
                (self.cycle, self.index) = (self.cycle + 1, 0);
            }
        }
        self.left -= bytes;
        self.leaves = Time(self.cycle * period + instant(&at[self.index]));
    }
}
