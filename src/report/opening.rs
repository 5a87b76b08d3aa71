//! What a report says first, on its page and at the end of a run.

use super::view::View;
use super::{answer, basis, chart};

/// So many findings beside what was measured.
const FINDINGS: usize = 2;

/// What was measured, and the first findings: two or three sentences, four where clips are artificial.
pub fn opening(view: &View) -> Vec<String> {
    let answers = answer::answers(view);
    let verdict = |a: &answer::Answer, i: usize| Some(format!("Over {}, {}", a.heading, a.verdicts.get(i)?));
    let verdicts: Vec<Option<String>> = match &answers[..] {
        [one] => (0..FINDINGS).map(|i| verdict(one, i)).collect(),
        several => several.iter().take(FINDINGS).map(|a| verdict(a, 0)).collect(),
    };
    let mut findings: Vec<String> = verdicts.into_iter().flatten().collect();
    if findings.is_empty() {
        let charts = chart::charts(view).into_iter().filter(|c| !c.secondary);
        findings = charts.take(FINDINGS).map(|c| c.title + ".").collect();
    }
    basis::sentences(view).into_iter().chain(findings).collect()
}
