//! Films of other kinds than Y4M, decoded by the `ffmpeg` program where it is installed: a process of its own, so that
//! nothing of it is linked.

use super::y4m::{self, Cap, Decoded};
use super::{Footage, FrameRate};
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
    let mut decoded = decode(path, &["-fpsmax", "60", "-vf", filters], cap)?;
    decoded.notes.retain(|note| !note.starts_with("chroma"));
    decoded.notes.push("decoded by ffmpeg".into());
    Ok(decoded)
}

/// The pictures as they are coded, one after the other, whatever their time stamps say; `rate` is the one they get.
///
/// # Errors
/// As [`film`], and of pictures that are not 8-bit 4:2:0.
pub fn as_coded(path: &Path, rate: FrameRate) -> Result<Footage> {
    let mut footage = decode(path, &["-fps_mode", "passthrough"], Cap::NONE)?.footage;
    footage.format.rate = rate;
    Ok(footage)
}

fn decode(path: &Path, options: &[&str], cap: Cap) -> Result<Decoded> {
    // "file:" and the whitelist: a name or a playlist may not send ffmpeg into the network.
    let mut name = std::ffi::OsString::from("file:");
    name.push(path);
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-protocol_whitelist", "file", "-noautorotate", "-i"]).arg(name);
    command.args(["-map", "0:v:0"]).args(options).args(["-f", "yuv4mpegpipe", "-"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Error::input(path, "not a Y4M file, by its first bytes; other kinds need ffmpeg, which is not installed")
        }
        _ => Error::input(path, format!("cannot run ffmpeg: {e}")),
    })?;
    let (Some(output), Some(mut complaints)) = (child.stdout.take(), child.stderr.take()) else {
        return Err(Error::input(path, "cannot read what ffmpeg says"));
    };
    // Both pipes are emptied at once: ffmpeg waits when one is full.
    let mut words = String::new();
    let decoded = std::thread::scope(|scope| {
        scope.spawn(|| complaints.read_to_string(&mut words));
        let decoded = y4m::read_from(BufReader::new(output), cap);
        // It may have more to say than the cap lets in. That it has ended already is no error.
        let _ = child.kill();
        decoded
    });
    let _ = child.wait();
    decoded.map_err(|reason| {
        let last = words.lines().rev().find(|l| !l.trim().is_empty()).unwrap_or(&reason);
        Error::input(
            path,
            format!("not a Y4M file, by its first bytes, and ffmpeg makes no pictures of it: {}", last.trim()),
        )
    })
}
