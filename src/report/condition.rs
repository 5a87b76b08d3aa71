//! Conditions: their names, and which of them differ in loss alone.

use super::view::{Condition, Family};
use crate::media::Content;
use crate::net::spec::Shown;
use std::collections::BTreeSet;

/// A condition while outcomes come in.
pub struct ConditionSums {
    pub net: String,
    pub shown: Shown,
    pub receiver: String,
    pub content: Content,
    /// Of the clips, in Hz, where material of several rates is kept apart.
    pub rate: Option<u32>,
    pub loss: f64,
    pub clips: BTreeSet<usize>,
    pub seeds: BTreeSet<u64>,
}

/// The conditions with names that tell them apart.
pub fn all(sums: &[ConditionSums]) -> Vec<Condition> {
    let receivers: BTreeSet<&str> = sums.iter().map(|c| c.receiver.as_str()).collect();
    let contents: Vec<Content> = sums.iter().map(|c| c.content).collect();
    let several = contents.iter().any(|c| *c != contents[0]);
    let condition = |c: &ConditionSums| {
        let clean = c.net.is_empty() || c.net == "none";
        let net = if clean { "clean network".to_owned() } else { c.shown.words.clone() };
        let mut more = String::new();
        if receivers.len() > 1 {
            more += &format!(", {} receiver", c.receiver);
        }
        if several || c.rate.is_some() {
            more += &format!(", {}", format!("{:?}", c.content).to_lowercase());
        }
        if let Some(rate) = c.rate {
            more += &format!(" at {} kHz", f64::from(rate) / 1000.0);
        }
        let Shown { base, model, .. } = &c.shown;
        Condition {
            name: format!("{net}{more}"),
            net,
            content: c.content,
            loss: c.loss,
            family: Family { base: format!("{base}{more}").trim_start_matches(", ").to_owned(), model: model.clone() },
            clips: c.clips.len(),
            seeds: c.seeds.len(),
        }
    };
    sums.iter().map(condition).collect()
}
