//! The `program` of an external codec.

use super::source::{Table, Value};
use super::values::duration;
use crate::codec::audio::external::{EXTERNAL, Program, Run};
use crate::error::{Error, Result};
use crate::units::{from_ms, ms};
use std::time::Duration;

const SHARED_KEYS: &[&str] = &["name", "sample_rate", "channels", "frame", "look_ahead", "version", "timeout"];
const FRAME_KEYS: &[&str] = &["command"];
const FILE_KEYS: &[&str] = &["encode", "decode", "extension"];

/// How long an answer may take, and a run on a file.
const ANSWER: Duration = Duration::from_secs(10);
const FILE: Duration = Duration::from_secs(60);
const LONGEST_TIMEOUT: Duration = Duration::from_secs(3600);

/// `{ command = ["evs", "{bitrate}"], sample_rate = 16000, frame = "20ms" }` for the codec `external`, or
/// `{ encode = [...], decode = [...], extension = "opus", sample_rate = 48000 }` for `external-file`.
pub fn read(value: &Value<'_>, codec: &str) -> Result<Program> {
    let frames = codec == EXTERNAL.name;
    let keys = [if frames { FRAME_KEYS } else { FILE_KEYS }, SHARED_KEYS].concat();
    let table = value.table(&format!("key of a program of {codec}"), &keys)?;
    let run = match frames {
        true => Run::Frames { command: words(&table.need("command")?)? },
        false => Run::Files {
            encode: words(&table.need("encode")?)?,
            decode: words(&table.need("decode")?)?,
            extension: table.get("extension").map(|v| v.read(extension)).transpose()?.unwrap_or("bin".into()),
        },
    };
    run.check().map_err(|e| value.error(e))?;
    let hash = run.hash().map_err(|e| value.error(e))?;
    let text = |key| table.get(key).map(|v| v.read(|text| Ok(text.to_owned()))).transpose();
    let time = |key, most| table.get(key).map(|v| v.read(|text| duration(text, most))).transpose();
    let channels = table.get("channels").map(|v| v.integer(1..=2, "channels")).transpose()?;
    Ok(Program {
        name: text("name")?.filter(|name| !name.is_empty()).unwrap_or_else(|| run.usual_name()),
        sample_rate: table.need("sample_rate")?.integer(8000..=48_000, "Hz")? as u32,
        channels: channels.unwrap_or(1) as u8,
        frame: frame(&table, frames)?,
        look_ahead: time("look_ahead", Duration::from_secs(10))?.unwrap_or_default(),
        version: text("version")?.unwrap_or_default(),
        timeout: time("timeout", LONGEST_TIMEOUT)?.unwrap_or(if frames { ANSWER } else { FILE }),
        run,
        hash,
    })
}

/// Needed where the program is fed with it; of a file only what delays are counted from.
fn frame(table: &Table<'_>, frames: bool) -> Result<Duration> {
    let value = if frames { Some(table.need("frame")?) } else { table.get("frame") };
    let longest = crate::codec::program::LONGEST_FRAME;
    let read = |text: &str| match duration(text, longest)? {
        Duration::ZERO => Err(Error::usage(format!("a frame is up to {} ms long, and not 0", ms(longest)))),
        frame => Ok(frame),
    };
    Ok(value.map(|v| v.read(read)).transpose()?.unwrap_or(from_ms(20.0)))
}

/// The program and its arguments.
fn words(value: &Value<'_>) -> Result<Vec<String>> {
    value.each()?.iter().map(|v| v.read(|text| Ok(text.to_owned()))).collect()
}

fn extension(text: &str) -> Result<String> {
    match text.chars().all(|c| c.is_ascii_alphanumeric()) && !text.is_empty() {
        true => Ok(text.to_owned()),
        false => Err(Error::usage(format!("'{text}' is not the end of a file name, such as opus or m4a"))),
    }
}
