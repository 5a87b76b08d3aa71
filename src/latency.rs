//! The algorithmic delay of a codec, measured: noise goes through encoder and decoder, and is found again by correlation.
//!
//! It is what the codec itself needs: one frame must be complete before it is coded, and on top comes the shift between
//! input and output, the look-ahead of encoder and decoder. No network, no jitter buffer, no computing time.

use crate::codec::{Codec, Input, Request};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Seed, Time, ms};
use std::f64::consts::PI;

/// Where the look-ahead is searched: -5 to 60 ms.
const SEARCH_MS: (i64, i64) = (-5, 60);
/// How long a stretch of noise is compared, and how many stretches there are.
const STRETCH_MS: i64 = 100;
const STRETCHES: usize = 9;
/// The least normalised correlation at which the noise counts as found.
const LEAST_LIKENESS: f64 = 0.15;
/// Lags on each side from which the correlation is interpolated, and interpolated points per lag.
const REACH: i64 = 16;
const FINE: i64 = 8;

/// Delays in ms, fractions of a sample included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// One frame as the encoder takes it.
    pub frame_ms: f64,
    /// The measured shift between input and output; [`Latency::total_ms`] less the frame.
    pub lookahead_ms: f64,
    pub total_ms: f64,
    /// The implementation's documented figure for the total: frame plus documented look-ahead.
    pub nominal_ms: f64,
}

/// Measures `codec` as `request` sets it for a clip in `clip_format`: the median over several stretches of noise, to a
/// fraction of a sample. The marker is continuous noise, which discontinuous transmission would take for a pause, so it
/// is measured with `usedtx` off; the delay does not depend on it. At low bitrates the figure may be off by a few
/// samples, since a parametric codec does not keep the waveform.
///
/// # Errors
/// The setting cannot be made, or too little of the noise comes through to be found again.
pub fn measure(codec: &Codec<Pcm>, request: &Request, clip_format: &PcmFormat) -> Result<Latency> {
    let mut request = request.clone();
    if request.fmtp.get("usedtx").is_some() {
        request.fmtp.set("usedtx", "0")?;
    }
    let settings = (codec.settle)(&request, clip_format)?;
    let format = settings.format;
    let in_samples = |ms: i64| ms * i64::from(format.sample_rate) / 1000;
    let stretch = in_samples(STRETCH_MS) as usize;
    // One second before the first stretch: adaptive codecs settle.
    let start = in_samples(1000) as usize;
    let per_frame = format.samples(settings.frame);
    let frames = (start + (STRETCHES + 1) * stretch).div_ceil(per_frame);
    let noise = noise(format, frames * per_frame);

    let mut encoder = (codec.encoder)(&settings)?;
    let mut decoder = (codec.decoder)(&settings)?;
    let mut heard = Pcm::silence(format, 0);
    let mut units = Vec::new();
    for i in 0..frames {
        units.clear();
        encoder.encode(Time::ZERO + settings.frame * i as u32, &noise.slice(i * per_frame, per_frame), &mut units)?;
        for unit in &units {
            decoder.decode(Input::Unit(&unit.data), &mut heard)?;
        }
        if units.is_empty() {
            decoder.decode(Input::Lost(settings.frame), &mut heard)?;
        }
    }

    let (sent, heard) = (first_channel(&noise), first_channel(&heard));
    let lags = (in_samples(SEARCH_MS.0), in_samples(SEARCH_MS.1));
    let mut shifts: Vec<f64> = (0..STRETCHES)
        .filter_map(|i| shift(&sent, &heard, start + i * stretch..start + (i + 1) * stretch, lags))
        .collect();
    if shifts.len() <= STRETCHES / 2 {
        let reason = "the noise marker does not come through; a higher bitrate may help".into();
        return Err(Error::Codec { codec: codec.name, reason });
    }
    shifts.sort_by(f64::total_cmp);
    let lookahead_ms = shifts[shifts.len() / 2] * 1000.0 / f64::from(format.sample_rate);
    let frame_ms = ms(settings.frame);
    Ok(Latency {
        frame_ms,
        lookahead_ms,
        total_ms: frame_ms + lookahead_ms,
        nominal_ms: frame_ms + ms((codec.delay)(&settings).lookahead()),
    })
}

/// White noise at -18 dB of full scale, the same in all channels.
fn noise(format: PcmFormat, samples: usize) -> Pcm {
    let mut rng = Seed(1).stream("delay marker");
    let values = (0..samples).map(|_| (4000.0 * rng.normal()).clamp(-32_000.0, 32_000.0) as i16).collect();
    Pcm { format: PcmFormat::mono(format.sample_rate), samples: values }.with_channels(format.channels)
}

fn first_channel(pcm: &Pcm) -> Vec<f64> {
    pcm.samples.iter().step_by(pcm.format.channels as usize).map(|s| f64::from(*s)).collect()
}

/// By how many samples `heard` is later than the stretch `of` of `sent`; `None` if it is not found there.
fn shift(sent: &[f64], heard: &[f64], of: std::ops::Range<usize>, lags: (i64, i64)) -> Option<f64> {
    let marker = &sent[of.clone()];
    let window = |lag: i64| &heard[(of.start as i64 + lag) as usize..(of.end as i64 + lag) as usize];
    let product = |lag: i64| marker.iter().zip(window(lag)).map(|(a, b)| a * b).sum::<f64>();
    let products: Vec<f64> = (lags.0..=lags.1).map(product).collect();
    let (best, peak) = (lags.0..)
        .zip(&products)
        .skip(REACH as usize)
        .take(products.len() - 2 * REACH as usize)
        .max_by(|a, b| a.1.total_cmp(b.1))?;
    let energy = |x: &[f64]| x.iter().map(|v| v * v).sum::<f64>();
    if *peak <= LEAST_LIKENESS * (energy(marker) * energy(window(best))).sqrt() {
        return None;
    }
    // The correlation is band-limited like the signals: between the lags it is read by a windowed sinc, and the top of
    // that by a parabola.
    let at = |t: f64| -> f64 {
        let middle = t.round() as i64;
        (middle - REACH + 1..middle + REACH)
            .filter_map(|lag| {
                let (x, value) = (t - lag as f64, products.get((lag - lags.0) as usize)?);
                let sinc = if x == 0.0 { 1.0 } else { (PI * x).sin() / (PI * x) };
                Some(value * sinc * (0.5 + 0.5 * (PI * x / (REACH + 1) as f64).cos()))
            })
            .sum()
    };
    let fine = |k: i64| best as f64 + k as f64 / FINE as f64;
    let top = (-FINE..=FINE).max_by(|a, b| at(fine(*a)).total_cmp(&at(fine(*b))))?;
    let (before, here, after) = (at(fine(top - 1)), at(fine(top)), at(fine(top + 1)));
    let curve = before - 2.0 * here + after;
    let offset = if curve < 0.0 { 0.5 * (before - after) / curve } else { 0.0 };
    Some(fine(top) + offset / FINE as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::{AUDIO, audio};
    use crate::units::from_ms;

    const CLIP: PcmFormat = PcmFormat::mono(48_000);

    fn opus(mode: Option<&str>, frame_ms: f64, bitrate: u32, fmtp: &str) -> Latency {
        let request = Request {
            fmtp: fmtp.parse().unwrap(),
            ptime: Some(from_ms(frame_ms)),
            bitrate: Some(crate::units::Bitrate(bitrate)),
            mode: mode.map(Into::into),
            ..Request::default()
        };
        measure(audio("opus").unwrap(), &request, &CLIP).unwrap()
    }

    #[test]
    fn opus_needs_its_frame_and_6_5_ms_or_2_5_ms_in_low_delay() {
        for (mode, frame_ms, total) in [
            (Some("audio"), 20.0, 26.5),
            (Some("voip"), 20.0, 26.5),
            (None, 20.0, 26.5),
            (None, 10.0, 16.5),
            (Some("audio"), 2.5, 9.0),
            (Some("lowdelay"), 2.5, 5.0),
            (Some("lowdelay"), 20.0, 22.5),
        ] {
            let latency = opus(mode, frame_ms, 128_000, "");
            assert!((latency.total_ms - total).abs() < 0.1, "{mode:?} {frame_ms} ms: {latency:?}");
            assert_eq!(latency.nominal_ms, total);
        }
    }

    #[test]
    fn opus_keeps_its_delay_in_every_mode_in_stereo_and_with_dtx_asked() {
        for (fmtp, bitrate) in
            [("", 32_000), ("maxplaybackrate=16000", 24_000), ("stereo=1", 96_000), ("usedtx=1", 64_000)]
        {
            let latency = opus(None, 20.0, bitrate, fmtp);
            assert!((latency.total_ms - 26.5).abs() < 0.1, "'{fmtp}' at {bitrate}: {latency:?}");
        }
    }

    #[test]
    fn fixed_rate_codecs_need_their_frame_and_filters() {
        for (name, lookahead) in [("PCMU", 0.0), ("PCMA", 0.0), ("G722", 1.375), ("L16", 0.0)] {
            for frame_ms in [10.0, 20.0] {
                let request = Request { ptime: Some(from_ms(frame_ms)), ..Request::default() };
                let latency = measure(audio(name).unwrap(), &request, &CLIP).unwrap();
                assert_eq!(latency.frame_ms, frame_ms);
                assert!((latency.lookahead_ms - lookahead).abs() < 0.02, "{name}: {latency:?}");
            }
        }
    }

    #[test]
    fn every_variant_of_every_codec_lies_at_its_documented_figure() {
        for codec in AUDIO {
            for (label, request) in (codec.variants)() {
                let latency = measure(codec, &request, &CLIP).unwrap();
                assert!((latency.total_ms - latency.nominal_ms).abs() < 0.1, "{} {label}: {latency:?}", codec.name);
            }
        }
    }

    #[test]
    fn a_shift_between_samples_is_found() {
        // Noise below a third of the sampling rate, read 7.3 samples earlier by its own cosines.
        let mut rng = Seed(2).stream("tones");
        let tones: Vec<(f64, f64)> = (0..200).map(|_| (2.0 * rng.unit(), 2.0 * PI * rng.unit())).collect();
        let signal = |t: f64| tones.iter().map(|(w, phase)| (w * t + phase).cos()).sum::<f64>();
        let sent: Vec<f64> = (0..3000).map(|n| signal(f64::from(n))).collect();
        let heard: Vec<f64> = (0..3000).map(|n| signal(f64::from(n) - 7.3)).collect();
        let found = shift(&sent, &heard, 1000..2600, (-40, 200)).unwrap();
        assert!((found - 7.3).abs() < 0.02, "{found}");
        assert_eq!(shift(&sent, &vec![0.0; 3000], 1000..2600, (-40, 200)), None);
    }
}
