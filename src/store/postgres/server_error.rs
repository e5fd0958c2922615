//! What a failure of the server's, or of the way to it, means for a batch.

use tokio_postgres::error::SqlState;

use super::tls;
use crate::store::{OpenError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server has answered a statement with an error, and goes on.
    #[error("{text}")]
    Refused { code: SqlState, text: String },
    /// There is no connection any more, or never was: what was sent last may or may not have been done.
    #[error("{0}")]
    Lost(String),
    /// The server has not proven that it is the one that the URL names, and was told nothing.
    #[error("{0}")]
    Untrusted(String),
    /// A row that the sale has no words for, or a parameter that the server has none for.
    #[error("{0}")]
    Misread(String),
}

/// Of a row that was read, and is not as it was asked for.
impl From<tokio_postgres::Error> for ServerError {
    fn from(error: tokio_postgres::Error) -> ServerError {
        ServerError::Misread(with_causes(&error))
    }
}

impl ServerError {
    /// Of a question that was sent: the server has refused it, or its answer has not come.
    pub fn answered(error: tokio_postgres::Error) -> ServerError {
        let Some(refusal) = error.as_db_error() else {
            return ServerError::Lost(with_causes(&error));
        };
        let code = refusal.code().clone();
        let text = format!("{} ({})", refusal.message(), code.code());
        // The server stops, has ended this connection, or only follows another one by now.
        let ends = [
            SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
            SqlState::READ_ONLY_SQL_TRANSACTION,
        ];
        if code.code().starts_with("57P") || ends.contains(&code) {
            return ServerError::Lost(text);
        }
        ServerError::Refused { code, text }
    }

    /// Of a question that could not be sent: there is no connection, or its parameters are not what its text says.
    pub fn unsent(error: tokio_postgres::Error) -> ServerError {
        if error.is_closed() {
            ServerError::answered(error)
        } else {
            error.into()
        }
    }

    /// Of a connection that was not made.
    pub fn unconnected(error: tokio_postgres::Error) -> ServerError {
        match tls::advice(&error) {
            Some(advice) => ServerError::Untrusted(format!("{}; {advice}", with_causes(&error))),
            None => ServerError::answered(error),
        }
    }

    pub fn is_lost(&self) -> bool {
        matches!(self, ServerError::Lost(_))
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let told = inner.to_string();
        if !text.contains(&told) {
            text = format!("{text}: {told}");
        }
        cause = inner.source();
    }
    text
}

impl ServerError {
    /// Before the commit was sent: nothing was applied.
    pub fn before_commit(self) -> StoreError {
        match self {
            ServerError::Lost(why) | ServerError::Untrusted(why) => StoreError::Away(why),
            ServerError::Misread(why) => StoreError::Broken(why),
            ServerError::Refused { code, text } => refused(&code, text),
        }
    }

    /// Of a pipeline that ends in the commit.
    pub fn at_commit(self) -> StoreError {
        match self {
            ServerError::Lost(why) => StoreError::InDoubt(why),
            ServerError::Refused { .. } | ServerError::Untrusted(_) | ServerError::Misread(_) => {
                self.before_commit()
            }
        }
    }
}

fn refused(code: &SqlState, text: String) -> StoreError {
    // Another transaction was in the way.
    if [
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ]
    .contains(code)
    {
        return StoreError::Busy;
    }
    let class = code.code().get(..2).unwrap_or_default();
    match class {
        // A constraint of ours, or a row that was not as it was seen (22012); SQL or values that do not fit the schema.
        "22" | "23" | "42" => StoreError::Broken(text),
        "XX" => StoreError::Corrupt(text),
        // No disk, no memory, no permission, a server that only reads.
        _ => StoreError::NotApplied(text),
    }
}

impl From<ServerError> for OpenError {
    fn from(failure: ServerError) -> OpenError {
        match failure {
            ServerError::Lost(why) => OpenError::Unreachable(why),
            ServerError::Untrusted(why) => OpenError::Unsuitable(why),
            ServerError::Misread(why) => OpenError::Damaged(why),
            ServerError::Refused { code, text } => refused_to_open(&code, text),
        }
    }
}

fn refused_to_open(code: &SqlState, text: String) -> OpenError {
    let class = code.code().get(..2).unwrap_or_default();
    if *code == SqlState::LOCK_NOT_AVAILABLE {
        OpenError::Busy
    } else if *code == SqlState::INSUFFICIENT_PRIVILEGE || class == "28" {
        OpenError::NotPermitted(text)
    } else if class == "42" {
        OpenError::Damaged(text)
    } else {
        OpenError::Engine(text)
    }
}
