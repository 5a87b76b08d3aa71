//! `codecbench emodel`: the E-model as a calculator, and the fit of its codec factors to measured scores.

use super::output::{print, print_json, table};
use crate::error::{Error, Result};
use crate::metric::audio::emodel::{Inputs, PUBLISHED, Point, Published, Rating, fit, rate};
use crate::metric::equipment::{Band, Equipment};
use crate::store::Store;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Rate a connection by the E-model (G.107, G.107.1, G.107.2): R, MOS, and which impairment costs what.
///
/// What is not given stands at its default. Echo is taken as cancelled: --delay sets Ta alone; --set T=, --set Tr= and
/// --set TELR= add echo. R of different bands lie on one extended scale, their MOS do not: never compare those.
#[derive(Debug, clap::Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  codecbench emodel --codec 'G.711 with PLC' --delay 150 --loss 2
  codecbench emodel --band fb --ie 9 --bpl 11 --delay 200 --loss 3 --burst-ratio 1.5
  codecbench emodel --codecs
  codecbench emodel fit reports/demo --metric pesq-wb"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// The model: narrow-band, wide-band or full-band [default: the codec's, else nb]
    #[arg(long, value_enum)]
    band: Option<BandName>,
    /// A codec of the table of published Ie and Bpl (--codecs)
    #[arg(long, value_name = "NAME", conflicts_with_all = ["ie", "bpl"])]
    codec: Option<String>,
    /// Its bitrate in bit/s, where it has several
    #[arg(long, value_name = "BIT/S", requires = "codec")]
    bitrate: Option<u32>,
    /// Equipment impairment factor of the codec
    #[arg(long, value_name = "X")]
    ie: Option<f64>,
    /// Its packet-loss robustness
    #[arg(long, value_name = "X")]
    bpl: Option<f64>,
    /// Mouth-to-ear delay in ms (Ta)
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    delay: f64,
    /// Packet loss in percent, late packets included
    #[arg(long, value_name = "%", default_value_t = 0.0)]
    loss: f64,
    /// Burst ratio of the loss: 1 for random loss
    #[arg(long, value_name = "X", default_value_t = 1.0)]
    burst_ratio: f64,
    /// Any other input by its name in G.107, such as TELR=55; repeatable
    #[arg(long = "set", value_name = "NAME=VALUE")]
    inputs: Vec<String>,
    /// Print the table of published Ie and Bpl
    #[arg(long)]
    codecs: bool,
    /// One JSON object on stdout
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BandName {
    Nb,
    Wb,
    Fb,
}

#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Fit Ie and Bpl of each setting to the scores of a finished run
    Fit(FitArgs),
}

/// Fit Ie and Bpl of each setting to the scores of a finished run.
///
/// In the manner of ITU-T P.834: scores become ratings by the inverse of the E-model's MOS, and the loss curve is fitted by
/// least squares. The figures rest on an instrument, not on listeners, and hold for that material and repair alone: no
/// published values, and not to be called so.
#[derive(Debug, clap::Args)]
struct FitArgs {
    /// The folder that a run wrote
    #[arg(value_name = "DIR")]
    dir: PathBuf,
    /// The score to go by: pesq-nb (narrow-band), pesq-wb or pesq-wb-c2 (wide-band)
    #[arg(long, value_name = "ID", default_value = "pesq-wb")]
    metric: String,
    /// Print JSON instead of TOML
    #[arg(long)]
    json: bool,
}

/// Prints the rating, the table or the fits; the exit code.
///
/// # Errors
/// An input that is unknown or out of range, a codec without a published figure, or a folder without results.
pub fn run(args: &Args) -> Result<u8> {
    match &args.verb {
        Some(Verb::Fit(args)) => fitted(args)?,
        None if args.codecs => codecs(args.json)?,
        None => {
            let (band, inputs) = inputs(args)?;
            let rating = rate(band, &inputs);
            match args.json {
                true => {
                    print_json(&json!({ "schema": 1, "band": band, "model": band.recommendation(), "rating": rating }))?
                }
                false => print(&text(band, &rating))?,
            }
        }
    }
    Ok(0)
}

fn inputs(args: &Args) -> Result<(Band, Inputs)> {
    let given = args.band.map(|band| match band {
        BandName::Nb => Band::Nb,
        BandName::Wb => Band::Wb,
        BandName::Fb => Band::Fb,
    });
    let mut inputs = Inputs { ta: args.delay, ppl: args.loss, burst_r: args.burst_ratio, ..Inputs::default() };
    let mut band = given.unwrap_or(Band::Nb);
    if let Some(name) = &args.codec {
        let equipment = equipment(name, args.bitrate)?;
        if given.is_some_and(|given| given != equipment.band) {
            return Err(Error::usage(
                format!("--band: the figures of {name} are for {:?}", equipment.band).to_lowercase(),
            ));
        }
        band = equipment.band;
        inputs.ie = equipment.ie;
        match equipment.bpl {
            Some(bpl) => inputs.bpl = bpl,
            None if args.loss == 0.0 => {}
            None => return Err(Error::usage(format!("--codec: {name} has no published Bpl; give --ie and --bpl"))),
        }
    }
    inputs.ie = args.ie.unwrap_or(inputs.ie);
    match args.bpl {
        Some(bpl) => inputs.bpl = bpl,
        None if args.ie.is_some() && args.loss > 0.0 => return Err(Error::usage("--ie with --loss needs --bpl too")),
        None => {}
    }
    for pair in &args.inputs {
        let wrong = || Error::usage(format!("--set {pair}: say NAME=VALUE, with one of {}", Inputs::NAMES.join(", ")));
        let (name, value) = pair.split_once('=').ok_or_else(wrong)?;
        *inputs.by_name(name.trim()).ok_or_else(wrong)? = value.trim().parse().map_err(|_| wrong())?;
    }
    check(band, args, &inputs)?;
    Ok((band, inputs))
}

/// The ranges within which the formulas mean something.
fn check(band: Band, args: &Args, i: &Inputs) -> Result<()> {
    let within = |name: &str, value: f64, low: f64, high: f64| match (low..=high).contains(&value) {
        true => Ok(()),
        false => Err(Error::usage(format!("{name} must be within {low} and {high}, not {value}"))),
    };
    within("--delay (Ta)", i.ta, 0.0, 5000.0)?;
    within("--loss (Ppl)", i.ppl, 0.0, 100.0)?;
    within("--burst-ratio (BurstR)", i.burst_r, 0.01, 100.0)?;
    within("--ie (Ie)", i.ie, 0.0, 148.0)?;
    within("--bpl (Bpl)", i.bpl, 0.1, 1000.0)?;
    within("Qdu", i.qdu, 1.0, 100.0)?;
    within("T", i.t, 0.0, 5000.0)?;
    within("Tr", i.tr, 0.0, 5000.0)?;
    within("mT", i.mt, 1.0, 5000.0)?;
    within("sT", i.st, 0.1, 10.0)?;
    for (name, value) in [
        ("SLR", i.slr),
        ("RLR", i.rlr),
        ("STMR", i.stmr),
        ("LSTR", i.lstr),
        ("Ds", i.ds),
        ("TELR", i.telr),
        ("WEPL", i.wepl),
        ("Nc", i.nc),
        ("Nfor", i.nfor),
        ("Ps", i.ps),
        ("Pr", i.pr),
        ("A", i.a),
    ] {
        within(name, value, -200.0, 200.0)?;
    }
    let circuit = args.inputs.iter().filter_map(|pair| pair.split_once('=')).find(|(name, _)| {
        !["Ta", "Ie", "Bpl", "Ppl", "BurstR", "A", "sT", "mT"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name.trim()))
    });
    match (band, circuit) {
        (Band::Wb | Band::Fb, Some((name, _))) => {
            Err(Error::usage(format!("--set {name}: only the narrow-band model has it here; --band nb")))
        }
        _ => Ok(()),
    }
}

fn equipment(name: &str, bitrate: Option<u32>) -> Result<Equipment> {
    let rows: Vec<&Published> = PUBLISHED.iter().filter(|row| row.name.eq_ignore_ascii_case(name)).collect();
    let rates: Vec<String> = rows.iter().filter_map(|r| r.bitrate).map(|b| b.to_string()).collect();
    match rows.as_slice() {
        [] => {
            let mut names: Vec<&str> = PUBLISHED.iter().map(|row| row.name).collect();
            names.dedup();
            Err(Error::usage(format!("--codec {name}: no published Ie and Bpl; there are: {}", names.join(", "))))
        }
        [row] if bitrate.is_none() || row.bitrate == bitrate => Ok(row.equipment),
        rows => rows
            .iter()
            .find(|row| bitrate.is_some() && row.bitrate == bitrate)
            .map(|row| row.equipment)
            .ok_or_else(|| Error::usage(format!("--bitrate: {name} has figures for {}", rates.join(", ")))),
    }
}

fn text(band: Band, rating: &Rating) -> String {
    let line = |points: f64, what: String| vec![format!("{points:.2}"), what];
    let mut rows = vec![vec!["points".into(), "of".into()], line(rating.ro, "Ro, before any impairment".into())];
    rows.extend(rating.impairments.iter().map(|i| line(-i.points + 0.0, format!("{}, {}", i.id, i.title))));
    rows.push(line(rating.r, "R".into()));
    format!("{}\nMOS {:.3} ({})\n", table(&rows).trim_end(), rating.mos, band.recommendation())
}

fn codecs(as_json: bool) -> Result<()> {
    if as_json {
        return print_json(&json!({ "schema": 1, "codecs": PUBLISHED }));
    }
    let row = |p: &Published| {
        let number = |value: Option<f64>| value.map_or("none".into(), |v| v.to_string());
        vec![
            p.name.into(),
            p.bitrate.map_or(String::new(), |b| b.to_string()),
            format!("{:?}", p.equipment.band).to_lowercase(),
            p.equipment.ie.to_string(),
            number(p.equipment.bpl),
            p.source.into(),
        ]
    };
    let head = ["codec", "bit/s", "band", "Ie", "Bpl", "source"].map(String::from).to_vec();
    print(&table(&std::iter::once(head).chain(PUBLISHED.iter().map(row)).collect::<Vec<_>>()))
}

fn fitted(args: &FitArgs) -> Result<()> {
    let band = match args.metric.as_str() {
        "pesq-nb" => Band::Nb,
        "pesq-wb" | "pesq-wb-c2" => Band::Wb,
        other => return Err(Error::usage(format!("--metric {other}: a fit goes by pesq-nb, pesq-wb or pesq-wb-c2"))),
    };
    let mut settings: BTreeMap<String, (String, Vec<Point>)> = BTreeMap::new();
    for outcome in Store::open(&args.dir)?.outcomes() {
        let outcome = outcome?;
        let Ok(scores) = &outcome.result else { continue };
        let value = |id: &str| scores.values.get(id).copied();
        let (Some(mos), Some(ppl)) = (value(&args.metric), value("effective-loss")) else { continue };
        let point = Point { ppl, burst_r: value("burst-ratio").unwrap_or(1.0), mos };
        settings.entry(outcome.label).or_insert_with(|| (outcome.requested, Vec::new())).1.push(point);
    }
    if settings.is_empty() {
        return Err(Error::input(&args.dir, format!("no case in it has {} and effective-loss", args.metric)));
    }
    eprintln!(
        "note: fitted to {} of {}: an instrument's scores, not listeners'; no published values",
        args.metric,
        args.dir.display()
    );
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let entry = |(label, (requested, points)): (&String, &(String, Vec<Point>))| {
        let most = points.iter().map(|p| p.ppl).fold(0.0, f64::max);
        fit(band, points).map(|f| {
            json!({
                "label": label, "requested": requested, "band": band, "ie": rounded(f.ie), "bpl": f.bpl.map(rounded),
                "rmse": rounded(f.rmse), "cases": points.len(), "most_loss": rounded(most), "metric": args.metric,
            })
        })
    };
    let alike: Vec<&str> =
        settings.iter().filter(|(_, (_, p))| fit(band, p).is_none()).map(|(label, _)| label.as_str()).collect();
    if alike.len() == settings.len() {
        let reason = "all cases of a setting have about the same loss; a fit needs several, best from 0 % on";
        return Err(Error::input(&args.dir, reason));
    }
    alike.iter().for_each(|label| eprintln!("note: {label}: not fitted, its cases have about the same loss"));
    let fits: Vec<serde_json::Value> = settings.iter().filter_map(entry).collect();
    if args.json {
        return print_json(&json!({ "schema": 1, "fits": fits }));
    }
    let mut out = String::from("# Fitted by codecbench to an instrument's scores, not published by the ITU.\n");
    for fit in &fits {
        out += "\n[[fit]]\n";
        for key in ["label", "requested", "metric", "band", "ie", "bpl", "rmse", "cases", "most_loss"] {
            // JSON's strings and numbers are TOML's too; what is null is left out.
            if !fit[key].is_null() {
                out += &format!("{key} = {}\n", fit[key]);
            }
        }
    }
    print(&out)
}
