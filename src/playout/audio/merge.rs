//! Where made-up sound begins and ends: our own continuation for decoders that have none, and a join without a click.

use crate::codec::audio::plc::Concealer;
use crate::media::PcmFormat;
use crate::playout::audio::time_stretch::fade;

/// Repeats what was heard, per channel, falling silent after 60 ms (`codec::conceal`).
pub(super) struct Continuation {
    channels: Vec<Concealer>,
}

impl Continuation {
    /// Goes on from `past`, interleaved.
    pub fn new(past: &[i16], format: PcmFormat) -> Continuation {
        let count = format.channels as usize;
        let channels = (0..count).map(|c| {
            let mut concealer = Concealer::new(PcmFormat::mono(format.sample_rate));
            concealer.heard(&mut past.iter().skip(c).step_by(count).copied().collect::<Vec<i16>>());
            concealer
        });
        Continuation { channels: channels.collect() }
    }

    /// The next `samples` per channel, interleaved.
    pub fn next(&mut self, samples: usize) -> Vec<i16> {
        let count = self.channels.len();
        let mut out = vec![0; samples * count];
        for (c, concealer) in self.channels.iter_mut().enumerate() {
            let mut made = Vec::with_capacity(samples);
            concealer.conceal(samples, &mut made);
            out.iter_mut().skip(c).step_by(count).zip(made).for_each(|(o, m)| *o = m);
        }
        out
    }
}

/// Joins `next` to `past` (both interleaved): if the seam bends more sharply than the signal does on either side within
/// 5 ms, the first 5 ms of `next` are faded in over the continuation of `past` (`own`, where there is one that goes
/// on). A decoder that has joined its concealment and its first frame by itself is left alone.
pub(super) fn join(past: &[i16], own: Option<Continuation>, next: &mut [i16], format: PcmFormat) {
    let channels = format.channels as usize;
    let near = format.sample_rate as usize / 200 * channels;
    let length = near.min(next.len());
    let before = &past[past.len().saturating_sub(near)..];
    let bend = |s: &[i16]| {
        let at = |i: usize| i32::from(s[i]);
        (2 * channels..s.len()).map(|i| (at(i) - 2 * at(i - channels) + at(i - 2 * channels)).abs()).max().unwrap_or(0)
    };
    let two = 2 * channels;
    let mut seam = before[before.len().saturating_sub(two)..].to_vec();
    seam.extend_from_slice(&next[..two.min(length)]);
    if bend(&seam) <= bend(before).max(bend(&next[..length])) {
        return;
    }
    let from = own.unwrap_or_else(|| Continuation::new(past, format)).next(length / channels);
    let mut joined = Vec::with_capacity(length);
    fade(&from, &next[..length], channels, &mut joined);
    next[..length].copy_from_slice(&joined);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(n: usize) -> i16 {
        (8000.0 * (n as f64 * std::f64::consts::TAU * 200.0 / 48_000.0).sin()) as i16
    }

    #[test]
    fn a_jump_in_phase_is_faded_and_a_smooth_seam_is_left_alone() {
        let format = PcmFormat::mono(48_000);
        let past: Vec<i16> = (0..4800).map(tone).collect();
        let mut smooth: Vec<i16> = (4800..5760).map(tone).collect();
        let before = smooth.clone();
        join(&past, None, &mut smooth, format);
        assert_eq!(smooth, before);
        let mut jump: Vec<i16> = (4860..5820).map(tone).collect();
        let end = jump[240..].to_vec();
        join(&past, None, &mut jump, format);
        assert!((i32::from(jump[0]) - i32::from(past[4799])).abs() < 400, "{} after {}", jump[0], past[4799]);
        assert_eq!(jump[240..], end);
    }
}
