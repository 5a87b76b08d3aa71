//! What packets and pictures showed, summed over cases.

use crate::codec::{Observed, ObservedPictures};
use crate::report::view::{Seen, SeenPictures};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct SeenSums {
    frames: BTreeMap<u64, usize>,
    channels: BTreeSet<u8>,
    bandwidths: (BTreeMap<String, f64>, usize),
    modes: (BTreeMap<String, f64>, usize),
    fec: Mean,
    dtx: Mean,
    pictures: Option<PictureSums>,
}

#[derive(Default)]
struct PictureSums {
    profiles: BTreeSet<String>,
    levels: BTreeSet<String>,
    sizes: BTreeSet<(u32, u32)>,
    layers: BTreeSet<u8>,
    frame_rate: Mean,
    key_frames: Mean,
    qp: Mean,
}

#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    n: usize,
}

impl SeenSums {
    pub fn add(&mut self, o: &Observed) {
        if let Some(frame) = o.frame_ms {
            *self.frames.entry(frame.to_bits()).or_default() += 1;
        }
        self.channels.extend(o.channels);
        for (shares, (sums, n)) in [(&o.bandwidths, &mut self.bandwidths), (&o.modes, &mut self.modes)] {
            *n += usize::from(!shares.is_empty());
            for (name, share) in shares {
                *sums.entry(name.clone()).or_default() += share;
            }
        }
        self.fec.add(o.fec_share);
        self.dtx.add(o.dtx_share);
        if let Some(pictures) = &o.pictures {
            self.pictures.get_or_insert_default().add(pictures);
        }
    }

    /// As if the other's cases had come here.
    pub fn merge(&mut self, other: SeenSums) {
        for (frame, n) in other.frames {
            *self.frames.entry(frame).or_default() += n;
        }
        self.channels.extend(other.channels);
        for (mine, theirs) in [(&mut self.bandwidths, other.bandwidths), (&mut self.modes, other.modes)] {
            mine.1 += theirs.1;
            for (name, sum) in theirs.0 {
                *mine.0.entry(name).or_default() += sum;
            }
        }
        self.fec.merge(other.fec);
        self.dtx.merge(other.dtx);
        // Pictures have no sample rate: theirs is always the only part.
        self.pictures = self.pictures.take().or(other.pictures);
    }

    pub fn seen(&self) -> Seen {
        let shares = |(sums, n): &(BTreeMap<String, f64>, usize)| {
            let mut shares: Vec<_> = sums.iter().map(|(name, sum)| (name.clone(), sum / *n as f64)).collect();
            shares.sort_by(|a, b| b.1.total_cmp(&a.1));
            shares
        };
        Seen {
            frame_ms: self.frames.iter().max_by_key(|(_, n)| **n).map(|(bits, _)| f64::from_bits(*bits)),
            channels: self.channels.iter().copied().collect(),
            bandwidths: shares(&self.bandwidths),
            modes: shares(&self.modes),
            fec: self.fec.mean(),
            dtx: self.dtx.mean(),
            pictures: self.pictures.as_ref().map(PictureSums::seen),
        }
    }
}

impl PictureSums {
    fn add(&mut self, o: &ObservedPictures) {
        self.profiles.extend(o.profile.clone());
        self.levels.extend(o.level.clone());
        self.sizes.extend(o.size);
        self.layers.insert(o.layers);
        self.frame_rate.add(Some(o.frame_rate));
        self.key_frames.add(Some(f64::from(o.key_frames)));
        self.qp.add(o.qp);
    }

    fn seen(&self) -> SeenPictures {
        SeenPictures {
            profiles: self.profiles.iter().cloned().collect(),
            levels: self.levels.iter().cloned().collect(),
            sizes: self.sizes.iter().copied().collect(),
            layers: self.layers.iter().copied().collect(),
            frame_rate: self.frame_rate.mean(),
            key_frames: self.key_frames.mean(),
            qp: self.qp.mean(),
        }
    }
}

impl Mean {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.n += 1;
        }
    }

    fn merge(&mut self, other: Mean) {
        self.sum += other.sum;
        self.n += other.n;
    }

    fn mean(self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }
}
