//! A catalogue of products as text: CSV or JSON, read whole and checked whole before anything is loaded.

use std::collections::HashMap;
use std::fmt;

use clap::ValueEnum;
use serde_json::value::RawValue;

use crate::api::fields::{
    self, Fields, WANTED_LABEL, WANTED_LIMIT, WANTED_PRICE, WANTED_STOCK, WANTED_TIME,
};
use crate::sale::{Cents, LoadProduct, ProductChanges, Set, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    Csv,
    Json,
}

pub struct Row {
    pub line: u64,
    pub load: LoadProduct,
}

/// What is wrong, and where. The first line of a file, a CSV's header, is 1.
#[derive(Debug, PartialEq, Eq)]
pub struct BadInput {
    pub line: u64,
    pub column: Option<String>,
    pub why: String,
}

impl fmt::Display for BadInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "line {}, column {column}: {}", self.line, self.why),
            None => write!(f, "line {}: {}", self.line, self.why),
        }
    }
}

const COLUMNS: [&str; 8] = [
    "sku",
    "name",
    "price",
    "total_stock",
    "starts_at",
    "ends_at",
    "max_per_hold",
    "max_per_customer",
];
const COLUMNS_REQUIRED: usize = 4;

pub fn sample() -> Vec<Row> {
    read(include_str!("sample_catalogue.csv"), InputFormat::Csv)
        .expect("the sample catalogue is right")
}

pub fn read(text: &str, format: InputFormat) -> Result<Vec<Row>, BadInput> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rows = match format {
        InputFormat::Csv => read_csv(text)?,
        InputFormat::Json => read_json(text)?,
    };
    let mut lines_by_sku = HashMap::new();
    for row in &rows {
        if let Some(first) = lines_by_sku.insert(row.load.sku.as_str(), row.line) {
            return Err(bad(
                row.line,
                "sku",
                format!("{:?} stands in line {first} already", row.load.sku),
            ));
        }
    }
    Ok(rows)
}

fn bad(line: u64, column: &str, why: impl Into<String>) -> BadInput {
    BadInput {
        line,
        column: Some(column.into()),
        why: why.into(),
    }
}

fn read_csv(text: &str) -> Result<Vec<Row>, BadInput> {
    let mut lines = Lines {
        text,
        offset: 0,
        line: 1,
    };
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut records = reader.records();
    let unreadable = |error: csv::Error| BadInput {
        line: error.position().map_or(1, csv::Position::line),
        column: None,
        why: "this is not CSV in UTF-8".into(),
    };
    let Some(header) = records.next().transpose().map_err(unreadable)? else {
        return Err(BadInput {
            line: 1,
            column: None,
            why: "a header row is required".into(),
        });
    };
    let columns = header_columns(&header)?;
    let mut rows = Vec::new();
    for record in records {
        let record = record.map_err(unreadable)?;
        let line = lines.line_of(&record);
        if let Some(missing) = columns.get(record.len()) {
            return Err(bad(line, missing, "the row ends before this column"));
        }
        if record.len() > columns.len() {
            return Err(BadInput {
                line,
                column: None,
                why: format!("{} cells under {} columns", record.len(), columns.len()),
            });
        }
        let cell = |name: &str| match columns.iter().position(|column| column == name) {
            Some(index) if record[index].is_empty() => Cell::Empty,
            Some(index) => Cell::Text(&record[index]),
            None => Cell::Absent,
        };
        rows.push(Row {
            line,
            load: load(cell).map_err(|(column, why)| bad(line, column, why))?,
        });
    }
    Ok(rows)
}

/// Which line a record begins in. The parser's own count stands before the end of the line above, and before blank lines.
struct Lines<'a> {
    text: &'a str,
    offset: usize,
    line: u64,
}

impl Lines<'_> {
    fn line_of(&mut self, record: &csv::StringRecord) -> u64 {
        let start = record.position().map_or(0, csv::Position::byte);
        let start = usize::try_from(start).unwrap_or(self.text.len());
        let bytes = self.text.as_bytes();
        while self.offset < bytes.len() {
            let is_end = match bytes[self.offset] {
                b'\n' => true,
                b'\r' => bytes.get(self.offset + 1) != Some(&b'\n'),
                _ if self.offset >= start && bytes[self.offset] != b'\r' => break,
                _ => false,
            };
            self.line += u64::from(is_end);
            self.offset += 1;
        }
        self.line
    }
}

fn header_columns(header: &csv::StringRecord) -> Result<Vec<String>, BadInput> {
    let columns: Vec<String> = header.iter().map(str::to_owned).collect();
    for (index, column) in columns.iter().enumerate() {
        if !COLUMNS.contains(&column.as_str()) {
            return Err(bad(
                1,
                column,
                format!("there is no such column; there are {}", COLUMNS.join(", ")),
            ));
        }
        if columns[..index].contains(column) {
            return Err(bad(1, column, "this column stands twice"));
        }
    }
    match COLUMNS[..COLUMNS_REQUIRED]
        .iter()
        .find(|required| !columns.iter().any(|column| column == *required))
    {
        Some(missing) => Err(bad(1, missing, "this column is required")),
        None => Ok(columns),
    }
}

/// An array of objects with the columns' names.
fn read_json(text: &str) -> Result<Vec<Row>, BadInput> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| BadInput {
        line: u64::try_from(error.line()).unwrap_or(1).max(1),
        column: None,
        why: "this is not a JSON array of objects".into(),
    })?;
    let mut rows = Vec::new();
    let (mut line, mut seen) = (1, 0);
    for item in items {
        let offset = item.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[seen..offset].matches('\n').count() as u64;
        seen = offset;
        rows.push(Row {
            line,
            load: load_object(item.get(), line)?,
        });
    }
    Ok(rows)
}

fn load_object(object: &str, line: u64) -> Result<LoadProduct, BadInput> {
    let not_an_object = || BadInput {
        line,
        column: None,
        why: "this is not an object".into(),
    };
    let mut fields = Fields::of_object(object).ok_or_else(not_an_object)?;
    let cells: Vec<(&str, Option<&str>)> = COLUMNS
        .iter()
        .map(|name| (*name, fields.optional(name, "given", Some)))
        .collect();
    if let Err(error) = fields.finish() {
        let (column, why) = error.first_field().unwrap_or_default();
        return Err(bad(line, &column, why));
    }
    let cell = |name: &str| match cells
        .iter()
        .find(|(column, _)| *column == name)
        .and_then(|(_, raw)| *raw)
    {
        Some("null") => Cell::Empty,
        Some(raw) => Cell::Json(raw),
        None => Cell::Absent,
    };
    load(cell).map_err(|(column, why)| bad(line, column, why))
}

/// What a row says in one column.
enum Cell<'a> {
    Absent,
    Empty,
    /// As a spreadsheet writes it.
    Text(&'a str),
    /// As JSON writes it.
    Json(&'a str),
}

type Wrong = (&'static str, String);

fn load<'a>(cell: impl Fn(&str) -> Cell<'a>) -> Result<LoadProduct, Wrong> {
    let labels = |name| {
        let from_text = |text: &str| fields::as_label(text.to_owned());
        cell(name).read(name, WANTED_LABEL, from_text, fields::label)
    };
    let times = |name| cell(name).read(name, WANTED_TIME, Timestamp::parse_rfc3339, fields::time);
    let limits = |name| cell(name).read(name, WANTED_LIMIT, fields::limit, fields::limit);

    let sku = labels("sku")?.required("sku", WANTED_LABEL)?;
    let name = labels("name")?.required("name", WANTED_LABEL)?;
    let from_text = Cents::price_from_plain_decimal;
    let price = cell("price").read("price", WANTED_PRICE, from_text, fields::price)?;
    let price = price.required("price", WANTED_PRICE)?;
    let stock =
        cell("total_stock").read("total_stock", WANTED_STOCK, fields::stock, fields::stock)?;
    let total_stock = stock.required("total_stock", WANTED_STOCK)?;
    let changes = ProductChanges {
        name: Some(name),
        price: Some(price),
        starts_at: times("starts_at")?,
        ends_at: times("ends_at")?,
        max_per_hold: limits("max_per_hold")?,
        max_per_customer: limits("max_per_customer")?,
        paused: None,
    };
    Ok(LoadProduct {
        sku,
        changes,
        total_stock,
    })
}

impl<T> Set<T> {
    fn required(self, name: &'static str, why: &str) -> Result<T, Wrong> {
        match self {
            Set::To(value) => Ok(value),
            Set::Keep | Set::Clear => Err((name, format!("it is required; it must be {why}"))),
        }
    }
}

impl Cell<'_> {
    fn read<T>(
        &self,
        name: &'static str,
        why: &str,
        from_text: impl Fn(&str) -> Option<T>,
        from_json: impl Fn(&str) -> Option<T>,
    ) -> Result<Set<T>, Wrong> {
        let value = match self {
            Cell::Absent => return Ok(Set::Keep),
            Cell::Empty => return Ok(Set::Clear),
            Cell::Text(text) => from_text(text),
            Cell::Json(raw) => from_json(raw),
        };
        value
            .map(Set::To)
            .ok_or_else(|| (name, format!("it must be {why}")))
    }
}
