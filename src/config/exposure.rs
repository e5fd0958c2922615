//! Which servers other machines and users can reach, and what such a server must have: secrets of its own and tokens, unless
//! the operator allows it to be open.

use super::config_error::ConfigError;
use super::keys::Config;
use super::listen::Listen;
use super::secrets::{AdminToken, FeedToken, WebhookSecret};

impl Config {
    /// Whether every client may pay, cancel and release what is not its own.
    pub fn is_open(&self) -> bool {
        !self.asks_for_signatures() || !self.require_tokens
    }

    /// Whether a payment is taken from nobody who does not sign it.
    pub fn asks_for_signatures(&self) -> bool {
        !self.webhook_secrets.is_empty() || !self.stripe_secrets.is_empty()
    }

    /// Refuses Stripe's secrets without a currency, a feed that would open with the operator's token, and a server that others
    /// can reach if it is open and `allow_open` is not set, or if a secret of its is the README's.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_feed_token()?;
        if !self.stripe_secrets.is_empty() && self.currency.is_none() {
            return Err(ConfigError::Invalid(
                "stripe_secrets: Stripe's amounts are in a currency; set currency to the one of your prices, like \"EUR\""
                    .into(),
            ));
        }
        let Some(reached) = self.reached_from_elsewhere() else {
            return Ok(());
        };
        if self.is_open() && !self.allow_open {
            return Err(ConfigError::Invalid(format!(
                "{reached}, and every client could pay, cancel and release what is not its own; set webhook_secrets \
                 (or stripe_secrets) and require_tokens = true, or allow_open = true if that is meant"
            )));
        }
        let known = |key, makes_one| {
            let message = format!(
                "{reached}, and {key} is the README's example, which is public; make your own: {makes_one}"
            );
            Err(ConfigError::Invalid(message))
        };
        if self.webhook_secrets.iter().any(WebhookSecret::is_example) {
            return known("webhook_secrets", "echo whsec_$(openssl rand -base64 32)");
        }
        if self
            .admin_token
            .as_ref()
            .is_some_and(AdminToken::is_example)
        {
            return known("admin_token", "openssl rand -hex 16");
        }
        Ok(())
    }

    fn check_feed_token(&self) -> Result<(), ConfigError> {
        let feed = self.feed_token.as_ref().map(FeedToken::as_str);
        let is_operators =
            feed.is_some() && feed == self.admin_token.as_ref().map(AdminToken::as_str);
        if is_operators {
            return Err(ConfigError::Invalid(
                "feed_token: it is the operator's (admin_token), and who reads the feed could do all that the operator can; \
                 make another one: openssl rand -hex 16"
                    .into(),
            ));
        }
        Ok(())
    }

    /// The key by which others can reach the server, and how.
    fn reached_from_elsewhere(&self) -> Option<String> {
        match &self.listen {
            Listen::Tcp(address) if !address.ip().to_canonical().is_loopback() => {
                Some(format!("listen: {address} can be reached from elsewhere"))
            }
            Listen::Unix(path) => Some(format!(
                "listen: every process that may open the socket {} is let in",
                path.display()
            )),
            Listen::Tcp(_) if !self.trusted_proxies.is_empty() => {
                Some("trusted_proxies: they bring requests from elsewhere".into())
            }
            Listen::Tcp(_) => None,
        }
    }
}
