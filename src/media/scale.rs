//! Footage at another size and rate, in whole numbers: the same bytes everywhere.

use super::picture::{Footage, Picture, PictureFormat};
use crate::error::{Error, Result};
use rayon::prelude::*;

impl Footage {
    /// At another size (area average downwards, bicubic upwards) and rate (the picture on show at each tick).
    ///
    /// # Errors
    /// [`Error::Usage`]: a size that is odd or zero, or a rate of zero.
    pub fn in_format(&self, format: PictureFormat) -> Result<Footage> {
        if format == self.format {
            return Ok(self.clone());
        }
        scale(self, format)
    }
}

/// Each side is averaged over the area of a new sample where it shrinks, interpolated bicubically where it grows. Chroma
/// is scaled as luma is, about the centre. Of the pictures, at each tick of the new rate the one on show.
///
/// # Errors
/// [`Error::Usage`]: a size that is odd or zero, or a rate of zero.
pub fn scale(footage: &Footage, to: PictureFormat) -> Result<Footage> {
    let PictureFormat { width, height, rate } = to;
    if width < 2 || height < 2 || !width.is_multiple_of(2) || !height.is_multiple_of(2) {
        return Err(Error::usage(format!("{width}x{height}: even width and height would be right for 4:2:0 pictures")));
    }
    if rate.numerator == 0 || rate.denominator == 0 {
        return Err(Error::usage(format!("{rate} is no frame rate")));
    }
    let mut shown = on_show(footage, to);
    let ticks = shown.clone();
    shown.dedup();
    let scaler = Scaler::new(footage.format, to);
    let scaled: Vec<Picture> = shown.par_iter().map(|i| scaler.run(&footage.pictures[*i])).collect();
    // Ticks never go back, so each finds its picture at or behind the one before.
    let mut at = 0;
    let pictures = ticks.into_iter().map(|tick| {
        at += usize::from(shown[at] != tick);
        scaled[at].clone()
    });
    Ok(Footage { format: to, pictures: pictures.collect() })
}

/// Index of the picture on show at each tick of the new rate, until the footage ends.
fn on_show(footage: &Footage, to: PictureFormat) -> Vec<usize> {
    let (old, new) = (footage.format.rate, to.rate);
    let up = u128::from(new.numerator) * u128::from(old.denominator);
    let down = u128::from(new.denominator) * u128::from(old.numerator);
    let ticks = (footage.pictures.len() as u128 * up).div_ceil(down);
    (0..ticks).map(|tick| (tick * down / up) as usize).collect()
}

/// The taps of both sides of luma and chroma.
struct Scaler {
    from: PictureFormat,
    to: PictureFormat,
    planes: [[Side; 2]; 2],
}

impl Scaler {
    fn new(from: PictureFormat, to: PictureFormat) -> Scaler {
        let sides = |part: u32| {
            [Side::new(from.width / part, to.width / part), Side::new(from.height / part, to.height / part)]
        };
        Scaler { from, to, planes: [sides(1), sides(2)] }
    }

    fn run(&self, picture: &Picture) -> Picture {
        if (self.from.width, self.from.height) == (self.to.width, self.to.height) {
            return picture.clone();
        }
        let mut data = Vec::with_capacity(self.to.bytes());
        for (i, plane) in picture.planes().into_iter().enumerate() {
            let [across, down] = &self.planes[i.min(1)];
            plane_to(plane, across, down, &mut data);
        }
        Picture { width: self.to.width, height: self.to.height, data: data.into() }
    }
}

/// Appends the scaled plane. Nothing is rounded before the end.
fn plane_to(plane: &[u8], across: &Side, down: &Side, out: &mut Vec<u8>) {
    let width = across.taps.len();
    let narrow = |row: &[u8]| -> Vec<i64> {
        let sum = |(first, weights): &(usize, Vec<i64>)| -> i64 {
            row[*first..].iter().zip(weights).map(|(s, w)| i64::from(*s) * w).sum()
        };
        across.taps.iter().map(sum).collect()
    };
    let rows: Vec<Vec<i64>> = plane.chunks_exact(across.length).map(narrow).collect();
    let total = across.total * down.total;
    let mut sums = vec![0i64; width];
    for (first, weights) in &down.taps {
        sums.fill(total / 2);
        for (row, w) in rows[*first..].iter().zip(weights) {
            sums.iter_mut().zip(row).for_each(|(sum, s)| *sum += s * w);
        }
        out.extend(sums.iter().map(|sum| sum.div_euclid(total).clamp(0, 255) as u8));
    }
}

/// How the samples along one side come about.
struct Side {
    /// Samples before.
    length: usize,
    /// For each sample after: the first one that it is made of, and the weights of that and the next.
    taps: Vec<(usize, Vec<i64>)>,
    /// The sum of the weights of each.
    total: i64,
}

impl Side {
    fn new(from: u32, to: u32) -> Side {
        let (length, n) = (from as usize, to as usize);
        if to <= from {
            // In units of 1/n of an old sample, new sample k covers `length` units from k * length on.
            let taps = (0..n).map(|k| {
                let (start, end) = (k * length, (k + 1) * length);
                let covered = |i: usize| ((i + 1) * n).min(end) as i64 - (i * n).max(start) as i64;
                (start / n, (start / n..end.div_ceil(n)).map(covered).collect())
            });
            return Side { length, taps: taps.collect(), total: i64::from(from) };
        }
        Side { length, taps: (0..n).map(|k| cubic(k, length, n)).collect(), total: 1 << CUBIC_BITS }
    }
}

const CUBIC_BITS: u32 = 14;

/// The four old samples around the centre of new sample `k`, weighted by Catmull and Rom's spline. Beyond the edges the
/// last sample goes on.
fn cubic(k: usize, length: usize, n: usize) -> (usize, Vec<i64>) {
    // The centre lies at (k + 1/2) * length / n - 1/2, here in units of 1/2n.
    let centre = ((2 * k + 1) * length) as i64 - n as i64;
    let unit = 2 * n as i64;
    let (left, rest) = (centre.div_euclid(unit), centre.rem_euclid(unit));
    // Fractions of 16, 32 and 48 bit.
    let f = (rest << 16) / unit;
    let (f1, f2, f3) = (f << 32, (f * f) << 16, f * f * f);
    // Of the left, left but one, right and right but one; half of each is the spline's.
    let twice = [-f1 + 2 * f2 - f3, (2 << 48) - 5 * f2 + 3 * f3, f1 + 4 * f2 - 3 * f3, f3 - f2];
    let mut weights = twice.map(|w| (w + (1 << (48 - CUBIC_BITS))) >> (49 - CUBIC_BITS));
    // What rounding took or gave goes to the sample that weighs most.
    let most = if 2 * rest < unit { 1 } else { 2 };
    weights[most] += (1 << CUBIC_BITS) - weights.iter().sum::<i64>();
    let inside = |i: i64| i.clamp(0, length as i64 - 1) as usize;
    let (first, last) = (inside(left - 1), inside(left + 2));
    let mut merged = vec![0; last - first + 1];
    weights.iter().zip(left - 1..).for_each(|(w, i)| merged[inside(i) - first] += w);
    (first, merged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FrameRate;
    use proptest::prelude::*;

    fn format(width: u32, height: u32, rate: u32) -> PictureFormat {
        PictureFormat { width, height, rate: FrameRate::new(rate, 1) }
    }

    fn one(width: u32, height: u32, data: Vec<u8>) -> Footage {
        Footage { format: format(width, height, 30), pictures: vec![Picture::new(width, height, data).unwrap()] }
    }

    /// The only picture, at another size.
    fn at(footage: &Footage, width: u32, height: u32) -> Picture {
        let mut scaled = footage.in_format(format(width, height, 30)).unwrap();
        assert_eq!((scaled.format, scaled.pictures.len()), (format(width, height, 30), 1));
        scaled.pictures.remove(0)
    }

    #[test]
    fn small_examples_by_hand() {
        // 4x2: two rows of luma, one of two samples per chroma.
        let small = one(4, 2, vec![10, 20, 30, 40, 50, 60, 70, 80, 100, 200, 1, 2]);
        // Means of four samples; halves go up.
        assert_eq!(*at(&small, 2, 2).data, [15, 35, 55, 75, 150, 2]);
        // Of six samples to four, each new one covers one and a half old ones: (2 * 0 + 30) / 3, (30 + 2 * 60) / 3 ...
        let row = [0, 30, 60, 90, 120, 150];
        let wide = one(6, 2, [&row[..], &row, &[9, 9, 9], &[9, 9, 9]].concat());
        assert_eq!(at(&wide, 4, 2).planes()[0][..4], [10, 50, 100, 140]);
        // Twice as wide: new samples lie a quarter to the left and to the right of an old one. The spline's weights there
        // are (-9, 111, 29, -3) / 128: straight lines stay straight, since 0 * -9 + 30 * 111 + 60 * 29 + 90 * -3 is
        // 128 * 37.5, but for the ends, where the line goes on level: 30 * 111 + 60 * -9 is 128 * 21.8.
        let twice = at(&wide, 12, 2);
        assert_eq!(twice.planes()[0][2..8], [22, 38, 53, 68, 83, 98]);
        assert_eq!((twice.planes()[0][0], twice.planes()[0][11]), (0, 152));
    }

    #[test]
    fn rates_show_the_picture_of_the_moment() {
        let pictures: Vec<Picture> = (0..6).map(|i| Picture::grey(2, 2, 10 * i)).collect();
        let footage = Footage { format: format(2, 2, 30), pictures };
        let luma = |rate: FrameRate| -> Vec<u8> {
            let scaled = footage.in_format(PictureFormat { rate, ..footage.format }).unwrap();
            scaled.pictures.iter().map(|p| p.data[0]).collect()
        };
        assert_eq!(luma(FrameRate::new(30, 1)), [0, 10, 20, 30, 40, 50]);
        assert_eq!(luma(FrameRate::new(15, 1)), [0, 20, 40]);
        assert_eq!(luma(FrameRate::new(60, 1)), [0, 0, 10, 10, 20, 20, 30, 30, 40, 40, 50, 50]);
        assert_eq!(luma(FrameRate::new(25, 1)), [0, 10, 20, 30, 40]);
        assert_eq!(luma(FrameRate::new(24, 1)), [0, 10, 20, 30, 50]);
        assert_eq!(luma(FrameRate::new(1, 1)), [0]);
    }

    #[test]
    fn impossible_formats_are_refused() {
        let grey = one(4, 2, vec![128; 12]);
        for (width, height) in [(3, 2), (4, 5), (0, 2), (2, 0)] {
            let error = grey.in_format(format(width, height, 30)).unwrap_err();
            assert!(error.to_string().starts_with(&format!("{width}x{height}: even width")), "{error}");
        }
        assert!(grey.in_format(format(4, 2, 0)).unwrap_err().to_string().contains("no frame rate"));
    }

    proptest! {
        #[test]
        fn a_constant_stays_and_a_mean_is_kept(
            (w, h, w2, h2) in (1u32..20, 1u32..20, 1u32..40, 1u32..40), value: u8, data in prop::collection::vec(any::<u8>(), 2400),
        ) {
            let (w, h, w2, h2) = (2 * w, 2 * h, 2 * w2, 2 * h2);
            let size = format(w, h, 30).bytes();
            prop_assert!(at(&one(w, h, vec![value; size]), w2, h2).data.iter().all(|s| *s == value));
            let footage = one(w, h, data[..size].to_vec());
            prop_assert_eq!(&at(&footage, w, h), &footage.pictures[0]);
            if w2 <= w && h2 <= h {
                let mean = |p: &Picture| p.planes()[0].iter().map(|s| f64::from(*s)).sum::<f64>() / p.planes()[0].len() as f64;
                let (before, after) = (mean(&footage.pictures[0]), mean(&at(&footage, w2, h2)));
                prop_assert!((before - after).abs() <= 0.5, "{} {}", before, after);
            }
        }
    }
}
