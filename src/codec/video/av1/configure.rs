//! From the fmtp line of AV1 (AV1 RTP payload format, section 7.2) to the encoder's settings. The parameters are the
//! receiver's upper bounds, unlike those of H.264: what is sent may be of a lower level (section 7.2.1).

use super::obu::NAME;
use crate::codec::api::{ChangeKind, Request, Settings};
use crate::codec::video::caps::{Bound, Cap};
use crate::codec::video::configure::{Mode, basis};
use crate::codec::video::fmtp::{self, Read};
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};
use crate::sdp::fmtp::Fmtp;

/// A level with what it bounds (AV1 bitstream specification, section A.3).
struct Level {
    /// `seq_level_idx`.
    idx: u32,
    /// Luma samples of a picture, its width, its height, luma samples shown per second.
    luma: u64,
    width: u32,
    height: u32,
    rate: u64,
    /// In kbit/s, of the main and the high tier; 0: the level has no high tier.
    kbps: [u32; 2],
}

const fn level(idx: u32, luma: u64, (width, height): (u32, u32), rate: u64, kbps: [u32; 2]) -> Level {
    Level { idx, luma, width, height, rate, kbps }
}

/// The levels that are defined; the others are reserved.
static LEVELS: [Level; 14] = [
    level(0, 147_456, (2048, 1152), 4_423_680, [1500, 0]),
    level(1, 278_784, (2816, 1584), 8_363_520, [3000, 0]),
    level(4, 665_856, (4352, 2448), 19_975_680, [6000, 0]),
    level(5, 1_065_024, (5504, 3096), 31_950_720, [10_000, 0]),
    level(8, 2_359_296, (6144, 3456), 70_778_880, [12_000, 30_000]),
    level(9, 2_359_296, (6144, 3456), 141_557_760, [20_000, 50_000]),
    level(12, 8_912_896, (8192, 4352), 267_386_880, [30_000, 100_000]),
    level(13, 8_912_896, (8192, 4352), 534_773_760, [40_000, 160_000]),
    level(14, 8_912_896, (8192, 4352), 1_069_547_520, [60_000, 240_000]),
    level(15, 8_912_896, (8192, 4352), 1_069_547_520, [60_000, 240_000]),
    level(16, 35_651_584, (16_384, 8704), 1_069_547_520, [60_000, 240_000]),
    level(17, 35_651_584, (16_384, 8704), 2_139_095_040, [100_000, 480_000]),
    level(18, 35_651_584, (16_384, 8704), 4_278_190_080, [160_000, 800_000]),
    level(19, 35_651_584, (16_384, 8704), 4_278_190_080, [160_000, 800_000]),
];

/// `level-idx` when the line has none: 3.1.
const DEFAULT: u32 = 5;
/// `level-idx` without bounds.
const UNBOUNDED: u32 = 31;

/// The least and the largest quantiser, of 0 to 63.
pub(super) const QUANTISERS: (u32, u32) = (10, 52);
/// Fill of the buffer in percent below which pictures are dropped.
pub(super) const DROP_THRESHOLD: u32 = 30;

/// What the encoder is set to.
#[derive(Debug)]
pub(super) struct Av1Parameters {
    pub mode: Mode,
    /// Bounds.
    pub level_idx: u32,
    pub high_tier: bool,
    /// libaom's; complexity 10 is 5, 4 and less is 11.
    pub speed: i32,
}

/// # Errors
/// [`Error::Usage`]: profile 1 or 2, since pictures here are 8-bit 4:2:0.
pub(super) fn configure(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    let fmtp = &request.fmtp;
    if let Some(profile @ ("1" | "2")) = fmtp.get("profile") {
        let text =
            format!("AV1: profile={profile} is not for 8-bit 4:2:0, and pictures here are; profile=0 would be right");
        return Err(Error::usage(text));
    }
    let level = fmtp.get("level-idx").and_then(level_index).unwrap_or(DEFAULT);
    let high_tier = fmtp.get("tier") == Some("1") && level > 7;
    let changes = fmtp::parameters(fmtp, |name, value| match (name, value) {
        ("profile", Some("0")) | ("tier", Some("0")) => Read::Taken,
        ("profile", _) => Read::Differs("0".into(), ChangeKind::Invalid, "profiles are 0 to 2, so the default holds"),
        ("level-idx", Some(text)) if level_index(text).is_some() => Read::Taken,
        ("level-idx", _) => {
            Read::Differs(DEFAULT.to_string(), ChangeKind::Invalid, "no level of section A.3, so the default holds")
        }
        ("tier", Some("1")) if high_tier => Read::Taken,
        ("tier", Some("1")) => {
            Read::Differs("0".into(), ChangeKind::Invalid, "levels below 4.0 have no high tier (section A.3)")
        }
        ("tier", _) => Read::Differs("0".into(), ChangeKind::Invalid, "tiers are 0 and 1, so the default holds"),
        _ => Read::Unknown,
    });
    let mut basis = basis(NAME, request, clip, &caps(fmtp, level, high_tier), changes)?;
    basis.whole_kilobits("libaom takes whole kbit/s");
    let mode = basis.mode;
    // libwebrtc's speeds: 11 for a screen, else 8, 9 and 10 by size.
    let default = match basis.format.luma() {
        _ if mode == Mode::Screen => 4,
        0..=57_600 => 7,
        57_601..=230_400 => 6,
        _ => 5,
    };
    let speed = 15 - i32::from(basis.complexity(request, default).clamp(4, 10));
    Ok(basis.with(Av1Parameters { mode, level_idx: level, high_tier, speed }))
}

fn level_index(text: &str) -> Option<u32> {
    let idx: u32 = text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (idx == UNBOUNDED || LEVELS.iter().any(|level| level.idx == idx)).then_some(idx)
}

fn caps(fmtp: &Fmtp, idx: u32, high_tier: bool) -> Vec<Cap> {
    let Some(level) = LEVELS.iter().find(|level| level.idx == idx) else { return Vec::new() };
    let requested = match fmtp.get("level-idx") {
        Some(text) if level_index(text) == Some(idx) => format!("level-idx={text}"),
        _ => format!("no level-idx: {DEFAULT}"),
    };
    let bitrate = level.kbps[usize::from(high_tier)].saturating_mul(1000);
    [
        (Bound::Luma(level.luma), "the receiver's largest picture, MaxPicSize (section A.3)"),
        (Bound::Side(level.width), "the receiver's widest picture, MaxHSize (section A.3)"),
        (Bound::Height(level.height), "the receiver's highest picture, MaxVSize (section A.3)"),
        (Bound::LumaRate(level.rate), "the receiver's most luma samples per second, MaxDisplayRate (section A.3)"),
        (Bound::Bitrate(bitrate), "the receiver's highest bitrate, MainMbps or HighMbps (section A.3)"),
    ]
    .map(|(bound, reason)| Cap { requested: requested.clone(), bound, reason })
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FrameRate;
    use crate::units::Bitrate;

    fn of(line: &str, width: u32, height: u32, bitrate: Option<u32>) -> Result<Settings<Picture>> {
        let request = Request { fmtp: line.parse()?, bitrate: bitrate.map(Bitrate), ..Request::default() };
        configure(&request, &PictureFormat { width, height, rate: FrameRate::new(30, 1) })
    }

    /// The number that reports show.
    fn shown(settings: &Settings<Picture>, name: &str) -> i32 {
        settings.shown().iter().find(|(shown, _)| *shown == name).unwrap().1.parse().unwrap()
    }

    #[test]
    fn levels_bound_size_rate_and_bitrate() {
        let settings = of("level-idx=0", 640, 360, Some(2_000_000)).unwrap();
        assert_eq!((settings.format.width, settings.format.height), (480, 270));
        assert_eq!((settings.format.rate, settings.bitrate), (FrameRate::new(30, 1), Some(Bitrate(1_500_000))));
        assert_eq!(settings.changes.len(), 2);
        // 1280x720 is more than level 3.0 has, and in level 3.1 it has at most 34 pictures per second.
        assert_eq!(of("level-idx=4", 1280, 720, None).unwrap().format.width, 960);
        let settings = of("", 1280, 720, None).unwrap();
        assert_eq!((settings.format.width, shown(&settings, "level_idx"), settings.changes.len()), (1280, 5, 0));
        let tall = of("level-idx=0", 64, 2000, None).unwrap();
        assert_eq!((tall.format.width, tall.format.height), (32, 1000));
        let high = of("level-idx=8;tier=1", 640, 360, Some(25_000_000)).unwrap();
        assert_eq!((high.bitrate, shown(&high, "tier")), (Some(Bitrate(25_000_000)), 1));
        assert!(of("level-idx=31", 8000, 4000, Some(900_000_000)).unwrap().changes.is_empty());
    }

    #[test]
    fn each_difference_has_its_kind_and_other_profiles_are_refused() {
        let line = "profile=x;level-idx=2;tier=1;foo=1;x-google-min-bitrate=9";
        let settings = of(line, 640, 360, Some(500_500)).unwrap();
        let kinds: Vec<_> = settings.changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        use ChangeKind::{Ignored, Invalid, Rounded, Unknown};
        assert_eq!(
            kinds,
            [
                ("profile=x", Invalid),
                ("level-idx=2", Invalid),
                ("tier=1", Invalid),
                ("foo=1", Unknown),
                ("x-google-min-bitrate=9", Ignored),
                ("bitrate=500500", Rounded),
            ]
        );
        for line in ["profile=1", "profile=2"] {
            assert_eq!(of(line, 640, 360, None).unwrap_err().exit_code(), 2);
        }
    }

    #[test]
    fn speed_follows_the_size_as_in_libwebrtc() {
        let speed = |width, height| shown(&of("", width, height, None).unwrap(), "speed");
        assert_eq!((speed(320, 180), speed(640, 360), speed(1280, 720)), (8, 9, 10));
        let request = Request { mode: Some("screen".into()), ..Request::default() };
        let clip = PictureFormat { width: 640, height: 360, rate: FrameRate::new(30, 1) };
        assert_eq!(shown(&configure(&request, &clip).unwrap(), "speed"), 11);
    }
}
