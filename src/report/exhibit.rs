//! What a case looked like: a frame as it should have been and as it was, and a short clip.

use super::view::Timeline;
use crate::error::{Error, Result};
use crate::media::{Footage, Picture};
use crate::metric;
use crate::report::raster;
use crate::report::view::Exhibit;
use std::ops::Range;

/// Thumbnails are so many pixels wide.
const THUMBNAIL: u32 = 480;
/// Of clips, on both sides of the worst tick.
const AROUND_MS: f64 = 2000.0;

impl Exhibit {
    /// The worst tick of a case by the first curve of its timeline: what should have been on show and what was, a picture
    /// for each tick. Without a clip; [`around`] says which ticks one should have. `None`: no tick has a score and both
    /// pictures.
    ///
    /// # Errors
    /// As `png`.
    pub fn of_worst(timeline: &Timeline, reference: &Footage, shown: &Footage) -> Result<Option<Exhibit>> {
        let Some((id, tick, score)) = timeline.worst() else { return Ok(None) };
        let (Some(should), Some(was)) = (reference.pictures.get(tick), shown.pictures.get(tick)) else {
            return Ok(None);
        };
        let title = metric::scale(id).map_or(id, |s| s.title);
        let seconds = tick as f64 * timeline.step_ms / 1000.0;
        Ok(Some(Exhibit {
            caption: format!("frame {tick} at {seconds:.1} s: {title} {score:.1}"),
            setting: timeline.setting.clone(),
            condition: timeline.case.clone(),
            reference_png: png(should, THUMBNAIL)?,
            shown_png: png(was, THUMBNAIL)?,
            clip: None,
        }))
    }
}

/// The ticks of 4 s with the worst one in their middle, as far as there are such.
pub fn around(timeline: &Timeline) -> Option<Range<usize>> {
    let (_, tick, _) = timeline.worst()?;
    let ticks = timeline.curves.first().map_or(0, |c| c.1.len());
    let half = (AROUND_MS / timeline.step_ms.max(1.0)) as usize;
    let start = tick.saturating_sub(half).min(ticks.saturating_sub(2 * half));
    Some(start..(start + 2 * half).min(ticks))
}

/// The picture as a PNG file, brought down to `width` where it is wider (area average of the pixels as they are coded).
/// Nothing in the picture says which matrix its colours have; as browsers do, BT.709 is taken from 720 lines on and BT.601
/// below.
///
/// # Errors
/// [`Error::Usage`]: `width` is zero.
pub fn png(picture: &Picture, width: u32) -> Result<Vec<u8>> {
    if width == 0 {
        return Err(Error::usage("a PNG of width 0 has no pixel"));
    }
    let (w, h) = (picture.width.min(width), height(picture, width));
    let pixels = scaled(&rgb(picture), (picture.width as usize, picture.height as usize), (w as usize, h as usize));
    let file = raster::png(w, h, &pixels, png::Compression::Best);
    file.map_err(|e| Error::usage(format!("PNG of {w}x{h}: {e}")))
}

fn height(picture: &Picture, width: u32) -> u32 {
    if picture.width <= width {
        return picture.height;
    }
    let exact = f64::from(picture.height) * f64::from(width) / f64::from(picture.width);
    (exact.round() as u32).max(1)
}

/// Red, green and blue of each pixel. Limited range: black is 16, white 235, and chroma reaches 112 to both sides of 128.
fn rgb(picture: &Picture) -> Vec<u8> {
    // Weights of red and blue in luma: BT.601 section 2.5.1, BT.709 section 3.2.
    let (kr, kb) = if picture.height >= 720 { (0.2126, 0.0722) } else { (0.299, 0.114) };
    let kg = 1.0 - kr - kb;
    let [y, u, v] = picture.planes();
    let w = picture.width as usize;
    let mut out = Vec::with_capacity(y.len() * 3);
    for (i, luma) in y.iter().enumerate() {
        let chroma = i / w / 2 * (w / 2) + i % w / 2;
        let luma = (f64::from(*luma) - 16.0) / 219.0;
        let (cb, cr) = ((f64::from(u[chroma]) - 128.0) / 224.0, (f64::from(v[chroma]) - 128.0) / 224.0);
        let (red, blue) = (luma + 2.0 * (1.0 - kr) * cr, luma + 2.0 * (1.0 - kb) * cb);
        let green = (luma - kr * red - kb * blue) / kg;
        out.extend([red, green, blue].map(|c| (c * 255.0).round().clamp(0.0, 255.0) as u8));
    }
    out
}

/// Each new pixel is the mean of those that it covers, by the area that it covers of them.
fn scaled(rgb: &[u8], (w, h): (usize, usize), (to_w, to_h): (usize, usize)) -> Vec<u8> {
    if (w, h) == (to_w, to_h) {
        return rgb.to_vec();
    }
    let (columns, rows) = (covered(w, to_w), covered(h, to_h));
    let mut out = Vec::with_capacity(to_w * to_h * 3);
    for row in &rows {
        for column in &columns {
            let mut sums = [0.0; 3];
            for (y, tall) in row {
                for (x, wide) in column {
                    let at = (y * w + x) * 3;
                    sums.iter_mut().zip(&rgb[at..at + 3]).for_each(|(s, p)| *s += tall * wide * f64::from(*p));
                }
            }
            out.extend(sums.map(|s| s.round().clamp(0.0, 255.0) as u8));
        }
    }
    out
}

/// For each of `to` new pixels the old ones below it, with their shares; the shares add up to 1.
fn covered(from: usize, to: usize) -> Vec<Vec<(usize, f64)>> {
    let step = from as f64 / to as f64;
    let pixel = |k: usize| {
        let (start, end) = (k as f64 * step, (k + 1) as f64 * step);
        let below = start.floor() as usize..(end.ceil() as usize).min(from);
        let share = |i: usize| ((i + 1) as f64).min(end) - (i as f64).max(start);
        below.map(|i| (i, share(i) / step)).filter(|(_, share)| *share > 0.0).collect()
    };
    (0..to).map(pixel).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(file: &[u8]) -> (u32, u32, Vec<u8>) {
        let mut reader = png::Decoder::new(file).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size()];
        let info = reader.next_frame(&mut pixels).unwrap();
        (info.width, info.height, pixels)
    }

    fn plain(size: (u32, u32), yuv: [u8; 3]) -> Picture {
        let n = (size.0 * size.1) as usize;
        let data = [vec![yuv[0]; n], vec![yuv[1]; n / 4], vec![yuv[2]; n / 4]].concat();
        Picture::new(size.0, size.1, data).unwrap()
    }

    #[test]
    fn the_worst_tick_is_shown_with_what_is_around_it() {
        let format = crate::media::PictureFormat { width: 8, height: 8, rate: crate::media::FrameRate::new(25, 1) };
        let footage = |shift: u8| Footage {
            format,
            pictures: (0..200u8).map(|i| plain((8, 8), [16 + i % 100 + shift, 128, 128])).collect(),
        };
        let mut values = vec![40.0f32; 200];
        (values[20], values[30]) = (12.5, f32::NAN);
        let timeline = Timeline { step_ms: 40.0, curves: vec![("none-such".into(), values)], ..Timeline::default() };
        let exhibit = Exhibit::of_worst(&timeline, &footage(0), &footage(50)).unwrap().unwrap();
        assert_eq!(exhibit.caption, "frame 20 at 0.8 s: none-such 12.5");
        let grey = |file: &[u8]| decoded(file).2[0];
        assert!(grey(&exhibit.shown_png) > grey(&exhibit.reference_png) + 50);
        assert_eq!(around(&timeline), Some(0..100));
        assert_eq!(around(&Timeline::default()), None);
        assert_eq!(Exhibit::of_worst(&timeline, &Footage::new(format), &footage(0)).unwrap(), None);
    }

    #[test]
    fn colour_bars_have_their_colours() {
        // 100 % bars in 8 bits: BT.601 Table 3 and BT.709 by the same equations.
        let of = |size, yuv| decoded(&png(&plain(size, yuv), 4096).unwrap()).2[..3].to_vec();
        for (yuv, rgb) in [
            ([16, 128, 128], [0, 0, 0]),
            ([235, 128, 128], [255, 255, 255]),
            ([81, 90, 240], [255, 0, 0]),
            ([145, 54, 34], [0, 255, 0]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let found = of((4, 2), yuv);
            assert!(found.iter().zip(rgb).all(|(a, b): (&u8, u8)| a.abs_diff(b) <= 1), "{yuv:?}: {found:?}");
        }
        let red = of((2, 720), [63, 102, 240]);
        assert!(red[0] >= 254 && red[1] <= 1 && red[2] <= 1, "{red:?}");
        assert_eq!(of((2, 2), [255, 128, 128]), [255, 255, 255], "above white is white");
    }

    #[test]
    fn thumbnails_keep_their_shape_and_mean() {
        // Black and white columns in turn: brought to a third all is near grey.
        let luma = (0..64 * 36).map(|i| if i % 2 == 0 { 16 } else { 235 }).collect::<Vec<u8>>();
        let picture = Picture::new(64, 36, [luma, vec![128; 64 * 36 / 2]].concat()).unwrap();
        let (w, h, pixels) = decoded(&png(&picture, 20).unwrap());
        assert_eq!((w, h, pixels.len()), (20, 11, 660));
        let mean = pixels.iter().map(|p| f64::from(*p)).sum::<f64>() / 660.0;
        assert!((mean - 127.5).abs() < 1.5, "{mean}");
        assert!(pixels.iter().all(|p| (80..=175).contains(p)));
        assert_eq!(decoded(&png(&picture, 640).unwrap()).0, 64, "never larger than the picture");
        assert!(png(&picture, 0).is_err());
    }
}
