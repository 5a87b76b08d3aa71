//! A plan from Rust, to a folder: its cases, its figures, its report. What `codecbench run` does.
//!
//! `cargo run --release --example run_a_plan`

use codecbench::codec::{self, Request};
use codecbench::experiment::{self, How, Observer};
use codecbench::peer::Transport;
use codecbench::plan::{Plan, Setting};
use codecbench::playout::audio::Receiver;
use codecbench::report::{self, Compare};
use codecbench::store::Store;
use codecbench::units::Seed;
use codecbench::{Result, corpus, metric};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Tells what takes time. `()` would be silent.
struct Told;

impl Observer for Told {
    fn note(&self, text: &str) {
        println!("{text}");
    }
}

fn main() -> Result<()> {
    let opus = |label: &str, fmtp: &str| -> Result<Setting> {
        Ok(Setting::new(label, codec::audio("opus")?, Request { fmtp: fmtp.parse()?, ..Request::default() }))
    };
    let mut plan = Plan {
        name: "fec".into(),
        clips: [corpus::clip("synth-voice-1")?, corpus::clip("synth-voice-2")?].concat(),
        settings: vec![opus("without FEC", "useinbandfec=0")?, opus("with FEC", "useinbandfec=1")?],
        receivers: vec![Receiver::default()],
        networks: vec!["delay 40ms".parse()?, "delay 40ms loss 10%".parse()?],
        seeds: vec![Seed(1)],
        warm_up: Duration::from_secs(5),
        metrics: vec![metric::audio("pesq-wb")?],
        transport: Transport::Virtual,
        left_out: Vec::new(),
    };
    let folder = Path::new("reports/run-a-plan");
    let mut store = Store::create(folder)?;
    // Whoever sets the flag stops the run after the cases that are being computed; the next one goes on from there.
    let stop = AtomicBool::new(false);
    experiment::run(&mut plan, &mut store, &How::default(), &stop, &Told)?;

    let view = experiment::view(&[&store], Compare::FewOnly, None)?;
    report::write(folder, &view)?;
    for sentence in report::opening(&view) {
        println!("{sentence}");
    }
    println!("report: {}", folder.join("report.html").display());
    Ok(())
}
