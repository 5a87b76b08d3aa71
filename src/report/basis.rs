//! What the figures of a report rest on, in sentences.

use super::view::View;
use std::collections::BTreeSet;

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
    // Conditions are networks apart by receiver and material, and have each their own clips.
    let networks: BTreeSet<&str> = view.conditions.iter().map(|c| c.net.as_str()).collect();
    let seeds = view.conditions.iter().map(|c| c.seeds).max().unwrap_or(0);
    let count = |n: usize, one: &str| format!("{n} {one}{}", if n == 1 { "" } else { "s" });
    let failed = if view.failed > 0 { format!(" {} failed.", count(view.failed, "case")) } else { String::new() };
    format!(
        "{} on {}, {} and {} each: {} after a whole WebRTC call.{failed}",
        count(view.settings.len(), "codec setting"),
        count(networks.len(), "network"),
        count(view.clips, "clip"),
        count(seeds, "seed"),
        count(view.cases, "case"),
    )
}
