//! The database as configured.

use super::cli_error::{CliError, cannot_open};
use crate::config::Config;
use crate::store::{self, Access, Database};

pub fn open(config: &Config, access: Access) -> Result<Box<dyn Database>, CliError> {
    store::open(&config.db, access).map_err(|error| cannot_open(config, &error))
}
