//! A process of the real binary that may end at any time, or, if it is broken, never.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

/// Whatever takes longer hangs.
pub const HANG_MAX: Duration = Duration::from_secs(90);

pub struct Process {
    id: Pid,
    first_line: Receiver<String>,
    exit: Receiver<Exit>,
}

pub struct Exit {
    /// `None`: it was killed.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    pub fn start(command: &mut Command) -> Process {
        let command = command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let id = Pid::from_child(&child);
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let (line_sender, first_line) = mpsc::channel();
        let printed = thread::spawn(move || {
            let mut text = String::new();
            if stdout.read_line(&mut text).unwrap() > 0 {
                let _ = line_sender.send(text.trim().to_owned());
            }
            drop(line_sender);
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let (exit_sender, exit) = mpsc::channel();
        thread::spawn(move || {
            let mut stderr = Vec::new();
            let mut log = child.stderr.take().unwrap();
            log.read_to_end(&mut stderr).unwrap();
            let stdout = printed.join().unwrap();
            let code = child.wait().unwrap().code();
            let stderr = String::from_utf8_lossy(&stderr).into_owned();
            let _ = exit_sender.send(Exit {
                code,
                stdout,
                stderr,
            });
        });
        Process {
            id,
            first_line,
            exit,
        }
    }

    /// `None`: it ended without one.
    pub fn first_line(&self) -> Result<Option<String>, String> {
        match self.first_line.recv_timeout(HANG_MAX) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.hangs("at its start")),
        }
    }

    pub fn signal(&self, signal: Signal) {
        // It may have ended before.
        let _ = kill_process(self.id, signal);
    }

    pub fn exit(self) -> Result<Exit, String> {
        let exit = self.exit.recv_timeout(HANG_MAX);
        exit.map_err(|_| self.hangs("at its end"))
    }

    fn hangs(&self, when: &str) -> String {
        self.signal(Signal::KILL);
        let log = self.exit.recv().map(|exit| exit.stderr);
        format!("it hangs {when}: {}", log.unwrap_or_default())
    }
}

impl Exit {
    /// One that the handbook knows, with a sentence where it is no success.
    pub fn is_told(&self, expected: &[i32]) -> Result<(), String> {
        let Exit { code, stderr, .. } = self;
        let code = code.ok_or_else(|| format!("it was killed: {stderr}"))?;
        let has_sentence = || stderr.lines().any(|line| line.starts_with("flashsale: "));
        if stderr.contains("panicked") {
            Err(format!("it panicked: {stderr}"))
        } else if !expected.contains(&code) {
            Err(format!("it ended with {code}: {stderr}"))
        } else if code != 0 && !has_sentence() {
            Err(format!("it ended with {code}, and says not why: {stderr}"))
        } else {
            Ok(())
        }
    }
}
