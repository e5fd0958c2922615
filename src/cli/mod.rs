//! The command line: what can be asked of the program, and with which status it ends. One small file a command.

mod access_log;
mod backup;
mod catalogue;
mod clock;
mod export;
mod front_limits;
mod logging;
mod report;
mod restore;
mod seed;
mod seed_report;
mod serve;
mod service_manager;
mod staged_file;
mod sweep_holds;
mod usage;
mod verify;

use std::io;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use signal_hook::consts::SIGXFSZ;

use crate::config::{self, Config, ConfigError, Flags};
use crate::store::StoreError;
use crate::store::sqlite::{Access, Database, Durability, OpenError};

/// A flash-sale server: one binary, one SQLite file. It sells a limited stock to a crowd, never oversells, never loses an
/// acknowledged write, and proves it.
#[derive(Parser)]
#[command(name = "flashsale", version, arg_required_else_help = true)]
struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Place {
    /// Configuration file [default: flash_sale.toml in the working directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", display_order = 100)]
    config: Option<PathBuf>,
    /// Database file [default: flash_sale.db]
    #[arg(long, global = true, value_name = "FILE", display_order = 101)]
    db: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API until SIGINT, SIGTERM or SIGHUP
    Serve(serve::Serve),
    /// Load products from CSV or JSON, or the sample catalogue
    Seed(seed::Seed),
    /// End holds and unpaid orders past their deadlines
    SweepHolds(sweep_holds::SweepHolds),
    /// Prove the books; exits with 1 on any drift
    Verify(verify::Verify),
    /// Copy the database while it is served, and verify the copy
    Backup(backup::Backup),
    /// Make a database to serve out of a backup; no id is ever given twice
    Restore(restore::Restore),
    /// Show the sale's time beside the wall clock's, or return to that
    Clock(clock::ShowClock),
    /// Print orders, holds, payments or movements as CSV or JSON lines
    Export(export::Export),
}

/// How a command can end badly: an exit status of sysexits.h, and a sentence.
#[derive(Debug)]
struct CliError {
    code: u8,
    message: String,
}

impl CliError {
    fn new(code: u8, message: impl Into<String>) -> CliError {
        CliError {
            code,
            message: message.into(),
        }
    }
}

const FOUND_A_PROBLEM: u8 = 1;
const USAGE: u8 = 2;
const BAD_DATA: u8 = 65;
const INPUT_MISSING: u8 = 66;
const CANNOT_LISTEN: u8 = 69;
const INTERNAL: u8 = 70;
const CANNOT_CREATE: u8 = 73;
const IO_ERROR: u8 = 74;
const BUSY: u8 = 75;
const NOT_PERMITTED: u8 = 77;
const CONFIGURATION: u8 = 78;

/// Runs what the command line asks for.
pub fn run() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage::told(&error),
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

/// A panic is a bug of ours. Without this the process would end before the log has told it.
fn without_panics(run: impl FnOnce() -> Result<ExitCode, CliError>) -> Result<ExitCode, CliError> {
    panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|_| {
        let message = "it ends at an error of its own, which the log tells; please report it";
        Err(CliError::new(INTERNAL, message))
    })
}

/// A write past the limit on file sizes is an error like a full disk, and not the end of the process.
fn report_writes_that_are_too_large() -> Result<(), CliError> {
    signal_hook::flag::register(SIGXFSZ, Arc::default())
        .map(|_| ())
        .map_err(|error| CliError::new(INTERNAL, format!("signals: {error}")))
}

impl Arguments {
    fn run(self) -> Result<ExitCode, CliError> {
        match self.command {
            Command::Serve(serve) => serve.run(&self.place.config(serve.flags())?),
            Command::Seed(seed) => seed.run(&self.place.config(Flags::new())?),
            Command::SweepHolds(sweep) => sweep.run(&self.place.config(Flags::new())?),
            Command::Verify(verify) => verify.run(&self.place.config(Flags::new())?),
            Command::Backup(backup) => backup.run(&self.place.config(Flags::new())?),
            Command::Restore(restore) => restore.run(&self.place.config(Flags::new())?),
            Command::Clock(clock) => clock.run(&self.place.config(Flags::new())?),
            Command::Export(export) => export.run(&self.place.config(Flags::new())?),
        }
    }
}

impl Place {
    fn config(&self, mut flags: Flags) -> Result<Config, CliError> {
        if let Some(db) = &self.db {
            flags.insert("db", db.clone());
        }
        let environment = environment()?;
        let (config, warnings) =
            config::load(self.config.as_deref(), environment.into_iter(), &flags)?;
        logging::start(config.json_log);
        for warning in warnings {
            log::warn!("{warning}");
        }
        Ok(config)
    }
}

/// Our variables. One that is no text cannot be understood, and is not ignored.
fn environment() -> Result<Vec<(String, String)>, CliError> {
    let ours =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with(config::ENVIRONMENT_PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(CliError::new(
                CONFIGURATION,
                format!("environment, {name}: it is not UTF-8"),
            )),
        })
        .collect()
}

fn open(config: &Config, access: Access) -> Result<Database, CliError> {
    Database::open(&config.db, access).map_err(|error| cannot_open(config, &error))
}

fn cannot_open(config: &Config, error: &OpenError) -> CliError {
    let code = match error {
        OpenError::Missing => INPUT_MISSING,
        OpenError::Symlink
        | OpenError::HardLinked { .. }
        | OpenError::MountedAlone
        | OpenError::ForeignLog(_) => CONFIGURATION,
        OpenError::NotPermitted(_) => NOT_PERMITTED,
        OpenError::NotOurs
        | OpenError::Damaged(_)
        | OpenError::Newer { .. }
        | OpenError::SchemaDiffers(_) => BAD_DATA,
        OpenError::Older | OpenError::Busy | OpenError::Changed | OpenError::Served => BUSY,
        OpenError::CannotCreate(_) => CANNOT_CREATE,
        OpenError::Unreadable(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            NOT_PERMITTED
        }
        OpenError::Copy => CONFIGURATION,
        OpenError::NoRandomness(_) => INTERNAL,
        OpenError::Unreadable(_)
        | OpenError::Readers(_)
        | OpenError::Sqlite(_)
        | OpenError::Refused { .. }
        | OpenError::Displaced(_) => IO_ERROR,
    };
    CliError::new(code, format!("{}: {error}", config.db.display()))
}

fn durability(config: &Config) -> Durability {
    if config.full_durability {
        Durability::Full
    } else {
        Durability::Normal
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> CliError {
        let code = match error {
            ConfigError::Missing { .. } => INPUT_MISSING,
            ConfigError::Unreadable { .. } | ConfigError::Invalid(_) => CONFIGURATION,
        };
        CliError::new(code, error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(failure: StoreError) -> CliError {
        let code = match failure {
            StoreError::Busy | StoreError::Migrated => BUSY,
            StoreError::NotApplied(_) | StoreError::Unknown(_) | StoreError::Displaced(_) => {
                IO_ERROR
            }
            StoreError::Broken(_) => INTERNAL,
            StoreError::Corrupt(_) => BAD_DATA,
        };
        CliError::new(code, failure.to_string())
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
