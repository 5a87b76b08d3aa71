//! From an fmtp line to Opus encoder settings, as libwebrtc maps the parameters of RFC 7587, section 6.1. Where it differs
//! from the RFC, libwebrtc is followed and the change says so.
//!
//! Outside libwebrtc: a request with a `mode` may also have frames of 2.5 and 5 ms, and more modes are reachable, to
//! which no fmtp line leads: "lowdelay" and "celt" (CELT only, 2.5 ms look-ahead; the latter cannot be switched over), and
//! "silk" (SILK only, frames of 10 ms and more, at most wideband).

use super::packet::Bandwidth;
use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Change, ChangeKind, Decoder, Encoder, Request, Settings};
use crate::error::{Error, Result, unknown};
use crate::media::{Pcm, PcmFormat};
use crate::sdp::repair::Repair;
use crate::units::{Bitrate, from_ms, ms};
use std::time::Duration;

/// The range of `maxaveragebitrate` (RFC 7587, section 6.1), in bit/s.
pub(super) const BITRATE: (i32, i32) = (6000, 510_000);
/// Complexity is 9 where nothing is asked. Without a `mode` it is "voip", or "audio" in stereo.
pub(super) const RANGE: Range = Range {
    sample_rates: &[48_000],
    bitrates: Bitrates::Span(BITRATE.0 as u32, BITRATE.1 as u32),
    packets_ms: &[2.5, 5.0, 10.0, 20.0, 40.0, 60.0, 120.0],
    fmtp: &[
        "maxplaybackrate",
        "sprop-maxcapturerate",
        "maxaveragebitrate",
        "stereo",
        "sprop-stereo",
        "cbr",
        "useinbandfec",
        "usedtx",
        "ptime",
        "minptime",
        "maxptime",
    ],
    modes: &["voip", "audio", "lowdelay", "silk", "celt"],
    complexity: Some(10),
};
/// What libwebrtc's encoder takes as packet lengths, in ms.
const PTIMES: [f64; 5] = [10.0, 20.0, 40.0, 60.0, 120.0];

/// One version of libopus.
#[derive(Debug)]
pub(super) struct Library {
    /// Names of the [`Application`]s that it has.
    pub modes: &'static [&'static str],
    pub encoder: Make<dyn Encoder<Pcm>>,
    pub decoder: Make<dyn Decoder<Pcm>>,
}

type Make<T> = fn(&OpusParameters, &Settings<Pcm>) -> Result<Box<T>>;

/// What is set beside format, frame and bitrate.
#[derive(Debug)]
pub(super) struct OpusParameters {
    pub library: &'static Library,
    pub application: Application,
    pub max_bandwidth: Bandwidth,
    /// 0 to 10.
    pub complexity: u8,
    pub cbr: bool,
    pub inband_fec: bool,
    pub dtx: bool,
    /// How far back deep redundancy is to reach; zero: none is sent or used.
    pub dred: Duration,
    /// The decoder's concealment is neural.
    pub deep_plc: bool,
}

/// What libopus calls so: which of its modes the encoder may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Application {
    Voip,
    Audio,
    LowDelay,
    Silk,
    Celt,
}

impl Application {
    pub const ALL: [Application; 5] =
        [Application::Voip, Application::Audio, Application::LowDelay, Application::Silk, Application::Celt];

    /// As a request's `mode` has it.
    pub const fn name(self) -> &'static str {
        match self {
            Application::Voip => "voip",
            Application::Audio => "audio",
            Application::LowDelay => "lowdelay",
            Application::Silk => "silk",
            Application::Celt => "celt",
        }
    }
}

/// The effective settings: 48 kHz, one or two channels by `stereo`.
///
/// # Errors
/// [`Error::Usage`]: the request's own mode or ptime is none. What the fmtp line holds is never an error.
pub(super) fn configure(library: &'static Library, request: &Request) -> Result<Settings<Pcm>> {
    if request.ptime.is_some_and(|ptime| ptime.is_zero()) {
        return Err(Error::usage("opus: ptime must be above 0 ms"));
    }
    let fmtp = &request.fmtp;
    let flag = |name| fmtp.get(name) == Some("1");
    let channels = if flag("stereo") { 2 } else { 1 };
    let application = match request.mode.as_deref() {
        None => [Application::Voip, Application::Audio][channels - 1],
        Some(mode) => {
            let known = |application: &Application| application.name() == mode && library.modes.contains(&mode);
            let found = Application::ALL.into_iter().find(known);
            found.ok_or_else(|| unknown("opus mode", mode, library.modes))?
        }
    };
    let playback_rate =
        fmtp.get("maxplaybackrate").and_then(number).filter(|v| *v >= 8000).map_or(48_000, |v| v.min(48_000));
    let default_bitrate = channels as i32
        * if playback_rate <= 8000 {
            12_000
        } else if playback_rate <= 16_000 {
            20_000
        } else {
            32_000
        };
    let cap = fmtp.get("maxaveragebitrate").and_then(number).map(|v| v.clamp(BITRATE.0, BITRATE.1));

    let mut changes: Vec<Change> =
        fmtp.iter().filter_map(|(name, value)| parameter_change(request, name, value, default_bitrate)).collect();
    let asked_ptime = request.ptime.map(ms).or_else(|| fmtp.get("ptime").and_then(number).map(f64::from));
    let frame_ms = asked_ptime.map_or(20.0, |asked| {
        let (frame_ms, change) =
            packet_time(asked, request.mode.is_some() && request.ptime.is_some() && application != Application::Silk);
        changes.extend(change);
        frame_ms
    });
    let bitrate = match request.bitrate {
        None => cap.unwrap_or(default_bitrate),
        Some(Bitrate(asked)) => {
            let target = i32::try_from(asked).unwrap_or(i32::MAX).clamp(BITRATE.0, BITRATE.1);
            let capped = cap.map_or(target, |cap| target.min(cap));
            if i64::from(capped) != i64::from(asked) {
                let reason = if capped < target {
                    "maxaveragebitrate is the upper bound"
                } else {
                    "Opus codes at 6000 to 510000 bit/s"
                };
                changes.push(change(format!("bitrate={asked}"), capped, ChangeKind::Clamped, reason));
            }
            capped
        }
    };
    let complexity = request.complexity.unwrap_or(9);
    if complexity > 10 {
        changes.push(change(
            format!("complexity={complexity}"),
            10,
            ChangeKind::Clamped,
            "libopus has complexities 0 to 10",
        ));
    }
    let Repair { dred, deep_plc, gcc, .. } = request.repair;
    let parameters = OpusParameters {
        library,
        application,
        max_bandwidth: max_bandwidth(if application == Application::Silk {
            playback_rate.min(16_000)
        } else {
            playback_rate
        }),
        complexity: complexity.min(10),
        cbr: flag("cbr"),
        inband_fec: flag("useinbandfec"),
        dtx: flag("usedtx"),
        dred,
        deep_plc,
    };
    let format = PcmFormat { sample_rate: 48_000, channels: channels as u8 };
    // A bitrate that was asked for is the most that is sent, as libwebrtc's maximum of an encoding.
    let ceiling = request.bitrate.map_or(cap.unwrap_or(BITRATE.1), |_| bitrate);
    Ok(Settings {
        bitrate: Some(Bitrate(bitrate as u32)),
        ceiling: gcc.then_some(Bitrate(ceiling as u32)),
        changes,
        ..Settings::new(format, from_ms(frame_ms), parameters)
    })
}

/// What becomes of one parameter of the line, if it is not taken as it stands. `ptime`'s rounding is not decided here.
fn parameter_change(request: &Request, name: &str, value: Option<&str>, default_bitrate: i32) -> Option<Change> {
    use ChangeKind::{Clamped, Ignored, Invalid, Unknown};
    let requested = value.map_or_else(|| name.to_owned(), |v| format!("{name}={v}"));
    let read = value.and_then(number);
    let (effective, kind, reason) = match (name, read) {
        ("stereo" | "cbr" | "useinbandfec" | "usedtx", _) => match value {
            Some("0" | "1") => return None,
            _ => ("0".into(), Invalid, "neither 0 nor 1, so the default holds"),
        },
        ("maxplaybackrate", Some(8000..=48_000)) => return None,
        ("maxplaybackrate", Some(48_001..)) => ("48000".into(), Clamped, "8000 to 48000 Hz (RFC 7587, section 6.1)"),
        ("maxplaybackrate", Some(_)) => {
            ("48000".into(), Invalid, "below 8000 Hz, which libwebrtc does not read; the default holds")
        }
        ("maxplaybackrate", None) => ("48000".into(), Invalid, "not a whole number, so the default holds"),
        ("maxaveragebitrate", Some(v)) => match v.clamp(BITRATE.0, BITRATE.1) {
            within if within == v => return None,
            clamped => (
                clamped.to_string(),
                Clamped,
                "6000 to 510000 bit/s; libwebrtc clamps what RFC 7587, section 6.1, says to ignore",
            ),
        },
        ("maxaveragebitrate", None) => (
            default_bitrate.to_string(),
            Invalid,
            "not a whole number; libwebrtc's default for maxplaybackrate and channels holds",
        ),
        ("ptime", _) if request.ptime.is_some() => ("ignored".into(), Ignored, "the setting has its own ptime"),
        ("ptime", Some(_)) => return None,
        ("ptime", None) => ("20".into(), Invalid, "not a whole number of milliseconds, so the default holds"),
        ("minptime" | "maxptime", _) => {
            ("ignored".into(), Ignored, "bounds only libwebrtc's audio network adaptor, which is off by default")
        }
        ("sprop-maxcapturerate" | "sprop-stereo", _) => {
            ("ignored".into(), Ignored, "says what its own side sends; no encoder reads it (RFC 7587, section 6.1)")
        }
        _ => ("ignored".into(), Unknown, "RFC 7587, section 6.1, defines no such parameter"),
    };
    Some(Change { requested, effective, kind, reason: reason.into() })
}

/// The next packet length up, the longest beyond that; `short`: 2.5 and 5 ms are among them.
fn packet_time(asked: f64, short: bool) -> (f64, Option<Change>) {
    let lengths = if short { [&[2.5, 5.0], &PTIMES[..]].concat() } else { PTIMES.to_vec() };
    let taken = lengths.iter().copied().find(|length| *length >= asked).unwrap_or(PTIMES[PTIMES.len() - 1]);
    let (kind, reason) = if asked > 120.0 || asked <= 0.0 {
        (ChangeKind::Clamped, "packets of 10 to 120 ms")
    } else {
        (ChangeKind::Rounded, "libwebrtc takes the next of 10, 20, 40, 60, 120 ms")
    };
    (taken, (taken != asked).then(|| change(format!("ptime={asked}"), taken, kind, reason)))
}

/// libwebrtc's mapping of `maxplaybackrate` to the encoder's highest bandwidth.
fn max_bandwidth(playback_rate: i32) -> Bandwidth {
    match playback_rate {
        ..=8000 => Bandwidth::Narrow,
        8001..=12_000 => Bandwidth::Medium,
        12_001..=16_000 => Bandwidth::Wide,
        16_001..=24_000 => Bandwidth::SuperWide,
        _ => Bandwidth::Full,
    }
}

/// A decimal number as libwebrtc reads it: digits, perhaps a minus, nothing else.
fn number(text: &str) -> Option<i32> {
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

fn change(requested: String, effective: impl ToString, kind: ChangeKind, reason: &str) -> Change {
    Change { requested, effective: effective.to_string(), kind, reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::codec::audio::opus::OPUS;

    fn of(request: Request) -> Settings<Pcm> {
        (OPUS.configure)(&request, &PcmFormat::mono(16_000)).unwrap()
    }

    /// As reports show it.
    fn shown(settings: &Settings<Pcm>, name: &str) -> String {
        settings.shown().into_iter().find(|(shown, _)| *shown == name).unwrap().1
    }

    fn line(fmtp: &str) -> Settings<Pcm> {
        of(Request { fmtp: fmtp.parse().unwrap(), ..Request::default() })
    }

    #[test]
    fn defaults_are_those_of_libwebrtc() {
        let settings = line("");
        assert_eq!(settings.format, PcmFormat::mono(48_000));
        assert_eq!((settings.frame, settings.bitrate), (Duration::from_millis(20), Some(Bitrate(32_000))));
        let expected = [
            ("application", "voip"),
            ("bitrate", "32000 bit/s"),
            ("cbr", "off"),
            ("complexity", "9"),
            ("dtx", "off"),
            ("inband_fec", "off"),
            ("max_bandwidth", "fullband"),
        ];
        let mut shown = settings.shown();
        shown.sort_unstable();
        assert_eq!(shown, expected.map(|(name, value)| (name, value.to_owned())));
        assert!(settings.changes.is_empty());
    }

    #[test]
    fn bitrate_follows_playback_rate_channels_and_cap() {
        for (fmtp, bitrate) in [
            ("maxplaybackrate=8000", 12_000),
            ("maxplaybackrate=8001", 20_000),
            ("maxplaybackrate=16000", 20_000),
            ("maxplaybackrate=16000;stereo=1", 40_000),
            ("stereo=1", 64_000),
            ("maxaveragebitrate=20000;stereo=1", 20_000),
            ("maxaveragebitrate=999999", 510_000),
            ("maxaveragebitrate=-1", 6000),
            ("maxaveragebitrate=20k;maxplaybackrate=8000", 12_000),
        ] {
            assert_eq!(line(fmtp).bitrate, Some(Bitrate(bitrate)), "{fmtp}");
        }
        let capped = |asked, fmtp: &str| {
            let settings =
                of(Request { bitrate: Some(Bitrate(asked)), fmtp: fmtp.parse().unwrap(), ..Request::default() });
            (settings.bitrate.unwrap().0, settings.changes.len())
        };
        assert_eq!(capped(24_000, ""), (24_000, 0));
        assert_eq!(capped(24_000, "maxaveragebitrate=20000"), (20_000, 1));
        assert_eq!(capped(u32::MAX, ""), (510_000, 1));
    }

    #[test]
    fn bandwidth_and_channels_follow_the_line() {
        for (rate, name) in [
            (8000, "narrowband"),
            (12_000, "mediumband"),
            (16_000, "wideband"),
            (24_000, "superwideband"),
            (24_001, "fullband"),
            (96_000, "fullband"),
            (7999, "fullband"),
        ] {
            assert_eq!(shown(&line(&format!("maxplaybackrate={rate}")), "max_bandwidth"), name);
        }
        let stereo = line("stereo=1;cbr=1;useinbandfec=1;usedtx=1");
        assert_eq!((stereo.format.channels, shown(&stereo, "application").as_str()), (2, "audio"));
        assert_eq!(["cbr", "inband_fec", "dtx"].map(|name| shown(&stereo, name)), ["on", "on", "on"]);
    }

    #[test]
    fn packet_length_is_rounded_up() {
        for (fmtp, frame_ms, kind) in [
            ("ptime=3", 10, Some(ChangeKind::Rounded)),
            ("ptime=10", 10, None),
            ("ptime=21", 40, Some(ChangeKind::Rounded)),
            ("ptime=61", 120, Some(ChangeKind::Rounded)),
            ("ptime=200", 120, Some(ChangeKind::Clamped)),
            ("ptime=-5", 10, Some(ChangeKind::Clamped)),
            ("ptime=2.5", 20, Some(ChangeKind::Invalid)),
        ] {
            let settings = line(fmtp);
            assert_eq!(settings.frame, Duration::from_millis(frame_ms), "{fmtp}");
            assert_eq!(settings.changes.first().map(|c| c.kind), kind, "{fmtp}");
            assert!(settings.changes.len() < 2);
        }
        let short = |mode: Option<&str>| {
            of(Request { ptime: Some(from_ms(2.5)), mode: mode.map(Into::into), ..Request::default() }).frame
        };
        assert_eq!((short(None), short(Some("lowdelay"))), (from_ms(10.0), from_ms(2.5)));
        let voice = Request { mode: Some("voice".into()), ..Request::default() };
        assert!((OPUS.configure)(&voice, &PcmFormat::mono(8000)).is_err());
    }

    #[test]
    fn every_difference_has_its_kind_and_reason_in_the_order_of_the_line() {
        let settings = line(
            "minptime=10;useinbandfec=2;maxaveragebitrate=999999;x-foo;maxplaybackrate=7000;sprop-stereo=1;stereo",
        );
        let seen: Vec<_> =
            settings.changes.iter().map(|c| (c.requested.as_str(), c.effective.as_str(), c.kind)).collect();
        assert_eq!(
            seen,
            [
                ("minptime=10", "ignored", ChangeKind::Ignored),
                ("useinbandfec=2", "0", ChangeKind::Invalid),
                ("maxaveragebitrate=999999", "510000", ChangeKind::Clamped),
                ("x-foo", "ignored", ChangeKind::Unknown),
                ("maxplaybackrate=7000", "48000", ChangeKind::Invalid),
                ("sprop-stereo=1", "ignored", ChangeKind::Ignored),
                ("stereo", "0", ChangeKind::Invalid),
            ]
        );
        assert!(settings.changes.iter().all(|c| !c.reason.is_empty()));
    }
}
