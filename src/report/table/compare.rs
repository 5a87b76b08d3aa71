//! Settings against each other.

use super::cells::{Cell, INTERVAL, Row, Table, number, of, summary_cell, text};
use crate::report::figure::{figure, signed};
use crate::report::view::{Comparison, View};
use crate::stats::Verdict;

/// Paired differences and what follows from them.
pub fn comparisons(view: &View) -> Table {
    let columns = vec![
        text("network"),
        text("metric"),
        text("A"),
        text("B"),
        number("B − A", ""),
        number("clips", ""),
        number("p", ""),
        number("p adjusted", ""),
        text("verdict"),
    ];
    let note = format!(
        "Paired: the same clip under the same seed meets the same losses. {INTERVAL} p: Student's t-test; adjusted: by \
         Holm's method for all comparisons here, 0.04 is asked for a verdict, so that at most one report in twenty has any false one. Found from: the \
         true difference that would get a verdict four times in five."
    );
    let mut table = Table::new("Differences between the settings", note, columns);
    for c in &view.comparisons {
        let m = &view.measures[c.measure];
        let (a, b) = (&view.settings[c.a].label, &view.settings[c.b].label);
        let verdict = match c.judged.verdict {
            Verdict::Better => format!("{b} is better"),
            Verdict::Worse => format!("{a} is better"),
            Verdict::Higher => format!("{b} is higher"),
            Verdict::Lower => format!("{b} is lower"),
            other => other.to_string(),
        };
        let small = [found_from(view, c), c.paired.missing()].into_iter().flatten().collect::<Vec<_>>().join("; ");
        let verdict = Cell { main: verdict, small };
        let small = summary_cell(&c.paired.difference, &m.unit).small;
        let difference = Cell { main: signed(c.paired.difference.mean, &m.unit), small };
        let network = of(&view.conditions[c.condition].name);
        table.row([
            network,
            of(&m.title),
            of(a),
            of(b),
            difference,
            of(c.paired.difference.n),
            p(c.paired.p_value),
            p(c.judged.p_adjusted),
            verdict,
        ]);
    }
    table
}

/// Means of all measures under one condition, a setting per column; of two settings their paired difference as well.
pub fn side_by_side(view: &View, condition: usize) -> Table {
    let c = &view.conditions[condition];
    let mut columns = vec![text("measure"), text("unit")];
    columns.extend(view.settings.iter().map(|s| number(&s.label, "")));
    let two = view.settings.len() == 2;
    if two {
        columns
            .extend([number(&format!("{} − {}", view.settings[1].label, view.settings[0].label), ""), text("verdict")]);
    }
    let title = format!("{}: {} clips × {} seeds, mean [95 % interval over clips]", c.name, c.clips, c.seeds);
    let mut table = Table::new(title, "", columns);
    for (m, measure) in view.measures.iter().enumerate() {
        let figures = (0..view.settings.len()).map(|s| view.summary(s, condition, m));
        if figures.clone().all(|f| f.is_none()) {
            continue;
        }
        let mut cells = vec![of(&measure.title), of(&measure.unit)];
        cells.extend(figures.map(|f| f.map_or(of("–"), |f| summary_cell(f, &measure.unit))));
        if two {
            let compared = view.comparisons.iter().find(|c| c.condition == condition && c.measure == m);
            cells.push(compared.map_or(of("–"), |c| {
                let small = summary_cell(&c.paired.difference, &measure.unit).small;
                let main = signed(c.paired.difference.mean, &measure.unit);
                Cell { main: main.trim_end_matches(&measure.unit).trim_end().to_owned(), small }
            }));
            cells.push(compared.map_or(of(""), |c| of(c.judged.verdict.short())));
        }
        table.rows.push(Row { cells, bad: false });
    }
    table
}

/// What a comparison without a difference could have missed: "found from 0.12 MOS-LQO". `None` where a difference was found,
/// and where there is no verdict.
pub fn found_from(view: &View, c: &Comparison) -> Option<String> {
    let quiet = matches!(c.judged.verdict, Verdict::Same | Verdict::Undecided(_));
    let size = c.judged.detectable.filter(|_| quiet)?;
    let unit = &view.measures[c.measure].unit;
    Some(format!("found from {} {unit}", figure(size, unit)).trim_end().to_owned())
}

fn p(value: f64) -> Cell {
    of(if value < 0.0001 { "<0.0001".into() } else { format!("{value:.4}") })
}
