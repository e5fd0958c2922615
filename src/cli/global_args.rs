//! The arguments that every command takes, and the configuration that follows from them.

use std::path::{Path, PathBuf};

use clap::Args;

use super::cli_error::CliError;
use super::exit_status::CONFIGURATION;
use super::key_flags;
use super::logging;
use crate::config::{self, Config, Flags};
use crate::store::Place;

#[derive(Args)]
#[command(next_help_heading = "Options of every command")]
pub struct GlobalArgs {
    #[arg(long, global = true, value_name = "FILE", display_order = 100, help = config_help())]
    config: Option<PathBuf>,
    #[arg(long, global = true, value_name = "FILE", display_order = 101, help = key_flags::help("db"))]
    db: Option<String>,
}

impl GlobalArgs {
    pub fn config(&self, flags: Flags) -> Result<Config, CliError> {
        self.config_over(Config::default(), flags)
    }

    /// As `config`, and whether any source names the database.
    pub fn config_and_naming(&self) -> Result<(Config, bool), CliError> {
        let unnamed = Config {
            db: Place::File(PathBuf::new()),
            ..Config::default()
        };
        let mut config = self.config_over(unnamed.clone(), Flags::new())?;
        let is_named = config.db != unnamed.db;
        if !is_named {
            config.db = Config::default().db;
        }
        Ok((config, is_named))
    }

    pub fn config_file(&self) -> Option<&Path> {
        self.config.as_deref()
    }

    fn config_over(&self, defaults: Config, mut flags: Flags) -> Result<Config, CliError> {
        if let Some(db) = &self.db {
            if Place::is_url(db) {
                return Err(CliError::new(
                    CONFIGURATION,
                    "--db: a URL may hold a password, and every user of the machine can read a command line; set db in the \
                     configuration file, or FLASHSALE_DB",
                ));
            }
            flags.insert("db", db.clone());
        }
        let environment = environment()?;
        let (config, warnings) = config::load_over(
            defaults,
            self.config_file(),
            environment.into_iter(),
            &flags,
        )?;
        logging::start(config.log_format);
        for warning in warnings {
            log::warn!("{warning}");
        }
        Ok(config)
    }
}

fn config_help() -> String {
    let name = config::FILE_NAME;
    format!("Configuration file [default: {name} in the working directory, if there is one]")
}

/// Our variables. One that is no text cannot be understood, and is not ignored.
fn environment() -> Result<Vec<(String, String)>, CliError> {
    let ours =
        std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
    ours.filter(|(name, _)| name.starts_with(config::ENVIRONMENT_PREFIX))
        .map(|(name, value)| match value.into_string() {
            Ok(value) => Ok((name, value)),
            Err(_) => Err(CliError::new(
                CONFIGURATION,
                format!("environment, {name}: it is not UTF-8"),
            )),
        })
        .collect()
}
