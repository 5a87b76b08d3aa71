//! The enhancer (RFC 3951, section 4.6): the excitation is replaced by what is common to seven neighbouring pitch periods,
//! as far as that changes it by no more than a twentieth of its energy. It looks ahead, and so delays.

use super::mode::Mode;
use super::tables::{DECIMATION, QUARTERS};

/// What is enhanced at a time.
const BLOCK: usize = 80;

/// Samples of excitation that are kept, and the pitch periods of their blocks.
const KEPT: usize = 640;
const PERIODS: usize = KEPT / BLOCK;

/// Periods looked at on each side.
const SIDE: usize = 3;

/// The energy of the change over that of the block, at most.
const CHANGE: f32 = 0.05;

/// Keeps the excitation, the newest at the end, and enhances what has enough of a future.
pub(super) struct Enhancer {
    mode: Mode,
    kept: Vec<f32>,
    /// Of each block of `kept`, in samples.
    periods: [usize; PERIODS],
}

/// By how many samples the output lags behind the input.
pub(super) const fn delay(mode: Mode) -> usize {
    match mode {
        Mode::Ms20 => 40,
        Mode::Ms30 => 80,
    }
}

impl Enhancer {
    pub fn new(mode: Mode) -> Enhancer {
        Enhancer { mode, kept: vec![0.0; KEPT], periods: [40; PERIODS] }
    }

    /// Takes a frame's excitation and gives as much, enhanced and delayed. After a loss the end of the concealment, which is
    /// still to be given, is first led over into the new excitation.
    pub fn enhance(&mut self, excitation: &[f32], after_loss: bool) -> Vec<f32> {
        let count = excitation.len();
        self.kept.drain(..count);
        self.kept.extend_from_slice(excitation);
        let new_blocks = count / BLOCK;
        self.periods.rotate_left(new_blocks);
        for block in PERIODS - new_blocks..PERIODS {
            self.periods[block] = period(&self.kept, block * BLOCK);
        }
        if after_loss {
            self.lead_over(KEPT - count, PERIODS - new_blocks);
        }
        let from = KEPT - delay(self.mode) - count;
        (0..new_blocks).flat_map(|block| self.block(from + block * BLOCK)).collect()
    }

    /// Cross-fades what was concealed just before `start` with the new excitation's first pitch period, repeated backwards
    /// (section 4.5.3). `block` is the one at `start`.
    fn lead_over(&mut self, start: usize, block: usize) {
        let length = delay(self.mode);
        let (before, new) = self.kept.split_at_mut(start);
        let rough = self.periods[block];
        let similar = |lag: usize| likeness(&new[..length], &new[lag..][..length]);
        let nearby = rough.saturating_sub(1)..=(rough + 1).min(new.len() - length);
        let lag = nearby.max_by(|a, b| similar(*a).total_cmp(&similar(*b))).unwrap_or(rough).max(1);
        self.periods[block - 1] = lag;
        let tail = &mut before[start - length..];
        // Sample `n` before the start, counted from 1, is the one a whole number of periods later.
        let backwards = |n: usize| new[(lag - n % lag) % lag];
        let mean = |power: f32| (power / length as f32).sqrt();
        let new_level = mean((1..=length).map(|n| backwards(n).powi(2)).sum());
        let old_level = mean(tail.iter().map(|s| s * s).sum());
        // It grows to twice the level of the concealment at most, the last 10 samples excepted, which lead to the new level.
        let limit = if new_level > 2.0 * old_level { 2.0 * old_level / new_level } else { 1.0 };
        for n in 1..=length {
            let near = (11usize.saturating_sub(n)) as f32 / 10.0;
            let new = backwards(n) * (limit + (1.0 - limit) * near);
            let weight = n as f32 / (length + 1) as f32;
            let old = &mut tail[length - n];
            *old = weight * *old + (1.0 - weight) * new;
        }
    }

    /// The block at `start`, enhanced.
    fn block(&self, start: usize) -> Vec<f32> {
        let centre = &self.kept[start..start + BLOCK];
        let mut around = vec![0.0; BLOCK];
        for step in [-1.0, 1.0] {
            let mut at = start as f32;
            for distance in 1..=SIDE {
                let period = if step < 0.0 { self.period_before(at) } else { self.period_after(at) };
                at += step * period;
                let Some((place, segment)) = self.matching(centre, at) else { break };
                at = place;
                // A raised cosine over the seven periods, without the one in the middle.
                let phase = std::f32::consts::TAU * (SIDE + 1 - distance) as f32 / (2 * SIDE + 2) as f32;
                let weight = 0.5 * (1.0 - phase.cos());
                around.iter_mut().zip(segment).for_each(|(a, s)| *a += weight * s);
            }
        }
        smoothed(centre, &around)
    }

    /// The pitch period around the middle of the block at `at`.
    fn period_before(&self, at: f32) -> f32 {
        let middle = at + (BLOCK / 2) as f32 - 0.5;
        let apart = |block: &usize| ((block * BLOCK + BLOCK / 2) as f32 - middle).abs();
        self.nearest(apart)
    }

    /// The pitch period of the block that lies one of its own periods after `at`.
    fn period_after(&self, at: f32) -> f32 {
        let middle = at + (BLOCK / 2) as f32;
        let apart = |block: &usize| ((block * BLOCK + BLOCK / 2) as f32 - self.periods[*block] as f32 - middle).abs();
        self.nearest(apart)
    }

    fn nearest(&self, apart: impl Fn(&usize) -> f32) -> f32 {
        let block = (0..PERIODS).min_by(|a, b| apart(a).total_cmp(&apart(b))).unwrap_or_default();
        self.periods[block] as f32
    }

    /// The stretch near `at` that is most like `centre`, to a quarter of a sample, and where it begins. `None`: it would
    /// reach beyond what is kept.
    fn matching(&self, centre: &[f32], at: f32) -> Option<(f32, Vec<f32>)> {
        const SLOP: usize = 2;
        if at < SLOP as f32 || at + (BLOCK + SLOP) as f32 >= KEPT as f32 {
            return None;
        }
        let from = (at.round() as usize).saturating_sub(SLOP);
        let to = (from + 2 * SLOP).min(KEPT - BLOCK - 1);
        let products: Vec<f32> = (from..=to)
            .map(|start| self.kept[start..start + BLOCK].iter().zip(centre).map(|(a, b)| a * b).sum())
            .collect();
        let quarters = 0..4 * (to - from) + 1;
        let finer = |quarter: &usize| interpolated(&products, quarter / 4, quarter % 4);
        let best = quarters.max_by(|a, b| finer(a).total_cmp(&finer(b)))?;
        let (whole, quarter) = (from + best / 4, best % 4);
        let segment = (whole..whole + BLOCK).map(|i| interpolated(&self.kept, i, quarter)).collect();
        Some((from as f32 + best as f32 / 4.0, segment))
    }
}

/// The pitch period in samples, 20 to 118, of the block at `start` of `kept`, from every other sample of it.
fn period(kept: &[f32], start: usize) -> usize {
    const LAGS: std::ops::Range<usize> = 10..60;
    let from = start - 2 * LAGS.end;
    // The filter looks 3 samples both ways; zeros beyond the end.
    let halved = |i: usize| -> f32 {
        let sample = |j: usize| (from + 2 * i + 3).checked_sub(j).and_then(|at| kept.get(at)).copied().unwrap_or(0.0);
        DECIMATION.iter().enumerate().map(|(j, c)| c * sample(j)).sum()
    };
    let half: Vec<f32> = (0..LAGS.end + BLOCK / 2).map(halved).collect();
    let (before, block) = half.split_at(LAGS.end);
    let like = |lag: &usize| {
        let lagged: Vec<f32> = before[LAGS.end - lag..].iter().chain(block).take(BLOCK / 2).copied().collect();
        likeness(block, &lagged)
    };
    // Of equals the shortest.
    2 * LAGS.rev().max_by(|a, b| like(a).total_cmp(&like(b))).unwrap_or(LAGS.start)
}

/// How much of `target` the `other` explains, in energy; nothing where they oppose each other.
fn likeness(target: &[f32], other: &[f32]) -> f32 {
    let product: f32 = target.iter().zip(other).map(|(t, o)| t * o).sum();
    let energy: f32 = other.iter().map(|o| o * o).sum();
    if product > 0.0 && energy > 0.0 { product * product / energy } else { 0.0 }
}

/// The value so many quarters of a sample after sample `i`; zeros beyond both ends.
fn interpolated(signal: &[f32], i: usize, quarter: usize) -> f32 {
    let sample = |k: usize| (i + 3).checked_sub(k).and_then(|at| signal.get(at)).copied().unwrap_or(0.0);
    QUARTERS[quarter].iter().enumerate().map(|(k, c)| c * sample(k)).sum()
}

/// `around` with the energy of `centre`, or as far towards it as the change may go (sections 4.6.3 to 4.6.5).
fn smoothed(centre: &[f32], around: &[f32]) -> Vec<f32> {
    let product = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let (own, other) = (product(centre, centre), product(around, around).max(1.0));
    let gain = (own / other).sqrt();
    let change: f32 = centre.iter().zip(around).map(|(c, a)| (c - gain * a).powi(2)).sum();
    if change <= CHANGE * own {
        return around.iter().map(|a| gain * a).collect();
    }
    let (own, both) = (own.max(1.0), product(centre, around));
    // How far the two are from being the same but for a factor.
    let apart = (other * own - both * both) / (own * own);
    let (mut a, mut b) = (0.0, 1.0);
    if apart > 1e-4 {
        a = ((CHANGE - CHANGE * CHANGE / 4.0) / apart).sqrt();
        b = 1.0 - CHANGE / 2.0 - a * both / own;
    }
    centre.iter().zip(around).map(|(c, s)| a * s + b * c).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pulses(range: std::ops::Range<usize>, noise: f32) -> Vec<f32> {
        let hash = |n: usize| (n.wrapping_mul(2_654_435_761) >> 16 & 0xff) as f32 / 128.0 - 1.0;
        range.map(|n| if n % 50 < 3 { 2000.0 } else { 0.0 } + noise * hash(n)).collect()
    }

    #[test]
    fn a_periodic_excitation_comes_out_as_it_was_later() {
        for mode in [Mode::Ms20, Mode::Ms30] {
            let mut enhancer = Enhancer::new(mode);
            let mut out = Vec::new();
            for frame in pulses(0..2400, 0.0).chunks(mode.samples()) {
                out.extend(enhancer.enhance(frame, false));
            }
            let expected = pulses(0..2400, 0.0);
            let from = 800 + delay(mode);
            let error: f32 = (from..2400).map(|i| (out[i] - expected[i - delay(mode)]).powi(2)).sum();
            let energy: f32 = expected[800..].iter().map(|s| s * s).sum();
            assert!(error < 0.01 * energy, "{mode:?}: {error} of {energy}");
        }
    }

    #[test]
    fn noise_between_the_pulses_is_reduced() {
        let mut enhancer = Enhancer::new(Mode::Ms30);
        let (noisy, clean) = (pulses(0..4800, 150.0), pulses(0..4800, 0.0));
        let out: Vec<f32> = noisy.chunks(240).flat_map(|frame| enhancer.enhance(frame, false)).collect();
        let error = |signal: &[f32], delay: usize| -> f32 {
            (1000..4000).map(|i| (signal[i + delay] - clean[i]).powi(2)).sum()
        };
        let (before, after) = (error(&noisy, 0), error(&out, 80));
        assert!(after < 0.6 * before, "{after} of {before}");
    }

    #[test]
    fn the_period_is_found() {
        assert_eq!(period(&pulses(0..640, 20.0), 560), 50);
        assert_eq!(period(&[0.0; 640], 560), 20);
    }

    #[test]
    fn the_change_is_bounded() {
        let (centre, around) = (pulses(0..80, 900.0), pulses(37..117, 1500.0));
        let out = smoothed(&centre, &around);
        let energy: f32 = centre.iter().map(|c| c * c).sum();
        let change: f32 = centre.iter().zip(&out).map(|(c, o)| (c - o).powi(2)).sum();
        assert!(change < 1.01 * CHANGE * energy, "{change} of {energy}");
        let kept: f32 = out.iter().map(|o| o * o).sum();
        assert!((kept / energy - 1.0).abs() < 0.01, "the energy stays: {kept} of {energy}");
    }

    #[test]
    fn after_a_loss_the_end_of_the_concealment_leads_into_the_new_excitation() {
        let mut enhancer = Enhancer::new(Mode::Ms20);
        for _ in 0..4 {
            enhancer.enhance(&[0.0; 160], false);
        }
        // The concealment was silent; the new pulses are led to over its last 5 ms.
        enhancer.enhance(&pulses(50..210, 0.0), true);
        let tail = &enhancer.kept[440..480];
        assert!(tail[..5].iter().all(|s| s.abs() < 100.0), "{tail:?}");
        assert!(enhancer.kept[480] == 2000.0, "the new excitation is as it is");
        assert_eq!(enhancer.periods[5], 50);
    }
}
