//! Plan files: TOML to a plan. Every error is one line that names the file, the line and the key.

mod program;
mod settings;
mod source;
mod values;

pub use super::kind::{Clips, Kind, Library};

use self::settings::{named, settings};
use self::source::{Source, Table, Value};
use self::values::{distinct, duration, metrics};
use super::shipped::{SHIPPED, shipped};
use super::{AnyPlan, Plan};
use crate::codec;
use crate::error::{Error, Result, unknown};
use crate::media::{Clip, Pcm, Picture};
use crate::peer::Transport;
use crate::playout::audio::Receiver;
use crate::units::Seed;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const KEYS: &[&str] = &["name", "clips", "seeds", "warm_up", "receiver", "networks", "metrics", "settings"];

impl AnyPlan {
    /// The plan of [`SHIPPED`] that has this name, else the plan file at this path; `video` is one of those, `./video` a file.
    ///
    /// # Errors
    /// As [`AnyPlan::read`]; [`Error::Usage`] with the nearest name for a word that is neither a name nor a file.
    pub fn find(name: &Path, library: &Library<'_>) -> Result<AnyPlan> {
        let word = name.to_str().unwrap_or_default();
        if let Some(plan) = shipped(word) {
            return parse(plan.text, &format!("plans/{}.toml", plan.name), plan.name, library);
        }
        if !name.exists() && name.extension().is_none() && name.components().count() == 1 {
            return Err(unknown("plan", word, &SHIPPED.iter().map(|plan| plan.name).collect::<Vec<_>>()));
        }
        AnyPlan::read(name, library)
    }

    /// Reads a plan file. Paths of clips in it are relative to the working directory.
    ///
    /// # Errors
    /// [`Error::Input`]: the file cannot be read; [`Error::Usage`], with file, line and key, for everything in it.
    pub fn read(path: &Path, library: &Library<'_>) -> Result<AnyPlan> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::input(path, e))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        parse(&text, &path.display().to_string(), &stem, library)
    }
}

/// The plan in `text`; errors call it `file`, and `name` is its name when it gives none. It is of video if the first of its
/// codecs is.
///
/// # Errors
/// [`Error::Usage`], with file, line and key.
pub fn parse(text: &str, file: &str, name: &str, library: &Library<'_>) -> Result<AnyPlan> {
    Ok(match of_video(&Source { text, file })? {
        true => AnyPlan::Video(parse_as::<Picture>(text, file, name, library)?),
        false => AnyPlan::Audio(parse_as::<Pcm>(text, file, name, library)?),
    })
}

fn of_video(source: &Source<'_>) -> Result<bool> {
    let document = source.parse()?;
    let Some(settings) = Table::new(source, document.get_ref(), 0, "key", KEYS)?.get("settings") else {
        return Ok(false);
    };
    let Some(first) = settings.tables()?.into_iter().next() else { return Ok(false) };
    let codec = first.table("key of a setting", settings::KEYS)?.need("codec")?;
    let first = codec.each()?.into_iter().next().map(|v| v.read(|name| Ok(name.to_owned()))).transpose()?;
    Ok(first.is_some_and(|name| codec::VIDEO.iter().any(|c| c.name.eq_ignore_ascii_case(&name))))
}

fn parse_as<M: Kind>(text: &str, file: &str, name: &str, library: &Library<'_>) -> Result<Plan<M>> {
    let source = Source { text, file };
    let document = source.parse()?;
    let table = Table::new(&source, document.get_ref(), 0, "key", KEYS)?;

    let name = match table.get("name") {
        Some(value) => value.read(folder_name)?,
        None => name.to_owned(),
    };
    let warm_up = match table.get("warm_up") {
        Some(value) => value.read(|text| duration(text, Duration::from_secs(600)))?,
        None => M::WARM_UP,
    };
    let receivers = match table.get("receiver") {
        Some(value) => distinct(&value, |v| v.read(str::parse::<Receiver>), Receiver::to_string)?,
        None => vec![M::receiver()],
    };
    let networks = match table.get("networks") {
        Some(value) => distinct(&value, |v| v.read(str::parse), ToString::to_string)?,
        None => vec![crate::net::spec::NetSpec::default()],
    };
    let seeds = match table.get("seeds") {
        Some(value) => seeds(&value)?,
        None => vec![Seed(1)],
    };
    let metrics = metrics::<M>(table.get("metrics"))?;
    let (drafts, left_out) = settings::<M>(&table.need("settings")?, library)?;
    let clips = material::<M>(&table.need("clips")?, library)?;
    let formats: BTreeSet<M::Format> = clips.iter().map(|clip| clip.format()).collect();
    for draft in &drafts {
        if let Some(net) = networks.iter().find(|net| draft.codec.rtp.is_none() && !net.is_clean()) {
            let codec = draft.codec.name;
            let text = format!("codec: {codec} is a storage codec: it has no network but 'clean', not '{net}'");
            return Err(source.error(draft.start, text));
        }
        for format in &formats {
            (draft.codec.configure)(&draft.request, format).map_err(|e| source.error(draft.start, e))?;
        }
    }
    let settings = named(&source, drafts)?;

    let transport = Transport::Virtual;
    let plan = Plan { name, clips, settings, receivers, networks, seeds, warm_up, metrics, transport, left_out };
    if plan.len() > u32::MAX as usize {
        return Err(Error::usage(format!("{file}: {} cases are more than a plan may have", plan.len())));
    }
    Ok(plan)
}

/// A plan's name is one folder: letters, digits, `-`, `_` and `.`, not at the start.
fn folder_name(text: &str) -> Result<String> {
    let plain = text.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c));
    if plain && !text.is_empty() && !text.starts_with('.') {
        Ok(text.to_owned())
    } else {
        Err(Error::usage(format!("'{text}' cannot name a folder; use letters, digits, '-', '_' and '.'")))
    }
}

/// `5` is 1 to 5; a list is what it says.
fn seeds(value: &Value<'_>) -> Result<Vec<Seed>> {
    if value.is_list() {
        return distinct(value, |v| Ok(Seed(v.integer(0..=i64::MAX, "")? as u64)), |s| s.0.to_string());
    }
    let count = value.integer(1..=1_000_000, "seeds")?;
    Ok((1..=count as u64).map(Seed).collect())
}

/// The clips of all names, each once.
fn material<M: Kind>(value: &Value<'_>, library: &Library<'_>) -> Result<Vec<Arc<Clip<M>>>> {
    let mut found: Vec<Arc<Clip<M>>> = Vec::new();
    let mut ids = BTreeSet::new();
    for name in value.each()? {
        let named = name.read(|name| M::clips(library, name))?;
        if named.is_empty() {
            return Err(name.error("no clip of that name"));
        }
        found.extend(named.into_iter().filter(|clip| ids.insert(clip.id.clone())));
    }
    Ok(found)
}

#[cfg(test)]
mod tests;
