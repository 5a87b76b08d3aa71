//! Descriptors of a whole stream: written picture by picture, read in any order.

use super::structure::{Structure, indications};
use super::{Descriptor, mandatory};
use crate::error::Result;
use crate::rtp::api::{Described, Frame};
use crate::rtp::gather::{Unwrap, Whole};
use crate::rtp::number::{Numbered, Numbers};
use std::collections::{BTreeMap, VecDeque};

/// Structures that a reader remembers, for pictures that are completed after a later key picture.
const REMEMBERED: usize = 8;

/// Pictures that wait for a structure at most: beyond, the key picture that bears it has long been asked for again.
const WAITING: usize = 256;

/// A reference, and a step of a chain, are at most so far back (fdiff has up to 12 bits, frame_chain_fdiff 8).
const FARTHEST: u64 = 4096;
const FARTHEST_CHAIN: u64 = 255;

/// Describes the pictures of a stream.
pub struct DependencyWriter {
    numbers: Numbers,
    structure: Structure,
    /// Number of the newest picture of layer 0.
    base: Option<u64>,
}

impl DependencyWriter {
    pub fn new(codec: &'static str) -> DependencyWriter {
        let structure =
            Structure { offset: 0, targets: 1, templates: vec![], protected_by: vec![], resolutions: vec![] };
        DependencyWriter { numbers: Numbers::new(codec), structure, base: None }
    }

    /// The descriptors of the next picture, which `packets` packets carry.
    ///
    /// # Errors
    /// [`crate::Error::Codec`]: what the picture refers to cannot be told; another number of layers than the last key
    /// picture had.
    pub fn next(&mut self, picture: &Described<'_>, packets: usize) -> Result<Vec<Vec<u8>>> {
        let Numbered { number, back } = self.numbers.next(picture)?;
        if picture.key {
            // Ids of their own for each structure: a receiver that missed one does not mistake it for another.
            let offset = (usize::from(self.structure.offset) + self.structure.templates.len()) % 64;
            self.structure = Structure::usual(picture.layers, offset as u8);
        } else if self.structure.targets != picture.layers || self.structure.templates.is_empty() {
            let reason =
                format!("picture {} of {} layers without a key picture of so many", picture.id, picture.layers);
            return Err(self.numbers.error(reason));
        }
        let chain = match (picture.key, self.base) {
            (false, Some(base)) => number - base,
            _ => 0,
        };
        if chain > FARTHEST_CHAIN || back.iter().any(|b| *b > FARTHEST) {
            let reason = format!("picture {} refers {back:?} pictures back, {chain} in its chain: too far", picture.id);
            return Err(self.numbers.error(reason));
        }
        if picture.layer == 0 {
            self.base = Some(number);
        }
        let first = self.describe(picture, number, back.iter().map(|b| *b as u16).collect(), chain as u8);
        let of = |k: usize| Descriptor {
            start: k == 0,
            end: k + 1 == packets,
            structure: first.structure.clone().filter(|_| k == 0),
            ..first.clone()
        };
        Ok((0..packets).map(|k| of(k).write()).collect())
    }

    /// By the template that leaves least to say.
    fn describe(&self, picture: &Described<'_>, number: u64, back: Vec<u16>, chain: u8) -> Descriptor {
        let own = indications(picture.layers, picture.layer, picture.switch || picture.key);
        let of_layer = self.structure.templates.iter().enumerate().filter(|(_, t)| t.temporal == picture.layer);
        let differs = |t: &super::Template| {
            let same = t.back.iter().map(|b| u16::from(*b)).eq(back.iter().copied());
            (t.indications != own, !same, t.chains != [chain])
        };
        let (index, (dtis, fdiffs, chains)) = of_layer
            .map(|(k, t)| (k, differs(t)))
            .min_by_key(|(_, (_, fdiffs, chains))| 2 * u8::from(*fdiffs) + u8::from(*chains))
            .unwrap_or((0, (true, true, true)));
        Descriptor {
            start: true,
            end: false,
            template: ((usize::from(self.structure.offset) + index) % 64) as u8,
            number: number as u16,
            structure: picture.key.then(|| self.structure.clone()),
            active: None,
            indications: dtis.then_some(own),
            back: fdiffs.then_some(back),
            chains: chains.then(|| vec![chain]),
        }
    }
}

/// What a descriptor says of its picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dependencies {
    /// Unwrapped; the first as received.
    pub number: u64,
    /// It bears a structure: a key picture.
    pub key: bool,
    pub layer: u8,
    pub depends_on: Vec<u64>,
}

/// Reads the descriptors of a stream.
#[derive(Default)]
pub struct DependencyReader {
    numbers: Unwrap<16>,
    /// By number of the key picture that bore them.
    structures: BTreeMap<i64, Structure>,
}

impl DependencyReader {
    /// Of the first packet of a picture. `None`: malformed, of a structure that never came, or a higher spatial layer.
    pub fn read(&mut self, bytes: &[u8]) -> Option<Dependencies> {
        let number = self.numbers.next(mandatory(bytes)?.number.into());
        let known = self.structures.range(..=number).next_back().map(|(_, s)| s);
        let descriptor = Descriptor::read(bytes, known)?;
        let template = descriptor.structure.as_ref().or(known)?.template(descriptor.template)?;
        let own = descriptor.back.as_ref().map(|b| b.iter().map(|d| i64::from(*d)).collect());
        let back: Vec<i64> = own.unwrap_or_else(|| template.back.iter().map(|d| i64::from(*d)).collect());
        let (layer, spatial) = (template.temporal, template.spatial);
        let depends_on = back.iter().map(|back| u64::try_from(number - back).ok()).collect::<Option<Vec<_>>>()?;
        let key = descriptor.structure.is_some();
        if let Some(structure) = descriptor.structure {
            self.structures.insert(number, structure);
        }
        while self.structures.len() > REMEMBERED {
            self.structures.pop_first();
        }
        let number = u64::try_from(number).ok()?;
        (spatial == 0).then_some(Dependencies { number, key, layer, depends_on })
    }
}

/// Gives pictures their numbers and references. A picture that is whole before the key picture whose structure tells of it
/// waits for that one: a key picture has many packets, and some of them may have to be sent again.
#[derive(Default)]
pub struct Resolver {
    reader: DependencyReader,
    /// The descriptor of its first packet, and the picture.
    waiting: VecDeque<(Vec<u8>, Frame)>,
}

impl Resolver {
    /// Appends the picture, if it can be told what it refers to, and those that have waited for it.
    pub(in crate::rtp) fn join(&mut self, descriptor: &[u8], whole: &Whole, data: Vec<u8>, out: &mut Vec<Frame>) {
        let frame = whole.frame(false, data);
        let Some(resolved) = self.reader.read(descriptor) else {
            self.waiting.push_back((descriptor.to_vec(), frame));
            if self.waiting.len() > WAITING {
                self.waiting.pop_front();
            }
            return;
        };
        let key = resolved.key;
        out.push(resolved.of(frame));
        if key {
            for (descriptor, frame) in std::mem::take(&mut self.waiting) {
                match self.reader.read(&descriptor) {
                    Some(resolved) => out.push(resolved.of(frame)),
                    None => self.waiting.push_back((descriptor, frame)),
                }
            }
        }
    }
}

impl Dependencies {
    fn of(self, frame: Frame) -> Frame {
        let Dependencies { number, key, layer, depends_on } = self;
        Frame { id: number, key, layer, depends_on, ..frame }
    }
}
