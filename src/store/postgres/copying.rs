//! Whole tables of a server, out of it and into a new schema, for another engine.

use bytes::BytesMut;
use tokio_postgres::Row;
use tokio_postgres::types::{IsNull, ToSql, Type};

use super::audit;
use super::new_rows::NewRows;
use super::schema::{self, SCHEMA, VERSION};
use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::{Session, Step};
use super::tables::writers;
use super::url::Url;
use crate::store::{
    Access, Cell, Check, CopiedRow, CopiedTable, CopySource, CopyTarget, Kind, OpenError,
    StoreError,
};

const CHUNK: usize = 2_000;

/// Without the limit on transactions that stand idle: the other side is worked on meanwhile.
const BEGIN: &str = "begin; set local idle_in_transaction_session_timeout = 0";

/// A transaction: one that has the turn and writes nothing, or one that makes the schema.
struct Tables {
    session: Session,
    /// What has been read so far: each reading has a cursor of its own.
    cursors: usize,
}

/// Keeps every server from writing. `Served` where one is connected.
pub fn copy_source(url: &Url) -> Result<Box<dyn CopySource>, OpenError> {
    let mut session = begin(url, Access::Existing)?;
    let turn = Step::new("select one from turn where one = 1 for no key update");
    let answers = session.run(&[turn, writers::connected()])?;
    let connected: i64 = match answers.last().and_then(|rows| rows.first()) {
        Some(row) => row.try_get("connected").map_err(ServerError::from)?,
        None => 0,
    };
    if connected > 0 {
        return Err(OpenError::Served);
    }
    Ok(Box::new(Tables::of(session)))
}

pub fn copy_target(url: &Url) -> Result<Box<dyn CopyTarget>, OpenError> {
    let mut session = begin(url, Access::CreateOrMigrate)?;
    session.execute_patiently(SCHEMA)?;
    let turn = Step::new("insert into turn (one) values (1)");
    session.run(&[turn])?;
    Ok(Box::new(Tables::of(session)))
}

fn begin(url: &Url, access: Access) -> Result<Session, OpenError> {
    let server = Server::new(url).map_err(OpenError::Unsuitable)?;
    let mut session = Session::connect(&server, Role::Read)?;
    match (schema::ensure_is_ours(&mut session, Access::Read), access) {
        (Err(OpenError::Missing), Access::CreateOrMigrate) => {}
        (Ok(()), Access::CreateOrMigrate) => return Err(OpenError::Taken),
        (found, _) => found?,
    }
    session.execute(BEGIN)?;
    Ok(session)
}

impl Tables {
    fn of(session: Session) -> Tables {
        Tables {
            session,
            cursors: 0,
        }
    }
}

impl CopySource for Tables {
    fn read(
        &mut self,
        table: &CopiedTable,
        each: &mut dyn FnMut(Vec<CopiedRow>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.cursors += 1;
        let cursor = format!("c{}", self.cursors);
        let (columns, name, order) = (table.listed(), table.name, table.order);
        let select = format!("select {columns} from {name} order by {order}");
        let declared = self
            .session
            .execute_patiently(&format!("declare {cursor} cursor for {select}"));
        declared.map_err(ServerError::before_commit)?;
        loop {
            let fetch = Step::new(format!("fetch {CHUNK} from {cursor}"));
            let answers = self.session.run_patiently(&[fetch]);
            let rows = answers.map_err(ServerError::before_commit)?;
            let rows: Result<Vec<CopiedRow>, ServerError> =
                rows.iter().flatten().map(|row| cells(row, table)).collect();
            let rows = rows.map_err(ServerError::before_commit)?;
            let is_last = rows.len() < CHUNK;
            each(rows)?;
            if is_last {
                return Ok(());
            }
        }
    }

    fn audit(&mut self) -> Result<Vec<Check>, StoreError> {
        audit::audit(&mut self.session)
    }
}

impl CopyTarget for Tables {
    fn write(&mut self, table: &CopiedTable, rows: Vec<CopiedRow>) -> Result<(), StoreError> {
        let written = self.session.run_patiently(&[insert(table, rows)]);
        written.map(|_| ()).map_err(ServerError::before_commit)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let committed = self.session.run_patiently(&[Step::new("commit")]);
        committed.map(|_| ()).map_err(|failure| match failure {
            ServerError::Lost(why) => StoreError::Unknown(why),
            ServerError::Refused { .. } | ServerError::Untrusted(_) | ServerError::Misread(_) => {
                failure.before_commit()
            }
        })
    }
}

fn cells(row: &Row, table: &CopiedTable) -> Result<CopiedRow, ServerError> {
    let columns = table.columns.iter();
    let cell = |&(name, kind): &(&str, Kind)| {
        let cell = match kind {
            Kind::Number => row.try_get::<_, Option<i64>>(name)?.map(Cell::Number),
            Kind::Flag => row.try_get::<_, Option<bool>>(name)?.map(Cell::Flag),
            Kind::Text => row.try_get::<_, Option<String>>(name)?.map(Cell::Text),
            Kind::Bytes => row.try_get::<_, Option<Vec<u8>>>(name)?.map(Cell::Bytes),
        };
        Ok(cell.unwrap_or(Cell::Null))
    };
    columns.map(cell).collect()
}

fn insert(table: &CopiedTable, rows: Vec<CopiedRow>) -> Step {
    let (name, columns) = (table.name, table.listed());
    let sql = match name {
        "meta" => format!(
            "insert into meta (one, schema_version, {columns}) select 1, {VERSION}, {columns} from unnest($1::meta[])"
        ),
        _ => format!("insert into {name} ({columns}) select {columns} from unnest($1::{name}[])"),
    };
    let columns = table.columns.iter().enumerate();
    let columns = columns.map(|(index, (name, _))| {
        let write = move |row: &CopiedRow, column: &Type, out: &mut BytesMut| match &row[index] {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Number(number) => number.to_sql(column, out),
            Cell::Flag(flag) => flag.to_sql(column, out),
            Cell::Text(text) => text.to_sql(column, out),
            Cell::Bytes(bytes) => bytes.to_sql(column, out),
        };
        (*name, write)
    });
    let columns = columns.collect();
    Step::new(sql).with(NewRows { rows, columns })
}
