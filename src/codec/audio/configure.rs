//! From what is asked to what is possible, for the codecs that follow one simple scheme: a bitrate out of a list or a
//! span, packets of whole frames. Each difference is told with its reason.

use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Change, ChangeKind, Parameters, Request, Settings};
use crate::error::{Result, unknown};
use crate::media::{Pcm, PcmFormat};
use crate::sdp::repair::Repair;
use crate::units::{Bitrate, from_ms, ms};
use std::time::Duration;

/// What a codec is where nothing is asked of it.
pub(super) struct Default {
    pub codec: &'static str,
    pub format: PcmFormat,
    pub packet_ms: f64,
    pub bitrate: u32,
}

/// What a request comes to by the scheme. [`Basis::with`] the codec's own parameters it is the settings.
pub(super) struct Basis {
    pub format: PcmFormat,
    pub frame: Duration,
    pub bitrate: Bitrate,
    /// One of [`Range::modes`], the first where none is asked for; empty where the codec has none.
    pub mode: &'static str,
    /// Where the encoder has it and it is asked for.
    #[cfg_attr(
        not(any(feature = "speex", test)),
        expect(dead_code, reason = "of the codecs by this scheme Speex alone has it")
    )]
    pub complexity: Option<u8>,
    pub changes: Vec<Change>,
}

impl Basis {
    pub fn with(self, parameters: impl Parameters<Pcm> + 'static) -> Settings<Pcm> {
        let Basis { format, frame, bitrate, changes, .. } = self;
        Settings { bitrate: Some(bitrate), changes, ..Settings::new(format, frame, parameters) }
    }

    /// Brings the bitrate to what the codec's own rules make of it; a request that it differs from is told once.
    pub fn bring_to(&mut self, request: &Request, taken: u32, reason: String) {
        let wanted = std::mem::replace(&mut self.bitrate, Bitrate(taken));
        if let Some(Bitrate(asked)) = request.bitrate.filter(|_| wanted != Bitrate(taken)) {
            self.changes.retain(|change| !change.requested.starts_with("bitrate="));
            self.changes.push(Change {
                requested: format!("bitrate={asked}"),
                effective: taken.to_string(),
                kind: ChangeKind::Rounded,
                reason,
            });
        }
    }
}

/// As libwebrtc takes it, `ptime` (RFC 8866, section 6.4) may stand among the fmtp parameters; packets are the longest
/// possible that are not longer than it. A bitrate is the highest possible that is not above what was asked. Parameters
/// that [`Range::fmtp`] names are left to the codec.
///
/// # Errors
/// [`crate::Error::Usage`]: a mode that the codec does not have.
pub(super) fn basis(range: &Range, default: &Default, request: &Request) -> Result<Basis> {
    let mut changes = unknown_parameters(range, request);
    let packet_ms = packet(range, default, request, &mut changes);
    let mut note = |requested: String, effective: String, kind, reason: &str| {
        changes.push(Change { requested, effective, kind, reason: reason.into() });
    };
    let mut bitrate = default.bitrate;
    if let Some(Bitrate(asked)) = request.bitrate {
        bitrate = range.bitrates.at_most(asked);
        let (kind, reason) = match range.bitrates {
            Bitrates::One(_) => (ChangeKind::Ignored, "the codec has one bitrate"),
            Bitrates::List(all) if all.first().is_some_and(|first| *first <= asked) => {
                (ChangeKind::Rounded, "the highest bitrate of the codec that is not above what was asked")
            }
            _ => (ChangeKind::Clamped, "outside the codec's bitrates"),
        };
        if bitrate != asked {
            note(format!("bitrate={asked}"), bitrate.to_string(), kind, reason);
        }
    }
    let complexity = request.complexity.zip(range.complexity).map(|(asked, most)| asked.min(most));
    match (request.complexity, range.complexity) {
        (Some(asked), None) => {
            note(format!("complexity={asked}"), "ignored".into(), ChangeKind::Ignored, "the encoder has no such knob");
        }
        (Some(asked), Some(most)) if asked > most => {
            note(format!("complexity={asked}"), most.to_string(), ChangeKind::Clamped, "the highest complexity");
        }
        _ => {}
    }
    let mode = match &request.mode {
        Some(mode) if range.modes.is_empty() => {
            note(format!("mode={mode}"), "ignored".into(), ChangeKind::Ignored, "the encoder has no modes");
            ""
        }
        Some(mode) => {
            let known = range.modes.iter().find(|known| *known == mode);
            known.ok_or_else(|| unknown(&format!("{} mode", default.codec), mode, range.modes))?
        }
        None => range.modes.first().copied().unwrap_or_default(),
    };
    let (format, frame, bitrate) = (default.format, from_ms(packet_ms), Bitrate(bitrate));
    Ok(Basis { format, frame, bitrate, mode, complexity, changes })
}

/// The media of one packet in ms.
fn packet(range: &Range, default: &Default, request: &Request, changes: &mut Vec<Change>) -> f64 {
    let change = |requested: &str, effective: String, kind, reason: String| Change {
        requested: requested.to_owned(),
        effective,
        kind,
        reason,
    };
    let line = request.fmtp.get("ptime").map(|value| (format!("ptime={value}"), value));
    let asked = match (request.ptime, line) {
        (Some(ptime), line) => {
            let ignored = "the setting has its own ptime";
            changes.extend(line.map(|(text, _)| change(&text, "ignored".into(), ChangeKind::Ignored, ignored.into())));
            Some((format!("ptime={}", ms(ptime)), ms(ptime)))
        }
        (None, Some((text, value))) => match value.parse::<u32>().ok().filter(|v| *v > 0) {
            Some(value) => Some((text, f64::from(value))),
            None => {
                let reason = "not a whole number of milliseconds above 0".into();
                changes.push(change(&text, default.packet_ms.to_string(), ChangeKind::Invalid, reason));
                None
            }
        },
        (None, None) => None,
    };
    let Some((text, asked)) = asked else { return default.packet_ms };
    let (Some(least), Some(most)) = (range.packets_ms.first(), range.packets_ms.last()) else {
        if asked != default.packet_ms {
            let reason = "the codec has one frame length".into();
            changes.push(change(&text, default.packet_ms.to_string(), ChangeKind::Ignored, reason));
        }
        return default.packet_ms;
    };
    let taken = range.packets_ms.iter().rev().find(|p| **p <= asked).unwrap_or(least);
    if !(*least..=*most).contains(&asked) {
        let reason = format!("packets of {least} to {most} ms");
        changes.push(change(&text, taken.to_string(), ChangeKind::Clamped, reason));
    } else if *taken != asked {
        let lengths: Vec<String> = range.packets_ms.iter().map(f64::to_string).collect();
        let reason = format!("packets of {} ms", lengths.join(", "));
        changes.push(change(&text, taken.to_string(), ChangeKind::Rounded, reason));
    }
    *taken
}

/// Parameters that the payload format does not define, and the redundancy, neural concealment and congestion control that
/// only Opus has here.
pub(super) fn unknown_parameters(range: &Range, request: &Request) -> Vec<Change> {
    let known = |name: &str| name == "ptime" || range.fmtp.contains(&name);
    let change = |(name, value): (&str, Option<&str>)| Change {
        requested: value.map_or_else(|| name.to_owned(), |v| format!("{name}={v}")),
        effective: "ignored".into(),
        kind: ChangeKind::Unknown,
        reason: "the payload format defines no such parameter".into(),
    };
    let Repair { dred, deep_plc, gcc, .. } = request.repair;
    let of_opus = [
        (!dred.is_zero(), format!("dred:{}ms", dred.as_millis()), "only Opus carries deep redundancy"),
        (deep_plc, "deep-plc".to_owned(), "only Opus has neural concealment"),
        (gcc, "gcc".to_owned(), "the codec does not change its bitrate during a call"),
    ];
    let ignored = of_opus.into_iter().filter(|(asked, ..)| *asked).map(|(_, requested, reason)| Change {
        requested,
        effective: "ignored".into(),
        kind: ChangeKind::Ignored,
        reason: reason.into(),
    });
    request.fmtp.iter().filter(|(name, _)| !known(name)).map(change).chain(ignored).collect()
}

pub(super) fn variants() -> Vec<(String, Request)> {
    let variant = |ptime| Request { ptime: Some(Duration::from_millis(ptime)), ..Request::default() };
    [10, 20].map(|ptime| (format!("{ptime} ms"), variant(ptime))).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: Range = Range {
        sample_rates: &[8000],
        bitrates: Bitrates::List(&[4750, 12_200]),
        packets_ms: &[20.0, 40.0, 60.0],
        fmtp: &["mode-set"],
        modes: &["fast", "good"],
        complexity: Some(5),
    };

    fn of(request: Request) -> Result<Basis> {
        let default = Default { codec: "X", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 12_200 };
        basis(&RANGE, &default, &request)
    }

    #[test]
    fn every_difference_is_told() {
        let basis = of(Request {
            fmtp: "mode-set=1;x=2;ptime=50".parse().unwrap(),
            bitrate: Some(Bitrate(12_000)),
            complexity: Some(9),
            mode: Some("good".into()),
            ..Request::default()
        })
        .unwrap();
        assert_eq!((ms(basis.frame), basis.bitrate), (40.0, Bitrate(4750)));
        assert_eq!((basis.complexity, basis.mode), (Some(5), "good"));
        let told: Vec<_> = basis.changes.iter().map(|c| (c.requested.as_str(), c.effective.as_str(), c.kind)).collect();
        let expected = [
            ("x=2", "ignored", ChangeKind::Unknown),
            ("ptime=50", "40", ChangeKind::Rounded),
            ("bitrate=12000", "4750", ChangeKind::Rounded),
            ("complexity=9", "5", ChangeKind::Clamped),
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn what_is_possible_is_taken_and_an_unknown_mode_is_an_error() {
        let basis = of(Request { bitrate: Some(Bitrate(4750)), ..Request::default() }).unwrap();
        assert_eq!((basis.bitrate, basis.mode, basis.changes.len()), (Bitrate(4750), "fast", 0));
        let error = of(Request { mode: Some("gud".into()), ..Request::default() }).err().unwrap();
        assert!(error.to_string().contains("'good'") && error.exit_code() == 2, "{error}");
    }
}
