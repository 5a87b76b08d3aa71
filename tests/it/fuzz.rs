//! No bytes from the network may take the process down: every decoder gets real packets with bits turned, cut and
//! lengthened, and plain noise, for `CODECBENCH_FUZZ_SECONDS` each (2 unless set; `scripts/fuzz` asks for 60). Decoders
//! written in C run in this very process, so that a crash is a failed run.

#![expect(clippy::unwrap_used, reason = "a test may panic; clippy does not see that its helpers are tests")]

use codecbench::codec::audio::external::is_external;
use codecbench::codec::{AUDIO, Codec, Input, Settings, Unit, VIDEO};
use codecbench::media::{Footage, FrameRate, Media, Pcm, PcmFormat, Picture, PictureFormat};
use codecbench::units::{Rng, Seed, Time, from_ms};
use std::sync::Mutex;
use std::time::{Duration, Instant};

#[test]
fn audio_decoders_survive_whatever_comes() {
    // A codec of the user's own runs in a process of its own (`external.rs`).
    let ours = AUDIO.iter().filter(|c| c.is_built() && !is_external(c.name));
    each(ours.copied().collect(), |codec, until| {
        let mut packets = 0;
        let variants: Vec<_> = (codec.variants)();
        for (turn, (label, request)) in variants.iter().enumerate().cycle() {
            let format = PcmFormat::mono(48_000);
            let settings = (codec.configure)(request, &format).unwrap();
            let real = units(&settings, &hum(&settings));
            let mut rng = Seed(turn as u64).stream(codec.name);
            let mut decoder = settings.decoder().unwrap();
            for _ in 0..200 {
                let bytes = spoiled(&real, &mut rng);
                let mut out = Pcm::silence(settings.format, 0);
                decoder.reach(&bytes);
                let _ = decoder.decode(Input::Unit(&bytes), &mut out);
                // 1500 bytes are 10 s of Codec2 at 1200 bit/s.
                assert!(out.len() <= settings.format.sample_rate as usize * 15, "{label}: {} samples", out.len());
                let mut out = Pcm::silence(settings.format, 0);
                decoder.decode(Input::Lost(from_ms(20.0)), &mut out).unwrap();
                assert_eq!(out.len(), settings.format.samples(from_ms(20.0)), "{} {label}", codec.name);
                packets += 1;
            }
            if until() {
                break;
            }
        }
        packets
    });
}

/// Not AV1: its decoder (rav1d 1.1.0) stops the process on broken data by a panic that cannot be caught. In a call it never
/// sees a picture that is not whole.
#[test]
fn video_decoders_survive_whatever_comes() {
    let format = PictureFormat { width: 160, height: 96, rate: FrameRate::new(25, 1) };
    let pictures: Vec<Picture> = (0..12).map(|i| texture(&format, i)).collect();
    each(VIDEO.iter().filter(|c| c.name != "AV1").copied().collect(), |codec, until| {
        let settings = (codec.configure)(&codecbench::codec::Request::default(), &format).unwrap();
        let real = units(&settings, &pictures);
        let mut packets = 0;
        for turn in 0.. {
            let mut rng = Seed(turn).stream(codec.name);
            let mut decoder = settings.decoder().unwrap();
            let mut out = Footage::new(settings.format);
            for i in 0..50 {
                let bytes = if i % 3 == 0 { real[i % real.len()].data.clone() } else { spoiled(&real, &mut rng) };
                let _ = decoder.decode(Input::Unit(&bytes), &mut out);
                packets += 1;
            }
            if until() {
                break;
            }
        }
        packets
    });
}

/// Two at a time, each for its seconds; what it says is how many packets it took.
#[expect(clippy::disallowed_methods, reason = "the time that the run may take is what is asked for")]
fn each<M: Media>(codecs: Vec<&'static Codec<M>>, run: impl Fn(&Codec<M>, &dyn Fn() -> bool) -> usize + Sync) {
    let seconds = std::env::var("CODECBENCH_FUZZ_SECONDS").ok().map_or(2, |text| text.parse().unwrap());
    let left = Mutex::new(codecs);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some(codec) = left.lock().unwrap().pop() else { break };
                    let begin = Instant::now();
                    let packets = run(codec, &|| begin.elapsed() >= Duration::from_secs(seconds));
                    assert!(packets > 0, "{}", codec.name);
                    println!("{}: {packets} packets", codec.name);
                }
            });
        }
    });
}

fn units<M: Media>(settings: &Settings<M>, frames: &[M]) -> Vec<Unit> {
    let mut encoder = settings.encoder().unwrap();
    let mut units = Vec::new();
    for (i, frame) in frames.iter().enumerate() {
        encoder.encode(Time::ZERO + settings.frame * i as u32, frame, &mut units).unwrap();
    }
    encoder.finish(&mut units).unwrap();
    units.retain(|u| !u.data.is_empty());
    units
}

/// One second of a noisy tone.
fn hum(settings: &Settings<Pcm>) -> Vec<Pcm> {
    let format = settings.format;
    let frame = format.samples(settings.frame);
    let mut rng = Seed(1).stream("hum");
    let count = (format.sample_rate as usize).max(4 * frame);
    let samples = (0..count)
        .map(|n| (6000.0 * (n as f64 * 700.0 / f64::from(format.sample_rate)).sin() + 800.0 * rng.normal()) as i16)
        .collect();
    let pcm = Pcm { format: PcmFormat::mono(format.sample_rate), samples }.with_channels(format.channels);
    (0..count / frame).map(|i| pcm.slice(i * frame, frame)).collect()
}

/// A moving texture.
fn texture(format: &PictureFormat, index: usize) -> Picture {
    let data: Vec<u8> = (0..format.bytes()).map(|i| (((i + 3 * index) * (i / 160 + 7)) % 251) as u8).collect();
    Picture::new(format.width, format.height, data).unwrap()
}

fn spoiled(real: &[Unit], rng: &mut Rng) -> Vec<u8> {
    let pick = |rng: &mut Rng, n: usize| (rng.bits() % n.max(1) as u64) as usize;
    if real.is_empty() || pick(rng, 5) == 0 {
        return noise(rng, 1500);
    }
    let mut bytes = real[pick(rng, real.len())].data.clone();
    match pick(rng, 4) {
        0 => bytes.truncate(pick(rng, bytes.len() + 1)),
        1 => bytes.extend(noise(rng, 60)),
        _ => {}
    }
    for _ in 0..pick(rng, 9) {
        if !bytes.is_empty() {
            let at = pick(rng, bytes.len());
            bytes[at] ^= 1 << pick(rng, 8);
        }
    }
    bytes
}

fn noise(rng: &mut Rng, most: u64) -> Vec<u8> {
    let length = rng.bits() % most;
    (0..length).map(|_| rng.bits() as u8).collect()
}
