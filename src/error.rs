//! The one error type. Variants are told apart by what the caller does about them.

use std::path::PathBuf;

/// What can go wrong. The text of each says what is wrong, where, and what would be right.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Wrong usage: an option, a plan, an fmtp line, an unknown name. Exit code 2.
    #[error("{0}")]
    Usage(String),
    /// A file that cannot be used as it is: missing, cut short, of another kind. Exit code 2.
    #[error("{}: {reason}", path.display())]
    Input { path: PathBuf, reason: String },
    /// A file or folder that cannot be written. Exit code 2.
    #[error("{}: cannot write: {reason}", path.display())]
    Output { path: PathBuf, reason: String },
    /// A codec refused a frame or a setting.
    #[error("{codec}: {reason}")]
    Codec { codec: &'static str, reason: String },
    /// A metric cannot score this pair.
    #[error("{metric}: {reason}")]
    Metric { metric: &'static str, reason: String },
    /// The simulated call did not come about.
    #[error("call: {0}")]
    Call(String),
    /// The result store is damaged or locked.
    #[error("store: {0}")]
    Store(String),
    /// A corpus package cannot be had: no client, no network, another version, other bytes than the manifest pins.
    #[error("{package}: {reason}")]
    Fetch { package: String, reason: String },
}

impl Error {
    pub fn usage(text: impl Into<String>) -> Error {
        Error::Usage(text.into())
    }

    pub fn input(path: impl Into<PathBuf>, reason: impl ToString) -> Error {
        Error::Input { path: path.into(), reason: reason.to_string() }
    }

    pub fn output(path: impl Into<PathBuf>, reason: impl ToString) -> Error {
        Error::Output { path: path.into(), reason: reason.to_string() }
    }

    /// The exit code of the program: 2 for wrong usage or input, 1 for everything that failed on the way.
    pub fn exit_code(&self) -> u8 {
        match self {
            Error::Usage(_) | Error::Input { .. } | Error::Output { .. } => 2,
            _ => 1,
        }
    }
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// "unknown codec 'opsu', did you mean 'opus'?": the nearest of `known`, or all of them when none is near.
pub fn unknown(kind: &str, name: &str, known: &[&str]) -> Error {
    let near = known
        .iter()
        .map(|k| (strsim::damerau_levenshtein(&k.to_lowercase(), &name.to_lowercase()), *k))
        .min()
        .filter(|(distance, k)| *distance <= 1 + k.len() / 3);
    Error::Usage(match near {
        Some((_, k)) => format!("unknown {kind} '{name}', did you mean '{k}'?"),
        None => format!("unknown {kind} '{name}'; known: {}", known.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_name_names_its_nearest() {
        assert_eq!(
            unknown("codec", "opsu", &["PCMU", "opus"]).to_string(),
            "unknown codec 'opsu', did you mean 'opus'?"
        );
        assert!(unknown("codec", "zzzzzzz", &["PCMU", "opus"]).to_string().ends_with("known: PCMU, opus"));
    }
}
