//! A schema of its own in the same database, for a sale that is thrown away.

use std::time::Instant;

use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::{Session, Step};
use super::url::Url;
use crate::store::OpenError;

/// Dropping it drops the schema with all that is in it.
pub struct TemporarySchema {
    name: String,
    url: Url,
    server: Server,
}

const COMMITS: usize = 15;

impl TemporarySchema {
    /// Called `<prefix><digits>`, where the URL's user may create one.
    pub fn create(url: &Url, prefix: &str) -> Result<TemporarySchema, OpenError> {
        let drawn = getrandom::u64().map_err(|error| OpenError::Engine(error.to_string()))?;
        let name = format!("{prefix}{drawn:016x}");
        let server = Server::new(url).map_err(OpenError::Unsuitable)?;
        let mut session = Session::connect(&server, Role::Read)?;
        session.execute(&format!("create schema {name}"))?;
        Ok(TemporarySchema {
            url: url.in_schema(&name),
            name,
            server,
        })
    }

    pub fn url(&self) -> &Url {
        &self.url
    }

    /// How long the server takes to make a small write durable: the median.
    pub fn commit_ms(&self) -> Result<f64, OpenError> {
        let mut session = Session::connect(&self.server, Role::Write)?;
        let table = format!("{}.commits", self.name);
        session.execute(&format!("create table {table} (number int)"))?;
        let mut took = Vec::new();
        for number in 0..COMMITS {
            let began = Instant::now();
            session.execute(&format!("insert into {table} values ({number})"))?;
            took.push(began.elapsed());
        }
        session.execute(&format!("drop table {table}"))?;
        took.sort_unstable();
        Ok(took[COMMITS / 2].as_secs_f64() * 1e3)
    }

    /// What the server has written to its log, ever, for whomever.
    pub fn log_bytes(&self) -> Result<u64, OpenError> {
        let mut session = Session::connect(&self.server, Role::Read)?;
        let position = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint as bytes";
        let answers = session.run(&[Step::new(position)])?;
        let bytes: Option<i64> = match answers.first().and_then(|rows| rows.first()) {
            Some(row) => Some(row.try_get("bytes").map_err(ServerError::from)?),
            None => None,
        };
        Ok(bytes
            .and_then(|bytes| u64::try_from(bytes).ok())
            .unwrap_or(0))
    }

    fn remove(&self) -> Result<(), OpenError> {
        let mut session = Session::connect(&self.server, Role::Read)?;
        let drop = format!("drop schema if exists {} cascade", self.name);
        Ok(session.execute_patiently(&drop)?)
    }
}

impl Drop for TemporarySchema {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            log::error!(
                "the schema {} is left in {}, for you to drop: {error}",
                self.name,
                self.url
            );
        }
    }
}
