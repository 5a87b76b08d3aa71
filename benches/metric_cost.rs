//! What each metric costs on given pairs of files: one line of JSON per metric, with the CPU time of the cheapest of three
//! calls after one that is not counted. `scripts/metric-cost` sets it beside the reference implementations.
//!
//! cargo bench --bench metric_cost -- REFERENCE.wav DEGRADED.wav [REFERENCE.wav DEGRADED.wav ...]

use codecbench::media::wav;
use codecbench::metric::{AUDIO, Evidence};
use cpu_time::ProcessTime;
use std::path::Path;

const CALLS: usize = 3;

fn main() {
    // cargo adds --bench.
    let files: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    for pair in files.chunks_exact(2) {
        let read = |file: &String| wav::read(Path::new(file)).map(|w| w.pcm);
        let (reference, mut degraded) = match (read(&pair[0]), read(&pair[1])) {
            (Ok(reference), Ok(degraded)) => (reference, degraded),
            (Err(error), _) | (_, Err(error)) => {
                eprintln!("{error}");
                std::process::exit(2);
            }
        };
        let seconds = reference.samples.len() as f64
            / f64::from(reference.format.channels)
            / f64::from(reference.format.sample_rate);
        for metric in AUDIO {
            // The first call loads models and plans transforms.
            let Ok(value) = (metric.score)(&Evidence::files(&reference, &degraded)) else { continue };
            let mut least = f64::INFINITY;
            for call in 0..CALLS {
                // Another signal each time: some metrics share their work for the last one.
                if let Some(sample) = degraded.samples.get_mut(1000 * (call + 1)) {
                    *sample = sample.saturating_add(8000);
                }
                let start = ProcessTime::now();
                let _ = std::hint::black_box((metric.score)(&Evidence::files(&reference, &degraded)));
                least = least.min(start.elapsed().as_secs_f64());
            }
            let line = serde_json::json!({
                "metric": metric.scale.id, "file": pair[1], "seconds": seconds, "cpu": least, "score": value.value,
            });
            println!("{line}");
        }
    }
}
