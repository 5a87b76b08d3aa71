//! The command line: one file per verb. Progress and tables live here and nowhere else; stdout is data, stderr is for
//! people.

mod card;
mod clips;
pub mod corpora;
pub mod delay;
pub mod emodel;
mod execute;
pub mod fmtp;
pub mod list;
pub mod man;
mod names;
pub mod net;
mod output;
mod progress;
mod replay;
pub mod report;
pub mod run;
pub mod score;
pub mod selftest;
mod signals;
mod until;
mod version;

use crate::error::Result;
use clap::{CommandFactory, Parser, Subcommand};
use output::print;

/// Measures what a codec setting costs and sounds like after a real WebRTC call: bits, delay and quality, with error bars.
#[derive(Debug, Parser)]
#[command(version, long_version = version::long(), max_term_width = 110, arg_required_else_help = true, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  codecbench run                                   the demo plan: charts and tables in reports/demo
  codecbench fmtp 'useinbandfec=1' 'useinbandfec=0' --net 'delay 40ms 10ms loss 5%' --seeds 10
  codecbench score reference.wav degraded.wav --metric pesq-wb
  codecbench delay opus G722
  codecbench net 'delay 40ms loss 5% burst 3'      what that does to voice packets
  codecbench list codecs opus                      all that is known of one

Exit codes: 0 done, 1 a case or a score failed, 2 wrong usage or input, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a plan: clips x settings x networks x seeds, to charts, tables and a report
    Run(run::Args),
    /// Compare fmtp lines: settings side by side, paired differences, a verdict
    Fmtp(fmtp::Args),
    /// Score a degraded file against its reference
    Score(score::Args),
    /// Check this build against committed values and reference vectors
    Selftest(selftest::Args),
    /// Measure the algorithmic delay of codecs
    Delay(delay::Args),
    /// Play a recorded call's packets with a receiver of ours
    Replay(replay::Args),
    /// What a network does to voice packets: loss, bursts, delay, order
    Net(net::Args),
    /// Rate a connection by the E-model, or fit its codec factors to a finished run
    Emodel(emodel::Args),
    /// List codecs, metrics, clips or networks
    List(list::Args),
    /// Write the report of finished runs again
    Report(report::Args),
    /// List, fetch or verify the corpora
    Corpora(corpora::Args),
    /// Print shell completions, of names of codecs, metrics, networks, clips and plans too
    Completions { shell: clap_complete::Shell },
    /// Print the manual page, or write a page per verb
    Man(man::Args),
}

/// Runs the program; the exit code.
pub fn main() -> u8 {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => {
            // Help goes to stdout and is no error; clap's own texts are already for people.
            let _ = e.print();
            return if e.use_stderr() { 2 } else { 0 };
        }
    };
    match cli.verb.run() {
        Ok(code) => code,
        Err(e) => {
            eprintln!("codecbench: {e}");
            e.exit_code()
        }
    }
}

impl Verb {
    fn run(&self) -> Result<u8> {
        match self {
            Verb::Run(args) => run::run(args),
            Verb::Fmtp(args) => fmtp::run(args),
            Verb::Score(args) => score::run(args),
            Verb::Selftest(args) => selftest::run(args),
            Verb::Delay(args) => delay::run(args),
            Verb::Replay(args) => replay::run(args),
            Verb::Net(args) => net::run(args),
            Verb::Emodel(args) => emodel::run(args),
            Verb::List(args) => list::run(args),
            Verb::Report(args) => report::run(args),
            Verb::Corpora(args) => corpora::run(args),
            Verb::Completions { shell } => {
                let mut completions = Vec::new();
                clap_complete::generate(*shell, &mut Cli::command(), "codecbench", &mut completions);
                print(&String::from_utf8_lossy(&completions)).map(|()| 0)
            }
            Verb::Man(args) => man::run(args, Cli::command()).map(|()| 0),
        }
    }
}
