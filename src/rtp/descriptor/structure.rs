//! The template dependency structure (AV1 RTP payload format, sections A.4.1 and A.4.2).

use crate::bits::{Bits, Writer};

const MOST_TEMPLATES: usize = 64;
const MOST_TEMPORAL: u8 = 7;
const MOST_SPATIAL: u8 = 3;

/// What a picture is to a decode target (table A.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    NotPresent = 0,
    /// No later picture of the target refers to it.
    Discardable = 1,
    /// If it can be decoded, all later ones of the target can.
    Switch = 2,
    Required = 3,
}

impl Indication {
    pub(super) fn read(from: &mut Bits<'_>) -> Option<Indication> {
        let all = [Indication::NotPresent, Indication::Discardable, Indication::Switch, Indication::Required];
        all.get(from.take(2)? as usize).copied()
    }
}

/// A frame dependency template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub temporal: u8,
    pub spatial: u8,
    /// One for each decode target.
    pub indications: Vec<Indication>,
    /// How many pictures back the references lie, 1 to 16.
    pub back: Vec<u8>,
    /// How many pictures back the one before in each chain lies, 0 to 15; 0: none is needed.
    pub chains: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// Id of the first template.
    pub offset: u8,
    /// Decode targets, 1 to 32.
    pub targets: u8,
    /// 1 to 64, in order of spatial, then temporal layer.
    pub templates: Vec<Template>,
    /// The chain that protects each decode target; empty without chains.
    pub protected_by: Vec<u8>,
    /// Largest width and height of each spatial layer, or none.
    pub resolutions: Vec<(u32, u32)>,
}

impl Structure {
    /// The usual pattern of 1, 2 or 3 temporal layers (libwebrtc's L1T1, L1T2, L1T3): one decode target for each number
    /// of layers, one chain through the pictures of layer 0.
    ///
    /// It says no resolution (the coded picture does), which keeps three layers within the 16 bytes of a one-byte header
    /// extension; and nowhere "discardable", for that is a promise about later pictures, which a sender that describes
    /// them one by one cannot give.
    pub fn usual(layers: u8, offset: u8) -> Structure {
        // Temporal layer, references, chain.
        let rows: &[(u8, &[u8], u8)] = match layers {
            1 => &[(0, &[], 0), (0, &[1], 1)],
            2 => &[(0, &[], 0), (0, &[2], 2), (1, &[1], 1)],
            _ => &[(0, &[], 0), (0, &[4], 4), (1, &[2], 2), (2, &[1], 1), (2, &[1], 3)],
        };
        let template = |(temporal, back, chain): &(u8, &[u8], u8)| Template {
            temporal: *temporal,
            spatial: 0,
            indications: indications(layers, *temporal, true),
            back: back.to_vec(),
            chains: vec![*chain],
        };
        Structure {
            offset,
            targets: layers,
            templates: rows.iter().map(template).collect(),
            protected_by: vec![0; layers.into()],
            resolutions: Vec::new(),
        }
    }

    /// The template of that id.
    pub fn template(&self, id: u8) -> Option<&Template> {
        self.templates.get(usize::from((id & 63).wrapping_sub(self.offset) & 63))
    }

    pub(super) fn chains(&self) -> usize {
        self.templates.first().map_or(0, |t| t.chains.len())
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.bits(self.offset.into(), 6);
        out.bits(u32::from(self.targets) - 1, 5);
        for pair in self.templates.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            let step = match (one.spatial == next.spatial, one.temporal == next.temporal) {
                (true, true) => 0,
                (true, false) => 1,
                _ => 2,
            };
            out.bits(step, 2);
        }
        out.bits(3, 2);
        for indication in self.templates.iter().flat_map(|t| &t.indications) {
            out.bits(*indication as u32, 2);
        }
        for template in &self.templates {
            for back in &template.back {
                out.flag(true);
                out.bits(u32::from(*back) - 1, 4);
            }
            out.flag(false);
        }
        let chains = self.chains() as u32;
        out.below(chains, u32::from(self.targets) + 1);
        if chains > 0 {
            self.protected_by.iter().for_each(|chain| out.below((*chain).into(), chains));
            self.templates.iter().flat_map(|t| &t.chains).for_each(|chain| out.bits((*chain).into(), 4));
        }
        out.flag(!self.resolutions.is_empty());
        for (width, height) in &self.resolutions {
            out.bits(width - 1, 16);
            out.bits(height - 1, 16);
        }
    }

    pub(super) fn read(from: &mut Bits<'_>) -> Option<Structure> {
        let offset = from.take(6)? as u8;
        let targets = from.take(5)? as u8 + 1;
        let mut templates = Vec::new();
        let (mut temporal, mut spatial) = (0, 0);
        loop {
            templates.push(Template { temporal, spatial, indications: vec![], back: vec![], chains: vec![] });
            match from.take(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (temporal, spatial) = (0, spatial + 1),
                _ => break,
            }
            if temporal > MOST_TEMPORAL || spatial > MOST_SPATIAL || templates.len() == MOST_TEMPLATES {
                return None;
            }
        }
        for template in &mut templates {
            template.indications = (0..targets).map(|_| Indication::read(from)).collect::<Option<_>>()?;
        }
        for template in &mut templates {
            while from.flag()? {
                template.back.push(from.take(4)? as u8 + 1);
            }
        }
        let chains = from.below(u32::from(targets) + 1)?;
        let mut protected_by = Vec::new();
        if chains > 0 {
            protected_by = (0..targets).map(|_| from.below(chains).map(|c| c as u8)).collect::<Option<_>>()?;
            for template in &mut templates {
                template.chains = (0..chains).map(|_| from.take(4).map(|c| c as u8)).collect::<Option<_>>()?;
            }
        }
        let mut resolutions = Vec::new();
        if from.flag()? {
            for _ in 0..=spatial {
                resolutions.push((from.take(16)? + 1, from.take(16)? + 1));
            }
        }
        Some(Structure { offset, targets, templates, protected_by, resolutions })
    }
}

/// What a picture of that temporal layer is to each decode target.
pub(super) fn indications(targets: u8, temporal: u8, switch: bool) -> Vec<Indication> {
    let there = if switch { Indication::Switch } else { Indication::Required };
    (0..targets).map(|t| if t < temporal { Indication::NotPresent } else { there }).collect()
}
