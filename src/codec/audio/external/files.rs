//! File to file: a whole clip as WAV in, and WAV out.

use super::configure::{FILE_NAME, delay};
use super::process;
use crate::codec::about::Delay;
use crate::codec::api::{Decoder, Encoder, Input, Observed, Parameters, Settings, Unit};
use crate::codec::program::{Filling, Program, Run};
use crate::error::{Error, Result};
use crate::media::{Pcm, wav};
use crate::units::Time;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

#[derive(Debug)]
pub(super) struct FileProgram(pub Program);

impl FileProgram {
    fn with(&self, settings: &Settings<Pcm>) -> Result<FileCodec> {
        let FileProgram(program) = self;
        match program.run {
            Run::Files { .. } => Ok(FileCodec { settings: settings.clone(), program: program.clone() }),
            Run::Frames { .. } => {
                Err(Error::usage(format!("'{}' works frame by frame: it is for the codec external", program.name)))
            }
        }
    }
}

impl Parameters<Pcm> for FileProgram {
    fn encoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Encoder<Pcm>>> {
        let codec = self.with(settings)?;
        Ok(Box::new(FileEncoder { codec, start: Time::ZERO, all: Pcm::silence(settings.format, 0) }))
    }

    fn decoder(&self, settings: &Settings<Pcm>) -> Result<Box<dyn Decoder<Pcm>>> {
        Ok(Box::new(FileDecoder { codec: self.with(settings)? }))
    }

    fn observe(&self, settings: &Settings<Pcm>, _: &[Unit]) -> Observed {
        Observed { channels: Some(settings.format.channels), ..Observed::default() }
    }

    fn delay(&self, _: &Settings<Pcm>) -> Delay {
        delay(&self.0)
    }

    fn shown(&self) -> Vec<(&'static str, String)> {
        vec![("program", self.0.words())]
    }
}

/// The program, and what it was set to.
struct FileCodec {
    settings: Settings<Pcm>,
    program: Program,
}

impl FileCodec {
    /// Runs one of the two commands.
    fn run(&self, direction: &str, command: &[String], from: &Path, to: &Path) -> Result<()> {
        let Settings { bitrate, format, frame, .. } = self.settings;
        let command = Filling { bitrate, format, frame, files: Some((from, to)) }.fill(command);
        let who = format!("'{}' ({direction})", self.program.name);
        process::run(FILE_NAME, &who, &command, self.program.timeout)
    }

    fn encode(&self, pcm: &Pcm) -> Result<Vec<u8>> {
        let Run::Files { encode, extension, .. } = &self.program.run else { return Err(self.error("has no files")) };
        let folder = Folder::new()?;
        let (from, to) = (folder.0.join("in.wav"), folder.0.join(format!("coded.{extension}")));
        wav::write(&from, pcm)?;
        self.run("encode", encode, &from, &to)?;
        match std::fs::read(&to) {
            Ok(data) if !data.is_empty() => Ok(data),
            _ => Err(self.error("(encode) wrote nothing to {out}")),
        }
    }

    fn decode(&self, data: &[u8], out: &mut Pcm) -> Result<()> {
        let Run::Files { decode, extension, .. } = &self.program.run else { return Err(self.error("has no files")) };
        let folder = Folder::new()?;
        let (from, to) = (folder.0.join(format!("coded.{extension}")), folder.0.join("out.wav"));
        std::fs::write(&from, data).map_err(|e| Error::output(&from, e))?;
        self.run("decode", decode, &from, &to)?;
        let decoded = wav::read(&to).map_err(|e| match e {
            // The name of the folder is another one each time.
            Error::Input { reason, .. } => self.error(&format!("(decode) wrote no usable {{out}}: {reason}")),
            other => other,
        })?;
        let (wanted, got) = (self.settings.format, decoded.pcm.format);
        if got != wanted {
            let format = |f: crate::media::PcmFormat| format!("{} Hz and {} channel(s)", f.sample_rate, f.channels);
            return Err(self.error(&format!("(decode) wrote {}, the plan says {}", format(got), format(wanted))));
        }
        out.samples.extend(decoded.pcm.samples);
        Ok(())
    }

    fn error(&self, what: &str) -> Error {
        Error::Codec { codec: FILE_NAME, reason: format!("'{}' {what}", self.program.name) }
    }
}

struct FileEncoder {
    codec: FileCodec,
    start: Time,
    all: Pcm,
}

impl Encoder<Pcm> for FileEncoder {
    fn encode(&mut self, pts: Time, frame: &Pcm, _: &mut Vec<Unit>) -> Result<()> {
        if self.all.is_empty() {
            self.start = pts;
        }
        self.all.samples.extend_from_slice(&frame.samples);
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<Unit>) -> Result<()> {
        let data = self.codec.encode(&self.all)?;
        out.push(Unit { data, pts: self.start, duration: self.all.duration(), picture: None });
        Ok(())
    }
}

struct FileDecoder {
    codec: FileCodec,
}

impl Decoder<Pcm> for FileDecoder {
    fn decode(&mut self, input: Input<'_>, out: &mut Pcm) -> Result<()> {
        match input {
            Input::Unit(data) => self.codec.decode(data, out),
            Input::Recover { missing, .. } | Input::Lost(missing) => {
                let silence = Pcm::silence(out.format, out.format.samples(missing));
                out.samples.extend(silence.samples);
                Ok(())
            }
        }
    }
}

/// A fresh folder for temporary files, gone with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let base = std::env::temp_dir();
        loop {
            let name = format!("codecbench-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
            let folder = base.join(name);
            match private(&folder) {
                Ok(()) => return Ok(Folder(folder)),
                // Left by another process that had this number.
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::output(folder, e)),
            }
        }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Makes a folder that nobody else may look into.
fn private(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
