//! What every codec of the list must do, whatever it is.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::codec::audio::external::is_external;
use codecbench::codec::{AUDIO, Codec, Feedback, Input, Request, Settings, Unit, audio};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::units::{Probability, Seed, Time, from_ms};
use std::time::Duration;

/// Its decoder draws phases from a counter that all decoders of the process share: the waveform is never the same twice.
const RANDOM_PHASES: &str = "Codec2";

#[test]
fn names_are_found_in_any_case_and_the_nearest_is_named() {
    for codec in AUDIO {
        match audio(&codec.name.to_lowercase()) {
            Ok(found) => assert!(std::ptr::eq(found, *codec)),
            Err(error) => assert!(!codec.is_built() && error.to_string().contains("--features"), "{error}"),
        }
        // What an external codec can do, nobody knows before there is a program: `external.rs`.
        let known = !is_external(codec.name);
        assert!(!(codec.version)().is_empty() && !codec.plc.is_empty() && (codec.variants)().is_empty() != known);
    }
    assert!(audio("opsu").err().unwrap().to_string().contains("did you mean 'opus'"));
}

#[test]
fn every_sample_is_accounted_for_under_any_loss() {
    for (_, settings, label) in settings() {
        for (seed, rate) in [(1, 0.0), (2, 0.05), (3, 0.3), (4, 0.9), (5, 1.0)] {
            let heard = call(&settings, &voice(settings.format, 2), Seed(seed), rate);
            let frames = Duration::from_secs(2).as_nanos() / settings.frame.as_nanos();
            let expected = frames as usize * settings.format.samples(settings.frame);
            assert_eq!(heard.len(), expected, "{label}, {rate} lost");
        }
    }
}

#[test]
fn a_loss_of_any_length_is_filled_exactly_even_before_the_first_packet() {
    for (_, settings, label) in settings() {
        let units = encode(&settings, &voice(settings.format, 1));
        let mut decoder = settings.decoder().unwrap();
        let mut lengths: Vec<Duration> = [0.1, 2.5, 3.0, 10.0, 20.0, 37.5, 60.0, 120.0, 1000.0].map(from_ms).into();
        lengths.push(settings.format.duration(1));
        for unit in &units[..3] {
            for missing in &lengths {
                for input in
                    [Input::Lost(*missing), Input::Recover { from: &unit.data, offset: *missing, missing: *missing }]
                {
                    let mut out = Pcm::silence(settings.format, 0);
                    decoder.decode(input, &mut out).unwrap();
                    assert_eq!(out.len(), settings.format.samples(*missing), "{label}: {missing:?}");
                }
            }
            decoder.decode(Input::Unit(&unit.data), &mut Pcm::silence(settings.format, 0)).unwrap();
        }
    }
}

#[test]
fn the_same_input_gives_the_same_bytes_and_another_input_gives_others() {
    for (codec, settings, label) in settings() {
        let pcm = voice(settings.format, 1);
        let units = encode(&settings, &pcm);
        assert_eq!(units, encode(&settings, &pcm), "{label}");
        let mut other = pcm.clone();
        other.samples.iter_mut().for_each(|s| *s = *s / 2 + 50);
        assert_ne!(units, encode(&settings, &other), "{label}");
        let run = || call(&settings, &pcm, Seed(9), 0.2);
        assert!(codec.name == RANDOM_PHASES || run() == run(), "{label}");
        for pair in units.windows(2) {
            assert_eq!(pair[0].pts + pair[0].duration, pair[1].pts, "{label}: units follow each other");
        }
    }
}

#[test]
fn the_decoder_comes_back_to_the_undisturbed_signal_after_a_loss_and_a_pause() {
    for (codec, settings, label) in settings() {
        let units = encode(&settings, &voice(settings.format, 3));
        let decode = |lost: std::ops::Range<usize>| {
            let mut decoder = settings.decoder().unwrap();
            let mut out = Pcm::silence(settings.format, 0);
            for (i, unit) in units.iter().enumerate() {
                let input = if lost.contains(&i) { Input::Lost(unit.duration) } else { Input::Unit(&unit.data) };
                decoder.decode(input, &mut out).unwrap();
            }
            out
        };
        let first = units.len() / 3;
        let (clean, hurt) = (decode(0..0), decode(first..first + 2));
        assert_eq!(clean.len(), hurt.len());
        assert_ne!(clean, hurt, "{label}: the loss is heard at all");
        // Long-term predictors carry a difference on for as long as the voice lasts: until the pause at 2 to 2.25 s.
        let from = settings.format.samples(from_ms(2300.0)) * settings.format.channels as usize;
        let snr = snr(&clean.samples[from..], &hurt.samples[from..]);
        assert!(codec.name == RANDOM_PHASES || snr > 15.0, "{label}: {snr:.1} dB after the loss and a pause");
    }
}

#[test]
fn silence_full_scale_and_direct_current_survive() {
    for (_, settings, label) in settings() {
        let count = settings.format.samples(Duration::from_secs(1)) * settings.format.channels as usize;
        let square = (0..count).map(|i| if i / 40 % 2 == 0 { i16::MAX } else { i16::MIN });
        let mut rng = Seed(4).stream("noise");
        let signals: [Vec<i16>; 5] = [
            vec![0; count],
            vec![i16::MIN; count],
            vec![12_345; count],
            square.collect(),
            (0..count).map(|_| rng.bits() as i16).collect(),
        ];
        for (i, samples) in signals.into_iter().enumerate() {
            let pcm = Pcm { format: settings.format, samples };
            let heard = call(&settings, &pcm, Seed(1), 0.1);
            let whole = pcm.len() / settings.format.samples(settings.frame) * settings.format.samples(settings.frame);
            assert_eq!(heard.len(), whole, "{label}, signal {i}");
            let loudest = heard.samples.iter().map(|s| i32::from(*s).abs()).max().unwrap();
            // After a loss the ADPCM predictors of G.722 are out of step for a while, even in silence.
            assert!(if i == 0 { loudest < 200 } else { loudest > 100 }, "{label}, signal {i}: peak {loudest}");
        }
    }
}

#[test]
fn random_bytes_are_refused_or_decoded_and_decoding_goes_on() {
    for (codec, settings, label) in settings() {
        let mut rng = Seed(8).stream(codec.name);
        let mut decoder = settings.decoder().unwrap();
        for _ in 0..500 {
            let length = (rng.bits() % 400) as usize;
            let bytes: Vec<u8> = (0..length).map(|_| rng.bits() as u8).collect();
            decoder.reach(&bytes);
            let mut out = Pcm::silence(settings.format, 0);
            if decoder.decode(Input::Unit(&bytes), &mut out).is_err() {
                assert!(out.is_empty(), "{label}: a refused packet leaves nothing behind");
            }
            let missing = from_ms(20.0);
            let mut out = Pcm::silence(settings.format, 0);
            decoder.decode(Input::Recover { from: &bytes, offset: missing, missing }, &mut out).unwrap();
            decoder.decode(Input::Lost(missing), &mut out).unwrap();
            assert_eq!(out.len(), 2 * settings.format.samples(missing), "{label}");
        }
    }
}

/// Every codec of calls in a few settings; what storage codecs must do is in `storage.rs`.
fn settings() -> Vec<(&'static Codec<Pcm>, Settings<Pcm>, String)> {
    let mut all = Vec::new();
    for codec in AUDIO.iter().filter(|codec| codec.rtp.is_some() && codec.is_built()) {
        let mut requests = (codec.variants)();
        if codec.name.starts_with("opus") {
            for fmtp in [
                "",
                "useinbandfec=1;maxplaybackrate=16000;maxaveragebitrate=20000",
                "stereo=1;cbr=1;ptime=40",
                "maxplaybackrate=8000;ptime=60",
                "ptime=120;stereo=1",
            ] {
                requests.push((fmtp.into(), Request { fmtp: fmtp.parse().unwrap(), ..Request::default() }));
            }
        }
        for (label, request) in requests {
            let settings = (codec.configure)(&request, &PcmFormat::mono(48_000)).unwrap();
            all.push((*codec, settings, format!("{} {label}", codec.name)));
        }
    }
    all
}

fn frames<'a>(pcm: &'a Pcm, settings: &Settings<Pcm>) -> impl Iterator<Item = Pcm> + 'a {
    let per_frame = settings.format.samples(settings.frame);
    (0..pcm.len() / per_frame).map(move |i| pcm.slice(i * per_frame, per_frame))
}

fn encode(settings: &Settings<Pcm>, pcm: &Pcm) -> Vec<Unit> {
    let mut encoder = settings.encoder().unwrap();
    let mut units = Vec::new();
    for (i, frame) in frames(pcm, settings).enumerate() {
        encoder.encode(Time::ZERO + settings.frame * i as u32, &frame, &mut units).unwrap();
    }
    let covered: Duration = units.iter().map(|u| u.duration).sum();
    assert_eq!(covered, settings.frame * frames(pcm, settings).count() as u32);
    units
}

/// Codes a clip, loses packets by chance, and decodes what is left with all that the codec offers.
fn call(settings: &Settings<Pcm>, pcm: &Pcm, seed: Seed, loss: f64) -> Pcm {
    let mut encoder = settings.encoder().unwrap();
    let mut decoder = settings.decoder().unwrap();
    let mut units = Vec::new();
    let report =
        Feedback { at: Time::from_millis(500), loss: Some(Probability::new(loss).unwrap()), ..Default::default() };
    for (i, frame) in frames(pcm, settings).enumerate() {
        let (pts, before) = (Time::ZERO + settings.frame * i as u32, units.len());
        encoder.adapt(report).unwrap();
        encoder.encode(pts, &frame, &mut units).unwrap();
        if units.len() == before {
            // DTX: nothing is sent, which the receiver cannot tell from a loss.
            units.push(Unit { data: Vec::new(), pts, duration: settings.frame, picture: None });
        }
    }
    let arrived = |i: usize| units.get(i).filter(|u| !u.data.is_empty() && seed.draw_unit("loss", &[i as u64]) >= loss);
    let mut out = Pcm::silence(settings.format, 0);
    for (i, unit) in units.iter().enumerate() {
        let missing = unit.duration;
        let input = match (arrived(i), arrived(i + 1)) {
            (Some(unit), _) => Input::Unit(&unit.data),
            (None, Some(next)) if !decoder.reach(&next.data).is_zero() => {
                Input::Recover { from: &next.data, offset: missing, missing }
            }
            _ => Input::Lost(missing),
        };
        decoder.decode(input, &mut out).unwrap();
    }
    out
}

/// Pulses at 110 Hz through a resonance, with pauses of faint noise; the second channel is quieter and delayed.
fn voice(format: PcmFormat, seconds: usize) -> Pcm {
    let mut rng = Seed(21).stream("voice");
    let rate = format.sample_rate as usize;
    let (mut y1, mut y2) = (0.0, 0.0);
    let turn = std::f64::consts::TAU * 600.0 / rate as f64;
    let mut mono = Vec::with_capacity(seconds * rate);
    for n in 0..seconds * rate {
        let voiced = n / (rate / 4) % 5 != 3;
        let pulse = if voiced && n % (rate / 110) == 0 { 5000.0 } else { 30.0 * rng.normal() };
        let y: f64 = pulse + 1.94 * f64::cos(turn) * y1 - 0.97 * 0.97 * y2;
        (y1, y2) = (y, y1);
        mono.push((y / 3.0).clamp(-30_000.0, 30_000.0));
    }
    let channels = format.channels as usize;
    let sample = |i: usize| match (i / channels, i % channels) {
        (n, 0) => mono[n] as i16,
        (n, _) => (mono[n.saturating_sub(7)] / 2.0 + 100.0 * (n as f64 / 31.0).sin()) as i16,
    };
    Pcm { format, samples: (0..mono.len() * channels).map(sample).collect() }
}

/// Signal-to-noise ratio in dB, at most 200.
fn snr(wanted: &[i16], got: &[i16]) -> f64 {
    assert_eq!(wanted.len(), got.len());
    let power: f64 = wanted.iter().map(|s| f64::from(*s).powi(2)).sum();
    let error: f64 = wanted.iter().zip(got).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    10.0 * (power / error.max(1e-20 * power)).log10()
}
