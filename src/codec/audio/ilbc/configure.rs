//! What is asked of iLBC, and what it runs with.

use super::mode::Mode;
use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Change, ChangeKind, Request, Settings};
use crate::codec::audio::configure::{Basis, Default, basis};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::{Bitrate, ms};

/// Packets of whole frames, up to the 60 ms that libwebrtc takes; which of them depends on the mode.
pub(super) const RANGE: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::List(&[RATE_30, RATE_20]),
    packets_ms: &[20.0, 30.0, 40.0, 60.0],
    fmtp: &["mode"],
    // With the enhancer of RFC 3951, section 4.6, and its delay, or without both.
    modes: &[ENHANCED, PLAIN],
    complexity: None,
};

pub(super) const ENHANCED: &str = "enhanced";
pub(super) const PLAIN: &str = "plain";

/// 304 bits in 20 ms, and 400 bits in 30 ms, which the RFC calls 13.33 kbit/s; in bit/s.
const RATE_20: u32 = 15_200;
const RATE_30: u32 = 13_330;

#[derive(Debug)]
pub(super) struct IlbcParameters {
    /// The length of a frame.
    pub mode: Mode,
    /// The decoder has the enhancer.
    pub enhanced: bool,
}

/// The frame length is what the fmtp line says (RFC 3952, section 4.2: `mode`). Where it says nothing, it follows from the
/// bitrate, then from a `ptime` of whole 20 ms frames but not of 30 ms, as libwebrtc has it; else it is 30 ms.
pub(super) fn configure(request: &Request, _: &PcmFormat) -> Result<Settings<Pcm>> {
    let mut changes = Vec::new();
    let said = said(request, &mut changes);
    let mode = said.or_else(|| request.bitrate.map(of_bitrate)).or_else(|| of_ptime(request)).unwrap_or(Mode::Ms30);
    let (packet_ms, bitrate, packets_ms): (f64, u32, &[f64]) = match mode {
        Mode::Ms20 => (20.0, RATE_20, &[20.0, 40.0, 60.0]),
        Mode::Ms30 => (30.0, RATE_30, &[30.0, 60.0]),
    };
    let bitrates = if said.is_some() { Bitrates::One(bitrate) } else { RANGE.bitrates };
    let default = Default { codec: "iLBC", format: PcmFormat::mono(8000), packet_ms, bitrate };
    let mut basis = basis(&Range { bitrates, packets_ms, ..RANGE }, &default, request)?;
    changes.append(&mut basis.changes);
    let enhanced = basis.mode == ENHANCED;
    Ok(Basis { changes, ..basis }.with(IlbcParameters { mode, enhanced }))
}

/// What the fmtp line says of the mode.
fn said(request: &Request, changes: &mut Vec<Change>) -> Option<Mode> {
    let value = request.fmtp.iter().find(|(name, _)| *name == "mode").map(|(_, value)| value.unwrap_or_default())?;
    match value {
        "20" => Some(Mode::Ms20),
        "30" => Some(Mode::Ms30),
        _ => {
            changes.push(Change {
                requested: format!("mode={value}"),
                effective: "30".into(),
                kind: ChangeKind::Invalid,
                reason: "RFC 3952 knows frames of 20 and of 30 ms".into(),
            });
            Some(Mode::Ms30)
        }
    }
}

fn of_bitrate(Bitrate(asked): Bitrate) -> Mode {
    if asked >= RATE_20 { Mode::Ms20 } else { Mode::Ms30 }
}

fn of_ptime(request: &Request) -> Option<Mode> {
    let line = || request.fmtp.get("ptime").and_then(|value| value.parse().ok());
    let asked = request.ptime.map(ms).or_else(line)?;
    (asked % 20.0 == 0.0 && asked % 30.0 != 0.0).then_some(Mode::Ms20)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::from_ms;

    fn of(fmtp: &str, ptime: Option<f64>, bitrate: Option<u32>) -> (u32, f64, Vec<(String, ChangeKind)>) {
        let request = Request {
            fmtp: fmtp.parse().unwrap(),
            ptime: ptime.map(from_ms),
            bitrate: bitrate.map(Bitrate),
            ..Request::default()
        };
        let settings = configure(&request, &PcmFormat::mono(48_000)).unwrap();
        assert_eq!(settings.format, PcmFormat::mono(8000));
        let (_, mode) = settings.shown().into_iter().find(|(name, _)| *name == "frame_ms").unwrap();
        let mode: u32 = mode.parse().unwrap();
        assert_eq!(settings.bitrate, Some(Bitrate(if mode == 20 { RATE_20 } else { RATE_30 })));
        (mode, ms(settings.frame), settings.changes.into_iter().map(|c| (c.requested, c.kind)).collect())
    }

    #[test]
    fn the_mode_is_what_the_line_says_else_what_bitrate_or_packets_ask_for() {
        assert_eq!(of("", None, None), (30, 30.0, vec![]));
        assert_eq!(of("mode=20", None, None), (20, 20.0, vec![]));
        assert_eq!(of("mode=20", Some(60.0), None), (20, 60.0, vec![]));
        assert_eq!(of("", None, Some(15_200)), (20, 20.0, vec![]));
        assert_eq!(of("", Some(40.0), None), (20, 40.0, vec![]));
        assert_eq!(of("ptime=20", None, None), (20, 20.0, vec![]));
        assert_eq!(of("", Some(60.0), None), (30, 60.0, vec![]));
    }

    #[test]
    fn what_cannot_be_is_told() {
        use ChangeKind::{Clamped, Ignored, Invalid, Rounded, Unknown};
        assert_eq!(of("mode=25", None, None), (30, 30.0, vec![("mode=25".into(), Invalid)]));
        assert_eq!(of("mode", None, None), (30, 30.0, vec![("mode=".into(), Invalid)]));
        assert_eq!(of("mode=30", Some(20.0), None), (30, 30.0, vec![("ptime=20".into(), Clamped)]));
        assert_eq!(of("mode=30", None, Some(15_200)), (30, 30.0, vec![("bitrate=15200".into(), Ignored)]));
        assert_eq!(of("", None, Some(14_000)), (30, 30.0, vec![("bitrate=14000".into(), Rounded)]));
        assert_eq!(of("", Some(120.0), None), (30, 60.0, vec![("ptime=120".into(), Clamped)]));
        assert_eq!(of("x=1", None, None), (30, 30.0, vec![("x=1".into(), Unknown)]));
    }
}
