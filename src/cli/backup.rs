//! `flashsale backup`: a copy of the database while it is served. The copy is verified before it gets its name, replaces
//! no file that has the name, and is marked as a copy, which is read and never served.
//!
//! The database itself is opened by SQLite alone: closing any other descriptor of it would take this process's locks away.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::checks;
use super::cli_error::{CliError, cannot_open};
use super::database::open;
use super::report::Report;
use super::staged_file::StagedFile;
use crate::clock::Clock;
use crate::config::Config;
use crate::store::{Access, Check};

#[derive(Args)]
pub struct Backup {
    /// The copy; nothing may be there yet
    #[arg(value_name = "DEST")]
    dest: PathBuf,
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Copied {
    path: String,
    bytes: u64,
    /// False: a check is broken, and no copy was made.
    ok: bool,
    checks: Vec<Check>,
}

impl Backup {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let database = open(config, Access::Read)?;
        let cannot = |error| cannot_open(config, &error);
        let books = database.books().map_err(cannot)?;
        books.ensure_can_be_copied().map_err(cannot)?;
        let staged = StagedFile::new(&self.dest, ".flashsale-backup-")?;
        staged.copy(&*books)?;
        database.ensure_was_still().map_err(cannot)?;
        let checks = staged.verify()?;
        let copied = Copied {
            path: self.dest.display().to_string(),
            bytes: staged.bytes()?,
            ok: checks::are_ok(&checks),
            checks,
        };
        if copied.ok {
            staged.publish()?;
            if let Err(error) = database.note_backup(Clock::system().wall()) {
                log::debug!("that a backup was made cannot be noted beside the database: {error}");
            }
        }
        self.report.print(&copied.text(), &copied)?;
        Ok(checks::exit_code(copied.ok))
    }
}

impl Copied {
    fn text(&self) -> String {
        if self.ok {
            return format!("{}: {} bytes, verified", self.path, self.bytes);
        }
        checks::drift(&self.checks, &self.path, "the books")
    }
}
