//! Opus end to end: what its packets show of a setting, in-band FEC, DTX, and the second binding.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::codec::{Codec, Feedback, Input, Observed, Request, Settings, Unit, audio};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::units::{Bitrate, Probability, Seed, Time};

#[test]
fn what_the_packets_show_follows_the_line() {
    let wide = observed("maxplaybackrate=16000;maxaveragebitrate=20000");
    assert_eq!(wide.bandwidths, [("wideband".to_owned(), 1.0)]);
    assert_eq!((wide.frame_ms, wide.channels, wide.dtx_share), (Some(20.0), Some(1), Some(0.0)));
    // FEC that is on, while no loss was reported, is never sent.
    assert_eq!(observed("useinbandfec=1").fec_share, Some(0.0));
    let stereo = observed("stereo=1;maxaveragebitrate=128000;ptime=60");
    assert_eq!((stereo.channels, stereo.frame_ms), (Some(2), Some(60.0)));
    assert_eq!(observed("maxplaybackrate=8000;ptime=60").modes, [("SILK".to_owned(), 1.0)]);
}

#[test]
fn recovered_frames_are_closer_to_what_was_lost_than_concealed_ones() {
    // Hybrid packets of 40 ms are two frames, of which FEC covers one; SILK packets of 60 ms are one frame.
    for line in ["ptime=20", "ptime=40", "ptime=20;maxplaybackrate=16000", "ptime=60;maxplaybackrate=16000"] {
        let settings = configure(&format!("useinbandfec=1;maxaveragebitrate=32000;{line}"));
        let units = encode(&settings, Probability::new(0.2).unwrap());
        let observed = settings.observe(&units);
        assert!(observed.fec_share.unwrap() > 0.3, "{line}: {observed:?}");
        let decode = |lose: bool, recover: bool| {
            let mut decoder = settings.decoder().unwrap();
            let mut out = Pcm::silence(settings.format, 0);
            for (i, unit) in units.iter().enumerate() {
                let next = units.get(i + 1).map_or(&[][..], |u| &u.data);
                let missing = unit.duration;
                let input = match lose && i % 5 == 4 {
                    true if recover && !decoder.reach(next).is_zero() => {
                        Input::Recover { from: next, offset: missing, missing }
                    }
                    true => Input::Lost(missing),
                    false => Input::Unit(&unit.data),
                };
                decoder.decode(input, &mut out).unwrap();
            }
            out.samples
        };
        let clean = decode(false, false);
        let (plc, fec) = (error_power(&clean, &decode(true, false)), error_power(&clean, &decode(true, true)));
        assert!(fec < plc / 2.0, "{line}: error {fec:.0} with FEC, {plc:.0} without");
    }
}

#[test]
fn dtx_sends_one_packet_without_audio_and_then_none() {
    let sent = |fmtp: &str| {
        let settings = configure(fmtp);
        let units = encode(&settings, Probability::ZERO);
        let pauses: Vec<_> = units.iter().filter(|u| u.data.len() <= 2).map(|u| u.pts).collect();
        for unit in &units {
            assert!(!pauses.contains(&(unit.pts + unit.duration)) || unit.data.len() > 2, "two pauses in a row");
        }
        (units.len(), settings.observe(&units).dtx_share.unwrap())
    };
    let (all, none) = sent("");
    let (fewer, share) = sent("usedtx=1");
    assert_eq!((all, none), (400, 0.0));
    assert!(fewer < 350 && share > 0.0, "{fewer} packets, {share} of them without audio");
}

/// The second binding sets the same options on the same libopus: equal packets say that our settings arrive as meant.
#[test]
fn audiopus_with_the_same_options_gives_the_same_packets() {
    use audiopus::{Application, Bandwidth, Bitrate as Rate, Channels, SampleRate, Signal, coder::Encoder};
    let full = Bandwidth::Fullband;
    let cases = [
        ("", "voip", 32_000, 0, full, 9),
        ("", "audio", 64_000, 0, full, 9),
        ("cbr=1", "lowdelay", 48_000, 0, full, 5),
        ("useinbandfec=1", "voip", 24_000, 20, full, 9),
        ("useinbandfec=1;maxplaybackrate=16000", "voip", 20_000, 10, Bandwidth::Wideband, 0),
        ("maxplaybackrate=8000", "voip", 12_000, 0, Bandwidth::Narrowband, 10),
        ("maxplaybackrate=12000", "voip", 16_000, 0, Bandwidth::Mediumband, 10),
        ("maxplaybackrate=24000;usedtx=1", "voip", 20_000, 3, Bandwidth::Superwideband, 2),
        ("stereo=1;useinbandfec=1", "audio", 40_000, 7, full, 9),
    ];
    for (fmtp, mode, bitrate, loss, bandwidth, complexity) in cases {
        let request = Request {
            fmtp: fmtp.parse().unwrap(),
            bitrate: Some(Bitrate(bitrate)),
            complexity: Some(complexity),
            mode: Some(mode.into()),
            ..Request::default()
        };
        let settings = (opus().configure)(&request, &PcmFormat::mono(48_000)).unwrap();
        let ours = encode(&settings, Probability::new(f64::from(loss) / 100.0).unwrap());

        let application = match mode {
            "voip" => Application::Voip,
            "audio" => Application::Audio,
            _ => Application::LowDelay,
        };
        let channels = if fmtp.contains("stereo=1") { Channels::Stereo } else { Channels::Mono };
        let mut theirs = Encoder::new(SampleRate::Hz48000, channels, application).unwrap();
        theirs.set_bitrate(Rate::BitsPerSecond(bitrate as i32)).unwrap();
        theirs.set_complexity(complexity).unwrap();
        theirs.set_max_bandwidth(bandwidth).unwrap();
        theirs.set_packet_loss_perc(loss).unwrap();
        theirs.set_inband_fec(fmtp.contains("useinbandfec=1")).unwrap();
        theirs.set_vbr(!fmtp.contains("cbr=1")).unwrap();
        if fmtp.contains("usedtx=1") {
            theirs.set_dtx(true).unwrap();
            theirs.set_signal(Signal::Voice).unwrap();
        }
        let mut room = vec![0; 2 * (bitrate as usize / 8000 + 1) * 20];
        let mut ours = ours.iter().peekable();
        for (i, frame) in frames(&settings).enumerate() {
            let length = theirs.encode(&frame.samples, &mut room).unwrap();
            match ours.next_if(|u| u.pts == Time::ZERO + settings.frame * i as u32) {
                Some(unit) => assert!(unit.data == room[..length], "'{fmtp}' {mode}: packet {i} differs"),
                None => assert!(length <= 2, "'{fmtp}' {mode}: packet {i} is missing"),
            }
        }
        assert_eq!(ours.next(), None);
    }
}

fn opus() -> &'static Codec<Pcm> {
    audio("opus").unwrap()
}

fn configure(fmtp: &str) -> Settings<Pcm> {
    let request = Request { fmtp: fmtp.parse().unwrap(), ..Request::default() };
    (opus().configure)(&request, &PcmFormat::mono(16_000)).unwrap()
}

fn observed(fmtp: &str) -> Observed {
    let settings = configure(fmtp);
    settings.observe(&encode(&settings, Probability::ZERO))
}

fn encode(settings: &Settings<Pcm>, loss: Probability) -> Vec<Unit> {
    let mut encoder = settings.encoder().unwrap();
    encoder.adapt(Feedback { at: Time::from_millis(1), loss: Some(loss), ..Feedback::default() }).unwrap();
    let mut units = Vec::new();
    for (i, frame) in frames(settings).enumerate() {
        encoder.encode(Time::ZERO + settings.frame * i as u32, &frame, &mut units).unwrap();
    }
    units
}

/// Eight seconds: pulses at 110 Hz through a resonance, with pauses; what is left of eight seconds after the last whole
/// frame is dropped.
fn frames(settings: &Settings<Pcm>) -> impl Iterator<Item = Pcm> {
    let mut rng = Seed(5).stream("voice");
    let (mut y1, mut y2) = (0.0, 0.0);
    let mut samples = Vec::new();
    for n in 0..8 * 48_000 {
        let voiced = n / 12_000 % 8 < 5;
        let pulse = if voiced && n % 436 == 0 { 4000.0 } else { 10.0 * rng.normal() };
        let y: f64 = pulse + 1.94 * 0.997 * y1 - 0.97 * 0.97 * y2;
        (y1, y2) = (y, y1);
        let value = if voiced { (y / 3.0).clamp(-30_000.0, 30_000.0) } else { 0.0 };
        samples.push(value as i16);
        if settings.format.channels == 2 {
            samples.push((value / 2.0 + 100.0 * (n as f64 / 31.0).sin()) as i16);
        }
    }
    let (pcm, per_frame) = (Pcm { format: settings.format, samples }, settings.format.samples(settings.frame));
    (0..pcm.len() / per_frame).map(move |i| pcm.slice(i * per_frame, per_frame))
}

fn error_power(wanted: &[i16], got: &[i16]) -> f64 {
    assert_eq!(wanted.len(), got.len());
    let error: f64 = wanted.iter().zip(got).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    error / wanted.len() as f64
}
