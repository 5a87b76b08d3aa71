//! A network in a test of your own, without a call: netem decides in virtual time what becomes of each packet. Ten minutes of
//! traffic take no time, and one seed always gives the same losses.
//!
//! `cargo run --release --example network_in_my_test`; in a test, the body of `main` is the test's.

use codecbench::Result;
use codecbench::net::netem::Netem;
use codecbench::net::spec::NetSpec;
use codecbench::net::{Direction, Impairment, PacketInfo, Purpose};
use codecbench::units::{Seed, Time};
use std::time::Duration;

fn main() -> Result<()> {
    let net: NetSpec = "delay 40ms 10ms loss 5% burst 3".parse()?;
    let mut link = Netem::new(net.forward, net.chance, Seed(1), Direction::Forward);

    // A packet of 200 bytes every 20 ms goes in; its arrivals come out: none, one, or two of a packet that was duplicated.
    let packet = PacketInfo { wire_bytes: 200, purpose: Purpose::Media };
    let sent = 30_000;
    let (mut lost, mut latest) = (0, Duration::ZERO);
    let mut arrivals = Vec::new();
    for n in 0..sent {
        let now = Time::from_millis(20 * n);
        link.admit(now, &packet, &mut arrivals);
        match arrivals.drain(..).map(|arrival| arrival.at.since(now)).min() {
            // Here the code under test would be given the packet, at the instant of its arrival.
            Some(delay) => latest = latest.max(delay),
            None => lost += 1,
        }
    }

    let share = f64::from(lost) / sent as f64;
    println!("{lost} of {sent} packets lost ({:.1} %), the latest after {latest:?}", 100.0 * share);
    assert!((0.04..0.06).contains(&share), "{share}");
    assert!(latest <= Duration::from_millis(50), "{latest:?}");
    Ok(())
}
