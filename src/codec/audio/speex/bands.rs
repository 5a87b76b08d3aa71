//! The bandwidths of Speex, and what may be asked of it.

use crate::codec::about::{Bitrates, Range};

/// What is different by bandwidth.
#[cfg_attr(not(feature = "speex"), expect(dead_code, reason = "without the feature it only tells what there would be"))]
pub(super) struct Band {
    pub mode: &'static str,
    pub sample_rate: u32,
    /// By quality, 0 to 10, each once; ascending.
    pub bitrates: &'static [u32],
    /// The library's own, of quality 8.
    pub bitrate: u32,
    /// Samples that the encoder and the decoder hold back.
    pub lookahead: (usize, usize),
}

pub(super) static BANDS: [Band; 3] = [
    Band {
        mode: "nb",
        sample_rate: 8000,
        bitrates: &[2150, 3950, 5950, 8000, 11_000, 15_000, 18_200, 24_600],
        bitrate: 15_000,
        lookahead: (40, 40),
    },
    Band {
        mode: "wb",
        sample_rate: 16_000,
        bitrates: &[3950, 5750, 7750, 9800, 12_800, 16_800, 20_600, 23_800, 27_800, 34_200, 42_200],
        bitrate: 27_800,
        lookahead: (143, 80),
    },
    Band {
        mode: "uwb",
        sample_rate: 32_000,
        bitrates: &[4150, 7550, 9550, 11_600, 14_600, 18_600, 22_400, 25_600, 29_600, 36_000, 44_000],
        bitrate: 29_600,
        lookahead: (349, 160),
    },
];

pub(super) const RANGE: Range = Range {
    sample_rates: &[8000, 16_000, 32_000],
    bitrates: Bitrates::Span(2150, 44_000),
    packets_ms: &[20.0, 40.0, 60.0],
    fmtp: &["cng", "maxptime", "mode", "vbr"],
    modes: &["nb", "wb", "uwb"],
    complexity: Some(10),
};
