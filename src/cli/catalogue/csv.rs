//! A catalogue as a spreadsheet saves it: a header, and a row a product.

use super::bad_rows::RowError;
use super::cell::{COLUMNS, COLUMNS_REQUIRED, Cell, ReadRows, upsert};
use super::sheet::{Misquoted, Record, Sheet};
use crate::sale::UpsertProduct;

pub fn rows(text: &str) -> Result<ReadRows<'_>, (u64, RowError)> {
    let mut sheet = Sheet::new(text).map_err(|why| (1, RowError::of_row(why)))?;
    let header = match sheet.next() {
        Some(Ok(header)) => header,
        Some(Err(misquoted)) => return Err((misquoted.line, RowError::of_row(misquoted.why))),
        None => return Err((1, RowError::of_row("a header row is required"))),
    };
    let columns = columns(&header).map_err(|error| (header.line, error))?;
    let decimal_comma = sheet.is_of_semicolons();
    Ok(Box::new(sheet.map(move |record| match record {
        Ok(record) => (record.line, row(&columns, &record, decimal_comma)),
        Err(misquoted) => (
            misquoted.line,
            Err(vec![in_its_column(&columns, &misquoted)]),
        ),
    })))
}

fn columns(header: &Record<'_>) -> Result<Vec<&'static str>, RowError> {
    let mut columns = Vec::new();
    for (index, name) in header.cells.iter().enumerate() {
        let Some(known) = COLUMNS.into_iter().find(|known| known == name) else {
            return Err(unknown(index, name));
        };
        if columns.contains(&known) {
            return Err(RowError::in_column(known, "this column stands twice"));
        }
        columns.push(known);
    }
    let mut required = COLUMNS[..COLUMNS_REQUIRED].iter();
    match required.find(|required| !columns.contains(required)) {
        Some(missing) => Err(RowError::in_column(missing, "this column is required")),
        None => Ok(columns),
    }
}

fn unknown(index: usize, name: &str) -> RowError {
    let known = COLUMNS.join(", ");
    if name.is_empty() {
        RowError::of_row(format!(
            "the header's cell {} has no name; there are the columns {known}",
            index + 1
        ))
    } else if name.contains('\t') {
        RowError::of_row(format!(
            "the cells are separated by tabs; separate them by commas or semicolons, with the columns {known}"
        ))
    } else {
        RowError::in_column(name, format!("there is no such column; there are {known}"))
    }
}

fn in_its_column(columns: &[&str], misquoted: &Misquoted) -> RowError {
    match columns.get(misquoted.cell_index) {
        Some(column) => RowError::in_column(column, misquoted.why),
        None => RowError::of_row(misquoted.why),
    }
}

fn row(
    columns: &[&str],
    record: &Record<'_>,
    decimal_comma: bool,
) -> Result<UpsertProduct, Vec<RowError>> {
    if let Some(missing) = columns.get(record.cells.len()) {
        let separator = if decimal_comma {
            "semicolons"
        } else {
            "commas"
        };
        let why = format!(
            "the row ends before this column; as in the header, {separator} separate its cells"
        );
        return Err(vec![RowError::in_column(missing, why)]);
    }
    if record.cells.len() > columns.len() {
        let (cells, columns) = (record.cells.len(), columns.len());
        let why = format!(
            "{cells} cells under {columns} columns; a cell with a comma or semicolon in it must be in quotes, and a \
             decimal comma is read where semicolons separate the cells"
        );
        return Err(vec![RowError::of_row(why)]);
    }
    upsert(|name| {
        let index = columns.iter().position(|column| *column == name);
        match index.map(|index| record.cells[index].as_ref()) {
            None => Cell::Absent,
            Some("") => Cell::Empty,
            Some(text) => Cell::Text {
                text,
                decimal_comma,
            },
        }
    })
}
