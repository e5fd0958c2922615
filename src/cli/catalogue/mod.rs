//! A catalogue of products as text: CSV or JSON, read whole and checked whole before anything is loaded.

mod cell;
mod csv;
mod json;
mod sheet;

use std::collections::HashMap;
use std::fmt;

use clap::ValueEnum;

use crate::sale::UpsertProduct;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum InputFormat {
    Csv,
    Json,
}

pub struct Row {
    pub line: u64,
    pub upsert: UpsertProduct,
}

/// Rows, and where they are from.
pub struct Catalogue {
    pub source: String,
    pub rows: Vec<Row>,
}

/// Each name is a CSV's column and a JSON object's field; the first four are required.
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

/// What is wrong in one column, or with the row as a whole.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub column: Option<String>,
    pub why: String,
}

impl Wrong {
    pub fn in_column(column: &str, why: impl Into<String>) -> Wrong {
        Wrong {
            column: Some(shown(column)),
            why: why.into(),
        }
    }

    fn with_the_row(why: impl Into<String>) -> Wrong {
        Wrong {
            column: None,
            why: why.into(),
        }
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.column {
            Some(column) => write!(f, "column {column}: {}", self.why),
            None => f.write_str(&self.why),
        }
    }
}

/// The rows that cannot be loaded, by line. The first line of the file is 1. Only so many are kept as are named.
#[derive(Debug, Default)]
pub struct BadRows {
    named: Vec<(u64, Vec<Wrong>)>,
    count: u64,
}

const BAD_ROWS_NAMED_MAX: usize = 20;

impl BadRows {
    pub fn add(&mut self, line: u64, wrong: Vec<Wrong>) {
        self.count += 1;
        if self.named.len() < BAD_ROWS_NAMED_MAX {
            self.named.push((line, wrong));
        }
    }

    fn of(line: u64, wrong: Wrong) -> BadRows {
        let mut bad = BadRows::default();
        bad.add(line, vec![wrong]);
        bad
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl fmt::Display for BadRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let indent = if self.count == 1 {
            ""
        } else {
            write!(f, "{} rows are wrong, and nothing is loaded:", self.count)?;
            "\n  "
        };
        for (line, wrong) in &self.named {
            write!(f, "{indent}line {line}")?;
            for (index, wrong) in wrong.iter().enumerate() {
                let comes_after = match (index, &wrong.column) {
                    (0, None) => ": ",
                    (0, Some(_)) => ", ",
                    _ => "; ",
                };
                write!(f, "{comes_after}{wrong}")?;
            }
        }
        match self.count - self.named.len() as u64 {
            0 => Ok(()),
            more => write!(f, "\n  and {more} more"),
        }
    }
}

/// As much of what somebody else wrote as fits a message, and nothing that a terminal obeys.
fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 60;
    let escape = |char: char| match char {
        '\'' | '"' | '\\' => char.to_string(),
        char => char.escape_debug().to_string(),
    };
    let mut shown: String = text.chars().take(CHARS_MAX).map(escape).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

/// What each row of a file says, or what is wrong with it.
type Rows<'a> = Box<dyn Iterator<Item = (u64, Result<UpsertProduct, Vec<Wrong>>)> + 'a>;

pub fn sample() -> Catalogue {
    let sample = include_str!("../sample_catalogue.csv");
    Catalogue {
        source: "sample catalogue".into(),
        rows: read(sample, InputFormat::Csv).expect("the sample catalogue is right"),
    }
}

/// All rows, or all that is wrong.
pub fn read(text: &str, format: InputFormat) -> Result<Vec<Row>, BadRows> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = match format {
        InputFormat::Csv => csv::rows(text),
        InputFormat::Json => json::rows(text),
    };
    let found = found.map_err(|(line, wrong)| BadRows::of(line, wrong))?;
    let mut rows: Vec<Row> = Vec::new();
    let mut bad = BadRows::default();
    let mut lines_by_sku = HashMap::new();
    for (line, row) in found {
        let row = row.and_then(|upsert| match lines_by_sku.get(&upsert.sku) {
            Some(first) => Err(vec![stands_twice(&upsert.sku, *first)]),
            None => Ok(upsert),
        });
        match row {
            Ok(upsert) => {
                lines_by_sku.insert(upsert.sku.clone(), line);
                rows.push(Row { line, upsert });
            }
            Err(wrong) => bad.add(line, wrong),
        }
    }
    if bad.is_empty() { Ok(rows) } else { Err(bad) }
}

fn stands_twice(sku: &str, first: u64) -> Wrong {
    Wrong::in_column(
        "sku",
        format!("\"{}\" stands in line {first} already", shown(sku)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_20_bad_rows_are_named_and_the_others_counted() {
        let catalogue = |count: usize| {
            let row = |number: usize| format!("sku-{number},Name,x,1\n");
            let rows: String = (0..count).map(row).collect();
            format!("sku,name,price,total_stock\n{rows}")
        };
        let told = |count| {
            let bad = read(&catalogue(count), InputFormat::Csv).err();
            bad.unwrap().to_string()
        };
        assert!(told(1).starts_with("line 2, column price: "), "{}", told(1));
        let twenty = told(20);
        assert!(twenty.starts_with("20 rows are wrong"), "{twenty}");
        assert_eq!(twenty.lines().count(), 21);
        let many = told(1000);
        assert!(many.contains("\n  line 21, column price: "), "{many}");
        assert!(!many.contains("line 22,"), "{many}");
        assert!(many.ends_with("\n  and 980 more"), "{many}");
    }

    #[test]
    fn what_others_wrote_is_shown_short_and_harmless() {
        assert_eq!(shown("12\" vinyl"), "12\" vinyl");
        assert_eq!(shown("\u{1b}[2Ja\u{200b}"), "\\u{1b}[2Ja\\u{200b}");
        assert_eq!(shown(&"é".repeat(1000)), format!("{}…", "é".repeat(60)));
    }
}
