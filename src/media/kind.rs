//! The kinds of media that all else is generic over.

use std::time::Duration;

/// A kind of media that codecs, metrics, plans and calls are generic over. Sealed: [`super::Pcm`] and [`super::Picture`].
pub trait Media: sealed::Sealed + Clone + Send + Sync + 'static {
    type Format: Copy + Ord + Send + Sync + std::fmt::Debug;
    /// A stretch of it: what a clip holds, and what a decoder appends to.
    type Signal: Clone + Send + Sync + 'static;
    /// "audio" or "video", as in SDP.
    const KIND: &'static str;

    fn format(signal: &Self::Signal) -> Self::Format;
    fn duration(signal: &Self::Signal) -> Duration;
}

pub(super) mod sealed {
    pub trait Sealed {}
}
