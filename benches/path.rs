//! What the path costs: one packet through netem, and whole calls without codec work.

use codecbench::net::netem::Netem;
use codecbench::net::spec::NetSpec;
use codecbench::net::{Direction, Impairment, PacketInfo, Purpose};
use codecbench::peer::Peers;
use codecbench::peer::sim::{Kind, Outgoing, Sim, TrackSpec};
use codecbench::units::{Seed, Time};
use criterion::{Criterion, criterion_group, criterion_main};

fn packet_through_netem(c: &mut Criterion) {
    for words in ["delay 40ms 10ms loss 5%", "delay 40ms 10ms loss 5% burst 3", "delay 40ms 10ms loss 5% chance packet"]
    {
        let net: NetSpec = words.parse().expect("a network");
        let mut netem = Netem::new(net.forward, net.chance, Seed(1), Direction::Forward);
        let (mut now, mut out) = (Time::ZERO, Vec::new());
        c.bench_function(&format!("netem, one packet: {words}"), |b| {
            b.iter(|| {
                out.clear();
                now = now + std::time::Duration::from_millis(20);
                netem.admit(now, &PacketInfo { wire_bytes: 200, purpose: Purpose::Media }, &mut out);
                out.len()
            })
        });
    }
}

fn call(seconds: u64, net: &NetSpec) -> usize {
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
    let mut sim = Sim::connect(std::slice::from_ref(&track), net, Seed(1)).expect("connected");
    let mut heard = 0;
    for n in 0..seconds * 50 {
        let packet = Outgoing {
            sequence: n as u16,
            timestamp: n as u32 * 960,
            marker: n == 0,
            payload: vec![0; 160],
            descriptor: None,
        };
        sim.send(Time::from_millis(n * 20), 0, packet).expect("sent");
        heard += sim.arrivals().len();
    }
    heard
}

fn whole_call(c: &mut Criterion) {
    let net: NetSpec = "delay 40ms 10ms loss 5%".parse().expect("a network");
    for seconds in [0, 10, 60] {
        c.bench_function(&format!("connect and {seconds} s of 160-byte packets"), |b| b.iter(|| call(seconds, &net)));
    }
}

criterion_group!(benches, packet_through_netem, whole_call);
criterion_main!(benches);
