//! `flashsale seed`: products from CSV or JSON, or the sample catalogue; all of them, or none.

use std::fs;
use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::catalogue::{self, BadInput, InputFormat, Row};
use super::report::{Report, patiently};
use super::{BAD_DATA, Fault, INPUT_MISSING, INTERNAL, IO_ERROR, cannot_open, durability, open};
use crate::clock::Clock;
use crate::config::Config;
use crate::sale::{Command, Loaded, Outcome, Rejection};
use crate::store::sqlite::{Access, SqliteStore};
use crate::store::{Rest, Store};

#[derive(Args)]
pub struct Seed {
    /// CSV or JSON file, `-` for stdin [default: the sample catalogue]
    file: Option<PathBuf>,
    /// What FILE is, where its extension does not tell
    #[arg(long, value_enum)]
    input_format: Option<InputFormat>,
    #[command(flatten)]
    report: Report,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    inserted: u64,
    updated: u64,
    unchanged: u64,
}

const ROWS_A_CHUNK: usize = 10_000;

impl Seed {
    pub fn run(&self, config: &Config) -> Result<ExitCode, Fault> {
        let rows = self.rows()?;
        let database = open(config, Access::CreateOrMigrate)?;
        let mut store = database
            .writer(durability(config))
            .map_err(|error| cannot_open(config, &error))?;
        let counts = load(&mut store, config, &Clock::system(), &rows).map_err(|fault| Fault {
            message: format!("{}: {}", self.source(), fault.message),
            ..fault
        })?;
        let text = format!(
            "inserted: {}\nupdated: {}\nunchanged: {}",
            counts.inserted, counts.updated, counts.unchanged
        );
        self.report.print(&text, &counts)?;
        Ok(ExitCode::SUCCESS)
    }

    fn rows(&self) -> Result<Vec<Row>, Fault> {
        let Some(file) = &self.file else {
            return Ok(catalogue::sample());
        };
        let bytes = read(file)?;
        let text = std::str::from_utf8(&bytes).map_err(|error| {
            let line = 1 + bytes[..error.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Fault::new(
                BAD_DATA,
                format!("{}: line {line}: this is not UTF-8", self.source()),
            )
        })?;
        let format = self
            .input_format
            .or(by_extension(file))
            .unwrap_or_else(|| by_looks(text));
        catalogue::read(text, format)
            .map_err(|wrong| Fault::new(BAD_DATA, format!("{}: {wrong}", self.source())))
    }

    fn source(&self) -> String {
        match &self.file {
            None => "sample catalogue".into(),
            Some(file) if file == Path::new("-") => "stdin".into(),
            Some(file) => file.display().to_string(),
        }
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Fault> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|error| {
        let code = if error.kind() == io::ErrorKind::NotFound {
            INPUT_MISSING
        } else {
            IO_ERROR
        };
        Fault::new(code, format!("{}: {error}", file.display()))
    })
}

fn by_extension(file: &Path) -> Option<InputFormat> {
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "csv" => Some(InputFormat::Csv),
        "json" => Some(InputFormat::Json),
        _ => None,
    }
}

/// No CSV header begins with a bracket.
fn by_looks(text: &str) -> InputFormat {
    if text.trim_start().starts_with(['[', '{']) {
        InputFormat::Json
    } else {
        InputFormat::Csv
    }
}

/// Loads all rows in one transaction, or none.
pub fn load(
    store: &mut SqliteStore,
    config: &Config,
    clock: &Clock,
    rows: &[Row],
) -> Result<Counts, Fault> {
    let progress = progress_bar(rows.len());
    let terms = config.terms();
    let mut counts = Counts::default();
    let mut refused = None;
    patiently(|| {
        let chunks = rows.chunks(ROWS_A_CHUNK).map(|chunk| {
            chunk
                .iter()
                .map(|row| Command::LoadProduct(row.load.clone()))
                .collect::<Vec<_>>()
        });
        let mut loaded = 0;
        store.transact_in_chunks(
            &terms,
            &|last_now| clock.begin_batch(last_now),
            chunks,
            |decisions| {
                for decision in decisions {
                    match decision {
                        Ok(outcome) => counts.count(outcome),
                        Err(rejection) if refused.is_none() => {
                            refused = Some((loaded, rejection.clone()))
                        }
                        Err(_) => {}
                    }
                    loaded += 1;
                }
                progress.inc(decisions.len() as u64);
            },
        )
    })?;
    clock.end_batch();
    progress.finish_and_clear();
    if let Some((index, rejection)) = refused {
        return Err(refused_row(&rows[index], &rejection));
    }
    if let Err(failure) = store.rest(Rest::Long) {
        log::debug!("the log is left for the next checkpoint: {failure}");
    }
    Ok(counts)
}

/// A row that can be read and not be loaded.
fn refused_row(row: &Row, rejection: &Rejection) -> Fault {
    let (column, why) = if let Rejection::StockCommitted { committed } = rejection {
        (
            "total_stock",
            format!("it would fall below the {committed} units reserved and sold"),
        )
    } else if *rejection == Rejection::WindowEmpty {
        ("ends_at", "the sale must end after it starts".into())
    } else {
        let why = format!(
            "line {}: refused for no reason that a row can have: {rejection:?}",
            row.line
        );
        return Fault::new(INTERNAL, why);
    };
    let wrong = BadInput {
        line: row.line,
        column: Some(column.into()),
        why,
    };
    Fault::new(BAD_DATA, wrong.to_string())
}

impl Counts {
    fn count(&mut self, outcome: &Outcome) {
        if let Outcome::ProductLoaded { loaded, .. } = outcome {
            match loaded {
                Loaded::Inserted => self.inserted += 1,
                Loaded::Updated => self.updated += 1,
                Loaded::Unchanged => self.unchanged += 1,
            }
        }
    }
}

/// Draws only on a terminal.
fn progress_bar(rows: usize) -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style =
        ProgressStyle::with_template("{wide_bar} {human_pos}/{human_len} products, {eta} left");
    let bar = ProgressBar::new(rows as u64);
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
