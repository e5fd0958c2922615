//! The answer to a command line that cannot be understood: clap's message, and a tip where a flag is no flag but a key.

use std::process::ExitCode;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use super::exit_status::USAGE;
use super::report::print_to_stderr;
use crate::config::Key;

/// Help and the version go to stdout and are no errors.
pub fn print(error: &Error) -> ExitCode {
    error.print().ok();
    if let Some(tip) = tip(error) {
        print_to_stderr(&format!("\n  tip: {tip}\n"));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(USAGE))
}

fn tip(error: &Error) -> Option<String> {
    let Some(ContextValue::String(flag)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let name = flag.strip_prefix("--")?.replace('-', "_");
    if ["port", "host", "address", "bind"].contains(&name.as_str()) {
        return Some("`--listen 127.0.0.1:8000` says where `flashsale serve` listens".into());
    }
    let key = Key::named(&name)?;
    let variable = name.to_ascii_uppercase();
    Some(if key.is_secret {
        format!(
            "every user of this machine sees flags; {name} stands in flash_sale.toml, readable by its owner alone, or \
             in FLASHSALE_{variable}"
        )
    } else {
        format!(
            "{name} stands in flash_sale.toml or in FLASHSALE_{variable}; flags of this command: --help"
        )
    })
}
