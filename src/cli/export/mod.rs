//! `flashsale export`: every row of a table as CSV or JSON lines, beside a server that goes on selling.
//!
//! Rows are read a page at a time, oldest first, and each page is one short read: however slowly the output is taken, no
//! checkpoint waits for the export, and memory does not grow with the table. Rows that come after the export began may be
//! left out.

mod cell;
mod columns;

use std::io::{self, Write};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use serde::{Serialize, Serializer};

use super::cli_error::{CliError, cannot_open};
use super::clock::clock_of;
use super::database::open;
use super::exit_status::{IO_ERROR, USAGE};
use crate::clock::Clock;
use crate::config::Config;
use crate::sale::{ProductId, Timestamp};
use crate::store::{
    Access, Database, Filter, OpenError, OrderFilter, Page, Reader, ReversalFilter, Seek, Seen,
    StoreError,
};

pub use cell::Cell;

use columns::Column;

#[derive(Args)]
pub struct Export {
    /// Which rows
    #[arg(value_enum)]
    table: Table,
    /// CSV with a header, fit for spreadsheets; or a JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Csv)]
    format: Format,
    /// Begin with a byte order mark, for spreadsheets that take a CSV without one for another encoding
    #[arg(long)]
    bom: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Table {
    /// What was ordered, by whom, and whether it is paid
    Orders,
    /// What is held or was, by whom
    Holds,
    /// What payment providers reported, and what came of it; their payloads are left out
    Payments,
    /// What payment providers reported about money that came before: it went back, or is disputed
    Reversals,
    /// The ledger: every change of each product's stock
    Movements,
    /// What the shop was told of, and is kept
    Events,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Json,
}

/// The byte order mark of UTF-8.
const BOM: &[u8] = b"\xef\xbb\xbf";
const ROWS_A_PAGE: usize = 1000;
/// Rows that are text at the same time. A row is at most a few times 16 KiB long, as its texts came in a body of that size.
const ROWS_A_WRITE: usize = 64;

impl Export {
    pub fn run(&self, config: &Config) -> Result<ExitCode, CliError> {
        if self.bom && self.format == Format::Json {
            return Err(CliError::new(
                USAGE,
                "export: --bom is for CSV; JSON has no byte order mark",
            ));
        }
        let database = open(config, Access::Read)?;
        let cannot = |error| cannot_open(config, &error);
        let reader =
            database.reader_beside(began_at(&*database, &clock_of(config)).map_err(cannot)?);
        let exporter = Exporter {
            reader: reader.map_err(cannot)?,
            database,
            format: self.format,
            bom: self.bom,
        };
        let exported = exporter.export(self.table);
        exporter.database.ensure_was_still().map_err(cannot)?;
        match exported {
            Ok(()) | Err(Stopped::OutputClosed) => Ok(ExitCode::SUCCESS),
            Err(Stopped::Failed(error)) => Err(error),
        }
    }
}

/// How long an export waits for a moment between two batches of a busy server.
const QUIET_WAIT_MAX: Duration = Duration::from_millis(200);
const POLL: Duration = Duration::from_millis(1);

/// The clock's time, taken at a moment at which no batch is being written. Beside a commit that takes long there is none,
/// and the newest committed time is taken: that batch may have been judged at any time since.
fn began_at(database: &dyn Database, clock: &Clock) -> Result<Timestamp, OpenError> {
    let until = Instant::now() + QUIET_WAIT_MAX;
    loop {
        let time = database.time_between_batches(&|last_now| clock.begin_batch(last_now))?;
        match time {
            Some(time) => return Ok(time),
            None if Instant::now() < until => thread::sleep(POLL),
            None => return database.last_now(),
        }
    }
}

/// Why an export ended before the last row.
enum Stopped {
    /// The reader of stdout has closed it.
    OutputClosed,
    Failed(CliError),
}

impl From<StoreError> for Stopped {
    fn from(failure: StoreError) -> Stopped {
        Stopped::Failed(failure.into())
    }
}

struct Exporter {
    reader: Box<dyn Reader>,
    database: Box<dyn Database>,
    format: Format,
    bom: bool,
}

impl Exporter {
    fn export(&self, table: Table) -> Result<(), Stopped> {
        match table {
            Table::Orders => self.table(
                columns::ORDERS,
                |order| order.id.get(),
                |page| self.reader.orders(&OrderFilter::ALL, page),
            ),
            Table::Holds => self.table(
                columns::HOLDS,
                |hold| hold.id.get(),
                |page| self.reader.holds(&Filter::ALL, page),
            ),
            Table::Payments => self.table(
                columns::PAYMENTS,
                |payment| payment.id.get(),
                |page| self.reader.payments(&Filter::ALL, page),
            ),
            Table::Reversals => self.table(
                columns::REVERSALS,
                |reversal| reversal.id.get(),
                |page| self.reader.reversals(&ReversalFilter::ALL, page),
            ),
            Table::Movements => self.movements(),
            Table::Events => self.table(
                columns::EVENTS,
                |event| event.id.get(),
                |page| self.reader.feed(page),
            ),
        }
    }

    fn table<R>(
        &self,
        columns: &[Column<R>],
        number: impl Fn(&R) -> i64,
        read: impl Fn(Page) -> Result<Seen<Vec<R>>, StoreError>,
    ) -> Result<(), Stopped> {
        self.header(columns)?;
        let newest = Page {
            seek: Seek::Before(i64::MAX),
            limit: 1,
        };
        let newest = read(newest)?.what;
        self.rows_until(newest.first().map_or(0, &number), columns, number, read)
    }

    /// Product by product; a product's version is the number of its newest movement.
    fn movements(&self) -> Result<(), Stopped> {
        self.header(columns::MOVEMENTS)?;
        let mut after: Option<ProductId> = None;
        loop {
            let products = self.reader.products(after, ROWS_A_PAGE)?.what;
            let Some(last) = products.last() else {
                return Ok(());
            };
            after = Some(last.id);
            for product in &products {
                self.rows_until(
                    product.version,
                    columns::MOVEMENTS,
                    |movement| movement.version,
                    |page| self.reader.movements(product.id, page),
                )?;
            }
        }
    }

    /// The rows up to number `newest`, oldest first, each as it stands when its page is read.
    fn rows_until<R>(
        &self,
        newest: i64,
        columns: &[Column<R>],
        number: impl Fn(&R) -> i64,
        read: impl Fn(Page) -> Result<Seen<Vec<R>>, StoreError>,
    ) -> Result<(), Stopped> {
        let mut last = 0;
        while last < newest {
            let page = Page {
                seek: Seek::After(last),
                limit: ROWS_A_PAGE,
            };
            let Seen {
                what: mut rows,
                at: now,
            } = read(page)?;
            let Some(row) = rows.last() else {
                return Ok(());
            };
            last = number(row);
            rows.retain(|row| number(row) <= newest);
            for rows in rows.chunks(ROWS_A_WRITE) {
                print(&match self.format {
                    Format::Csv => csv_lines(columns, rows, now),
                    Format::Json => json_lines(columns, rows, now),
                })?;
            }
        }
        Ok(())
    }

    fn header<R>(&self, columns: &[Column<R>]) -> Result<(), Stopped> {
        match self.format {
            Format::Csv => {
                let mut header = if self.bom { BOM.to_vec() } else { Vec::new() };
                header.extend(csv([columns.iter().map(|(name, _)| *name)]));
                print(&header)
            }
            Format::Json => Ok(()),
        }
    }
}

fn csv_lines<R>(columns: &[Column<R>], rows: &[R], now: Timestamp) -> Vec<u8> {
    csv(rows.iter().map(|row| {
        let cells = columns.iter().map(move |(_, cell)| cell(row, now));
        cells.map(|cell| cell.for_spreadsheets().into_owned())
    }))
}

/// Cells are quoted where RFC 4180 says so; lines end in LF, as Unix tools expect.
fn csv<C: AsRef<[u8]>>(lines: impl IntoIterator<Item: IntoIterator<Item = C>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for line in lines {
        writer
            .write_record(line)
            .expect("lines of a table are of one length");
    }
    writer.into_inner().expect("memory takes what is written")
}

fn json_lines<R>(columns: &[Column<R>], rows: &[R], now: Timestamp) -> Vec<u8> {
    let mut lines = Vec::new();
    for row in rows {
        serde_json::to_writer(&mut lines, &Fields { columns, row, now })
            .expect("a row's strings and numbers are JSON");
        lines.push(b'\n');
    }
    lines
}

/// A row as a JSON object.
struct Fields<'a, R> {
    columns: &'a [Column<R>],
    row: &'a R,
    now: Timestamp,
}

impl<R> Serialize for Fields<'_, R> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.columns.iter();
        serializer.collect_map(
            fields.map(|(name, cell)| -> (_, Cell<'_>) { (name, cell(self.row, self.now)) }),
        )
    }
}

/// Prints whole lines.
fn print(lines: &[u8]) -> Result<(), Stopped> {
    let mut stdout = io::stdout().lock();
    let printed = stdout.write_all(lines).and_then(|()| stdout.flush());
    printed.map_err(|error| {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Stopped::OutputClosed
        } else {
            Stopped::Failed(CliError::new(IO_ERROR, format!("stdout: {error}")))
        }
    })
}
