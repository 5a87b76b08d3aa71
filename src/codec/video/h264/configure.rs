//! From the fmtp line of H.264 (RFC 6184, section 8.1) to the encoder's settings. The parameters are the receiver's: its
//! profile is what is sent, its level and what extends it are upper bounds (Rec. ITU-T H.264, Table A-1).

use super::syntax::NAME;
use crate::codec::api::{ChangeKind, Request, Settings};
use crate::codec::video::caps::{Bound, Cap};
use crate::codec::video::configure::{Mode, basis};
use crate::codec::video::fmtp::{self, Read, change};
use crate::error::{Error, Result};
use crate::media::{Picture, PictureFormat};
use crate::sdp::fmtp::Fmtp;

/// Most bytes of a slice in packetization mode 0, where each is one packet: 1200, the usual one of libwebrtc, without the RTP
/// header. openh264 keeps 48 of them back, which leaves room for header extensions.
const SLICE_BYTES: u32 = 1180;

/// Pictures are dropped when the bitrate cannot be held.
pub(super) const FRAME_SKIP: bool = true;

/// What the encoder is set to.
#[derive(Debug)]
pub(super) struct H264Parameters {
    pub mode: Mode,
    pub profile: &'static Profile,
    /// A bound.
    pub level: &'static Level,
    /// Most bytes of a slice, in packetization mode 0; `None` in mode 1: one slice per picture.
    pub slice_bytes: Option<u32>,
    /// openh264 has three: 0 is low, where libwebrtc leaves it, 1 medium, 2 high.
    pub complexity: u8,
}

/// A profile that the encoder makes.
#[derive(Debug)]
pub(super) struct Profile {
    pub name: &'static str,
    /// `profile_idc` of the sequence parameter set.
    pub idc: u8,
    pub cabac: bool,
}

/// Baseline's own tools (slice groups, redundant slices) are not used: what is sent is Constrained Baseline, which every
/// Baseline decoder takes. High in turn has no tool here that Constrained High lacks.
static PROFILES: [Profile; 5] = [
    Profile { name: "constrained baseline", idc: 66, cabac: false },
    Profile { name: "baseline", idc: 66, cabac: false },
    Profile { name: "main", idc: 77, cabac: true },
    Profile { name: "constrained high", idc: 100, cabac: true },
    Profile { name: "high", idc: 100, cabac: true },
];

/// A level with what it bounds.
#[derive(Debug)]
pub(super) struct Level {
    /// `level_idc`; that of level 1b is 9 in High profiles, and 11 with `constraint_set3_flag` in the others.
    pub idc: u8,
    pub name: &'static str,
    /// Macroblocks per second, macroblocks per picture.
    rate: u64,
    size: u64,
    /// In units of 1000 bit/s, 1250 bit/s in High profiles.
    bitrate: u64,
}

const fn level(idc: u8, name: &'static str, rate: u64, size: u64, bitrate: u64) -> Level {
    Level { idc, name, rate, size, bitrate }
}

/// Table A-1.
static LEVELS: [Level; 17] = [
    level(9, "1b", 1485, 99, 128),
    level(10, "1", 1485, 99, 64),
    level(11, "1.1", 3000, 396, 192),
    level(12, "1.2", 6000, 396, 384),
    level(13, "1.3", 11_880, 396, 768),
    level(20, "2", 11_880, 396, 2000),
    level(21, "2.1", 19_800, 792, 4000),
    level(22, "2.2", 20_250, 1620, 4000),
    level(30, "3", 40_500, 1620, 10_000),
    level(31, "3.1", 108_000, 3600, 14_000),
    level(32, "3.2", 216_000, 5120, 20_000),
    level(40, "4", 245_760, 8192, 20_000),
    level(41, "4.1", 245_760, 8192, 50_000),
    level(42, "4.2", 522_240, 8704, 50_000),
    level(50, "5", 589_824, 22_080, 135_000),
    level(51, "5.1", 983_040, 36_864, 240_000),
    level(52, "5.2", 2_073_600, 36_864, 240_000),
];

/// # Errors
/// [`Error::Usage`]: a profile, level or packetization mode that libwebrtc or the encoder has not.
pub(super) fn configure(request: &Request, clip: &PictureFormat) -> Result<Settings<Picture>> {
    let fmtp = &request.fmtp;
    let (profile, level) = profile_and_level(fmtp.get("profile-level-id"))?;
    let slice_bytes = match fmtp.get("packetization-mode") {
        Some("2") => {
            let text =
                "H264: packetization-mode=2 (interleaved) is not for calls, WebRTC has none; 0 or 1 would be right";
            return Err(Error::usage(text));
        }
        Some("1") => None,
        _ => Some(SLICE_BYTES),
    };
    let extends = |name: &str, own: u64| fmtp::count(fmtp, name).is_some_and(|value| u64::from(value) >= own);
    let changes = fmtp::parameters(fmtp, |name, value| match (name, value) {
        ("profile-level-id", Some(_)) => Read::Taken,
        ("packetization-mode", Some("0" | "1")) | ("level-asymmetry-allowed", Some("0" | "1")) => Read::Taken,
        ("packetization-mode" | "level-asymmetry-allowed", _) => {
            Read::Differs("0".into(), ChangeKind::Invalid, "not one of its values, so the default holds")
        }
        ("max-fs", _) => bounded(value, extends(name, level.size), level.size),
        ("max-mbps", _) => bounded(value, extends(name, level.rate), level.rate),
        ("max-br", _) => bounded(value, extends(name, level.bitrate), level.bitrate),
        (name, _) if UNREAD.contains(&name) || name.starts_with("sprop-") || name.starts_with("sar-") => {
            Read::Differs("ignored".into(), ChangeKind::Ignored, "valid, but libwebrtc's sender does not read it")
        }
        _ => Read::Unknown,
    });
    let mut basis = basis(NAME, request, clip, &caps(fmtp, clip, profile, level), changes)?;
    if basis.layers == 3 && basis.mode == Mode::Screen {
        basis.layers = 2;
        let reason = "of a screen openh264 codes two layers at most: each picture of it has one reference";
        basis.changes.push(change("layers=3".into(), "2", ChangeKind::Clamped, reason));
    }
    let complexity = basis.complexity(request, 0) * 3 / 11;
    let mode = basis.mode;
    Ok(basis.with(H264Parameters { mode, profile, level, slice_bytes, complexity }))
}

/// Parameters of RFC 6184, section 8.1, besides `sprop-...` and `sar-...`, that no sender here reads.
const UNREAD: [&str; 8] = [
    "max-smbps",
    "max-cpb",
    "max-dpb",
    "redundant-pic-cap",
    "deint-buf-cap",
    "max-rcmd-nalu-size",
    "use-level-src-parameter-sets",
    "in-band-parameter-sets",
];

/// Three bytes in hexadecimal: profile, constraints, level. Absent, libwebrtc takes Constrained Baseline, level 3.1.
fn profile_and_level(text: Option<&str>) -> Result<(&'static Profile, &'static Level)> {
    let text = text.unwrap_or("42e01f");
    let wrong = |what: String| Error::usage(format!("H264: profile-level-id={text}: {what}; 42e01f would be right"));
    let bytes = u32::from_str_radix(text, 16).ok().filter(|_| text.len() == 6 && !text.starts_with('+'));
    let [_, idc, constraints, level_idc] =
        bytes.ok_or_else(|| wrong("not three bytes in hexadecimal".into()))?.to_be_bytes();
    // libwebrtc's patterns of the constraint flags.
    let fits = |mask: u8, value: u8| constraints & mask == value;
    let name = match idc {
        0x42 if fits(0x4f, 0x40) => "constrained baseline",
        0x4d if fits(0x8f, 0x80) => "constrained baseline",
        0x58 if fits(0xcf, 0xc0) => "constrained baseline",
        0x42 if fits(0x4f, 0x00) => "baseline",
        0x58 if fits(0xcf, 0x80) => "baseline",
        0x4d if fits(0xaf, 0x00) => "main",
        0x64 if constraints == 0 => "high",
        0x64 if constraints == 0x0c => "constrained high",
        0xf4 if constraints == 0 => return Err(wrong("the encoder does not make High 4:4:4 Predictive".into())),
        _ => return Err(wrong("a profile that WebRTC does not know".into())),
    };
    let high = idc == 0x64;
    let idc = if level_idc == 11 && constraints >> 4 & 1 == 1 && !high { 9 } else { level_idc };
    // Level 1b has an idc of its own only in High profiles.
    let found = LEVELS.iter().find(|level| level.idc == idc && (level_idc != 9 || high));
    let level = found.ok_or_else(|| wrong(format!("{level_idc:02x} is no level of Table A-1")))?;
    PROFILES.iter().find(|profile| profile.name == name).zip(Some(level)).ok_or_else(|| wrong(name.into()))
}

fn bounded(value: Option<&str>, extends: bool, own: u64) -> Read {
    match fmtp::counted(value) {
        Read::Taken if !extends => {
            let reason = "less than the level's own bound, which holds (RFC 6184, section 8.1)";
            Read::Differs(own.to_string(), ChangeKind::Clamped, reason)
        }
        read => read,
    }
}

/// What the level bounds, or the parameter that extends it; and what the encoder can do.
fn caps(fmtp: &Fmtp, clip: &PictureFormat, profile: &Profile, level: &Level) -> Vec<Cap> {
    let by_level = || match fmtp.get("profile-level-id") {
        Some(value) => format!("profile-level-id={value}"),
        None => "no profile-level-id: level 3.1".to_owned(),
    };
    let bound = |name: &str, own: u64| match fmtp::count(fmtp, name).map(u64::from) {
        Some(value) if value > own => (value, format!("{name}={value}")),
        _ => (own, by_level()),
    };
    let (size, by_size) = bound("max-fs", level.size);
    let (rate, by_rate) = bound("max-mbps", level.rate);
    let (bitrate, by_bitrate) = bound("max-br", level.bitrate);
    let bits = if profile.idc == 100 { 1250 } else { 1000 };
    let side = u32::try_from((size * 8).isqrt() * 16).unwrap_or(u32::MAX);
    let cap = |requested: String, bound, reason| Cap { requested, bound, reason };
    vec![
        cap(by_size.clone(), Bound::Macroblocks(size), "the receiver's most macroblocks per picture (Table A-1)"),
        cap(by_size, Bound::Side(side), "each side has at most sqrt(8 MaxFS) macroblocks (section A.3.1)"),
        cap(by_rate, Bound::MacroblockRate(rate), "the receiver's most macroblocks per second (Table A-1)"),
        cap(format!("{} fps", clip.rate), Bound::Rate(60), "openh264 codes at most 60 pictures per second"),
        cap(
            by_bitrate,
            Bound::Bitrate(u32::try_from(bitrate * bits).unwrap_or(u32::MAX)),
            "the receiver's highest bitrate (Table A-1)",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::FrameRate;
    use crate::units::Bitrate;

    fn of(line: &str, width: u32, height: u32, rate: u32, bitrate: Option<u32>) -> Result<Settings<Picture>> {
        let request = Request { fmtp: line.parse()?, bitrate: bitrate.map(Bitrate), ..Request::default() };
        configure(&request, &PictureFormat { width, height, rate: FrameRate::new(rate, 1) })
    }

    /// As reports show it.
    fn shown<const N: usize>(settings: &Settings<Picture>, names: [&str; N]) -> [String; N] {
        let shown = settings.shown();
        names.map(|name| shown.iter().find(|(shown, _)| *shown == name).unwrap().1.clone())
    }

    #[test]
    fn profiles_are_told_by_libwebrtcs_patterns() {
        for (id, profile, level, entropy) in [
            ("42e01f", "constrained baseline", "3.1", "CAVLC"),
            ("42C00D", "constrained baseline", "1.3", "CAVLC"),
            ("42f00b", "constrained baseline", "1b", "CAVLC"),
            ("42001f", "baseline", "3.1", "CAVLC"),
            ("4d0032", "main", "5", "CABAC"),
            ("4d8028", "constrained baseline", "4", "CAVLC"),
            ("640c1f", "constrained high", "3.1", "CABAC"),
            ("640009", "high", "1b", "CABAC"),
        ] {
            let settings = of(&format!("profile-level-id={id}"), 176, 144, 15, None).unwrap();
            assert_eq!(shown(&settings, ["profile", "level", "entropy"]), [profile, level, entropy], "{id}");
        }
        let settings = of("", 640, 360, 30, None).unwrap();
        assert_eq!(shown(&settings, ["profile", "level"]), ["constrained baseline", "3.1"]);
        assert!(settings.changes.is_empty());
    }

    #[test]
    fn what_webrtc_or_the_encoder_has_not_is_refused_by_name() {
        for (line, right) in [
            ("profile-level-id=f4001f", "High 4:4:4 Predictive"),
            ("profile-level-id=64001", "three bytes"),
            ("profile-level-id=+4001f", "three bytes"),
            ("profile-level-id=6e001f", "a profile that WebRTC does not know"),
            ("profile-level-id=640d1f", "a profile that WebRTC does not know"),
            ("profile-level-id=42e00e", "0e is no level"),
            ("profile-level-id=42e009", "09 is no level"),
            ("packetization-mode=2", "interleaved"),
        ] {
            let error = of(line, 640, 360, 30, None).unwrap_err();
            assert!(error.to_string().contains(right) && error.exit_code() == 2, "{error}");
        }
    }

    #[test]
    fn levels_bound_size_rate_and_bitrate_and_may_be_extended() {
        // Level 1.2: 396 macroblocks, 6000 per second, 384 kbit/s.
        let id = "profile-level-id=42e00c";
        let settings = of(id, 640, 360, 30, Some(900_000)).unwrap();
        assert_eq!((settings.format.width, settings.format.height), (320, 180));
        assert_eq!((settings.format.rate, settings.bitrate), (FrameRate::new(25, 1), Some(Bitrate(384_000))));
        let kinds: Vec<_> = settings.changes.iter().map(|c| (c.requested.as_str(), c.effective.as_str())).collect();
        assert_eq!(kinds, [(id, "320x180"), (id, "25 fps"), ("bitrate=900000", "384000")]);

        let extended = of(&format!("{id};max-fs=920;max-mbps=27600;max-br=1000"), 640, 360, 30, Some(900_000)).unwrap();
        assert_eq!((extended.format.width, extended.format.rate), (640, FrameRate::new(30, 1)));
        assert_eq!((extended.bitrate, extended.changes.len()), (Some(Bitrate(900_000)), 0));
        // High profiles count 1250 bit/s.
        let high = of("profile-level-id=64000c", 320, 180, 20, Some(900_000)).unwrap();
        assert_eq!(high.bitrate, Some(Bitrate(480_000)));
        // A parameter below the level's own bound does not narrow it.
        let less = of("profile-level-id=42e01f;max-fs=99", 640, 360, 30, None).unwrap();
        assert_eq!((less.format.width, less.changes[0].effective.as_str()), (640, "3600"));
        let fast = of("profile-level-id=42e034", 640, 360, 120, None).unwrap();
        assert_eq!((fast.format.rate, fast.changes.len()), (FrameRate::new(60, 1), 1));
        let request = Request { layers: Some(3), mode: Some("screen".into()), ..Request::default() };
        let screen = configure(&request, &fast.format).unwrap();
        assert_eq!((screen.layers, screen.changes[0].kind), (Some(2), ChangeKind::Clamped));
    }

    #[test]
    fn each_difference_has_its_kind() {
        let line = "packetization-mode=9;level-asymmetry-allowed=1;max-dpb=4;sprop-parameter-sets=x;foo=1;max-br=x;\
                    x-google-max-bitrate=9";
        let settings = of(line, 640, 360, 30, None).unwrap();
        let kinds: Vec<_> = settings.changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        use ChangeKind::{Ignored, Invalid, Unknown};
        assert_eq!(
            kinds,
            [
                ("packetization-mode=9", Invalid),
                ("max-dpb=4", Ignored),
                ("sprop-parameter-sets=x", Ignored),
                ("foo=1", Unknown),
                ("max-br=x", Invalid),
                ("x-google-max-bitrate=9", Ignored),
            ]
        );
        assert_eq!(shown(&settings, ["packetization_mode", "slice_bytes"]), ["0", "1180"]);
        let whole = of("packetization-mode=1", 640, 360, 30, None).unwrap();
        assert_eq!(shown(&whole, ["packetization_mode", "slice_bytes"]), ["1", "0"]);
    }
}
