//! What is shown of finished cases: a [`View`] holds every figure, charts and tables only draw it.
//!
//! A view is made in one pass over the outcomes and keeps sums, not outcomes, so that a million cases fit.

pub mod answer;
pub mod basis;
pub mod chart;
mod condition;
mod delta;
mod escape;
mod exhibit;
mod family;
pub mod figure;
mod front;
mod gather;
mod html;
mod opening;
mod published;
mod raster;
mod series;
pub mod table;
mod view;
pub mod webm;

pub use exhibit::{around, png};
pub use front::{Standing, standings};
pub use opening::opening;
pub use view::{
    Caveat, Cell, Compare, Comparison, Condition, CostRow, DelayRow, Delta, Exhibit, Extras, Failure, Family, Measure,
    Published, Seen, SeenPictures, Setting, Shift, Timeline, Unscored, View,
};

use crate::error::{Error, Result};
use crate::files;
use std::path::{Path, PathBuf};

/// Writes `report.html`, the PNG charts and, where curves were compared, `bd.csv`, where settings were compared over loss,
/// `answer.md` into `dir`, which is made if it is missing. Same view, same bytes.
///
/// # Errors
/// [`Error::Output`] that names the file.
pub fn write(dir: &Path, view: &View) -> Result<Vec<PathBuf>> {
    std::fs::create_dir_all(dir).map_err(|e| Error::output(dir, e))?;
    let charts = chart::charts(view);
    let page = dir.join("report.html");
    files::write(&page, html::page(view, &charts)?.as_ref())?;
    let mut written = vec![page];
    if !view.deltas.is_empty() {
        let path = dir.join("bd.csv");
        files::write(&path, delta::csv(view).as_ref())?;
        written.push(path);
    }
    if let Some(text) = answer::markdown(view) {
        let path = dir.join("answer.md");
        files::write(&path, text.as_ref())?;
        written.push(path);
    }
    for chart in &charts {
        let path = dir.join(format!("{}.png", chart.name));
        chart.wide.png(&path)?;
        written.push(path);
    }
    Ok(written)
}
