//! What a metric costs on an 8 s clip.

use codecbench::media::{Pcm, PcmFormat};
use codecbench::metric::{AUDIO, Evidence};
use codecbench::units::Seed;
use criterion::{Criterion, criterion_group, criterion_main};
use std::time::Duration;

/// Bursts of coloured noise with pauses: something to find utterances in.
fn bursts(sample_rate: u32) -> Pcm {
    let mut rng = Seed(1).stream("bench");
    let mut state = 0.0;
    let samples = (0..8 * sample_rate).map(|n| {
        state += 0.2 * (rng.normal() - state);
        let on = n % (sample_rate / 2) < sample_rate * 3 / 8;
        (state * if on { 9000.0 } else { 9.0 }) as i16
    });
    Pcm { format: PcmFormat::mono(sample_rate), samples: samples.collect() }
}

fn metrics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metric, 8 s");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for sample_rate in [16_000, 48_000] {
        let reference = bursts(sample_rate);
        let degraded = Pcm { samples: reference.samples.iter().map(|s| s / 2 + s % 64).collect(), ..reference };
        for metric in AUDIO {
            let evidence = Evidence::files(&reference, &degraded);
            let name = format!("{} at {} kHz", metric.scale.id, sample_rate / 1000);
            group.bench_function(name, |b| b.iter(|| (metric.score)(&evidence)));
        }
    }
    group.finish();
}

criterion_group!(benches, metrics);
criterion_main!(benches);
