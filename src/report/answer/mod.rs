//! The answer to "which of these is better, from which loss on, and why": sentences and a table for each family of
//! networks, made of the view's figures alone.

mod why;

use super::basis;
use super::chart::canvas::caption::counts;
use super::family::{LossSweep, families};
use super::figure::{bracket, figure, figure_of_loss, short};
use super::table::cells::{Table, number, of, text};
use super::view::{Comparison, View};
use crate::metric::Better;
use crate::report::figure::range;
use crate::stats::{Interval, Summary, Verdict};

/// Pairs of more settings are too many to read.
const MOST_SETTINGS: usize = 4;
const MOST_FAMILIES: usize = 6;
const MOST_QUALITIES: usize = 3;

/// Delay, freezes and bitrate as facts, of sound and of pictures.
const COSTS: [&str; 4] = ["mouth-to-ear-clock", "capture-to-render", "stalled", "wire-bitrate"];

/// What the answer says of one family of networks.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer {
    /// The network and the material.
    pub heading: String,
    /// Which setting is better, measure by measure, and from which loss on.
    pub verdicts: Vec<String>,
    /// What the packets show of the reasons.
    pub reasons: Vec<String>,
    /// The figures, loss by loss.
    pub table: Table,
}

/// What a choice between settings weighs: the first quality of the report, delay, and bitrate.
pub fn axes(view: &View) -> Vec<usize> {
    view.qualities().first().copied().into_iter().chain(costs(view)).collect()
}

/// Nothing, unless two to four settings are compared over networks that differ in their loss.
pub fn answers(view: &View) -> Vec<Answer> {
    if !(2..=MOST_SETTINGS).contains(&view.settings.len()) || view.comparisons.is_empty() {
        return Vec::new();
    }
    families(view).iter().take(MOST_FAMILIES).map(|sweep| answer(view, sweep)).collect()
}

/// All answers as Markdown; `None` where there are none. Same view, same bytes.
pub fn markdown(view: &View) -> Option<String> {
    let answers = answers(view);
    if answers.is_empty() {
        return None;
    }
    let mut out = String::new();
    if view.artificial == view.clips {
        out += &basis::artificial(view).map_or(String::new(), |sentence| sentence + "\n\n");
    }
    for s in &view.settings {
        let requested = if s.requested.is_empty() { "defaults" } else { &s.requested };
        out += &format!("- **{}**: `{requested}`\n", s.label);
    }
    for a in answers {
        out += &format!("\n**{}** ({})\n\n", a.heading, a.table.title);
        a.verdicts.iter().chain(&a.reasons).for_each(|line| out += &format!("- {line}\n"));
        out += &format!("\n{}", a.table.markdown());
    }
    out += &format!("\n{}\n", note(view));
    Some(out)
}

/// How its verdicts were come to.
pub fn note(view: &View) -> String {
    format!(
        "Means over clips, each the mean of its seeds; differences are paired by clip and seed, with their 95 % interval over \
         clips. Verdicts hold for all {} comparisons of the report together (Holm); a difference within its metric's margin \
         does not count as one.",
        view.comparisons.len()
    )
}

/// For one measure and two settings in words, "A is better at 1 to 20 % loss, by ...", as far as there are comparisons.
pub fn over_loss(view: &View, sweep: &LossSweep, measure: usize, a: usize, b: usize) -> Option<String> {
    let stretches = stretches(view, sweep, measure, a, b);
    let told: Vec<String> = stretches.iter().map(|s| s.told(view)).collect();
    let wins = stretches.iter().filter(|s| s.found.winner().is_some());
    let turns: Vec<String> = wins
        .clone()
        .zip(wins.skip(1))
        .filter(|(before, after)| before.found != after.found)
        .filter_map(|(before, after)| {
            let (from, to) = (before.losses(view).pop()?, after.losses(view).first().copied()?);
            Some(format!(" The order turns between {} and {} % loss.", figure_of_loss(from), figure_of_loss(to)))
        })
        .collect();
    let title = &view.measures[measure].title;
    (!told.is_empty()).then(|| format!("{title}: {}.{}", told.join("; "), turns.concat()))
}

/// Who is better in a measure over a whole sweep, in a few words for a heading; `None` where that changes with the loss.
pub fn winner(view: &View, sweep: &LossSweep, measure: usize, a: usize, b: usize) -> Option<String> {
    let stretches = stretches(view, sweep, measure, a, b);
    let found = match stretches.as_slice() {
        [one] => one.found,
        _ => return None,
    };
    Some(match found.winner() {
        Some(w) => format!("{} is {}", view.settings[w].label, word(view, measure)),
        None => found.words().to_owned(),
    })
}

fn costs(view: &View) -> impl Iterator<Item = usize> {
    COSTS.iter().filter_map(|id| view.measure(id))
}

fn answer(view: &View, sweep: &LossSweep) -> Answer {
    let n = view.settings.len();
    let measures: Vec<usize> = view.qualities().into_iter().take(MOST_QUALITIES).chain(costs(view)).collect();
    let pairs: Vec<(usize, usize)> = (0..n).flat_map(|a| (a + 1..n).map(move |b| (a, b))).collect();
    let told = |(a, b): &(usize, usize)| {
        let lead = if pairs.len() > 1 {
            format!("{} and {}: ", view.settings[*a].label, view.settings[*b].label)
        } else {
            String::new()
        };
        let lines: Vec<String> = measures.iter().filter_map(|m| over_loss(view, sweep, *m, *a, *b)).collect();
        lines.into_iter().map(move |line| lead.clone() + &line)
    };
    Answer {
        heading: heading(view, sweep),
        verdicts: pairs.iter().flat_map(told).collect(),
        reasons: why::reasons(view, sweep, &measures),
        table: table(view, sweep, &measures),
    }
}

/// What the networks have in common.
pub fn heading(view: &View, sweep: &LossSweep) -> String {
    let Some(last) = sweep.last() else { return String::new() };
    let family = &view.conditions[*last].family;
    let words = [family.base.as_str(), family.model.as_str()].into_iter().filter(|t| !t.is_empty());
    let words = words.collect::<Vec<_>>().join(", ");
    if words.is_empty() { "loss alone".into() } else { words }
}

/// A row for each loss: the means of all settings, and of two their difference.
fn table(view: &View, sweep: &LossSweep, measures: &[usize]) -> Table {
    let labels: Vec<&str> = view.settings.iter().map(|s| s.label.as_str()).collect();
    let difference = if let [a, b] = labels.as_slice() { format!(", {b} − {a}") } else { String::new() };
    let shown: Vec<usize> =
        measures.iter().copied().filter(|m| sweep.iter().any(|c| view.summary(0, *c, *m).is_some())).collect();
    let mut columns = vec![number("loss", "%")];
    columns.extend(shown.iter().map(|m| {
        let measure = &view.measures[*m];
        text(&format!("{}, {}: {}{difference}", measure.title, measure.unit, labels.join(", ")))
    }));
    let mut table = Table::new(counts(view, sweep), "", columns);
    for c in sweep {
        let cells = shown.iter().map(|m| {
            let unit = &view.measures[*m].unit;
            let mean = |s: usize| view.summary(s, *c, *m).map_or("–".to_owned(), |s| figure(s.mean, unit));
            let means: Vec<String> = (0..labels.len()).map(mean).collect();
            let pair = view.comparisons.iter().find(|k| k.condition == *c && k.measure == *m && labels.len() == 2);
            let mut cell = of(means.join(", "));
            if let Some(k) = pair {
                let Summary { mean, interval, .. } = k.paired.difference;
                let sign =
                    if mean > 0.0 && figure(mean, unit).chars().any(|c| ('1'..='9').contains(&c)) { "+" } else { "" };
                cell.main += &format!(", {sign}{}", figure(mean, unit));
                cell.small = format!("{} {}", bracket(interval, unit).trim_start(), k.judged.verdict.short());
            }
            cell
        });
        let loss = of(figure_of_loss(view.conditions[*c].loss));
        table.row(std::iter::once(loss).chain(cells));
    }
    table
}

/// Neighbouring losses at which a comparison came to the same.
struct Stretch<'a> {
    found: Found,
    of: Vec<&'a Comparison>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    /// This setting is better.
    Better(usize),
    /// Nothing that matters.
    Alike,
    Open,
    TooFew,
}

impl Found {
    fn winner(self) -> Option<usize> {
        if let Found::Better(setting) = self { Some(setting) } else { None }
    }

    fn words(self) -> &'static str {
        match self {
            Found::Better(_) => "better",
            Found::Alike => "no difference that matters",
            Found::Open => "not decided",
            Found::TooFew => "no verdict",
        }
    }
}

fn stretches<'a>(view: &'a View, sweep: &LossSweep, measure: usize, a: usize, b: usize) -> Vec<Stretch<'a>> {
    let mut all: Vec<Stretch<'a>> = Vec::new();
    for condition in sweep {
        let same = |c: &&Comparison| (c.condition, c.measure, c.a, c.b) == (*condition, measure, a, b);
        let Some(c) = view.comparisons.iter().find(same) else { continue };
        let found = match c.judged.verdict {
            Verdict::Better => Found::Better(b),
            Verdict::Worse => Found::Better(a),
            Verdict::Same | Verdict::Negligible => Found::Alike,
            Verdict::TooFew { .. } => Found::TooFew,
            Verdict::Higher | Verdict::Lower | Verdict::Undecided(_) => Found::Open,
        };
        match all.last_mut() {
            Some(last) if last.found == found => last.of.push(c),
            _ => all.push(Stretch { found, of: vec![c] }),
        }
    }
    all
}

impl Stretch<'_> {
    fn losses(&self, view: &View) -> Vec<f64> {
        self.of.iter().map(|c| view.conditions[c.condition].loss).collect()
    }

    fn told(&self, view: &View) -> String {
        let at = range(&self.losses(view));
        let Some(measure) = self.of.first().map(|c| c.measure) else { return String::new() };
        match self.found {
            Found::Better(w) => {
                format!("{} is {} at {at}, by {}", view.settings[w].label, word(view, measure), self.sizes(view))
            }
            Found::TooFew => {
                let clips = self.of.iter().map(|c| c.paired.difference.n).max().unwrap_or(0);
                format!("no verdict at {at}: {clips} clip{} are too few", if clips == 1 { "" } else { "s" })
            }
            found => format!("{} at {at}", found.words()),
        }
    }

    /// "0.21 [0.10, 0.31] (at 1 %) to 1.39 [1.31, 1.46] MOS-LQO (at 5 %)".
    fn sizes(&self, view: &View) -> String {
        let size = |c: &&&Comparison| c.paired.difference.mean.abs();
        let least = self.of.iter().min_by(|a, b| size(a).total_cmp(&size(b)));
        let most = self.of.iter().max_by(|a, b| size(a).total_cmp(&size(b)));
        let (Some(least), Some(most)) = (least, most) else { return String::new() };
        let unit = &view.measures[least.measure].unit;
        let amount = |c: &Comparison| {
            let Summary { mean, interval, .. } = c.paired.difference;
            let turned = |i: Interval| if mean < 0.0 { Interval { low: -i.high, high: -i.low } } else { i };
            format!("{}{}", figure(mean.abs(), unit), bracket(interval.map(turned), unit))
        };
        // A bitrate is read as a share of the other's.
        let share = |c: &Comparison| {
            let loser = if self.found == Found::Better(c.a) { c.b } else { c.a };
            let other = view.summary(loser, c.condition, c.measure).map_or(0.0, |s| s.mean);
            let rate = unit == "kbit/s" && other > 0.0;
            if rate { format!(", {} %", short(100.0 * size(&&c) / other)) } else { String::new() }
        };
        let at = |c: &Comparison| figure_of_loss(view.conditions[c.condition].loss);
        if self.of.len() == 1 || amount(least) == amount(most) {
            return format!("{} {unit}{}", amount(least), share(least));
        }
        format!(
            "{} (at {} %{}) to {} {unit} (at {} %{})",
            amount(least),
            at(least),
            share(least),
            amount(most),
            at(most),
            share(most)
        )
    }
}

fn word(view: &View, measure: usize) -> &'static str {
    if view.measures[measure].better == Better::Lower { "lower" } else { "better" }
}
