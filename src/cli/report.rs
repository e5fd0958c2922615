//! How commands print their results, on stdout, as text or as JSON; and how they wait for a database that is busy or away.

use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::cli_error::CliError;
use super::exit_status::{INTERNAL, IO_ERROR};
use crate::store::{Decision, StoreError};

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

const WAIT_MAX: Duration = Duration::from_secs(10);
/// A busy server leaves gaps that are no longer than that.
const BUSY_POLL: Duration = Duration::from_millis(1);
const AWAY_POLL: Duration = Duration::from_millis(50);

/// Tries again, for a while, as long as another process writes or the store cannot be reached.
pub fn retry_while_busy<T>(
    mut attempt: impl FnMut() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let until = Instant::now() + WAIT_MAX;
    loop {
        let attempted = attempt();
        let poll = match attempted {
            Err(StoreError::Busy) => BUSY_POLL,
            Err(StoreError::Away(_)) => AWAY_POLL,
            done => return done,
        };
        if Instant::now() >= until {
            return attempted;
        }
        thread::sleep(poll);
    }
}

/// The decisions of a transaction that its store left in doubt, asked for like any other thing. `Away` if nothing of it was
/// applied, as it is worth another attempt; `InDoubt` if the store does not tell.
pub fn settled(
    why: String,
    settle: impl FnMut() -> Result<Option<Vec<Decision>>, StoreError>,
) -> Result<Vec<Decision>, StoreError> {
    match retry_while_busy(settle) {
        Ok(Some(decisions)) => Ok(decisions),
        Ok(None) => Err(StoreError::Away(why)),
        Err(StoreError::Busy | StoreError::Away(_)) => Err(StoreError::InDoubt(why)),
        Err(failure) => Err(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn away() -> StoreError {
        StoreError::Away("no route".into())
    }

    #[test]
    fn a_store_that_is_away_for_a_moment_is_asked_again() {
        let mut attempts = [Err(away()), Err(StoreError::Busy), Ok(7)].into_iter();
        assert_eq!(retry_while_busy(|| attempts.next().unwrap()).unwrap(), 7);
    }

    #[test]
    fn doubt_is_settled_and_what_was_not_applied_is_worth_another_attempt() {
        let mut answers = [Err(away()), Ok(Some(Vec::new()))].into_iter();
        let committed = settled("reset".into(), || answers.next().unwrap());
        assert_eq!(committed.unwrap(), []);
        let mut answers = [Err(StoreError::Busy), Ok(None)].into_iter();
        let rolled_back = settled("reset".into(), || answers.next().unwrap());
        assert!(matches!(rolled_back, Err(StoreError::Away(_))));
    }
}
