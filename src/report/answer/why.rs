//! What the packets show of the reasons: bandwidth, mode, redundancy, what it brought back, bitrate and frame.

use crate::report::family::LossSweep;
use crate::report::figure::{figure, figure_of_loss, range, short};
use crate::report::view::{Seen, View};
use crate::stats::Verdict;

/// Facts of what was brought back, in percent, and what brought it.
const BACK: [(&str, &str); 5] = [
    ("recovered", "in-band FEC"),
    ("recovered-dred", "DRED"),
    ("recovered-nack", "retransmission"),
    ("recovered-red", "RED"),
    ("recovered-flexfec", "FlexFEC"),
];

/// A sentence for each setting, then what they differ in, then what the metrics in use do not hear.
pub fn reasons(view: &View, sweep: &LossSweep, measures: &[usize]) -> Vec<String> {
    let settings = (0..view.settings.len()).filter_map(|s| setting(view, sweep, s));
    let mut all: Vec<String> = settings.collect();
    all.extend(between(view, sweep));
    let caveats = view.caveats.iter().filter(|c| measures.contains(&c.measure));
    all.extend(caveats.map(|c| {
        let title = &view.measures[c.measure].title;
        format!("Caveat of {} of the report's scores: {title} {}.", c.count, c.reason)
    }));
    all
}

/// "Why A: its packets are fullband, hybrid at 0 % loss, wideband, SILK at 1 to 20 % loss; ...".
fn setting(view: &View, sweep: &LossSweep, s: usize) -> Option<String> {
    let mut parts: Vec<String> = Vec::new();
    let coded = runs(view, sweep, |c| Some(coded(seen(view, s, c)?)).filter(|t| !t.is_empty()));
    if !coded.is_empty() {
        parts.push(format!("its packets are {}", coded.join(", ")));
    }
    parts.extend(redundancy(view, sweep, s));
    let hardest = *sweep.last()?;
    let value = |id: &str, c: usize| Some(view.summary(s, c, view.measure(id)?)?.mean);
    let back = BACK.iter().filter_map(|(id, what)| {
        let share = value(id, hardest).filter(|share| *share >= 0.05)?;
        Some(format!("{what} brings back {} %", short(share)))
    });
    let back: Vec<String> = back.collect();
    if let Some(lost) = value("network-loss", hardest).filter(|lost| *lost > 0.0) {
        let at = figure_of_loss(view.conditions[hardest].loss);
        let back = if back.is_empty() { "nothing brings any back".to_owned() } else { back.join(", ") };
        let concealed = value("concealed", hardest).map(|c| format!(", {} % of the time is concealed", short(c)));
        parts.push(format!("at {at} % it loses {} % of them, {back}{}", short(lost), concealed.unwrap_or_default()));
    }
    if let Some(rate) = value("payload-bitrate", *sweep.first()?) {
        let target = view.settings[s].effective.get("bitrate").map(|b| format!(" (target {})", b.join(" or ")));
        parts.push(format!("they hold {} kbit/s{}", short(rate), target.unwrap_or_default()));
    }
    (!parts.is_empty()).then(|| format!("Why {}: {}.", view.settings[s].label, parts.join("; ")))
}

/// Bandwidth and mode of most packets: "wideband, SILK"; "mostly" where others are more than a twentieth.
fn coded(seen: &Seen) -> String {
    let most = |shares: &[(String, f64)]| {
        let (name, share) = shares.first()?;
        Some(if *share < 0.95 { format!("mostly {name}") } else { name.clone() })
    };
    [most(&seen.bandwidths), most(&seen.modes)].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// Which share of packets carries LBRR, at the ends of the sweep.
fn redundancy(view: &View, sweep: &LossSweep, s: usize) -> Option<String> {
    let share = |c: &usize| Some((view.conditions[*c].loss, seen(view, s, *c)?.fec?));
    let shares: Vec<(f64, f64)> = sweep.iter().filter_map(share).collect();
    let (first, last) = (shares.first()?, shares.last()?);
    if shares.iter().all(|(_, share)| *share < 0.0005) {
        let off = view.settings[s].effective.get("inband_fec").is_some_and(|v| v == &["off"]);
        return Some(format!("none carries LBRR{}", if off { " (in-band FEC is off)" } else { "" }));
    }
    let of = |(loss, share): &(f64, f64)| format!("{:.0} % at {} % loss", 100.0 * share, figure_of_loss(*loss));
    Some(format!("LBRR is in {}, {}", of(first), of(last)))
}

/// What the settings' packets differ in, as far as it goes with what the verdicts say.
fn between(view: &View, sweep: &LossSweep) -> Vec<String> {
    let mut all = Vec::new();
    let (Some(mildest), Some(hardest)) = (sweep.first().copied(), sweep.last().copied()) else { return all };
    let n = view.settings.len();
    let each = |of: &dyn Fn(usize) -> Option<String>| -> Option<Vec<String>> { (0..n).map(of).collect() };
    let differ = |values: &[String]| values.iter().any(|v| v != &values[0]);
    let with_labels = |values: Vec<String>| {
        let pairs = values.iter().zip(&view.settings).map(|(v, s)| format!("{} {v}", s.label));
        pairs.collect::<Vec<_>>().join(", ")
    };
    let at = |c: usize| figure_of_loss(view.conditions[c].loss);
    let band = |c: usize| each(&|s| Some(seen(view, s, c)?.bandwidths.first()?.0.clone()));
    if let Some(bands) = band(mildest).filter(|b| differ(b)) {
        all.push(format!("At {} % loss they differ in what they code: {}.", at(mildest), with_labels(bands)));
    }
    let judged = |id: &str, c: usize| {
        let measure = view.measure(id)?;
        let of = view.comparisons.iter().filter(|k| k.measure == measure && k.condition == c);
        let verdicts: Vec<Verdict> = of.map(|k| k.judged.verdict).collect();
        Some((measure, verdicts))
    };
    if let Some((m, verdicts)) = judged("concealed", hardest)
        && verdicts.iter().any(Verdict::differs)
        && let Some(values) = each(&|s| Some(format!("{} %", figure(view.summary(s, hardest, m)?.mean, "%"))))
    {
        let at = at(hardest);
        all.push(format!("At {at} % loss they differ in how much has to be made up: {}.", with_labels(values)));
    }
    let alike = |(_, verdicts): (usize, Vec<Verdict>)| {
        !verdicts.is_empty() && verdicts.iter().all(|v| matches!(v, Verdict::Same | Verdict::Negligible))
    };
    let delay = sweep.iter().all(|c| judged("mouth-to-ear-clock", *c).is_some_and(alike));
    let frames = each(&|s| seen(view, s, mildest)?.frame_ms.map(short));
    if let Some(frames) = frames.filter(|f| delay && !differ(f)) {
        all.push(format!("Delay does not differ: all send packets of {} ms to the same receiver.", frames[0]));
    }
    all
}

fn seen(view: &View, setting: usize, condition: usize) -> Option<&Seen> {
    Some(&view.cells.get(&(setting, condition))?.observed)
}

/// What `of` says of each loss, neighbours of one text together: "wideband, SILK at 1 to 20 % loss".
fn runs(view: &View, sweep: &LossSweep, of: impl Fn(usize) -> Option<String>) -> Vec<String> {
    let mut runs: Vec<(String, Vec<f64>)> = Vec::new();
    for c in sweep {
        let Some(text) = of(*c) else { continue };
        let loss = view.conditions[*c].loss;
        match runs.last_mut() {
            Some((last, losses)) if *last == text => losses.push(loss),
            _ => runs.push((text, vec![loss])),
        }
    }
    runs.into_iter().map(|(text, losses)| format!("{text} at {}", range(&losses))).collect()
}
