//! Sessions that are kept to read by: how one is made, when it is of no use any more, and how long a read waits for one.

use std::time::{Duration, Instant};

use r2d2::{ManageConnection, NopErrorHandler, Pool};
use tokio_postgres::Row;

use super::server::{Role, Server};
use super::server_error::ServerError;
use super::session::{Session, Step};
use crate::store::{OpenError, StoreError};

pub struct Sessions {
    pool: Pool<Making>,
    /// How long a read may take, with the wait for a session.
    patience: Duration,
}

impl Sessions {
    pub fn open(server: &Server, role: Role, sessions_max: u32) -> Result<Sessions, OpenError> {
        let making = Making {
            server: server.clone(),
            role,
        };
        let pool = Pool::builder()
            .max_size(sessions_max)
            .min_idle(Some(1))
            .test_on_check_out(true)
            .idle_timeout(None)
            .max_lifetime(None)
            .connection_timeout(server.patience())
            .error_handler(Box::new(NopErrorHandler))
            .build(making)
            .map_err(|error| OpenError::Unreachable(error.to_string()))?;
        Ok(Sessions {
            pool,
            patience: server.patience(),
        })
    }

    /// What a session is asked. One that was lost since it was last used is not the reader's fault: another one is asked.
    pub fn with_one<T>(
        &self,
        ask: impl Fn(&mut Session) -> Result<T, ServerError>,
    ) -> Result<T, StoreError> {
        let end = Instant::now() + self.patience;
        let once = || {
            let left = end.saturating_duration_since(Instant::now());
            let session = self.pool.get_timeout(left);
            let mut session = session.map_err(|error| ServerError::Lost(error.to_string()))?;
            session.wait_until(Some(end));
            ask(&mut session)
        };
        let answer = match once() {
            Err(ServerError::Lost(_)) if Instant::now() < end => once(),
            answer => answer,
        };
        answer.map_err(ServerError::before_commit)
    }

    pub fn rows(&self, step: impl Fn() -> Step) -> Result<Vec<Row>, StoreError> {
        let mut answers = self.with_one(|session| session.run(&[step()]))?;
        Ok(answers.pop().unwrap_or_default())
    }
}

struct Making {
    server: Server,
    role: Role,
}

/// A session that cannot be made, as the pool tells it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct NoSession(String);

impl ManageConnection for Making {
    type Connection = Session;
    type Error = NoSession;

    fn connect(&self) -> Result<Session, NoSession> {
        Session::connect(&self.server, self.role).map_err(|failure| NoSession(failure.to_string()))
    }

    /// Asks nobody. Reads follow the writer to another host.
    fn is_valid(&self, session: &mut Session) -> Result<(), NoSession> {
        let has_moved = self.role != Role::Report && self.server.has_moved(session.host());
        if session.is_closed() || has_moved {
            return Err(NoSession(
                "it was closed, or another host is written".into(),
            ));
        }
        Ok(())
    }

    fn has_broken(&self, session: &mut Session) -> bool {
        session.is_closed()
    }
}
