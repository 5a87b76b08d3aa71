//! The Dependency Descriptor: a header extension that says what a picture refers to, whatever its codec (AV1 RTP payload
//! format, Appendix A).
//!
//! The first packet of a key picture bears a structure of templates; each packet names a template, and says itself where
//! its picture differs.

mod stream;
mod structure;

pub use stream::{Dependencies, DependencyReader, DependencyWriter, Resolver};

use crate::bits::{Bits, Writer};
pub use structure::{Indication, Structure, Template};

/// URI of the extension in `a=extmap`.
pub const URI: &str = "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/// A descriptor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// The packet is the first of its picture, the last.
    pub start: bool,
    pub end: bool,
    /// Id of the template, 0 to 63.
    pub template: u8,
    pub number: u16,
    /// In the first packet of a key picture.
    pub structure: Option<Structure>,
    /// Whether each decode target is there, the last one first; all are, if not said.
    pub active: Option<Vec<bool>>,
    /// Where the picture differs from its template: one indication for each decode target,
    pub indications: Option<Vec<Indication>>,
    /// how many pictures back its references lie, 1 to 4096,
    pub back: Option<Vec<u16>>,
    /// and how many pictures back the one before it in each chain lies.
    pub chains: Option<Vec<u8>>,
}

/// What a packet says without any structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mandatory {
    pub start: bool,
    pub end: bool,
    pub template: u8,
    pub number: u16,
}

/// The mandatory fields (section A.4.1). `None`: fewer than 3 bytes.
pub fn mandatory(bytes: &[u8]) -> Option<Mandatory> {
    let [first, high, low, ..] = bytes else { return None };
    Some(Mandatory {
        start: first & 0x80 != 0,
        end: first & 0x40 != 0,
        template: first & 0x3f,
        number: u16::from_be_bytes([*high, *low]),
    })
}

impl Descriptor {
    pub fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.flag(self.start);
        out.flag(self.end);
        out.bits(self.template.into(), 6);
        out.bits(self.number.into(), 16);
        let own = [
            self.structure.is_some(),
            self.active.is_some(),
            self.indications.is_some(),
            self.back.is_some(),
            self.chains.is_some(),
        ];
        if own.contains(&true) {
            own.iter().for_each(|flag| out.flag(*flag));
            if let Some(structure) = &self.structure {
                structure.write(&mut out);
            }
            self.active.iter().flatten().for_each(|there| out.flag(*there));
            for indication in self.indications.iter().flatten() {
                out.bits(*indication as u32, 2);
            }
            if let Some(back) = &self.back {
                for b in back {
                    let less = u32::from(*b).saturating_sub(1);
                    let size = if less < 16 {
                        1
                    } else if less < 256 {
                        2
                    } else {
                        3
                    };
                    out.bits(size, 2);
                    out.bits(less, 4 * size);
                }
                out.bits(0, 2);
            }
            for chain in self.chains.iter().flatten() {
                out.bits((*chain).into(), 8);
            }
        }
        out.finish()
    }

    /// Reads a descriptor whose structure it bears itself or is `known`. `None`: malformed, or of another structure.
    pub fn read(bytes: &[u8], known: Option<&Structure>) -> Option<Descriptor> {
        let Mandatory { start, end, template, number } = mandatory(bytes)?;
        let mut from = Bits::new(&bytes[3..]);
        let mut flags = [false; 5];
        if bytes.len() > 3 {
            for flag in &mut flags {
                *flag = from.flag()?;
            }
        }
        let [bears, limits, own_indications, own_back, own_chains] = flags;
        let structure = if bears { Some(Structure::read(&mut from)?) } else { None };
        let by = structure.as_ref().or(known)?;
        by.template(template)?;
        let targets = usize::from(by.targets);
        let active: Option<Vec<_>> =
            if limits { Some((0..targets).map(|_| from.flag()).collect::<Option<_>>()?) } else { None };
        let indications: Option<Vec<_>> = if own_indications {
            Some((0..targets).map(|_| Indication::read(&mut from)).collect::<Option<_>>()?)
        } else {
            None
        };
        let mut back = own_back.then(Vec::new);
        while let Some(back) = &mut back {
            match from.take(2)? {
                0 => break,
                size => back.push(from.take(4 * size)? as u16 + 1),
            }
        }
        let chains: Option<Vec<_>> = if own_chains {
            Some((0..by.chains()).map(|_| from.take(8).map(|c| c as u8)).collect::<Option<_>>()?)
        } else {
            None
        };
        Some(Descriptor { start, end, template, number, structure, active, indications, back, chains })
    }
}

#[cfg(test)]
mod tests;
