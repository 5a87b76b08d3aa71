//! Whole calls: the acceptance of the path.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use codecbench::media::{Clip, Content, Pcm, PcmFormat};
use codecbench::metric::audio::emodel::{self, Band, Equipment, Inputs};
use codecbench::plan::Case;
use codecbench::units::Seed;
use codecbench::{call, codec, metric};
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
        warm_up: Duration::from_secs(3),
        metrics: vec![metric::audio("si-sdr").unwrap(), metric::audio("mouth-to-ear").unwrap()],
        ..Case::new(clip(format), codec::audio(codec).unwrap(), net.parse().unwrap(), Seed(1))
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

/// A voice-like clip through Opus with that line.
fn opus(fmtp: &str, net: &str, warm_up: u64) -> Case {
    let voice = codecbench::media::synth::ALL[0].clip();
    Case {
        clip: Arc::new(voice),
        request: codec::Request { fmtp: fmtp.parse().unwrap(), ..Default::default() },
        warm_up: Duration::from_secs(warm_up),
        metrics: Vec::new(),
        ..case("opus", PcmFormat::mono(48_000), net)
    }
}

#[test]
fn the_e_model_rates_opus_by_the_figures_that_the_user_gives() {
    let metrics = vec![metric::audio("r-factor").unwrap()];
    let mut case = Case { metrics, ..opus("", "delay 40ms loss 5%", 1) };
    let refused = call::run(&case).unwrap().scores;
    assert!(refused.unscored["r-factor"].contains("published no Ie and Bpl"), "{:?}", refused.unscored);
    let (band, ie, bpl) = (Band::Wb, 12.0, 20.0);
    case.equipment = Some(Equipment { band, ie, bpl: Some(bpl) });
    let scores = call::run(&case).unwrap().scores;
    let fact = |id: &str| scores.values[id];
    let expected = emodel::rate(
        band,
        &Inputs {
            ta: fact("mouth-to-ear-clock") + 6.5,
            ppl: fact("effective-loss"),
            burst_r: fact("burst-ratio"),
            ie,
            bpl,
            ..Inputs::default()
        },
    );
    assert!(fact("effective-loss") > 0.0 && expected.r > 50.0);
    assert!((fact("r-factor") - expected.r).abs() < 1e-9, "{} and {}", fact("r-factor"), expected.r);
}

#[test]
fn in_band_fec_engages_under_loss_and_not_without() {
    let lossy = call::run(&opus("useinbandfec=1", "delay 40ms loss 10%", 20)).unwrap().scores;
    let share = lossy.observed.fec_share.unwrap();
    assert!(share > 0.5, "LBRR in {share} of packets");
    let (lost, recovered, concealed) =
        (lossy.values["effective-loss"], lossy.values["recovered"], lossy.values["concealed"]);
    assert!(lost > 3.0 && recovered > 0.5 * lost, "{recovered} % of {lost} % recovered");
    assert!((recovered + concealed - lost).abs() < 2.0, "{recovered} + {concealed} against {lost}");
    let clean = call::run(&opus("useinbandfec=1", "delay 40ms", 20)).unwrap().scores;
    assert_eq!(clean.observed.fec_share, Some(0.0), "on, but never sent without loss");
}

#[test]
fn the_line_of_the_answer_is_what_the_packets_show() {
    let wide = call::run(&opus("maxplaybackrate=16000;maxaveragebitrate=20000;cbr=1", "delay 40ms", 2)).unwrap().scores;
    assert_eq!(wide.observed.bandwidths, [("wideband".to_owned(), 1.0)]);
    assert!((wide.values["payload-bitrate"] - 20.0).abs() < 0.1, "{:?}", wide.values);
    let full = call::run(&opus("", "delay 40ms", 2)).unwrap().scores;
    assert!(full.observed.bandwidths.iter().all(|(name, _)| name != "wideband"), "{:?}", full.observed);
}

#[test]
fn settings_under_one_seed_meet_the_same_losses_and_clips_do_not() {
    let net = "delay 40ms 10ms loss 10%";
    let loss = |case: &Case| call::run(case).unwrap().scores.values["network-loss"];
    let (a, b) = (opus("useinbandfec=1", net, 3), opus("maxaveragebitrate=12000", net, 3));
    assert_eq!(loss(&a), loss(&b));
    let losses = |clip: usize| loss(&Case { clip: Arc::new(codecbench::media::synth::ALL[clip].clip()), ..a.clone() });
    assert!((1..6).any(|clip| losses(clip) != losses(0)));
}

#[test]
fn the_same_case_gives_the_same_scores_and_sound() {
    let case = opus("useinbandfec=1;usedtx=1", "delay 40ms 10ms loss 5% burst 3", 3);
    let case = Case { receiver: "adaptive".parse().unwrap(), metrics: metric::AUDIO.to_vec(), ..case };
    let (one, two) = (call::run(&case).unwrap(), call::run(&case).unwrap());
    assert_eq!(one.scores, two.scores);
    assert_eq!(one.degraded, two.degraded);
    assert!(one.scores.observed.dtx_share.unwrap() > 0.0, "pauses are not sent");
}
