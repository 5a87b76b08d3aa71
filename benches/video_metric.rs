//! What a metric of pictures costs, in one thread: pictures per second.

use codecbench::media::{Footage, FrameRate, Picture, PictureFormat};
use codecbench::metric::{Evidence, VIDEO};
use codecbench::units::Seed;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

const PICTURES: usize = 8;

/// Soft noise that moves, and the same with grain on it.
fn footage(format: PictureFormat, grain: f64) -> Footage {
    let mut rng = Seed(1).stream("bench");
    let mut state = 128.0;
    let mut picture = |_| {
        let samples = (0..format.bytes()).map(|_| {
            state += 0.05 * (128.0 - state) + 6.0 * rng.normal();
            state.clamp(0.0, 255.0)
        });
        let mut other = Seed(2).stream("grain");
        let data: Vec<u8> = samples.map(|s| (s + grain * other.normal()).clamp(0.0, 255.0) as u8).collect();
        Picture::new(format.width, format.height, data)
    };
    Footage { format, pictures: (0..PICTURES).filter_map(|i| picture(i).ok()).collect() }
}

fn metrics(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("metric of pictures");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    group.throughput(Throughput::Elements(PICTURES as u64));
    for (width, height) in [(320, 180), (640, 360), (1280, 720)] {
        let format = PictureFormat { width, height, rate: FrameRate::new(30, 1) };
        let (reference, degraded) = (footage(format, 0.0), footage(format, 5.0));
        for metric in VIDEO {
            let evidence = Evidence::files(&reference, &degraded);
            let name = format!("{} at {width}x{height}", metric.scale.id);
            group.bench_function(name, |b| b.iter(|| (metric.score)(&evidence)));
        }
    }
    group.finish();
}

criterion_group!(benches, metrics);
criterion_main!(benches);
