//! Temporal layers by a fixed pattern of references: what each picture does, and what the coded ones need. libvpx and libaom
//! are told picture by picture; the pattern of one layer holds for them too.

use crate::codec::api::Coded;

/// What one picture does. Buffers are bits: 1 holds layer 0, 2 holds layer 1 or the key picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub layer: u8,
    pub reads: u8,
    pub writes: u8,
}

pub(super) const fn step(layer: u8, reads: u8, writes: u8) -> Step {
    Step { layer, reads, writes }
}

const KEY: Step = step(0, 0, 3);

/// libwebrtc's structures L1T1, L1T2 and L1T3, of VP9 and AV1: with two layers only layer 0 is referred to; with three,
/// layer 1 has a buffer too, which the second picture of layer 2 refers to. Each picture refers to one buffer. With one
/// layer the encoders keep older references too, but every picture needs the one before for its probabilities, and so all
/// of them.
pub(super) fn structure(layers: u8) -> &'static [Step] {
    const TWO: &[Step] = &[step(0, 1, 1), step(1, 1, 0)];
    const THREE: &[Step] = &[step(0, 1, 1), step(2, 1, 0), step(1, 1, 2), step(2, 2, 0)];
    match layers {
        ..=1 => &TWO[..1],
        2 => TWO,
        _ => THREE,
    }
}

/// What each layer of a [`structure`] and those below it take of `kbps`, as libwebrtc divides it: 1 : 0.55, and
/// 1 : 0.55^2 : 0.55 in the order of the layers.
pub(super) fn shares(layers: u8, kbps: u32) -> Vec<u32> {
    divided(kbps, [&[100][..], &[65, 100], &[54, 70, 100]][usize::from(layers.clamp(1, 3)) - 1])
}

/// So many percent of `kbps` each.
pub(super) fn divided(kbps: u32, percent: &[u32]) -> Vec<u32> {
    percent.iter().map(|percent| (u64::from(kbps) * u64::from(*percent) / 100) as u32).collect()
}

/// A pattern that a stream goes through over and over, from each key picture on.
pub(super) struct Pattern {
    /// The first is of layer 0.
    steps: &'static [Step],
    /// Place of the next picture in the pattern.
    place: usize,
    /// Number of the picture that began this round of the pattern.
    round: u64,
    /// Number of the next picture.
    next: u64,
    /// The coded pictures that lie in the buffers, each with its layer.
    buffers: [Option<(u64, u8)>; 2],
    key_wanted: bool,
}

impl Pattern {
    /// The first picture is a key picture.
    pub fn new(steps: &'static [Step]) -> Pattern {
        Pattern { steps, place: 0, round: 0, next: 0, buffers: [None; 2], key_wanted: true }
    }

    pub fn want_key(&mut self) {
        self.key_wanted = true;
    }

    pub fn key_wanted(&self) -> bool {
        self.key_wanted
    }

    pub fn has_layers(&self) -> bool {
        self.steps.len() > 1
    }

    /// The number of the next picture and what it does; [`coded`](Pattern::coded), if it was not dropped, and
    /// [`done`](Pattern::done) must follow. The second buffer is not read if it was not replaced since the round began,
    /// because that picture was dropped: libwebrtc does so, lest a receiver that just joined the layer misses it.
    pub fn begin(&mut self) -> (u64, Step) {
        if self.place == 0 {
            self.round = self.next;
        }
        let mut step = self.steps[if self.key_wanted { 0 } else { self.place }];
        if step.reads & 2 != 0 && self.buffers[1].is_none_or(|(id, _)| id < self.round) {
            step.reads = 1;
        }
        (self.next, step)
    }

    /// What the picture that was just coded is, by the buffers before it; then the buffers after it. A key picture reads
    /// none and fills both, and the pattern begins anew with it.
    pub fn coded(&mut self, step: Step, key: bool, qp: u8) -> Coded {
        let id = self.next;
        let Step { layer, reads, writes } = if key { KEY } else { step };
        let read = |buffer: usize| self.buffers[buffer].filter(|_| reads >> buffer & 1 == 1);
        let mut references: Vec<(u64, u8)> = (0..2).filter_map(read).collect();
        references.sort_unstable();
        references.dedup();
        for (buffer, content) in self.buffers.iter_mut().enumerate() {
            if writes >> buffer & 1 == 1 {
                *content = Some((id, layer));
            }
        }
        if key {
            (self.place, self.round, self.key_wanted) = (0, id, false);
        }
        let switch = key || layer > 0 && references.iter().all(|(_, layer)| *layer == 0);
        let depends_on = references.into_iter().map(|(id, _)| id).collect();
        Coded { id, key, layer, depends_on, switch, qp: Some(qp) }
    }

    /// On to the next picture.
    pub fn done(&mut self) {
        self.next += 1;
        self.place = (self.place + 1) % self.steps.len();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// (layer, depends on, switch) of each picture that is not in `dropped`.
    fn stream(steps: &'static [Step], pictures: u64, dropped: &[u64]) -> Vec<(u8, Vec<u64>, bool)> {
        let mut pattern = Pattern::new(steps);
        let mut seen = Vec::new();
        for n in 0..pictures {
            let (id, step) = pattern.begin();
            assert_eq!(id, n);
            if !dropped.contains(&n) {
                let coded = pattern.coded(step, pattern.key_wanted(), 30);
                assert_eq!((coded.id, coded.key), (n, coded.depends_on.is_empty()));
                seen.push((coded.layer, coded.depends_on, coded.switch));
            }
            pattern.done();
        }
        seen
    }

    #[test]
    fn three_layers_refer_as_l1t3_does() {
        let expected = [
            (0, vec![], true),
            (2, vec![0], true),
            (1, vec![0], true),
            (2, vec![2], false),
            (0, vec![0], false),
            (2, vec![4], true),
            (1, vec![4], true),
            (2, vec![6], false),
        ];
        assert_eq!(stream(structure(3), 8, &[]), expected);
        assert_eq!(stream(structure(1), 3, &[]), [(0, vec![], true), (0, vec![0], false), (0, vec![1], false)]);
        assert_eq!(stream(structure(2), 3, &[]), [(0, vec![], true), (1, vec![0], true), (0, vec![0], false)]);
    }

    #[test]
    fn a_buffer_that_a_dropped_picture_did_not_replace_is_not_read() {
        let seen = stream(structure(3), 8, &[6]);
        assert_eq!(seen[6], (2, vec![4], true), "picture 7 would read picture 2");
        let seen = stream(structure(3), 8, &[4]);
        assert_eq!(seen[4], (2, vec![0], true), "picture 5 reads what layer 0 still is");
    }

    #[test]
    fn a_key_picture_begins_the_pattern_anew() {
        let mut pattern = Pattern::new(structure(3));
        let mut layers = Vec::new();
        for n in 0..8 {
            if n == 3 {
                pattern.want_key();
            }
            let (_, step) = pattern.begin();
            layers.push(pattern.coded(step, pattern.key_wanted(), 30).layer);
            pattern.done();
        }
        assert_eq!(layers, [0, 2, 1, 0, 2, 1, 2, 0]);
    }

    #[test]
    fn layers_share_the_bitrate_and_the_last_has_all_of_it() {
        for (layers, shared) in [(1, vec![500]), (2, vec![325, 500]), (3, vec![270, 350, 500])] {
            assert_eq!(shares(layers, 500), shared);
        }
    }
}
