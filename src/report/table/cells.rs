//! What tables are made of.

use crate::report::figure::figure;
use crate::stats::Summary;

/// A table with its heading.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub title: String,
    /// What a reader must know to read it right.
    pub note: String,
    pub columns: Vec<Column>,
    pub rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub name: String,
    pub unit: String,
    pub numeric: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    pub cells: Vec<Cell>,
    /// Something failed here.
    pub bad: bool,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cell {
    pub main: String,
    /// An interval, a remark; shown less loudly.
    pub small: String,
}

/// Lines of cells in columns two spaces apart; those that `right` says end flush, the others begin flush.
pub fn aligned(lines: &[Vec<String>], right: &[bool]) -> String {
    let width = |i: usize| lines.iter().filter_map(|l| l.get(i)).map(|t| t.chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..right.len()).map(width).collect();
    let mut out = String::new();
    for line in lines {
        let mut text = String::new();
        for ((t, w), right) in line.iter().zip(&widths).zip(right) {
            let pad = " ".repeat(w - t.chars().count());
            text += &if *right { format!("{pad}{t}  ") } else { format!("{t}{pad}  ") };
        }
        out += text.trim_end();
        out.push('\n');
    }
    out
}

pub(in crate::report) fn text(name: &str) -> Column {
    Column { name: name.into(), unit: String::new(), numeric: false }
}

pub(in crate::report) fn number(name: &str, unit: &str) -> Column {
    Column { name: name.into(), unit: unit.into(), numeric: true }
}

pub(in crate::report) fn of(value: impl ToString) -> Cell {
    Cell { main: value.to_string(), small: String::new() }
}

pub(super) fn dash(text: String) -> String {
    if text.is_empty() { "–".into() } else { text }
}

pub(super) fn summary_cell(s: &Summary, unit: &str) -> Cell {
    let small = s.interval.map_or(String::new(), |i| format!("[{}, {}]", figure(i.low, unit), figure(i.high, unit)));
    Cell { main: figure(s.mean, unit), small }
}

pub(super) const INTERVAL: &str = "[95 % interval over clips: Student's t below 30 clips, BCa bootstrap from 30.]";

impl Table {
    pub(in crate::report) fn new(title: impl Into<String>, note: impl Into<String>, columns: Vec<Column>) -> Table {
        Table { title: title.into(), note: note.into(), columns, rows: Vec::new() }
    }

    pub(in crate::report) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(Row { cells: cells.into_iter().collect(), bad: false });
    }

    /// Aligned columns for a terminal.
    pub fn text(&self) -> String {
        let head = |c: &Column| if c.unit.is_empty() { c.name.clone() } else { format!("{} ({})", c.name, c.unit) };
        let cell = |c: &Cell| {
            [c.main.as_str(), c.small.as_str()].into_iter().filter(|t| !t.is_empty()).collect::<Vec<_>>().join(" ")
        };
        let mut lines: Vec<Vec<String>> = vec![self.columns.iter().map(head).collect()];
        lines.extend(self.rows.iter().map(|r| r.cells.iter().map(cell).collect()));
        let right: Vec<bool> = self.columns.iter().map(|c| c.numeric).collect();
        format!("{}\n{}", self.title, aligned(&lines, &right))
    }
}

impl Table {
    /// A Markdown table of the cells, without title and note.
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | ").replace('\n', " "));
        let head = |c: &Column| if c.unit.is_empty() { c.name.clone() } else { format!("{}, {}", c.name, c.unit) };
        let rule = |c: &Column| if c.numeric { "---:".to_owned() } else { "---".to_owned() };
        let cell = |c: &Cell| format!("{} {}", c.main, c.small).trim_end().replace('|', "\\|");
        let mut out = line(self.columns.iter().map(head).collect()) + &line(self.columns.iter().map(rule).collect());
        self.rows.iter().for_each(|r| out += &line(r.cells.iter().map(cell).collect()));
        out
    }
}
