//! Deadlines that a refusal has told of. A batch that only refuses writes nothing; but what it called over must not be alive
//! again after a crash and a wall clock that was set back, and so the time that it was judged at is kept, once a deadline.

use rusqlite::{OptionalExtension, Transaction, named_params};

use crate::sale::{Command, Rejection, Timestamp};
use crate::store::Decision;

/// Whether any of the decisions rests on a deadline that had not passed at `last_now`, the latest time that is kept.
pub fn are_later_than<'a>(
    tx: &Transaction<'_>,
    commands: impl Iterator<Item = &'a Command>,
    decisions: &[Decision],
    last_now: Timestamp,
) -> rusqlite::Result<bool> {
    for (command, decision) in commands.zip(decisions) {
        if let Err(rejection) = decision
            && let Some((sql, id)) = deadline_behind(command, rejection)
        {
            let deadline: Option<i64> = tx
                .prepare_cached(sql)?
                .query_row(named_params! {":id": id}, |row| row.get(0))
                .optional()?
                .flatten();
            if deadline.is_some_and(|deadline| deadline > last_now.micros()) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// How to ask for the deadline that the rejection rests on, if it rests on one.
fn deadline_behind(command: &Command, rejection: &Rejection) -> Option<(&'static str, i64)> {
    const ENDS_AT: &str = "select ends_at from products where id = :id";
    const EXPIRES_AT: &str = "select expires_at from holds where id = :id";
    const PAY_BY: &str = "select pay_by from orders where id = :id";
    if let Command::PlaceHold(wish) = command {
        (*rejection == Rejection::SaleEnded).then(|| (ENDS_AT, wish.product.get()))
    } else if let Command::ReleaseHold { hold } | Command::PlaceOrder { hold, .. } = command {
        (*rejection == Rejection::HoldExpired).then(|| (EXPIRES_AT, hold.get()))
    } else if let Command::CancelOrder { order, .. } | Command::RefundOrder { order, .. } = command
    {
        (*rejection == Rejection::OrderExpired).then(|| (PAY_BY, order.get()))
    } else {
        None
    }
}
