//! The parameters of one frame and their bits (RFC 3951, section 3.8).
//!
//! The bits lie in three classes of sensitivity: first the upper bits that matter most of every parameter, then those of
//! the second class, then the rest. The last bit says that the frame is empty.

use super::lsf::Indices;
use super::mode::Mode;

/// The parameters of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// [`Mode::sets`] of them.
    pub lsf: Vec<Indices>,
    /// The start state lies in the sub-blocks `start - 1` and `start`; 1 to blocks - 1.
    pub start: usize,
    /// The samples coded one by one are the first ones of the two sub-blocks, not the last.
    pub first: bool,
    pub scale: u8,
    /// [`Mode::state`] samples in the order of time.
    pub state: Vec<u8>,
    /// First the rest of the two sub-blocks of the start state, then the other sub-blocks in the order of coding.
    pub shapes: Vec<Shape>,
}

/// A stretch of excitation out of three codebook vectors.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub vectors: [u8; 3],
    pub gains: [u8; 3],
}

/// What the bytes of a frame turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unpacked {
    Frame(Frame),
    /// Marked as empty: to be treated as lost.
    Empty,
    /// Not made by an encoder.
    Corrupt,
}

/// [`Mode::bytes`] bytes.
pub(super) fn pack(mode: Mode, frame: &Frame) -> Vec<u8> {
    let mut values: Vec<u8> = frame.lsf.iter().flatten().copied().collect();
    values.extend([frame.start as u8, u8::from(frame.first), frame.scale]);
    values.extend(&frame.state);
    for part in [0..1, 1..frame.shapes.len()] {
        let shapes = || part.clone().zip(&frame.shapes[part.clone()]);
        values.extend(shapes().flat_map(|(place, shape)| shortened(place, shape.vectors)));
        values.extend(shapes().flat_map(|(_, shape)| shape.gains));
    }
    values.push(0);
    let mut bits = Vec::with_capacity(8 * mode.bytes());
    for class in 0..3 {
        for (value, widths) in values.iter().zip(widths(mode)) {
            let below: u32 = widths[class + 1..].iter().sum();
            bits.extend((0..widths[class]).rev().map(|bit| value >> (below + bit) & 1));
        }
    }
    bits.chunks(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

/// `data`: [`Mode::bytes`] bytes; fewer are corrupt.
pub(super) fn unpack(mode: Mode, data: &[u8]) -> Unpacked {
    if data.len() != mode.bytes() {
        return Unpacked::Corrupt;
    }
    let mut bits = data.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let widths = widths(mode);
    let mut values = vec![0u8; widths.len()];
    for class in 0..3 {
        for (value, widths) in values.iter_mut().zip(&widths) {
            for bit in bits.by_ref().take(widths[class] as usize) {
                *value = *value << 1 | bit;
            }
        }
    }
    // The bits are as many as the values have; whatever is taken here is there.
    let mut values = values.into_iter();
    let mut take = |count: usize| -> Vec<u8> { values.by_ref().take(count).collect() };
    let three = |values: &[u8]| -> [u8; 3] { std::array::from_fn(|i| values.get(i).copied().unwrap_or_default()) };
    let lsf = take(3 * mode.sets()).chunks(3).map(three).collect();
    let [start, first, scale] = three(&take(3));
    let state = take(mode.state());
    let mut shapes = Vec::new();
    for count in [1, mode.blocks() - 2] {
        let (vectors, gains) = (take(3 * count), take(3 * count));
        for (vectors, gains) in vectors.chunks(3).zip(gains.chunks(3)) {
            shapes.push(Shape { vectors: lengthened(shapes.len(), three(vectors)), gains: three(gains) });
        }
    }
    if take(1) == [1] {
        return Unpacked::Empty;
    }
    let start = usize::from(start);
    if !(1..mode.blocks()).contains(&start) {
        return Unpacked::Corrupt;
    }
    Unpacked::Frame(Frame { lsf, start, first: first == 1, scale, state, shapes })
}

/// Bits of each parameter in the three classes, in the order of the parameters (table of section 3.8).
fn widths(mode: Mode) -> Vec<[u32; 3]> {
    const LSF: [[u32; 3]; 3] = [[6, 0, 0], [7, 0, 0], [7, 0, 0]];
    /// The vectors and then the gains of the three stages.
    type Bits = [[u32; 3]; 3];
    const LOW: [u32; 3] = [0, 0, 8];
    const SHORT: [u32; 3] = [0, 0, 7];
    const LAST: [u32; 3] = [0, 0, 3];
    let (start, rest, vectors, gains): (u32, [Bits; 2], &[Bits], &[Bits]) = match mode {
        Mode::Ms20 => (
            2,
            [[[6, 0, 1], SHORT, SHORT], [[2, 0, 3], [1, 1, 2], LAST]],
            &[[[7, 0, 1], SHORT, SHORT], [LOW, LOW, LOW]],
            &[[[1, 2, 2], [1, 1, 2], LAST], [[1, 1, 3], [0, 2, 2], LAST]],
        ),
        Mode::Ms30 => (
            3,
            [[[4, 2, 1], SHORT, SHORT], [[1, 1, 3], [1, 1, 2], LAST]],
            &[[[6, 1, 1], SHORT, SHORT], [[0, 7, 1], LOW, LOW], [[0, 7, 1], LOW, LOW], [[0, 7, 1], LOW, LOW]],
            &[
                [[1, 2, 2], [1, 2, 1], LAST],
                [[0, 2, 3], [0, 2, 2], LAST],
                [[0, 1, 4], [0, 1, 3], LAST],
                [[0, 1, 4], [0, 1, 3], LAST],
            ],
        ),
    };
    let mut all: Vec<[u32; 3]> = LSF.repeat(mode.sets());
    all.extend([[start, 0, 0], [1, 0, 0], [6, 0, 0]]);
    all.extend(vec![[0, 1, 2]; mode.state()]);
    all.extend(rest.iter().flatten());
    all.extend(vectors.iter().chain(gains).flatten());
    all.push([0, 0, 1]);
    all
}

/// The second and third stage of the first whole sub-block search only 128 of the 256 vectors, of which 7 bits tell:
/// 0 to 43, 108 to 171 and 236 to 255.
fn shortened(place: usize, [first, second, third]: [u8; 3]) -> [u8; 3] {
    let short = |vector: u8| match vector {
        0..108 => vector,
        108..236 => vector - 64,
        236.. => vector - 128,
    };
    if place == 1 { [first, short(second), short(third)] } else { [first, second, third] }
}

fn lengthened(place: usize, [first, second, third]: [u8; 3]) -> [u8; 3] {
    let long = |vector: u8| match vector {
        0..44 => vector,
        44..108 => vector + 64,
        108.. => vector | 128,
    };
    if place == 1 { [first, long(second), long(third)] } else { [first, second, third] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Seed;

    #[test]
    fn the_bits_fill_the_bytes_of_each_class() {
        for (mode, classes) in [(Mode::Ms20, [48, 64, 192]), (Mode::Ms30, [64, 96, 240])] {
            let sums = [0, 1, 2].map(|class| widths(mode).iter().map(|w| w[class]).sum::<u32>());
            assert_eq!(sums, classes);
            assert_eq!(sums.iter().sum::<u32>() as usize, 8 * mode.bytes());
        }
    }

    #[test]
    fn any_valid_bytes_come_back() {
        let mut rng = Seed(1).stream("ilbc");
        for mode in [Mode::Ms20, Mode::Ms30] {
            let mut frames = 0;
            for _ in 0..300 {
                let mut bytes: Vec<u8> = (0..mode.bytes()).map(|_| rng.bits() as u8).collect();
                bytes[mode.bytes() - 1] &= 0xfe;
                if let Unpacked::Frame(frame) = unpack(mode, &bytes) {
                    assert_eq!(pack(mode, &frame), bytes);
                    frames += 1;
                }
                bytes[mode.bytes() - 1] |= 1;
                assert_eq!(unpack(mode, &bytes), Unpacked::Empty);
                assert_eq!(unpack(mode, &bytes[1..]), Unpacked::Corrupt);
            }
            // 3 of 4, or 5 of 8, places of the start state exist.
            assert!((150..270).contains(&frames), "{frames}");
        }
    }

    #[test]
    fn seven_bits_name_128_vectors_of_the_first_sub_block() {
        let long: Vec<u8> = (0..128).map(|i| lengthened(1, [0, i, 0])[1]).collect();
        assert_eq!((long[43], long[44], long[63], long[64], long[107]), (43, 108, 127, 128, 171));
        assert_eq!((long[108], long[127]), (236, 255));
        assert!((0..128u8).all(|i| shortened(1, [0, long[usize::from(i)], 0])[1] == i));
    }
}
