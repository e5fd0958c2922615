//! Whole tables of a file, out of it and into a new one, for another engine.

use std::path::Path;

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use crate::store::sqlite::audit;
use crate::store::sqlite::error::not_applied;
use crate::store::sqlite::file::{DatabaseFile, ServeLock, connect_to_staged, migrate};
use crate::store::{
    Access, Cell, Check, CopiedRow, CopiedTable, CopySource, CopyTarget, Depth, Kind, OpenError,
    StoreError,
};

const CHUNK: usize = 2_000;

/// A database file of which one moment is read, and that no server is started on meanwhile.
struct ReadFile {
    conn: Connection,
    _lock: ServeLock,
}

pub fn copy_source(path: &Path) -> Result<Box<dyn CopySource>, OpenError> {
    let lock = ServeLock::take(path)?;
    let file = DatabaseFile::open(path, Access::Existing)?;
    if file.is_copy {
        return Err(OpenError::Copy);
    }
    let conn = file.read_connection()?;
    conn.execute_batch("begin")?;
    Ok(Box::new(ReadFile { conn, _lock: lock }))
}

/// An empty file that no other process knows yet. It is not on the disk before its caller syncs it.
struct NewFile(Connection);

pub fn copy_target(path: &Path) -> Result<Box<dyn CopyTarget>, OpenError> {
    let mut conn = connect_to_staged(path)?;
    migrate::bring_up_to_date(&mut conn)?;
    conn.execute_batch("begin")?;
    Ok(Box::new(NewFile(conn)))
}

impl CopySource for ReadFile {
    fn read(
        &mut self,
        table: &CopiedTable,
        each: &mut dyn FnMut(Vec<CopiedRow>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        read(&self.conn, table, each)
    }

    fn audit(&mut self) -> Result<Vec<Check>, StoreError> {
        audit::audit(&self.conn, Depth::Full)
    }
}

impl CopySource for NewFile {
    fn read(
        &mut self,
        table: &CopiedTable,
        each: &mut dyn FnMut(Vec<CopiedRow>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        read(&self.0, table, each)
    }

    fn audit(&mut self) -> Result<Vec<Check>, StoreError> {
        audit::audit(&self.0, Depth::Full)
    }
}

impl CopyTarget for NewFile {
    fn write(&mut self, table: &CopiedTable, rows: Vec<CopiedRow>) -> Result<(), StoreError> {
        write(&self.0, table, rows).map_err(not_applied)
    }

    fn commit(self: Box<Self>) -> Result<(), StoreError> {
        self.0.execute_batch("commit").map_err(not_applied)
    }
}

fn read(
    conn: &Connection,
    table: &CopiedTable,
    each: &mut dyn FnMut(Vec<CopiedRow>) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let (columns, order) = (table.listed(), table.order);
    let rows_of = match table.name {
        // A key that was used again after its time has two rows; the newer one counts.
        "replays" => {
            "(select *, row_number() over (partition by key order by id desc) as nth from replays) where nth = 1"
        }
        name => name,
    };
    let sql = format!("select {columns} from {rows_of} order by {order}");
    let mut statement = conn.prepare(&sql).map_err(not_applied)?;
    let mut rows = statement.query([]).map_err(not_applied)?;
    let mut chunk = Vec::new();
    while let Some(row) = rows.next().map_err(not_applied)? {
        chunk.push(cells(row, table).map_err(not_applied)?);
        if chunk.len() == CHUNK {
            each(std::mem::take(&mut chunk))?;
        }
    }
    each(chunk)
}

fn cells(row: &Row<'_>, table: &CopiedTable) -> rusqlite::Result<CopiedRow> {
    let columns = table.columns.iter();
    let cell = |&(name, kind): &(&str, Kind)| {
        if row.get_ref(name)? == ValueRef::Null {
            return Ok(Cell::Null);
        }
        Ok(match kind {
            Kind::Number => Cell::Number(row.get(name)?),
            Kind::Flag => Cell::Flag(row.get(name)?),
            Kind::Text => Cell::Text(row.get(name)?),
            Kind::Bytes => Cell::Bytes(row.get(name)?),
        })
    };
    columns.map(cell).collect()
}

fn write(conn: &Connection, table: &CopiedTable, rows: Vec<CopiedRow>) -> rusqlite::Result<()> {
    let (name, columns) = (table.name, table.listed());
    let places = vec!["?"; table.columns.len()].join(", ");
    let sql = match name {
        "meta" => format!("update meta set ({columns}) = ({places}) where one = 1"),
        _ => format!("insert into {name} ({columns}) values ({places})"),
    };
    // In the order of their deadlines, as keys are kept; `id` counts by itself.
    let mut statement = conn.prepare_cached(&sql)?;
    for row in rows {
        statement.execute(params_from_iter(row.into_iter().map(value)))?;
    }
    if name == "replays" {
        conn.execute_batch(
            "update meta set next_replay = (select coalesce(max(id), 0) + 1 from replays)",
        )?;
    }
    Ok(())
}

fn value(cell: Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Number(number) => Value::Integer(number),
        Cell::Flag(flag) => Value::Integer(flag.into()),
        Cell::Text(text) => Value::Text(text),
        Cell::Bytes(bytes) => Value::Blob(bytes),
    }
}
