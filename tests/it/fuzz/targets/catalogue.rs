//! A catalogue, as CSV or JSON. What was read is written as CSV by the `csv` crate and as JSON by `serde_json`, and read again:
//! the same products.

use flashsale::cli::{InputFormat, Row, read_catalogue};
use flashsale::sale::{Patch, ProductChanges};
use serde_json::{Map, Value, json};

use super::picked;

const FORMATS: [InputFormat; 2] = [InputFormat::Csv, InputFormat::Json];

/// The first byte picks the format.
pub fn target(bytes: &[u8]) {
    let Some((format, text)) = picked(&FORMATS, bytes) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let rows = match read_catalogue(text, *format) {
        Ok(rows) => rows,
        Err(bad) => return assert!(bad.to_string().contains("line ")),
    };
    let lines = 1 + text.matches(['\n', '\r']).count() as u64;
    assert!(rows.iter().all(|row| (1..=lines).contains(&row.line)));
    let json: Vec<Value> = rows.iter().map(|row| Value::Object(object(row))).collect();
    let json = serde_json::to_string(&json).unwrap();
    same(&rows, read_catalogue(&json, InputFormat::Json).ok(), &json);
    if let Some(csv) = csv_of(&rows) {
        same(&rows, read_catalogue(&csv, InputFormat::Csv).ok(), &csv);
    }
}

fn same(rows: &[Row], again: Option<Vec<Row>>, written: &str) {
    let told = |rows: &[Row]| {
        rows.iter()
            .map(|row| format!("{:?}", row.upsert))
            .collect::<Vec<_>>()
    };
    let again = again.unwrap_or_else(|| panic!("what was written is not read: {written}"));
    assert_eq!(told(rows), told(&again), "{written}");
}

fn object(row: &Row) -> Map<String, Value> {
    let ProductChanges {
        name,
        price,
        starts_at,
        ends_at,
        max_per_hold,
        max_per_customer,
        paused: None,
    } = &row.upsert.changes
    else {
        panic!("a catalogue pauses nothing");
    };
    let mut object = Map::new();
    let price = price.expect("a price is required").to_string();
    object.insert("sku".into(), json!(row.upsert.sku));
    object.insert(
        "name".into(),
        json!(name.as_ref().expect("a name is required")),
    );
    object.insert("price".into(), json!(price.parse::<f64>().unwrap()));
    object.insert("total_stock".into(), json!(row.upsert.total_stock));
    let times = [("starts_at", starts_at), ("ends_at", ends_at)];
    for (name, time) in times {
        insert(&mut object, name, time, |time| json!(time.to_string()));
    }
    let limits = [
        ("max_per_hold", max_per_hold),
        ("max_per_customer", max_per_customer),
    ];
    for (name, limit) in limits {
        insert(&mut object, name, limit, |limit| {
            serde_json::from_str(&limit.to_string()).unwrap()
        });
    }
    object
}

fn insert<T>(
    object: &mut Map<String, Value>,
    name: &str,
    patch: &Patch<T>,
    print: impl Fn(&T) -> Value,
) {
    let value = match patch {
        Patch::Keep => return,
        Patch::Clear => Value::Null,
        Patch::To(value) => print(value),
    };
    object.insert(name.into(), value);
}

/// `None` where CSV cannot say it: rows of different columns, spaces at the ends of a cell.
fn csv_of(rows: &[Row]) -> Option<String> {
    let objects: Vec<Map<String, Value>> = rows.iter().map(object).collect();
    let names: Vec<&String> = objects.first()?.keys().collect();
    let mut csv = csv::Writer::from_writer(Vec::new());
    csv.write_record(&names).unwrap();
    for object in &objects {
        if object.keys().collect::<Vec<_>>() != names {
            return None;
        }
        let cells = object.values().map(|value| match value {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            value @ (Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
                value.to_string()
            }
        });
        let cells: Vec<String> = cells.collect();
        if cells.iter().any(|cell| cell.trim() != cell) {
            return None;
        }
        csv.write_record(&cells).unwrap();
    }
    Some(String::from_utf8(csv.into_inner().unwrap()).unwrap())
}
