//! The proof of the books: every invariant of the sale asked of the tables themselves, each in one statement, and so of one
//! moment.

use super::server_error::ServerError;
use super::session::{Session, Step};
use super::tables::{
    counters, events, holds, idempotency, orders, payments, products, reversals, writers,
};
use crate::store::{Check, StoreError};

/// Asks every check. Drift is a finding, not a failure: it stands in `broken`. Whether the server's files are sound, only the
/// server's own tools can tell (pg_amcheck).
pub fn audit(session: &mut Session) -> Result<Vec<Check>, StoreError> {
    let tables = [
        products::CHECKS,
        holds::CHECKS,
        orders::CHECKS,
        payments::CHECKS,
        events::CHECKS,
        reversals::CHECKS,
        idempotency::CHECKS,
        counters::CHECKS,
        writers::CHECKS,
    ];
    let questions = tables.into_iter().flatten();
    questions
        .map(|&(name, concerned, breaking)| {
            let sql =
                format!("select ({concerned})::bigint as checked, ({breaking})::bigint as broken");
            let answers = session.run_patiently(&[Step::new(sql)])?;
            let row = answers.into_iter().flatten().next();
            let row =
                row.ok_or_else(|| ServerError::Misread("a check without an answer".into()))?;
            Ok(Check {
                name,
                checked: row.try_get("checked")?,
                broken: row.try_get("broken")?,
            })
        })
        .collect::<Result<_, ServerError>>()
        .map_err(ServerError::before_commit)
}
