//! One whole number of milliseconds per line: Mahimahi's delivery traces and 3GPP's delay/error files.
//!
//! Mahimahi (Netravali et al., USENIX ATC 2015; `mm-link`): each line is an instant at which up to 1500 bytes may leave; a
//! time that stands n times is n opportunities; the trace begins anew at its last time. 3GPP (TS 26.114 and 26.132's
//! delay-error profiles, as the ITU-T G.191 tool dlyerr_2_errpat reads them): each line is the delay of one packet of
//! 20 ms, or -1 for a lost one.

use super::kind::{FRAME, Kind, LONGEST, shown};
use std::time::Duration;

/// The longest time in a Mahimahi trace, in ms: a day.
const LAST: i64 = 86_400_000;

/// A file's ending that says which of the two it is.
pub(super) fn is_named(ending: &str) -> bool {
    is_mahimahi(ending) || ending == "dat"
}

fn is_mahimahi(ending: &str) -> bool {
    matches!(ending, "up" | "down" | "mahi")
}

/// `text` has at least one character that is no space.
pub(super) fn read(text: &str, ending: &str) -> Result<Kind, String> {
    let numbers = numbers(text)?;
    let descends = numbers.windows(2).find(|w| w[1].1 < w[0].1);
    let negative = numbers.iter().find(|(_, ms)| *ms < 0);
    let mahimahi = is_mahimahi(ending) || ending != "dat" && descends.is_none() && negative.is_none();
    if mahimahi { opportunities(&numbers, descends, negative) } else { fates(&numbers, descends, ending) }
}

/// Line (from 1) and milliseconds.
type Number = (usize, i64);

fn numbers(text: &str) -> Result<Vec<Number>, String> {
    let line = |(n, line): (usize, &str)| {
        let word = line.trim();
        let number = word.parse::<i64>().map_err(|_| {
            let what = shown(word);
            format!("line {}: '{what}' is not a whole number of milliseconds, one per line", n + 1)
        });
        (!word.is_empty()).then_some(number.map(|ms| (n + 1, ms)))
    };
    text.lines().enumerate().filter_map(line).collect()
}

fn opportunities(numbers: &[Number], descends: Option<&[Number]>, negative: Option<&Number>) -> Result<Kind, String> {
    if let Some((line, ms)) = negative {
        return Err(format!("line {line}: {ms}: a time of a Mahimahi trace is 0 ms or more"));
    }
    if let Some([(_, before), (line, ms)]) = descends {
        return Err(format!("line {line}: {ms} comes after {before}: the times of a Mahimahi trace never descend"));
    }
    if let Some((line, ms)) = numbers.iter().find(|(_, ms)| *ms > LAST) {
        return Err(format!("line {line}: {ms} ms is longer than a day"));
    }
    let at: Vec<Duration> = numbers.iter().map(|(_, ms)| Duration::from_millis(ms.unsigned_abs())).collect();
    match at.last() {
        Some(period) if !period.is_zero() => Ok(Kind::Opportunities { period: *period, at }),
        _ => Err("all times are 0 ms: the last time of a Mahimahi trace is its period and must be at least 1".into()),
    }
}

fn fates(numbers: &[Number], descends: Option<&[Number]>, ending: &str) -> Result<Kind, String> {
    let longest = LONGEST.as_millis() as i64;
    let fate = |(line, ms): &Number| match ms {
        -1 => Ok(None),
        ms if *ms < 0 => Err(format!("line {line}: {ms}: a delay is 0 ms or more, or -1 for a lost packet")),
        ms if *ms > longest => Err(match descends {
            Some([(_, before), (at, after)]) if ending != "dat" => format!(
                "line {line}: {ms} ms is too long for a delay (at most {longest} ms), and line {at} is no Mahimahi trace's: \
                 {after} comes after {before}"
            ),
            _ => format!("line {line}: {ms} ms is too long for a delay; at most {longest} ms"),
        }),
        ms => Ok(Some(Duration::from_millis(ms.unsigned_abs()))),
    };
    Ok(Kind::Fates { step: FRAME, fates: numbers.iter().map(fate).collect::<Result<_, _>>()? })
}
