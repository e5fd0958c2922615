//! `flashsale restore`: a database to serve out of a backup, or of any flashsale database that is not being served. DEST is
//! verified before it gets its name, and replaces nothing.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::checks;
use super::cli_error::{CliError, cannot_open};
use super::exit_status::{BAD_DATA, INTERNAL};
use super::report::Report;
use super::staged_file::StagedFile;
use crate::config::Config;
use crate::store::{self, Check, Place, RestoreError, Restored};

#[derive(Args)]
pub struct Restore {
    /// What to restore from: a backup, or a database that is not being served
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The database to serve; nothing may be there yet
    #[arg(value_name = "DEST")]
    dest: PathBuf,
    /// How many ids of holds, orders, payments and events to skip, at least as many as were given out after the backup, from 1 to
    /// 1000000000 [default: a random number between 1000000 and 2000000]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=SKIP_IDS_MAX))]
    skip_ids: Option<i64>,
    #[command(flatten)]
    report: Report,
}

const SKIP_IDS_MAX: i64 = 1_000_000_000;
const SKIP_IDS_DEFAULT_MIN: u64 = 1_000_000;
const SKIP_IDS_DEFAULT_MAX: u64 = 2_000_000;

#[derive(Serialize)]
struct Printed {
    path: String,
    /// False: a check is broken, and no database was made.
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(flatten)]
    restored: Option<Restored>,
    checks: Vec<Check>,
}

impl Restore {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let source_config = Config {
            db: Place::File(self.file.clone()),
            ..config.clone()
        };
        let staged = StagedFile::new(&self.dest, ".flashsale-restore-")?;
        let cannot_open = |error| cannot_open(&source_config, &error);
        let source = store::open_source(&self.file, staged.folder()).map_err(cannot_open)?;
        staged.copy(&*source.books().map_err(cannot_open)?)?;
        source.ensure_was_still().map_err(cannot_open)?;
        drop(source);

        let checks = staged.verify()?;
        if !checks::are_ok(&checks) {
            return self.print_drift(checks);
        }
        let restored = staged.open()?.make_servable(self.skip_ids()?);
        let restored = restored.map_err(|error| match error {
            RestoreError::OutOfIds { .. } => {
                CliError::new(BAD_DATA, format!("{}: {error}", self.file.display()))
            }
            RestoreError::Failed(failure) => staged.failed(failure),
        })?;
        let checks = staged.verify()?;
        if !checks::are_ok(&checks) {
            return self.print_drift(checks);
        }
        let printed = Printed {
            path: self.dest.display().to_string(),
            ok: true,
            bytes: Some(staged.bytes()?),
            restored: Some(restored),
            checks,
        };
        staged.publish()?;
        self.report.print(&self.text(&printed), &printed)?;
        Ok(ExitCode::SUCCESS)
    }

    /// Ids given after one restore of a backup differ from those after another: the gaps end at random.
    fn skip_ids(&self) -> Result<i64, CliError> {
        if let Some(skip_ids) = self.skip_ids {
            return Ok(skip_ids);
        }
        let random = getrandom::u64()
            .map_err(|error| CliError::new(INTERNAL, format!("no randomness: {error}")))?;
        let spread = SKIP_IDS_DEFAULT_MAX - SKIP_IDS_DEFAULT_MIN + 1;
        let skip_ids = SKIP_IDS_DEFAULT_MIN + random % spread;
        Ok(i64::try_from(skip_ids).expect("two million fit"))
    }

    fn print_drift(&self, checks: Vec<Check>) -> Result<ExitCode, CliError> {
        let printed = Printed {
            path: self.dest.display().to_string(),
            ok: false,
            bytes: None,
            restored: None,
            checks,
        };
        self.report.print(&self.text(&printed), &printed)?;
        Ok(checks::exit_code(printed.ok))
    }

    fn text(&self, printed: &Printed) -> String {
        let dest = &printed.path;
        let Some(restored) = &printed.restored else {
            let whose = format!("the books of {}", self.file.display());
            return checks::drift(&printed.checks, dest, &whose);
        };
        let skipped = restored.skipped.iter().map(|gap| {
            format!(
                "skipped: {} {} to {} are never given",
                gap.ids, gap.first, gap.last
            )
        });
        let mut lines = vec![
            format!(
                "{dest}: restored from {}, {} bytes, verified",
                self.file.display(),
                printed.bytes.unwrap_or_default()
            ),
            format!("knows the sale until: {}", restored.knows_until),
            format!("products: {}", restored.products),
            format!("holds: {}", restored.holds),
            format!("orders: {}", restored.orders),
            format!("payments: {}", restored.payments),
        ];
        lines.extend(skipped);
        lines.join("\n")
    }
}
