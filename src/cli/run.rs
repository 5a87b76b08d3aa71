//! `codecbench run`: a plan, to a folder of results.

use super::execute::{execute, list, warn};
use super::output::print;
use super::{clips, names, until};
use crate::error::Result;
use crate::experiment::{How, Keep, Of, Run};
use crate::peer::Transport;
use crate::plan::file::Library;
use crate::plan::{AnyPlan, Plan, SHIPPED};
use crate::report::{self, Compare};
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = examples())]
pub struct Args {
    /// A plan file (TOML), or a plan that comes with the program, by its name
    #[arg(value_name = "PLAN", default_value = "demo", value_parser = names::plans(), hide_possible_values = true)]
    plan: PathBuf,
    /// Clip id, set, file or glob, in place of the plan's clips; repeatable
    #[arg(long, value_name = "ID|FILE", value_parser = names::clips(), hide_possible_values = true)]
    clip: Vec<String>,
    #[command(flatten)]
    clips: clips::Args,
    /// Folder of the results [default: reports/ and the plan's name]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Cases at a time [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    /// Count the plan's seeds from N on
    #[arg(long, value_name = "N")]
    seed: Option<u32>,
    /// Print the cases, tab-separated, and run nothing
    #[arg(long)]
    list: bool,
    /// Keep what was heard in each case, as WAV files below DIR/media
    #[arg(long)]
    keep_media: bool,
    /// Call over UDP sockets of this machine in real time, not in virtual time; to reports/ and the plan's name with -live
    #[arg(long)]
    live: bool,
    /// Keep the packets of each case, as pcapng files for Wireshark below DIR/captures
    #[arg(long, conflicts_with = "live")]
    pcap: bool,
    #[command(flatten)]
    until: until::Args,
}

fn examples() -> String {
    let plans = SHIPPED.iter().map(|plan| format!("  {:<16}  {}\n", plan.name, plan.about));
    format!("Plans that come with the program:\n{}\n{EXAMPLES}", plans.collect::<String>())
}

const EXAMPLES: &str = "\
Examples:
  codecbench run                           the demo plan, to reports/demo
  codecbench run quality                   another of those, to reports/quality
  codecbench run my.toml                   a plan of your own
  codecbench run my.toml --list | wc -l    how many cases that would be
  codecbench run my.toml --seed 100        the same plan with other chance
  codecbench run my.toml --until 0.05      more seeds, until its first metric is known to ±0.05
  codecbench run my.toml --live --jobs 8   the same calls over sockets, eight at a time

A live call takes as long as its warm-up and its clip. Every media packet meets what it meets in
virtual time, but when it arrives depends on the machine: no two live runs are equal to the byte,
and their results are never mixed with others.

A run that was stopped goes on where it was; a finished one computes nothing again. A case that
failed is a result like any other and is not tried again; the exit code is then 1.";

pub fn run(args: &Args) -> Result<u8> {
    let library = args.clips.library();
    // Where clips are named, they stand for whatever name the plan has.
    let audio = |name: &str| clips::in_place_of(name, &args.clip, library.audio);
    let video = |name: &str| clips::in_place_of(name, &args.clip, library.video);
    match AnyPlan::find(&args.plan, &Library { audio: &audio, video: &video })? {
        AnyPlan::Audio(plan) => run_plan(args, plan),
        AnyPlan::Video(plan) => run_plan(args, plan),
    }
}

fn run_plan<M: Run>(args: &Args, mut plan: Plan<M>) -> Result<u8> {
    if let Some(base) = args.seed {
        plan = plan.with_base_seed(base.into());
    }
    if args.live {
        plan.transport = Transport::Live;
        plan.name += "-live";
    }
    if args.list {
        return list(&plan);
    }
    warn(&plan, "", false)?;
    let folder = args.out.clone().unwrap_or_else(|| Path::new("reports").join(&plan.name));
    let how = How {
        jobs: args.jobs.map_or(How::default().jobs, usize::from),
        keep: Keep { media: args.keep_media, packets: args.pcap },
        until: args.until.target(Of::Means),
    };
    let (view, code) = execute(&mut plan, &folder, &how, Compare::FewOnly)?;
    if let Some(view) = view {
        print(&(report::opening(&view).join("\n") + "\n"))?;
        print(&format!("report: {}\n", folder.join("report.html").display()))?;
    }
    Ok(code)
}
