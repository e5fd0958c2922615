//! Where a rehearsal sells: a database of its own beside the real one, of the same engine, which goes afterwards.

use super::folder::Folder;
use crate::cli::cli_error::CliError;
use crate::cli::exit_status::IO_ERROR;
use crate::rehearsal::{Machine, Usage};
use crate::store::Place;
#[cfg(feature = "postgres")]
use crate::{
    cli::{cli_error::cannot_open_place, exit_status::CANNOT_CREATE},
    store::{OpenError, TemporarySchema},
};

pub enum OwnDatabase {
    File(Folder),
    #[cfg(feature = "postgres")]
    Schema(Box<TemporarySchema>),
}

#[cfg(feature = "postgres")]
const SCHEMA_PREFIX: &str = "flashsale_rehearsal_";

impl OwnDatabase {
    pub fn beside(real: &Place, buyers: u32, products: usize) -> Result<OwnDatabase, CliError> {
        match real {
            Place::File(path) => Ok(OwnDatabase::File(Folder::beside(path, buyers, products)?)),
            #[cfg(feature = "postgres")]
            Place::Server(url) => match TemporarySchema::create(url, SCHEMA_PREFIX) {
                Ok(schema) => Ok(OwnDatabase::Schema(Box::new(schema))),
                Err(OpenError::NotPermitted(why)) => Err(CliError::new(
                    CANNOT_CREATE,
                    format!(
                        "{real}: no schema for the rehearsal: {why}; `grant create on database` lets its user make one"
                    ),
                )),
                Err(error) => Err(cannot_open_place(real, &error)),
            },
        }
    }

    pub fn place(&self) -> Place {
        match self {
            OwnDatabase::File(folder) => Place::File(folder.database()),
            #[cfg(feature = "postgres")]
            OwnDatabase::Schema(schema) => Place::Server(schema.url().clone()),
        }
    }

    pub fn machine(&self) -> Result<Machine, CliError> {
        match self {
            OwnDatabase::File(folder) => Machine::with_folder(folder.path()).map_err(|error| {
                CliError::new(IO_ERROR, format!("the rehearsal's folder: {error}"))
            }),
            #[cfg(feature = "postgres")]
            OwnDatabase::Schema(schema) => {
                let commit_ms = schema
                    .commit_ms()
                    .map_err(|error| self.cannot_open(&error))?;
                Ok(Machine::with_database("postgresql", commit_ms))
            }
        }
    }

    /// What that server of ours has used, and what was written for it: by itself, or by the database's server.
    pub fn usage_of(&self, process: &str) -> Result<Usage, CliError> {
        let usage = Usage::of(process);
        match self {
            OwnDatabase::File(_) => Ok(usage),
            #[cfg(feature = "postgres")]
            OwnDatabase::Schema(schema) => Ok(Usage {
                bytes_written: schema
                    .log_bytes()
                    .map_err(|error| self.cannot_open(&error))?,
                ..usage
            }),
        }
    }

    #[cfg(feature = "postgres")]
    fn cannot_open(&self, error: &OpenError) -> CliError {
        cannot_open_place(&self.place(), error)
    }
}
