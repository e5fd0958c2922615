//! The database as configured.

use super::cli_error::{CliError, cannot_open};
use crate::config::{self, Config};
use crate::store::{self, Access, Database, Durability};

pub fn open(config: &Config, access: Access) -> Result<Box<dyn Database>, CliError> {
    store::open(&config.db, access).map_err(|error| cannot_open(config, &error))
}

pub fn durability(config: &Config) -> Durability {
    match config.durability {
        config::Durability::Full => Durability::Full,
        config::Durability::Normal => Durability::Normal,
    }
}
