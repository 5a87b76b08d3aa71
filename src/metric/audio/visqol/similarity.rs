//! From two signals to the similarity of each band (ViSQOL v3: M. Chinen et al., "ViSQOL v3: An Open Source Production
//! Ready Objective Speech and Audio Metric", QoMEX 2020; the steps and their order are those of version 3.3.3).

use super::align;
use super::gammatone::{Column, Gammatone};
use super::nsim::{self, Pixels};
use super::patches::{self, Match};

/// What tells the two modes apart, but for the number of bands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Patches of 0.6 s, one after the other.
    Audio,
    /// Patches of 0.4 s, where the reference is loud.
    Speech,
}

/// Per band, lowest first, the mean similarity of all patches; at most 1. Signals are mono, full scale is 1.
///
/// # Errors
/// In words, why there is nothing to compare.
pub fn similarity<const W: usize>(
    bank: &Gammatone<W>,
    sample_rate: u32,
    mode: Mode,
    reference: &[f64],
    degraded: &[f64],
) -> Result<Column<W>, String> {
    let size = if mode == Mode::Audio { 30 } else { 20 };
    let least = bank.window + bank.hop * (size + size / 2 - 2);
    for (which, signal) in [("reference", reference), ("degraded", degraded)] {
        if signal.iter().all(|x| *x == 0.0) {
            return Err(format!("the {which} signal is silent"));
        }
    }
    if reference.len() < least + bank.hop {
        let ms = (least + bank.hop) as f64 / f64::from(sample_rate) * 1000.0;
        return Err(format!("the reference is shorter than {ms:.0} ms"));
    }
    let lag = align::lag(reference, degraded);
    let mut degraded = align::moved(degraded, lag);
    let gain = rms(reference) / rms(&degraded);
    degraded.iter_mut().for_each(|x| *x *= gain);
    if !gain.is_finite() || degraded.len() <= bank.window {
        return Err("after alignment nothing of the degraded signal is left".into());
    }

    let reference = Heard::new(bank, sample_rate, reference);
    let degraded = Heard::new(bank, sample_rate, &degraded);
    let (seen, mut seen_degraded) = decibels(&reference.columns, &degraded.columns);
    let starts = match mode {
        Mode::Audio => patches::evenly(seen.len(), size),
        Mode::Speech => patches::voiced(seen.len(), size, reference.signal, bank.hop),
    };
    if starts.is_empty() {
        return Err("no loud stretch of the reference to compare".into());
    }
    let cut = |start: usize| (start, Pixels::new(seen[start..start + size].to_vec()));
    let patches: Vec<(usize, Pixels<W>)> = starts.into_iter().map(cut).collect();
    let columns = seen_degraded.len();
    seen_degraded.resize(columns + size, [0.0; W]);
    let mut found = patches::matches(&patches, &Pixels::new(seen_degraded), columns);
    if found.is_empty() {
        return Err("the degraded signal ends before the first patch of the reference".into());
    }
    for patch in &mut found {
        if let Some(bands) = realigned(patch, size, &reference, &degraded)
            && nsim::mean(&bands) >= nsim::mean(&patch.bands)
        {
            patch.bands = bands;
        }
    }
    let mut means = [0.0; W];
    for patch in &found {
        means.iter_mut().zip(patch.bands).for_each(|(m, b)| *m += b / found.len() as f64);
    }
    Ok(means)
}

/// The similarity of the stretches that a match stands for, once they are aligned to the sample; `None` if too little of
/// them is left.
fn realigned<const W: usize>(
    found: &Match<W>,
    size: usize,
    reference: &Heard<'_, W>,
    degraded: &Heard<'_, W>,
) -> Option<Column<W>> {
    // Times in seconds, as the reference program takes them: a product may end just below a whole sample.
    let column = reference.bank.hop as f64 / f64::from(reference.sample_rate);
    let cut = |heard: &Heard<'_, W>, start: usize| {
        let start = start as f64 * column;
        heard.stretch(start, start + column * size as f64)
    };
    let mut a = cut(reference, found.reference);
    let mut b = cut(degraded, found.degraded?);
    if a.samples.is_empty() || b.samples.is_empty() {
        return None;
    }
    let lag = align::lag(&a.samples, &b.samples);
    // Where both have samples to spare, their beginnings are cut off, so that no silence has to be put before `b`.
    let spare = lag > 0 && a.samples.len() < b.samples.len() + lag.unsigned_abs() as usize;
    let rate = f64::from(reference.sample_rate);
    let cut_off = if spare { (lag as f64 / rate * rate) as i64 } else { 0 };
    (a, b) = (a.moved(-cut_off), b.moved(lag - cut_off));
    let length = a.samples.len().min(b.samples.len());
    if length <= reference.bank.window {
        return None;
    }
    a.samples.truncate(length);
    b.samples.truncate(length);
    let (a, b) = decibels(&reference.columns_of(&a), &degraded.columns_of(&b));
    Some(nsim::band_means(&Pixels::new(a), &Pixels::new(b), 0))
}

/// A signal and its spectrogram.
struct Heard<'a, const W: usize> {
    bank: &'a Gammatone<W>,
    sample_rate: u32,
    signal: &'a [f64],
    columns: Vec<Column<W>>,
}

/// Some samples of a signal, and which is the first of them if they stand in it as they are.
struct Stretch {
    samples: Vec<f64>,
    first: Option<usize>,
}

impl Stretch {
    fn moved(self, lag: i64) -> Stretch {
        match lag {
            0 => self,
            _ => Stretch {
                samples: align::moved(&self.samples, lag),
                first: self.first.filter(|_| lag < 0).map(|first| first + lag.unsigned_abs() as usize),
            },
        }
    }
}

impl<'a, const W: usize> Heard<'a, W> {
    fn new(bank: &'a Gammatone<W>, sample_rate: u32, signal: &'a [f64]) -> Self {
        Heard { bank, sample_rate, signal, columns: bank.spectrogram(signal) }
    }

    /// From one time to another, in seconds. What lies beyond the end becomes silence, before the rest: so does version
    /// 3.3.3 have it.
    fn stretch(&self, start: f64, end: f64) -> Stretch {
        let rate = f64::from(self.sample_rate);
        let first = (start * rate) as usize;
        let last = (self.signal.len() - 1).min((end * rate) as usize);
        let beyond = (end * rate - self.signal.len() as f64).max(0.0) as usize;
        let inside = self.signal.get(first..last).unwrap_or_default();
        let samples = std::iter::repeat_n(0.0, beyond).chain(inside.iter().copied()).collect();
        Stretch { samples, first: (beyond == 0).then_some(first) }
    }

    /// The spectrogram of a stretch. Frames are heard one by one, from rest; those of the whole signal serve again.
    fn columns_of(&self, stretch: &Stretch) -> Vec<Column<W>> {
        let again = stretch.first.filter(|first| first.is_multiple_of(self.bank.hop)).and_then(|first| {
            self.columns.get(first / self.bank.hop..)?.get(..self.bank.frames(stretch.samples.len()))
        });
        again.map_or_else(|| self.bank.spectrogram(&stretch.samples), <[_]>::to_vec)
    }
}

/// Both spectrograms in dB: not below -45, not below the louder one's peak of that column less 45, the lowest of all at 0.
fn decibels<const W: usize>(a: &[Column<W>], b: &[Column<W>]) -> (Vec<Column<W>>, Vec<Column<W>>) {
    let db = |c: &Column<W>| c.map(|v| (10.0 * v.max(f64::MIN_POSITIVE).log10()).max(-45.0));
    let (mut a, mut b): (Vec<Column<W>>, Vec<Column<W>>) = (a.iter().map(db).collect(), b.iter().map(db).collect());
    for (a, b) in a.iter_mut().zip(&mut b) {
        let floor = a.iter().chain(b.iter()).fold(f64::NEG_INFINITY, |m, v| m.max(*v)) - 45.0;
        a.iter_mut().chain(b.iter_mut()).for_each(|v| *v = v.max(floor));
    }
    let lowest = a.iter().chain(&b).flatten().fold(f64::INFINITY, |m, v| m.min(*v));
    a.iter_mut().chain(&mut b).flatten().for_each(|v| *v -= lowest);
    (a, b)
}

fn rms(signal: &[f64]) -> f64 {
    (signal.iter().map(|x| x * x).sum::<f64>() / signal.len() as f64).sqrt()
}
