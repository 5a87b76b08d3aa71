//! Whole calls: the acceptance of the path.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::call;
use codecbench::codec;
use codecbench::media::{Clip, Content, Pcm, PcmFormat};
use codecbench::metric;
use codecbench::plan::Case;
use codecbench::units::Seed;
use std::sync::Arc;
use std::time::Duration;

/// Two seconds that never repeat, so that a shift by any sample would show.
fn clip(format: PcmFormat) -> Arc<Clip> {
    let mut rng = Seed(5).stream("clip");
    let n = 2 * format.sample_rate as usize * format.channels as usize;
    let samples = (0..n).map(|_| (rng.normal() * 3000.0) as i16).collect();
    Arc::new(Clip::new("noise", Content::Signal, Pcm { format, samples }))
}

fn case(codec: &str, format: PcmFormat, net: &str) -> Case {
    Case {
        clip: clip(format),
        codec: codec::audio(codec).unwrap(),
        label: codec.into(),
        request: Default::default(),
        receiver: "fixed:60ms".parse().unwrap(),
        net: net.parse().unwrap(),
        warm_up: Duration::from_secs(3),
        seed: Seed(1),
        metrics: vec![metric::audio("si-sdr").unwrap(), metric::audio("mouth-to-ear").unwrap()],
    }
}

#[test]
fn l16_over_a_clean_path_is_the_reference_sample_for_sample() {
    for (rate, channels, frame) in
        [(8000, 1, 10.0), (16_000, 1, 10.0), (44_100, 1, 10.0), (48_000, 1, 10.0), (48_000, 2, 5.0)]
    {
        let call = call::run(&case("L16", PcmFormat { sample_rate: rate, channels }, "delay 40ms")).unwrap();
        assert_eq!(call.degraded, *call.reference, "{rate} Hz, {channels} channels");
        let delay = call.scores.values["mouth-to-ear-clock"];
        // frame + network + playout target
        assert!((delay - (frame + 40.0 + 60.0)).abs() < 1e-9, "{rate} Hz: {delay} ms");
        assert!((call.scores.values["mouth-to-ear"] - (frame + 100.0)).abs() < 0.05, "{:?}", call.scores);
        assert_eq!(call.scores.values["effective-loss"], 0.0);
        assert_eq!(call.scores.values["concealed"], 0.0);
    }
}
