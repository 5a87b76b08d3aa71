//! Processes that may do anything: each answer and each run has a time limit, standard error is kept for the report, and
//! none is left behind.
//!
//! A process has a group of its own, so that Ctrl-C lets cases that run come to their end. Time limits are kept by waiting
//! for so long; no clock is read.

use crate::codec::program::find;
use crate::error::{Error, Result};
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// A packet longer than this is garbage.
const MAX_PACKET: u32 = 1 << 20;
/// How long a process may take to end once it is told to, or once its answers have ended.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// How much of standard error is kept, and how much of that is told.
const KEPT_BYTES: usize = 4096;
const TOLD_LINES: usize = 4;
const TOLD_CHARS: usize = 400;

/// What a program answers to each message.
#[derive(Clone, Copy)]
pub(super) enum Answer {
    /// A length (u32, little endian) and so many bytes.
    Packet,
    /// So many bytes.
    Bytes(usize),
}

/// Why there is no answer.
struct Broken {
    reason: String,
    /// No more will come.
    ended: bool,
}

/// A program that answers messages, one by one.
pub(super) struct Conversation {
    codec: &'static str,
    /// "'EVS' (encode)".
    who: String,
    process: Process,
    /// To the thread that writes, so that a program which does not read stops no one; `None` once it is to end.
    messages: Option<Sender<Vec<u8>>>,
    answers: Receiver<Result<Vec<u8>, Broken>>,
    timeout: Duration,
    /// Why there will be no more answers.
    failure: Option<String>,
}

impl Conversation {
    /// Starts the program.
    ///
    /// # Errors
    /// [`Error::Codec`]: it cannot be started.
    pub fn start(
        codec: &'static str,
        who: String,
        command: &[String],
        answer: Answer,
        timeout: Duration,
    ) -> Result<Conversation> {
        let failed = |reason: String| Error::Codec { codec, reason: format!("{who} {reason}") };
        let mut process = Process::start(command, true).map_err(failed)?;
        let (Some(mut stdin), Some(stdout)) = (process.child.stdin.take(), process.child.stdout.take()) else {
            return Err(failed("has no standard input and output".into()));
        };
        let (messages, to_write) = channel::<Vec<u8>>();
        std::thread::spawn(move || {
            // The pipe is closed when it has ended, or when nobody sends any more.
            let _ = to_write.iter().try_for_each(|m| stdin.write_all(&m).and_then(|()| stdin.flush()));
        });
        // Two, so that an answer too many is there to be seen when the next is asked for.
        let (to_answers, answers) = sync_channel(2);
        std::thread::spawn(move || read_answers(stdout, answer, &to_answers));
        Ok(Conversation { codec, who, process, messages: Some(messages), answers, timeout, failure: None })
    }

    /// Sends a message and waits for the answer. Once that fails, it fails for ever after with the same reason.
    ///
    /// # Errors
    /// [`Error::Codec`] with the end of its standard error: no answer in time, not one that the protocol knows, or it ended.
    pub fn ask(&mut self, message: Vec<u8>) -> Result<Vec<u8>> {
        if let Some(failure) = &self.failure {
            return Err(Error::Codec { codec: self.codec, reason: failure.clone() });
        }
        match self.answers.try_recv() {
            Ok(Ok(_)) => return Err(self.fail("answered more than it was asked", false)),
            Ok(Err(broken)) => return Err(self.fail(&broken.reason, broken.ended)),
            Err(_) => {}
        }
        // When it reads no more, what it answered last tells why.
        let _ = self.messages.as_ref().map(|messages| messages.send(message));
        match self.answers.recv_timeout(self.timeout) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(broken)) => Err(self.fail(&broken.reason, broken.ended)),
            Err(RecvTimeoutError::Timeout) => {
                Err(self.fail(&format!("gave no answer within {} s", self.timeout.as_secs_f64()), false))
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.fail("gave no answer", true)),
        }
    }

    /// `ended`: its answers have, so that it will say soon how it ended itself.
    fn fail(&mut self, reason: &str, ended: bool) -> Error {
        self.messages = None;
        let status = if ended { self.process.ends_within(LAST_WORDS) } else { None };
        let ended = status.map(|s| format!(" ({s})")).unwrap_or_default();
        self.process.kill();
        let failure = format!("{} {reason}{ended}{}", self.who, self.process.complaints());
        self.failure = Some(failure.clone());
        Error::Codec { codec: self.codec, reason: failure }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.messages = None;
        if self.process.ends_within(LAST_WORDS).is_none() {
            self.process.kill();
        }
    }
}

/// Runs a command to its end.
///
/// # Errors
/// [`Error::Codec`] with the end of its standard error: it cannot be started, does not end within `timeout`, or says that it
/// failed.
pub(super) fn run(codec: &'static str, who: &str, command: &[String], timeout: Duration) -> Result<()> {
    let failed = |reason: String| Error::Codec { codec, reason: format!("{who} {reason}") };
    let mut process = Process::start(command, false).map_err(failed)?;
    match process.ends_within(timeout) {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(failed(format!("failed ({status}){}", process.complaints()))),
        None => {
            process.kill();
            Err(failed(format!("did not end within {} s{}", timeout.as_secs_f64(), process.complaints())))
        }
    }
}

/// A child process that does not outlive this value.
struct Process {
    child: Child,
    /// The end of what it wrote to standard error so far.
    kept: Arc<Mutex<Vec<u8>>>,
    /// Hangs up when nothing more will come there.
    closed: Receiver<()>,
}

impl Process {
    fn start(command: &[String], talks: bool) -> Result<Process, String> {
        let Some((program, arguments)) = command.split_first() else { return Err("has no command".into()) };
        let pipe = || if talks { Stdio::piped() } else { Stdio::null() };
        let mut command = Command::new(find(program).map_err(|e| format!("cannot be started: {e}"))?);
        command.args(arguments).stdin(pipe()).stdout(pipe()).stderr(Stdio::piped());
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn().map_err(|e| format!("cannot be started: {e}"))?;
        let kept = Arc::new(Mutex::new(Vec::new()));
        let (open, closed) = channel();
        if let Some(stderr) = child.stderr.take() {
            let kept = kept.clone();
            std::thread::spawn(move || keep_end(stderr, &kept, open));
        }
        Ok(Process { child, kept, closed })
    }

    /// How it ended; `None` when it still runs after `limit`.
    fn ends_within(&mut self, limit: Duration) -> Option<ExitStatus> {
        let (mut waited, mut nap) = (Duration::ZERO, Duration::from_micros(200));
        loop {
            match self.child.try_wait() {
                Ok(None) if waited < limit => {}
                status => return status.ok().flatten(),
            }
            std::thread::sleep(nap);
            waited += nap;
            nap = (nap * 2)
                .min(Duration::from_millis(20))
                .min(limit.saturating_sub(waited).max(Duration::from_millis(1)));
        }
    }

    /// Ends it, if it still runs, with all that it has started.
    fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            #[cfg(unix)]
            {
                // The standard library knows no process groups.
                let mut kill = Command::new("sh");
                kill.args(["-c", &format!("kill -9 -{}", self.child.id())]);
                kill.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
                let _ = kill.status();
            }
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    /// "; its stderr: ..." with the last lines; "; its stderr is empty".
    fn complaints(&self) -> String {
        let _ = self.closed.recv_timeout(LAST_WORDS / 4);
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let plain = |line: &str| line.chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned();
        let lines: Vec<String> = text.lines().map(plain).filter(|line| !line.is_empty()).collect();
        let last = lines[lines.len().saturating_sub(TOLD_LINES)..].join(" / ");
        let skipped = last.chars().count().saturating_sub(TOLD_CHARS);
        match last.as_str() {
            "" => "; its stderr is empty".into(),
            last => format!("; its stderr: {}", last.chars().skip(skipped).collect::<String>()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Keeps the end of what comes, so that a talkative program neither stops nor fills the memory. `_open` hangs up at the end.
fn keep_end(mut from: impl Read, kept: &Mutex<Vec<u8>>, _open: Sender<()>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&buffer[..count]);
        let surplus = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..surplus);
    }
}

/// One answer after the other, until they end or one is none; why is the last that is sent.
fn read_answers(mut from: impl Read, answer: Answer, to: &SyncSender<Result<Vec<u8>, Broken>>) {
    loop {
        let read = read_answer(&mut from, answer);
        let last = read.is_err();
        if to.send(read).is_err() || last {
            return;
        }
    }
}

fn read_answer(from: &mut impl Read, answer: Answer) -> Result<Vec<u8>, Broken> {
    match answer {
        Answer::Bytes(count) => exactly(from, count, "frame"),
        Answer::Packet => {
            let length = exactly(from, 4, "length")?;
            let length = length.iter().rev().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
            if length > MAX_PACKET {
                let most = format!("more than the {MAX_PACKET} that one may have");
                return Err(Broken { reason: format!("announced a packet of {length} bytes, {most}"), ended: false });
            }
            exactly(from, length as usize, "packet")
        }
    }
}

fn exactly(from: &mut impl Read, count: usize, what: &str) -> Result<Vec<u8>, Broken> {
    let mut bytes = Vec::with_capacity(count);
    let _ = from.take(count as u64).read_to_end(&mut bytes);
    match bytes.len() {
        n if n == count => Ok(bytes),
        0 => Err(Broken { reason: "ended its answers".into(), ended: true }),
        n => Err(Broken { reason: format!("gave {n} of the {count} bytes of a {what}"), ended: true }),
    }
}
