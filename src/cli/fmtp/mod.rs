//! `codecbench fmtp`: what do these lines do to a call? Settings side by side, paired differences, and a verdict.

mod video;
mod words;

use super::execute::{execute, list, warn};
use super::output::{print, print_json};
use super::{clips, names, until};
use crate::codec::{self, Request};
use crate::error::{Error, Result};
use crate::experiment::{How, Keep, Of, Run, description, sweep};
use crate::media::{Clip, Pcm, Picture};
use crate::metric::Metric;
use crate::net::spec::NetSpec;
use crate::peer::Transport;
use crate::plan::{Plan, Setting};
use crate::playout::audio::Receiver;
use crate::report::figure::{figure, signed};
use crate::report::{Compare, Comparison, View, answer, basis, table};
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::stats::{Summary, Verdict};
use crate::units::{Bitrate, Seed, from_ms};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Lines of the receiver's description, as they stand in an SDP; with or without 'a=fmtp:111'
    ///
    /// A value in braces is swept: 'maxaveragebitrate={12000,20000};usedtx={0,1}'. Names that end with .sdp are files: an
    /// offer, or an offer and its answer
    #[arg(value_name = "LINE|FILE.sdp", required_unless_present = "offer")]
    lines: Vec<String>,
    /// A session description that offers; every section of it is shown, its audio is measured
    #[arg(long, value_name = "FILE", conflicts_with = "lines")]
    offer: Option<PathBuf>,
    /// The session description that answers the offer
    #[arg(long, value_name = "FILE", requires = "offer")]
    answer: Option<PathBuf>,
    /// The codec whose lines they are
    #[arg(long, value_name = "NAME", default_value = "opus", value_parser = names::codecs(), hide_possible_values = true)]
    codec: String,
    /// The network between sender and receiver; repeatable, there is a verdict for each
    #[arg(long, value_name = "SPEC", default_value = "clean", value_parser = names::networks(), hide_possible_values = true)]
    net: Vec<String>,
    /// Clip id, set, file or glob; repeatable [default: speech, or six camera clips]
    #[arg(long, value_name = "ID|FILE", value_parser = names::clips(), hide_possible_values = true)]
    clip: Vec<String>,
    #[command(flatten)]
    clips: clips::Args,
    /// Calls per clip and line, each with other chance
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    seeds: u32,
    /// Metric id; repeatable [default: PESQ, ViSQOL speech, SI-SDR and delay; of video PSNR, SSIM, VMAF and VMAF NEG]
    #[arg(long, value_name = "ID", value_parser = names::metrics(), hide_possible_values = true)]
    metric: Vec<String>,
    /// 'fixed:60ms', 'adaptive' or 'adaptive:min=40ms,max=500ms' [default: fixed:60ms; of video adaptive]
    #[arg(long)]
    receiver: Option<Receiver>,
    /// What both sides do against loss, for every line: 'nack', 'red:1', 'red:2', 'flexfec:5', 'dred:500ms', 'deep-plc',
    /// 'gcc', or several of them [default: none; of video nack, as browsers have it]
    #[arg(long, value_name = "WORDS")]
    repair: Option<String>,
    /// Target bitrate of every line in bit/s [default: the codec's own]
    #[arg(long, value_name = "BIT/S", value_parser = clap::value_parser!(u32).range(1..=50_000_000))]
    bitrate: Option<u32>,
    /// Seconds of call before the part that is scored: in-band FEC needs them to engage [default: 30; of video 5]
    #[arg(long, value_name = "SECONDS", allow_negative_numbers = true)]
    warm_up: Option<f64>,
    /// Refuse values that are out of range instead of doing what libwebrtc does with them
    #[arg(long)]
    strict: bool,
    /// Folder of results and report
    #[arg(long, value_name = "DIR", default_value = "reports/fmtp")]
    out: PathBuf,
    /// Print the cases, tab-separated, and run nothing
    #[arg(long, conflicts_with = "json")]
    list: bool,
    /// Cases at a time [default: one per core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    jobs: Option<u16>,
    #[command(flatten)]
    until: until::Args,
    /// Keep what was heard or seen, as WAV or Y4M files below DIR/media
    #[arg(long)]
    keep_media: bool,
    /// One JSON object on stdout (docs/formats.md)
    #[arg(long)]
    json: bool,
}

const EXAMPLES: &str = "\
A fmtp line stands in the receiver's description and steers the other side's encoder; 'sprop-*'
parameters are the sender's own statement and steer nothing. Lines are labelled A, B, C in the
order given, swept ones by their values too. Up to four settings are compared each with each,
more of them each with the first.

Examples:
  codecbench fmtp 'useinbandfec=1' 'useinbandfec=0' --net 'delay 40ms 10ms loss 5%'
  codecbench fmtp 'a=fmtp:111 minptime=10;useinbandfec=1' 'usedtx=1' --clip call.wav --seeds 10
  codecbench fmtp 'useinbandfec=1' 'useinbandfec=0' --net 'loss 1%' --net 'loss 20%' --net wifi
  codecbench fmtp 'usedtx=1' 'usedtx=0' --json | jq .verdicts
  codecbench fmtp 'maxaveragebitrate={12000,20000,32000};ptime={20,60}' --until 0.05
  codecbench fmtp --codec H264 'profile-level-id=42e01f' 'profile-level-id=640c1f'
  codecbench fmtp --offer offer.sdp --answer answer.sdp --net 'loss 5%'";

pub fn run(args: &Args) -> Result<u8> {
    if codec::VIDEO.iter().any(|c| c.name.eq_ignore_ascii_case(&args.codec)) {
        if args.offer.is_some() || args.lines.iter().any(|line| line.ends_with(".sdp")) {
            return Err(Error::usage(
                "of session descriptions the audio is measured; give the fmtp lines of a video codec",
            ));
        }
        return compare::<Picture>(args, "nack", "", lines::<Picture>(args)?);
    }
    let (described, settings) = settings(args)?;
    compare::<Pcm>(args, "none", &described, settings)
}

fn compare<M: Run>(args: &Args, repair: &str, described: &str, settings: Vec<Setting<M>>) -> Result<u8> {
    let mut plan = plan(args, repair, settings)?;
    if args.list {
        return list(&plan);
    }
    warn(&plan, "line ", args.strict)?;
    let how = How {
        jobs: args.jobs.map_or(How::default().jobs, usize::from),
        keep: Keep { media: args.keep_media, ..Keep::default() },
        until: args.until.target(Of::Differences),
    };
    let (view, code) = execute(&mut plan, &args.out, &how, Compare::WithFirst)?;
    let Some(view) = view else { return Ok(code) };
    if args.json {
        print_json(&to_json(&view))?;
    } else {
        print(described)?;
        let two_ways = args.answer.is_some() || (!described.is_empty() && args.lines.len() == 2);
        let lines = plan.settings.iter().map(|s| (s.label.as_str(), &s.request.fmtp)).collect();
        print(&text(&view, &lines, two_ways))?;
        print(&format!("report: {}\n", args.out.join("report.html").display()))?;
    }
    Ok(code)
}

fn plan<M: Run>(args: &Args, repair: &str, mut settings: Vec<Setting<M>>) -> Result<Plan<M>> {
    let networks = networks(&args.net)?;
    let warm_up = match args.warm_up {
        None => M::WARM_UP,
        Some(seconds) if (0.0..=3600.0).contains(&seconds) => from_ms(seconds * 1000.0),
        Some(seconds) => return Err(Error::usage(format!("--warm-up must be 0 to 3600 s, not {seconds}"))),
    };
    // Words before files: a wrong one is told at once, and alone.
    let repair = args.repair.as_deref().unwrap_or(repair);
    let repair: Repair = repair.parse().map_err(|e| Error::usage(format!("--repair: {e}")))?;
    for setting in &mut settings {
        setting.request.repair = repair;
        setting.request.bitrate = args.bitrate.map(Bitrate);
    }
    let metrics = metrics::<M>(&args.metric)?;
    Ok(Plan {
        name: "fmtp".into(),
        clips: clips_of::<M>(args)?,
        settings,
        receivers: vec![args.receiver.unwrap_or(M::receiver())],
        networks,
        seeds: (1..=u64::from(args.seeds)).map(Seed).collect(),
        warm_up,
        metrics,
        transport: Transport::Virtual,
        left_out: Vec::new(),
    })
}

/// The settings of fmtp lines.
fn lines<M: Run>(args: &Args) -> Result<Vec<Setting<M>>> {
    let codec = M::codec(&args.codec)?;
    let setting = |(label, fmtp)| Setting::new(label, codec, Request { fmtp, ..Request::default() });
    Ok(sweep::unfold(&args.lines)?.into_iter().map(setting).collect())
}

/// The settings of audio, and what the session descriptions say, if there are any.
fn settings(args: &Args) -> Result<(String, Vec<Setting>)> {
    let files: Vec<&Path> =
        args.lines.iter().map(Path::new).filter(|p| p.extension().is_some_and(|e| e == "sdp")).collect();
    let (offer, answer) = match (&args.offer, files.as_slice()) {
        (Some(offer), _) => (offer.as_path(), args.answer.as_deref()),
        (None, []) => return Ok((String::new(), lines(args)?)),
        (None, [offer]) if args.lines.len() == 1 => (*offer, None),
        (None, [offer, answer]) if args.lines.len() == 2 => (*offer, Some(*answer)),
        _ => return Err(Error::usage("give fmtp lines, or an .sdp file that offers and perhaps one that answers")),
    };
    let found = description::read(offer, answer)?;
    Ok((found.text + "\n", found.settings))
}

/// Each once.
fn clips_of<M: Run>(args: &Args) -> Result<Vec<Arc<Clip<M>>>> {
    let library = args.clips.library();
    let named: Vec<&str> =
        if args.clip.is_empty() { M::CLIPS.to_vec() } else { args.clip.iter().map(String::as_str).collect() };
    let mut clips: Vec<Arc<Clip<M>>> = Vec::new();
    for name in named {
        for clip in M::clips(&library, name)? {
            if !clips.iter().any(|c| c.id == clip.id) {
                clips.push(clip);
            }
        }
    }
    Ok(clips)
}

fn metrics<M: Run>(ids: &[String]) -> Result<Vec<&'static Metric<M>>> {
    if ids.is_empty() {
        return Ok(M::usual().to_vec());
    }
    ids.iter().map(|id| M::metric(id)).collect()
}

/// One given twice counts once, however it is written.
fn networks(words: &[String]) -> Result<Vec<NetSpec>> {
    let mut networks: Vec<NetSpec> = Vec::new();
    for word in words {
        let net: NetSpec = word.parse().map_err(|e| Error::usage(format!("--net: {e}")))?;
        if !networks.iter().any(|n| n.to_string() == net.to_string()) {
            networks.push(net);
        }
    }
    Ok(networks)
}

/// The whole answer for a terminal.
fn text(view: &View, lines: &BTreeMap<&str, &Fmtp>, two_ways: bool) -> String {
    let mut out = basis::artificial(view).map_or(String::new(), |sentence| sentence + "\n\n");
    let loss = |c: &usize| view.conditions[*c].loss;
    let hardest = (0..view.conditions.len()).rev().max_by(|a, b| loss(a).total_cmp(&loss(b))).unwrap_or(0);
    let several = view.conditions.iter().any(|c| c.net != view.conditions[hardest].net);
    let cell = |row: &table::Row, column: usize| row.cells.get(column).map_or(String::new(), |c| c.main.clone());
    for (s, (setting, row)) in view.settings.iter().zip(&table::settings(view).rows).enumerate() {
        out += &format!("{}  {}\n   {}\n", setting.label, setting.requested, setting.codec_version);
        out += &format!("   effective  {}\n   observed   {}\n", cell(row, 3), cell(row, 4));
        for change in &setting.changes {
            let kind = format!("{:?}", change.kind).to_lowercase();
            let becomes = if kind == change.effective { kind } else { format!("{kind}: {}", change.effective) };
            out += &format!("   {}  {becomes}: {}\n", change.requested, change.reason);
        }
        // Of the hardest network, where there is most to tell; kinds of material seldom differ in this.
        let cell = view.cells.get(&(s, hardest));
        let line = lines.get(setting.label.as_str());
        if let (Some(cell), Some(line)) = (cell, line) {
            if several {
                out += &format!("   over {}:\n", view.conditions[hardest].net);
            }
            for sentence in words::explain(line, setting, &cell.observed, words::Facts::of(view, s, hardest)) {
                out += &format!("   {sentence}\n");
            }
        }
    }
    for a in answer::answers(view).iter().filter(|_| several) {
        out += &format!("\nOver loss: {} ({})\n", a.heading, a.table.title);
        a.verdicts.iter().chain(&a.reasons).for_each(|line| out += &format!("  {line}\n"));
    }
    for condition in 0..view.conditions.len() {
        out += &format!("\n{}", table::side_by_side(view, condition).text());
    }
    if view.failed > 0 {
        out += &format!("\n{}", table::failures(view).text());
    }
    if view.settings.len() > 1 {
        out += &format!("\nVerdict\n{}", verdicts(view));
        // Of the two directions of one call nobody can choose one.
        if !two_ways {
            for (c, condition) in view.conditions.iter().enumerate() {
                out += &format!("{} ({})\n", words::recommend(view, c), condition.name);
            }
        }
    }
    out
}

/// For each pair and condition what differs, what does not and what is open: "-0.31 MOS-LQO PESQ [-0.36, -0.27] (worse)".
fn verdicts(view: &View) -> String {
    let mut out = String::new();
    let mut pairs: BTreeMap<(usize, usize, usize), Vec<&Comparison>> = BTreeMap::new();
    for c in &view.comparisons {
        pairs.entry((c.condition, c.b, c.a)).or_default().push(c);
    }
    for ((condition, b, a), comparisons) in pairs {
        let of = |keep: fn(&Verdict) -> bool| comparisons.iter().filter(move |c| keep(&c.judged.verdict));
        let differ = of(Verdict::differs);
        // With what it could have missed.
        let quiet = |c: &&Comparison| {
            let found_from = table::found_from(view, c).map_or(String::new(), |f| format!(" ({f})"));
            view.measures[c.measure].title.clone() + &found_from
        };
        let same: Vec<String> = of(|v| matches!(v, Verdict::Same | Verdict::Negligible)).map(quiet).collect();
        let open: Vec<String> = of(|v| matches!(v, Verdict::Undecided(_))).map(quiet).collect();
        let few = comparisons.iter().find_map(|c| match c.judged.verdict {
            Verdict::TooFew { clips } => Some(format!("{clips} clips are too few for a verdict, six are needed")),
            _ => None,
        });
        let mut parts: Vec<String> = differ.map(|c| difference(view, c)).collect();
        let list = |lead: &str, names: Vec<String>| (!names.is_empty()).then(|| format!("{lead} {}", names.join(", ")));
        parts.extend(list("no measurable difference in", same));
        parts.extend(list("not decided, more clips or seeds are needed:", open));
        parts.extend(few);
        let (a, b) = (&view.settings[a].label, &view.settings[b].label);
        let condition = &view.conditions[condition].name;
        out += &format!("{b} against {a} ({condition}):\n  {}\n", parts.join("\n  "));
    }
    out
}

/// "-1.23 MOS-LQO PESQ wide-band [-1.31, -1.14] (worse)"; bitrates in percent.
fn difference(view: &View, c: &Comparison) -> String {
    let measure = &view.measures[c.measure];
    let Summary { mean, interval, .. } = c.paired.difference;
    let before = view.summary(c.a, c.condition, c.measure).map_or(0.0, |s| s.mean);
    let (scale, unit) = match measure.unit.as_str() {
        "kbit/s" if before > 0.0 => (100.0 / before, "%"),
        unit => (1.0, unit),
    };
    let interval = interval
        .map_or(String::new(), |i| format!(" [{}, {}]", figure(i.low * scale, unit), figure(i.high * scale, unit)));
    format!("{} {}{interval} ({})", signed(mean * scale, unit), measure.title, c.judged.verdict.short())
}

/// The documented object (docs/formats.md).
fn to_json(view: &View) -> Value {
    let bounds = |s: &Summary| match s.interval {
        Some(i) => json!({ "mean": s.mean, "low": i.low, "high": i.high, "n": s.n }),
        // One clip has no interval: its mean stands for both ends, and n says so.
        None => json!({ "mean": s.mean, "low": s.mean, "high": s.mean, "n": s.n }),
    };
    // Speech, music and signals are never averaged: a setting stands there once for each.
    let setting = |(condition, s): (usize, usize)| {
        let setting = &view.settings[s];
        let cell = view.cells.get(&(s, condition));
        let metrics: serde_json::Map<String, Value> = cell
            .into_iter()
            .flat_map(|cell| &cell.summaries)
            .map(|(m, summary)| (view.measures[*m].id.clone(), bounds(summary)))
            .collect();
        let seen = cell.map(|c| &c.observed);
        json!({
            "label": setting.label,
            "condition": view.conditions[condition].name,
            "codec": setting.codec,
            "requested": setting.requested,
            "effective": setting.effective.iter().map(|(k, v)| (k.clone(), json!(v.join(", ")))).collect::<serde_json::Map<_, _>>(),
            "changes": setting.changes,
            "observed": seen.map(|seen| json!({
                "frame_ms": seen.frame_ms, "channels": seen.channels, "bandwidths": seen.bandwidths, "modes": seen.modes,
                "fec_share": seen.fec, "dtx_share": seen.dtx,
            })),
            "metrics": metrics,
        })
    };
    let verdict = |v: &Comparison| {
        let measure = &view.measures[v.measure];
        let d = bounds(&v.paired.difference);
        json!({
            "metric": measure.id, "unit": measure.unit, "condition": view.conditions[v.condition].name,
            "a": view.settings[v.a].label, "b": view.settings[v.b].label,
            "difference": d["mean"], "low": d["low"], "high": d["high"], "n": d["n"], "p_value": v.paired.p_value,
            "p_adjusted": v.judged.p_adjusted, "p_sign_flip": v.paired.sign_flip, "detectable": v.judged.detectable,
            "verdict": v.judged.verdict.to_string(),
        })
    };
    let mut nets: Vec<&str> = view.conditions.iter().map(|c| c.net.as_str()).collect();
    nets.dedup();
    let places = (0..view.conditions.len()).flat_map(|c| (0..view.settings.len()).map(move |s| (c, s)));
    json!({
        "schema": 1,
        "net": nets.join("; "),
        "settings": places.map(setting).collect::<Vec<_>>(),
        "verdicts": view.comparisons.iter().map(verdict).collect::<Vec<_>>(),
        "failed": view.failed,
    })
}
