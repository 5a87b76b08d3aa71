//! What stores of builds before [`Subject`] have in words alone.

use crate::plan::Subject;
use std::collections::BTreeMap;

/// Read out of the effective settings.
pub fn subject(effective: &BTreeMap<String, String>) -> Subject {
    let told = |name: &str| effective.get(name).map(String::as_str);
    // "48000 Hz"; "16000 to 48000 Hz by rubato".
    let rates = told("clip resampled").or(told("sample rate")).unwrap_or_default();
    let rates = || rates.split(' ').filter_map(|word| word.parse().ok());
    Subject {
        clip_rate: rates().next(),
        sample_rate: rates().min(),
        // "640x360".
        lines: told("size").and_then(|size| size.split_once('x')).and_then(|(_, lines)| lines.parse().ok()),
        generative: told("dred_ms").is_some() || told("deep_plc") == Some("on"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_what_was_judged() {
        let of = |told: &[(&str, &str)]| {
            subject(&told.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let sound = |clip_rate, sample_rate| Subject {
            clip_rate: Some(clip_rate),
            sample_rate: Some(sample_rate),
            ..Subject::default()
        };
        assert_eq!(of(&[("sample rate", "48000 Hz")]), sound(48_000, 48_000));
        let resampled = |how| [("clip resampled", how), ("sample rate", "1 Hz")];
        assert_eq!(of(&resampled("16000 to 48000 Hz by rubato")), sound(16_000, 16_000));
        assert_eq!(of(&resampled("48000 to 8000 Hz by rubato")), sound(48_000, 8000));
        assert_eq!(of(&[("size", "640x360")]), Subject { lines: Some(360), ..Subject::default() });
        assert!(of(&[("dred_ms", "500")]).generative && of(&[("deep_plc", "on")]).generative);
        assert!(!of(&[("deep_plc", "off")]).generative);
    }
}
