//! A folder to run the program in, for the tests of the program.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use codecbench::media::{Pcm, PcmFormat};
use std::path::PathBuf;
use std::process::{Command, Output};

/// A folder to work in; nothing outside of it is written.
pub struct Desk(tempfile::TempDir);

impl Desk {
    pub fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_codecbench"));
        command.current_dir(self.0.path()).args(args);
        command
    }

    pub fn output(&self, args: &[&str]) -> Output {
        self.command(args).output().unwrap()
    }

    /// Standard output of what must succeed.
    pub fn run(&self, args: &[&str]) -> String {
        let output = self.output(args);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A short call: what `fmtp` takes besides its lines.
#[allow(dead_code, reason = "not every test of the program makes short calls")]
pub fn short<'a>(lines: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [&["fmtp"], lines, &["--warm-up", "0.5", "--seeds", "1"], more].concat()
}

/// A sine under slow beats, at 16 kHz; long enough for PESQ.
pub fn tone() -> Pcm {
    let wave = |t: i32| (f64::from(t) / 7.0).sin() * (f64::from(t) / 2000.0).sin() * 9000.0;
    Pcm { format: PcmFormat::mono(16_000), samples: (0..16_000).map(|t| wave(t) as i16).collect() }
}
