//! netem against the kernel's own: kernel-netem.json of the reference vectors has what Linux 6.12 and 6.1 did to UDP packets over
//! a pair of virtual Ethernet devices, 44 and 10 rows of `tc` words with what arrived.
//!
//! Each row is run here as often as [`RUNS`] says, with as many packets as the kernel was given, at its distances and of its size.
//! Were both one and the same, the kernel's figure would be one more run's: it lies off the mean of ours by a standard deviation of
//! sqrt(1 + 1/RUNS) of that between ours, and is allowed [`SIGMAS`] of them. With 8 runs (7 degrees of freedom of Student's t) one
//! figure in 1800 would be further off by chance, and some 200 of the 485 have chance in them. Beside that delays are allowed what the
//! machine itself takes ([`MACHINE_MS`]), and shares [`EDGE`] packets.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::net::netem::Netem;
use codecbench::net::spec::NetSpec;
use codecbench::net::survey::{Delay, Figures, Packet};
use codecbench::net::{Direction, Impairment, PacketInfo, Purpose};
use codecbench::units::{Seed, Time};
use rayon::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;

const RUNS: u64 = 8;
const SIGMAS: f64 = 6.0;

/// From `send()` to the receiver's time stamp where netem does nothing: 0.004 ms in Linux 6.12, 0.025 at most in 6.1.
const MACHINE_MS: f64 = 0.03;

/// Packets that fall to one side or the other of an edge by what the machine takes.
const EDGE: f64 = 3.0;

/// The figures that are not compared. All rows can be said in our words.
const NOT_COMPARED: &[(&str, &str, &str)] = &[(
    "slotb",
    "mean burst",
    "the receiver stopped while 727 packets waited, which count as one burst of 826 with those dropped between",
)];

#[test]
fn what_the_kernel_did_is_one_more_run_of_ours() {
    let Some(root) = std::env::var_os("CODECBENCH_VECTORS").map(PathBuf::from) else {
        println!("SKIPPED: CODECBENCH_VECTORS is not set, so nothing was compared with the kernel");
        return;
    };
    let text = std::fs::read_to_string(root.join("kernel-netem.json")).unwrap();
    let vectors: Value = serde_json::from_str(&text).unwrap();
    let rows: Vec<(&str, &Value)> = ["kernel_6_12_117", "kernel_6_1_192"]
        .into_iter()
        .flat_map(|kernel| vectors[kernel].as_array().unwrap().iter().map(move |row| (kernel, row)))
        .collect();
    assert_eq!(rows.len(), 54);
    let compared: Vec<Vec<Compared>> = rows.par_iter().map(|(_, row)| compare(row)).collect();
    let mut wrong = Vec::new();
    let (mut all, mut random, mut two_off) = (0, 0, 0);
    for ((kernel, row), figures) in rows.iter().zip(&compared) {
        let name = format!("{kernel} {}: {}", row["name"], row["spec"]);
        for figure in figures {
            let off = (figure.kernel - figure.ours).abs();
            println!("{name}: {figure:?}");
            all += 1;
            random += usize::from(figure.sd > 1e-9);
            two_off += usize::from(off > 2.0 * figure.sd + figure.edge);
            if off > SIGMAS * figure.sd + figure.edge {
                wrong.push(format!("{name}: {figure:?}"));
            }
        }
    }
    for (row, figure, why) in NOT_COMPARED {
        println!("not compared: {row}, {figure}: {why}");
    }
    println!(
        "{} rows, {all} figures, {random} with chance in them; {two_off} off by more than 2 standard deviations",
        rows.len()
    );
    assert!(wrong.is_empty(), "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
}

/// One figure of a row.
#[derive(Debug)]
struct Compared {
    what: &'static str,
    kernel: f64,
    ours: f64,
    /// Of their difference.
    sd: f64,
    /// What may lie between them without chance.
    edge: f64,
}

fn compare(row: &Value) -> Vec<Compared> {
    let runs: Vec<Figures> = (1..=RUNS).map(|seed| Figures::of(&run(row, seed))).collect();
    let (sent, delay) = (row["sent"].as_f64().unwrap(), &row["delay_ms"]);
    let name = row["name"].as_str().unwrap();
    let share = |key: &str| row[key].as_f64().unwrap() / 100.0;
    // Where the receiver stopped too early, what tc counts.
    let loss = match name {
        "slotb" => row["tc_stats"]["dropped"].as_f64().unwrap() / sent,
        _ => share("loss_pct"),
    };
    let ms = |key: &str| delay[key].as_f64().unwrap();
    let one = |what, kernel: f64, edge: f64, of: &dyn Fn(&Figures) -> f64| {
        let all: Vec<f64> = runs.iter().map(of).collect();
        let n = all.len() as f64;
        let ours = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|x| (x - ours).powi(2)).sum::<f64>() / (n - 1.0);
        Compared { what, kernel, ours, sd: (variance * (1.0 + 1.0 / n)).sqrt(), edge }
    };
    let few = EDGE / sent;
    let of_delay = |what, of: fn(&Delay) -> f64| one(what, ms(what), MACHINE_MS, &|f| f.delay.as_ref().map_or(0.0, of));
    let mut figures = vec![
        one("loss", loss, few, &|f| f.loss),
        one("duplicated", share("duplicate_pct_of_sent"), few, &|f| f.duplicated),
        one("reordered", share("reordered_pct_of_received"), few, &|f| f.reordered),
        one("mean burst", row["mean_burst"].as_f64().unwrap(), 0.001, &|f| f.mean_burst.unwrap_or(0.0)),
        of_delay("mean", |d| d.mean),
        of_delay("sd", |d| d.sd),
        of_delay("p50", |d| d.p50),
        of_delay("p95", |d| d.p95),
        of_delay("p99", |d| d.p99),
    ];
    figures.retain(|figure| !NOT_COMPARED.iter().any(|(row, what, _)| (*row, *what) == (name, figure.what)));
    figures
}

/// The row's packets over our netem, in virtual time.
fn run(row: &Value, seed: u64) -> Vec<Packet> {
    let net: NetSpec = format!("{} chance packet", row["spec"].as_str().unwrap()).parse().unwrap();
    let mut link = Netem::new(net.forward, net.chance, Seed(seed), Direction::Forward);
    // UDP, IPv4 and the header of Ethernet, which the kernel counts.
    let wire_bytes = row["udp_payload_bytes"].as_u64().unwrap() as usize + 8 + 20 + 14;
    let packet = PacketInfo { wire_bytes, purpose: Purpose::Media };
    let apart = row["interval_us"].as_f64().unwrap() * 1000.0;
    let mut at = 0.0;
    let mut next = |n: u64| {
        let sent = Time(at as u64);
        at += match row["arrivals"].as_str().unwrap() {
            "constant" => apart,
            "poisson" => -apart * (1.0 - Seed(seed).draw_unit("arrivals", &[n])).ln(),
            other => panic!("{other}"),
        };
        Packet { sent, arrivals: Vec::new() }
    };
    let mut packets: Vec<Packet> = (0..row["sent"].as_u64().unwrap()).map(&mut next).collect();
    let reorders = row["spec"].as_str().unwrap().contains("reorder");
    let mut told = Vec::new();
    for n in 0..=packets.len() {
        match packets.get(n) {
            Some(Packet { sent, .. }) => _ = link.admit(*sent, &packet, &mut told),
            None => link.advance(Time(i64::MAX as u64), &mut told),
        }
        for delivery in told.drain(..).filter(|d| !d.corrupt) {
            let Packet { sent, arrivals } = &mut packets[delivery.packet as usize];
            // What waited leaves by a timer, after what is sent at once at that instant.
            let by_timer = Duration::from_micros(u64::from(reorders && delivery.at > *sent));
            arrivals.push(delivery.at + by_timer);
        }
    }
    packets.iter_mut().for_each(|p| p.arrivals.sort_unstable());
    packets
}
