//! Picture numbers without holes, and shares of a picture.

use super::api::Described;
use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::ops::Range;

/// How many pictures back a reference can be told: 12 bits of a Dependency Descriptor.
const FARTHEST: usize = 4096;

/// The least that a payload must be allowed to hold, so that every descriptor fits.
const LEAST_PAYLOAD: usize = 64;

/// Numbers coded pictures without holes, from 0.
pub(in crate::rtp) struct Numbers {
    codec: &'static str,
    next: u64,
    /// From id to number.
    recent: BTreeMap<u64, u64>,
}

/// A picture with its number.
pub(in crate::rtp) struct Numbered {
    pub number: u64,
    /// How many pictures back each reference lies, the nearest first.
    pub back: Vec<u64>,
}

impl Numbers {
    pub fn new(codec: &'static str) -> Numbers {
        Numbers { codec, next: 0, recent: BTreeMap::new() }
    }

    /// # Errors
    /// [`Error::Codec`]: ids that do not rise, a reference to a picture that never passed or from before a key picture.
    pub fn next(&mut self, picture: &Described<'_>) -> Result<Numbered> {
        let id = picture.id;
        if let Some((last, _)) = self.recent.last_key_value().filter(|(last, _)| **last >= id) {
            return Err(self.error(format!("picture {id} comes after picture {last}")));
        }
        let number = self.next;
        let mut back = Vec::new();
        if picture.key {
            self.recent.clear();
        } else {
            for other in picture.depends_on {
                let known = self.recent.get(other);
                let reason = || self.error(format!("picture {id} refers to picture {other}, which was not sent"));
                back.push(number - known.ok_or_else(reason)?);
            }
            back.sort_unstable();
            back.dedup();
        }
        self.next += 1;
        self.recent.insert(id, number);
        while self.recent.len() > FARTHEST {
            self.recent.pop_first();
        }
        Ok(Numbered { number, back })
    }

    pub fn error(&self, reason: String) -> Error {
        Error::Codec { codec: self.codec, reason }
    }
}

/// Whether the picture can be packetized at all.
///
/// # Errors
/// [`Error::Codec`]: no data, a layer beyond those of the stream or beyond 3, payloads of fewer than 64 bytes.
pub(in crate::rtp) fn check(codec: &'static str, picture: &Described<'_>, max_payload: usize) -> Result<()> {
    let Described { id, layer, layers, .. } = *picture;
    let reason = if max_payload < LEAST_PAYLOAD {
        format!("payloads must hold {LEAST_PAYLOAD} bytes at least, not {max_payload}")
    } else if picture.data.is_empty() {
        format!("picture {id} has no data")
    } else if !(1..=3).contains(&layers) || layer >= layers {
        format!("picture {id} of layer {layer} of {layers}")
    } else {
        return Ok(());
    };
    Err(Error::Codec { codec, reason })
}

/// Cuts `length` bytes into as few parts of at most `room` as it takes, of about equal size.
pub(in crate::rtp) fn shares(length: usize, room: usize) -> impl Iterator<Item = Range<usize>> {
    let parts = length.div_ceil(room.max(1)).max(1);
    (0..parts).map(move |k| k * length / parts..(k + 1) * length / parts)
}
