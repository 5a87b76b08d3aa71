//! What may be asked of every video codec.

use crate::codec::about::{Bitrates, Range};

/// libwebrtc sends no video at less, in bit/s.
pub(super) const LEAST_BITRATE: u32 = 30_000;

impl Range {
    /// What video codecs have alike: libwebrtc sends none at less than 30 kbit/s.
    pub(in crate::codec::video) const VIDEO: Range = Range {
        sample_rates: &[],
        bitrates: Bitrates::Span(LEAST_BITRATE, 50_000_000),
        packets_ms: &[],
        fmtp: &[],
        modes: &[],
        complexity: Some(10),
    };
}
