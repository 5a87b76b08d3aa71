//! What every storage codec of this build must do, whatever it is. `--features "lame aac-fdk"` brings more of them.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::codec::{AUDIO, Bitrates, Codec, Input, Request, Settings, Unit};
use codecbench::latency::{By, measure};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::units::{Bitrate, Seed, Time, from_ms, ms};
use std::time::Duration;

#[test]
fn what_goes_in_comes_out_and_units_follow_each_other() {
    for (_, settings, label) in settings() {
        let pcm = music(settings.format, 2);
        let units = encode(&settings, &pcm);
        let covered: Duration = units.iter().map(|u| u.duration).sum();
        let heard = decode(&settings, &units);
        assert!(heard.len() >= pcm.len(), "{label}: {} of {} samples", heard.len(), pcm.len());
        assert!(covered >= pcm.duration() && covered <= pcm.duration() + from_ms(300.0), "{label}: {covered:?}");
        assert_eq!(units[0].pts, Time::ZERO, "{label}");
        for pair in units.windows(2) {
            assert_eq!(pair[0].pts + pair[0].duration, pair[1].pts, "{label}");
        }
    }
}

/// So that frame and look-ahead are all of a codec's delay: after each frame in, as much has come out, but for what the
/// documentation says that the bit reservoir holds back.
#[test]
fn a_player_that_starts_with_the_first_frame_never_waits() {
    for (codec, settings, label) in settings() {
        let frame = settings.format.samples(settings.frame);
        let held = match codec.name {
            "MP3" => settings.format.samples(settings.delay().container),
            _ => 0,
        };
        let pcm = music(settings.format, 4);
        let (mut encoder, mut decoder) = (settings.encoder().unwrap(), settings.decoder().unwrap());
        let mut heard = Pcm::silence(settings.format, 0);
        for i in 0..pcm.len() / frame {
            let mut units = Vec::new();
            encoder.encode(Time::ZERO, &pcm.slice(i * frame, frame), &mut units).unwrap();
            for unit in units {
                decoder.decode(Input::Unit(&unit.data), &mut heard).unwrap();
            }
            assert!(heard.len() + held >= (i + 1) * frame, "{label}: {} samples after frame {i}", heard.len());
        }
    }
}

#[test]
fn the_documented_look_ahead_takes_the_output_back_onto_the_input() {
    for (_, settings, label) in settings() {
        let delay = settings.format.samples(settings.delay().lookahead());
        let tones = tones(settings.format, 2);
        let heard = decode(&settings, &encode(&settings, &tones));
        let (from, length) = (24_000, 48_000);
        let back = heard.slice(delay + from, length);
        let fit = snr(&tones.slice(from, length).samples, &back.samples);
        let off = snr(&tones.slice(from + 1, length).samples, &back.samples);
        assert!(fit > 3.0 && fit > off + 0.3, "{label}: {fit:.1} dB, a sample later {off:.1} dB");
    }
}

#[test]
fn measured_delays_are_those_documented() {
    for codec in storage() {
        for (label, request) in (codec.variants)() {
            for channels in [1, 2] {
                let latency = measure(codec, &request, &PcmFormat { sample_rate: 48_000, channels }).unwrap();
                let miss = (latency.frame_ms + latency.lookahead_ms - latency.nominal_ms()).abs();
                assert!(latency.by == By::Waveform && miss < 0.1, "{} {label} {channels}: {latency:?}", codec.name);
                let most = if codec.name == "MP3" { ms(latency.nominal.container) } else { 0.0 };
                assert!(latency.held_ms <= most + 0.001, "{} {label} {channels}: {latency:?}", codec.name);
            }
        }
    }
}

#[test]
fn a_bitrate_that_is_asked_is_kept() {
    for (codec, settings, label) in settings() {
        let units = encode(&settings, &music(settings.format, 6));
        let seconds: f64 = units.iter().map(|u| u.duration.as_secs_f64()).sum();
        let bits: usize = units.iter().map(|u| 8 * u.data.len()).sum();
        let (asked, got) = (f64::from(settings.bitrate.unwrap().0), bits as f64 / seconds);
        // Vorbis keeps a mean over longer than this, and starts below it.
        let margin = if codec.name == "Vorbis" { 0.25 } else { 0.03 };
        assert!((got / asked - 1.0).abs() < margin, "{label}: {got:.0} bit/s");
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_input_gives_others() {
    for (_, settings, label) in settings() {
        let pcm = music(settings.format, 1);
        let units = encode(&settings, &pcm);
        assert_eq!(units, encode(&settings, &pcm), "{label}");
        assert_eq!(decode(&settings, &units), decode(&settings, &units), "{label}");
        let mut other = pcm.clone();
        other.samples.iter_mut().for_each(|s| *s = *s / 2 + 50);
        assert_ne!(units, encode(&settings, &other), "{label}");
    }
}

#[test]
fn channels_stay_apart() {
    for (_, settings, label) in settings() {
        if settings.format.channels == 2 {
            let mut pcm = tones(settings.format, 2);
            pcm.samples.iter_mut().skip(1).step_by(2).for_each(|s| *s = 0);
            let heard = decode(&settings, &encode(&settings, &pcm)).slice(24_000, 48_000);
            let power =
                |channel| heard.samples.iter().skip(channel).step_by(2).map(|s| f64::from(*s).powi(2)).sum::<f64>();
            assert!(power(0) > 30.0 * power(1), "{label}: {:e} left, {:e} right", power(0), power(1));
        }
    }
}

#[test]
fn a_loss_of_any_length_is_filled_exactly_even_before_the_first_unit() {
    for (_, settings, label) in settings() {
        let units = encode(&settings, &music(settings.format, 1));
        let mut decoder = settings.decoder().unwrap();
        for unit in &units[..3] {
            for missing in [0.1, 10.0, 20.0, 37.5, 1000.0].map(from_ms) {
                for input in [Input::Lost(missing), Input::Recover { from: &unit.data, offset: missing, missing }] {
                    let mut out = Pcm::silence(settings.format, 0);
                    decoder.decode(input, &mut out).unwrap();
                    assert_eq!(out.len(), settings.format.samples(missing), "{label}: {missing:?}");
                }
            }
            decoder.decode(Input::Unit(&unit.data), &mut Pcm::silence(settings.format, 0)).unwrap();
        }
    }
}

#[test]
fn silence_full_scale_and_direct_current_survive() {
    for (_, settings, label) in settings() {
        let count = 48_000 * settings.format.channels as usize;
        let mut rng = Seed(4).stream("noise");
        let signals: [Vec<i16>; 5] = [
            vec![0; count],
            vec![i16::MIN; count],
            vec![12_345; count],
            (0..count).map(|i| if i / 40 % 2 == 0 { i16::MAX } else { i16::MIN }).collect(),
            (0..count).map(|_| rng.bits() as i16).collect(),
        ];
        for (i, samples) in signals.into_iter().enumerate() {
            let heard = decode(&settings, &encode(&settings, &Pcm { format: settings.format, samples }));
            let loudest = heard.samples.iter().map(|s| i32::from(*s).abs()).max().unwrap();
            assert!(if i == 0 { loudest < 10 } else { loudest > 100 }, "{label}, signal {i}: peak {loudest}");
        }
    }
}

#[test]
fn broken_units_are_refused_or_decoded_and_decoding_goes_on() {
    for (codec, settings, label) in settings() {
        let units = encode(&settings, &music(settings.format, 2));
        let mut rng = Seed(8).stream(codec.name);
        let mut decoder = settings.decoder().unwrap();
        let mut feed = |bytes: &[u8]| {
            let mut out = Pcm::silence(settings.format, 0);
            let result = decoder.decode(Input::Unit(bytes), &mut out);
            assert!(result.is_ok() || out.is_empty(), "{label}: a refused unit leaves nothing behind");
            assert!(out.len() <= 8192, "{label}: {} samples", out.len());
            result.is_ok()
        };
        for _ in 0..500 {
            let length = (rng.bits() % 1200) as usize;
            let bytes: Vec<u8> = (0..length).map(|_| rng.bits() as u8).collect();
            feed(&bytes);
        }
        for round in 0..5 {
            for unit in &units {
                let mut bytes = unit.data.clone();
                match round {
                    // The header, too, or everything but it.
                    0 | 1 => (0..8).for_each(|_| flip(&mut bytes, 0, rng.bits())),
                    2 | 3 => (0..3).for_each(|_| flip(&mut bytes, 4, rng.bits())),
                    _ => bytes.truncate(rng.bits() as usize % (bytes.len() + 1)),
                }
                feed(&bytes);
            }
        }
        let decoded = units.iter().filter(|unit| feed(&unit.data)).count();
        assert!(decoded + 5 > units.len(), "{label}: {decoded} of {} whole units decode after that", units.len());
    }
}

/// Turns one bit that `chance` picks, of the bytes from `from` on.
fn flip(bytes: &mut [u8], from: usize, chance: u64) {
    let Some(bits) = bytes.len().checked_sub(from).map(|n| 8 * n).filter(|n| *n > 0) else { return };
    let bit = (chance >> 8) as usize % bits;
    bytes[from + bit / 8] ^= 1 << (bit % 8);
}

/// Those that can be run without more: an external one needs its program, and has no variants.
fn storage() -> impl Iterator<Item = &'static Codec<Pcm>> {
    AUDIO.iter().copied().filter(|codec| codec.rtp.is_none() && codec.is_built() && !(codec.variants)().is_empty())
}

/// Every storage codec in mono and stereo, as it is by itself, at its variants' bitrates, and at 64 kbit/s.
fn settings() -> Vec<(&'static Codec<Pcm>, Settings<Pcm>, String)> {
    let mut all = Vec::new();
    for codec in storage() {
        let mut requests = (codec.variants)();
        requests.push(("by itself".into(), Request::default()));
        requests.push(("64k".into(), Request { bitrate: Some(Bitrate(64_000)), ..Request::default() }));
        for (label, request) in requests {
            for channels in [1, 2] {
                let settings = (codec.configure)(&request, &PcmFormat { sample_rate: 44_100, channels }).unwrap();
                assert_eq!(settings.format, PcmFormat { sample_rate: 48_000, channels });
                if let (Bitrates::Span(low, high), Some(Bitrate(bitrate))) = (codec.range.bitrates, settings.bitrate) {
                    assert!((low..=high).contains(&bitrate), "{} {bitrate}", codec.name);
                }
                all.push((codec, settings, format!("{} {label}, {channels} channels", codec.name)));
            }
        }
    }
    assert!(!all.is_empty());
    all
}

fn encode(settings: &Settings<Pcm>, pcm: &Pcm) -> Vec<Unit> {
    let frame = settings.format.samples(settings.frame);
    let mut encoder = settings.encoder().unwrap();
    let mut units = Vec::new();
    for i in 0..pcm.len().div_ceil(frame) {
        let pts = Time::ZERO + settings.format.duration(i * frame);
        encoder.encode(pts, &pcm.slice(i * frame, frame), &mut units).unwrap();
    }
    encoder.finish(&mut units).unwrap();
    units
}

fn decode(settings: &Settings<Pcm>, units: &[Unit]) -> Pcm {
    let mut decoder = settings.decoder().unwrap();
    let mut heard = Pcm::silence(settings.format, 0);
    for unit in units {
        decoder.decode(Input::Unit(&unit.data), &mut heard).unwrap();
    }
    heard
}

/// Chords of decaying partials, struck four times a second with a click of noise: attacks for the block switching.
fn music(format: PcmFormat, seconds: usize) -> Pcm {
    let mut rng = Seed(3).stream("music");
    let channels = format.channels as usize;
    let mut samples = Vec::with_capacity(seconds * 48_000 * channels);
    for n in 0..seconds * 48_000 {
        let (beat, since) = (n / 12_000, (n % 12_000) as f64 / 48_000.0);
        let click = if since < 0.003 { 12_000.0 * rng.normal() } else { 0.0 };
        for channel in 0..channels {
            let base = 110.0 * f64::powf(2.0, (beat * 5 % 12) as f64 / 12.0) * (1.0 + 0.5 * channel as f64);
            let partial = |k: usize| {
                (std::f64::consts::TAU * base * k as f64 * since).sin() * (-since * 3.0 * k as f64).exp() / k as f64
            };
            let chord: f64 = (1..12).map(partial).sum();
            samples.push((5000.0 * chord + click / 3.0 + 20.0 * rng.normal()).clamp(-32_000.0, 32_000.0) as i16);
        }
    }
    Pcm { format, samples }
}

/// Steady tones up to 5 kHz, the same in both channels.
fn tones(format: PcmFormat, seconds: usize) -> Pcm {
    let tone = |n: usize, hz: f64| (std::f64::consts::TAU * hz * n as f64 / 48_000.0).sin();
    let sample =
        |n: usize| [313.0, 1171.0, 2339.0, 3511.0, 4987.0].map(|hz| 2500.0 * tone(n, hz)).iter().sum::<f64>() as i16;
    let samples = (0..seconds * 48_000).flat_map(|n| vec![sample(n); format.channels as usize]).collect();
    Pcm { format, samples }
}

/// Signal-to-noise ratio in dB.
fn snr(wanted: &[i16], got: &[i16]) -> f64 {
    assert_eq!(wanted.len(), got.len());
    let power: f64 = wanted.iter().map(|s| f64::from(*s).powi(2)).sum();
    let error: f64 = wanted.iter().zip(got).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (power / error.max(1e-20 * power)).log10()
}
