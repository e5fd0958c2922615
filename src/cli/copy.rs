//! `flashsale copy`: a sale moved from a file to a PostgreSQL server, or back: every row of it, the ids to come and the tokens'
//! secret. What arrives is there whole or not at all, and its books are proven before.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;

use super::checks;
use super::cli_error::{CliError, cannot_open};
use super::exit_status::CONFIGURATION;
use super::report::Report;
use super::staged_file::StagedFile;
use crate::config::Config;
use crate::store::{self, Check, Copied, CopySource, CopyTarget, Place, StoreError};

#[derive(Args)]
pub struct Copy {
    /// The sale as it is, which nothing serves: a file, or `-` for the database of the configuration
    #[arg(value_name = "FROM")]
    from: String,
    /// Where nothing is yet: a file, or `-`
    #[arg(value_name = "TO")]
    to: String,
    #[command(flatten)]
    report: Report,
}

#[derive(Serialize)]
struct Printed {
    from: String,
    to: String,
    /// False: a check is broken, and nothing was copied.
    ok: bool,
    tables: Vec<Copied>,
    /// Of the copy, or, where `ok` is false, of what has drifted.
    checks: Vec<Check>,
}

impl Copy {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let (from, to) = (place(&self.from, config)?, place(&self.to, config)?);
        if is_file(&from) == is_file(&to) {
            let message = "copy: one of the two is a PostgreSQL server, `-`, which the key `db` names; a file is copied by \
                           `flashsale backup` and `flashsale restore`";
            return Err(CliError::new(CONFIGURATION, message));
        }
        let mut source =
            store::copy_source(&from).map_err(|error| failed(&from, config, &error))?;
        let (shown, staged) = (to.to_string(), staged(&to)?);
        let target = staged
            .as_ref()
            .map_or(to.clone(), |file| Place::File(file.path().into()));
        let target = store::copy_target(&target).map_err(|error| failed(&to, config, &error))?;
        let copied = copied(&mut *source, target);
        let (tables, checks) = copied.map_err(|failure| {
            let error = CliError::from(failure);
            CliError::new(error.code, format!("{shown}: {}", error.message))
        })?;
        let printed = Printed {
            from: from.to_string(),
            to: shown,
            ok: checks::are_ok(&checks),
            tables,
            checks,
        };
        if let (true, Some(file)) = (printed.ok, staged) {
            file.publish()?;
        }
        self.report.print(&printed.text(), &printed)?;
        Ok(checks::exit_code(printed.ok))
    }
}

/// What was copied, and the checks of the copy, or those of the source if it has drifted.
fn copied(
    source: &mut dyn CopySource,
    mut target: Box<dyn CopyTarget>,
) -> Result<(Vec<Copied>, Vec<Check>), StoreError> {
    let checks = source.audit()?;
    if !checks::are_ok(&checks) {
        return Ok((Vec::new(), checks));
    }
    let tables = store::copy(source, &mut *target)?;
    let checks = target.audit()?;
    if checks::are_ok(&checks) {
        target.commit()?;
    }
    Ok((tables, checks))
}

fn place(name: &str, config: &Config) -> Result<Place, CliError> {
    if name == "-" {
        return Ok(config.db.clone());
    }
    if Place::is_url(name) {
        let message = "copy: a URL may hold a password, and every user of the machine can read the command line: set the key \
                       `db` in a file or FLASHSALE_DB, and say `-`";
        return Err(CliError::new(CONFIGURATION, message));
    }
    Ok(Place::File(name.into()))
}

fn is_file(place: &Place) -> bool {
    matches!(place, Place::File(_))
}

fn staged(place: &Place) -> Result<Option<StagedFile>, CliError> {
    match place {
        Place::File(path) => StagedFile::new(path, ".flashsale-copy-").map(Some),
        #[cfg(feature = "postgres")]
        Place::Server(_) => Ok(None),
    }
}

fn failed(place: &Place, config: &Config, error: &store::OpenError) -> CliError {
    let config = Config {
        db: place.clone(),
        ..config.clone()
    };
    cannot_open(&config, error)
}

impl Printed {
    fn text(&self) -> String {
        if !self.ok {
            return checks::drift(&self.checks, &self.to, "the books");
        }
        let mut lines: Vec<String> = self.tables.iter().skip(1).map(line).collect();
        lines.push(format!(
            "{}: copied from {}, and verified",
            self.to, self.from
        ));
        lines.join("\n")
    }
}

fn line(table: &Copied) -> String {
    format!("{:>10}  {}", table.rows, table.table)
}
