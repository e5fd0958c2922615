//! The value of a row in one column, and what it must be; where a spreadsheet or a program has spoilt a value, the message says
//! how to write it.

use super::bad_rows::{RowError, shown};
use crate::input::formats::{self, LABEL, PRICE, QUANTITY, SKU, STOCK, TIME};
use crate::sale::{Cents, Patch, ProductChanges, Quantity, Timestamp, UpsertProduct, spelling};

#[derive(Clone, Copy)]
pub enum Cell<'a> {
    Absent,
    Empty,
    /// As a spreadsheet writes it.
    Text {
        text: &'a str,
        /// Whether a comma may stand where English has a point.
        decimal_comma: bool,
    },
    /// As JSON writes it.
    Json(&'a str),
}

/// Each name is a CSV's column and a JSON object's field; the first four are required.
pub const COLUMNS: [&str; 8] = [
    "sku",
    "name",
    "price",
    "total_stock",
    "starts_at",
    "ends_at",
    "max_per_hold",
    "max_per_customer",
];
pub const COLUMNS_REQUIRED: usize = 4;

/// The rows of a file by line, each with its product or with all its errors.
pub type ReadRows<'a> = Box<dyn Iterator<Item = (u64, Result<UpsertProduct, Vec<RowError>>)> + 'a>;

/// The row's product, or all its errors.
pub fn upsert<'a>(cell: impl Fn(&str) -> Cell<'a>) -> Result<UpsertProduct, Vec<RowError>> {
    let mut row = RowReader {
        cell,
        errors: Vec::new(),
    };
    let sku = row.required("sku", SKU.wanted, sku);
    let name = row.required("name", LABEL.wanted, label);
    let price = row.required("price", PRICE.wanted, price);
    let total_stock = row.required("total_stock", STOCK.wanted, |cell| (STOCK.read)(cell.raw()));
    let changes = ProductChanges {
        name,
        price,
        starts_at: row.optional("starts_at", TIME.wanted, time),
        ends_at: row.optional("ends_at", TIME.wanted, time),
        max_per_hold: row.optional("max_per_hold", QUANTITY.wanted, limit),
        max_per_customer: row.optional("max_per_customer", QUANTITY.wanted, limit),
        paused: None,
    };
    match (sku, total_stock) {
        (Some(sku), Some(total_stock)) if row.errors.is_empty() => Ok(UpsertProduct {
            sku,
            changes,
            total_stock,
        }),
        _ => Err(row.errors),
    }
}

struct RowReader<F> {
    cell: F,
    errors: Vec<RowError>,
}

impl<'a, F: Fn(&str) -> Cell<'a>> RowReader<F> {
    fn required<T>(
        &mut self,
        column: &str,
        wanted: &str,
        read: impl Fn(Cell<'a>) -> Option<T>,
    ) -> Option<T> {
        let value = self.optional(column, wanted, read);
        match ((self.cell)(column), value) {
            (Cell::Absent | Cell::Empty, _) => {
                let why = format!("it is required; it must be {wanted}");
                self.errors.push(RowError::in_column(column, why));
                None
            }
            (_, Patch::To(value)) => Some(value),
            (_, Patch::Keep | Patch::Clear) => None,
        }
    }

    fn optional<T>(
        &mut self,
        column: &str,
        wanted: &str,
        read: impl Fn(Cell<'a>) -> Option<T>,
    ) -> Patch<T> {
        let cell = (self.cell)(column);
        match cell {
            Cell::Absent => return Patch::Keep,
            Cell::Empty => return Patch::Clear,
            Cell::Text { .. } | Cell::Json(_) => {}
        }
        if let Some(value) = read(cell) {
            return Patch::To(value);
        }
        let why = why_not(column, wanted, cell);
        self.errors.push(RowError::in_column(column, why));
        Patch::Keep
    }
}

impl<'a> Cell<'a> {
    /// As it is written.
    fn raw(self) -> &'a str {
        match self {
            Cell::Absent | Cell::Empty => "",
            Cell::Text { text, .. } => text,
            Cell::Json(raw) => raw,
        }
    }

    /// The text that it is; a number in JSON is none.
    fn text(self) -> Option<String> {
        match self {
            Cell::Absent | Cell::Empty => None,
            Cell::Text { text, .. } => Some(text.to_owned()),
            Cell::Json(raw) => formats::string(raw),
        }
    }
}

fn sku(cell: Cell<'_>) -> Option<String> {
    let text = cell.text().filter(|text| !is_shortened_number(text))?;
    spelling::sku(text)
}

fn label(cell: Cell<'_>) -> Option<String> {
    formats::as_label(cell.text()?)
}

fn time(cell: Cell<'_>) -> Option<Timestamp> {
    Timestamp::parse_rfc3339(&cell.text()?)
}

fn price(cell: Cell<'_>) -> Option<Cents> {
    match cell {
        Cell::Absent | Cell::Empty => None,
        Cell::Json(raw) => (PRICE.read)(raw),
        Cell::Text {
            text,
            decimal_comma: true,
        } if !text.contains('.') => Cents::price_from_plain_decimal(&text.replacen(',', ".", 1)),
        Cell::Text { text, .. } => Cents::price_from_plain_decimal(text),
    }
}

fn limit(cell: Cell<'_>) -> Option<Quantity> {
    (QUANTITY.read)(cell.raw())
}

fn why_not(column: &str, wanted: &str, cell: Cell<'_>) -> String {
    let value = shown(cell.raw());
    if column == "sku" && cell.text().is_some_and(|text| is_shortened_number(&text)) {
        return format!(
            "{value} is what a spreadsheet or a program makes of a long number, and its last digits are lost: format \
             the column as text, and enter the number again"
        );
    }
    match advice(column, cell) {
        Some(advice) => format!("it must be {wanted}, not {value}: {advice}"),
        None => format!("it must be {wanted}, not {value}"),
    }
}

/// How to write what a spreadsheet or a program has spoilt.
fn advice(column: &str, cell: Cell<'_>) -> Option<String> {
    let text = cell.text().unwrap_or_else(|| cell.raw().to_owned());
    let is_json_text = matches!(cell, Cell::Json(raw) if raw.starts_with('"'));
    match column {
        "sku" | "name" => label_advice(cell, &text),
        "starts_at" | "ends_at" => Some("a time has its day, its hour and its zone; Z is UTC".into()),
        _ if is_shortened_number(&text) => Some(
            "that is how a spreadsheet or a program shortens a long number; write all of its digits".into(),
        ),
        _ if is_json_text => Some("a number stands in JSON without quotes".into()),
        "price" => price_advice(cell, &text),
        _ => whole_number_advice(&text),
    }
}

fn label_advice(cell: Cell<'_>, text: &str) -> Option<String> {
    if text.contains(['\n', '\r']) {
        Some("there is a line break in it".into())
    } else if let Some(unseen) = spelling::invisible(text) {
        let code = u32::from(unseen);
        Some(format!(
            "there is the character U+{code:04X} in it, which is invisible"
        ))
    } else if matches!(cell, Cell::Json(raw) if !raw.starts_with('"')) {
        Some("a text stands in JSON in quotes".into())
    } else {
        None
    }
}

fn price_advice(cell: Cell<'_>, text: &str) -> Option<String> {
    let is_price = |text: &str| Cents::price_from_plain_decimal(text).is_some();
    let is_text = matches!(cell, Cell::Text { .. });
    let without_separators: String = text.chars().filter(|char| !is_grouping(*char)).collect();
    if is_text && is_price(&text.replacen(',', ".", 1)) {
        Some(
            "a decimal comma is read where semicolons separate the cells; here it is a point"
                .into(),
        )
    } else if is_digits(&without_separators) {
        Some(
            "write it with at most two decimals, and without separators between the thousands"
                .into(),
        )
    } else {
        Some("write digits alone, like 35.00".into())
    }
}

fn whole_number_advice(text: &str) -> Option<String> {
    if let Some((whole, fraction)) = text.split_once(['.', ',']) {
        let is_whole = is_digits(whole) && fraction.bytes().all(|byte| byte == b'0');
        if is_whole && fraction.len() != 3 {
            return Some(format!(
                "that is how a program writes a whole number that it took for a decimal one; write {whole}"
            ));
        }
    }
    let plain: String = text.chars().filter(|char| !is_grouping(*char)).collect();
    (is_digits(&plain) && plain != text)
        .then(|| format!("write it without separators between the thousands: {plain}"))
}

/// `4.01235E+12`, as spreadsheets show a number that is too long for its cell and programs one that is too long for them.
fn is_shortened_number(text: &str) -> bool {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return false;
    };
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, "0"));
    let exponent = exponent.strip_prefix(['+', '-']);
    whole.len() == 1 && is_digits(whole) && is_digits(fraction) && exponent.is_some_and(is_digits)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What people put between thousands.
fn is_grouping(char: char) -> bool {
    matches!(char, '.' | ',' | '\'' | '’' | '_') || char.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortened_number_is_known() {
        for shortened in ["4.01235E+12", "4,01235E+12", "4e+12", "1.5E-05"] {
            assert!(is_shortened_number(shortened), "{shortened}");
        }
        for other in [
            "12E5",
            "1E10",
            "SHOE-5E+2",
            "E+1",
            "1.E+1",
            "12.5E+3",
            "4.01235",
            "1e+",
            "",
        ] {
            assert!(!is_shortened_number(other), "{other}");
        }
    }
}
