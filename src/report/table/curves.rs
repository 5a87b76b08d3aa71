//! Whole curves over bitrate against each other, and the settings worth having.

use super::cells::{Cell, INTERVAL, Table, number, of, text};
use crate::report::figure::{figure, signed};
use crate::report::front::{Standing, axes, standings};
use crate::report::view::{Shift, View};
use crate::stats::Interval;

/// BD-rate and BD-quality by one measure; without rows where no curves were compared.
pub fn deltas(view: &View, measure: usize) -> Table {
    let m = &view.measures[measure];
    let anchor = view.deltas.first().map_or("", |d| d.anchor.as_str());
    let columns = vec![
        text("network"),
        text("against the anchor"),
        number("BD-rate", "% of payload bitrate"),
        text("over the qualities"),
        number("BD-quality", &m.unit),
        text("over the bitrates"),
        number("clips", ""),
    ];
    let note = format!(
        "Anchor: {anchor}. BD-rate: how much more payload bitrate (less, if negative) gives the same quality, a mean over \
         the range of quality that both curves share; BD-quality: how much more quality the same bitrate gives. Bjøntegaard \
         deltas (ITU-T VCEG-M33) of the means over clips, monotone cubics (PCHIP) over log bitrate. {INTERVAL} Clips are \
         left out or resampled as a whole."
    );
    let mut table = Table::new(format!("Against {anchor} by {}", m.title), note, columns);
    for d in view.deltas.iter().filter(|d| d.measure == measure) {
        let cell = |shift: &Result<Shift, String>, unit: &str| match shift {
            Ok(s) => {
                let ends = |i: Interval| format!("[{}, {}]", figure(i.low, unit), figure(i.high, unit));
                Cell { main: signed(s.mean, unit), small: s.interval.map_or(String::new(), ends) }
            }
            Err(_) => of("–"),
        };
        let range = |shift: &Result<Shift, String>, unit: &str| match shift {
            Ok(s) => {
                let range = format!("{} to {} {unit}", figure(s.range.low, unit), figure(s.range.high, unit));
                Cell { main: range.trim_end().to_owned(), small: s.remark.clone() }
            }
            Err(reason) => of(reason),
        };
        table.row([
            of(&view.conditions[d.condition].name),
            of(&d.test),
            cell(&d.rate, "%"),
            range(&d.rate, &m.unit),
            cell(&d.quality, &m.unit),
            range(&d.quality, "kbit/s"),
            of(d.clips),
        ]);
    }
    table
}

/// For each setting and network whether it is worth having; without rows below three settings.
pub fn front(view: &View) -> Table {
    let axes = axes(view);
    let quality = view.qualities().first().map_or("", |m| view.measures[*m].title.as_str());
    let delay = axes.delay.map(|m| view.measures[m].title.clone());
    let more: Vec<String> = delay.into_iter().chain(axes.cpu.then(|| "CPU time".to_owned())).collect();
    let more = more.join(" and ");
    let also = if more.is_empty() {
        String::new()
    } else {
        format!(" trade: it is beaten in those two, but by nothing that has as little {more} as well.")
    };
    let note = format!(
        "By means of {quality} and payload bitrate. hull: on their convex hull over log bitrate, so that no other setting and \
         no change between two others gives as much for as little; front: no other setting is as good and as cheap.{also} \
         –: another is at least as good in all. Differences within the intervals may be chance."
    );
    let found: Vec<Vec<(usize, Standing)>> = (0..view.conditions.len()).map(|c| standings(view, c)).collect();
    let mut columns = vec![text("setting")];
    columns.extend(view.conditions.iter().map(|c| text(&c.name)));
    let mut table = Table::new("Settings worth their bits", note, columns);
    if view.settings.len() < 3 || found.iter().all(Vec::is_empty) {
        return table;
    }
    for (s, setting) in view.settings.iter().enumerate() {
        let word = |of: &Vec<(usize, Standing)>| match of.iter().find(|f| f.0 == s).map(|f| f.1) {
            Some(Standing::Hull) => "hull".to_owned(),
            Some(Standing::Front) => "front".to_owned(),
            Some(Standing::Trade) => "trade".to_owned(),
            Some(Standing::Beaten) => "–".to_owned(),
            None => "no figure".to_owned(),
        };
        table.row(std::iter::once(of(&setting.label)).chain(found.iter().map(word).map(of)));
    }
    table
}
