use crate::net::spec::NetSpec;

fn net(text: &str) -> NetSpec {
    text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
}

/// The examples of iproute2's manual page and of netem's own pages.
const MANUAL: &[&str] = &[
    "tc qdisc add dev eth0 root netem delay 100ms",
    "tc qdisc change dev eth0 root netem delay 100ms 10ms",
    "tc qdisc change dev eth0 root netem delay 100ms 10ms 25%",
    "tc qdisc change dev eth0 root netem delay 100ms 20ms distribution normal",
    "tc qdisc change dev eth0 root netem loss 0.1%",
    "tc qdisc change dev eth0 root netem loss 0.3% 25%",
    "tc qdisc change dev eth0 root netem duplicate 1%",
    "tc qdisc change dev eth0 root netem corrupt 0.1%",
    "tc qdisc change dev eth0 root netem gap 5 delay 10ms",
    "tc qdisc change dev eth0 root netem delay 10ms reorder 25% 50%",
    "tc qdisc change dev eth0 root netem delay 100ms 75ms",
    "tc qdisc add dev eth0 root netem rate 5kbit 20 100 5",
    "tc qdisc add dev eth0 root netem rate 100kbit 0 0 0",
    "tc qdisc add dev eth0 root netem loss gemodel 1% 10% 70% 0.1%",
    "tc qdisc add dev eth0 root netem loss state 1% 99% 0% 100% 0%",
    "tc qdisc add dev eth0 root netem slot 800us 10ms packets 32 bytes 10240",
    "tc qdisc add dev eth0 root netem slot 800us 2500us",
    "tc qdisc add dev eth0 root netem slot distribution normal 10ms 1ms packets 10",
    "tc qdisc add dev eth0 root netem slot distribution pareto 5ms 2ms bytes 64000",
    "tc qdisc add dev eth0 root netem loss 1% ecn",
    "tc qdisc add dev eth0 root netem loss random 10% seed 42",
    "tc qdisc add dev eth0 parent 1:1 handle 10: netem delay 100ms",
    "tc qdisc add dev eth0 parent 1:3 handle 30: netem delay 200ms 10ms distribution normal",
    "tc qdisc replace dev eth0 root handle 1:0 netem limit 5000 delay 50ms",
    "# tc qdisc add dev eth0 root netem rate 1mbit limit 100",
    "sudo tc qdisc add dev wlan0 root netem delay 100ms 20ms distribution normal loss 1%",
    "$ sudo /sbin/tc -s qdisc add dev eth0 root netem latency 40ms drop 1%",
    "netem delay 100ms",
    "qdisc add dev lo root netem delay 40ms",
];

#[test]
fn every_line_of_the_manual_is_understood() {
    for line in MANUAL {
        let spec = net(line);
        assert_ne!(spec, NetSpec::default(), "{line}");
        assert_eq!(net(&spec.to_string()), spec, "{line}");
        let words = line.split_once("netem ").unwrap().1.replace("latency", "delay").replace("drop", "loss");
        assert_eq!(net(&words), spec, "{line}");
    }
    // A bare number is tc's: nanoseconds, bits per second.
    assert_eq!(net("tc qdisc add dev eth0 root netem delay 40 rate 8000"), net("delay 40ns rate 1kbps"));
}

#[test]
fn broken_lines_of_tc_get_an_error_that_points_at_the_word() {
    for (text, says) in [
        ("tc qdisc add dev eth0 root", "no 'netem'"),
        ("tc qdisc del dev eth0 root netem", "'del' describes no network"),
        ("tc qdisc add dev eth0 root tbf rate 1mbit", "'tbf' does not belong"),
        ("tc qdisc add dev eth0 root netem dely 100ms", "'dely', did you mean 'delay'?"),
        ("tc qdisc add dev eth0 root netem delay", "'delay' needs a time"),
        ("tc qdisc add dev eth0 root netem delay 100m", "'100m' has the unit 'm'"),
        (
            "tc qdisc add dev eth0 root netem delay 100ms 10ms 125%",
            "delay correlation: a probability must be within 0 and 100 %, not 125",
        ),
        ("tc qdisc add dev eth0 root netem loss 101%", "101"),
        ("tc qdisc add dev eth0 root netem loss gemodel", "'gemodel' needs its p"),
        ("tc qdisc add dev eth0 root netem loss gemodel 1% 10% 70% 0.1% 5%", "'5%' belongs to nothing"),
        ("tc qdisc add dev eth0 root netem loss state 1% 2% 3% 4% 5% 6%", "'6%' belongs to nothing"),
        ("tc qdisc add dev eth0 root netem rate 5kbyte", "'5kbyte' has the unit 'kbyte'"),
        ("tc qdisc add dev eth0 root netem rate 5xbit", "'5xbit' has the unit 'xbit'"),
        ("tc qdisc add dev eth0 root netem rate 5kbit twenty", "'twenty'"),
        ("tc qdisc add dev eth0 root netem rate 5kbit 2.5", "rate: overhead: '2.5'"),
        ("tc qdisc add dev eth0 root netem rate 5kbit 20 -1", "rate: cell size: '-1'"),
        ("tc qdisc add dev eth0 root netem limit -1", "limit: '-1'"),
        ("tc qdisc add dev eth0 root netem limit 0", "limit: '0' must be within 1 and"),
        ("tc qdisc add dev eth0 root netem slot 2ms 1ms", "the longest time is shorter"),
        ("tc qdisc add dev eth0 root netem slot 2ms packets", "'packets' needs a number"),
        ("tc qdisc add dev eth0 root netem slot distribution normal 2ms", "'slot distribution' needs a jitter"),
        ("tc qdisc add dev eth0 root netem ecn", "'ecn' needs a loss model"),
        ("tc qdisc add dev eth0 root netem gap five delay 1ms", "gap: 'five'"),
        ("tc qdisc add dev eth0 root netem seed -3", "seed: '-3'"),
    ] {
        wrong(text, says);
    }
}

fn wrong(text: &str, says: &str) {
    let error = text.parse::<NetSpec>().expect_err(text);
    assert!(error.to_string().contains(says), "{text}: {error}");
    assert_eq!(error.exit_code(), 2);
    assert!(!error.to_string().contains('\n'));
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
        ("delay 40ms 10ms 5ms", "delay correlation: '5ms' is not a percentage"),
        ("delay 40ms distribution normal", "needs a jitter"),
        ("delay 40ms 10ms distribution parto", "did you mean 'pareto'?"),
        ("delay 40ms 10ms distribution cauchy", "known: uniform, normal, pareto, paretonormal"),
        ("delay 40ms 10ms distribution norml", "did you mean 'normal'?"),
        ("loss 5% burst 0.5", "at least 1"),
        ("loss 75% burst 2", "at least 3"),
        ("loss 100% burst 2", "100 %"),
        ("loss 5% 25% burst 3", "'burst' and a correlation"),
        ("rate 1000", "'1000' has no unit; say 1000kbit"),
        ("rate 7bit", "less than a byte per second"),
        ("rate 2tbit", "more than 1tbit"),
        ("rate fast", "'fast' is not a rate"),
        ("queue 200ms", "'queue' needs a link that can be full"),
        ("rate 1mbit queue 0p", "'0p' is not a number of packets"),
        ("rate 1mbit at 5s rate none queue 5p", "'queue' needs a link"),
        ("at 5s loss 1% at 5s loss 2%", "at: '5s' must be later than the 5s before it"),
        ("at 0s loss 1%", "at: '0s' must be later"),
        ("at", "'at' needs a time such as 20s"),
        ("at 5s seed 7", "before the first 'at'"),
        ("at 5s loss 5% loss 6%", "'loss' is given twice"),
        ("trace", "'trace' needs a file"),
        ("trace no/such/file", "no/such/file"),
        ("preset", "'preset' needs a name"),
        ("preset no-such-network", "unknown preset 'no-such-network'"),
        ("los 5%", "unknown word in the network 'los', did you mean 'loss'?"),
        ("loss 5% loss 6%", "'loss' is given twice"),
        ("back delay 1ms back delay 2ms", "'back' is given twice"),
        ("chance packet chance grid", "'chance' is given twice"),
        ("chance dice", "unknown chance 'dice'"),
        ("none loss 5%", "'none'"),
        ("loss 5% none", "'none'"),
        ("5%", "'5%' belongs to nothing"),
    ] {
        wrong(text, says);
    }
}
