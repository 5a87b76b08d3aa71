//! Films of other kinds than Y4M, decoded by the `ffmpeg` program where it is installed: a process of its own, so that
//! nothing of it is linked.

use super::picture::{Footage, FrameRate, PictureFormat};
use super::y4m::{self, Cap, Decoded};
use crate::error::{Error, Result};
use std::io::{BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};

/// The pictures of a user's film at a constant rate of at most 60 per second, brought to 8-bit 4:2:0 of limited range and
/// an even size.
///
/// # Errors
/// [`Error::Input`]: no `ffmpeg`, or a file of which it can make no pictures.
pub fn film(path: &Path, cap: Cap) -> Result<Decoded> {
    let filters = "crop=trunc(iw/2)*2:trunc(ih/2)*2,scale=out_range=tv,format=yuv420p";
    let mut decoded = decode(Path::new("ffmpeg"), path, &["-fpsmax", "60", "-vf", filters], cap)
        .map_err(|reason| Error::input(path, format!("not a Y4M file, by its first bytes; {reason}")))?;
    decoded.notes.retain(|note| !note.starts_with("chroma"));
    decoded.notes.push("decoded by ffmpeg".into());
    Ok(decoded)
}

/// The pictures as they are coded, one after the other, whatever their time stamps say; `program` is the ffmpeg to start,
/// `rate` the one that the pictures get.
///
/// # Errors
/// As [`film`], and of pictures that are not 8-bit 4:2:0.
pub fn as_coded(program: &Path, path: &Path, rate: FrameRate) -> Result<Footage> {
    let decoded =
        decode(program, path, &["-fps_mode", "passthrough"], Cap::NONE).map_err(|reason| Error::input(path, reason))?;
    let format = PictureFormat { rate, ..decoded.footage.format };
    Ok(Footage { format, pictures: decoded.footage.pictures })
}

fn decode(program: &Path, path: &Path, options: &[&str], cap: Cap) -> Result<Decoded, String> {
    // "file:" and the whitelist: a name or a playlist may not send ffmpeg into the network.
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    let mut command = Command::new(program);
    command.args(["-v", "error", "-nostdin", "-protocol_whitelist", "file", "-noautorotate", "-i"]).arg(name);
    command.args(["-map", "0:v:0"]).args(options).args(["-f", "yuv4mpegpipe", "-"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => "it needs ffmpeg, which is not installed".to_owned(),
        _ => format!("cannot run ffmpeg: {e}"),
    })?;
    let (Some(output), Some(mut complaints)) = (child.stdout.take(), child.stderr.take()) else {
        return Err("cannot read what ffmpeg says".into());
    };
    // Both pipes are emptied at once: ffmpeg waits when one is full.
    let mut words = Vec::new();
    let decoded = std::thread::scope(|scope| {
        scope.spawn(|| complaints.read_to_end(&mut words));
        let decoded = y4m::read_from(BufReader::new(output), cap);
        // It may have more to say than the cap lets in. That it has ended already is no error.
        if decoded.as_ref().is_ok_and(|d| d.capped) {
            let _ = child.kill();
        }
        decoded
    });
    let _ = child.wait();
    let words = String::from_utf8_lossy(&words);
    let last = words.lines().rev().map(plain).find(|l| !l.is_empty());
    let mut decoded =
        decoded.map_err(|reason| format!("ffmpeg makes no pictures of it: {}", last.unwrap_or(&reason)))?;
    // Of a damaged film it shows what it can. Where the cap cut, it complains of that.
    if let Some(last) = last.filter(|_| !decoded.capped) {
        decoded.notes.push(format!("ffmpeg complained: {last}"));
    }
    Ok(decoded)
}

/// Without the part's name and address in front, which changes from run to run: "[mov @ 0x5571] no frames".
fn plain(line: &str) -> &str {
    let named = line.starts_with('[') && line.contains(" @ 0x");
    line.split_once("] ").filter(|_| named).map_or(line, |(_, rest)| rest).trim()
}
