//! What a whole call costs beyond its own encode and decode: a 10 s Opus call at complexity 9, the same frames through
//! the codec alone, and the same packets through the path alone. The ratio of CPU times comes from runs in turn. Then
//! the same for 600 s with the adaptive receiver over a network with jitter and loss.

use codecbench::call;
use codecbench::codec::{self, Input, Request, Unit};
use codecbench::media::{Clip, Pcm, PcmFormat, synth};
use codecbench::peer::Peers;
use codecbench::peer::sim::{Kind, Outgoing, Sim, TrackSpec};
use codecbench::plan::Case;
use codecbench::units::{Seed, Time};
use cpu_time::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use std::sync::Arc;
use std::time::Duration;

const SECONDS: usize = 10;
const ROUNDS: usize = 15;
const LONG_SECONDS: usize = 600;
const LONG_ROUNDS: usize = 3;

/// Artificial voice at 48 kHz, so that nothing is resampled.
fn case(seconds: usize) -> Case {
    let voice = synth::ALL[0].clip().signal.clone();
    let format = PcmFormat::mono(48_000);
    let samples = voice.samples.iter().copied().cycle().take(seconds * 48_000).collect();
    let clip = Arc::new(Clip::new("voice", codecbench::media::Content::Speech, Pcm { format, samples }));
    let net = "delay 40ms".parse().expect("a network");
    Case {
        request: Request { complexity: Some(9), ..Request::default() },
        ..Case::new(clip, codec::audio("opus").expect("opus"), net, Seed(1))
    }
}

/// The same frames through encoder and decoder alone.
fn codec_alone(case: &Case) -> Vec<Unit> {
    let settings = (case.codec.configure)(&case.request, &case.clip.signal.format).expect("settings");
    let frame = settings.format.samples(settings.frame);
    let mut encoder = settings.encoder().expect("encoder");
    let mut decoder = settings.decoder().expect("decoder");
    let mut units = Vec::new();
    let mut heard = Pcm { format: settings.format, samples: Vec::new() };
    for i in 0..case.clip.signal.len() / frame {
        let first = units.len();
        encoder.encode(Time::ZERO, &case.clip.signal.slice(i * frame, frame), &mut units).expect("encoded");
        for unit in &units[first..] {
            decoder.decode(Input::Unit(&unit.data), &mut heard).expect("decoded");
        }
    }
    units
}

/// The same packets through the path alone.
fn path_alone(case: &Case, units: &[Unit]) -> usize {
    let track = TrackSpec {
        kind: Kind::Audio,
        name: "opus",
        payload_type: 111,
        clock_rate: 48_000,
        channels: 2,
        fmtp: Default::default(),
        offers_fmtp: false,
        repair: Default::default(),
        patience: Default::default(),
    };
    let mut sim = Sim::connect(std::slice::from_ref(&track), &case.net, case.seed).expect("connected");
    let mut arrived = 0;
    for (n, unit) in units.iter().enumerate() {
        let payload = unit.data.clone();
        let packet =
            Outgoing { sequence: n as u16, timestamp: n as u32 * 960, marker: n == 0, payload, descriptor: None };
        sim.send(Time::from_millis(n as u64 * 20), 0, packet).expect("sent");
        arrived += sim.arrivals().len();
    }
    arrived
}

fn cpu<T>(work: impl FnOnce() -> T) -> f64 {
    let clock = ThreadTime::now();
    std::hint::black_box(work());
    clock.elapsed().as_secs_f64()
}

fn whole_call(c: &mut Criterion) {
    let case = case(SECONDS);
    let units = codec_alone(&case);
    c.bench_function("call, 10 s, opus complexity 9", |b| b.iter(|| call::talk(&case).expect("a call")));
    c.bench_function("encode and decode of its frames alone", |b| b.iter(|| codec_alone(&case)));
    c.bench_function("the path of its packets alone", |b| b.iter(|| path_alone(&case, &units)));
    ratio(&case, ROUNDS, "the whole call");
    let net = "preset wifi";
    for receiver in ["fixed:60ms", "adaptive"] {
        let receiver = receiver.parse().expect("a receiver");
        let case = Case { receiver, net: net.parse().expect("a network"), ..self::case(LONG_SECONDS) };
        ratio(&case, LONG_ROUNDS, &format!("a call of {LONG_SECONDS} s with {receiver} over {net}"));
    }
}

/// CPU time of the call to that of its codec alone. In turn, so that whatever disturbs the machine disturbs both.
fn ratio(case: &Case, rounds: usize, what: &str) {
    let mut ratios: Vec<f64> = (0..rounds).map(|_| cpu(|| call::talk(case)) / cpu(|| codec_alone(case))).collect();
    ratios.sort_by(f64::total_cmp);
    println!(
        "CPU time of {what} / of its encode and decode: median {:.3} over {rounds} rounds, {:.3} to {:.3}",
        ratios[rounds / 2],
        ratios[0],
        ratios[rounds - 1]
    );
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).measurement_time(Duration::from_secs(3)).warm_up_time(Duration::from_secs(1));
    targets = whole_call
}
criterion_main!(benches);
