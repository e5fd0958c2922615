//! From whatever version a database has to the newest. A fresh one is made from `schema.sql`; the numbered steps below make
//! the same schema out of an older one, and a test proves it.

use rusqlite::{Connection, TransactionBehavior, named_params};

use super::normalize_names::normalize_names;
use super::schema::SCHEMA;
use crate::sale::SECRET_BYTES;
use crate::store::OpenError;
use crate::store::sqlite::tables::counters;

/// "FLSH": what tells a flashsale database from any other SQLite file.
const APPLICATION_ID: i64 = 0x464c_5348;

/// Step `n` leads from version `n + 1` to `n + 2`. Steps are only ever added.
const STEPS: [&str; 4] = [
    include_str!("to_version_2.sql"),
    include_str!("to_version_3.sql"),
    include_str!("to_version_4.sql"),
    include_str!("to_version_5.sql"),
];

const VERSION: i64 = 1 + STEPS.len() as i64;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Fresh,
    Older,
    Current,
}

/// What the file is, without changing it.
pub fn state(conn: &Connection) -> Result<State, OpenError> {
    let pragma = |name| conn.query_row(&format!("pragma {name}"), [], |row| row.get::<_, i64>(0));
    let tables: i64 = conn.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    let (application_id, version) = (pragma("application_id")?, pragma("user_version")?);
    match (application_id, version) {
        (0, 0) if tables == 0 => Ok(State::Fresh),
        (APPLICATION_ID, version) if version > VERSION => Err(OpenError::Newer {
            found: version,
            known: VERSION,
        }),
        (APPLICATION_ID, VERSION) => Ok(State::Current),
        (APPLICATION_ID, version) if version > 0 => Ok(State::Older),
        _ => Err(OpenError::NotOurs),
    }
}

/// Creates or migrates in one transaction, for the holder of the serve lock.
///
/// With a rollback journal: what is made here is in the file itself, so that no log ever holds a schema that its file has
/// not. Needs the database alone, and says `Busy` where another process reads it.
pub fn bring_up_to_date(conn: &mut Connection) -> Result<(), OpenError> {
    let mode: String = conn.query_row("pragma journal_mode = delete", [], |row| row.get(0))?;
    if mode == "wal" {
        return Err(OpenError::Busy);
    }
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match state(&tx)? {
        State::Current => return Ok(()),
        State::Fresh => {
            tx.execute_batch(SCHEMA)?;
            let mut secret = [0; SECRET_BYTES];
            getrandom::fill(&mut secret)
                .map_err(|error| OpenError::NoRandomness(error.to_string()))?;
            tx.execute(
                "insert into meta (one, next_product, next_hold, next_order, next_payment, next_replay, parked, last_now,
                        token_secret, file_id, log_base)
                    values (1, 1, 1, 1, 1, 1, 0, 0, :token_secret, randomblob(16), 0)",
                named_params! {":token_secret": secret},
            )?;
        }
        State::Older => {
            let version = user_version(&tx)?;
            for step in STEPS.iter().skip(usize::try_from(version - 1).unwrap_or(0)) {
                tx.execute_batch(step)?;
            }
            if version < 3 {
                normalize_names(&tx)?;
            }
        }
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID)?;
    tx.pragma_update(None, "user_version", VERSION)?;
    Ok(tx.commit()?)
}

/// Whether `backup` has marked a file of an older version, which it does since version 3.
pub fn is_older_copy(conn: &Connection) -> rusqlite::Result<bool> {
    Ok(user_version(conn)? >= 3 && counters::is_copy(conn)?)
}

/// Whether a transaction still finds the schema that its statements were written for.
pub fn is_current(tx: &Connection) -> rusqlite::Result<bool> {
    Ok(user_version(tx)? == VERSION)
}

fn user_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("pragma user_version")?
        .query_row([], |row| row.get(0))
}

#[cfg(test)]
mod tests {
    use super::super::schema::normalised;
    use super::*;

    /// Version 1 as it was released. Never changed again.
    const VERSION_1: &str = include_str!("../../../../tests/it/schema_version_1.sql");

    #[test]
    fn a_migrated_and_a_fresh_database_have_the_same_schema() {
        let mut fresh = Connection::open_in_memory().unwrap();
        bring_up_to_date(&mut fresh).unwrap();
        let mut migrated = Connection::open_in_memory().unwrap();
        migrated.execute_batch(VERSION_1).unwrap();
        migrated
            .pragma_update(None, "application_id", APPLICATION_ID)
            .unwrap();
        migrated.pragma_update(None, "user_version", 1).unwrap();
        bring_up_to_date(&mut migrated).unwrap();
        assert_eq!(schema(&fresh), schema(&migrated));
        assert!(schema(&fresh).len() > 10);
    }

    /// Everything in the schema but comments and white space.
    fn schema(conn: &Connection) -> Vec<(String, String)> {
        let mut statement = conn
            .prepare("select name, sql from sqlite_schema where sql is not null order by name")
            .unwrap();
        let rows = statement
            .query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))
            .unwrap();
        rows.map(|row| row.map(|(name, sql)| (name, normalised(&sql))).unwrap())
            .collect()
    }
}
