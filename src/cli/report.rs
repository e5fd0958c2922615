//! How commands print their results, on stdout, as text or as JSON; and how they wait for a database that is busy.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cli_error::CliError;
use super::exit_status::{INTERNAL, IO_ERROR};
use crate::store::StoreError;

#[derive(Args)]
pub struct Report {
    /// How to print the result
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    Json,
}

impl Report {
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints `text`, or `result` as a JSON object.
    pub fn print(&self, text: &str, result: &impl Serialize) -> Result<(), CliError> {
        match self.format {
            Format::Text => print_line(text),
            Format::Json => {
                let json = serde_json::to_string(result)
                    .map_err(|error| CliError::new(INTERNAL, error.to_string()))?;
                print_line(&json)
            }
        }
    }
}

pub fn print_line(line: &str) -> Result<(), CliError> {
    let mut stdout = io::stdout().lock();
    let printed = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    printed.map_err(|error| CliError::new(IO_ERROR, format!("stdout: {error}")))
}

/// An error is ignored: the command has done its work.
pub fn print_to_stderr(lines: &str) {
    io::stderr().lock().write_all(lines.as_bytes()).ok();
}

const BUSY_MAX: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(1);

/// Tries again each millisecond while another process writes: a busy server leaves gaps that are no longer than that.
pub fn retry_while_busy<T>(
    mut attempt: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let until = Instant::now() + BUSY_MAX;
    loop {
        match attempt() {
            Err(StoreError::Busy) if Instant::now() < until => thread::sleep(POLL),
            done => return done,
        }
    }
}
