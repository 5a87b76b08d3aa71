#![expect(clippy::unwrap_used, reason = "a test may panic, in its helpers too")]

use super::*;
use proptest::prelude::*;

fn net(text: &str) -> NetSpec {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn probability(percent: f64) -> Probability {
    Probability::new(percent / 100.0).unwrap()
}

#[test]
fn the_words_of_tc_mean_what_tc_means() {
    let spec = net("delay 40ms 10ms loss 5%");
    let link = LinkSpec {
        delay: Duration::from_millis(40),
        jitter: Duration::from_millis(10),
        distribution: Distribution::Uniform,
        loss: Loss::Random(probability(5.0)),
    };
    assert_eq!(spec, NetSpec { forward: link, back: link, chance: Chance::Grid });
    assert_eq!(net("loss random 5%"), net("loss 5%"));
    assert_eq!(net("delay 1500us").forward.delay, net("delay 1.5ms").forward.delay);
    assert_eq!(net("delay 0.04s"), net("delay 40ms"));
    assert_eq!(net("delay 40ms 10ms distribution normal").forward.distribution, Distribution::Normal);
    assert_eq!(net("loss gemodel 2%"), net("loss gemodel 2% 98% 100% 0%"));
    assert_eq!(
        net("loss gemodel 2% 25% 70% 0.1%").forward.loss,
        Loss::GilbertElliott {
            p: probability(2.0),
            r: probability(25.0),
            bad: probability(70.0),
            good: probability(0.1)
        }
    );
    for clean in ["", "none", "clean", "  ", "loss 0%", "delay 0ms"] {
        assert_eq!(net(clean), NetSpec::default(), "{clean}");
    }
}

#[test]
fn a_burst_is_a_gilbert_chain_of_that_loss_and_length() {
    for (loss, length) in [(5.0, 3.0), (20.0, 1.5), (0.1, 10.0), (50.0, 1.0)] {
        let spec = net(&format!("loss {loss}% burst {length}"));
        assert!((spec.asked_loss() - loss).abs() < 1e-9);
        let Loss::GilbertElliott { r, bad, good, .. } = spec.forward.loss else { panic!() };
        assert!((1.0 / r.get() - length).abs() < 1e-9);
        assert_eq!((bad, good), (Probability::ONE, Probability::ZERO));
    }
    // Independent loss of 5 % has bursts of 1/0.95.
    assert!((net("loss gemodel 5% 95%").asked_loss() - 5.0).abs() < 1e-9);
}

#[test]
fn directions_are_split_by_forward_and_back() {
    let spec = net("delay 40ms loss 5% back delay 30ms");
    assert_eq!(spec.forward, net("delay 40ms loss 5%").forward);
    assert_eq!(spec.back, net("delay 30ms").forward);
    assert_eq!(net("delay 40ms forward delay 40ms loss 5%").back, net("delay 40ms").forward);
    assert_eq!(net("back delay 30ms forward loss 5% delay 40ms"), net("forward delay 40ms loss 5% back delay 30ms"));
    assert_eq!(net("loss 5% back none").back, LinkSpec::default());
    assert_eq!(spec.asked_loss(), 5.0);
    assert_eq!(net("back loss 5%").asked_loss(), 0.0);
}

#[test]
fn it_prints_in_one_way() {
    for (given, printed) in [
        ("", "none"),
        ("loss 7.0% delay 0.04s", "delay 40ms loss 7%"),
        ("delay 40ms 10ms distribution uniform", "delay 40ms 10ms"),
        (
            "delay 40ms 10ms loss 5% back delay 40ms chance packet",
            "delay 40ms 10ms loss 5% back delay 40ms chance packet",
        ),
        ("chance grid loss 1% burst 2", "loss gemodel 0.5050505050505051% 50%"),
        ("loss gemodel 2% 25% 100% 1%", "loss gemodel 2% 25% 100% 1%"),
        ("loss 5% back clean", "loss 5% back none"),
    ] {
        assert_eq!(net(given).to_string(), printed);
    }
}

#[test]
fn the_wrong_word_is_named() {
    for (text, says) in [
        ("loss 120%", "loss: a probability must be within 0 and 100 %, not 120 %"),
        ("loss -1%", "not -1 %"),
        ("loss five", "'five' is not a percentage"),
        ("loss", "'loss' needs a percentage such as 5%"),
        ("loss delay 5ms", "'loss' needs a percentage such as 5%, not 'delay'"),
        ("delay 40", "'40' has no unit; tc would take it for nanoseconds; say 40ms"),
        ("delay -40ms", "'-40ms' is negative"),
        ("delay 40m", "'40m' has the unit 'm'; there are us, ms and s"),
        ("delay 1e9s", "e9s"),
        ("delay 999999s", "longer than 60000 ms"),
        ("delay xms", "'xms' is not a time such as 40ms"),
        ("delay NaNms", "'NaNms' is not a time such as 40ms"),
        ("delay 40ms 10ms 25%", "'25%' would be tc's delay correlation"),
        ("delay 40ms 10ms 5ms", "'5ms' would be tc's delay correlation"),
        ("loss 5% 25%", "'25%' would be tc's loss correlation"),
        ("delay 40ms distribution normal", "needs a jitter"),
        ("delay 40ms 10ms distribution pareto", "unknown distribution 'pareto'; known: uniform, normal"),
        ("delay 40ms 10ms distribution norml", "did you mean 'normal'?"),
        ("loss 5% burst 0.5", "at least 1"),
        ("loss 75% burst 2", "at least 3"),
        ("loss 100% burst 2", "100 %"),
        ("loss state 5%", "'loss state' is not simulated"),
        ("rate 1mbit", "'rate' is not simulated"),
        ("los 5%", "unknown word in the network 'los', did you mean 'loss'?"),
        ("loss 5% loss 6%", "'loss' is given twice"),
        ("back delay 1ms back delay 2ms", "'back' is given twice"),
        ("chance packet chance grid", "'chance' is given twice"),
        ("chance dice", "unknown chance 'dice'"),
        ("none loss 5%", "'none'"),
        ("5%", "'5%' belongs to nothing"),
    ] {
        let error = text.parse::<NetSpec>().expect_err(text);
        assert!(error.to_string().contains(says), "{text}: {error}");
        assert_eq!(error.exit_code(), 2);
        assert!(!error.to_string().contains('\n'));
    }
}

fn link() -> impl Strategy<Value = LinkSpec> {
    let p = || (0.0..=100.0f64).prop_map(probability);
    let loss = prop_oneof![
        Just(Loss::None),
        (0.001..=100.0f64).prop_map(|x| Loss::Random(probability(x))),
        (p(), p(), p(), p()).prop_map(|(p, r, bad, good)| Loss::GilbertElliott { p, r, bad, good }),
    ];
    (0..60_000_000_000u64, prop_oneof![Just(0), 0..60_000_000_000u64], any::<bool>(), loss).prop_map(
        |(delay, jitter, normal, loss)| LinkSpec {
            delay: Duration::from_nanos(delay),
            jitter: Duration::from_nanos(jitter),
            distribution: if normal && jitter > 0 { Distribution::Normal } else { Distribution::Uniform },
            loss,
        },
    )
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(forward in link(), back in link(), packet in any::<bool>()) {
        let chance = if packet { Chance::Packet } else { Chance::Grid };
        let spec = NetSpec { forward, back, chance };
        prop_assert_eq!(net(&spec.to_string()), spec);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "((delay|loss|gemodel|burst|back|chance|distribution|none|5%|40ms|-1|1e400ms|é|[0-9.%a-z-]{1,6}) ?){0,8}"
    ) {
        if let Ok(spec) = text.parse::<NetSpec>() {
            prop_assert_eq!(net(&spec.to_string()), spec);
        }
    }
}
