//! A user's program as a plan describes it: what to run, and what it codes. Arguments go to it as they are, no shell reads
//! them; words in braces are filled in.

use crate::error::{Error, Result, unknown};
use crate::media::PcmFormat;
use crate::units::{Bitrate, ms};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The longest frame.
pub const LONGEST_FRAME: Duration = Duration::from_millis(200);

/// What may stand in braces in any argument, and what only in those of file-to-file programs.
const PLACEHOLDERS: [&str; 5] = ["bitrate", "kbps", "sample_rate", "channels", "frame_ms"];
const FILE_PLACEHOLDERS: [&str; 2] = ["in", "out"];

/// What to run, and what it codes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// What charts and errors call it.
    pub name: String,
    pub run: Run,
    /// What it is fed and gives back, in Hz.
    pub sample_rate: u32,
    /// 1 or 2.
    pub channels: u8,
    /// The media that it codes at a time: one frame of the protocol; of a storage codec what its delay is counted from.
    pub frame: Duration,
    /// How much later the decoder gives a sample than its place in the stream says.
    pub look_ahead: Duration,
    /// As the user says it: "EVS 16.3"; may be empty.
    pub version: String,
    /// How long one answer, or one run on a file, may take.
    pub timeout: Duration,
    /// BLAKE3 in hex of the executables, and of all other files that its arguments name.
    pub hash: String,
}

/// How a program takes its media.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Run {
    /// Frame by frame over stdin and stdout; it is started with `encode` or `decode` as its last argument.
    Frames { command: Vec<String> },
    /// File to file: `encode` from WAV, `decode` to WAV; `extension` is that of the file between them.
    Files { encode: Vec<String>, decode: Vec<String>, extension: String },
}

impl Run {
    /// Each command with its executable first.
    pub fn commands(&self) -> Vec<&[String]> {
        match self {
            Run::Frames { command } => vec![command],
            Run::Files { encode, decode, .. } => vec![encode, decode],
        }
    }

    /// The name when the user gives none: the executable's.
    pub fn usual_name(&self) -> String {
        let first = self.commands().first().and_then(|c| c.first()).map_or("", String::as_str);
        Path::new(first).file_name().map_or_else(|| first.to_owned(), |name| name.to_string_lossy().into_owned())
    }

    /// That each command names an executable, has known words in its braces, and all those that it needs.
    ///
    /// # Errors
    /// [`Error::Usage`].
    pub fn check(&self) -> Result<()> {
        let files = matches!(self, Run::Files { .. });
        let known: Vec<&str> = PLACEHOLDERS.iter().chain(FILE_PLACEHOLDERS.iter().filter(|_| files)).copied().collect();
        for command in self.commands() {
            if command.first().is_none_or(String::is_empty) {
                return Err(Error::usage("the command is empty; its first element is the program"));
            }
            let used: Vec<&str> = command.iter().flat_map(|argument| placeholders(argument)).collect();
            if let Some(stray) = used.iter().find(|name| !known.contains(name)) {
                return Err(unknown("word in braces", stray, &known));
            }
            if let Some(missing) = FILE_PLACEHOLDERS.iter().find(|name| files && !used.contains(name)) {
                return Err(Error::usage(format!("'{}' has no {{{missing}}}", command.join(" "))));
            }
        }
        Ok(())
    }

    /// BLAKE3 in hex over every file that the commands name, the executables first looked up on PATH.
    ///
    /// # Errors
    /// [`Error::Usage`]: an executable is not there or cannot be read.
    pub fn hash(&self) -> Result<String> {
        let mut hasher = blake3::Hasher::new();
        for command in self.commands() {
            let Some((program, arguments)) = command.split_first() else { continue };
            let path = find(program)?;
            let files = std::iter::once(path).chain(arguments.iter().map(PathBuf::from).filter(|p| p.is_file()));
            for file in files {
                let unread = |e| Error::usage(format!("{}: cannot read: {e}", file.display()));
                let bytes = std::fs::read(&file).map_err(unread)?;
                hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
            }
        }
        Ok(hasher.finalize().to_hex().to_string())
    }
}

impl Program {
    pub fn format(&self) -> PcmFormat {
        PcmFormat { sample_rate: self.sample_rate, channels: self.channels }
    }

    /// Whether any of these stands in braces in one of its commands.
    pub fn reads(&self, names: &[&str]) -> bool {
        let commands = self.run.commands();
        commands.iter().flat_map(|c| c.iter()).flat_map(|argument| placeholders(argument)).any(|n| names.contains(&n))
    }

    /// In one line, for reports: "opusenc 0.2: opusenc --bitrate {kbps} {in} {out} (BLAKE3 1f3a97c0)".
    pub fn words(&self) -> String {
        let name = format!("{} {}", self.name, self.version);
        let commands: Vec<String> = self.run.commands().iter().map(|c| c.join(" ")).collect();
        format!("{}: {} (BLAKE3 {:.8})", name.trim_end(), commands.join(" | "), self.hash)
    }
}

/// What is put in the place of the words in braces.
pub(in crate::codec) struct Filling<'a> {
    pub bitrate: Option<Bitrate>,
    pub format: PcmFormat,
    pub frame: Duration,
    /// The file that is read and the one that is written.
    pub files: Option<(&'a Path, &'a Path)>,
}

impl Filling<'_> {
    /// The command with all words in braces filled in.
    pub fn fill(&self, command: &[String]) -> Vec<String> {
        command.iter().map(|argument| self.argument(argument)).collect()
    }

    fn argument(&self, template: &str) -> String {
        let mut filled = String::new();
        let mut rest = template;
        while let Some((before, name, after)) = next_placeholder(rest) {
            filled += before;
            filled += &self.value(name);
            rest = after;
        }
        filled + rest
    }

    fn value(&self, name: &str) -> String {
        let bitrate = self.bitrate.map_or(0, |b| b.0);
        let file = |choose: fn(&(&Path, &Path)) -> String| self.files.as_ref().map(choose).unwrap_or_default();
        match name {
            "bitrate" => bitrate.to_string(),
            "kbps" => (f64::from(bitrate) / 1000.0).to_string(),
            "sample_rate" => self.format.sample_rate.to_string(),
            "channels" => self.format.channels.to_string(),
            "frame_ms" => ms(self.frame).to_string(),
            "in" => file(|(from, _)| from.display().to_string()),
            "out" => file(|(_, to)| to.display().to_string()),
            other => format!("{{{other}}}"),
        }
    }
}

/// The file that `program` names: with a `/` in it a path relative to the working directory, else the first of that name on
/// the PATH.
///
/// # Errors
/// [`Error::Usage`]: there is none.
pub(in crate::codec) fn find(program: &str) -> Result<PathBuf> {
    if program.contains('/') {
        let path = std::path::absolute(program).ok().filter(|path| path.is_file());
        return path
            .ok_or_else(|| Error::usage(format!("there is no program '{program}' (from the working directory)")));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| is_program(path));
    found.ok_or_else(|| Error::usage(format!("there is no program '{program}' on the PATH")))
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}

/// The names in braces. A brace that does not enclose one plain word stands for itself.
fn placeholders(argument: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = argument;
    while let Some((_, name, after)) = next_placeholder(rest) {
        names.push(name);
        rest = after;
    }
    names
}

/// What is before the next word in braces, the word, and what is after it.
fn next_placeholder(text: &str) -> Option<(&str, &str, &str)> {
    text.match_indices('{').find_map(|(start, _)| {
        let (name, after) = text[start + 1..].split_once('}')?;
        let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_');
        plain.then_some((&text[..start], name, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(encode: &[&str]) -> Run {
        let owned = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
        Run::Files { encode: owned(encode), decode: owned(&["sh", "{in}", "{out}"]), extension: "x".into() }
    }

    #[test]
    fn words_in_braces_are_filled_in_and_others_stay() {
        let filling = Filling {
            bitrate: Some(Bitrate(12_200)),
            format: PcmFormat::mono(16_000),
            frame: Duration::from_micros(2500),
            files: Some((Path::new("/a b"), Path::new("/c"))),
        };
        let template = ["{kbps}k={bitrate}", "{in}:{out}", "{}{ {X} {sample_rate}/{channels}", "{frame_ms}"];
        let filled = filling.fill(&template.map(str::to_owned));
        assert_eq!(filled, ["12.2k=12200", "/a b:/c", "{}{ {X} 16000/1", "2.5"]);
    }

    #[test]
    fn a_command_is_checked_before_it_runs() {
        assert!(files(&["x", "{in}", "{out}", "{kbps}"]).check().is_ok());
        let error = |run: Run| run.check().unwrap_err().to_string();
        assert!(error(files(&["x", "{in}", "{uot}"])).contains("did you mean 'out'"));
        assert_eq!(error(files(&["x", "{in}"])), "'x {in}' has no {out}");
        assert!(error(files(&[])).contains("empty"));
        assert!(
            error(Run::Frames { command: vec!["x".into(), "{in}".into()] }).contains("unknown word in braces 'in'")
        );
    }

    #[test]
    fn a_program_is_looked_for_on_the_path_and_named_when_missing() {
        assert!(find("sh").unwrap().is_absolute());
        assert!(find("no-such-program").unwrap_err().to_string().contains("'no-such-program' on the PATH"));
        assert!(find("./no-such-program").unwrap_err().to_string().contains("working directory"));
    }
}
