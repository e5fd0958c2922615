//! The command line. Each command has a file of its own; `cli_error.rs` says with which status it ends.

mod access_log;
mod backup;
mod catalogue;
mod checks;
mod cli_error;
mod clock;
mod copy;
mod database;
mod exit_status;
mod export;
mod front_limits;
mod global_args;
mod health;
mod key_flags;
mod log_writer;
mod logging;
mod packaging;
mod rehearse;
mod report;
mod restore;
mod seed;
mod seed_report;
mod serve;
mod server_end;
mod service_manager;
mod staged_file;
mod sweep_holds;
mod usage;
mod verify;

use std::panic::{self, AssertUnwindSafe};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{CommandFactory, Parser, Subcommand};
use signal_hook::consts::SIGXFSZ;

use crate::config::Flags;

#[cfg(feature = "test-support")]
pub use catalogue::{BadRows, InputFormat, Row, read as read_catalogue};

use cli_error::CliError;
use exit_status::INTERNAL;
use global_args::GlobalArgs;

/// A flash-sale server: one binary, one SQLite file. It sells a limited stock to a crowd, never oversells, never loses an
/// acknowledged write, and proves it.
#[derive(Parser)]
#[command(name = "flashsale", version, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(flatten)]
    Configured(Configured),
    /// Rehearse the sale on this machine: a copy of the catalogue, the real server, a crowd of simulated buyers
    #[command(after_help = "Example: flashsale rehearse --buyers 20000 --report rehearsal.html")]
    Rehearse(rehearse::Rehearse),
    /// Print the completions of a shell, for packagers
    #[command(
        after_help = "Example: flashsale completions bash > /etc/bash_completion.d/flashsale"
    )]
    Completions(packaging::Completions),
    /// Print the manual page, for packagers
    #[command(after_help = "Example: flashsale man > /usr/local/share/man/man1/flashsale.1")]
    Man,
}

/// Commands that read the configuration.
#[derive(Subcommand)]
enum Configured {
    /// Serve the API until SIGINT, SIGTERM or SIGHUP
    #[command(after_help = "Example: flashsale serve --db shop.db --listen 127.0.0.1:9000")]
    Serve(serve::Serve),
    /// Load products from CSV or JSON, or the sample catalogue
    #[command(after_help = "Example: flashsale seed --dry-run products.csv")]
    Seed(seed::Seed),
    /// End holds and unpaid orders past their deadlines
    #[command(after_help = "Example: flashsale sweep-holds --format json")]
    SweepHolds(sweep_holds::SweepHolds),
    /// Prove the books; exits with 1 on any drift
    #[command(after_help = "Example: flashsale verify --quick")]
    Verify(verify::Verify),
    /// Copy the database while it is served, and verify the copy
    #[command(after_help = "Example: flashsale backup backups/today.db")]
    Backup(backup::Backup),
    /// Make a database to serve out of a backup; no id is ever given twice
    #[command(after_help = "Example: flashsale restore backups/today.db shop.db")]
    Restore(restore::Restore),
    /// Move a sale from a file to a PostgreSQL server, or back
    #[command(after_help = "Example: flashsale copy flash_sale.db -")]
    Copy(copy::Copy),
    /// Show the sale's time beside the wall clock's, or return to that
    #[command(after_help = "Example: flashsale clock --set-back")]
    Clock(clock::ShowClock),
    /// Print orders, holds, payments, reversals, movements or events as CSV or JSON lines
    #[command(after_help = "Example: flashsale export orders --format csv --bom > orders.csv")]
    Export(export::Export),
    /// Ask a server whether it is well; exits with 1 if it is not
    #[command(after_help = "Example: flashsale health --url http://127.0.0.1:9000/readyz")]
    Health(health::Health),
}

/// Runs the command that the command line names.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::print(&error),
    };
    let ended = without_panics(|| {
        report_writes_that_are_too_large()?;
        arguments.run()
    });
    let last = ended
        .as_ref()
        .err()
        .map(|error| format!("flashsale: {}", error.message));
    logging::finish_with(last.as_deref());
    ended.unwrap_or_else(|error| ExitCode::from(error.code))
}

/// A panic is a bug. Caught here, it is in the log before the process ends.
fn without_panics(run: impl FnOnce() -> Result<ExitCode, CliError>) -> Result<ExitCode, CliError> {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let message =
            "an internal error, which the log shows, has ended the command; please report it";
        Err(CliError::new(INTERNAL, message))
    })
}

/// A write past the limit on file sizes (RLIMIT_FSIZE) becomes an error, like that of a full disk, instead of a signal that
/// ends the process.
fn report_writes_that_are_too_large() -> Result<(), CliError> {
    signal_hook::flag::register(SIGXFSZ, Arc::default())
        .map(|_| ())
        .map_err(|error| CliError::new(INTERNAL, format!("signals: {error}")))
}

impl Arguments {
    fn run(self) -> Result<ExitCode, CliError> {
        match self.command {
            Command::Configured(command) => command.run(&self.global),
            Command::Rehearse(rehearse) => rehearse.run(&self.global),
            Command::Completions(completions) => completions.run(Arguments::command()),
            Command::Man => packaging::print_manual(Arguments::command()),
        }
    }
}

impl Configured {
    fn run(self, global: &GlobalArgs) -> Result<ExitCode, CliError> {
        let flags = if let Configured::Serve(serve) = &self {
            serve.flags()
        } else {
            Flags::new()
        };
        let config = global.config(flags)?;
        match self {
            Configured::Serve(serve) => serve.run(&config),
            Configured::Seed(seed) => seed.run(&config),
            Configured::SweepHolds(sweep) => sweep.run(&config),
            Configured::Verify(verify) => verify.run(&config),
            Configured::Backup(backup) => backup.run(&config),
            Configured::Restore(restore) => restore.run(&config),
            Configured::Copy(copy) => copy.run(&config),
            Configured::Clock(clock) => clock.run(&config),
            Configured::Export(export) => export.run(&config),
            Configured::Health(health) => health.run(&config),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_internal_failure() {
        let ended = without_panics(|| panic!("a test's panic"));
        assert_eq!(ended.unwrap_err().code, INTERNAL);
        assert!(without_panics(|| Ok(ExitCode::SUCCESS)).is_ok());
    }
}
