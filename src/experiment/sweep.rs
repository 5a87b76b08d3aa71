//! `maxaveragebitrate={12000,20000};usedtx={0,1}`: one line that stands for several.

use crate::error::{Error, Result};
use crate::sdp::fmtp::Fmtp;

/// More settings than this are no comparison that anybody reads.
const MOST: usize = 64;

/// The lines that each of `lines` stands for, with their labels: a letter per line, and the values that were swept, "A",
/// "B 12000 1". Every value with every other; the last one turns fastest.
///
/// # Errors
/// [`Error::Usage`] for what is no fmtp line, braces that do not match, and too many lines.
pub fn unfold(lines: &[String]) -> Result<Vec<(String, Fmtp)>> {
    let mut all = Vec::new();
    for (i, line) in lines.iter().enumerate() {
        let letter = char::from_u32('A' as u32 + i as u32).filter(char::is_ascii_uppercase);
        let letter = letter.ok_or_else(|| Error::usage("at most 26 lines can be compared at once"))?;
        for (values, line) in variants(line)? {
            let label = std::iter::once(letter.to_string()).chain(values).collect::<Vec<_>>().join(" ");
            all.push((label, line.parse()?));
        }
    }
    if all.len() > MOST {
        return Err(Error::usage(format!(
            "the lines stand for {} settings, more than {MOST}; sweep less at once",
            all.len()
        )));
    }
    Ok(all)
}

/// The swept values and the line with them, for each choice.
fn variants(line: &str) -> Result<Vec<(Vec<String>, String)>> {
    let wrong =
        |what: &str| Error::usage(format!("fmtp line '{line}': {what}; a sweep is written name={{value,value}}"));
    let (mut done, mut rest) = (vec![(Vec::new(), String::new())], line);
    while let Some((head, tail)) = rest.split_once('{') {
        let (list, after) = tail.split_once('}').ok_or_else(|| wrong("a '{' without '}'"))?;
        if head.contains('}') || list.contains('{') {
            return Err(wrong("braces do not match"));
        }
        if !head.ends_with('=') {
            return Err(wrong("braces must stand for a whole value"));
        }
        let values: Vec<&str> = list.split(',').map(str::trim).collect();
        if values.iter().any(|v| v.is_empty()) {
            return Err(wrong("an empty value between braces"));
        }
        if (1..values.len()).any(|i| values[..i].contains(&values[i])) {
            return Err(wrong("a value stands there twice"));
        }
        if done.len() * values.len() > MOST {
            return Err(wrong(&format!("it stands for more than {MOST} settings")));
        }
        let with = |(chosen, text): &(Vec<String>, String), value: &&str| {
            ([&chosen[..], &[(*value).to_owned()]].concat(), format!("{text}{head}{value}"))
        };
        done = done.iter().flat_map(|d| values.iter().map(move |v| with(d, v))).collect();
        rest = after;
    }
    if rest.contains('}') {
        return Err(wrong("a '}' without '{'"));
    }
    Ok(done.into_iter().map(|(chosen, text)| (chosen, text + rest)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Vec<String> {
        let lines: Vec<String> = lines.iter().map(|l| (*l).to_owned()).collect();
        unfold(&lines).unwrap().into_iter().map(|(label, fmtp)| format!("{label}: {fmtp}")).collect()
    }

    #[test]
    fn every_value_meets_every_other_and_stands_in_the_label() {
        assert_eq!(
            told(&["useinbandfec=1", "a=fmtp:111 maxaveragebitrate={12000, 20000};usedtx={0,1};stereo=1"]),
            [
                "A: useinbandfec=1",
                "B 12000 0: maxaveragebitrate=12000;usedtx=0;stereo=1",
                "B 12000 1: maxaveragebitrate=12000;usedtx=1;stereo=1",
                "B 20000 0: maxaveragebitrate=20000;usedtx=0;stereo=1",
                "B 20000 1: maxaveragebitrate=20000;usedtx=1;stereo=1",
            ]
        );
        assert_eq!(told(&["ptime={60}", ""]), ["A 60: ptime=60", "B: "]);
    }

    #[test]
    fn what_is_no_sweep_is_refused_with_the_reason() {
        let many = format!("ptime={{{}}}", (1..=65).map(|v| v.to_string()).collect::<Vec<_>>().join(","));
        for (line, says) in [
            ("ptime={10,20", "without '}'"),
            ("ptime=10}", "without '{'"),
            ("ptime={10,{20}", "do not match"),
            ("ptime={10,}", "empty value"),
            ("ptime={10,10}", "twice"),
            ("{ptime,x}=1", "a whole value"),
            (many.as_str(), "more than 64"),
        ] {
            let error = unfold(&[line.to_owned()]).unwrap_err();
            assert!(error.to_string().contains(says) && error.exit_code() == 2, "{line}: {error}");
        }
        let letters = vec![String::new(); 27];
        assert!(unfold(&letters).unwrap_err().to_string().contains("at most 26"));
    }
}
