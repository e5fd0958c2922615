//! A catalogue as a program writes it: an array of objects, a product each.

use serde_json::value::RawValue;

use super::bad_rows::RowError;
use super::cell::{COLUMNS, Cell, ReadRows, upsert};
use crate::input::Fields;
use crate::sale::UpsertProduct;

pub fn rows(text: &str) -> Result<ReadRows<'_>, (u64, RowError)> {
    let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(1).max(1);
        let why = "this is not a JSON array of objects, [{\"sku\": …}, …]";
        (line, RowError::of_row(why))
    })?;
    let (mut line, mut seen) = (1, 0);
    Ok(Box::new(items.into_iter().map(move |item| {
        let offset = item.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[seen..offset].matches('\n').count() as u64;
        seen = offset;
        (line, row(item.get()))
    })))
}

fn row(object: &str) -> Result<UpsertProduct, Vec<RowError>> {
    let not_an_object = || vec![RowError::of_row("this is not an object")];
    let mut fields = Fields::of_object(object).ok_or_else(not_an_object)?;
    let cells = COLUMNS.map(|name| fields.raw(name));
    if let Err(errors) = fields.finish() {
        let first = errors.0.into_iter().take(1);
        return Err(first
            .map(|(column, why)| RowError::in_column(&column, why))
            .collect());
    }
    upsert(|name| {
        let index = COLUMNS.iter().position(|column| *column == name);
        match index.and_then(|index| cells[index]) {
            None => Cell::Absent,
            Some("null") => Cell::Empty,
            Some(raw) => Cell::Json(raw),
        }
    })
}
