//! What a plan asks for that does something else than its words say.

use crate::codec::{Change, ChangeKind};
use crate::error::Result;
use crate::media::{Media, Pcm};
use crate::net::spec::NetSpec;
use crate::plan::{Plan, Setting};
use crate::playout::audio::{Conceal, Receiver};
use std::collections::BTreeSet;
use std::fmt;

/// What a user should know of a plan before it runs.
#[derive(Clone, Debug, PartialEq)]
pub enum Warning {
    /// A value outside its range, of the setting with that label.
    Value { label: String, change: Change },
    /// Codecs that this build does not have.
    LeftOut(Vec<String>),
    /// The setting with that label conceals by a model, and the receiver does not ask it to.
    Unheard { label: String },
    /// A network does something else than its words make people expect.
    Network(String),
}

/// One line for people, without a line end.
impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Warning::Value { label, change: Change { requested, effective, reason, .. } } => {
                write!(f, "{label}: {requested} becomes {effective}: {reason}")
            }
            Warning::LeftOut(names) => {
                let names = names.join(", ");
                write!(f, "left out, not in this build: {names}; 'codecbench list codecs' tells their features")
            }
            Warning::Unheard { label } => {
                write!(
                    f,
                    "{label}: deep-plc is not heard with an adaptive receiver, which conceals by itself: say adaptive:conceal=codec"
                )
            }
            Warning::Network(what) => f.write_str(what),
        }
    }
}

/// Each once.
///
/// # Errors
/// A setting cannot be made for one of the clips' formats.
pub fn warnings<M: Media>(plan: &Plan<M>) -> Result<Vec<Warning>> {
    let mut all: Vec<Warning> = Vec::new();
    let mut add = |warning| {
        if !all.contains(&warning) {
            all.push(warning);
        }
    };
    let formats: BTreeSet<M::Format> = plan.clips.iter().map(|clip| clip.format()).collect();
    for Setting { label, codec, request, .. } in &plan.settings {
        for format in &formats {
            let changes = (codec.configure)(request, format)?.changes.into_iter();
            changes
                .filter(|change| matches!(change.kind, ChangeKind::Clamped | ChangeKind::Invalid))
                .for_each(|change| add(Warning::Value { label: label.clone(), change }));
        }
    }
    let by_itself = |r: &Receiver| matches!(r, Receiver::Adaptive { conceal: Conceal::NetEq, .. });
    if M::KIND == Pcm::KIND && plan.receivers.iter().any(by_itself) {
        let deep = plan.settings.iter().filter(|setting| setting.request.repair.deep_plc);
        deep.for_each(|setting| add(Warning::Unheard { label: setting.label.clone() }));
    }
    if !plan.left_out.is_empty() {
        add(Warning::LeftOut(plan.left_out.clone()));
    }
    plan.networks.iter().flat_map(NetSpec::warnings).for_each(|warning| add(Warning::Network(warning)));
    Ok(all)
}
