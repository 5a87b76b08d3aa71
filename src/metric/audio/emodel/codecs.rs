//! Published equipment impairment factors (ITU-T G.113 and its appendices), as far as we have a source for them.

use crate::metric::equipment::{Band, Equipment};
use serde::Serialize;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Published {
    /// As it is commonly called: "G.711 with PLC".
    pub name: &'static str,
    /// SDP encoding names that use this row.
    #[serde(skip)]
    pub encodings: &'static [&'static str],
    /// In bit/s, where the codec has several.
    pub bitrate: Option<u32>,
    #[serde(flatten)]
    pub equipment: Equipment,
    pub source: &'static str,
}

/// The row of an SDP encoding name at a bitrate (`None`: the codec has only one).
///
/// # Errors
/// Why there is none, and what can be done, as a text.
pub fn published(encoding: &str, bitrate: Option<u32>) -> Result<Equipment, String> {
    let mut rows = PUBLISHED.iter().filter(|row| row.encodings.iter().any(|name| name.eq_ignore_ascii_case(encoding)));
    let fits = |row: &&Published| bitrate.is_none() || row.bitrate.is_none() || row.bitrate == bitrate;
    rows.find(fits).map(|row| row.equipment).ok_or_else(|| {
        format!("the ITU published no Ie and Bpl for {encoding}; fit them from measurements ('codecbench emodel fit') or give your own")
    })
}

const MEMORY: &str = "ITU-T G.113 Appendix I, quoted from memory: check before publishing";
const SECOND_HAND: &str = "ITU-T G.113, quoted from a second source: check before publishing";
const DIOTIC: &str = "ITU-T G.113, diotic listening, quoted from a second source: check before publishing";

const fn row(
    name: &'static str,
    encodings: &'static [&'static str],
    bitrate: Option<u32>,
    band: Band,
    ie: f64,
    bpl: Option<f64>,
    source: &'static str,
) -> Published {
    Published { name, encodings, bitrate, equipment: Equipment { band, ie, bpl }, source }
}

/// What we have a figure for; no value is made up. Opus, iLBC and AMR have none.
pub static PUBLISHED: &[Published] = &[
    // This build conceals G.711 losses, so its calls use the row with concealment (G.711 Appendix I).
    row("G.711 with PLC", &["PCMU", "PCMA"], None, Band::Nb, 0.0, Some(25.1), MEMORY),
    row("G.711", &[], None, Band::Nb, 0.0, Some(4.3), MEMORY),
    row("G.729", &[], None, Band::Nb, 10.0, None, MEMORY),
    row("G.729A with VAD", &[], None, Band::Nb, 11.0, Some(19.0), MEMORY),
    row("GSM-EFR", &[], None, Band::Nb, 5.0, Some(10.0), MEMORY),
    row("GSM-FR", &[], None, Band::Nb, 20.0, None, MEMORY),
    row("G.723.1", &[], Some(6_300), Band::Nb, 15.0, Some(16.1), MEMORY),
    row("G.726", &[], Some(32_000), Band::Nb, 7.0, None, MEMORY),
    row("G.722", &["G722"], Some(64_000), Band::Wb, 13.0, None, MEMORY),
    row("G.722", &[], Some(56_000), Band::Wb, 20.0, None, MEMORY),
    row("G.722", &[], Some(48_000), Band::Wb, 31.0, None, MEMORY),
    row("AMR-WB", &[], Some(6_600), Band::Wb, 41.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(8_850), Band::Wb, 26.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(12_650), Band::Wb, 13.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(14_250), Band::Wb, 10.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(15_850), Band::Wb, 7.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(18_250), Band::Wb, 5.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(19_850), Band::Wb, 3.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(23_050), Band::Wb, 1.0, None, SECOND_HAND),
    row("AMR-WB", &[], Some(23_850), Band::Wb, 8.0, None, SECOND_HAND),
    row("AMR-WB diotic", &[], Some(12_650), Band::Wb, 20.0, Some(4.3), DIOTIC),
    row("AMR-WB diotic", &[], Some(23_050), Band::Wb, 8.0, Some(4.6), DIOTIC),
    row("AMR-WB diotic", &[], Some(23_850), Band::Wb, 10.0, Some(4.9), DIOTIC),
    row("EVS-SWB", &[], Some(9_600), Band::Fb, 22.7, Some(13.0), SECOND_HAND),
    row("EVS-SWB", &[], Some(13_200), Band::Fb, 17.1, Some(11.7), SECOND_HAND),
    row("EVS-SWB", &[], Some(16_400), Band::Fb, 10.8, Some(10.3), SECOND_HAND),
    row("EVS-SWB", &[], Some(24_400), Band::Fb, 7.2, Some(11.4), SECOND_HAND),
    row("EVS-SWB", &[], Some(32_000), Band::Fb, 8.7, Some(9.3), SECOND_HAND),
    row("EVS-SWB", &[], Some(48_000), Band::Fb, 10.2, Some(9.6), SECOND_HAND),
];
