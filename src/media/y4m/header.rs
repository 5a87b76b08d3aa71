//! The header of a Y4M stream: tags of one letter with a value.

use super::super::{FrameRate, PictureFormat};

/// Larger pictures are taken for a damaged header.
const LARGEST: u32 = 16_384;

/// The format that the tags tell, and notes of those that say something else than is taken for granted here.
///
/// # Errors
/// In one line: no width, height or frame rate, odd or absurd ones, a pixel format other than 8-bit 4:2:0, interlaced.
pub(super) fn format(tags: &str) -> Result<(PictureFormat, Vec<String>), String> {
    let (mut width, mut height, mut rate) = (None, None, None);
    let mut notes = Vec::new();
    for tag in tags.split(' ').filter(|t| !t.is_empty()) {
        let Some((key, value)) = tag.split_at_checked(1) else {
            return Err(format!("Y4M header: '{}' is no tag", shown(tag)));
        };
        match key {
            "W" => width = Some(size("width", value)?),
            "H" => height = Some(size("height", value)?),
            "F" => rate = Some(frame_rate(value)?),
            "I" => interlace(value)?,
            "C" => notes.extend(colour(value)?),
            "A" if !matches!(value, "0:0" | "1:1") => {
                notes.push(format!("pixels of aspect {}, taken as square", shown(value)));
            }
            "X" if value == "COLORRANGE=FULL" => notes.push("full range, taken as limited range".into()),
            _ => {}
        }
    }
    let missing = |what, tag| format!("Y4M header: no {what} ('{tag}...')");
    let width = width.ok_or_else(|| missing("width", 'W'))?;
    let height = height.ok_or_else(|| missing("height", 'H'))?;
    let rate = rate.ok_or_else(|| missing("frame rate", 'F'))?;
    if width % 2 != 0 || height % 2 != 0 {
        return Err(format!("{width}x{height}: an odd size; even width and height would be right for 4:2:0"));
    }
    Ok((PictureFormat { width, height, rate }, notes))
}

fn size(what: &str, value: &str) -> Result<u32, String> {
    value
        .parse()
        .ok()
        .filter(|n| (2..=LARGEST).contains(n))
        .ok_or_else(|| format!("Y4M header: a {what} of '{}'; 2 to {LARGEST} would be right", shown(value)))
}

/// "30000:1001", brought to lowest terms.
fn frame_rate(value: &str) -> Result<FrameRate, String> {
    let parsed = value.split_once(':').and_then(|(n, d)| Some((n.parse::<u32>().ok()?, d.parse::<u32>().ok()?)));
    match parsed {
        Some((n, d)) if d > 0 && n / d <= 1000 && n >= d => {
            let (mut a, mut b) = (n, d);
            while b > 0 {
                (a, b) = (b, a % b);
            }
            Ok(FrameRate::new(n / a, d / a))
        }
        _ => Err(format!("Y4M header: a frame rate of '{}'; 1:1 to 1000:1 would be right", shown(value))),
    }
}

fn interlace(value: &str) -> Result<(), String> {
    match value {
        "p" | "?" => Ok(()),
        "t" | "b" | "m" => Err("interlaced; progressive would be right: ffmpeg -vf yadif".into()),
        _ => Err(format!("Y4M header: an unknown interlacing '{}'", shown(value))),
    }
}

/// 4:2:0 of 8 bit comes with three places of the chroma samples; which one makes no difference to a codec, but a little
/// to an eye.
fn colour(value: &str) -> Result<Option<String>, String> {
    match value {
        "420" | "420jpeg" => Ok(None),
        "420mpeg2" | "420paldv" => Ok(Some(format!("chroma samples sited as {}", &value[3..]))),
        _ => {
            let subsampling = |text: &str| ["411", "420", "422", "440", "444"].contains(&text);
            let what = match value.split_once('p') {
                _ if value == "mono" => "luma only".into(),
                None if subsampling(value) => ratio(value),
                Some((s, bits)) if subsampling(s) && bits.parse::<u8>().is_ok() => {
                    format!("{} of {bits} bit", ratio(s))
                }
                _ => format!("the pixel format 'C{}'", shown(value)),
            };
            Err(format!("{what}; 8-bit 4:2:0 would be right: ffmpeg -pix_fmt yuv420p"))
        }
    }
}

/// "422" as "4:2:2".
fn ratio(sampling: &str) -> String {
    sampling.chars().map(String::from).collect::<Vec<_>>().join(":")
}

/// Of a text out of a damaged file what a message can bear.
pub(super) fn shown(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).take(60).collect()
}

#[cfg(test)]
mod tests {
    use super::super::{Cap, read_from};
    use super::*;

    /// A stream of one grey 4x2 picture under this header.
    fn headed(tags: &str) -> Vec<u8> {
        [format!("YUV4MPEG2 {tags}\nFRAME\n").as_bytes(), &[128; 12]].concat()
    }

    #[test]
    fn headers_that_are_not_8_bit_420_are_refused_by_name() {
        for (tags, says) in [
            ("H2 F30:1", "no width ('W...')"),
            ("W4 F30:1", "no height"),
            ("W4 H2", "no frame rate"),
            ("W3 H2 F30:1", "3x2: an odd size; even"),
            ("W4 H3 F30:1", "4x3: an odd size"),
            ("W0 H2 F30:1", "a width of '0'; 2 to 16384"),
            ("W4 H99999 F30:1", "a height of '99999'"),
            ("W4 H-2 F30:1", "a height of '-2'"),
            ("W4 H2 F0:0", "a frame rate of '0:0'; 1:1 to 1000:1"),
            ("W4 H2 F30", "a frame rate of '30'"),
            ("W4 H2 F30:1 It", "interlaced; progressive"),
            ("W4 H2 F30:1 C422", "4:2:2; 8-bit 4:2:0 would be right: ffmpeg -pix_fmt yuv420p"),
            ("W4 H2 F30:1 C444", "4:4:4; 8-bit"),
            ("W4 H2 F30:1 C420p10", "4:2:0 of 10 bit; 8-bit"),
            ("W4 H2 F30:1 Cmono", "luma only; 8-bit"),
            ("W4 H2 F30:1 C444alpha", "the pixel format 'C444alpha'; 8-bit"),
        ] {
            let reason = read_from(&headed(tags)[..], Cap::NONE).unwrap_err();
            assert!(!reason.contains('\n'), "{reason}");
            assert!(reason.contains(says), "{tags}: {reason}");
        }
    }

    #[test]
    fn tags_that_change_the_look_are_kept_as_notes_and_rates_are_reduced() {
        let read = |tags: &str| read_from(&headed(tags)[..], Cap::NONE).unwrap();
        let decoded = read("W4 H2 F50:2 Ip A0:0 C420mpeg2 XYSCSS=420MPEG2 XCOLORRANGE=FULL");
        assert_eq!(decoded.footage.format.rate, FrameRate::new(25, 1));
        assert_eq!(decoded.notes, ["chroma samples sited as mpeg2", "full range, taken as limited range"]);
        assert_eq!(read("W4 H2 F30:1 A4:3").notes, ["pixels of aspect 4:3, taken as square"]);
        assert!(read("W4 H2 F30:1").notes.is_empty());
    }
}
