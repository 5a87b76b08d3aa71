//! From the fmtp line of AMR and AMR-WB (RFC 4867, section 8.1) to what they run with.

use crate::codec::about::{Bitrates, Range};
use crate::codec::api::{Change, ChangeKind, Request, Settings};
use crate::codec::audio::configure::{Basis, Default, basis};
use crate::error::Result;
use crate::media::{Pcm, PcmFormat};
use crate::units::ms;
use codec_core::codecs::amr::{AmrMode, AmrVariant};

pub(super) const NARROW: Range = Range {
    sample_rates: &[8000],
    bitrates: Bitrates::List(&[4750, 5150, 5900, 6700, 7400, 7950, 10_200, 12_200]),
    packets_ms: &[20.0, 40.0, 60.0],
    fmtp: &[
        "channels",
        "crc",
        "interleaving",
        "max-red",
        "maxptime",
        "mode-change-capability",
        "mode-change-neighbor",
        "mode-change-period",
        "mode-set",
        "octet-align",
        "robust-sorting",
    ],
    modes: &[],
    complexity: None,
};
pub(super) const WIDE: Range = Range {
    sample_rates: &[16_000],
    bitrates: Bitrates::List(&[6600, 8850, 12_650, 14_250, 15_850, 18_250, 19_850, 23_050, 23_850]),
    ..NARROW
};
/// The highest rate, that of enhanced full rate, is what networks use where nothing forces them lower.
const NARROW_DEFAULT: Default =
    Default { codec: "AMR", format: PcmFormat::mono(8000), packet_ms: 20.0, bitrate: 12_200 };
/// The lowest rate without the artefacts of the two below it (G.722.2, section 1), and the usual one of networks.
const WIDE_DEFAULT: Default =
    Default { codec: "AMR-WB", format: PcmFormat::mono(16_000), packet_ms: 20.0, bitrate: 12_650 };

#[derive(Debug)]
pub(super) struct AmrParameters {
    pub variant: AmrVariant,
    /// What the fmtp line says of the payload format; `None`: nothing, which is no.
    pub octet_align: Option<bool>,
    pub crc: Option<bool>,
    pub robust_sorting: Option<bool>,
    pub interleaving: bool,
}

impl AmrParameters {
    /// The parameter that implies it, where one does.
    fn implies_octet_alignment(&self) -> Option<&'static str> {
        let flags = [
            ("crc", self.crc == Some(true)),
            ("robust-sorting", self.robust_sorting == Some(true)),
            ("interleaving", self.interleaving),
        ];
        flags.into_iter().find(|(_, on)| *on).map(|(name, _)| name)
    }
}

/// RFC 4867, section 8.1. The receiver's `mode-set` bounds the bitrate; `crc`, `robust-sorting` and `interleaving` imply
/// octet alignment.
pub(super) fn configure(variant: AmrVariant, request: &Request) -> Result<Settings<Pcm>> {
    let (range, default) = match variant {
        AmrVariant::NarrowBand => (&NARROW, &NARROW_DEFAULT),
        AmrVariant::WideBand => (&WIDE, &WIDE_DEFAULT),
    };
    let mut basis = basis(range, default, request)?;
    let mut note = |requested: String, effective: &str, kind, reason: &str| {
        basis.changes.push(Change { requested, effective: effective.into(), kind, reason: reason.into() });
    };
    let mut parameters =
        AmrParameters { variant, octet_align: None, crc: None, robust_sorting: None, interleaving: false };
    let mut mode_set = Vec::new();
    for (name, value) in request.fmtp.iter().filter(|(name, _)| range.fmtp.contains(name)) {
        let value = value.unwrap_or_default();
        let text = format!("{name}={value}");
        let fits = |fits: bool| if fits { ChangeKind::Ignored } else { ChangeKind::Invalid };
        let number = value.parse::<u32>().ok();
        match name {
            "octet-align" | "crc" | "robust-sorting" => match number.filter(|v| *v <= 1) {
                Some(flag) if name == "octet-align" => parameters.octet_align = Some(flag == 1),
                Some(flag) if name == "crc" => parameters.crc = Some(flag == 1),
                Some(flag) => parameters.robust_sorting = Some(flag == 1),
                None => note(text, "0", ChangeKind::Invalid, "0 or 1 (RFC 4867, section 8.1)"),
            },
            "interleaving" if number.is_some_and(|v| v > 0) => {
                parameters.interleaving = true;
                let reason = "each packet is a group by itself: interleaving would add its delay";
                note(text, "1", ChangeKind::Ignored, reason);
            }
            "interleaving" => note(text, "ignored", ChangeKind::Invalid, "a number of frame blocks above 0"),
            "mode-set" => match modes(variant, value) {
                Some(modes) => mode_set = modes,
                None => note(text, "ignored", ChangeKind::Invalid, "modes of the codec, with commas between them"),
            },
            "channels" if number != Some(1) => {
                note(text, "1", fits(number.is_some_and(|v| (1..=6).contains(&v))), "calls are in mono");
            }
            "max-red" if number != Some(0) => {
                note(text, "0", fits(number.is_some_and(|v| v <= 65_535)), "the sender repeats no frames");
            }
            "maxptime" if number.is_none_or(|v| f64::from(v) < ms(basis.frame)) => {
                note(text, "ignored", fits(number.is_some()), "packets are as long as ptime says");
            }
            // A mode that never changes keeps within each of the others.
            _ => {}
        }
    }
    let implied = parameters.implies_octet_alignment();
    if let (Some(by), Some(false)) = (implied, parameters.octet_align) {
        note("octet-align=0".into(), "1", ChangeKind::Invalid, &format!("{by} implies it (RFC 4867, section 8.1)"));
    }
    if implied.is_some() {
        parameters.octet_align = Some(true);
    }
    within(&mode_set, request, &mut basis);
    Ok(basis.with(parameters))
}

/// The modes of `mode-set=0,2,7`, the lowest first; `None` when they are none of the codec.
fn modes(variant: AmrVariant, list: &str) -> Option<Vec<AmrMode>> {
    let mode = |index: &str| AmrMode::new(variant, index.trim().parse().ok()?).ok();
    let mut modes: Vec<AmrMode> = list.split(',').map(mode).collect::<Option<_>>()?;
    modes.sort_by_key(|mode| mode.bitrate());
    Some(modes)
}

/// Brings the bitrate into the mode set: its highest mode that is not above what is wanted, or its lowest.
fn within(mode_set: &[AmrMode], request: &Request, basis: &mut Basis) {
    let not_above = mode_set.iter().rev().find(|mode| mode.bitrate() <= basis.bitrate.0);
    let Some(taken) = not_above.or(mode_set.first()).map(|mode| mode.bitrate()) else { return };
    let reason = "mode-set: the receiver takes no other modes (RFC 4867, section 8.1)";
    basis.bring_to(request, taken, reason.into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Bitrate;

    fn configured(variant: AmrVariant, fmtp: &str, bitrate: Option<u32>) -> Settings<Pcm> {
        let request = Request { fmtp: fmtp.parse().unwrap(), bitrate: bitrate.map(Bitrate), ..Request::default() };
        configure(variant, &request).unwrap()
    }

    #[test]
    fn the_bitrate_is_the_highest_of_the_mode_set_not_above_what_was_asked() {
        for (fmtp, asked, taken, changes) in [
            ("mode-set=0,2,4,7", None, 12_200, 0),
            ("mode-set=0,2,4", None, 7400, 0),
            ("mode-set=2,0,4", Some(7000), 5900, 1),
            ("mode-set=4", Some(4750), 7400, 1),
            ("mode-set=0,4", Some(7400), 7400, 0),
            ("mode-set=0,9", Some(7400), 7400, 1),
            ("", Some(7000), 6700, 1),
        ] {
            let settings = configured(AmrVariant::NarrowBand, fmtp, asked);
            assert_eq!((settings.bitrate, settings.changes.len()), (Some(Bitrate(taken)), changes), "{fmtp} {asked:?}");
        }
    }

    #[test]
    fn what_the_sender_does_not_do_is_told() {
        let fmtp = "octet-align=0;crc=1;interleaving=30;max-red=220;channels=2;robust-sorting=x;mode-change-period=2";
        let settings = configured(AmrVariant::WideBand, fmtp, None);
        let shown = [("crc", "on"), ("interleaving", "on"), ("octet-align", "on"), ("bitrate", "12650 bit/s")];
        assert_eq!(settings.shown(), shown.map(|(name, value)| (name, value.to_owned())));
        let told: Vec<_> = settings.changes.iter().map(|c| (c.requested.as_str(), c.kind)).collect();
        let expected = [
            ("interleaving=30", ChangeKind::Ignored),
            ("max-red=220", ChangeKind::Ignored),
            ("channels=2", ChangeKind::Ignored),
            ("robust-sorting=x", ChangeKind::Invalid),
            ("octet-align=0", ChangeKind::Invalid),
        ];
        assert_eq!(told, expected);
    }
}
