//! The sessions of a pool: how one is made, and when it is of no use any more.

use r2d2::ManageConnection;

use super::server::{Role, Server};
use super::session::Session;

pub struct Sessions {
    server: Server,
    role: Role,
}

impl Sessions {
    pub fn of(server: Server, role: Role) -> Sessions {
        Sessions { server, role }
    }
}

/// A session that cannot be made, as the pool tells it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NoSession(String);

impl ManageConnection for Sessions {
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
