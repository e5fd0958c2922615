//! What a failure of the server's, or of the way to it, means for a batch.

use tokio_postgres::error::SqlState;

use crate::store::{OpenError, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// The server has answered a statement with an error, and goes on.
    #[error("{text}")]
    Refused { code: SqlState, text: String },
    /// There is no connection any more, or never was: what was sent last may or may not have been done.
    #[error("{0}")]
    Lost(String),
    /// A row that the sale has no words for, or a parameter that the server has none for.
    #[error("{0}")]
    Misread(String),
}

impl From<tokio_postgres::Error> for ServerError {
    fn from(error: tokio_postgres::Error) -> ServerError {
        if let Some(error) = error.as_db_error() {
            let code = error.code().clone();
            let text = format!("{} ({})", error.message(), code.code());
            // The server stops, has ended this connection, or only follows another one by now.
            let ends = [
                SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
                SqlState::READ_ONLY_SQL_TRANSACTION,
            ];
            if code.code().starts_with("57P") || ends.contains(&code) {
                return ServerError::Lost(text);
            }
            return ServerError::Refused { code, text };
        }
        let why = with_causes(&error);
        if is_ours(&error) {
            ServerError::Misread(why)
        } else {
            ServerError::Lost(why)
        }
    }
}

/// Whether a value could not be converted, or the server's answer was not what we asked for: the connection is well.
fn is_ours(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    let ours = [
        "error serializing",
        "error deserializing",
        "invalid column",
        "expected ",
    ];
    !error.is_closed() && ours.iter().any(|start| text.starts_with(start))
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
            ServerError::Lost(why) => StoreError::Away(why),
            ServerError::Misread(why) => StoreError::Broken(why),
            ServerError::Refused { code, text } => refused(&code, text),
        }
    }

    /// Of a pipeline that ends in the commit.
    pub fn at_commit(self) -> StoreError {
        match self {
            ServerError::Lost(why) => StoreError::InDoubt(why),
            ServerError::Refused { .. } | ServerError::Misread(_) => self.before_commit(),
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
