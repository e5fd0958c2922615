//! `flashsale seed`: products from CSV or JSON, or the sample catalogue; all of them, or none.

use std::fs::{self, File};
use std::io::{self, IsTerminal, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::catalogue::{self, BadRows, Catalogue, InputFormat, Row, RowError};
use super::cli_error::{CliError, cannot_open};
use super::clock::{clock_of, open_with_clock};
use super::exit_status::{BAD_DATA, INPUT_MISSING, IO_ERROR, NOT_PERMITTED, USAGE};
use super::report::{Report, print_to_stderr, retry_while_busy, settled};
use super::seed_report::Seeded;
use crate::clock::Clock;
use crate::config::Config;
use crate::sale::{Command, Counters, Rejection, WorkingSet};
use crate::store::{self, Access, Decision, NoRows, OpenError, Rest, Store, StoreError, rehearse};

#[derive(Args)]
pub struct Seed {
    /// CSV or JSON file, `-` for stdin [default: the sample catalogue]
    file: Option<PathBuf>,
    /// The format of FILE, where its extension does not say
    #[arg(long, value_enum, value_name = "FORMAT")]
    input_format: Option<InputFormat>,
    /// Say what would change, and write nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    report: Report,
}

const ROWS_A_CHUNK: usize = 10_000;

impl Seed {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        let catalogue = self.catalogue()?;
        let seeded = if self.dry_run {
            dry_run(config, &catalogue)?
        } else {
            let (database, clock) = open_with_clock(config, Access::CreateOrMigrate)?;
            let mut store = database
                .store(config.durability)
                .map_err(|error| cannot_open(config, &error))?;
            upsert(&mut *store, config, &clock, &catalogue)?
        };
        if self.report.is_json() {
            print_to_stderr(&seeded.json_lines());
        }
        self.report.print(&seeded.text(), &seeded)?;
        Ok(ExitCode::SUCCESS)
    }

    fn catalogue(&self) -> Result<Catalogue, CliError> {
        let Some(file) = &self.file else {
            ensure_stdin_is_no_catalogue()?;
            return Ok(catalogue::sample());
        };
        let source = if file == Path::new("-") {
            "stdin".into()
        } else {
            file.display().to_string()
        };
        let bad = |why: String| CliError::new(BAD_DATA, format!("{source}: {why}"));
        let bytes = read(file)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|error| bad(not_utf_8(&bytes, error.valid_up_to())))?;
        let format = self
            .input_format
            .or(format_of_extension(file))
            .unwrap_or_else(|| format_of_text(text));
        let rows = catalogue::read(text, format).map_err(|rows| bad(rows.to_string()))?;
        Ok(Catalogue { source, rows })
    }
}

/// A catalogue that is redirected to the command, but not read for want of `-`, is an error.
fn ensure_stdin_is_no_catalogue() -> Result<(), CliError> {
    let stdin = io::stdin().as_fd().try_clone_to_owned().map(File::from);
    let stdin = stdin.and_then(|stdin| Ok(stdin.metadata()?.file_type()));
    if stdin.is_ok_and(|stdin| stdin.is_file() || stdin.is_fifo()) {
        return Err(CliError::new(
            USAGE,
            "seed: stdin is a file or a pipe, and without FILE it is not read: `flashsale seed -` reads it; \
             `flashsale seed < /dev/null` loads the sample catalogue",
        ));
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>, CliError> {
    let bytes = if file == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
    } else {
        fs::read(file)
    };
    bytes.map_err(|error| {
        use io::ErrorKind::{IsADirectory, NotADirectory, NotFound, PermissionDenied};
        let kind = error.kind();
        let code = if matches!(kind, NotFound | NotADirectory | IsADirectory) {
            INPUT_MISSING
        } else if kind == PermissionDenied {
            NOT_PERMITTED
        } else {
            IO_ERROR
        };
        CliError::new(code, format!("{}: {error}", file.display()))
    })
}

/// Says what the bytes may be, which are not UTF-8 from `valid` on.
fn not_utf_8(bytes: &[u8], valid: usize) -> String {
    if bytes.starts_with(b"PK\x03\x04") {
        return "this is a workbook or another zip file; save the sheet as CSV".into();
    }
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return "line 1: this is UTF-16; save it as CSV in UTF-8".into();
    }
    let line = 1 + bytes[..valid].iter().filter(|byte| **byte == b'\n').count();
    format!("line {line}: this is not UTF-8; save it as CSV in UTF-8")
}

fn format_of_extension(file: &Path) -> Option<InputFormat> {
    let extension = file.extension()?.to_str()?.to_ascii_lowercase();
    match extension.as_str() {
        "csv" => Some(InputFormat::Csv),
        "json" => Some(InputFormat::Json),
        _ => None,
    }
}

/// No CSV header begins with a bracket.
fn format_of_text(text: &str) -> InputFormat {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim_start().starts_with(['[', '{']) {
        InputFormat::Json
    } else {
        InputFormat::Csv
    }
}

fn chunks(rows: &[Row]) -> impl Iterator<Item = Vec<Command>> {
    rows.chunks(ROWS_A_CHUNK).map(|chunk| {
        let upsert = |row: &Row| Command::UpsertProduct(row.upsert.clone());
        chunk.iter().map(upsert).collect()
    })
}

/// Loads all rows in one transaction, or none.
pub fn upsert(
    store: &mut dyn Store,
    config: &Config,
    clock: &Clock,
    catalogue: &Catalogue,
) -> Result<Seeded, CliError> {
    let seeded = judge_with_progress(catalogue, |each| {
        let now = |last_now| clock.begin_batch(last_now);
        match store.load(&config.terms(), &now, &mut chunks(&catalogue.rows), each) {
            Err(StoreError::InDoubt(why)) => settled(why, || store.settle()).map(|_| ()),
            done => done,
        }
    });
    clock.end_batch();
    let seeded = seeded?;
    if let Err(failure) = store.rest(Rest::Long) {
        log::debug!("the write-ahead log is left for the next checkpoint: {failure}");
    }
    Ok(seeded)
}

/// What loading would do, judged without the write lock, so that a server goes on selling. Where there is no database,
/// none is made; where none could be, that is said.
fn dry_run(config: &Config, catalogue: &Catalogue) -> Result<Seeded, CliError> {
    let clock = clock_of(config);
    let now = |last_now| clock.begin_batch(last_now);
    let cannot = |error| cannot_open(config, &error);
    let database = match store::open(&config.db, Access::Read) {
        Err(OpenError::Missing) => {
            store::ensure_can_be_made(&config.db).map_err(cannot)?;
            let empty = WorkingSet::new(clock.now(), config.terms(), Counters::FIRST);
            return judge_with_progress(catalogue, |each| {
                rehearse(&mut NoRows, &empty, &mut chunks(&catalogue.rows), each)
            });
        }
        opened => opened.map_err(cannot)?,
    };
    database.ensure_is_no_copy().map_err(cannot)?;
    let books = database.books().map_err(cannot)?;
    let seeded = judge_with_progress(catalogue, |each| {
        books.rehearse(&config.terms(), &now, &mut chunks(&catalogue.rows), each)
    })?;
    database.ensure_was_still().map_err(cannot)?;
    Ok(seeded)
}

/// Each attempt counts from nothing: the one before was rolled back.
fn judge_with_progress(
    catalogue: &Catalogue,
    mut attempt: impl FnMut(&mut dyn FnMut(&[Decision])) -> Result<(), StoreError>,
) -> Result<Seeded, CliError> {
    let progress = progress_bar(catalogue.rows.len());
    let judged = retry_while_busy(|| {
        progress.reset();
        let mut judged = Judged::default();
        attempt(&mut |decisions| {
            judged.add(&catalogue.rows, decisions);
            progress.inc(decisions.len() as u64);
        })?;
        Ok(judged)
    });
    progress.finish_and_clear();
    let judged = judged?;
    if judged.bad.is_empty() {
        Ok(judged.seeded)
    } else {
        let message = format!("{}: {}", catalogue.source, judged.bad);
        Err(CliError::new(BAD_DATA, message))
    }
}

/// The outcome of the rows so far.
#[derive(Default)]
struct Judged {
    rows: usize,
    seeded: Seeded,
    bad: BadRows,
}

impl Judged {
    fn add(&mut self, rows: &[Row], decisions: &[Decision]) {
        let rows = rows[self.rows..].iter();
        for (row, decision) in rows.zip(decisions) {
            match decision {
                Ok(outcome) => self.seeded.add(outcome),
                Err(rejection) => self.bad.add(row.line, vec![why_refused(rejection)]),
            }
        }
        self.rows += decisions.len();
    }
}

/// Why a row that can be read cannot be loaded.
fn why_refused(rejection: &Rejection) -> RowError {
    if let Rejection::StockCommitted { committed } = rejection {
        let why = format!("it would fall below the {committed} units reserved and sold");
        RowError::in_column("total_stock", why)
    } else if *rejection == Rejection::WindowEmpty {
        RowError::in_column("ends_at", "the sale must end after it starts")
    } else {
        unreachable!("a row is refused for its stock or its window only, not for {rejection:?}")
    }
}

/// Hidden unless stderr is a terminal.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sale::{Outcome, ProductId, Upserted};

    /// A commit may find the database busy after every row was judged, and all of them are judged again.
    #[test]
    fn rows_of_an_attempt_that_failed_are_not_counted() {
        let sample = catalogue::sample();
        let rows = sample.rows.len();
        let product = ProductId::new(1).unwrap();
        let upserted = Upserted::Inserted;
        let inserted = Ok(Outcome::ProductUpserted { product, upserted });
        let decisions = vec![inserted; rows];
        let mut attempts = 0;
        let seeded = judge_with_progress(&sample, |each| {
            attempts += 1;
            each(&decisions);
            if attempts < 3 {
                Err(StoreError::Busy)
            } else {
                Ok(())
            }
        });
        let text = seeded.unwrap().text();
        assert_eq!(
            text,
            format!("inserted: {}\nupdated: 0\nunchanged: 0", rows)
        );
    }
}
