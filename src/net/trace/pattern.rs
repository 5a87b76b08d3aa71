//! Error patterns: which frames are lost, and nothing of delay.
//!
//! ITU-T G.192 (appendix, and G.191's error insertion device): one 16-bit word per frame, 0x6B21 for a good and 0x6B20
//! for a lost one, in the byte order of the machine that wrote it; its compact form has one byte, 0x21 or 0x20. Loss masks
//! of figures are those of opus_demo's `-lossfile` and of the PLC Challenge: 1 is lost.

use super::kind::{FRAME, Kind};
use std::time::Duration;

const GOOD: u8 = 0x21;
const LOST: u8 = 0x20;
/// The other byte of a G.192 word.
const SYNC: u8 = 0x6B;

/// Fewer figures than this may be a short Mahimahi trace as well.
const LEAST_FIGURES: usize = 20;

/// As G.192's words; `None`: the file does not begin like them.
pub(super) fn words(data: &[u8]) -> Option<Result<Kind, String>> {
    let big = match data {
        [SYNC, GOOD | LOST, ..] => true,
        [GOOD | LOST, SYNC, ..] => false,
        _ => return None,
    };
    let word = |(n, pair): (usize, &[u8])| match pair {
        [SYNC, flag @ (GOOD | LOST)] if big => Ok(*flag == GOOD),
        [flag @ (GOOD | LOST), SYNC] if !big => Ok(*flag == GOOD),
        [_] => Err("the G.192 error pattern is cut within its last word".into()),
        _ => {
            let value = if big { [pair[0], pair[1]] } else { [pair[1], pair[0]] };
            let value = u16::from_be_bytes(value);
            Err(format!(
                "word {} is 0x{value:04X}: a G.192 error pattern has 0x6B21 and 0x6B20 only (a bit stream is none)",
                n + 1
            ))
        }
    };
    Some(data.chunks(2).enumerate().map(word).collect::<Result<Vec<_>, _>>().map(kind))
}

/// As bytes; `None`: the file does not begin like them. A blank first is a pattern only if all is, for text may begin so.
pub(super) fn bytes(data: &[u8]) -> Option<Result<Kind, String>> {
    let wrong = data.iter().position(|b| !matches!(*b, GOOD | LOST));
    match (data.first(), wrong) {
        (Some(&GOOD), Some(at)) => {
            Some(Err(format!("byte {at} is 0x{:02X}: a byte error pattern has 0x21 and 0x20 only", data[at])))
        }
        (Some(_), None) => Some(Ok(kind(data.iter().map(|b| *b == GOOD).collect()))),
        _ => None,
    }
}

/// As figures; `None` if they can be read as times too.
pub(super) fn mask(text: &str) -> Option<Kind> {
    let figures = || text.chars().filter(|c| !c.is_whitespace() && *c != ',');
    let count = figures().count();
    let apart = || text.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
    // Ten figures and more without a break are no time in ms that makes sense.
    let unbroken = apart().all(|w| w.len() == 1) || apart().any(|w| w.len() >= 10);
    let is_mask = count >= LEAST_FIGURES && unbroken && figures().all(|c| matches!(c, '0' | '1'));
    is_mask.then(|| kind(figures().map(|c| c == '0').collect()))
}

fn kind(good: Vec<bool>) -> Kind {
    Kind::Fates { step: FRAME, fates: good.into_iter().map(|g| g.then_some(Duration::ZERO)).collect() }
}
