//! The schema: made where there is none, and migrated by the first process that knows a newer one.

use super::server_error::ServerError;
use super::session::{Session, Step};
use crate::sale::SECRET_BYTES;
use crate::store::{Access, OpenError};

pub const SCHEMA: &str = include_str!("../../../schema_pg.sql");

/// Of the schema that this program writes to.
pub const VERSION: i64 = 1 + MIGRATIONS.len() as i64;

/// From each version to the next; never remove an entry. Each runs in one transaction that locks the table `turn`, and so no
/// batch of any process is under way.
const MIGRATIONS: &[&str] = &[
    include_str!("to_version_2.sql"),
    include_str!("to_version_3.sql"),
];

/// Of version 1: an older database has these, and no newer one lacks them.
const OUR_TABLES: [&str; 10] = [
    "turn",
    "meta",
    "writers",
    "gaps",
    "products",
    "holds",
    "orders",
    "payments",
    "movements",
    "replays",
];

/// Whether the schema is the one that this program writes to, once it was made or migrated if that is wanted.
pub fn ensure_is_ours(session: &mut Session, access: Access) -> Result<(), OpenError> {
    let found = found(session)?;
    match (found, access) {
        (Found::Nothing, Access::CreateOrMigrate) => create(session),
        (Found::Nothing, Access::Existing | Access::Read) => Err(OpenError::Missing),
        (Found::Other, _) => Err(OpenError::NotOurs),
        (Found::Version(VERSION), _) => Ok(()),
        (Found::Version(found), _) if found > VERSION => Err(OpenError::Newer {
            found,
            known: VERSION,
        }),
        (Found::Version(found), Access::CreateOrMigrate) => migrate(session, found),
        (Found::Version(_), Access::Existing | Access::Read) => Err(OpenError::Older),
    }
}

enum Found {
    Nothing,
    /// Tables of these names that we did not make.
    Other,
    Version(i64),
}

fn found(session: &mut Session) -> Result<Found, OpenError> {
    let step = Step::new(
        "select count(*) as tables from unnest($1::text[]) as t(name) where to_regclass(quote_ident(t.name)) is not null",
    )
    .with(OUR_TABLES.to_vec());
    let tables: i64 = only(session.run(&[step])?, "tables")?;
    if tables == 0 {
        return Ok(Found::Nothing);
    }
    if tables < i64::try_from(OUR_TABLES.len()).unwrap_or(i64::MAX) {
        return Ok(Found::Other);
    }
    let step = Step::new("select schema_version from meta where one = 1");
    match session.run(&[step]) {
        Ok(answers) => Ok(Found::Version(only(answers, "schema_version")?)),
        Err(ServerError::Refused { code, .. }) if code.code() == "42703" => Ok(Found::Other),
        Err(failure) => Err(failure.into()),
    }
}

fn only(answers: Vec<Vec<tokio_postgres::Row>>, column: &str) -> Result<i64, OpenError> {
    let row = answers.into_iter().flatten().next();
    let row = row.ok_or_else(|| OpenError::Damaged("`meta` has no row".into()))?;
    Ok(row.try_get(column).map_err(ServerError::from)?)
}

/// In one transaction. Another process that makes it at the same time is waited for, and then this one fails.
fn create(session: &mut Session) -> Result<(), OpenError> {
    let mut secret = [0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|error| OpenError::NoRandomness(error.to_string()))?;
    let made = session
        .execute_patiently(&format!("begin; {SCHEMA}"))
        .and_then(|()| {
            let figures = Step::new(
                "insert into meta (one, schema_version, next_product, next_hold, next_order, next_payment, parked, last_now,
                    token_secret) values (1, $1, 1, 1, 1, 1, 0, 0, $2)",
            )
            .with(VERSION)
            .with(secret.to_vec());
            let turn_row = Step::new("insert into turn (one) values (1)");
            session.run(&[figures, turn_row, Step::new("commit")])
        });
    if made.is_err() {
        let _ = session.execute("rollback");
    }
    match made {
        // A table of that name was made a moment ago.
        Err(ServerError::Refused { code, .. }) if ["23505", "42P07"].contains(&code.code()) => {
            Err(OpenError::Busy)
        }
        made => Ok(made.map(|_| ())?),
    }
}

/// In one transaction. Where another process has migrated meanwhile, it divides by zero.
fn migrate(session: &mut Session, from: i64) -> Result<(), OpenError> {
    let mut steps = String::from("begin; lock table turn in access exclusive mode; ");
    let to_come = (1..)
        .zip(MIGRATIONS)
        .filter(|(version, _)| *version >= from);
    for (version, migration) in to_come {
        let next = version + 1;
        steps.push_str(&format!(
            "select 1 / (schema_version = {version})::int from meta where one = 1; {migration}; \
             update meta set schema_version = {next} where one = 1; "
        ));
    }
    steps.push_str("commit");
    let migrated = session.execute_patiently(&steps);
    if migrated.is_err() {
        let _ = session.execute("rollback");
    }
    match (migrated, found(session)?) {
        (_, Found::Version(VERSION)) => Ok(()),
        (migrated, _) => Ok(migrated?),
    }
}
