//! Whether the schema is the one that the version names: what a batch relies on is what stands in the file.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::store::OpenError;

pub const SCHEMA: &str = include_str!("../../../../schema.sql");

/// Everything of ours must be there, word for word but for comments and white space. Tables, views and plain indexes of the
/// operator's own change nothing for us and may stay; triggers and unique indexes on our tables could refuse or alter what
/// we write, and may not.
pub fn ensure_is_ours(conn: &Connection) -> Result<(), OpenError> {
    let fresh = Connection::open_in_memory()?;
    fresh.execute_batch(SCHEMA)?;
    let (ours, mut theirs) = (things(&fresh)?, things(conn)?);
    for (name, thing) in &ours {
        if theirs.remove(name).as_ref() != Some(thing) {
            return Err(OpenError::SchemaDiffers(name.clone()));
        }
    }
    let meddles = |thing: &Thing| {
        let on_our_table = ours.contains_key(&thing.table);
        on_our_table
            && (thing.kind == "trigger"
                || thing.sql.to_lowercase().starts_with("create unique index"))
    };
    match theirs.into_iter().find(|(_, thing)| meddles(thing)) {
        Some((name, _)) => Err(OpenError::SchemaDiffers(name)),
        None => Ok(()),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Thing {
    kind: String,
    table: String,
    sql: String,
}

/// What the schema holds by name, without what SQLite makes itself.
fn things(conn: &Connection) -> rusqlite::Result<BTreeMap<String, Thing>> {
    let mut statement =
        conn.prepare("select type, name, tbl_name, sql from sqlite_schema where sql is not null")?;
    let rows = statement.query_map([], |row| {
        let sql: String = row.get("sql")?;
        let thing = Thing {
            kind: row.get("type")?,
            table: row.get("tbl_name")?,
            sql: normalised(&sql),
        };
        Ok((row.get("name")?, thing))
    })?;
    rows.collect()
}

/// Without comments, and with one space where there was white space.
pub fn normalised(sql: &str) -> String {
    let lines = sql
        .lines()
        .map(|line| line.split("--").next().unwrap_or(""));
    lines
        .flat_map(str::split_whitespace)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ours_must_be_there_and_what_meddles_must_not() {
        let judge = |changes: &str| {
            let conn = Connection::open_in_memory().unwrap();
            conn.execute_batch(SCHEMA).unwrap();
            conn.execute_batch(changes).unwrap();
            match ensure_is_ours(&conn) {
                Ok(()) => None,
                Err(OpenError::SchemaDiffers(name)) => Some(name),
                Err(error) => panic!("{error}"),
            }
        };
        for changes in [
            "",
            "create table notes (text); create view dear as select * from products where price > 9999;
             create index by_name on products (name); create unique index one_note on notes (text);
             create trigger noted after insert on notes begin select 1; end; analyze;",
        ] {
            assert_eq!(judge(changes), None, "{changes}");
        }
        for (changes, named) in [
            ("drop index holds_by_deadline", "holds_by_deadline"),
            (
                "drop trigger the_ledger_forgets_nothing",
                "the_ledger_forgets_nothing",
            ),
            ("alter table orders add column gift text", "orders"),
            ("drop table replays", "replays"),
            (
                "create unique index one_name on products (name)",
                "one_name",
            ),
            (
                "create trigger free after insert on orders begin select 1; end",
                "free",
            ),
        ] {
            assert_eq!(judge(changes).as_deref(), Some(named), "{changes}");
        }
    }
}
