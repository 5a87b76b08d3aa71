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
        loss: Loss::Random(probability(5.0).into()),
        ..LinkSpec::default()
    };
    assert_eq!(spec, NetSpec::new(link.clone(), link, Chance::Grid));
    assert_eq!(net("loss random 5%"), net("loss 5%"));
    for same in ["delay 1500us", "delay 1500000ns", "delay 0.0015s", "delay 1.5MSECS"] {
        assert_eq!(net(same), net("delay 1.5ms"), "{same}");
    }
    assert_eq!(net("delay 40ms 10ms distribution normal").forward.distribution, Distribution::Normal);
    // tc takes the distribution anywhere.
    assert_eq!(net("distribution pareto loss 1% delay 40ms 10ms"), net("delay 40ms 10ms distribution pareto loss 1%"));
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
    assert_eq!(net("loss state 5%"), net("loss state 5% 95% 0% 100% 0%"));
    assert_eq!(
        net("loss state 2% 30% 20% 40% 0.5%").forward.loss,
        Loss::FourState {
            p13: probability(2.0),
            p31: probability(30.0),
            p32: probability(20.0),
            p23: probability(40.0),
            p14: probability(0.5)
        }
    );
    let odds = |p, correlation| Odds { p: probability(p), correlation: probability(correlation) };
    let link = net("duplicate 1% 2% corrupt 3% 4% reorder 5% 6% gap 7 delay 1ms 2ms 8% limit 9 seed 10").forward;
    assert_eq!((link.duplicate, link.corrupt, link.reorder), (odds(1.0, 2.0), odds(3.0, 4.0), odds(5.0, 6.0)));
    assert_eq!((link.gap, link.delay_correlation, link.limit, link.seed), (7, probability(8.0), 9, Some(10)));
    // A gap alone means that every so many packets one is sent at once, as the kernel has it.
    assert_eq!(net("gap 5 delay 10ms"), net("delay 10ms reorder 100% gap 5"));
    assert_eq!(net("delay 10ms reorder 25%").forward.gap, 1);
    let slot = |words: &str| net(words).forward.slot.unwrap();
    assert_eq!(
        slot("slot 800us 2500us packets 4 bytes 9"),
        Slot {
            spacing: Spacing::Range { min: Duration::from_micros(800), max: Duration::from_micros(2500) },
            packets: Some(4),
            bytes: Some(9)
        }
    );
    assert_eq!(slot("slot 5ms"), slot("slot 5ms 5ms packets 0"));
    assert_eq!(
        slot("slot distribution pareto 5ms 1ms").spacing,
        Spacing::Table {
            distribution: Distribution::Pareto,
            delay: Duration::from_millis(5),
            jitter: Duration::from_millis(1)
        }
    );
    for clean in
        ["", "none", "clean", "  ", "loss 0%", "delay 0ms", "rate 0bit", "slot 0ms", "corrupt 0% 5%", "limit 1000"]
    {
        assert_eq!(net(clean), NetSpec::default(), "{clean}");
    }
}

#[test]
fn rates_are_spelt_as_tc_spells_them() {
    let rate = |text: &str| net(&format!("rate {text}")).forward.rate.unwrap();
    for (text, bytes) in [
        ("8bit", 1),
        ("300kbit", 37_500),
        ("1mbit", 125_000),
        ("1.5Mbit", 187_500),
        ("1Gbit", 125_000_000),
        ("1tbit", 125_000_000_000),
        ("1kibit", 128),
        ("1Mibit", 131_072),
        ("1gibit", 134_217_728),
        ("1bps", 1),
        ("1kbps", 1000),
        ("1MBps", 1_000_000),
        ("1KiBps", 1024),
        ("9bit", 1),
    ] {
        assert_eq!(rate(text).bytes_per_second, bytes, "{text}");
    }
    assert_eq!(rate("5kbit 20 100 5"), Rate { bytes_per_second: 625, overhead: 20, cell: 100, cell_overhead: 5 });
    assert_eq!(rate("5kbit -14").overhead, -14);
    assert_eq!(net("rate 1mbit queue 200ms").forward.queue, Some(Queue::Time(Duration::from_millis(200))));
    assert_eq!(net("rate 1mbit queue 50p").forward.queue, Some(Queue::Packets(50)));
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
fn the_loss_in_the_long_run_is_that_of_all_that_loses() {
    for (words, loss) in [
        ("corrupt 5%", 5.0),
        ("loss 10% corrupt 10%", 19.0),
        ("loss 10% duplicate 50%", 5.0),
        ("loss 5% 25%", 0.1938),
        ("loss state 2% 30% 20% 40% 0.5%", 6.485671),
        ("loss state 0% 0% 0% 0% 25%", 20.0),
        ("loss state 5% 0% 20% 60%", 75.0),
        ("none at 20s loss 10%", 5.0),
        ("loss 10% at 10s none at 40s loss 20%", (10.0 * 10.0 + 20.0 * 30.0) / 70.0),
    ] {
        assert!((net(words).asked_loss() - loss).abs() < 1e-3, "{words}: {}", net(words).asked_loss());
    }
    let fates = vec![None, Some(Duration::ZERO), Some(Duration::ZERO), None];
    let kind = Kind::Fates { step: Duration::from_millis(20), fates };
    let trace = Trace { name: "t".into(), hash: "abc".into(), kind };
    let link = LinkSpec { trace: Some(Arc::new(trace)), ..net("loss 10%").forward };
    let spec = NetSpec::new(link, LinkSpec::default(), Chance::Grid);
    assert!((spec.asked_loss() - 55.0).abs() < 1e-9);
    assert_eq!(
        (spec.identity().as_str(), net("loss 5%").identity().as_str()),
        ("loss 10% trace t back none #abc", "loss 5%")
    );
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
fn a_schedule_replaces_the_words_of_its_kind() {
    let spec = net("delay 40ms loss 5% rate 1mbit queue 200ms at 20s rate 300kbit at 40s loss 0% rate 2mbit back none");
    let [(at, second), (later, third)] = &spec.forward.later[..] else { panic!() };
    assert_eq!((at.as_secs(), later.as_secs()), (20, 40));
    assert_eq!(*second, net("delay 40ms loss 5% rate 300kbit queue 200ms").forward);
    assert_eq!(*third, net("delay 40ms rate 2mbit queue 200ms").forward);
    assert_eq!(spec.back, LinkSpec::default());
    // What changes nothing is no phase; a queue goes with its rate.
    assert_eq!(net("loss 5% at 20s loss 5%"), net("loss 5%"));
    assert_eq!(net("loss 5% at 20s none").forward.later[0].1, LinkSpec::default());
    assert_eq!(net("rate 1mbit queue 5p at 20s rate none").forward.later[0].1, LinkSpec::default());
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
        ("loss state 5%", "loss state 5% 95% 0% 100% 0%"),
        ("rate 125kbps 0 48", "rate 1mbit 0 48"),
        ("gap 5 delay 10ms", "delay 10ms reorder 100% gap 5"),
        ("queue 0.2s rate 1000kbit at 20000ms rate 300kbit", "rate 1mbit queue 200ms at 20s rate 300kbit"),
        ("rate 1mbit queue 5p at 20s none", "rate 1mbit queue 5p at 20s rate none queue none"),
        ("slot distribution normal 5ms 1ms bytes 9 packets 3", "slot distribution normal 5ms 1ms packets 3 bytes 9"),
        ("loss 5% seed 7", "seed 7 loss 5%"),
        ("sudo tc qdisc add dev eth0 root netem delay 100ms 20ms", "delay 100ms 20ms"),
    ] {
        assert_eq!(net(given).to_string(), printed);
    }
}

fn distribution() -> impl Strategy<Value = Distribution> {
    prop_oneof![
        Just(Distribution::Uniform),
        Just(Distribution::Normal),
        Just(Distribution::Pareto),
        Just(Distribution::ParetoNormal)
    ]
}

fn nanos() -> impl Strategy<Value = Duration> {
    prop_oneof![Just(0), 0..60_000_000_000u64].prop_map(Duration::from_nanos)
}

/// One phase, in the one form that words give it.
fn phase() -> impl Strategy<Value = LinkSpec> {
    let p = || (0.0..=100.0f64).prop_map(probability);
    let odds = || {
        let some = (0.001..=100.0f64, 0.0..=100.0f64);
        let some = some.prop_map(|(p, c)| Odds { p: probability(p), correlation: probability(c) });
        prop_oneof![2 => Just(Odds::default()), 1 => some]
    };
    let loss = prop_oneof![
        Just(Loss::None),
        (0.001..=100.0f64).prop_map(|x| Loss::Random(probability(x).into())),
        odds().prop_map(|o| if o == Odds::default() { Loss::None } else { Loss::Random(o) }),
        (p(), p(), p(), p()).prop_map(|(p, r, bad, good)| Loss::GilbertElliott { p, r, bad, good }),
        (p(), p(), p(), p(), p()).prop_map(|(p13, p31, p32, p23, p14)| Loss::FourState { p13, p31, p32, p23, p14 }),
    ];
    let delay = (nanos(), nanos(), distribution(), p()).prop_map(|(delay, jitter, distribution, correlation)| {
        let link = LinkSpec { delay, ..LinkSpec::default() };
        if jitter.is_zero() { link } else { LinkSpec { jitter, distribution, delay_correlation: correlation, ..link } }
    });
    let framing = prop_oneof![Just((0, 0, 0)), (-50..50i32, 0..100u32, -9..9i32)];
    let queue = prop_oneof![
        Just(None),
        nanos().prop_map(|t| Some(Queue::Time(t))),
        (1..100u32).prop_map(|n| Some(Queue::Packets(n)))
    ];
    let rate = prop_oneof![
        Just((None, None)),
        (1..1_000_000_000u64, framing, queue).prop_map(|(bytes_per_second, (overhead, cell, cell_overhead), queue)| {
            (Some(Rate { bytes_per_second, overhead, cell, cell_overhead }), queue)
        })
    ];
    let most = || prop_oneof![Just(None), (1..1000u32).prop_map(Some)];
    let range = (nanos(), nanos()).prop_map(|(a, b)| Spacing::Range { min: a.min(b), max: a.max(b) });
    let table = (distribution(), nanos(), nanos()).prop_map(|(distribution, delay, jitter)| Spacing::Table {
        distribution,
        delay,
        jitter,
    });
    let slot = (prop_oneof![range, table], most(), most()).prop_map(|(spacing, packets, bytes)| {
        let off = match &spacing {
            Spacing::Range { max, .. } => max.is_zero(),
            Spacing::Table { delay, jitter, .. } => delay.is_zero() && jitter.is_zero(),
        };
        (!off).then_some(Slot { spacing, packets, bytes })
    });
    let slot = prop_oneof![2 => Just(None), 1 => slot];
    let limit = prop_oneof![Just(LIMIT), 1..2000u32];
    (delay, loss, odds(), odds(), odds(), 1..9u32, rate, slot, limit).prop_map(
        |(link, loss, duplicate, corrupt, reorder, gap, (rate, queue), slot, limit)| {
            let gap = if reorder.p == Probability::ZERO { 0 } else { gap };
            LinkSpec { loss, duplicate, corrupt, reorder, gap, rate, queue, slot, limit, ..link }
        },
    )
}

/// A direction with its schedule.
pub(crate) fn link() -> impl Strategy<Value = LinkSpec> {
    let later = prop_oneof![2 => Just(vec![]), 1 => prop::collection::vec((1..100_000u64, phase()), 1..4)];
    (phase(), later, prop::option::of(any::<u64>())).prop_map(|(first, later, seed)| {
        let first = LinkSpec { seed, ..first };
        let (mut at, mut phases, mut before) = (Duration::ZERO, Vec::new(), first.clone());
        for (wait, phase) in later {
            at += Duration::from_millis(wait);
            let phase = LinkSpec { seed, ..phase };
            if phase != before {
                phases.push((at, phase.clone()));
            }
            before = phase;
        }
        LinkSpec { later: phases, ..first }
    })
}

proptest! {
    #[test]
    fn what_is_printed_parses_to_the_same(forward in link(), back in link(), packet in any::<bool>()) {
        let chance = if packet { Chance::Packet } else { Chance::Grid };
        let spec = NetSpec::new(forward, back, chance);
        prop_assert_eq!(net(&spec.to_string()), spec);
    }

    #[test]
    fn no_text_makes_it_panic(
        text in "(tc qdisc |netem )?((delay|loss|gemodel|state|burst|back|chance|distribution|none|rate|queue|at|slot|packets|\
                 reorder|gap|duplicate|corrupt|limit|seed|ecn|5%|40ms|20s|1mbit|5p|3|-1|1e400ms|é|[0-9.%a-z-]{1,6}) ?){0,9}"
    ) {
        if let Ok(spec) = text.parse::<NetSpec>() {
            prop_assert_eq!(net(&spec.to_string()), spec.clone());
            spec.warnings();
            prop_assert!((0.0..=100.0).contains(&spec.asked_loss()));
        }
    }
}
