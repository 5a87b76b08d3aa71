//! The simulated path end to end: two PeerConnections and the network between them.

use codecbench::net::spec::NetSpec;
use codecbench::peer::sim::{Arrival, Outgoing, Sim, TrackSpec};
use codecbench::units::{Seed, Time};
use std::time::Duration;

fn opus() -> TrackSpec {
    TrackSpec { name: "opus", payload_type: 111, clock_rate: 48_000, channels: 2, fmtp: Default::default() }
}

/// A call with one packet of 160 bytes each 20 ms.
fn call(net: &NetSpec, seed: u64, seconds: u64) -> (Sim, Vec<Arrival>) {
    let mut sim = Sim::connect(&opus(), net, Seed(seed)).unwrap();
    let mut arrivals = Vec::new();
    for n in 0..seconds * 50 {
        let payload = n.to_le_bytes().repeat(20);
        let packet = Outgoing { sequence: n as u16, timestamp: n as u32 * 960, marker: n == 0, payload };
        sim.send(Time::from_millis(n * 20), packet).unwrap();
        arrivals.extend(sim.arrivals());
    }
    sim.advance(Time::from_millis(seconds * 1000 + 2000)).unwrap();
    arrivals.extend(sim.arrivals());
    (sim, arrivals)
}

#[test]
fn clean() {
    let t = std::time::Instant::now();
    let (sim, arrivals) = call(&NetSpec::default(), 1, 60);
    eprintln!("{:?} {}", t.elapsed(), arrivals.len());
    assert_eq!(arrivals.len(), 3000);
    assert_eq!(sim.wire().iter().map(|w| w.bytes).sum::<usize>(), sim.datagram_bytes());
}
