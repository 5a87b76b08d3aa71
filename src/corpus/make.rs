//! From recordings to a clip: cut, join, set the level, lay near-silence around. Plain arithmetic, so that the manifest
//! can name the result's SHA-256.

use super::manifest::{ClipSpec, Coding, Level, Make};
use crate::codec::audio::g722;
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat, flac, wav};
use crate::units::{Rng, Seed};
use std::path::Path;
use std::time::Duration;

/// Makes the clip from the recordings in `folder`.
///
/// # Errors
/// [`Error::Input`]: a recording that is missing or not of the stated format.
pub fn make(spec: &ClipSpec, how: &Make, folder: &Path) -> Result<Pcm> {
    let format = spec.format();
    let mut parts = Vec::new();
    for part in &spec.parts {
        let path = folder.join(&part.file);
        let pcm = read(&path, how.coding)?;
        if pcm.format != format {
            return Err(Error::input(path, format!("{:?}, the manifest says {format:?}", pcm.format)));
        }
        let at = |seconds: f64| format.samples(Duration::from_secs_f64(seconds)).min(pcm.len());
        let (start, end) = (part.start.map_or(0, at), part.end.map_or(pcm.len(), at));
        parts.push(pcm.slice(start, end.saturating_sub(start)));
    }
    Ok(join(&parts, how, format, &spec.id))
}

fn read(path: &Path, coding: Coding) -> Result<Pcm> {
    match coding {
        Coding::Wav => Ok(wav::read(path)?.pcm),
        Coding::Flac => Ok(flac::read(path)?.pcm),
        Coding::G722 => {
            let octets = std::fs::read(path).map_err(|e| Error::input(path, e))?;
            Ok(g722::decode(&octets))
        }
    }
}

fn join(parts: &[Pcm], how: &Make, format: PcmFormat, id: &str) -> Pcm {
    let channels = usize::from(format.channels);
    let mut signals: Vec<Vec<f64>> = parts.iter().map(|p| p.samples.iter().map(|s| f64::from(*s)).collect()).collect();
    let gain = gain(&signals, how.level, format);
    let rest = |seconds| format.samples(Duration::from_secs_f64(seconds)) * channels;
    let mut rng = Seed(0).stream(id);
    let mut out = Vec::new();
    near_silence(&mut out, rest(how.edge), &mut rng);
    let last = signals.len().saturating_sub(1);
    for (i, signal) in signals.iter_mut().enumerate() {
        let (head, tail) = (how.pause > 0.0 || i == 0, how.pause > 0.0 || i == last);
        fade(signal, channels, format.samples(FADE), head, tail);
        out.extend(signal.iter().map(|x| (x * gain).round().clamp(-32768.0, 32767.0) as i16));
        if i < last {
            near_silence(&mut out, rest(how.pause), &mut rng);
        }
    }
    near_silence(&mut out, rest(how.edge), &mut rng);
    Pcm { format, samples: out }
}

/// Short enough to be no part of the sound, long enough not to click.
const FADE: Duration = Duration::from_millis(5);

fn gain(signals: &[Vec<f64>], level: Level, format: PcmFormat) -> f64 {
    let full = |db: f64| 32768.0 * 10.0f64.powf(db / 20.0);
    let (target, found) = match level {
        Level::PeakDbov(db) => (full(db), signals.iter().flatten().fold(0.0f64, |m, x| m.max(x.abs()))),
        Level::ActiveDbov(db) => (full(db), active_rms(signals, format)),
    };
    if found > 0.0 { target / found } else { 1.0 }
}

/// The RMS over the 20 ms frames whose power is within 30 dB of the loudest.
fn active_rms(signals: &[Vec<f64>], format: PcmFormat) -> f64 {
    let frame = format.samples(Duration::from_millis(20)) * usize::from(format.channels);
    let power = |f: &[f64]| f.iter().map(|x| x * x).sum::<f64>() / frame as f64;
    let powers: Vec<f64> = signals.iter().flat_map(|s| s.chunks_exact(frame).map(power)).collect();
    let loudest = powers.iter().fold(0.0f64, |m, p| m.max(*p));
    let active: Vec<f64> = powers.into_iter().filter(|p| *p > loudest / 1000.0).collect();
    (active.iter().sum::<f64>() / active.len().max(1) as f64).sqrt()
}

fn fade(signal: &mut [f64], channels: usize, length: usize, head: bool, tail: bool) {
    let frames = signal.len() / channels;
    for (i, frame) in signal.chunks_exact_mut(channels).enumerate() {
        let from_end = frames - 1 - i;
        let gain = |on: bool, i: usize| if on { (i as f64 / length as f64).min(1.0) } else { 1.0 };
        let g = gain(head, i) * gain(tail, from_end);
        frame.iter_mut().for_each(|x| *x *= g);
    }
}

/// Noise of at most two steps of the 16-bit scale: digital silence would switch codecs and metrics into special cases that
/// recorded speech never meets.
fn near_silence(out: &mut Vec<i16>, samples: usize, rng: &mut Rng) {
    out.extend((0..samples).map(|_| (rng.bits() % 5) as i16 - 2));
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONO: PcmFormat = PcmFormat::mono(16_000);

    fn tone(seconds: f64, amplitude: f64) -> Pcm {
        let at = |k: usize| (amplitude * (k as f64 * 0.3).sin()).round() as i16;
        Pcm { format: MONO, samples: (0..(seconds * 16_000.0) as usize).map(at).collect() }
    }

    #[test]
    fn speech_gets_edges_pauses_and_its_active_level() {
        let how = Make { coding: Coding::Wav, edge: 0.4, pause: 0.3, level: Level::ActiveDbov(-26.0) };
        let made = join(&[tone(1.0, 900.0), tone(0.5, 900.0)], &how, MONO, "a");
        assert_eq!(made.len(), 16_000 * 26 / 10);
        let quiet = |range: std::ops::Range<usize>| made.samples[range].iter().all(|s| s.unsigned_abs() <= 2);
        assert!(quiet(0..6_400) && quiet(22_400..27_200) && quiet(made.len() - 6_400..made.len()));
        assert!(made.samples[..6_400].iter().any(|s| *s != 0));
        let middle: Vec<f64> = made.samples[8_000..20_800].iter().map(|s| f64::from(*s)).collect();
        let db = 20.0 * (active_rms(&[middle], MONO) / 32768.0).log10();
        assert!((db + 26.0).abs() < 0.05, "{db}");
        assert_eq!(made, join(&[tone(1.0, 900.0), tone(0.5, 900.0)], &how, MONO, "a"));
    }

    #[test]
    fn pauses_do_not_count_for_the_active_level() {
        let speech: Vec<f64> = tone(1.0, 900.0).samples.iter().map(|s| f64::from(*s)).collect();
        let with_pause = [speech.clone(), vec![0.0; 16_000]].concat();
        assert!((active_rms(&[with_pause], MONO) / active_rms(&[speech], MONO) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn loops_are_joined_without_a_seam_and_faded_at_the_ends_only() {
        let how = Make { coding: Coding::Wav, edge: 0.0, pause: 0.0, level: Level::PeakDbov(-6.0) };
        let format = PcmFormat { sample_rate: 1_000, channels: 2 };
        let flat = Pcm { format, samples: vec![1000; 200] };
        let made = join(&[flat.clone(), flat], &how, format, "a");
        assert_eq!(made.len(), 200);
        assert_eq!(made.samples[..4], [0, 0, 3285, 3285]);
        assert!(made.samples[10..390].iter().all(|s| *s == 16_423));
        assert_eq!(made.samples[398..], [0, 0]);
    }

    #[test]
    fn a_recording_that_is_missing_is_named() {
        let error = read(Path::new("nowhere/a.g722"), Coding::G722).unwrap_err();
        assert!(error.to_string().starts_with("nowhere/a.g722: "));
    }
}
