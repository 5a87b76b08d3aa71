//! What storage codecs have alike. Nothing carries them in a call: a file is written and read again, at 48 kHz with the
//! clip's channels.
//!
//! Each is driven so that a player could start as soon as the first frame is coded and never wait: of every frame that goes
//! in, as many samples come out. Where a library gives out its first frame late, the encoder puts silence before the
//! signal, just as much as the library looks ahead. So the delay is the frame and [`crate::codec::about::Delay::lookahead`], no more.

use super::settle::{self, Default};
use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Observed, Request, Settings, Unit};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::{Time, ms};
use std::time::Duration;

pub(super) const RATE: u32 = 48_000;

/// What sets one storage codec apart.
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

/// # Errors
/// None so far; it fits [`crate::codec::api::Settle`].
pub(super) fn settle(storage: &Storage, request: &Request, clip: &PcmFormat) -> Result<Settings<Pcm>> {
    let stereo = usize::from(clip.channels > 1);
    let default = Default {
        codec: storage.codec,
        format: PcmFormat { sample_rate: RATE, channels: 1 + stereo as u8 },
        packet_ms: storage.frame as f64 * 1000.0 / f64::from(RATE),
        bitrate: storage.usual[stereo],
    };
    settle::settle(&range(storage.bitrates[stereo]), &default, request)
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

pub(super) fn observe(settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
    Observed { frame_ms: Some(ms(settings.frame)), channels: Some(settings.format.channels), ..Observed::default() }
}

/// Fills what is missing with silence.
pub(super) fn silence(missing: Duration, out: &mut Pcm) {
    let more = out.format.samples(missing) * out.format.channels as usize;
    out.samples.resize(out.samples.len() + more, 0);
}
