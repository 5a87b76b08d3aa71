//! What two peers do against loss beyond a codec's own in-band FEC, in words: `nack red:1`.

use crate::error::{Error, Result, unknown};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The default is a browser's for audio: nothing of it. In-band FEC is the fmtp line's matter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Repair {
    /// Generic NACK (RFC 4585, section 6.2.1) and retransmission.
    pub nack: bool,
    /// Earlier frames that each packet repeats (RFC 2198): 0 to 2.
    pub red: u8,
    /// FlexFEC-03: media packets per repair packet; 0: none.
    pub flexfec: u8,
    /// The reach of deep redundancy (DRED of libopus 1.6) that the encoder is asked for.
    pub dred: Duration,
    /// Neural concealment in the decoder (libopus, decoder complexity 5).
    pub deep_plc: bool,
    /// Transport-wide congestion control steers the encoder's bitrate.
    pub gcc: bool,
}

const WORDS: &[&str] = &["none", "nack", "red", "flexfec", "dred", "deep-plc", "gcc"];

impl FromStr for Repair {
    type Err = Error;

    /// # Errors
    /// [`Error::Usage`] that names the word and what would be right.
    fn from_str(text: &str) -> Result<Repair> {
        let mut repair = Repair::default();
        for word in text.split_whitespace() {
            let (name, value) = word.split_once(':').map_or((word, None), |(n, v)| (n, Some(v)));
            let wrong = |right: &str| Error::usage(format!("repair: '{word}': say {right}"));
            let count = |most: u8, default: u8, right: &str| match value.map(str::parse::<u8>) {
                None => Ok(default),
                Some(Ok(n)) if (1..=most).contains(&n) => Ok(n),
                _ => Err(wrong(right)),
            };
            match name {
                "none" if text.trim() == "none" => {}
                "nack" if value.is_none() => repair.nack = true,
                "red" => repair.red = count(2, 1, "red:1 or red:2, the earlier frames that a packet repeats")?,
                "flexfec" => repair.flexfec = count(48, 5, "flexfec:5, the media packets per repair packet (1 to 48)")?,
                "dred" => {
                    let reach = value.and_then(|v| v.strip_suffix("ms")).and_then(|v| v.parse::<u64>().ok());
                    let reach = reach.filter(|ms| (10..=1040).contains(ms) && ms % 10 == 0);
                    let right = "dred:500ms, the reach (10 to 1040 ms, in steps of 10)";
                    repair.dred = Duration::from_millis(reach.ok_or_else(|| wrong(right))?);
                }
                "deep-plc" if value.is_none() => repair.deep_plc = true,
                "gcc" if value.is_none() => repair.gcc = true,
                "none" => return Err(wrong("none alone, or the methods without it")),
                "nack" | "deep-plc" | "gcc" => return Err(wrong(&format!("{name} without a value"))),
                _ => return Err(unknown("repair method", name, WORDS)),
            }
        }
        Ok(repair)
    }
}

/// Canonical: what is printed parses to the same.
impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // By name, so that nothing is left out: keys and reports tell repairs apart by these words.
        let Repair { nack, red, flexfec, dred, deep_plc, gcc } = *self;
        let mut words = Vec::new();
        let mut word = |on: bool, text: String| words.extend(on.then_some(text));
        word(nack, "nack".into());
        word(red > 0, format!("red:{red}"));
        word(flexfec > 0, format!("flexfec:{flexfec}"));
        word(!dred.is_zero(), format!("dred:{}ms", dred.as_millis()));
        word(deep_plc, "deep-plc".into());
        word(gcc, "gcc".into());
        f.write_str(&if words.is_empty() { "none".into() } else { words.join(" ") })
    }
}

impl TryFrom<String> for Repair {
    type Error = Error;
    fn try_from(text: String) -> Result<Repair> {
        text.parse()
    }
}

impl From<Repair> for String {
    fn from(repair: Repair) -> String {
        repair.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_methods_are_the_same_thing() {
        let words = "nack red:2 flexfec:10 dred:500ms deep-plc gcc";
        let repair: Repair = words.parse().unwrap();
        assert_eq!(repair.to_string(), words);
        assert_eq!((repair.red, repair.flexfec, repair.dred), (2, 10, Duration::from_millis(500)));
        assert_eq!("red flexfec".parse::<Repair>().unwrap().to_string(), "red:1 flexfec:5");
        for nothing in ["", "none"] {
            assert_eq!(nothing.parse::<Repair>().unwrap(), Repair::default());
        }
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (text, says) in [
            ("nak", "did you mean 'nack'?"),
            ("red:3", "'red:3': say red:1 or red:2"),
            ("flexfec:0", "(1 to 48)"),
            ("dred", "dred:500ms"),
            ("dred:505ms", "in steps of 10"),
            ("nack:5", "nack without a value"),
            ("none nack", "none alone"),
        ] {
            let error = text.parse::<Repair>().expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
