//! `flashsale verify`: proves that the books add up, on a database that is being served too.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::checks;
use super::cli_error::{CliError, cannot_open};
use super::database::open;
use super::report::Report;
use crate::config::Config;
use crate::store::{Access, Check, Depth};

#[derive(Args)]
pub struct Verify {
    /// Leave out SQLite's integrity_check, which reads the whole file
    #[arg(long)]
    quick: bool,
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Verified {
    ok: bool,
    checks: Vec<Check>,
}

impl Verify {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let database = open(config, Access::Read)?;
        let cannot = |error| cannot_open(config, &error);
        let checks = database.books().map_err(cannot)?.audit(if self.quick {
            Depth::Quick
        } else {
            Depth::Full
        })?;
        database.ensure_was_still().map_err(cannot)?;
        let verified = Verified {
            ok: checks::are_ok(&checks),
            checks,
        };
        self.report.print(&verified.text(), &verified)?;
        Ok(checks::exit_code(verified.ok))
    }
}

impl Verified {
    fn text(&self) -> String {
        let mut lines: Vec<String> = self.checks.iter().map(checks::line).collect();
        lines.push(if self.ok {
            "The books are right.".into()
        } else {
            "The books have drifted.".into()
        });
        lines.join("\n")
    }
}
