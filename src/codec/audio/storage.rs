//! What storage codecs have alike. Nothing carries them in a call: a file is written and read again, at 48 kHz with the
//! clip's channels.
//!
//! Each is driven so that a player could start as soon as the first frame is coded and never wait: of every frame that goes
//! in, as many samples come out. Where a library gives out its first frame late, the encoder puts silence before the
//! signal, just as much as the library looks ahead. So the delay is the frame and [`crate::codec::about::Delay::lookahead`], no more.

use super::configure::{Basis, Default, basis as basis_of};
use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Request, Unit};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::Time;
use std::time::Duration;

pub(super) const RATE: u32 = 48_000;

/// What sets one storage codec apart.
#[derive(Debug)]
pub(super) struct Storage {
    pub codec: &'static str,
    /// Samples per channel that one call of the encoder takes.
    pub frame: usize,
    /// Mono and stereo.
    pub bitrates: [Bitrates; 2],
    /// What is taken where nothing is asked: mono and stereo.
    pub usual: [u32; 2],
}

/// What may be asked: a bitrate and nothing else.
pub(super) const fn range(bitrates: Bitrates) -> Range {
    Range { sample_rates: &[RATE], bitrates, packets_ms: &[], fmtp: &[], modes: &[], complexity: None }
}

/// As [`basis_of`], with the channels of the clip.
///
/// # Errors
/// None so far: no storage codec has modes.
pub(super) fn basis(storage: &Storage, request: &Request, clip: &PcmFormat) -> Result<Basis> {
    let stereo = usize::from(clip.channels > 1);
    let default = Default {
        codec: storage.codec,
        format: PcmFormat { sample_rate: RATE, channels: 1 + stereo as u8 },
        packet_ms: storage.frame as f64 * 1000.0 / f64::from(RATE),
        bitrate: storage.usual[stereo],
    };
    basis_of(&range(storage.bitrates[stereo]), &default, request)
}

/// The time of so many samples.
pub(super) fn samples(samples: usize) -> Duration {
    PcmFormat::mono(RATE).duration(samples)
}

/// `count` samples per channel that follow `before` others.
pub(super) fn unit(data: Vec<u8>, before: usize, count: usize) -> Unit {
    let (from, to) = (samples(before), samples(before + count));
    Unit { data, pts: Time::ZERO + from, duration: to - from, picture: None }
}

/// Fills what is missing with silence.
pub(super) fn silence(missing: Duration, out: &mut Pcm) {
    let more = out.format.samples(missing) * out.format.channels as usize;
    out.samples.resize(out.samples.len() + more, 0);
}
