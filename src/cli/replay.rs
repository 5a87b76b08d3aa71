//! `codecbench replay`: a recorded call's packets into our receiver.

use super::output::{print, print_json, table};
use crate::codec::Request;
use crate::error::{Error, Result};
use crate::media::wav;
use crate::playout::audio::{Counters, Played, Receiver};
use crate::replay;
use crate::sdp::fmtp::Fmtp;
use crate::units::from_ms;
use serde_json::json;
use std::path::PathBuf;

/// Play a recorded call's very packets with a receiver of ours.
///
/// What it prints is what a browser's getStats counts of its receiver (inbound-rtp of W3C webrtc-stats), so both can be
/// compared without any chance in between. The recording is a table: docs/receivers.md describes it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  codecbench replay call.csv.gz\n  \
                        codecbench replay call.csv.gz --receiver fixed:60ms --out heard.wav\n  \
                        codecbench replay call.csv.gz --phase 4 --from 5 --to 40 --json")]
pub struct Args {
    /// The recording: a CSV file, also in gzip
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The receiver
    #[arg(long, value_name = "RECEIVER", default_value = "adaptive")]
    receiver: Receiver,
    /// The receiver's fmtp line of Opus (stereo=1: it decodes two channels)
    #[arg(long, value_name = "FMTP", default_value = "")]
    fmtp: Fmtp,
    /// When its sound card makes its first pull, in ms (0 to 10)
    #[arg(long, value_name = "MS", default_value_t = 0.0, value_parser = phase)]
    phase: f64,
    /// Count from that second of playing on
    #[arg(long, value_name = "S", default_value_t = 0.0)]
    from: f64,
    /// Count up to that second [default: to the end]
    #[arg(long, value_name = "S", default_value_t = f64::INFINITY, hide_default_value = true)]
    to: f64,
    /// Write what was heard to this WAV file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object instead of a table
    #[arg(long)]
    json: bool,
}

fn phase(text: &str) -> std::result::Result<f64, String> {
    let phase = text.parse().ok().filter(|phase| (0.0..10.0).contains(phase));
    phase.ok_or_else(|| "say a number of ms from 0 to below 10".into())
}

/// Prints what was counted; the exit code.
///
/// # Errors
/// The recording cannot be read, or the WAV file cannot be written.
pub fn run(args: &Args) -> Result<u8> {
    let packets = replay::read(&args.file)?;
    let request = Request { fmtp: args.fmtp.clone(), ..Request::default() };
    let played = replay::play(&packets, &request, args.receiver, from_ms(args.phase))?;
    if let Some(out) = &args.out {
        wav::write(out, &played.heard)?;
    }
    let end = played.ticks.last().map_or(0.0, |tick| tick.at.as_ms() / 1000.0);
    if args.from >= args.to.min(end) {
        return Err(Error::usage(format!(
            "--from {} --to {}: nothing is played then; it ends at {end:.1} s",
            args.from, args.to
        )));
    }
    let rows = counted(&played, args.from, args.to);
    if args.json {
        let start = played.ticks.first().map_or(0.0, |tick| tick.at.as_ms());
        let values: serde_json::Map<_, _> =
            rows.iter().map(|(name, _, value)| (name.to_string(), json!(value))).collect();
        print_json(&json!({ "first_pull_ms": start, "counted": values }))?;
    } else {
        let head = ["", "value", "unit"].map(str::to_owned).to_vec();
        let body =
            rows.iter().map(|(name, unit, value)| vec![name.to_string(), format!("{value:.1}"), unit.to_string()]);
        print(&table(&std::iter::once(head).chain(body).collect::<Vec<_>>()))?;
    }
    Ok(0)
}

/// Name, unit and value of what was counted between these seconds.
fn counted(played: &Played, from_s: f64, to_s: f64) -> Vec<(&'static str, &'static str, f64)> {
    let until = |second: f64| {
        let tick = played.ticks.iter().rfind(|tick| tick.at.as_ms() < 1000.0 * second);
        tick.map(|tick| tick.counters).unwrap_or_default()
    };
    let (before, after) = (until(from_s), until(to_s));
    let gained = |count: fn(&Counters) -> u64| (count(&after) - count(&before)) as f64;
    let per_ms = f64::from(played.heard.format.sample_rate) / 1000.0;
    let emitted = gained(|c| c.jitter_buffer_emitted_count).max(1.0);
    vec![
        ("target delay", "ms", gained(|c| c.jitter_buffer_target_delay) / emitted),
        ("minimum delay", "ms", gained(|c| c.jitter_buffer_minimum_delay) / emitted),
        ("buffer delay", "ms", gained(|c| c.jitter_buffer_delay) / emitted),
        ("concealed", "ms", gained(|c| c.concealed_samples) / per_ms),
        ("silently concealed", "ms", gained(|c| c.silent_concealed_samples) / per_ms),
        ("concealment events", "", gained(|c| c.concealment_events)),
        ("inserted", "ms", gained(|c| c.inserted_samples_for_deceleration) / per_ms),
        ("removed", "ms", gained(|c| c.removed_samples_for_acceleration) / per_ms),
        ("FEC packets received", "", gained(|c| c.fec_packets_received)),
        ("packets discarded", "", gained(|c| c.packets_discarded)),
    ]
}
