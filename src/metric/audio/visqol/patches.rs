//! The patches of the reference that are compared, and for each the best match in the degraded signal.

use super::gammatone::Column;
use super::nsim::{self, Pixels};

/// Starts of patches of `size` columns, one after the other, in a spectrogram of `columns`: audio mode.
pub fn evenly(columns: usize, size: usize) -> Vec<usize> {
    let first = size / 2;
    let end = if first < columns.saturating_sub(size) { columns - size } else { first + 1 };
    if columns < size + first { Vec::new() } else { (first..end).step_by(size).map(|start| start - 1).collect() }
}

/// As [`evenly`], only those in which the reference is loud: speech mode. `hop` is a column's samples.
///
/// A column is quiet if its RMS and that of the two before it are below 5000 of 32768, the signal's maximum being 32768.
pub fn voiced(columns: usize, size: usize, reference: &[f64], hop: usize) -> Vec<usize> {
    let first = size / 2 - 1;
    let count = columns.saturating_sub(first) / size;
    let peak = reference.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let loud = |chunk: &[f64]| {
        let integer = |x: f64| (x / peak * 32768.0).clamp(-32768.0, 32767.0).trunc();
        let power = chunk.iter().map(|x| integer(*x).powi(2)).sum::<f64>() / hop as f64;
        peak != 0.0 && power.sqrt() >= 5000.0
    };
    // The search for loud columns starts at the sample whose number is the first patch's column.
    let samples = reference.get(first..).unwrap_or_default();
    let chunks: Vec<bool> = samples.chunks_exact(hop).take(count * size).map(loud).collect();
    let active = |k: usize| k < 2 || k < chunks.len() && (chunks[k] || chunks[k - 1] || chunks[k - 2]);
    let is_heard = |patch: &usize| (patch * size..(patch + 1) * size).any(active);
    (0..count).filter(is_heard).map(|patch| first + patch * size).collect()
}

/// A patch and where it was found.
#[derive(Clone, Debug)]
pub struct Match<const W: usize> {
    /// The first column in the reference and in the degraded signal.
    pub reference: usize,
    /// `None`: it was found nowhere.
    pub degraded: Option<usize>,
    pub bands: Column<W>,
}

/// Matches patches with a degraded spectrogram of `columns`, which `degraded` holds, followed by at least a patch of
/// zeros: the order of patches is kept, the sum of similarities is the largest, and no patch is moved by more than 60
/// times its length. A patch that cannot improve the sum is found nowhere. Patches that begin after the degraded signal's
/// end are left out.
pub fn matches<const W: usize>(patches: &[(usize, Pixels<W>)], degraded: &Pixels<W>, columns: usize) -> Vec<Match<W>> {
    let size = patches.first().map_or(0, |(_, p)| p.len());
    let present = patches.iter().rposition(|(start, _)| *start <= columns + size / 2).map_or(0, |last| last + 1);
    let patches = &patches[..present];
    let range = |patch: usize| {
        let start = patches[patch].0;
        (start.saturating_sub(60 * size), (start + 60 * size).min(columns - 1))
    };
    let mut rows: Vec<Row> = Vec::with_capacity(present);
    for (patch, (_, pixels)) in patches.iter().enumerate() {
        let (low, high) = range(patch);
        let before = patch.checked_sub(1).map(|before| &rows[before]);
        let mut best = (f64::NEG_INFINITY, None);
        if let Some(before) = before {
            (before.low..low).for_each(|offset| better(&mut best, before.sum(offset), offset));
        }
        let mut row = Row { low, cells: Vec::with_capacity(high + 1 - low) };
        for offset in low..=high {
            let alone = nsim::mean(&nsim::band_means(pixels, degraded, offset));
            row.cells.push(match before.map(|before| before.sum(offset)) {
                None => (alone, None),
                Some(same) => {
                    let next = (alone + best.0, best.1);
                    better(&mut best, same, offset);
                    if same > next.0 { (same, Some(offset)) } else { next }
                }
            });
        }
        rows.push(row);
    }
    let Some(last) = rows.last() else { return Vec::new() };
    let mut offset = last.low;
    for candidate in last.low..last.low + last.cells.len() {
        if last.sum(candidate) > last.sum(offset) {
            offset = candidate;
        }
    }
    let mut found = Vec::with_capacity(present);
    for ((reference, pixels), row) in patches.iter().zip(&rows).rev() {
        let before = row.cells[offset - row.low].1;
        found.push(match before == Some(offset) {
            true => Match { reference: *reference, degraded: None, bands: [0.0; W] },
            false => Match {
                reference: *reference,
                degraded: Some(offset),
                bands: nsim::band_means(pixels, degraded, offset),
            },
        });
        offset = before.unwrap_or(offset);
    }
    found.reverse();
    found
}

/// For one patch and the offsets from `low` on: the best sum so far, and the offset of the patch before it.
struct Row {
    low: usize,
    cells: Vec<(f64, Option<usize>)>,
}

impl Row {
    /// 0 outside of the range that was searched.
    fn sum(&self, offset: usize) -> f64 {
        offset.checked_sub(self.low).and_then(|k| self.cells.get(k)).map_or(0.0, |cell| cell.0)
    }
}

/// Of equal sums the later offset.
fn better(best: &mut (f64, Option<usize>), sum: f64, offset: usize) {
    if sum >= best.0 {
        *best = (sum, Some(offset));
    }
}
