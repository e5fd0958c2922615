//! SIGINT, SIGTERM and SIGHUP end a rehearsal in order: what it has started and made goes with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use crate::cli::cli_error::CliError;
use crate::cli::exit_status::{HUNG_UP, INTERNAL, INTERRUPTED, TERMINATED};

/// Which signal has come, if any.
#[derive(Clone)]
pub struct Interruption(Arc<AtomicUsize>);

impl Interruption {
    /// From now on these signals no longer end the process by themselves.
    pub fn watch() -> Result<Interruption, CliError> {
        let signal = Arc::new(AtomicUsize::new(0));
        for number in [SIGHUP, SIGINT, SIGTERM] {
            let value = usize::try_from(number).unwrap_or(usize::MAX);
            signal_hook::flag::register_usize(number, signal.clone(), value)
                .map_err(|error| CliError::new(INTERNAL, format!("signals: {error}")))?;
        }
        Ok(Interruption(signal))
    }

    /// Fails once a signal has come.
    pub fn check(&self) -> Result<(), CliError> {
        let (code, name) = match i32::try_from(self.0.load(Ordering::SeqCst)) {
            Ok(0) => return Ok(()),
            Ok(SIGHUP) => (HUNG_UP, "SIGHUP"),
            Ok(SIGINT) => (INTERRUPTED, "SIGINT"),
            _ => (TERMINATED, "SIGTERM"),
        };
        let message =
            format!("{name}: the rehearsal was broken off; its server and its folder are gone");
        Err(CliError::new(code, message))
    }
}
