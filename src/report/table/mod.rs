//! The tables of a report as plain cells: the page and the terminal draw the same ones.

pub(super) mod cells;
mod compare;
mod curves;
mod observed;

pub use cells::{Cell, Column, Row, Table, aligned};
pub use compare::{comparisons, found_from, side_by_side};
pub use curves::{deltas, front};
pub use observed::{observed, observed_pictures};

use super::figure::{figure, signed};
use super::view::{Cell as Figures, Seen, Setting, View};
use crate::metric::Better;
use crate::stats::Verdict;
use cells::{INTERVAL, dash, number, of, summary_cell, text};
use observed::seen_in_words;

/// What a report consists of, in reading order: the page shows all of it, [`tables`] the tables. A new section is a function
/// and a line here.
pub(super) static SECTIONS: &[Section] = &[
    Section::Table(failures),
    Section::Answers,
    Section::Charts,
    Section::Exhibits,
    Section::Table(comparisons),
    Section::Table(published),
    Section::Group { heading: "BD-rate and BD-quality", open: 1, tables: all_deltas },
    Section::Table(front),
    Section::Table(settings),
    Section::Table(changes),
    Section::Group { heading: "All figures", open: 2, tables: summaries },
    Section::Table(observed),
    Section::Table(observed_pictures),
    Section::Table(delays),
    Section::Table(costs),
    Section::Table(unscored),
    Section::Table(caveats),
    Section::Table(measures),
    Section::Table(provenance),
];

/// One section of a report. A table without rows is not shown.
pub(super) enum Section {
    /// Which setting is better, from which loss on, and why; on the page alone.
    Answers,
    /// On the page alone.
    Charts,
    /// What cases looked like; on the page alone.
    Exhibits,
    Table(fn(&View) -> Table),
    /// Tables with the same note under one heading; the page folds all but the first `open`.
    Group {
        heading: &'static str,
        open: usize,
        tables: fn(&View) -> Vec<Table>,
    },
}

impl Section {
    /// Those of its tables that have rows.
    pub(super) fn tables(&self, view: &View) -> Vec<Table> {
        let mut tables = match self {
            Section::Answers | Section::Charts | Section::Exhibits => Vec::new(),
            Section::Table(table) => vec![table(view)],
            Section::Group { tables, .. } => tables(view),
        };
        tables.retain(|t| !t.rows.is_empty());
        tables
    }
}

/// Every table that has rows, in reading order.
pub fn tables(view: &View) -> Vec<Table> {
    SECTIONS.iter().flat_map(|section| section.tables(view)).collect()
}

/// Curves against the anchor's by each quality.
fn all_deltas(view: &View) -> Vec<Table> {
    view.qualities().into_iter().map(|m| deltas(view, m)).collect()
}

/// One summary per condition.
fn summaries(view: &View) -> Vec<Table> {
    (0..view.conditions.len()).map(|c| summary(view, c)).collect()
}

/// Failed cases with their reasons.
pub fn failures(view: &View) -> Table {
    let title = format!("Failed cases: {} of {}", view.failed, view.cases);
    let columns = vec![text("setting"), text("network"), number("cases", ""), text("reason"), text("which")];
    let mut table = Table::new(title, "They are in no mean below.", columns);
    for f in &view.failures {
        let more = if f.count > f.examples.len() {
            format!(" and {} more", f.count - f.examples.len())
        } else {
            String::new()
        };
        table.row([
            of(&view.settings[f.setting].label),
            of(&view.conditions[f.condition].name),
            of(f.count),
            of(&f.reason),
            of(format!("{}{more}", f.examples.join("; "))),
        ]);
    }
    table.rows.iter_mut().for_each(|r| r.bad = true);
    table
}

/// Requested, effective and observed.
pub fn settings(view: &View) -> Table {
    let columns =
        vec![text("setting"), text("codec"), text("requested"), text("effective"), text("observed in the packets")];
    let note = "Requested by the fmtp line and the plan; effective: what the encoder was set to; observed: what its packets \
                show, as a range where networks differ.";
    let mut table = Table::new("Settings", note, columns);
    for (s, setting) in view.settings.iter().enumerate() {
        let cells: Vec<&Figures> = (0..view.conditions.len()).filter_map(|c| view.cells.get(&(s, c))).collect();
        let seen: Vec<&Seen> = cells.iter().map(|c| &c.observed).collect();
        let requested = if setting.requested.is_empty() { "defaults" } else { &setting.requested };
        let codec = Cell { main: setting.codec.clone(), small: setting.codec_version.clone() };
        table.row([of(&setting.label), codec, of(requested), of(effective(setting)), of(seen_in_words(&seen))]);
        if let Some(row) = table.rows.last_mut() {
            row.bad = cells.iter().all(|c| c.cases == c.failed);
        }
    }
    table
}

/// Where the effective differs from the requested, and why.
pub fn changes(view: &View) -> Table {
    let columns = vec![text("setting"), text("requested"), text("effective"), text("kind"), text("reason")];
    let mut table = Table::new("Requested, but not taken as it stands", "", columns);
    for setting in &view.settings {
        for c in &setting.changes {
            let kind = format!("{:?}", c.kind).to_lowercase();
            table.row([of(&setting.label), of(&c.requested), of(&c.effective), of(kind), of(&c.reason)]);
        }
    }
    table
}

/// Means of all measures under one condition.
pub fn summary(view: &View, condition: usize) -> Table {
    let c = &view.conditions[condition];
    let cells: Vec<(usize, &Figures)> =
        (0..view.settings.len()).filter_map(|s| Some((s, view.cells.get(&(s, condition))?))).collect();
    let shown: Vec<usize> =
        (0..view.measures.len()).filter(|m| cells.iter().any(|(_, cell)| cell.summaries.contains_key(m))).collect();
    let mut columns = vec![text("setting"), number("cases", "")];
    columns.extend(shown.iter().map(|m| number(&view.measures[*m].title, &view.measures[*m].unit)));
    let note = format!("Mean over clips, each the mean of its seeds. {INTERVAL} n: clips.");
    let mut table = Table::new(&c.name, note, columns);
    for (s, cell) in cells {
        let failed = if cell.failed > 0 { format!("{} failed", cell.failed) } else { String::new() };
        let figures = shown.iter().map(|m| match cell.summaries.get(m) {
            Some(summary) => {
                let mut figure = summary_cell(summary, &view.measures[*m].unit);
                figure.small = format!("{} n={}", figure.small, summary.n).trim_start().to_owned();
                figure
            }
            None => of("–"),
        });
        let lead = [of(&view.settings[s].label), Cell { main: cell.cases.to_string(), small: failed }];
        table.rows.push(Row { cells: lead.into_iter().chain(figures).collect(), bad: cell.failed > 0 });
    }
    table
}

/// Beside what listening tests found.
pub fn published(view: &View) -> Table {
    let note = "Pairs that listeners told apart in published tests, at the nearest bitrate here. Their material, talkers and \
                encoder versions were others, so only the order counts.";
    let columns = vec![
        text("listening test"),
        text("preferred"),
        text("over"),
        number("listeners", ""),
        text("metric here"),
        number("difference here", ""),
        text("the metric"),
    ];
    let mut table = Table::new("Against published listening tests", note, columns);
    for p in &view.published {
        let m = &view.measures[p.measure];
        let interval = p.paired.difference.interval;
        let small =
            interval.map_or(String::new(), |i| format!("[{}, {}]", figure(i.low, &m.unit), figure(i.high, &m.unit)));
        let difference = Cell { main: signed(p.paired.difference.mean, &m.unit), small };
        table.row([
            of(p.test),
            of(&view.settings[p.better].label),
            of(&view.settings[p.worse].label),
            of(format!("{} : {}", p.scores.0, p.scores.1)),
            of(&m.title),
            difference,
            of(p.agreement()),
        ]);
        if let Some(row) = table.rows.last_mut() {
            row.bad = p.judged.verdict == Verdict::Worse;
        }
    }
    table
}

pub fn delays(view: &View) -> Table {
    let note = "Measured through encoder and decoder with a noise marker; the network and the receiver have no part in it. \
                Of storage codecs the whole has in it what their containers hold back, as documented.";
    let columns = vec![
        text("setting"),
        text("codec"),
        number("frame", "ms"),
        number("look-ahead", "ms"),
        number("algorithmic delay", "ms"),
    ];
    let mut table = Table::new("Algorithmic delay", note, columns);
    for d in &view.delays {
        // Rounded first, so that there is no negative zero.
        let fine = |v: f64| of(format!("{:.2}", (v * 100.0).round() / 100.0 + 0.0));
        table.row([of(&d.setting), of(&d.codec), fine(d.frame_ms), fine(d.lookahead_ms), fine(d.total_ms)]);
    }
    table
}

pub fn costs(view: &View) -> Table {
    let video = view.is_video() && view.costs.iter().any(|c| c.deadline_misses.is_some());
    let mut columns = vec![
        text("setting"),
        number("encode", "µs per frame"),
        number("decode", "µs per frame"),
        number("encode", "× real time"),
        number("decode", "× real time"),
    ];
    columns.extend(video.then(|| number("frames over the interval", "%")));
    columns.push(text("measured on"));
    let note = "Depends on the machine that measured it; everything else in this report does not.";
    let mut table = Table::new("CPU time", note, columns);
    for c in &view.costs {
        // Pictures may take most of the time that they have.
        let times = |x: f64| if video && x < 10.0 { format!("{x:.1}") } else { format!("{x:.0}") };
        let speed = |us: f64| of(if us > 0.0 { times(c.frame_ms * 1000.0 / us) } else { "–".into() });
        let micro = |us: f64| of(format!("{us:.1}"));
        let (encode, decode) = (c.encode_us_per_frame, c.decode_us_per_frame);
        let mut cells = vec![of(&c.label), micro(encode), micro(decode), speed(encode), speed(decode)];
        let misses = || c.deadline_misses.map_or(of("–"), |share| of(format!("{:.1}", 100.0 * share)));
        cells.extend(video.then(misses));
        cells.push(of(&c.machine));
        table.row(cells);
    }
    table
}

pub fn unscored(view: &View) -> Table {
    let columns = vec![text("metric"), text("setting"), number("cases", ""), text("reason")];
    let mut table = Table::new("Not scored", "These cases ran, but this metric has no figure for them.", columns);
    for u in &view.unscored {
        table.row([of(&u.metric), of(&view.settings[u.setting].label), of(u.count), of(&u.reason)]);
    }
    table
}

pub fn caveats(view: &View) -> Table {
    let columns = vec![text("metric"), number("cases", ""), text("this metric …")];
    let note =
        "Scores outside of where their metric was validated; charts and verdicts name metrics without such first.";
    let mut table = Table::new("Caveats", note, columns);
    for c in &view.caveats {
        table.row([of(&view.measures[c.measure].title), of(c.count), of(&c.reason)]);
    }
    table
}

pub fn measures(view: &View) -> Table {
    let columns = vec![
        text("id"),
        text("what it is"),
        text("unit"),
        text("better"),
        number("best possible", ""),
        number("matters from", ""),
        text("source and mapping"),
    ];
    let mut table = Table::new("Metrics and facts", "", columns);
    for m in &view.measures {
        let better = match m.better {
            Better::Higher => "higher",
            Better::Lower => "lower",
            Better::Neither => "–",
        };
        let cap = m.cap.map_or("–".into(), |c| figure(c, &m.unit));
        table.row([of(&m.id), of(&m.title), of(&m.unit), of(better), of(cap), of(m.margin), of(&m.source)]);
    }
    table
}

pub fn provenance(view: &View) -> Table {
    let mut table = Table::new("How this was made", "", vec![text("what"), text("value")]);
    for (name, value) in &view.provenance {
        table.row([of(name), of(value)]);
    }
    table
}

fn effective(setting: &Setting) -> String {
    let of = |(name, values): (&String, &Vec<String>)| format!("{name}={}", values.join("|"));
    dash(setting.effective.iter().map(of).collect::<Vec<_>>().join(", "))
}
