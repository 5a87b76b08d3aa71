//! What is known of a codec besides how to run it: licence, build feature, what may be asked of it, and how it travels.
//! `codecbench list codecs` shows these, and [`super::audio`] reads them.

use crate::rtp::api::PayloadFormat;
use crate::units::Bitrate;
use std::time::Duration;

/// The licence of the implementation, and what the format itself asked of its users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Licence {
    /// SPDX expression of the implementation that is linked.
    pub code: &'static str,
    pub terms: Terms,
}

/// What a format cost its users when opus-codec.org drew its comparison (2011); its colours. Many of these patents have
/// run out since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Terms {
    /// Royalty-free, with an open implementation.
    Open,
    /// A free licence, but not open.
    Free,
    /// Licence fees.
    Fees,
    /// Of a program of the user's own.
    Unknown,
}

impl Terms {
    pub const fn words(self) -> &'static str {
        match self {
            Terms::Open => "royalty-free and open",
            Terms::Free => "free licence, not open",
            Terms::Fees => "licence fees",
            Terms::Unknown => "terms not known",
        }
    }
}

/// A feature of the build without which the codec is only named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    pub name: &'static str,
    pub built: bool,
}

impl Feature {
    /// All video codecs, and the metrics that a library brings. On by default.
    pub(super) const VIDEO: Feature = Feature { name: "video", built: cfg!(feature = "video") };
}

/// What may be asked of a codec.
#[derive(Clone, Copy, Debug)]
pub struct Range {
    /// What the encoder can be fed, in Hz; empty for pictures.
    pub sample_rates: &'static [u32],
    pub bitrates: Bitrates,
    /// Media that one packet may hold, in ms, ascending; empty: not to be chosen.
    pub packets_ms: &'static [f64],
    /// The parameters that its payload format defines (`a=fmtp`).
    pub fmtp: &'static [&'static str],
    /// What `mode` may say; the first is the default. Empty: there are none.
    pub modes: &'static [&'static str],
    /// The highest `complexity`, where the encoder has such a parameter.
    pub complexity: Option<u8>,
}

/// Bitrates in bit/s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bitrates {
    One(u32),
    /// Ascending.
    List(&'static [u32]),
    /// From and to, both possible.
    Span(u32, u32),
}

impl Bitrates {
    /// The highest possible one that is not above `asked`; the lowest where all are.
    pub fn at_most(self, asked: u32) -> u32 {
        match self {
            Bitrates::One(only) => only,
            Bitrates::List(all) => all.iter().rev().find(|b| **b <= asked).or(all.first()).copied().unwrap_or(asked),
            Bitrates::Span(low, high) => asked.clamp(low, high),
        }
    }

    /// "4.75 to 12.2": kbit/s.
    pub fn words(self) -> String {
        let kilo = |b: u32| f64::from(b) / 1000.0;
        match self {
            Bitrates::One(only) => format!("{}", kilo(only)),
            Bitrates::List(all) if all.len() <= 5 => {
                all.iter().map(|b| kilo(*b).to_string()).collect::<Vec<_>>().join(", ")
            }
            Bitrates::List(all) => {
                let ends = [all.first(), all.last()].map(|b| kilo(b.copied().unwrap_or_default()));
                format!("{} to {} in {} steps", ends[0], ends[1], all.len())
            }
            Bitrates::Span(low, high) => format!("{} to {}", kilo(low), kilo(high)),
        }
    }
}

/// How a codec travels in RTP.
#[derive(Clone, Copy, Debug)]
pub struct RtpFormat {
    /// The encoding name of `a=rtpmap` at that bitrate; only that of G.726 depends on it (RFC 3551, section 4.5.4).
    pub encoding: fn(bitrate: Option<Bitrate>) -> &'static str,
    /// Static (RFC 3551) or the usual dynamic number.
    pub payload_type: u8,
    /// The RTP clock in Hz; G.722 says 8000 though it samples at 16000 (RFC 3551, section 4.5.2).
    pub clock_rate: fn(sample_rate: u32) -> u32,
    /// The channels of `a=rtpmap`; Opus always says 2 (RFC 7587, section 7).
    pub channels: fn(channels: u8) -> u16,
    /// Where the payload format is defined: "RFC 7587". "none" where codecbench puts frames into packets as they are.
    pub source: &'static str,
    /// How coded pictures are put into packets and together again. `None` for audio: a unit is a payload.
    pub payload: Option<&'static PayloadFormat>,
    /// The offer repeats the receiver's fmtp line, because both descriptions must agree on it.
    pub offers_fmtp: bool,
}

impl RtpFormat {
    /// What audio codecs have alike.
    pub(super) const AUDIO: RtpFormat = RtpFormat {
        encoding: |_| "",
        payload_type: 96,
        clock_rate: |sample_rate| sample_rate,
        channels: u16::from,
        source: "",
        payload: None,
        offers_fmtp: false,
    };
    /// What video codecs have alike.
    pub(super) const VIDEO: RtpFormat = RtpFormat { clock_rate: |_| 90_000, channels: |_| 0, ..RtpFormat::AUDIO };
}

/// Documented delays beyond the frame that must be complete before it is coded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Delay {
    /// What the encoder waits for beyond its frame.
    pub encoder: Duration,
    /// What the decoder holds back: filters, overlap, post-filter.
    pub decoder: Duration,
    /// Of storage codecs: media that waits until the container, or the bit reservoir, gives out a whole piece.
    pub container: Duration,
    /// What the specification says of encoder and decoder together, where that differs from this implementation.
    pub spec: Option<Duration>,
    /// Where the figures stand.
    pub source: &'static str,
}

impl Delay {
    /// Encoder and decoder together, without the container.
    pub fn lookahead(&self) -> Duration {
        self.encoder + self.decoder
    }

    /// What the specification says; this implementation's own figure where nothing else is said.
    pub fn specified(&self) -> Duration {
        self.spec.unwrap_or(self.lookahead())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bitrate_is_the_highest_that_is_not_above_what_was_asked() {
        let list = Bitrates::List(&[4750, 5150, 12_200]);
        assert_eq!([1, 4750, 12_000, 99_000].map(|b| list.at_most(b)), [4750, 4750, 5150, 12_200]);
        let span = Bitrates::Span(6000, 510_000);
        assert_eq!([1, 7000, 999_999].map(|b| span.at_most(b)), [6000, 7000, 510_000]);
        assert_eq!(Bitrates::One(64_000).at_most(1), 64_000);
    }

    #[test]
    fn bitrates_in_words() {
        assert_eq!(Bitrates::One(64_000).words(), "64");
        assert_eq!(Bitrates::List(&[13_330, 15_200]).words(), "13.33, 15.2");
        assert_eq!(Bitrates::List(&[1000, 2000, 3000, 4000, 5000, 6000]).words(), "1 to 6 in 6 steps");
        assert_eq!(Bitrates::Span(6000, 510_000).words(), "6 to 510");
    }
}
