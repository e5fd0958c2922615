//! The server that is rehearsed with: this program itself, as a child process, with the real configuration but for the
//! database and the address.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, bounded};
use rustix::process::{Pid, Signal, kill_process};

use super::interruption::Interruption;
use crate::cli::cli_error::CliError;
use crate::cli::exit_status::{CANNOT_LISTEN, INTERNAL};
use crate::config::ENVIRONMENT_PREFIX;
use crate::store::Place;

pub struct RehearsedServer {
    child: Child,
    pub address: SocketAddr,
    log: Log,
}

/// The last lines that it has logged.
type Log = Arc<Mutex<VecDeque<String>>>;

const LINES_KEPT: usize = 20;
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);
/// What a service manager has set for this process alone.
const NOT_INHERITED: [&str; 5] = [
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

impl RehearsedServer {
    /// With these keys set otherwise.
    pub fn start(
        database: &Place,
        config_file: Option<&Path>,
        settings: &[(&str, &str)],
        interruption: &Interruption,
    ) -> Result<RehearsedServer, CliError> {
        let failed = |why: String| {
            CliError::new(
                INTERNAL,
                format!("the rehearsal's server cannot be started: {why}"),
            )
        };
        let program = std::env::current_exe().map_err(|error| failed(error.to_string()))?;
        let mut command = Command::new(program);
        command.arg("serve").args(["--listen", "127.0.0.1:0"]);
        match database {
            Place::File(path) => command.arg("--db").arg(path),
            // Every user of the machine sees arguments.
            #[cfg(feature = "postgres")]
            Place::Server(url) => command.env(format!("{ENVIRONMENT_PREFIX}DB"), url.exposed()),
        };
        if let Some(file) = config_file {
            command.arg("--config").arg(file);
        }
        for (key, value) in settings {
            let name = format!("{ENVIRONMENT_PREFIX}{}", key.to_uppercase());
            command.env(name, value);
        }
        for name in NOT_INHERITED {
            command.env_remove(name);
        }
        // Of a group of its own, so that Ctrl-C reaches this process alone, which then ends the server in order.
        let spawned = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut child = spawned.map_err(|error| failed(error.to_string()))?;
        let log = follow(child.stderr.take());
        let stdout = child.stdout.take();
        let mut server = RehearsedServer {
            child,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            log,
        };
        server.address = server.wait_for_address(stdout, interruption)?;
        Ok(server)
    }

    fn wait_for_address(
        &mut self,
        stdout: Option<impl Read + Send + 'static>,
        interruption: &Interruption,
    ) -> Result<SocketAddr, CliError> {
        let (sender, lines) = bounded(1);
        thread::spawn(move || {
            let mut line = String::new();
            if let Some(stdout) = stdout {
                BufReader::new(stdout).read_line(&mut line).ok();
            }
            sender.send(line).ok();
        });
        let until = Instant::now() + START_MAX;
        loop {
            interruption.check()?;
            match lines.recv_timeout(POLL) {
                Err(RecvTimeoutError::Timeout) if Instant::now() < until => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(self.did_not_start(None));
                }
                Ok(line) => {
                    let address = line.trim().strip_prefix("listening on http://");
                    let address = address.and_then(|address| address.parse().ok());
                    return address.ok_or_else(|| {
                        let status = self.child.wait().ok();
                        self.did_not_start(status)
                    });
                }
            }
        }
    }

    /// Ends as the server did.
    fn did_not_start(&self, status: Option<ExitStatus>) -> CliError {
        let code = status.and_then(|status| status.code());
        let code = code.and_then(|code| u8::try_from(code).ok());
        let message = format!(
            "the rehearsal's server did not start: {}",
            self.last_lines()
        );
        CliError::new(
            code.filter(|code| *code > 0).unwrap_or(CANNOT_LISTEN),
            message,
        )
    }

    pub fn id(&self) -> String {
        self.child.id().to_string()
    }

    /// Whether it serves no longer, and what it said last.
    pub fn has_ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(format!("{status}; {}", self.last_lines()))
    }

    /// An orderly end, after which the database is one file. It is killed if a signal comes, or if it takes too long.
    pub fn stop(mut self, interruption: &Interruption) -> Result<(), CliError> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM).ok();
        }
        let until = Instant::now() + STOP_MAX;
        while Instant::now() < until {
            interruption.check()?;
            if let Ok(Some(_)) = self.child.try_wait() {
                return Ok(());
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn last_lines(&self) -> String {
        let lines = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let lines: Vec<&str> = lines.iter().rev().take(2).map(String::as_str).collect();
        match lines[..] {
            [] => "it logged nothing".into(),
            [last] => last.into(),
            [last, before, ..] => format!("{before}; {last}"),
        }
    }
}

/// Killed if it still runs: what it has not written by then, nobody needs.
impl Drop for RehearsedServer {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Its log is read to its end, so that it never waits for a reader.
fn follow(stderr: Option<impl Read + Send + 'static>) -> Log {
    let log = Log::default();
    let kept = log.clone();
    thread::spawn(move || {
        let Some(stderr) = stderr else {
            return;
        };
        let lines = BufReader::new(stderr).split(b'\n').map_while(Result::ok);
        for line in lines {
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() == LINES_KEPT {
                kept.pop_front();
            }
            kept.push_back(String::from_utf8_lossy(&line).into_owned());
        }
    });
    log
}
