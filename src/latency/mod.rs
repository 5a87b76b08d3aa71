//! The algorithmic delay of a codec, measured: a marker goes through encoder and decoder, and is found again by correlation.
//!
//! It is what the codec itself needs: one frame must be complete before it is coded, on top comes the shift between input
//! and output, the look-ahead of encoder and decoder, and what either holds back although it could be given out. No network,
//! no jitter buffer, no computing time. `marker` finds the shift; `bandwidth` reads from the same noise which frequencies
//! come through.

mod bandwidth;
mod footprint;
mod marker;
mod probe;

pub use footprint::{Footprint, footprint_key, footprints};
pub use probe::{Probe, SettingDelay};

use crate::codec::{Codec, Delay, Input, Request, Settings};
use crate::error::{Error, Result};
use crate::media::{Pcm, PcmFormat};
use crate::units::{Time, ms};
use marker::{envelope, first_channel, hum, noise, shift};

/// Where the look-ahead is searched, in ms: first near the frame, then as far as storage codecs need.
const NEAR_MS: (i64, i64) = (-40, 60);
const FAR_MS: (i64, i64) = (20, 300);
const ANY_MS: (i64, i64) = (-40, 300);
/// How long a stretch of the marker is compared, and how many stretches there are.
const STRETCH_MS: i64 = 100;
const STRETCHES: usize = 9;
/// A stretch of the envelope has more of the hum's beginnings and ends in it.
const HUM_STRETCH_MS: i64 = 600;
/// The window of the envelope: two periods of the hum.
const WINDOW_MS: f64 = 1000.0 / 60.0;
/// The least normalised correlation at which a stretch counts as found: noise is like itself alone, while any two envelopes
/// have something in common.
const LEAST: (f64, f64) = (0.15, 0.5);

/// Delays in ms, fractions of a sample included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// One frame as the encoder takes it.
    pub frame_ms: f64,
    /// The measured shift between input and output.
    pub lookahead_ms: f64,
    /// How much later than their frame allows coded units or decoded samples were given out, at most.
    pub held_ms: f64,
    /// What the implementation documents: encoder and decoder apart, and what a container holds back.
    pub nominal: Delay,
    /// What was measured: a marker's waveform (to a fraction of a sample), or only its envelope (to about 2 ms).
    pub by: By,
    /// The upper edge of the audio band that comes through, in Hz.
    pub bandwidth_hz: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum By {
    Waveform,
    Envelope,
}

impl Latency {
    /// The codec's algorithmic delay as measured: frame, shift, and what is held back.
    pub fn total_ms(&self) -> f64 {
        self.frame_ms + self.lookahead_ms + self.held_ms
    }

    /// The implementation's documented figure for it: frame and look-ahead.
    pub fn nominal_ms(&self) -> f64 {
        self.frame_ms + ms(self.nominal.lookahead())
    }

    /// The specification's figure: frame and look-ahead.
    pub fn spec_ms(&self) -> f64 {
        self.frame_ms + ms(self.nominal.specified())
    }

    /// As a user meets it: with what the container, or the bit reservoir, holds back at most as documented, where that is more
    /// than what was seen to be held back.
    pub fn met_ms(&self) -> f64 {
        self.frame_ms + self.lookahead_ms + self.held_ms.max(ms(self.nominal.container))
    }
}

/// Measures `codec` as `request` sets it for a clip in `clip_format`: the median over several stretches of noise, to a
/// fraction of a sample; where the codec keeps no waveform, that of the envelope of a hum. The marker is continuous, which
/// discontinuous transmission would take for a pause, so it is measured with `usedtx` off; the delay does not depend on it.
/// At low bitrates the figure may be off by a few samples.
///
/// # Errors
/// The setting cannot be made, or too little of the marker comes through to be found again.
pub fn measure(codec: &Codec<Pcm>, request: &Request, clip_format: &PcmFormat) -> Result<Latency> {
    let mut request = request.clone();
    if request.fmtp.get("usedtx").is_some() {
        request.fmtp.set("usedtx", "0")?;
    }
    let settings = (codec.configure)(&request, clip_format)?;
    let rate = settings.format.sample_rate as usize;
    let in_ms = |samples: f64| samples * 1000.0 / rate as f64;

    let noise = Through::of(codec, &settings, STRETCH_MS, noise)?;
    let found = |lookahead_ms, by, held| Latency {
        frame_ms: ms(settings.frame),
        lookahead_ms,
        held_ms: in_ms(held),
        nominal: settings.delay(),
        by,
        bandwidth_hz: noise.bandwidth_hz(settings.format),
    };
    let wave = |lags_ms| noise.shift(|signal| signal, rate, STRETCH_MS, lags_ms, LEAST.0);
    if let Some(lookahead) = wave(NEAR_MS).or_else(|| wave(FAR_MS)) {
        return Ok(found(in_ms(lookahead), By::Waveform, noise.held));
    }
    let hum = Through::of(codec, &settings, HUM_STRETCH_MS, hum)?;
    let window = (WINDOW_MS * rate as f64 / 1000.0) as usize;
    let levels = |signal: Vec<f64>| envelope(&signal, rate / 1000, window);
    match hum.shift(levels, 1000, HUM_STRETCH_MS, ANY_MS, LEAST.1) {
        Some(lookahead_ms) => Ok(found(lookahead_ms, By::Envelope, hum.held)),
        None => {
            let reason = "the marker does not come through; a higher bitrate may help".into();
            Err(Error::Codec { codec: codec.name, reason })
        }
    }
}

/// A marker, and what came of it.
struct Through {
    sent: Vec<f64>,
    heard: Vec<f64>,
    /// How many samples later than their frame allows some came out, at most, once the codec has begun.
    held: f64,
}

impl Through {
    /// As long as the stretches and the search need, after one second in which adaptive codecs settle.
    fn of(
        codec: &Codec<Pcm>,
        settings: &Settings<Pcm>,
        stretch_ms: i64,
        marker: fn(PcmFormat, usize) -> Pcm,
    ) -> Result<Through> {
        let format = settings.format;
        let per_frame = format.samples(settings.frame);
        let length_ms = 1000 + STRETCHES as i64 * stretch_ms + 2 * ANY_MS.1;
        let frames = (length_ms as usize * format.sample_rate as usize / 1000).div_ceil(per_frame);
        let sent = marker(format, frames * per_frame);
        let mut encoder = settings.encoder()?;
        let mut decoder = settings.decoder()?;
        let mut heard = Pcm::silence(format, 0);
        let (mut units, mut held, mut begun) = (Vec::new(), 0, false);
        for i in 0..frames {
            units.clear();
            let before = heard.len();
            encoder.encode(
                Time::ZERO + format.duration(i * per_frame),
                &sent.slice(i * per_frame, per_frame),
                &mut units,
            )?;
            for unit in &units {
                decoder.decode(Input::Unit(&unit.data), &mut heard)?;
            }
            if units.is_empty() && codec.rtp.is_some() {
                decoder.decode(Input::Lost(settings.frame), &mut heard)?;
            }
            // The first samples of a codec stand for its own look-ahead; what matters is how far it lies back later.
            if begun && heard.len() > before {
                held = held.max((i * per_frame).saturating_sub(before));
            }
            begun = i * per_frame > format.sample_rate as usize / 2;
        }
        // Of what comes only at the end it cannot be said how long it was held.
        units.clear();
        encoder.finish(&mut units)?;
        for unit in &units {
            decoder.decode(Input::Unit(&unit.data), &mut heard)?;
        }
        Ok(Through { sent: first_channel(&sent), heard: first_channel(&heard), held: held as f64 })
    }

    /// Of the marker that is white noise.
    fn bandwidth_hz(&self, format: PcmFormat) -> f64 {
        let settled = (format.sample_rate as usize).min(self.heard.len());
        bandwidth::of_noise(&self.heard[settled..], format.sample_rate)
    }

    /// By how many values of what `view` makes of the signals the marker came later: the median over the stretches.
    fn shift(
        &self,
        view: impl Fn(Vec<f64>) -> Vec<f64>,
        rate: usize,
        stretch_ms: i64,
        lags_ms: (i64, i64),
        least: f64,
    ) -> Option<f64> {
        let (sent, heard) = (view(self.sent.clone()), view(self.heard.clone()));
        let values = |ms: i64| ms * rate as i64 / 1000;
        let (start, stretch) = (rate, values(stretch_ms) as usize);
        let lags = (values(lags_ms.0), values(lags_ms.1));
        let part = |i: usize| start + i * stretch..start + (i + 1) * stretch;
        let mut shifts: Vec<f64> = (0..STRETCHES).filter_map(|i| shift(&sent, &heard, part(i), lags, least)).collect();
        shifts.sort_by(f64::total_cmp);
        (shifts.len() > STRETCHES / 2).then(|| shifts[shifts.len() / 2])
    }
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
            assert!((latency.total_ms() - total).abs() < 0.1, "{mode:?} {frame_ms} ms: {latency:?}");
            assert_eq!(latency.nominal_ms(), total);
        }
    }

    #[test]
    fn opus_keeps_its_delay_in_every_mode_in_stereo_and_with_dtx_asked() {
        for (fmtp, bitrate) in
            [("", 32_000), ("maxplaybackrate=16000", 24_000), ("stereo=1", 96_000), ("usedtx=1", 64_000)]
        {
            let latency = opus(None, 20.0, bitrate, fmtp);
            assert!((latency.total_ms() - 26.5).abs() < 0.1, "'{fmtp}' at {bitrate}: {latency:?}");
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
        for codec in AUDIO.iter().filter(|c| c.is_built()) {
            for (label, request) in (codec.variants)() {
                let latency = measure(codec, &request, &CLIP).unwrap();
                let margin = if latency.by == By::Waveform { 0.1 } else { 5.0 };
                let miss = (latency.frame_ms + latency.lookahead_ms - latency.nominal_ms()).abs();
                assert!(miss < margin, "{} {label}: {latency:?}", codec.name);
            }
        }
    }
}
