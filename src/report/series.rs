//! Settings that belong together.

use super::view::View;
use crate::codec::{self, Terms};

/// How many colours there are: Okabe and Ito's palette for all kinds of colour vision, without its yellow, which does
/// not show on white.
pub const SERIES: usize = 7;

/// Settings of one codec that differ in nothing but their bitrate: one line in a chart over bitrate.
pub struct Series {
    pub name: String,
    pub colour: usize,
    /// Of its markers.
    pub shape: usize,
    /// In the order of the plan.
    pub settings: Vec<usize>,
}

/// All settings of the view, in the order of the plan. No two series have the same name.
pub fn series(view: &View) -> Vec<Series> {
    let kind = |s: usize| {
        let setting = &view.settings[s];
        let parameters = setting.effective.iter().filter(|(name, _)| !name.contains("bitrate"));
        (setting.codec.clone(), parameters.map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>())
    };
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for s in 0..view.settings.len() {
        match groups.iter_mut().find(|g| kind(g[0]) == kind(s)) {
            Some(group) => group.push(s),
            None => groups.push(vec![s]),
        }
    }
    let codec = |g: &[usize]| view.settings[g[0]].codec.as_str();
    let labels = |g: &[usize]| g.iter().map(|s| view.settings[*s].label.as_str()).collect::<Vec<_>>();
    let short = |g: &Vec<usize>| {
        let labels = labels(g);
        let alone = groups.iter().filter(|other| codec(other) == codec(g)).count() == 1;
        let common = if g.len() == 1 { labels[0].to_owned() } else { beginning(&labels) };
        if g.len() > 1 && (alone || common.is_empty()) { codec(g).to_owned() } else { common }
    };
    let names: Vec<String> = groups.iter().map(short).collect();
    let name = |(i, g): (usize, &Vec<usize>)| {
        let unique = |name: &String| names.iter().enumerate().all(|(k, other)| k == i || other != name);
        // Where the beginnings are alike, what follows the bitrate tells; at last the label of the first.
        let candidates = [names[i].clone(), without_bitrate(labels(g)[0])];
        candidates.into_iter().find(unique).unwrap_or_else(|| labels(g)[0].to_owned())
    };
    let make = |(i, g): (usize, &Vec<usize>)| Series {
        name: name((i, g)),
        colour: view.settings[g[0]].colour,
        shape: view.settings[g[0]].colour,
        settings: g.clone(),
    };
    groups.iter().enumerate().map(make).collect()
}

/// As [`series`], but the settings of one name are one line, whatever else their bitrate changes in the codec (frame length,
/// block size): "iLBC" at both of its bitrates.
pub fn series_by_name(view: &View) -> Vec<Series> {
    let mut all: Vec<Series> = Vec::new();
    for (s, setting) in view.settings.iter().enumerate() {
        let name = without_bitrate(&setting.label);
        match all.iter_mut().find(|other| other.name == name && view.settings[other.settings[0]].codec == setting.codec)
        {
            Some(series) => series.settings.push(s),
            None => all.push(Series { name, colour: setting.colour, shape: all.len(), settings: vec![s] }),
        }
    }
    all
}

/// What the codec's format asked of its users, if this is a known codec of audio.
pub fn terms(codec: &str) -> Option<Terms> {
    codec::AUDIO.iter().find(|c| c.name == codec).map(|c| c.licence.terms)
}

/// The codecs of audio in the view, each once.
pub fn codecs(view: &View) -> Vec<&str> {
    let mut codecs: Vec<&str> = Vec::new();
    for codec in view.settings.iter().map(|s| s.codec.as_str()).filter(|c| terms(c).is_some()) {
        if !codecs.contains(&codec) {
            codecs.push(codec);
        }
    }
    codecs
}

/// Settings of like bitrate, one of each series, by rising bitrate; `None` unless all series have equally many bitrates, and
/// there are more settings than a chart has colours.
pub fn rungs(view: &View) -> Option<Vec<Vec<usize>>> {
    let all = series(view);
    let n = all.first()?.settings.len();
    if view.settings.len() <= SERIES || n < 2 || all.len() < 2 || all.iter().any(|s| s.settings.len() != n) {
        return None;
    }
    let bitrate = view.measure("payload-bitrate")?;
    let rate = |s: &usize| {
        let first = (0..view.conditions.len()).find_map(|c| view.summary(*s, c, bitrate));
        first.map_or(f64::INFINITY, |r| r.mean)
    };
    let sorted = all.into_iter().map(|series| {
        let mut settings = series.settings;
        settings.sort_by(|a, b| rate(a).total_cmp(&rate(b)));
        settings
    });
    let sorted: Vec<Vec<usize>> = sorted.collect();
    Some((0..n).map(|k| sorted.iter().map(|s| s[k]).collect()).collect())
}

/// The words that all begin with: "opus" of "opus 6 kbit/s" and "opus 12 kbit/s".
fn beginning(labels: &[&str]) -> String {
    let shared = |(i, word): &(usize, &str)| labels.iter().all(|l| l.split_whitespace().nth(*i) == Some(word));
    let words = labels[0].split_whitespace().enumerate().take_while(shared);
    words.map(|(_, word)| word).collect::<Vec<_>>().join(" ")
}

/// "VP8, 3 temporal layers" of "VP8 500 kbit/s, 3 temporal layers".
fn without_bitrate(label: &str) -> String {
    let words: Vec<&str> = label.split(' ').collect();
    let mut kept = String::new();
    let mut rest = words.as_slice();
    while let [word, more @ ..] = rest {
        rest = more;
        if word.parse::<f64>().is_ok() && more.first().is_some_and(|unit| unit.starts_with("kbit/s")) {
            kept += if more[0].ends_with(',') { "," } else { "" };
            rest = &more[1..];
        } else {
            kept += if kept.is_empty() { "" } else { " " };
            kept += word;
        }
    }
    kept.trim_end_matches(',').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_without_its_bitrate_names_the_family() {
        assert_eq!(without_bitrate("VP8 500 kbit/s, 3 temporal layers"), "VP8, 3 temporal layers");
        assert_eq!(without_bitrate("VP8 500 kbit/s"), "VP8");
        assert_eq!(without_bitrate("H264 high 2.5 kbit/s x"), "H264 high x");
        assert_eq!(beginning(&["opus 6 kbit/s", "opus 12 kbit/s"]), "opus");
    }
}
