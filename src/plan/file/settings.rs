//! The `[[settings]]` of a plan: sweeps unfolded, each with a label.

use super::program;
use super::source::{Source, Table, Value};
use super::values::{distinct, duration, metrics};
use crate::codec::audio::external::is_external;
use crate::codec::{self, Codec, Request};
use crate::error::Result;
use crate::media::{Media, Pcm};
use crate::metric;
use crate::metric::equipment::{Band, Equipment};
use crate::plan::kind::{Kind, Library};
use crate::plan::{Beside, Setting, requested};
use crate::sdp::fmtp::Fmtp;
use crate::sdp::repair::Repair;
use crate::units::Bitrate;
use std::sync::Arc;
use std::time::Duration;

pub const KEYS: &[&str] = &[
    "label",
    "codec",
    "program",
    "fmtp",
    "ptime",
    "bitrate",
    "complexity",
    "mode",
    "layers",
    "repair",
    "beside",
    "equipment",
    "if_built",
];

/// A setting before it has its final label.
#[derive(Clone)]
pub struct Draft<M: Media> {
    /// Where its `[[settings]]` stands in the text.
    pub start: usize,
    label: Option<String>,
    pub codec: &'static Codec<M>,
    pub request: Request,
    beside: Option<Arc<Beside>>,
    equipment: Option<Equipment>,
    /// What tells it from others of its sweep: "24 kbit/s".
    marks: Vec<String>,
}

/// All `[[settings]]`, sweeps unfolded: the first key of [`KEYS`] turns slowest. Second, the codecs that are left out since
/// this build does not have them, and the section says `if_built = true`.
pub fn settings<M: Kind>(value: &Value<'_>, library: &Library<'_>) -> Result<(Vec<Draft<M>>, Vec<String>)> {
    let (mut all, mut left_out) = (Vec::new(), Vec::new());
    for section in value.tables()? {
        let table = section.table("key of a setting", KEYS)?;
        let label = table.get("label").map(|v| v.read(|text| Ok(text.to_owned()))).transpose()?;
        let beside = table.get("beside").map(|value| self::beside::<M>(&value, library)).transpose()?;
        let equipment = table.get("equipment").map(|value| self::equipment(&value, M::KIND)).transpose()?;
        let mut drafts = Vec::new();
        let if_built = table.get("if_built").map(|v| v.flag()).transpose()?.unwrap_or(false);
        let lacking = |name: &str| codec::AUDIO.iter().any(|c| c.name.eq_ignore_ascii_case(name) && !c.is_built());
        let read = |name: &str| match if_built && lacking(name) {
            true => Ok(Err(name.to_owned())),
            false => M::codec(name).map(Ok),
        };
        let name = |c: &std::result::Result<&Codec<M>, String>| c.as_ref().map_or_else(Clone::clone, |c| c.name.into());
        let (there, missing): (Vec<_>, Vec<_>) =
            distinct(&table.need("codec")?, |v| v.read(read), name)?.into_iter().partition(std::result::Result::is_ok);
        let codecs: Vec<&'static Codec<M>> = there.into_iter().flatten().collect();
        left_out.extend(missing.into_iter().filter_map(std::result::Result::err));
        let programs = table.get("program");
        for codec in &codecs {
            drafts.push(Draft {
                start: section.start(),
                label: label.clone(),
                codec: *codec,
                request: Request::default(),
                beside: beside.clone(),
                equipment,
                marks: match programs {
                    // The program's name tells more.
                    Some(_) => Vec::new(),
                    None if label.is_none() || table.need("codec")?.is_list() => vec![codec.name.into()],
                    None => Vec::new(),
                },
            });
        }
        let program = |v: &Value<'_>| match codecs.as_slice() {
            [codec] if is_external(codec.name) => program::read(v, codec.name),
            _ => Err(v.error("it needs codec = \"external\" or codec = \"external-file\"")),
        };
        sweep(&mut drafts, programs, true, program, |request, v| request.program = Some(v))?;
        sweep(&mut drafts, table.get("bitrate"), true, bitrate, |request, v| request.bitrate = Some(v))?;
        parameters(&mut drafts, &table)?;
        all.extend(drafts);
    }
    if all.is_empty() {
        return Err(value.error(format_args!("no codec is left; this build has none of {}", left_out.join(", "))));
    }
    Ok((all, left_out))
}

/// All keys but the codec, its bitrate and what is beside it.
fn parameters<M: Media>(drafts: &mut Vec<Draft<M>>, table: &Table<'_>) -> Result<()> {
    let ptime = |v: &Value<'_>| v.read(|text| duration(text, Duration::from_secs(1)));
    sweep(drafts, table.get("ptime"), false, ptime, |request, v| request.ptime = Some(v))?;
    let complexity = |v: &Value<'_>| Ok(v.integer(0..=10, "")? as u8);
    sweep(drafts, table.get("complexity"), false, complexity, |request, v| request.complexity = Some(v))?;
    let mode = |v: &Value<'_>| v.read(|text| Ok(text.to_owned()));
    sweep(drafts, table.get("mode"), false, mode, |request, v| request.mode = Some(v))?;
    let layers = |v: &Value<'_>| Ok(v.integer(1..=3, "temporal layers")? as u8);
    sweep(drafts, table.get("layers"), false, layers, |request, v| request.layers = Some(v))?;
    let fmtp = |v: &Value<'_>| v.read(str::parse::<Fmtp>);
    sweep(drafts, table.get("fmtp"), false, fmtp, |request, v| request.fmtp = v)?;
    let repair = |v: &Value<'_>| v.read(str::parse::<Repair>);
    sweep(drafts, table.get("repair"), false, repair, |request, v| request.repair = v)
}

/// `beside = { clip = "synth-voice-1", codec = "opus", bitrate = 32000 }`: one audio track in the same call.
fn beside<M: Kind>(value: &Value<'_>, library: &Library<'_>) -> Result<Arc<Beside>> {
    if M::KIND == Pcm::KIND {
        return Err(value.error("only video has audio beside it"));
    }
    let keys: Vec<&str> = ["clip", "metrics"]
        .into_iter()
        .chain(KEYS.iter().copied().filter(|k| !["beside", "equipment", "program"].contains(k)))
        .collect();
    let table = value.table("key of the audio beside a video", &keys)?;
    let codec = table.need("codec")?.read(codec::audio)?;
    let mut drafts: Vec<Draft<Pcm>> = vec![Draft {
        start: value.start(),
        label: None,
        codec,
        request: Request::default(),
        beside: None,
        equipment: None,
        marks: Vec::new(),
    }];
    sweep(&mut drafts, table.get("bitrate"), false, bitrate, |request, v| request.bitrate = Some(v))?;
    parameters(&mut drafts, &table)?;
    let name = table.need("clip")?;
    let clips = name.read(|name| Pcm::clips(library, name))?;
    let (Some(clip), [draft]) = (clips.first(), &drafts[..]) else {
        return Err(value.error("one audio track is wanted: one clip, and no lists"));
    };
    (codec.configure)(&draft.request, &clip.format()).map_err(|e| value.error(e))?;
    let metrics = match table.get("metrics") {
        Some(value) => metrics(Some(value))?,
        None => vec![&metric::audio::pesq::WIDE_BAND],
    };
    Ok(Arc::new(Beside { clip: clip.clone(), codec, request: draft.request.clone(), metrics }))
}

/// `equipment = { ie = 11, bpl = 19, band = "nb" }`: without `bpl` only a call without loss is rated.
fn equipment(value: &Value<'_>, kind: &str) -> Result<Equipment> {
    if kind != Pcm::KIND {
        return Err(value.error("the E-model rates calls of speech, not of video"));
    }
    let table = value.table("key of the E-model's equipment", &["ie", "bpl", "band"])?;
    let band = table.get("band").map(|v| v.read(str::parse)).transpose()?;
    Ok(Equipment {
        band: band.unwrap_or(Band::Nb),
        ie: table.need("ie")?.number(0.0..=150.0)?,
        bpl: table.get("bpl").map(|v| v.number(0.1..=1000.0)).transpose()?,
    })
}

fn bitrate(value: &Value<'_>) -> Result<Bitrate> {
    Ok(Bitrate(value.integer(1..=50_000_000, "bit/s")? as u32))
}

/// Every draft with every value. A swept value marks the label; so does a `plain` one when there is no label.
fn sweep<T: Clone, M: Media>(
    drafts: &mut Vec<Draft<M>>,
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
pub fn named<M: Media>(source: &Source<'_>, drafts: Vec<Draft<M>>) -> Result<Vec<Setting<M>>> {
    let short = |d: &Draft<M>| {
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
        named.push(Setting {
            label,
            codec: draft.codec,
            request: draft.request,
            beside: draft.beside,
            equipment: draft.equipment,
        });
    }
    Ok(named)
}
