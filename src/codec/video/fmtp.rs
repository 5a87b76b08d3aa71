//! How video codecs read the parameters of a receiver's fmtp line, and what they say of those that do not hold.

use crate::codec::api::{Change, ChangeKind};
use crate::sdp::fmtp::Fmtp;

/// What a codec makes of one parameter of the line.
pub(in crate::codec::video) enum Read {
    /// It holds, or is one of the [`Cap`](super::caps::Cap)s.
    Taken,
    /// (effective, kind, reason)
    Differs(String, ChangeKind, &'static str),
    /// The payload format defines no such parameter.
    Unknown,
}

/// The changes that the fmtp line makes, in its order. `read` knows the codec's own parameters; those of libwebrtc are
/// known here.
pub(in crate::codec::video) fn parameters(
    fmtp: &Fmtp,
    mut read: impl FnMut(&str, Option<&str>) -> Read,
) -> Vec<Change> {
    let mut changes = Vec::new();
    for (name, value) in fmtp.iter() {
        let (effective, kind, reason) = match (read(name, value), name) {
            (Read::Taken, _) => continue,
            (Read::Differs(effective, kind, reason), _) => (effective, kind, reason),
            (Read::Unknown, "x-google-min-bitrate" | "x-google-start-bitrate" | "x-google-max-bitrate") => {
                ("ignored".into(), ChangeKind::Ignored, "bounds of libwebrtc's bandwidth estimate, not of the encoder")
            }
            (Read::Unknown, _) => {
                ("ignored".into(), ChangeKind::Unknown, "the payload format defines no such parameter")
            }
        };
        let requested = value.map_or_else(|| name.to_owned(), |v| format!("{name}={v}"));
        changes.push(change(requested, effective, kind, reason));
    }
    changes
}

/// A whole number above 0 out of the line; anything else is no bound.
pub(in crate::codec::video) fn count(fmtp: &Fmtp, name: &str) -> Option<u32> {
    fmtp.get(name).and_then(whole)
}

/// What becomes of a parameter that [`count`] reads.
pub(in crate::codec::video) fn counted(value: Option<&str>) -> Read {
    match value.and_then(whole) {
        Some(_) => Read::Taken,
        None => {
            Read::Differs("ignored".into(), ChangeKind::Invalid, "not a whole number above 0, so it bounds nothing")
        }
    }
}

pub(in crate::codec::video) fn change(
    requested: String,
    effective: impl Into<String>,
    kind: ChangeKind,
    reason: impl Into<String>,
) -> Change {
    Change { requested, effective: effective.into(), kind, reason: reason.into() }
}

/// Digits only: no sign, no spaces.
fn whole(text: &str) -> Option<u32> {
    text.parse().ok().filter(|n| *n > 0 && !text.starts_with('+'))
}
