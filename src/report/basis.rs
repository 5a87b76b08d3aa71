//! What the figures of a report rest on, in sentences.

use super::view::{Condition, View};

/// That clips are artificial where any is, then what was measured.
pub fn sentences(view: &View) -> Vec<String> {
    artificial(view).into_iter().chain([measured(view)]).collect()
}

/// That there are artificial clips; `None`: there are none.
pub fn artificial(view: &View) -> Option<String> {
    match (view.artificial, view.clips) {
        (0, _) => None,
        (artificial, clips) if artificial == clips => {
            Some("All clips are artificial: nothing here was measured on recordings.".into())
        }
        (artificial, clips) => Some(format!(
            "{artificial} of the {clips} clips {} artificial, not recorded.",
            if artificial == 1 { "is" } else { "are" }
        )),
    }
}

/// How much of what was measured.
fn measured(view: &View) -> String {
    let most = |of: fn(&Condition) -> usize| view.conditions.iter().map(of).max().unwrap_or(0);
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let failed = if view.failed > 0 { format!(" {} failed.", count(view.failed, "case")) } else { String::new() };
    format!(
        "{} on {}, {} and {} each: {} after a whole WebRTC call.{failed}",
        count(view.settings.len(), "codec setting"),
        count(view.conditions.len(), "network"),
        count(most(|c| c.clips), "clip"),
        count(most(|c| c.seeds), "seed"),
        count(view.cases, "case"),
    )
}
