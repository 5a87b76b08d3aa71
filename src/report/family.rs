//! Networks that differ in their loss alone.

use super::view::{Family, View};

/// Conditions that differ in their loss alone, in order of it; at least two.
pub type LossSweep = Vec<usize>;

/// All sweeps, the longest first.
pub fn families(view: &View) -> Vec<LossSweep> {
    let mut families: Vec<&Family> = view.conditions.iter().map(|c| &c.family).collect();
    families.sort();
    families.dedup_by(|a, b| a == b || a.base == b.base && kinds_are_one(view, &b.base));
    let sweep = |family: &Family| {
        let fits = |c: &usize| {
            let condition = &view.conditions[*c];
            condition.family == *family
                || condition.family.base == family.base && kinds_are_one(view, &family.base)
                || condition.family.base == family.base && condition.family.model.is_empty() && condition.loss == 0.0
        };
        let mut of: LossSweep = (0..view.conditions.len()).filter(fits).collect();
        of.sort_by(|a, b| view.conditions[*a].loss.total_cmp(&view.conditions[*b].loss));
        of.dedup_by_key(|c| view.conditions[*c].loss.to_bits());
        of
    };
    let mut sweeps: Vec<LossSweep> = families.into_iter().map(sweep).filter(|l| l.len() > 1).collect();
    sweeps.sort_by_key(|l| std::cmp::Reverse(l.len()));
    sweeps
}

/// Of video there are few networks, and one of each loss: then their kinds of loss are told in words beside one line.
fn kinds_are_one(view: &View, base: &str) -> bool {
    let of = view.conditions.iter().filter(|c| c.family.base == base);
    let mut losses: Vec<u64> = of.map(|c| c.loss.to_bits()).collect();
    let n = losses.len();
    losses.sort_unstable();
    losses.dedup();
    view.is_video() && losses.len() == n
}
