//! What can be wrong with a configuration.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{path}: {error}")]
    Unreadable { path: String, error: io::Error },
    #[error("{path}: there is no such file")]
    Missing { path: String },
    /// Names the place and the key, and says why.
    #[error("{0}")]
    Invalid(String),
}

impl ConfigError {
    /// Leaves out webhook secrets: one may stand under another key, by a slip of the hand.
    pub fn invalid(message: &str) -> ConfigError {
        let mut pieces = message.split("whsec_");
        let mut shown = pieces.next().unwrap_or_default().to_owned();
        for piece in pieces {
            let is_secret = |byte: char| byte.is_ascii_alphanumeric() || "+/=_-".contains(byte);
            shown = shown + "whsec_…" + piece.trim_start_matches(is_secret);
        }
        ConfigError::Invalid(shown)
    }
}
