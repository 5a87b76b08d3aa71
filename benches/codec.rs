//! What codecs cost: one second of speech-like signal per iteration, so that 1 ms means 1000 times real time.

use codecbench::codec::{AUDIO, Bitrates, Codec, Input, Request, Settings, Unit, audio};
use codecbench::media::{Pcm, PcmFormat};
use codecbench::sdp::fmtp::Fmtp;
use codecbench::units::{Bitrate, Seed, Time};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::time::Duration;

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600));
    targets = codecs, bindings, fmtp
}
criterion_main!(benches);

/// Encode and decode per codec in packets of 20 ms, and with a tenth of its packets lost.
fn codecs(c: &mut Criterion) {
    let mut settings: Vec<(String, &Codec<Pcm>, Settings<Pcm>)> = Vec::new();
    for codec in AUDIO.iter().filter(|codec| codec.is_built() && !(codec.variants)().is_empty()) {
        for (label, request) in requests(codec) {
            let request = Request { ptime: Some(Duration::from_millis(20)), ..request };
            settings.push((format!("{}{label}", codec.name), codec, configure(codec, &request)));
        }
    }
    let mut group = c.benchmark_group("1 s of audio");
    for (name, _, settings) in &settings {
        let frames = frames(settings);
        group.bench_function(format!("encode/{name}"), |b| b.iter(|| encode(settings, black_box(&frames))));
        let units = encode(settings, &frames);
        group.bench_function(format!("decode/{name}"), |b| b.iter(|| decode(settings, black_box(&units), 0)));
    }
    // Nothing is lost of what is stored.
    let in_calls = settings.iter().filter(|s| s.1.rtp.is_some() && !s.0.ends_with(" 0") && !s.0.ends_with(" 5"));
    for (name, _, settings) in in_calls {
        let units = encode(settings, &frames(settings));
        group.bench_function(format!("decode, each 10th lost/{name}"), |b| {
            b.iter(|| decode(settings, black_box(&units), 10));
        });
    }
    group.finish();
}

/// Opus at 32 kbit/s and complexities 0, 5 and 10; others in each of their modes, or at their lowest and highest bitrate.
fn requests(codec: &Codec<Pcm>) -> Vec<(String, Request)> {
    let bitrate = |bitrate: u32| {
        let label = format!(" {} kbit/s", f64::from(bitrate) / 1000.0);
        (label, Request { bitrate: Some(Bitrate(bitrate)), ..Request::default() })
    };
    let complexity = |n| (format!(" complexity {n}"), Request { complexity: Some(n), ..Request::default() });
    let mode = |mode: &&str| (format!(" {mode}"), Request { mode: Some((*mode).into()), ..Request::default() });
    match codec.range.bitrates {
        _ if codec.name == "opus" => [0, 5, 10].map(complexity).into(),
        _ if codec.name.starts_with("opus") => vec![(String::new(), Request::default())],
        Bitrates::List([lowest, .., highest]) => [*lowest, *highest].map(bitrate).into(),
        _ if !codec.range.modes.is_empty() => codec.range.modes.iter().map(mode).collect(),
        _ => vec![(String::new(), Request::default())],
    }
}

/// The same libopus with the same settings, called through our trait and through either crate: what a binding costs.
fn bindings(c: &mut Criterion) {
    let codec = audio("opus").expect("opus is in the list");
    let request = Request { bitrate: Some(Bitrate(32_000)), complexity: Some(0), ..Request::default() };
    let settings = configure(codec, &request);
    let frames = frames(&settings);
    let mut packet = vec![0; 200];
    let mut group = c.benchmark_group("binding, 1 s encoded at complexity 0");
    group.bench_function("codecbench", |b| {
        let mut encoder = settings.encoder().expect("configured");
        let mut units = Vec::new();
        b.iter(|| {
            units.clear();
            for frame in &frames {
                encoder.encode(Time::ZERO, frame, &mut units).expect("encodes");
            }
            units.len()
        });
    });
    group.bench_function("opus", |b| {
        let mut encoder =
            opus::Encoder::new(48_000, opus::Channels::Mono, opus::Application::Voip).expect("known settings");
        encoder.set_bitrate(opus::Bitrate::Bits(32_000)).expect("in range");
        encoder.set_complexity(0).expect("in range");
        b.iter(|| frames.iter().map(|f| encoder.encode(&f.samples, &mut packet).expect("encodes")).sum::<usize>());
    });
    group.bench_function("audiopus", |b| {
        use audiopus::{Application, Channels, SampleRate};
        let mut encoder =
            audiopus::coder::Encoder::new(SampleRate::Hz48000, Channels::Mono, Application::Voip).expect("known");
        encoder.set_bitrate(audiopus::Bitrate::BitsPerSecond(32_000)).expect("in range");
        encoder.set_complexity(0).expect("in range");
        b.iter(|| frames.iter().map(|f| encoder.encode(&f.samples, &mut packet).expect("encodes")).sum::<usize>());
    });
    group.finish();
}

fn fmtp(c: &mut Criterion) {
    let line =
        "a=fmtp:111 minptime=10; useinbandfec=1; maxplaybackrate=16000; sprop-stereo=0; maxaveragebitrate=20000;";
    let mut group = c.benchmark_group("fmtp");
    group.throughput(Throughput::Bytes(line.len() as u64));
    group.bench_function("parse", |b| b.iter(|| black_box(line).parse::<Fmtp>()));
    let fmtp: Fmtp = line.parse().expect("well-formed");
    group.bench_function("print", |b| b.iter(|| black_box(&fmtp).to_string()));
    let (opus, request) = (audio("opus").expect("opus is in the list"), Request { fmtp, ..Request::default() });
    group.bench_function("configure", |b| b.iter(|| (opus.configure)(black_box(&request), &PcmFormat::mono(48_000))));
    group.finish();
}

fn configure(codec: &Codec<Pcm>, request: &Request) -> Settings<Pcm> {
    (codec.configure)(request, &PcmFormat::mono(48_000)).expect("a setting that all codecs take")
}

fn encode(settings: &Settings<Pcm>, frames: &[Pcm]) -> Vec<Unit> {
    let mut encoder = settings.encoder().expect("configured");
    let mut units = Vec::new();
    for frame in frames {
        encoder.encode(Time::ZERO, frame, &mut units).expect("encodes");
    }
    units
}

/// Every `lost`th unit is concealed; 0: none.
fn decode(settings: &Settings<Pcm>, units: &[Unit], lost: usize) -> Pcm {
    let mut decoder = settings.decoder().expect("configured");
    let mut out = Pcm::silence(settings.format, 0);
    for (i, unit) in units.iter().enumerate() {
        let hole = lost != 0 && i % lost == lost - 1;
        let input = if hole { Input::Lost(unit.duration) } else { Input::Unit(&unit.data) };
        decoder.decode(input, &mut out).expect("decodes");
    }
    out
}

/// One second: pulses at 110 Hz through a resonance, and a little noise.
fn frames(settings: &Settings<Pcm>) -> Vec<Pcm> {
    let mut rng = Seed(5).stream("voice");
    let (rate, mut y1, mut y2) = (settings.format.sample_rate as usize, 0.0, 0.0);
    let turn = std::f64::consts::TAU * 600.0 / rate as f64;
    let mut samples = Vec::with_capacity(rate);
    for n in 0..rate {
        let pulse = if n % (rate / 110) == 0 { 5000.0 } else { 30.0 * rng.normal() };
        let y: f64 = pulse + 1.94 * f64::cos(turn) * y1 - 0.97 * 0.97 * y2;
        (y1, y2) = (y, y1);
        samples.push((y / 3.0) as i16);
    }
    let (pcm, per_frame) = (Pcm { format: settings.format, samples }, settings.format.samples(settings.frame));
    (0..pcm.len() / per_frame).map(|i| pcm.slice(i * per_frame, per_frame)).collect()
}
