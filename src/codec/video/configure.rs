//! What all video codecs are configured by alike: the size, rate and bitrate that a receiver's caps leave of a clip, the bitrate when
//! none is asked for, and what becomes of wishes that only audio has.
//!
//! A receiver's fmtp line sets upper bounds ([`Cap`]). A picture too large is scaled as libwebrtc scales it: by 3/4, 1/2,
//! 3/8, 1/4 and so on, the aspect ratio kept, down to even sizes. A rate too high becomes the highest whole one.

use super::caps::{Bound, Cap, allowed, fit};
use super::fmtp::change;
use super::range::LEAST_BITRATE;
use crate::codec::about::Delay;
use crate::codec::api::{Change, ChangeKind, Parameters, Request, Settings};
use crate::error::{Error, Result, unknown};
use crate::media::{Picture, PictureFormat};
use crate::units::{Bitrate, ms};

/// Most temporal layers.
const LAYERS: u8 = 3;

/// What the pictures are of; a request's `mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Camera,
    Screen,
}

impl Mode {
    pub const fn name(self) -> &'static str {
        match self {
            Mode::Camera => "camera",
            Mode::Screen => "screen",
        }
    }
}

/// What of a request all video codecs treat alike. [`Basis::with`] the codec's own parameters it is the settings.
pub(super) struct Basis {
    pub format: PictureFormat,
    /// In bit/s.
    pub bitrate: u32,
    /// See [`Settings::ceiling`].
    pub ceiling: Option<Bitrate>,
    /// Temporal layers, 1 to 3.
    pub layers: u8,
    pub mode: Mode,
    pub changes: Vec<Change>,
}

impl Basis {
    pub fn with(self, parameters: impl Parameters<Picture> + 'static) -> Settings<Picture> {
        let Basis { format, bitrate, ceiling, layers, mode: _, changes } = self;
        let settings = Settings::new(format, format.rate.at(1), parameters);
        Settings { bitrate: Some(Bitrate(bitrate)), ceiling, layers: Some(layers), changes, ..settings }
    }

    /// For libraries that take no finer bitrates.
    pub fn whole_kilobits(&mut self, reason: &str) {
        let asked = self.bitrate;
        self.bitrate = asked / 1000 * 1000;
        if self.bitrate != asked {
            let taken = self.bitrate.to_string();
            self.changes.push(change(format!("bitrate={asked}"), taken, ChangeKind::Rounded, reason));
        }
    }

    /// The encoder's effort, 0 to 10; `default` when none is asked for.
    pub fn complexity(&mut self, request: &Request, default: u8) -> u8 {
        let asked = request.complexity.unwrap_or(default);
        if asked > 10 {
            let reason = "complexities are 0 to 10";
            self.changes.push(change(format!("complexity={asked}"), "10", ChangeKind::Clamped, reason));
        }
        asked.min(10)
    }
}

/// The format that `caps` leave of `clip`, the bitrate, layers and mode. `codec`: as errors name it. `changes`: those that
/// the codec found in its fmtp line ([`super::fmtp::parameters`]), which come first.
///
/// # Errors
/// [`Error::Usage`]: the request's own mode or layers are none, or no picture is small enough for the caps.
pub(super) fn basis(
    codec: &'static str,
    request: &Request,
    clip: &PictureFormat,
    caps: &[Cap],
    mut changes: Vec<Change>,
) -> Result<Basis> {
    let mode = match request.mode.as_deref() {
        None | Some("camera") => Mode::Camera,
        Some("screen") => Mode::Screen,
        Some(asked) => {
            let known = [Mode::Camera, Mode::Screen].map(Mode::name);
            return Err(unknown(&format!("{codec} mode"), asked, &known));
        }
    };
    let layers = request.layers.unwrap_or(1);
    if !(1..=LAYERS).contains(&layers) {
        return Err(Error::usage(format!("{codec}: temporal layers must be 1 to {LAYERS}, not {layers}")));
    }
    let format = fit(codec, clip, caps, &mut changes)?;
    let bitrate = bitrate(request.bitrate, &format, caps, &mut changes);
    changes.extend(of_audio(request));
    // A bitrate that was asked for is the most that is sent, as libwebrtc's maximum of an encoding.
    let ceiling = || request.bitrate.map_or_else(|| allowed(most_bitrate(&format), caps), |_| bitrate);
    let ceiling = request.repair.gcc.then(|| Bitrate(ceiling()));
    Ok(Basis { format, bitrate, ceiling, layers, mode, changes })
}

/// The bitrate in bit/s that the encoder takes when congestion control sets `target`; `ceiling`: [`Settings::ceiling`].
pub(super) fn adapted(ceiling: Option<Bitrate>, target: Bitrate) -> u32 {
    target.min(ceiling.unwrap_or(target)).0.max(LEAST_BITRATE)
}

/// Of all video codecs, since all run in real-time mode.
pub(super) fn no_look_ahead() -> Delay {
    Delay { source: "real-time mode: no look-ahead", ..Delay::default() }
}

/// In bit/s.
fn bitrate(asked: Option<Bitrate>, format: &PictureFormat, caps: &[Cap], changes: &mut Vec<Change>) -> u32 {
    let Some(Bitrate(asked)) = asked else { return allowed(default_bitrate(format), caps) };
    let capped = allowed(asked, caps);
    let request = || format!("bitrate={asked}");
    if let Some(cap) =
        caps.iter().find(|cap| matches!(cap.bound, Bound::Bitrate(most) if most == capped && most < asked))
    {
        let reason = format!("{}: {}", cap.requested, cap.reason);
        changes.push(change(request(), capped.to_string(), ChangeKind::Clamped, reason));
    }
    if asked < LEAST_BITRATE {
        let reason = "libwebrtc sends no video below 30 kbit/s";
        changes.push(change(request(), LEAST_BITRATE.to_string(), ChangeKind::Clamped, reason));
    }
    capped.max(LEAST_BITRATE)
}

/// When none is asked for, in bit/s: our choice, near what calls of that size run at. libwebrtc has no such number: it
/// starts at 300 kbit/s and lets its bandwidth estimate go on from there.
fn default_bitrate(format: &PictureFormat) -> u32 {
    match format.luma() {
        ..=76_800 => 200_000,
        76_801..=230_400 => 500_000,
        230_401..=307_200 => 700_000,
        307_201..=518_400 => 1_000_000,
        518_401..=921_600 => 1_500_000,
        _ => 2_500_000,
    }
}

/// The most that libwebrtc sends of that size unless told otherwise, in bit/s.
fn most_bitrate(format: &PictureFormat) -> u32 {
    match format.luma() {
        ..=76_800 => 600_000,
        76_801..=307_200 => 1_700_000,
        307_201..=518_400 => 2_000_000,
        _ => 2_500_000,
    }
}

/// Wishes that no video codec has a place for.
fn of_audio(request: &Request) -> impl Iterator<Item = Change> {
    let repair = request.repair;
    let wishes = [
        request.ptime.map(|ptime| (format!("ptime={}", ms(ptime)), "a picture lasts as long as the frame rate says")),
        (repair.red > 0).then(|| (format!("red:{}", repair.red), "redundant audio (RFC 2198) only")),
        (!repair.dred.is_zero())
            .then(|| (format!("dred:{}ms", repair.dred.as_millis()), "only Opus carries deep redundancy")),
        repair.deep_plc.then(|| ("deep-plc".to_owned(), "only Opus has neural concealment")),
    ];
    let ignored = |(requested, reason)| change(requested, "ignored", ChangeKind::Ignored, reason);
    wishes.into_iter().flatten().map(ignored)
}

#[cfg(test)]
mod tests {
    use super::super::caps::{macroblocks, max_fr_and_fs};
    use super::super::fmtp::{Read, counted, parameters};
    use super::*;
    use crate::media::FrameRate;
    use crate::sdp::fmtp::Fmtp;
    use proptest::prelude::*;
    use std::time::Duration;

    fn clip(width: u32, height: u32, rate: u32) -> PictureFormat {
        PictureFormat { width, height, rate: FrameRate::new(rate, 1) }
    }

    fn of(line: &str, request: Request, clip: &PictureFormat) -> Result<Basis> {
        let fmtp: Fmtp = line.parse()?;
        let changes = parameters(&fmtp, |name, value| match name {
            "max-fr" | "max-fs" => counted(value),
            _ => Read::Unknown,
        });
        basis("VP8", &request, clip, &max_fr_and_fs(&fmtp), changes)
    }

    #[test]
    fn without_caps_the_clip_is_taken_as_it_is() {
        let basis = of("", Request::default(), &clip(640, 360, 30)).unwrap();
        assert_eq!((basis.format, basis.bitrate), (clip(640, 360, 30), 500_000));
        assert_eq!((basis.layers, basis.mode, basis.ceiling), (1, Mode::Camera, None));
        assert!(basis.changes.is_empty());
    }

    #[test]
    fn caps_scale_by_steps_of_libwebrtc_and_keep_sizes_even() {
        for (line, from, to) in [
            ("max-fs=3600", (1280, 720), (1280, 720)),
            ("max-fs=3599", (1280, 720), (960, 540)),
            ("max-fs=920", (1280, 720), (640, 360)),
            // 640x360 has 40 x 23 macroblocks, the last row half empty: 920.
            ("max-fs=919", (640, 360), (480, 270)),
            ("max-fs=300", (640, 360), (320, 180)),
            ("max-fs=200", (640, 360), (240, 134)),
            // Few macroblocks but long: sqrt(8 * 99) = 28 macroblocks a side, 448 samples.
            ("max-fs=99", (640, 32), (320, 16)),
        ] {
            let basis = of(line, Request::default(), &clip(from.0, from.1, 30)).unwrap();
            assert_eq!((basis.format.width, basis.format.height), to, "{line}");
            let clamped = basis.changes.iter().filter(|c| c.kind == ChangeKind::Clamped && c.requested == line);
            assert_eq!(clamped.count(), usize::from(from != to), "{line}");
        }
        let error = of("max-fs=1", Request::default(), &clip(640, 360, 30)).err().unwrap();
        assert!(error.to_string().contains("max-fs=1 leaves no size for 640x360"), "{error}");
    }

    #[test]
    fn rates_are_capped_and_not_raised() {
        for (rate, cap, kept) in [
            (FrameRate::new(30, 1), 30, FrameRate::new(30, 1)),
            (FrameRate::new(30, 1), 60, FrameRate::new(30, 1)),
            (FrameRate::new(30, 1), 15, FrameRate::new(15, 1)),
            (FrameRate::new(30_000, 1001), 29, FrameRate::new(29, 1)),
            (FrameRate::new(30_000, 1001), 30, FrameRate::new(30_000, 1001)),
        ] {
            let from = PictureFormat { rate, ..clip(320, 180, 1) };
            let basis = of(&format!("max-fr={cap}"), Request::default(), &from).unwrap();
            assert_eq!(basis.format.rate, kept);
        }
    }

    #[test]
    fn macroblock_rate_and_bitrate_caps_hold_as_a_level_of_h264_states_them() {
        let cap = |bound| Cap { requested: "profile-level-id=42e01f".into(), bound, reason: "level 3.1" };
        let caps = [Bound::Macroblocks(3600), Bound::MacroblockRate(108_000), Bound::Bitrate(14_000_000)].map(cap);
        let request = Request { bitrate: Some(Bitrate(20_000_000)), ..Request::default() };
        let basis = basis("VP8", &request, &clip(1280, 720, 60), &caps, Vec::new()).unwrap();
        assert_eq!((basis.format, basis.bitrate), (clip(1280, 720, 30), 14_000_000));
        let seen: Vec<&str> = basis.changes.iter().map(|c| c.effective.as_str()).collect();
        assert_eq!(seen, ["30 fps", "14000000"]);
    }

    #[test]
    fn congestion_control_stays_between_the_least_and_the_asked_or_usual_most() {
        let with = |asked: Option<u32>| {
            let repair = "gcc".parse().unwrap();
            of("", Request { bitrate: asked.map(Bitrate), repair, ..Request::default() }, &clip(640, 360, 30)).unwrap()
        };
        for (asked, target, taken) in [
            (Some(800_000), 900_000, 800_000),
            (Some(800_000), 1000, 30_000),
            (None, 9_000_000, 1_700_000),
            (None, 654_321, 654_321),
        ] {
            assert_eq!(adapted(with(asked).ceiling, Bitrate(target)), taken);
        }
        let low = of("", Request { bitrate: Some(Bitrate(5)), ..Request::default() }, &clip(640, 360, 30)).unwrap();
        assert_eq!((low.bitrate, low.changes[0].kind), (30_000, ChangeKind::Clamped));
    }

    #[test]
    fn every_difference_has_its_kind_in_the_order_of_the_line_and_wishes_of_audio_come_last() {
        let repair = "nack red:1 deep-plc".parse().unwrap();
        let request = Request { ptime: Some(Duration::from_millis(20)), repair, ..Request::default() };
        let line = "x-google-max-bitrate=900;max-fr=0;foo;max-fs=+9;max-fr2=3";
        let basis = of(line, request, &clip(640, 360, 30)).unwrap();
        let seen: Vec<_> = basis.changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        use ChangeKind::{Ignored, Invalid, Unknown};
        assert_eq!(
            seen,
            [
                ("x-google-max-bitrate=900", Ignored),
                ("max-fr=0", Invalid),
                ("foo", Unknown),
                ("max-fs=+9", Invalid),
                ("max-fr2=3", Unknown),
                ("ptime=20", Ignored),
                ("red:1", Ignored),
                ("deep-plc", Ignored),
            ]
        );
    }

    #[test]
    fn modes_and_layers_that_are_none_are_refused() {
        for (request, right) in [
            (Request { mode: Some("scren".into()), ..Request::default() }, "did you mean 'screen'"),
            (Request { layers: Some(4), ..Request::default() }, "1 to 3, not 4"),
            (Request { layers: Some(0), ..Request::default() }, "1 to 3, not 0"),
        ] {
            let error = of("", request, &clip(640, 360, 30)).err().unwrap();
            assert!(error.to_string().contains(right), "{error}");
            assert_eq!(error.exit_code(), 2);
        }
        let mut basis = of("", Request::default(), &clip(640, 360, 30)).unwrap();
        let request = Request { complexity: Some(11), ..Request::default() };
        assert_eq!((basis.complexity(&request, 5), basis.changes.len()), (10, 1));
        assert_eq!((basis.complexity(&Request::default(), 5), basis.changes.len()), (5, 1));
    }

    proptest! {
        #[test]
        fn what_is_left_is_even_no_larger_and_within_the_caps(
            width in 8u32..1000, height in 8u32..1000, rate in 1u32..240, fs in 1u32..9000, fr in 1u32..240,
        ) {
            let from = clip(width * 2, height * 2, rate);
            if let Ok(basis) = of(&format!("max-fs={fs};max-fr={fr}"), Request::default(), &from) {
                let to = basis.format;
                prop_assert!(to.width.is_multiple_of(2) && to.height.is_multiple_of(2));
                prop_assert!(to.width <= from.width && to.height <= from.height);
                prop_assert!(macroblocks(&to) <= u64::from(fs) && to.rate.per_second() <= f64::from(fr.min(rate)));
                let (was, is) = (f64::from(from.width) / f64::from(from.height), f64::from(to.width) / f64::from(to.height));
                prop_assert!((is / was - 1.0).abs() < 0.15, "{from} became {to}");
            }
        }
    }
}
