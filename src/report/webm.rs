//! WebM files of VP8 or VP9: the least that a browser plays (RFC 8794 for EBML, RFC 9559 for Matroska).

use crate::codec::Unit;
use crate::error::{Error, Result};
use crate::media::PictureFormat;
use crate::units::ms;

/// A WebM file with `units` as its only track. `codec` is "VP8" or "VP9"; the first unit must be a key picture, and shown
/// at 0. Same units, same bytes.
///
/// # Errors
/// [`Error::Usage`]: another codec, no unit, or none to begin with.
pub fn file(codec: &str, format: &PictureFormat, units: &[Unit]) -> Result<Vec<u8>> {
    let id = match codec {
        "VP8" => "V_VP8",
        "VP9" => "V_VP9",
        other => return Err(Error::usage(format!("WebM of {other}: only VP8 and VP9 are written"))),
    };
    let (Some(first), Some(last)) = (units.first(), units.last()) else {
        return Err(Error::usage("WebM without any picture"));
    };
    if !is_key(first) {
        return Err(Error::usage("WebM: the first picture must be a key picture"));
    }
    let at = |unit: &Unit| unit.pts.as_ms() - first.pts.as_ms();
    let info = master(
        INFO,
        &[
            number(TIMESTAMP_SCALE, 1_000_000),
            element(DURATION, &(at(last) + ms(last.duration)).to_be_bytes()),
            text(MUXING_APP, "codecbench"),
            text(WRITING_APP, "codecbench"),
        ],
    );
    let size = [number(PIXEL_WIDTH, format.width.into()), number(PIXEL_HEIGHT, format.height.into())];
    let track = master(
        TRACK_ENTRY,
        &[
            number(TRACK_NUMBER, 1),
            number(TRACK_UID, 1),
            number(TRACK_TYPE, 1),
            number(FLAG_LACING, 0),
            text(CODEC_ID, id),
            number(DEFAULT_DURATION, format.rate.at(1).as_nanos() as u64),
            master(VIDEO, &size),
        ],
    );
    let head = [
        number(EBML_VERSION, 1),
        number(EBML_READ_VERSION, 1),
        number(EBML_MAX_ID_LENGTH, 4),
        number(EBML_MAX_SIZE_LENGTH, 8),
        text(DOC_TYPE, "webm"),
        number(DOC_TYPE_VERSION, 4),
        number(DOC_TYPE_READ_VERSION, 2),
    ];
    let mut segment = vec![info, master(TRACKS, &[track])];
    let starts = |i: &usize| *i == 0 || is_key(&units[*i]);
    let mut from = 0;
    while from < units.len() {
        let reach = |i: &usize| at(&units[*i]) - at(&units[from]) > LONGEST_CLUSTER_MS;
        let to = (from + 1..units.len()).find(|i| starts(i) || reach(i)).unwrap_or(units.len());
        segment.push(cluster(&units[from..to], &at));
        from = to;
    }
    Ok([master(EBML, &head), master(SEGMENT, &segment)].concat())
}

/// A block's time is a signed 16-bit number of ms from that of its cluster (RFC 9559, section 10.2).
const LONGEST_CLUSTER_MS: f64 = 30_000.0;

const EBML: u32 = 0x1A45_DFA3;
const EBML_VERSION: u32 = 0x4286;
const EBML_READ_VERSION: u32 = 0x42F7;
const EBML_MAX_ID_LENGTH: u32 = 0x42F2;
const EBML_MAX_SIZE_LENGTH: u32 = 0x42F3;
const DOC_TYPE: u32 = 0x4282;
const DOC_TYPE_VERSION: u32 = 0x4287;
const DOC_TYPE_READ_VERSION: u32 = 0x4285;
const SEGMENT: u32 = 0x1853_8067;
const INFO: u32 = 0x1549_A966;
const TIMESTAMP_SCALE: u32 = 0x2A_D7B1;
const DURATION: u32 = 0x4489;
const MUXING_APP: u32 = 0x4D80;
const WRITING_APP: u32 = 0x5741;
const TRACKS: u32 = 0x1654_AE6B;
const TRACK_ENTRY: u32 = 0xAE;
const TRACK_NUMBER: u32 = 0xD7;
const TRACK_UID: u32 = 0x73C5;
const TRACK_TYPE: u32 = 0x83;
const FLAG_LACING: u32 = 0x9C;
const CODEC_ID: u32 = 0x86;
const DEFAULT_DURATION: u32 = 0x23_E383;
const VIDEO: u32 = 0xE0;
const PIXEL_WIDTH: u32 = 0xB0;
const PIXEL_HEIGHT: u32 = 0xBA;
const CLUSTER: u32 = 0x1F43_B675;
const TIMESTAMP: u32 = 0xE7;
const SIMPLE_BLOCK: u32 = 0xA3;

fn is_key(unit: &Unit) -> bool {
    unit.picture.as_ref().is_some_and(|p| p.key)
}

fn cluster(units: &[Unit], at: &dyn Fn(&Unit) -> f64) -> Vec<u8> {
    let start = at(&units[0]).round();
    let block = |unit: &Unit| {
        let time = (at(unit).round() - start) as i16;
        let key = if is_key(unit) { 0x80 } else { 0 };
        // Track 1 as a variable-length number, the time, the flags.
        let head = [&[0x81][..], &time.to_be_bytes(), &[key]].concat();
        element(SIMPLE_BLOCK, &[head.as_slice(), &unit.data].concat())
    };
    let parts: Vec<Vec<u8>> = std::iter::once(number(TIMESTAMP, start as u64)).chain(units.iter().map(block)).collect();
    master(CLUSTER, &parts)
}

fn master(id: u32, children: &[Vec<u8>]) -> Vec<u8> {
    element(id, &children.concat())
}

fn text(id: u32, text: &str) -> Vec<u8> {
    element(id, text.as_bytes())
}

/// In as few bytes as it takes, but one at least.
fn number(id: u32, value: u64) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    element(id, &bytes[(value.leading_zeros() as usize / 8).min(7)..])
}

/// Identifier, size and content. The identifier has its own length in its first bits (RFC 8794, section 5), the size
/// here always takes eight bytes.
fn element(id: u32, content: &[u8]) -> Vec<u8> {
    let id = id.to_be_bytes();
    let used = id.iter().position(|b| *b != 0).unwrap_or(3);
    let size = (content.len() as u64 | 1 << 56).to_be_bytes();
    [&id[used..], &size, content].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Coded;
    use crate::media::FrameRate;
    use crate::units::Time;
    use std::time::Duration;

    const FORMAT: PictureFormat = PictureFormat { width: 64, height: 36, rate: FrameRate::new(30, 1) };

    fn unit(id: u64, key: bool) -> Unit {
        let picture = Coded { id, key, layer: 0, depends_on: Vec::new(), switch: false, qp: None };
        let pts = Time::ZERO + Duration::from_millis(5000) + FORMAT.rate.at(id as usize);
        Unit { data: vec![id as u8; 3], pts, duration: FORMAT.rate.at(1), picture: Some(picture) }
    }

    /// Identifiers with their contents, down to the leaves.
    fn leaves(mut bytes: &[u8], found: &mut Vec<(u32, Vec<u8>)>) {
        while !bytes.is_empty() {
            let n = bytes[0].leading_zeros() as usize + 1;
            let id = bytes[..n].iter().fold(0, |id, b| id << 8 | u32::from(*b));
            let width = bytes[n].leading_zeros() as usize + 1;
            let size = bytes[n..n + width].iter().fold(0u64, |size, b| size << 8 | u64::from(*b));
            let size = (size ^ 1 << (7 * width)) as usize;
            let content = &bytes[n + width..n + width + size];
            match id {
                EBML | SEGMENT | INFO | TRACKS | TRACK_ENTRY | VIDEO | CLUSTER => {
                    found.push((id, Vec::new()));
                    leaves(content, found);
                }
                _ => found.push((id, content.to_vec())),
            }
            bytes = &bytes[n + width + size..];
        }
    }

    #[test]
    fn every_picture_is_in_its_cluster_at_its_time() {
        let units: Vec<Unit> = (0..1000).filter(|id| id % 7 != 3).map(|id| unit(id, id == 0 || id == 40)).collect();
        let mut found = Vec::new();
        leaves(&file("VP8", &FORMAT, &units).unwrap(), &mut found);
        let of = |id| found.iter().filter(move |f| f.0 == id).map(|f| f.1.clone()).collect::<Vec<_>>();
        assert_eq!(of(CODEC_ID), [b"V_VP8"]);
        assert_eq!((of(PIXEL_WIDTH), of(PIXEL_HEIGHT)), (vec![vec![64]], vec![vec![36]]));
        let duration = f64::from_be_bytes(of(DURATION)[0].as_slice().try_into().unwrap());
        assert!((duration - 1000.0 / 30.0 * 1000.0).abs() < 0.01, "{duration}");
        // At 0, at the second key picture, and 30 s after it.
        assert_eq!(of(CLUSTER).len(), 3);
        let (mut cluster, mut times, mut keys) = (0, Vec::new(), 0);
        for (id, content) in &found {
            match *id {
                TIMESTAMP => cluster = content.iter().fold(0, |t, b| t << 8 | i64::from(*b)),
                SIMPLE_BLOCK => {
                    times.push(cluster + i64::from(i16::from_be_bytes([content[1], content[2]])));
                    keys += u32::from(content[3] == 0x80);
                    assert_eq!((content[0], content.len()), (0x81, 7));
                }
                _ => {}
            }
        }
        let expected: Vec<i64> = units.iter().map(|u| (u.pts.as_ms() - 5000.0).round() as i64).collect();
        assert!(times.iter().zip(&expected).all(|(a, b)| a.abs_diff(*b) <= 1) && times.len() == expected.len());
        assert_eq!(keys, 2);
    }

    #[test]
    fn what_no_browser_would_play_is_refused() {
        let error = |codec, units: &[Unit]| file(codec, &FORMAT, units).unwrap_err().to_string();
        assert!(error("H264", &[unit(0, true)]).contains("H264"));
        assert!(error("VP8", &[]).contains("without any picture"));
        assert!(error("VP9", &[unit(0, false)]).contains("key picture"));
    }
}
