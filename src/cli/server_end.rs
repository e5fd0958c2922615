//! How a server ends: what is waited for, the drain, and the status that the process leaves with.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, at, select, tick};

use super::cli_error::CliError;
use super::exit_status::{BAD_DATA, BUSY, INTERNAL, IO_ERROR};
use super::service_manager::Watchdog;
use crate::config::Config;
use crate::http::Server;
use crate::writer::{Writer, WriterExit};

/// How often the wall clock, which may be stepped, is published for other processes.
const PUBLISH_CLOCK_EVERY: Duration = Duration::from_secs(2);
/// How long the writer may take to end after it was asked to.
const WRITER_END_MAX: Duration = Duration::from_secs(10);

/// Why a server serves no longer.
#[derive(Clone, Copy)]
pub enum ServerEnd {
    Signal,
    /// The writer has ended by itself, or died without an exit.
    Writer(Option<WriterExit>),
    /// A thread that serves connections has died.
    Front,
}

pub fn wait_for_end(
    server: &Server,
    writer: &Writer,
    writer_ended: &Receiver<WriterExit>,
    signals: &Receiver<i32>,
    publish_clock: impl Fn(),
) -> ServerEnd {
    let mut watchdog = Watchdog::new(server.stopper(), writer.clone());
    let publish_clock_at = tick(PUBLISH_CLOCK_EVERY);
    loop {
        select! {
            recv(signals) -> signal => {
                log::info!("signal {}: requests that have begun are answered, then the server stops", signal.unwrap_or(0));
                return ServerEnd::Signal;
            }
            recv(writer_ended) -> ended => return ServerEnd::Writer(ended.ok()),
            recv(server.drained()) -> _ => return ServerEnd::Front,
            recv(watchdog.ticks()) -> _ => watchdog.check(),
            recv(publish_clock_at) -> _ => publish_clock(),
        }
    }
}

/// Lets requests that have begun end, and returns whether they did. At a second signal the connections are closed at once:
/// their clients miss answers, and no commit is lost.
pub fn drain_front(server: &Server, signals: &Receiver<i32>) -> bool {
    server.stopper().stop();
    let mut all_answered = true;
    loop {
        select! {
            recv(server.drained()) -> _ => return all_answered,
            recv(signals) -> signal => {
                log::info!("signal {}: connections are closed without waiting for their requests", signal.unwrap_or(0));
                server.stopper().stop_now();
                all_answered = false;
            }
        }
    }
}

/// Has the writer empty the write-ahead log, until `by` or another signal, and end.
pub fn drain_writer(
    writer: &Writer,
    ended: &Receiver<WriterExit>,
    signals: &Receiver<i32>,
    by: Instant,
) -> Option<WriterExit> {
    writer.stop(by);
    let overdue = at(by.max(Instant::now()) + WRITER_END_MAX);
    loop {
        select! {
            recv(ended) -> ended => return ended.ok(),
            recv(signals) -> _ => writer.stop(Instant::now()),
            recv(overdue) -> _ => return None,
        }
    }
}

/// The process's status after `end`, when the writer ended as `writer` says.
pub fn report_end(
    config: &Config,
    end: ServerEnd,
    writer: Option<WriterExit>,
) -> Result<ExitCode, CliError> {
    let db = &config.db;
    let failed = |code, sentence: String| Err(CliError::new(code, sentence));
    match (writer, end) {
        (Some(WriterExit::Drained | WriterExit::LogLeft), ServerEnd::Front) => failed(
            INTERNAL,
            format!(
                "a thread that serves connections failed; all that was acknowledged is in {db}"
            ),
        ),
        (Some(WriterExit::Drained), _) => {
            log::info!("stopped; all that was acknowledged is in {db}");
            Ok(ExitCode::SUCCESS)
        }
        (Some(WriterExit::LogLeft), _) => {
            log::warn!(
                "stopped; the write-ahead log could not be emptied, as another process is reading: the database is two files, \
                 {db} and {db}-wal, until the next start"
            );
            Ok(ExitCode::SUCCESS)
        }
        (Some(WriterExit::Unknown), _) => failed(
            IO_ERROR,
            "a commit failed, and its outcome is not known; the next start finds out what is in the database".into(),
        ),
        (Some(WriterExit::Corrupt), _) => failed(
            BAD_DATA,
            "the database is damaged, and nothing more was written to it".into(),
        ),
        (Some(WriterExit::Displaced), _) => failed(
            IO_ERROR,
            format!("{db} is no longer the file that was served, and nothing more was written"),
        ),
        (Some(WriterExit::Outdated), _) => failed(
            BUSY,
            format!("{db} was migrated by a newer flashsale, and nothing more was written to it"),
        ),
        (None, _) => failed(
            INTERNAL,
            "the thread that writes to the database failed or did not end in time; all that was acknowledged is durable".into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_status() {
        let status = |end, writer| {
            let reported = report_end(&Config::default(), end, writer);
            reported.err().map(|error| error.code)
        };
        for (writer, expected) in [
            (Some(WriterExit::Drained), None),
            (Some(WriterExit::LogLeft), None),
            (Some(WriterExit::Unknown), Some(74)),
            (Some(WriterExit::Corrupt), Some(65)),
            (Some(WriterExit::Displaced), Some(74)),
            (Some(WriterExit::Outdated), Some(75)),
            (None, Some(70)),
        ] {
            assert_eq!(status(ServerEnd::Signal, writer), expected);
            assert_eq!(status(ServerEnd::Writer(writer), writer), expected);
        }
        let drained = Some(WriterExit::Drained);
        assert_eq!(
            status(ServerEnd::Front, drained),
            Some(70),
            "a thread that serves connections died"
        );
    }
}
