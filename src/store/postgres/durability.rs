//! Whether the server keeps what it says that it has committed.

use super::server_error::ServerError;
use super::session::{Session, Step};
use crate::store::OpenError;

/// Refuses a server that would lose commits at a power loss, and warns of one that may lose them at a failover.
pub fn ensure_is_full(session: &mut Session) -> Result<(), OpenError> {
    let step = Step::new(
        "select current_setting('fsync') as fsync, current_setting('full_page_writes') as full_page_writes,
            current_setting('synchronous_commit') as synchronous_commit,
            current_setting('synchronous_standby_names') as standbys,
            (select count(*) from pg_stat_replication) as streaming",
    );
    let answers = session.run(&[step])?;
    let row = answers.into_iter().flatten().next();
    let row = row.ok_or_else(|| ServerError::Misread("no settings".into()))?;
    for setting in ["fsync", "full_page_writes", "synchronous_commit"] {
        let value: String = row.try_get(setting).map_err(ServerError::from)?;
        if value == "off" {
            return Err(OpenError::Unsuitable(format!(
                "the server runs with {setting} = off, and would lose what was answered; switch it on, or serve with \
                 durability = \"normal\""
            )));
        }
    }
    let standbys: String = row.try_get("standbys").map_err(ServerError::from)?;
    let streaming: i64 = row.try_get("streaming").map_err(ServerError::from)?;
    if streaming > 0 && standbys.is_empty() {
        log::warn!(
            "standbys follow the server, and none of them synchronously: a failover may lose what was answered, and give its \
             ids again; set synchronous_standby_names"
        );
    }
    Ok(())
}
