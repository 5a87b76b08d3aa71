//! Upper bounds out of a receiver's fmtp line, and what they leave of a clip and of a bitrate.

use super::fmtp::{change, count};
use crate::codec::api::{Change, ChangeKind};
use crate::error::{Error, Result};
use crate::media::{FrameRate, PictureFormat};
use crate::sdp::fmtp::Fmtp;

/// No side is scaled below this: encoders refuse smaller pictures.
const LEAST_SIDE: u32 = 16;

/// An upper bound out of a receiver's fmtp line.
pub(in crate::codec) struct Cap {
    /// As requested: "max-fs=396", "profile-level-id=42e01f".
    pub requested: String,
    pub bound: Bound,
    /// What it says, with its source: "max-fs macroblocks per picture (RFC 7741, section 6.1)".
    pub reason: &'static str,
}

/// What a [`Cap`] bounds. Macroblocks have 16x16 luma samples; parts of one at the edges count whole.
#[derive(Clone, Copy, Debug)]
pub(in crate::codec) enum Bound {
    /// Macroblocks of a picture.
    Macroblocks(u64),
    /// Luma samples of a picture.
    Luma(u64),
    /// Width and height each, in luma samples.
    Side(u32),
    /// Height alone, in luma samples.
    Height(u32),
    /// Macroblocks per second.
    MacroblockRate(u64),
    /// Luma samples per second.
    LumaRate(u64),
    /// Pictures per second.
    Rate(u32),
    /// In bit/s.
    Bitrate(u32),
}

/// The two caps of RFC 7741, section 6.1, and RFC 9628, section 6: `max-fr` pictures per second, `max-fs` macroblocks per
/// picture, which bounds each side too. Both formats word them alike.
pub(in crate::codec) fn max_fr_and_fs(fmtp: &Fmtp) -> Vec<Cap> {
    let mut caps = Vec::new();
    if let Some(blocks) = count(fmtp, "max-fs") {
        let cap = |bound, reason| Cap { requested: format!("max-fs={blocks}"), bound, reason };
        let side = (u64::from(blocks) * 8).isqrt() as u32;
        caps.push(cap(Bound::Macroblocks(blocks.into()), "the receiver's most macroblocks per picture"));
        caps.push(cap(Bound::Side(side.saturating_mul(16)), "each side has at most sqrt(8 max-fs) macroblocks"));
    }
    if let Some(rate) = count(fmtp, "max-fr") {
        let (requested, reason) = (format!("max-fr={rate}"), "the receiver's most pictures per second");
        caps.push(Cap { requested, bound: Bound::Rate(rate), reason });
    }
    caps
}

/// `clip` within all caps: the size first, then the rate that such pictures may have.
pub(super) fn fit(codec: &str, clip: &PictureFormat, caps: &[Cap], changes: &mut Vec<Change>) -> Result<PictureFormat> {
    let mut format = *clip;
    for cap in caps {
        let mut scaled = format;
        let mut step = 0;
        while !small_enough(&scaled, cap.bound) {
            step += 1;
            let (n, d) = scale(step);
            let side = |length: u32| (u64::from(length) * n / d) as u32 / 2 * 2;
            scaled = PictureFormat { width: side(clip.width), height: side(clip.height), ..format };
            if scaled.width.min(scaled.height) < LEAST_SIDE {
                let Cap { requested, reason, .. } = cap;
                let text = format!("{codec}: {requested} leaves no size for {clip}: {reason}");
                return Err(Error::usage(text));
            }
        }
        if scaled != format {
            let size = format!("{}x{}", scaled.width, scaled.height);
            changes.push(change(cap.requested.clone(), size, ChangeKind::Clamped, cap.reason));
            format = scaled;
        }
    }
    for cap in caps {
        let most = match cap.bound {
            Bound::Rate(rate) => u64::from(rate),
            Bound::MacroblockRate(most) => most / macroblocks(&format),
            Bound::LumaRate(most) => most / format.luma() as u64,
            _ => continue,
        };
        let most = most.clamp(1, u64::from(u32::MAX)) as u32;
        if u64::from(format.rate.numerator) > u64::from(most) * u64::from(format.rate.denominator) {
            format.rate = FrameRate::new(most, 1);
            changes.push(change(cap.requested.clone(), format!("{most} fps"), ChangeKind::Clamped, cap.reason));
        }
    }
    Ok(format)
}

/// The scale of step 1, 2, ...: 3/4, 1/2, 3/8, 1/4, 3/16 and so on.
fn scale(step: u32) -> (u64, u64) {
    let halves = 1 << step.div_ceil(2).min(30);
    if step.is_multiple_of(2) { (1, halves) } else { (3, 2 * halves) }
}

fn small_enough(format: &PictureFormat, bound: Bound) -> bool {
    match bound {
        Bound::Macroblocks(most) => macroblocks(format) <= most,
        Bound::Luma(most) => format.luma() as u64 <= most,
        Bound::Side(most) => format.width.max(format.height) <= most,
        Bound::Height(most) => format.height <= most,
        Bound::MacroblockRate(_) | Bound::LumaRate(_) | Bound::Rate(_) | Bound::Bitrate(_) => true,
    }
}

pub(super) fn macroblocks(format: &PictureFormat) -> u64 {
    u64::from(format.width.div_ceil(16)) * u64::from(format.height.div_ceil(16))
}

/// `bitrate` within the caps.
pub(super) fn allowed(bitrate: u32, caps: &[Cap]) -> u32 {
    let most = |cap: &Cap| if let Bound::Bitrate(most) = cap.bound { Some(most) } else { None };
    caps.iter().filter_map(most).fold(bitrate, u32::min)
}
