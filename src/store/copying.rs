//! A whole sale, row by row, out of one engine and into another: what is copied, and the proof that it arrived.

use serde::Serialize;
use sha2::{Digest, Sha256};

use super::{Check, StoreError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Null,
    Number(i64),
    Flag(bool),
    Text(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Flag,
    Text,
    Bytes,
}

/// A table that every engine has, with the columns that all of them have.
pub struct CopiedTable {
    pub name: &'static str,
    pub columns: &'static [(&'static str, Kind)],
    pub order: &'static str,
}

pub type CopiedRow = Vec<Cell>;

/// What reads a whole database at one moment, while nothing is written to it.
pub trait CopySource {
    /// Every row of the table, in its order, chunk by chunk.
    fn read(
        &mut self,
        table: &CopiedTable,
        each: &mut dyn FnMut(Vec<CopiedRow>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError>;

    fn audit(&mut self) -> Result<Vec<Check>, StoreError>;
}

/// A new database, of which there is nothing before `commit`. It can be read, and its books proven, before that.
pub trait CopyTarget: CopySource {
    fn write(&mut self, table: &CopiedTable, rows: Vec<CopiedRow>) -> Result<(), StoreError>;

    fn commit(self: Box<Self>) -> Result<(), StoreError>;
}

/// How many rows of a table were copied, and are there.
#[derive(Debug, Serialize)]
pub struct Copied {
    pub table: &'static str,
    pub rows: u64,
}

/// Copies every table, and reads each one back.
pub fn copy(from: &mut dyn CopySource, to: &mut dyn CopyTarget) -> Result<Vec<Copied>, StoreError> {
    let tables = COPIED_TABLES.iter();
    tables.map(|table| copy_table(from, to, table)).collect()
}

fn copy_table(
    from: &mut dyn CopySource,
    to: &mut dyn CopyTarget,
    table: &CopiedTable,
) -> Result<Copied, StoreError> {
    let (mut sent, mut arrived) = (Digested::default(), Digested::default());
    from.read(table, &mut |rows| {
        sent.add(&rows);
        to.write(table, rows)
    })?;
    to.read(table, &mut |rows| {
        arrived.add(&rows);
        Ok(())
    })?;
    let rows = sent.rows;
    if sent.end() != arrived.end() {
        let why = format!("what arrived of `{}` is not what was sent", table.name);
        return Err(StoreError::Broken(why));
    }
    let table = table.name;
    Ok(Copied { table, rows })
}

#[derive(Default)]
struct Digested {
    rows: u64,
    digest: Sha256,
}

impl Digested {
    fn add(&mut self, rows: &[CopiedRow]) {
        for cell in rows.iter().flatten() {
            let (kind, bytes): (u8, &[u8]) = match cell {
                Cell::Null => (0, &[]),
                Cell::Number(number) => (1, &number.to_be_bytes()),
                Cell::Flag(flag) => (2, &[u8::from(*flag)]),
                Cell::Text(text) => (3, text.as_bytes()),
                Cell::Bytes(bytes) => (4, bytes),
            };
            self.digest.update([kind]);
            self.digest.update(bytes.len().to_be_bytes());
            self.digest.update(bytes);
        }
        self.rows += rows.len() as u64;
    }

    fn end(self) -> (u64, [u8; 32]) {
        (self.rows, self.digest.finalize().into())
    }
}

use Kind::{Bytes, Flag, Number, Text};

/// In an order in which no row names a later one. A new database has a row of `meta`, which is replaced.
const COPIED_TABLES: [CopiedTable; 10] = [
    CopiedTable {
        name: "meta",
        columns: &[
            ("next_product", Number),
            ("next_hold", Number),
            ("next_order", Number),
            ("next_payment", Number),
            ("parked", Number),
            ("last_now", Number),
            ("token_secret", Bytes),
            ("currency", Text),
            ("reversals", Number),
            ("next_event", Number),
            ("events_since", Number),
        ],
        order: "one",
    },
    CopiedTable {
        name: "gaps",
        columns: &[("ids", Text), ("first", Number), ("last", Number)],
        order: "ids, first",
    },
    CopiedTable {
        name: "products",
        columns: &[
            ("id", Number),
            ("sku", Text),
            ("name", Text),
            ("price", Number),
            ("total", Number),
            ("available", Number),
            ("reserved", Number),
            ("sold", Number),
            ("version", Number),
            ("starts_at", Number),
            ("ends_at", Number),
            ("max_per_hold", Number),
            ("max_per_customer", Number),
            ("paused", Flag),
        ],
        order: "id",
    },
    CopiedTable {
        name: "holds",
        columns: &[
            ("id", Number),
            ("product_id", Number),
            ("quantity", Number),
            ("unit_price", Number),
            ("customer", Text),
            ("status", Text),
            ("expires_at", Number),
        ],
        order: "id",
    },
    CopiedTable {
        name: "orders",
        columns: &[
            ("id", Number),
            ("hold_id", Number),
            ("product_id", Number),
            ("quantity", Number),
            ("unit_price", Number),
            ("total_price", Number),
            ("customer", Text),
            ("status", Text),
            ("pay_by", Number),
            ("created_at", Number),
            ("paid_at", Number),
            ("transaction_id", Text),
            ("refunded_quantity", Number),
            ("refunded_amount", Number),
            ("dispute", Text),
        ],
        order: "id",
    },
    CopiedTable {
        name: "payments",
        columns: &[
            ("id", Number),
            ("key", Text),
            ("named_order", Number),
            ("named_hold", Number),
            ("order_id", Number),
            ("status", Text),
            ("amount", Text),
            ("transaction_id", Text),
            ("payload", Text),
            ("verdict", Text),
            ("parked_until", Number),
            ("refund_due", Flag),
            ("received_at", Number),
            ("resolved_at", Number),
            ("resolution", Text),
            ("note", Text),
        ],
        order: "id",
    },
    CopiedTable {
        name: "reversals",
        columns: &[
            ("id", Number),
            ("key", Text),
            ("kind", Text),
            ("transaction_id", Text),
            ("amount", Number),
            ("payload", Text),
            ("verdict", Text),
            ("received_at", Number),
            ("refunded_amount", Number),
            ("returned", Number),
            ("dispute", Text),
        ],
        order: "id",
    },
    CopiedTable {
        name: "movements",
        columns: &[
            ("product_id", Number),
            ("version", Number),
            ("at", Number),
            ("kind", Text),
            ("available", Number),
            ("reserved", Number),
            ("sold", Number),
            ("hold_id", Number),
            ("order_id", Number),
            ("reason", Text),
        ],
        order: "product_id, version",
    },
    CopiedTable {
        name: "events",
        columns: &[
            ("id", Number),
            ("at", Number),
            ("kind", Text),
            ("order_id", Number),
            ("hold_id", Number),
            ("payment_id", Number),
            ("product_id", Number),
            ("quantity", Number),
            ("refunded_quantity", Number),
            ("restocked", Flag),
            ("unit_price", Number),
            ("customer", Text),
            ("pay_by", Number),
            ("transaction_id", Text),
            ("verdict", Text),
            ("amount", Text),
            ("note", Text),
            ("failed", Flag),
            ("outcome", Text),
            ("sold", Number),
        ],
        order: "id",
    },
    CopiedTable {
        name: "replays",
        columns: &[
            ("key", Text),
            ("done", Text),
            ("hold_id", Number),
            ("order_id", Number),
            ("product_id", Number),
            ("answer", Text),
            ("status", Text),
            ("expires_at", Number),
        ],
        order: "expires_at, key",
    },
];

impl CopiedTable {
    /// Its columns, as a statement lists them.
    pub fn listed(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}
