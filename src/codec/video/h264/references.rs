//! Which pictures a slice of H.264 may refer to (Rec. ITU-T H.264, section 8.2).

use super::syntax::{Slice, Sps};
use std::cmp::Reverse;

/// The decoded pictures that later ones may refer to, by a sliding window (section 8.2.5.3).
#[derive(Clone, Debug, Default)]
pub(super) struct References {
    /// (frame number, picture), in the order of coding.
    kept: Vec<(u32, u64)>,
}

impl References {
    /// The pictures, ascending, that `slice` of picture `id` may refer to; then `id` itself is marked as its header says.
    /// `None`: the slice names a picture that is not kept.
    pub fn next(&mut self, id: u64, slice: &Slice, sps: &Sps) -> Option<Vec<u64>> {
        if slice.idr {
            self.kept.clear();
        }
        let mut list = self.list(slice, 1 << sps.frame_number_bits)?;
        if slice.reference {
            if self.kept.len() >= sps.references.max(1) as usize {
                self.kept.remove(0);
            }
            self.kept.push((slice.frame_number, id));
        }
        list.sort_unstable();
        list.dedup();
        Some(list)
    }

    /// List 0 of a P slice (sections 8.2.4.2.1 and 8.2.4.3.1), as far as the slice uses it.
    fn list(&self, slice: &Slice, frame_numbers: i64) -> Option<Vec<u64>> {
        let current = i64::from(slice.frame_number);
        // FrameNumWrap: numbers above the current one are from before the count began anew.
        let number = |frame: u32| i64::from(frame) - if i64::from(frame) > current { frame_numbers } else { 0 };
        let mut list: Vec<(i64, u64)> = self.kept.iter().map(|(frame, id)| (number(*frame), *id)).collect();
        list.sort_by_key(|(number, _)| Reverse(*number));
        let mut predicted = current;
        for (place, (back, by)) in slice.moves.iter().enumerate() {
            let step = if *back { -i64::from(*by) } else { i64::from(*by) };
            predicted = (predicted + step).rem_euclid(frame_numbers);
            let wanted = if predicted > current { predicted - frame_numbers } else { predicted };
            let found = list.iter().position(|(number, _)| *number == wanted)?;
            let moved = list.remove(found);
            list.insert(place.min(list.len()), moved);
        }
        list.truncate(slice.active as usize);
        if slice.active > 0 && list.is_empty() {
            return None;
        }
        Some(list.into_iter().map(|(_, id)| id).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::video::h264::syntax::X264;

    #[test]
    fn the_window_slides_and_numbers_begin_anew() {
        // Frame number 2 in a window of two, of which the one that is named lies farther back; numbers begin anew at 16.
        let slice = |frame_number, reference, active, moves| Slice {
            idr: false,
            reference,
            frame_number,
            active,
            moves,
            quantiser: 30,
        };
        let mut set = Sps::read(&X264.0).unwrap();
        (set.frame_number_bits, set.references) = (4, 2);
        let mut references = References { kept: vec![(14, 5), (15, 7)] };
        assert_eq!(references.next(8, &slice(0, false, 2, vec![]), &set), Some(vec![5, 7]));
        assert_eq!(references.next(9, &slice(0, true, 1, vec![(true, 2)]), &set), Some(vec![5]));
        assert_eq!(references.kept, [(15, 7), (0, 9)]);
        assert_eq!(references.next(10, &slice(1, true, 1, vec![(true, 1)]), &set), Some(vec![9]));
        assert_eq!(references.next(11, &slice(2, true, 1, vec![(true, 5)]), &set), None);
    }
}
