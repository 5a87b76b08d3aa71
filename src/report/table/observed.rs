//! What packets and the headers of coded pictures showed.

use super::cells::{Table, dash, number, of, text};
use crate::report::figure::short;
use crate::report::view::{Seen, SeenPictures, View};
use std::collections::BTreeSet;

/// What packets showed under each condition.
pub fn observed(view: &View) -> Table {
    let columns = vec![
        text("setting"),
        text("network"),
        number("frame", "ms"),
        text("channels"),
        text("bandwidths"),
        text("modes"),
        number("with in-band FEC", "% of packets"),
        number("DTX", "% of packets"),
    ];
    let mut table = Table::new("Observed in the packets, by network", "– : this codec's packets do not tell.", columns);
    for ((s, c), cell) in &view.cells {
        let seen = &cell.observed;
        if (Seen { pictures: None, ..seen.clone() }) == Seen::default() {
            continue;
        }
        let share = |v: Option<f64>| v.map_or("–".into(), |v| short(100.0 * v));
        let channels: Vec<String> = seen.channels.iter().map(u8::to_string).collect();
        table.row([
            of(&view.settings[*s].label),
            of(&view.conditions[*c].name),
            of(seen.frame_ms.map_or("–".into(), short)),
            of(dash(channels.join(", "))),
            of(dash(shares(&seen.bandwidths))),
            of(dash(shares(&seen.modes))),
            of(share(seen.fec)),
            of(share(seen.dtx)),
        ]);
    }
    table
}

/// What the headers of coded pictures showed under each condition.
pub fn observed_pictures(view: &View) -> Table {
    let columns = vec![
        text("setting"),
        text("network"),
        text("profile"),
        text("level"),
        text("size"),
        number("coded", "fps"),
        text("temporal layers"),
        number("key frames", "per case"),
        number("QP", "mean"),
    ];
    let note = "– : this codec's pictures do not tell. QP is on the codec's own scale.";
    let mut table = Table::new("Observed in the coded pictures, by network", note, columns);
    for ((s, c), cell) in &view.cells {
        let Some(seen) = &cell.observed.pictures else { continue };
        let mean = |v: Option<f64>| of(v.map_or("–".into(), short));
        table.row([
            of(&view.settings[*s].label),
            of(&view.conditions[*c].name),
            of(dash(seen.profiles.join(", "))),
            of(dash(seen.levels.join(", "))),
            of(dash(sizes(&seen.sizes).join(", "))),
            mean(seen.frame_rate),
            of(dash(seen.layers.iter().map(u8::to_string).collect::<Vec<_>>().join(", "))),
            mean(seen.key_frames),
            mean(seen.qp),
        ]);
    }
    table
}

fn sizes(sizes: &[(u32, u32)]) -> Vec<String> {
    sizes.iter().map(|(w, h)| format!("{w}x{h}")).collect()
}

/// "profile 0; level 3.1; 640x360; 29.9 to 30 fps; 3 temporal layers; 1 to 4 key frames per case; QP 31.5 to 38".
fn pictures_in_words(seen: &[&Seen]) -> Vec<String> {
    let seen: Vec<&SeenPictures> = seen.iter().filter_map(|s| s.pictures.as_ref()).collect();
    let all = |of: &dyn Fn(&SeenPictures) -> Vec<String>, before: &str, after: &str| {
        let values: BTreeSet<String> = seen.iter().flat_map(|s| of(s)).collect();
        let values = values.into_iter().collect::<Vec<_>>().join(" or ");
        (!values.is_empty()).then(|| format!("{before}{values}{after}"))
    };
    let range = |of: fn(&SeenPictures) -> Option<f64>, before: &str, after: &str| {
        let values: Vec<f64> = seen.iter().filter_map(|s| of(s)).collect();
        let low = short(values.iter().copied().fold(f64::INFINITY, f64::min));
        let high = short(values.iter().copied().fold(f64::NEG_INFINITY, f64::max));
        let range = if low == high { high } else { format!("{low} to {high}") };
        (!values.is_empty()).then(|| format!("{before}{range}{after}"))
    };
    let profile = |p: &String| if p.starts_with("profile") { p.clone() } else { format!("{p} profile") };
    let layers = |s: &SeenPictures| s.layers.iter().filter(|n| **n > 1).map(u8::to_string).collect();
    let parts = [
        all(&|s| s.profiles.iter().map(profile).collect(), "", ""),
        all(&|s| s.levels.clone(), "level ", ""),
        all(&|s| sizes(&s.sizes), "", ""),
        range(|s| s.frame_rate, "", " fps"),
        all(&layers, "", " temporal layers"),
        range(|s| s.key_frames, "", " key frames per case"),
        range(|s| s.qp, "QP ", ""),
    ];
    parts.into_iter().flatten().collect()
}

fn shares(shares: &[(String, f64)]) -> String {
    let of = |(name, share): &(String, f64)| {
        if *share > 0.9995 { name.clone() } else { format!("{name} {} %", short(100.0 * share)) }
    };
    shares.iter().map(of).collect::<Vec<_>>().join(", ")
}

/// "fullband; SILK 80 %, hybrid 20 %; 20 ms frames; 1 channel; FEC in 0 to 93 % of packets".
pub(super) fn seen_in_words(seen: &[&Seen]) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut add = |texts: Vec<String>| {
        let mut texts: Vec<String> = texts.into_iter().filter(|t| !t.is_empty()).collect();
        texts.dedup();
        match texts.len() {
            0 => {}
            1 | 2 => words.push(texts.join(" to ")),
            n => words.push(format!("{} to {} ({n} networks differ)", texts[0], texts[n - 1])),
        }
    };
    add(seen.iter().map(|s| shares(&s.bandwidths)).collect());
    add(seen.iter().map(|s| shares(&s.modes)).collect());
    add(seen.iter().filter_map(|s| s.frame_ms).map(|f| format!("{} ms frames", short(f))).collect());
    let channels = |s: &&Seen| s.channels.iter().map(u8::to_string).collect::<Vec<_>>().join(" or ");
    let plural = |n: String| if n.is_empty() { n } else { format!("{n} channel{}", if n == "1" { "" } else { "s" }) };
    add(seen.iter().map(channels).map(plural).collect());
    for (name, of) in [("FEC", (|s: &Seen| s.fec) as fn(&Seen) -> Option<f64>), ("DTX", |s| s.dtx)] {
        let values: Vec<f64> = seen.iter().filter_map(|s| of(s)).map(|v| 100.0 * v).collect();
        let low = short(values.iter().copied().fold(f64::INFINITY, f64::min));
        let high = short(values.iter().copied().fold(0.0, f64::max));
        if !values.is_empty() {
            let range = if low == high { high } else { format!("{low} to {high}") };
            words.push(format!("{name} in {range} % of packets"));
        }
    }
    words.extend(pictures_in_words(seen));
    dash(words.join("; "))
}
