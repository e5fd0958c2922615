//! A catalogue of products as text: CSV or JSON, read whole and checked whole before anything is loaded.

mod bad_rows;
mod cell;
mod csv;
mod json;
mod sheet;

use std::collections::HashMap;

use clap::ValueEnum;

use crate::sale::UpsertProduct;

pub use bad_rows::{BadRows, RowError};

use bad_rows::shown;

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

pub fn sample() -> Catalogue {
    let sample = include_str!("../sample_catalogue.csv");
    Catalogue {
        source: "sample catalogue".into(),
        rows: read(sample, InputFormat::Csv).expect("the sample catalogue is right"),
    }
}

/// All rows, or all that cannot be loaded.
pub fn read(text: &str, format: InputFormat) -> Result<Vec<Row>, BadRows> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let found = match format {
        InputFormat::Csv => csv::rows(text),
        InputFormat::Json => json::rows(text),
    };
    let found = found.map_err(|(line, error)| BadRows::of(line, error))?;
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
            Err(errors) => bad.add(line, errors),
        }
    }
    if bad.is_empty() { Ok(rows) } else { Err(bad) }
}

fn stands_twice(sku: &str, first: u64) -> RowError {
    RowError::in_column(
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
        let message = |count| {
            let bad = read(&catalogue(count), InputFormat::Csv).err();
            bad.unwrap().to_string()
        };
        assert!(
            message(1).starts_with("line 2, column price: "),
            "{}",
            message(1)
        );
        let twenty = message(20);
        assert!(twenty.starts_with("20 rows are wrong"), "{twenty}");
        assert_eq!(twenty.lines().count(), 21);
        let many = message(1000);
        assert!(many.contains("\n  line 21, column price: "), "{many}");
        assert!(!many.contains("line 22,"), "{many}");
        assert!(many.ends_with("\n  and 980 more"), "{many}");
    }
}
