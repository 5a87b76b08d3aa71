//! Where real sound follows made-up sound: NetEq's *merge* after lost media, and its short cross-fade after late media.

use super::expand::{Expand, overlap};
use super::signal::{channel, decimated, energy, low_step, peaks, product, rising, rounded};
use crate::media::PcmFormat;
use crate::playout::audio::api::TICK;
use crate::units::from_ms;

/// Made-up sound that is looked at, in ms.
const EXPANDED_MS: f64 = 25.25;
/// Samples of the new sound that are correlated with it at the low rate, and lags.
const WINDOW: usize = 40;
const LAGS: usize = 60;
/// The longest cross-fade, and the start of the new sound whose level counts, in ms.
const FADE_MS: f64 = 7.5;
const LEVEL_MS: f64 = 8.0;

/// `ahead`, made up but not played, and `new` after it, both interleaved: the new sound begins where it fits the made-up
/// sound best, no louder than that at first. What comes out stands in the place of both.
pub fn merge(ahead: &[i16], new: &[i16], expand: &mut Expand, format: PcmFormat) -> Vec<i16> {
    let channels = format.channels as usize;
    let (old, length) = (ahead.len() / channels, new.len() / channels);
    let samples = |ms: f64| format.samples(from_ms(ms));
    // Made-up sound goes on for as long as is looked at.
    expand.hold();
    let mut unused = [0; 0];
    let more = expand.next(&mut unused);
    let mut expanded = ahead.to_vec();
    while expanded.len() < samples(EXPANDED_MS) * channels {
        expanded.extend_from_slice(&more);
    }
    expanded.truncate((samples(EXPANDED_MS)).max(old) * channels);

    let least = (format.samples(TICK) + overlap(format)).max(old).saturating_sub(length);
    let first = |sound: &[i16]| channel(sound, 0, channels);
    let at = place(&first(&expanded), &first(new), least, more.len() / channels, format);

    let frames = expanded.len() / channels;
    let fade = samples(FADE_MS).min(frames - at).min(length);
    let (mut out, mut new) = (expanded[..at * channels].to_vec(), new.to_vec());
    for (c, muted) in expand.mute_factors().enumerate() {
        let (made, real) = (channel(&expanded, c, channels), channel(&new, c, channels));
        let level = samples(LEVEL_MS).min(length);
        let (e_made, e_real) = (energy(&made[..level.min(made.len())]), energy(&real[..level]));
        let gain = if e_real > e_made { (e_made / e_real).sqrt() } else { 1.0 }.max(muted);
        let faded = take_over(&made[at..at + fade], &real, gain, format);
        new.iter_mut().skip(c).step_by(channels).zip(faded).for_each(|(n, f)| *n = f);
    }
    out.append(&mut new);
    out
}

/// One channel of `made` turning into `real` over its length. `real` begins at that gain and is back at full level by 1/256
/// per sample at 8 kHz, or at its end.
fn take_over(made: &[f32], real: &[f32], gain: f64, format: PcmFormat) -> Vec<i16> {
    let step = (8000.0 / (256.0 * f64::from(format.sample_rate))).max((1.0 - gain) / real.len().max(1) as f64);
    let sample = |(i, real): (usize, &f32)| {
        let real = real * (gain + step * i as f64).min(1.0) as f32;
        let weight = made.get(i).map_or(1.0, |_| rising(i, made.len()));
        rounded(made.get(i).copied().unwrap_or(0.0) * (1.0 - weight) + real * weight)
    };
    real.iter().enumerate().map(sample).collect()
}

/// Where in `made` the sound `new` begins best, at `least` or later, within one `period`.
fn place(made: &[f32], new: &[f32], least: usize, period: usize, format: PcmFormat) -> usize {
    let step = low_step(format.sample_rate);
    let window = WINDOW.min(new.len() / step);
    let low_new = decimated(&new[..window * step], format.sample_rate, window);
    let count = made.len() / step;
    let low_made = decimated(&made[..count * step], format.sample_rate, count);
    let start = least / step;
    let stop = (LAGS.min(period / step + 1)).min(count.saturating_sub(start + low_new.len()));
    let values: Vec<f64> = (0..stop).map(|lag| product(&low_new, &low_made[start + lag..])).collect();
    let found = peaks(&values, 1).first().map_or(0.0, |p| p.0);
    (least + (found * step as f64).round() as usize).min(made.len())
}

/// Turns made-up sound into the late `new` sound within 1 ms, and raises its level from that of the made-up sound.
/// `backgrounds`: the mean square of each channel's background.
pub fn resume(new: &mut [i16], expand: &mut Expand, backgrounds: &[f64], format: PcmFormat) {
    let channels = format.channels as usize;
    let length = new.len() / channels;
    expand.hold();
    let mut unused = [0; 0];
    let made = expand.next(&mut unused);
    let fade = format.samples(from_ms(1.0)).min(length).min(made.len() / channels);
    for (c, muted) in expand.mute_factors().enumerate() {
        let real = channel(new, c, channels);
        let near = format.samples(from_ms(LEVEL_MS)).min(length);
        let power = energy(&real[..near]) / near.max(1) as f64;
        let background = if power > backgrounds[c] { (backgrounds[c] / power).sqrt() } else { 1.0 };
        let gain = muted.max(background);
        let faded = take_over(&channel(&made, c, channels)[..fade], &real, gain, format);
        new.iter_mut().skip(c).step_by(channels).zip(faded).for_each(|(n, f)| *n = f);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const FORMAT: PcmFormat = PcmFormat::mono(48_000);

    fn tone(n: usize) -> i16 {
        (8000.0 * (n as f64 * TAU * 150.0 / 48_000.0).sin()) as i16
    }

    /// The largest second difference: what a click raises.
    fn bend(sound: &[i16]) -> i32 {
        sound.windows(3).map(|w| (i32::from(w[0]) - 2 * i32::from(w[1]) + i32::from(w[2])).abs()).max().unwrap()
    }

    /// Past, some 20 ms made up (of which the overlap is not played), and an expand that goes on.
    fn expanded() -> (Vec<i16>, usize, Expand) {
        let mut sound: Vec<i16> = (0..2400).map(tone).collect();
        let mut expand = Expand::new(&sound[2400 - 1536..], FORMAT);
        let mut tail = sound.split_off(2400 - overlap(FORMAT));
        let mut made = Vec::new();
        while made.len() < 960 {
            made.extend(expand.next(&mut tail));
        }
        sound.extend(tail);
        sound.extend(made);
        let played = sound.len() - overlap(FORMAT);
        (sound, played, expand)
    }

    #[test]
    fn sound_out_of_phase_is_placed_in_phase() {
        for shift in [0, 40, 111, 200] {
            let (mut sound, played, mut expand) = expanded();
            let new: Vec<i16> = (0..960).map(|i| tone(5000 + shift + i)).collect();
            let ahead = sound.split_off(played);
            sound.extend(merge(&ahead, &new, &mut expand, FORMAT));
            // Placed anywhere, the two would be up to 16,000 apart.
            assert!(bend(&sound[2400..]) <= 500, "{shift}: {}", bend(&sound[2400..]));
            assert_eq!(sound[sound.len() - 300..], new[660..], "its end is as it came");
        }
    }

    #[test]
    fn late_sound_is_faded_in_within_1_ms() {
        let (_, _, mut expand) = expanded();
        let mut new: Vec<i16> = (0..960).map(|i| tone(5100 + i)).collect();
        let before = new.clone();
        resume(&mut new, &mut expand, &[0.0], FORMAT);
        assert_ne!(new[..20], before[..20]);
        assert_eq!(new[900..], before[900..]);
    }
}
