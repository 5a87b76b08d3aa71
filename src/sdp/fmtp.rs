//! `a=fmtp` lines (RFC 8866, section 6.15), as people paste them.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The parameters of an `a=fmtp` line, in order, unknown ones kept.
///
/// An fmtp line stands in the *receiver's* description: it says what the receiver wishes, and steers the sender's
/// encoder. Only `sprop-*` parameters are the describing side's own statement about what it will send.
///
/// ```
/// # use codecbench::sdp::fmtp::Fmtp;
/// let fmtp: Fmtp = "a=fmtp:111 minptime=10; UseInbandFec = 1;\r\n".parse()?;
/// assert_eq!(fmtp.get("useinbandfec"), Some("1"));
/// assert_eq!(fmtp.to_string(), "minptime=10;useinbandfec=1");
/// # Ok::<(), codecbench::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Fmtp(Vec<(String, Option<String>)>);

impl Fmtp {
    /// Name (lower case) and value of each parameter, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.0.iter().map(|(n, v)| (n.as_str(), v.as_deref()))
    }

    /// The value of the parameter `name` (lower case). `None`: not there, or there without a value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).and_then(|(_, v)| v)
    }

    /// Gives `name` that value: in its place if it is there, else at the end.
    ///
    /// # Errors
    /// [`Error::Usage`] when the two could not stand in an fmtp line.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        let (name, value) = parameter(&format!("{name}={value}"))?;
        match self.0.iter_mut().find(|(n, _)| *n == name) {
            Some(place) => place.1 = value,
            None => self.0.push((name, value)),
        }
        Ok(())
    }
}

impl FromStr for Fmtp {
    type Err = Error;

    /// Takes `a=fmtp:111 x=1;y=2`, `fmtp:111 ...`, `111 ...` or the bare parameters; the payload type is checked and
    /// dropped, since the session assigns its own. Nothing at all is a line without parameters.
    fn from_str(line: &str) -> Result<Fmtp> {
        let line = line.trim();
        if let Some(c) = line.chars().find(|c| c.is_control() && *c != '\t') {
            return Err(wrong(format!("the control character {c:?} cannot stand in one line")));
        }
        let body = strip_payload_type(line)?.trim();
        if body.is_empty() {
            return Ok(Fmtp::default());
        }
        let mut parameters: Vec<(String, Option<String>)> = Vec::new();
        for part in body.strip_suffix(';').unwrap_or(body).split(';') {
            let (name, value) = parameter(part)?;
            if parameters.iter().any(|(n, _)| *n == name) {
                return Err(wrong(format!("the parameter '{name}' stands there twice; say it once")));
            }
            parameters.push((name, value));
        }
        Ok(Fmtp(parameters))
    }
}

/// `name=value;name=value`, without prefix and spaces.
impl fmt::Display for Fmtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, value)) in self.iter().enumerate() {
            let separator = if i == 0 { "" } else { ";" };
            match value {
                Some(value) => write!(f, "{separator}{name}={value}")?,
                None => write!(f, "{separator}{name}")?,
            }
        }
        Ok(())
    }
}

impl TryFrom<String> for Fmtp {
    type Error = Error;
    fn try_from(text: String) -> Result<Fmtp> {
        text.parse()
    }
}

impl From<Fmtp> for String {
    fn from(fmtp: Fmtp) -> String {
        fmtp.to_string()
    }
}

fn wrong(what: String) -> Error {
    Error::usage(format!("fmtp line: {what}"))
}

/// What follows the attribute name and the payload type, each of them optional.
fn strip_payload_type(line: &str) -> Result<&str> {
    let attribute = strip_word(line, "a").and_then(|rest| rest.strip_prefix('=')).map(str::trim_start);
    let rest = attribute.unwrap_or(line);
    if let Some(rest) = strip_word(rest, "fmtp").and_then(|rest| rest.strip_prefix(':')) {
        let rest = rest.trim_start();
        let (number, rest) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        check_payload_type(number)?;
        return Ok(rest);
    }
    if attribute.is_some() {
        let name = rest.split([':', ' ']).next().unwrap_or(rest);
        return Err(wrong(format!(
            "'a={name}' is another attribute, 'a=fmtp:<payload type> name=value;...' is wanted"
        )));
    }
    match rest.split_once(char::is_whitespace) {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => {
            check_payload_type(number)?;
            Ok(rest)
        }
        _ => Ok(rest),
    }
}

/// What follows `word` (in any case) and the spaces after it.
fn strip_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(word.len())?;
    head.eq_ignore_ascii_case(word).then(|| rest.trim_start())
}

/// RTP payload types have seven bits (RFC 3550, section 5.1).
fn check_payload_type(number: &str) -> Result<()> {
    match number.parse::<u8>() {
        Ok(0..=127) if number.bytes().all(|b| b.is_ascii_digit()) => Ok(()),
        _ => Err(wrong(format!("the payload type must be a number from 0 to 127, not '{number}'"))),
    }
}

/// One `name=value` or `name`. The value may hold further '=' (base64).
fn parameter(part: &str) -> Result<(String, Option<String>)> {
    let part = part.trim();
    let (name, value) = match part.split_once('=') {
        Some((name, value)) => (name.trim_end(), Some(value.trim_start())),
        None => (part, None),
    };
    if part.is_empty() {
        return Err(wrong("there is an empty parameter before or between ';'; leave the ';' out".into()));
    }
    if name.is_empty() {
        return Err(wrong(format!("'{part}' has no name before '='; name=value would be right")));
    }
    // A name "a" or one with ':' would read as an SDP attribute when the line is pasted again.
    if name.contains(':') || name.eq_ignore_ascii_case("a") {
        return Err(wrong(format!("'{part}' is not a parameter but looks like an SDP attribute")));
    }
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == ';';
    if name.contains(bad) || value.is_some_and(|v| v.contains(bad)) {
        return Err(wrong(format!("'{part}' is not 'name=value'; parameters are separated by ';'")));
    }
    Ok((name.to_ascii_lowercase(), value.map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_way_of_pasting_gives_the_same_line() {
        for line in [
            "a=fmtp:111 minptime=10;useinbandfec=1",
            "fmtp:111 minptime=10;useinbandfec=1",
            "111 minptime=10;useinbandfec=1",
            "minptime=10; useinbandfec=1;",
            "  A=FMTP: 111\tMinPTime = 10 ;USEINBANDFEC=1 ; \r\n",
        ] {
            let fmtp: Fmtp = line.parse().unwrap();
            assert_eq!(fmtp.to_string(), "minptime=10;useinbandfec=1", "{line:?}");
        }
        for line in ["", "  \r\n", "a=fmtp:111", "fmtp:0 "] {
            assert_eq!(line.parse::<Fmtp>().unwrap().to_string(), "", "{line:?}");
        }
    }

    #[test]
    fn order_unknown_parameters_base64_and_bare_values_are_kept() {
        for line in ["z=1;a1=2;x-google=a,b", "sprop-parameter-sets=Z0IAKeKQFAe2,aM48gA==;b=", "0-15,66,70", "111/111"]
        {
            assert_eq!(line.parse::<Fmtp>().unwrap().to_string(), line);
        }
        assert_eq!("101 0-15".parse::<Fmtp>().unwrap().iter().collect::<Vec<_>>(), [("0-15", None)]);
    }

    #[test]
    fn errors_point_at_the_offending_part() {
        for (line, part) in [
            ("=5", "'=5'"),
            ("a=fmtp:111 minptime=10; =5", "'=5'"),
            ("stereo=1;Stereo=0", "'stereo'"),
            ("stereo=1;;cbr=1", "empty parameter"),
            (";", "';'"),
            ("stereo=1;;", "empty parameter"),
            ("stereo=\u{1}", "control character"),
            ("stereo=1\r\ncbr=1", "control character"),
            ("a=rtpmap:111 opus/48000/2", "a=rtpmap"),
            ("rtpmap:111", "rtpmap:111"),
            ("a=fmtp:opus stereo=1", "'opus'"),
            ("a=fmtp:128 stereo=1", "'128'"),
            ("a=fmtp:+11 stereo=1", "'+11'"),
            ("300 stereo=1", "'300'"),
            ("a=fmtp:111stereo=1", "'111stereo=1'"),
            ("stereo=1 cbr=1", "'stereo=1 cbr=1'"),
            ("111 a=fmtp:111 stereo=1", "SDP attribute"),
        ] {
            let error = line.parse::<Fmtp>().unwrap_err();
            assert!(error.to_string().contains(part), "{line:?}: {error}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn set_replaces_in_place_or_appends() {
        let mut fmtp: Fmtp = "stereo=0;cbr=1".parse().unwrap();
        fmtp.set("Stereo", "1").unwrap();
        fmtp.set("usedtx", "1").unwrap();
        assert_eq!(fmtp.to_string(), "stereo=1;cbr=1;usedtx=1");
        assert!(fmtp.set("x;y", "1").is_err() && fmtp.set("x", "1;z=2").is_err() && fmtp.set("", "1").is_err());
    }

    proptest! {
        #[test]
        fn parsing_never_panics_and_what_parses_survives_printing(line in r"(a ?= ?)?(fmtp: ?)?([0-9]{1,3} )?\PC{0,40}") {
            if let Ok(fmtp) = line.parse::<Fmtp>() {
                prop_assert_eq!(fmtp.to_string().parse::<Fmtp>().unwrap(), fmtp);
            }
        }

        #[test]
        fn lines_of_real_shape_survive_printing(
            parameters in proptest::collection::vec((" ?[a-zA-Z0-9:-]{1,3} ?", proptest::option::of("[a-f0-9=:]{0,3} ?")), 0..5),
            prefix in "(a=fmtp:111 |fmtp:5 |96 )?",
        ) {
            let parts: Vec<String> =
                parameters.iter().map(|(n, v)| v.as_ref().map_or_else(|| n.clone(), |v| format!("{n}={v}"))).collect();
            if let Ok(fmtp) = format!("{prefix}{}", parts.join(";")).parse::<Fmtp>() {
                prop_assert_eq!(fmtp.to_string().parse::<Fmtp>().unwrap(), fmtp);
            }
        }

        #[test]
        fn any_text_is_refused_or_read_but_never_a_panic(line in any::<String>()) {
            let _ = line.parse::<Fmtp>();
        }
    }
}
