//! How a command fails, and with which status each kind of failure ends.

use std::io;

use super::exit_status::{
    BAD_DATA, BUSY, CANNOT_CREATE, CONFIGURATION, INPUT_MISSING, INTERNAL, IO_ERROR, NOT_PERMITTED,
};
use crate::config::{Config, ConfigError};
use crate::store::{OpenError, Place, StoreError};

/// The exit status, and the sentence that follows `flashsale: ` on stderr.
#[derive(Debug)]
pub struct CliError {
    pub code: u8,
    pub message: String,
}

impl CliError {
    pub fn new(code: u8, message: impl Into<String>) -> CliError {
        CliError {
            code,
            message: message.into(),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> CliError {
        let code = match error {
            ConfigError::Missing { .. } => INPUT_MISSING,
            ConfigError::Unreadable { .. } | ConfigError::Invalid(_) => CONFIGURATION,
        };
        CliError::new(code, error.to_string())
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> CliError {
        let code = match error {
            StoreError::Busy | StoreError::Outdated => BUSY,
            StoreError::Away(_) | StoreError::InDoubt(_) => IO_ERROR,
            StoreError::NotApplied(_) | StoreError::Unknown(_) | StoreError::Displaced(_) => {
                IO_ERROR
            }
            StoreError::Broken(_) => INTERNAL,
            StoreError::Corrupt(_) | StoreError::Unreadable(_) => BAD_DATA,
        };
        CliError::new(code, error.to_string())
    }
}

pub fn cannot_open(config: &Config, error: &OpenError) -> CliError {
    cannot_open_place(&config.db, error)
}

pub fn cannot_open_place(place: &Place, error: &OpenError) -> CliError {
    let code = match error {
        OpenError::Missing => INPUT_MISSING,
        OpenError::Symlink
        | OpenError::HardLinked { .. }
        | OpenError::MountedAlone
        | OpenError::ForeignLog(_) => CONFIGURATION,
        OpenError::NotPermitted(_) => NOT_PERMITTED,
        OpenError::NotOurs
        | OpenError::Damaged(_)
        | OpenError::Newer { .. }
        | OpenError::SchemaDiffers(_) => BAD_DATA,
        OpenError::Older
        | OpenError::OlderCopy
        | OpenError::Busy
        | OpenError::Changed
        | OpenError::Served => BUSY,
        OpenError::CannotCreate(_) | OpenError::Taken => CANNOT_CREATE,
        OpenError::Unreadable(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            NOT_PERMITTED
        }
        OpenError::Copy | OpenError::Unsuitable(_) => CONFIGURATION,
        OpenError::NoRandomness(_) => INTERNAL,
        OpenError::Unreadable(_)
        | OpenError::Engine(_)
        | OpenError::Displaced(_)
        | OpenError::Unreachable(_) => IO_ERROR,
    };
    CliError::new(code, format!("{place}: {error}"))
}
