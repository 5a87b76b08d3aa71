//! Plan files: TOML to a [`Plan`]. Every error is one line that names the file, the line and the key.

mod source;

use self::source::{Source, Table, Value};
use super::{Plan, Setting, requested};
use crate::codec::{self, Codec, Request};
use crate::error::{Error, Result};
use crate::media::{Clip, Pcm, PcmFormat};
use crate::metric::{self, Metric};
use crate::peer::Transport;
use crate::playout::audio::Receiver;
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::units::{Bitrate, Seed, from_ms, ms};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const KEYS: &[&str] = &["name", "clips", "seeds", "warm_up", "receiver", "networks", "metrics", "settings"];
const SETTING_KEYS: &[&str] = &["label", "codec", "fmtp", "ptime", "bitrate", "complexity", "mode", "repair"];

/// libwebrtc's feedback, jitter buffer and bandwidth estimate have settled by then.
const WARM_UP: Duration = Duration::from_secs(30);

/// From a clip id, set name, file path or glob to clips.
pub type Clips<'a> = &'a dyn Fn(&str) -> Result<Vec<Arc<Clip>>>;

impl Plan {
    /// Reads a plan file. Paths of clips in it are relative to the working directory.
    ///
    /// # Errors
    /// [`Error::Input`]: the file cannot be read; [`Error::Usage`], with file, line and key, for everything in it.
    pub fn read(path: &Path, clips: Clips<'_>) -> Result<Plan> {
        let text = std::fs::read_to_string(path).map_err(|e| Error::input(path, e))?;
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        parse(&text, &path.display().to_string(), &stem, clips)
    }

    /// The plan that runs when none is named.
    ///
    /// # Errors
    /// As [`Plan::read`]: a clip cannot be had.
    pub fn demo(clips: Clips<'_>) -> Result<Plan> {
        parse(include_str!("../../plans/demo.toml"), "plans/demo.toml", "demo", clips)
    }
}

/// The plan in `text`; errors call it `file`, and `name` is its name when it gives none.
///
/// # Errors
/// [`Error::Usage`], with file, line and key.
pub fn parse(text: &str, file: &str, name: &str, clips: Clips<'_>) -> Result<Plan> {
    let source = Source { text, file };
    let document = source.parse()?;
    let table = Table::new(&source, document.get_ref(), 0, "key", KEYS)?;

    let name = match table.get("name") {
        Some(value) => value.read(folder_name)?,
        None => name.to_owned(),
    };
    let warm_up = match table.get("warm_up") {
        Some(value) => value.read(|text| duration(text, Duration::from_secs(600)))?,
        None => WARM_UP,
    };
    let receivers = match table.get("receiver") {
        Some(value) => distinct(&value, |v| v.read(str::parse::<Receiver>), Receiver::to_string)?,
        None => vec![Receiver::default()],
    };
    let networks = match table.get("networks") {
        Some(value) => distinct(&value, |v| v.read(str::parse), ToString::to_string)?,
        None => vec![crate::net::spec::NetSpec::default()],
    };
    let seeds = match table.get("seeds") {
        Some(value) => seeds(&value)?,
        None => vec![Seed(1)],
    };
    let metrics = match table.get("metrics") {
        Some(value) => value.each()?.iter().map(|v| v.read(metric)).collect::<Result<Vec<_>>>()?,
        None => metric::USUAL.iter().copied().map(Some).collect(),
    };
    let drafts = settings(&table.need("settings")?)?;
    let clips = material(&table.need("clips")?, clips)?;
    let formats: BTreeSet<PcmFormat> = clips.iter().map(|clip| clip.format()).collect();
    for draft in &drafts {
        for format in &formats {
            (draft.codec.settle)(&draft.request, format).map_err(|e| source.error(draft.start, e))?;
        }
    }
    let settings = named(&source, drafts)?;

    let plan = Plan {
        name,
        clips,
        settings,
        receivers,
        networks,
        seeds,
        warm_up,
        metrics: metrics.into_iter().flatten().collect(),
        transport: Transport::Virtual,
    };
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

/// "20ms", "2.5 ms", "30s". Zero is a time; a codec says whether it is a frame.
fn duration(text: &str, most: Duration) -> Result<Duration> {
    let number = text.trim_end_matches(char::is_alphabetic);
    let factor = match &text[number.len()..] {
        "ms" => Some(1.0),
        "s" => Some(1000.0),
        _ => None,
    };
    let value = factor.and_then(|f| Some(f * number.trim().parse::<f64>().ok()?));
    match value {
        Some(value) if (0.0..=ms(most)).contains(&value) => Ok(from_ms(value)),
        _ => {
            Err(Error::usage(format!("'{text}' is not a time from 0ms to {}s, such as 20ms or 2s", most.as_secs_f64())))
        }
    }
}

/// `None` for a fact of the call: those are always recorded.
fn metric(id: &str) -> Result<Option<&'static Metric<Pcm>>> {
    if metric::FACTS.iter().any(|fact| fact.id == id) { Ok(None) } else { metric::audio(id).map(Some) }
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
fn material(value: &Value<'_>, clips: Clips<'_>) -> Result<Vec<Arc<Clip>>> {
    let mut found: Vec<Arc<Clip>> = Vec::new();
    let mut ids = BTreeSet::new();
    for name in value.each()? {
        let named = name.read(clips)?;
        if named.is_empty() {
            return Err(name.error("no clip of that name"));
        }
        found.extend(named.into_iter().filter(|clip| ids.insert(clip.id.clone())));
    }
    Ok(found)
}

/// Each element read; two that mean the same are an error.
fn distinct<T>(
    value: &Value<'_>,
    read: impl Fn(&Value<'_>) -> Result<T>,
    name: impl Fn(&T) -> String,
) -> Result<Vec<T>> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for element in value.each()? {
        let read = read(&element)?;
        if !seen.insert(name(&read)) {
            return Err(element.error(format_args!("'{}' is given twice", name(&read))));
        }
        all.push(read);
    }
    Ok(all)
}

/// A setting before it has its final label.
#[derive(Clone)]
struct Draft {
    /// Where its `[[settings]]` stands in the text.
    start: usize,
    label: Option<String>,
    codec: &'static Codec<Pcm>,
    request: Request,
    /// What tells it from others of its sweep: "24 kbit/s".
    marks: Vec<String>,
}

/// All `[[settings]]`, sweeps unfolded: the first key of [`SETTING_KEYS`] turns slowest.
fn settings(value: &Value<'_>) -> Result<Vec<Draft>> {
    let mut all = Vec::new();
    for section in value.tables()? {
        let table = section.table("key of a setting", SETTING_KEYS)?;
        let label = table.get("label").map(|v| v.read(|text| Ok(text.to_owned()))).transpose()?;
        let mut drafts = Vec::new();
        for codec in distinct(&table.need("codec")?, |v| v.read(codec::audio), |c| c.name.to_owned())? {
            drafts.push(Draft {
                start: section.start(),
                label: label.clone(),
                codec,
                request: Request::default(),
                marks: if label.is_none() || table.need("codec")?.is_list() {
                    vec![codec.name.into()]
                } else {
                    Vec::new()
                },
            });
        }
        sweep(&mut drafts, table.get("bitrate"), true, bitrate, |request, v| request.bitrate = Some(v))?;
        let ptime = |v: &Value<'_>| v.read(|text| duration(text, Duration::from_secs(1)));
        sweep(&mut drafts, table.get("ptime"), false, ptime, |request, v| request.ptime = Some(v))?;
        let complexity = |v: &Value<'_>| Ok(v.integer(0..=10, "")? as u8);
        sweep(&mut drafts, table.get("complexity"), false, complexity, |request, v| request.complexity = Some(v))?;
        let mode = |v: &Value<'_>| v.read(|text| Ok(text.to_owned()));
        sweep(&mut drafts, table.get("mode"), false, mode, |request, v| request.mode = Some(v))?;
        let fmtp = |v: &Value<'_>| v.read(str::parse::<Fmtp>);
        sweep(&mut drafts, table.get("fmtp"), false, fmtp, |request, v| request.fmtp = v)?;
        let repair = |v: &Value<'_>| v.read(str::parse::<Repair>);
        sweep(&mut drafts, table.get("repair"), false, repair, |request, v| request.repair = v)?;
        all.extend(drafts);
    }
    Ok(all)
}

fn bitrate(value: &Value<'_>) -> Result<Bitrate> {
    Ok(Bitrate(value.integer(1..=10_000_000, "bit/s")? as u32))
}

/// Every draft with every value. A swept value marks the label; so does a `plain` one when there is no label.
fn sweep<T: Clone>(
    drafts: &mut Vec<Draft>,
    value: Option<Value<'_>>,
    plain: bool,
    read: impl Fn(&Value<'_>) -> Result<T>,
    set: impl Fn(&mut Request, T),
) -> Result<()> {
    let Some(value) = value else { return Ok(()) };
    let values = value.each()?.iter().map(&read).collect::<Result<Vec<T>>>()?;
    let mut unfolded = Vec::new();
    for draft in drafts.iter() {
        for v in &values {
            let mut draft = draft.clone();
            if value.is_list() || (plain && draft.label.is_none()) {
                let mut alone = Request::default();
                set(&mut alone, v.clone());
                let words = requested(draft.codec, &alone);
                draft.marks.push(words.trim_start_matches(draft.codec.name).trim_start().to_owned());
            }
            set(&mut draft.request, v.clone());
            unfolded.push(draft);
        }
    }
    *drafts = unfolded;
    Ok(())
}

/// Gives every setting its label: its own, its sweep's marks; where none was given and two are alike, all that was asked.
fn named(source: &Source<'_>, drafts: Vec<Draft>) -> Result<Vec<Setting>> {
    let short = |d: &Draft| {
        let words: Vec<&str> = d.label.iter().chain(&d.marks).map(String::as_str).filter(|w| !w.is_empty()).collect();
        // "opus 24 kbit/s, 10 ms", "A 10 ms".
        match words.split_first() {
            Some((first, rest)) => format!("{first} {}", rest.join(", ")).trim_end().to_owned(),
            None => String::new(),
        }
    };
    let labels: Vec<String> = drafts.iter().map(short).collect();
    let mut taken: Vec<(String, usize)> = Vec::new();
    let mut named = Vec::new();
    for (draft, label) in drafts.into_iter().zip(&labels) {
        let alike = labels.iter().filter(|l| *l == label).count() > 1;
        let label = if alike && draft.label.is_none() { requested(draft.codec, &draft.request) } else { label.clone() };
        if let Some((_, first)) = taken.iter().find(|(l, _)| *l == label) {
            let line = source.line(*first);
            return Err(source.error(draft.start, format_args!("label: '{label}' is taken already by line {line}")));
        }
        taken.push((label.clone(), draft.start));
        named.push(Setting::new(label, draft.codec, draft.request));
    }
    Ok(named)
}

#[cfg(test)]
mod tests;
