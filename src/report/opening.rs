//! What a report says first, on its page and at the end of a run.

use super::{View, answer, basis, chart};

/// So many findings beside what was measured.
const FINDINGS: usize = 2;

/// What was measured, and the first findings: two or three sentences, four where clips are artificial.
pub fn opening(view: &View) -> Vec<String> {
    let answers = answer::answers(view);
    let verdicts = answers.iter().filter_map(|a| Some(format!("{}: {}", a.heading, a.verdicts.first()?)));
    let verdicts: Vec<String> = verdicts.take(FINDINGS).collect();
    let charts = || chart::charts(view).into_iter().filter(|c| !c.secondary).map(|c| c.title + ".");
    let findings = if verdicts.is_empty() { charts().take(FINDINGS).collect() } else { verdicts };
    basis::sentences(view).into_iter().chain(findings).collect()
}
