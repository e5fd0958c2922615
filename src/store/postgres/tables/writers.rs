//! The processes that write, and each one's last batch: what a batch in doubt is settled by.

use super::Question;
use crate::sale::Timestamp;
use crate::store::postgres::changes::Change;
use crate::store::postgres::session::Step;

/// A process that has written nothing for so long is gone.
const FORGOTTEN_AFTER_MICROS: i64 = 86_400_000_000;

pub fn enroll(name: &str, at: Timestamp) -> [Step; 2] {
    [
        Step::new("delete from writers where at < $1")
            .with(Timestamp::from_micros(at.micros() - FORGOTTEN_AFTER_MICROS)),
        Step::new("insert into writers (name, batch, at) values ($1, 0, $2)")
            .with(name.to_owned())
            .with(at),
    ]
}

/// A row that was forgotten is written again.
pub fn write(name: &str, batch: i64, at: Timestamp) -> Change {
    Change::new(
        "insert into writers (name, batch, at) values ($1, $2, $3)
            on conflict (name) do update set batch = excluded.batch, at = excluded.at",
    )
    .with(name.to_owned())
    .with(batch)
    .with(at)
}

pub fn last_batch(name: &str) -> Step {
    Step::new("select batch from writers where name = $1").with(name.to_owned())
}

/// Processes that write and have a session: each is called so in its own.
pub fn connected() -> Step {
    Step::new(
        "select count(*) as connected from writers join pg_stat_activity on application_name = 'flashsale ' || name",
    )
}

/// What `verify` asks of it.
pub const CHECKS: &[Question] = &[(
    "no process wrote a batch later than the last one",
    "select count(*) from writers",
    "select count(*) from writers, meta where at > last_now",
)];
