//! One case, end to end: an artificial voice through Opus and a network that loses packets, heard at the far end.
//!
//! `cargo run --release --example one_call`

use codecbench::codec::{self, Request};
use codecbench::metric;
use codecbench::plan::Case;
use codecbench::units::Seed;
use codecbench::{Result, call, corpus};
use std::time::Duration;

fn main() -> Result<()> {
    let clip = corpus::clip("synth-voice-1")?.remove(0);
    let net = "delay 40ms 10ms loss 5%".parse()?;
    let case = Case {
        request: Request { fmtp: "useinbandfec=1".parse()?, ..Request::default() },
        // Loss reports need some seconds to reach the encoder; the clip is looped until then, and not scored.
        warm_up: Duration::from_secs(10),
        metrics: vec![metric::audio("pesq-wb")?, metric::audio("visqol-speech")?],
        ..Case::new(clip, codec::audio("opus")?, net, Seed(1))
    };
    let call = call::run(&case)?;

    println!("{} over {}", case.requested(), case.net);
    for id in ["pesq-wb", "visqol-speech", "mouth-to-ear-clock", "network-loss", "payload-bitrate"] {
        match (metric::scale(id), call.scores.values.get(id)) {
            (Some(scale), Some(value)) => println!("{:>8.2} {:<8} {}", value, scale.unit, scale.title),
            _ => println!("{id}: {}", call.scores.unscored.get(id).map_or("no figure", String::as_str)),
        }
    }
    // What was asked for, what the encoder was set to, and what was heard.
    println!("set to: {:?}", call.scores.effective);
    println!("heard: {:.1} s at {} Hz", call.degraded.duration().as_secs_f64(), call.degraded.format.sample_rate);
    Ok(())
}
