//! Which settings are worth having: the convex hull of quality and bitrate, and the Pareto front with delay and CPU.

use super::view::View;
use crate::metric::Better;
use crate::stats::Prefer;
use crate::stats::bd::Point;
use crate::stats::front::{hull, pareto};

/// Where a setting stands among all under one condition, by means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// On the convex hull of quality over log payload bitrate.
    Hull,
    /// Nothing is as good and as cheap, but going between two others over time would be.
    Front,
    /// Beaten in quality and bitrate, but not once delay and CPU time count.
    Trade,
    Beaten,
}

/// What counts besides quality and payload bitrate where all settings have it: the delay's measure, and CPU time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axes {
    pub delay: Option<usize>,
    pub cpu: bool,
}

/// The first that all settings have stands for the delay of the call.
const DELAYS: [&str; 3] = ["capture-to-render", "mouth-to-ear", "mouth-to-ear-clock"];

/// The axes that all settings have under all conditions.
pub fn axes(view: &View) -> Axes {
    let everywhere = |m: &usize| view.cells.values().all(|c| c.summaries.contains_key(m) || c.cases == c.failed);
    Axes {
        delay: DELAYS.iter().filter_map(|id| view.measure(id)).find(everywhere),
        cpu: (0..view.settings.len()).all(|s| cpu(view, s).is_some()),
    }
}

/// Each setting that has the first quality and a payload bitrate under `condition`, with where it stands.
pub fn standings(view: &View, condition: usize) -> Vec<(usize, Standing)> {
    let (Some(quality), Some(bitrate)) = (view.qualities().first().copied(), view.measure("payload-bitrate")) else {
        return Vec::new();
    };
    let axes = axes(view);
    let mean = |s: usize, m: usize| view.summary(s, condition, m).map(|s| s.mean);
    let row = |s: usize| {
        let mut row = vec![mean(s, quality)?, mean(s, bitrate).filter(|b| *b > 0.0)?];
        if let Some(delay) = axes.delay {
            row.push(mean(s, delay)?);
        }
        if axes.cpu {
            row.push(cpu(view, s)?);
        }
        Some((s, row))
    };
    let (settings, rows): (Vec<usize>, Vec<Vec<f64>>) = (0..view.settings.len()).filter_map(row).unzip();
    let up = if view.measures[quality].better == Better::Lower { Prefer::Lower } else { Prefer::Higher };
    let prefer = [up, Prefer::Lower, Prefer::Lower, Prefer::Lower];
    let two: Vec<Vec<f64>> = rows.iter().map(|r| r[..2].to_vec()).collect();
    let points: Vec<Point> = rows.iter().map(|r| Point { rate: r[1], quality: r[0] }).collect();
    let (hull, front, all) = (hull(&points), pareto(&two, &prefer[..2]), pareto(&rows, &prefer));
    let standing = |i: usize| match () {
        () if hull.contains(&i) => Standing::Hull,
        () if front[i] => Standing::Front,
        () if all[i] => Standing::Trade,
        () => Standing::Beaten,
    };
    settings.into_iter().enumerate().map(|(i, s)| (s, standing(i))).collect()
}

/// CPU time of encoding and decoding per time of media.
fn cpu(view: &View, setting: usize) -> Option<f64> {
    let row = view.costs.iter().find(|c| c.label == view.settings[setting].label)?;
    (row.frame_ms > 0.0).then(|| (row.encode_us_per_frame + row.decode_us_per_frame) / row.frame_ms)
}
