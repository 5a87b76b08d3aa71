//! The page: one file, no request to anywhere, light or dark as the reader's system is.

mod exhibits;

use super::chart::canvas::chart::Chart;
use super::chart::canvas::palette::Ink;
use super::table::cells::Table;
use super::table::{SECTIONS, Section};
use super::view::View;
use super::{answer, basis};
use crate::error::Result;
use crate::report::escape::escape;
use std::fmt::Write;

/// The whole page.
pub fn page(view: &View, charts: &[Chart]) -> Result<String> {
    let mut out = String::new();
    let title = escape(&view.title);
    out += &format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n<style>\n{}{STYLE}{more}</style>\n</head>\n<body>\n\
         <header><h1>{title}</h1>\n<p>{}</p></header>\n<main>\n",
        colours(),
        escape(&basis::sentences(view).join(" ")),
        more = exhibits::style(&view.exhibits),
    );
    for section in SECTIONS {
        match section {
            Section::Answers => answers(&mut out, view),
            Section::Charts => figures(&mut out, charts)?,
            Section::Exhibits => exhibits::section(&mut out, &view.exhibits),
            Section::Table(_) => section.tables(view).iter().for_each(|t| one(&mut out, t)),
            Section::Group { heading, open, .. } => group(&mut out, heading, *open, &section.tables(view)),
        }
    }
    out += "</main>\n</body>\n</html>\n";
    Ok(out)
}

/// The charts; those by further metrics folded.
fn figures(out: &mut String, charts: &[Chart]) -> Result<()> {
    for chart in charts.iter().filter(|c| !c.secondary) {
        figure(out, chart)?;
    }
    if charts.iter().any(|c| c.secondary) {
        out.push_str("<details class=\"more\"><summary>The same charts by other metrics</summary>\n");
        for chart in charts.iter().filter(|c| c.secondary) {
            figure(out, chart)?;
        }
        out.push_str("</details>\n");
    }
    Ok(())
}

fn figure(out: &mut String, chart: &Chart) -> Result<()> {
    let (wide, narrow) = (chart.wide.svg(&chart.title)?, chart.narrow.svg(&chart.title)?);
    let _ = write!(
        out,
        "<figure id=\"{}\">\n<div class=\"wide\">{wide}</div>\n<div class=\"narrow\">{narrow}</div>\n</figure>\n",
        escape(&chart.name)
    );
    Ok(())
}

/// Which setting is better, from which loss on, and why; the figures folded.
fn answers(out: &mut String, view: &View) {
    let answers = answer::answers(view);
    if answers.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Which is better</h2>\n");
    for a in answers {
        let _ = writeln!(out, "<h3>{} <small>{}</small></h3>\n<ul>", escape(&a.heading), escape(&a.table.title));
        a.verdicts.iter().chain(&a.reasons).for_each(|line| out.push_str(&format!("<li>{}</li>\n", escape(line))));
        out.push_str("</ul>\n<details><summary>Loss by loss</summary>\n");
        grid(out, &a.table);
        out.push_str("</details>\n");
    }
    let _ = writeln!(out, "<p>{}</p>\n</section>", escape(&answer::note(view)));
}

/// Tables under one heading, all but the first `open` folded; nothing without a table.
fn group(out: &mut String, heading: &str, open: usize, tables: &[Table]) {
    let Some(first) = tables.first() else { return };
    let _ = write!(out, "<section>\n<h2>{}</h2>\n<p>{}</p>\n", escape(heading), escape(&first.note));
    for (i, t) in tables.iter().enumerate() {
        let open = if i < open { " open" } else { "" };
        let _ = writeln!(out, "<details{open}><summary>{}</summary>", escape(&t.title));
        grid(out, t);
        out.push_str("</details>\n");
    }
    out.push_str("</section>\n");
}

/// A table with rows; a long one folded.
fn one(out: &mut String, t: &Table) {
    const LONG: usize = 24;
    let bad = if t.rows.iter().all(|r| r.bad) { " class=\"bad\"" } else { "" };
    let _ = writeln!(out, "<section{bad}>\n<h2>{}</h2>", escape(&t.title));
    if !t.note.is_empty() {
        let _ = writeln!(out, "<p>{}</p>", escape(&t.note));
    }
    if t.rows.len() > LONG {
        let _ = writeln!(out, "<details><summary>{} rows</summary>", t.rows.len());
        grid(out, t);
        out.push_str("</details>\n");
    } else {
        grid(out, t);
    }
    out.push_str("</section>\n");
}

fn grid(out: &mut String, t: &Table) {
    out.push_str("<div class=\"scroll\" tabindex=\"0\"><table>\n<thead><tr>");
    let class = |numeric: bool| if numeric { " class=\"n\"" } else { "" };
    for c in &t.columns {
        let unit = if c.unit.is_empty() { String::new() } else { format!("<small>{}</small>", escape(&c.unit)) };
        let _ = write!(out, "<th{}>{}{unit}</th>", class(c.numeric), escape(&c.name));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &t.rows {
        out.push_str(if row.bad { "<tr class=\"bad\">" } else { "<tr>" });
        for (i, (cell, column)) in row.cells.iter().zip(&t.columns).enumerate() {
            let small =
                if cell.small.is_empty() { String::new() } else { format!("<small>{}</small>", escape(&cell.small)) };
            let tag = if i == 0 { "th" } else { "td" };
            let _ = write!(out, "<{tag}{}>{}{small}</{tag}>", class(column.numeric), escape(&cell.main));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table></div>\n");
}

fn colours() -> String {
    let variables = |of: fn(Ink) -> u32| {
        Ink::all().into_iter().fold(String::new(), |mut css, ink| {
            let _ = write!(css, "--{}:#{:06x};", ink.name(), of(ink));
            css
        })
    };
    let mut css = format!(
        ":root{{color-scheme:light dark;{}--bad:#b3261e;--bad-paper:#fdecea;}}\n\
         @media (prefers-color-scheme:dark){{:root{{{}--bad:#ff9d94;--bad-paper:#3a1a18;}}}}\n",
        variables(Ink::light),
        variables(Ink::dark)
    );
    for ink in Ink::all() {
        let name = ink.name();
        let _ = writeln!(css, ".f-{name}{{fill:var(--{name})}}.s-{name}{{stroke:var(--{name})}}");
    }
    css
}

const STYLE: &str = "\
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem clamp(.75rem,3vw,2.5rem) 4rem;max-width:1240px;background:var(--paper);color:var(--text);\
font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}
h1{font-size:1.7rem;line-height:1.2;margin:0 0 .3rem}
h2{font-size:1.15rem;margin:0 0 .3rem}
h3{font-size:1rem;margin:.9rem 0 .2rem}
ul{margin:.2rem 0 .5rem;padding-left:1.2rem;max-width:85ch}
p{margin:.2rem 0 .7rem;color:var(--muted);max-width:75ch}
header{margin-bottom:1.2rem}
section{margin:2.2rem 0}
figure{margin:0 0 1.6rem;max-width:1000px;border:1px solid var(--grid);border-radius:8px;overflow:hidden}
svg{display:block;width:100%;height:auto;font-family:'DejaVu Sans',system-ui,-apple-system,'Segoe UI',Roboto,sans-serif}
svg polyline,svg line{stroke-linejoin:round;stroke-linecap:round}
svg text{font-variant-numeric:tabular-nums}
.tip{fill:transparent}
.narrow{display:none}
@media (max-width:640px){.wide{display:none}.narrow{display:block}}
.scroll{overflow-x:auto;max-width:100%}
table{border-collapse:collapse;font-size:.86rem;font-variant-numeric:tabular-nums}
th,td{text-align:left;vertical-align:top;padding:.32rem .8rem .32rem 0;border-bottom:1px solid var(--grid);font-weight:400;\
max-width:34rem;overflow-wrap:break-word}
td:not(.n){min-width:7rem}
td:last-child:not(.n){min-width:16rem}
details{margin:.2rem 0 .8rem}
thead th{color:var(--muted);vertical-align:bottom;border-bottom-color:var(--muted)}
tbody th{font-weight:600;position:sticky;left:0;background:var(--paper);white-space:nowrap}
.n{text-align:right;white-space:nowrap;padding-left:.6rem}
thead .n{white-space:normal;min-width:5.5rem}
small{display:block;color:var(--muted);font-size:.82em}
summary{cursor:pointer;padding:.35rem 0;font-weight:600}
section.bad h2,tr.bad th,tr.bad td,tr.bad small{color:var(--bad)}
tr.bad th,tr.bad td{background:var(--bad-paper)}
@media print{details>*{display:block}figure{break-inside:avoid}}
";
