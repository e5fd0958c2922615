//! Who may do what. A payment provider signs, a customer shows the token of the hold or order, the operator shows a token of
//! their own. Nothing is looked up before that, so that a request without them learns nothing.

use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::errors::Error;
use super::signature;
use super::throttle::Throttle;
use crate::config::{AdminToken, Config, FeedToken, StripeSecret, WebhookSecret};
use crate::http::Request;
use crate::sale::{Secret, Timestamp, TokenKind};

pub struct Guard {
    /// What this database's tokens are made from.
    pub secret: Secret,
    /// Whether holds and orders ask for their tokens; else their ids alone do.
    pub tokens_required: bool,
    /// Without any, and without `stripe_secrets`, webhooks are not signed.
    pub webhook_secrets: Vec<WebhookSecret>,
    /// Empty: Stripe's own events are not taken.
    pub stripe_secrets: Vec<StripeSecret>,
    /// Whether events of Stripe's test mode count.
    pub stripe_test_mode: bool,
    /// `None`: there is no operator.
    pub admin_token: Option<AdminToken>,
    /// `None`: there is no feed.
    pub feed_token: Option<FeedToken>,
}

impl Guard {
    pub fn of(config: &Config, secret: Secret) -> Guard {
        Guard {
            secret,
            tokens_required: config.require_tokens,
            webhook_secrets: config.webhook_secrets.clone(),
            stripe_secrets: config.stripe_secrets.clone(),
            stripe_test_mode: config.stripe_test_mode,
            admin_token: config.admin_token.clone(),
            feed_token: config.feed_token.clone(),
        }
    }

    /// Whether the request may touch the hold or order.
    pub fn admits_holder(
        &self,
        request: &Request,
        token_in_body: Option<&str>,
        kind: TokenKind,
        id: i64,
    ) -> bool {
        !self.tokens_required || self.is_holder(request, token_in_body, kind, id)
    }

    /// Whether the right token was shown, be it required or not: in the body, or in `Authorization`, and where both are
    /// given, both must be right.
    pub fn is_holder(
        &self,
        request: &Request,
        token_in_body: Option<&str>,
        kind: TokenKind,
        id: i64,
    ) -> bool {
        let mut shown = token_in_body.into_iter().chain(bearer(request)).peekable();
        shown.peek().is_some() && shown.all(|token| self.secret.admits(kind, id, token))
    }

    pub fn asks_for_signatures(&self) -> bool {
        !self.webhook_secrets.is_empty() || self.takes_stripe_events()
    }

    pub fn takes_stripe_events(&self) -> bool {
        !self.stripe_secrets.is_empty()
    }

    /// What is wrong with a signature is said in the log alone: its sender might be guessing.
    pub fn check_signature(&self, request: &Request, now: Timestamp) -> Result<(), Error> {
        static WORTH_A_LINE: Throttle = Throttle::new(10, Duration::from_secs(1));
        signature::check(request, &self.webhook_secrets, now).map_err(|wrong| {
            if WORTH_A_LINE.admits() {
                log::warn!(
                    "a webhook is refused (401, request {}): {wrong}",
                    request.id
                );
            }
            Error::InvalidSignature
        })
    }

    pub fn has_operator(&self) -> bool {
        self.admin_token.is_some()
    }

    pub fn admits_operator(&self, request: &Request) -> bool {
        let token = self.admin_token.as_ref();
        token.is_some_and(|token| shows(request, token.as_str()))
    }

    pub fn has_feed(&self) -> bool {
        self.feed_token.is_some()
    }

    pub fn admits_to_feed(&self, request: &Request) -> bool {
        let token = self.feed_token.as_ref();
        token.is_some_and(|token| shows(request, token.as_str()))
    }
}

/// Digests are compared instead of tokens, because all digests have one length and its comparison tells nothing.
fn shows(request: &Request, token: &str) -> bool {
    let Some(shown) = bearer(request) else {
        return false;
    };
    let digest = |text: &str| -> [u8; 32] { Sha256::digest(text).into() };
    digest(token).ct_eq(&digest(shown)).into()
}

/// The token of `Authorization: Bearer` (RFC 6750, section 2.1), if it was sent once.
fn bearer(request: &Request) -> Option<&str> {
    let mut values = request.header_values("Authorization");
    let (scheme, token) = values.next()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("Bearer") && values.next().is_none()).then(|| token.trim())
}
