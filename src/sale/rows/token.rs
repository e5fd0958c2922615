//! Bearer tokens for holds and orders: an HMAC of the id under the database's secret. Nothing is stored per row, and a
//! replayed answer carries the same token as the first.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::id::ProductId;

/// The database's own secret, drawn when the database was made. Shown nowhere.
#[derive(Clone)]
pub struct Secret([u8; SECRET_BYTES]);

pub const SECRET_BYTES: usize = 32;
const TOKEN_BYTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    Hold,
    Order,
    /// Not bearer tokens: the proof that a list's cursor was made here.
    ProductCursor,
    HoldCursor,
    OrderCursor,
    PaymentCursor,
    RefundCursor,
    /// Of one product's ledger.
    MovementCursor(ProductId),
}

impl TokenKind {
    fn as_str(self) -> &'static str {
        match self {
            TokenKind::Hold => "hold",
            TokenKind::Order => "order",
            TokenKind::ProductCursor => "product cursor",
            TokenKind::HoldCursor => "hold cursor",
            TokenKind::OrderCursor => "order cursor",
            TokenKind::PaymentCursor => "payment cursor",
            TokenKind::RefundCursor => "refund cursor",
            TokenKind::MovementCursor(_) => "movement cursor",
        }
    }
}

impl Secret {
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Secret {
        Secret(bytes)
    }

    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// 128 bits in hexadecimal.
    pub fn token(&self, kind: TokenKind, id: i64) -> String {
        use std::fmt::Write;
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("an HMAC takes a key of any length");
        mac.update(kind.as_str().as_bytes());
        mac.update(&[0]);
        if let TokenKind::MovementCursor(product) = kind {
            mac.update(&product.get().to_be_bytes());
        }
        mac.update(&id.to_be_bytes());
        let mut text = String::with_capacity(2 * TOKEN_BYTES);
        for byte in &mac.finalize().into_bytes()[..TOKEN_BYTES] {
            write!(text, "{byte:02x}").expect("writing to a string does not fail");
        }
        text
    }

    /// Whether `shown` is the token of that thing, in a time that tells nothing about where they differ.
    pub fn admits(&self, kind: TokenKind, id: i64, shown: &str) -> bool {
        self.token(kind, id)
            .as_bytes()
            .ct_eq(shown.as_bytes())
            .into()
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_admits_to_its_own_thing_only() {
        let secret = Secret::new([7; SECRET_BYTES]);
        let token = secret.token(TokenKind::Hold, 1);
        assert_eq!(token.len(), 32);
        assert!(secret.admits(TokenKind::Hold, 1, &token));
        assert!(!secret.admits(TokenKind::Hold, 2, &token));
        assert!(!secret.admits(TokenKind::Order, 1, &token));
        assert!(!secret.admits(TokenKind::Hold, 1, ""));
        assert!(!Secret::new([8; SECRET_BYTES]).admits(TokenKind::Hold, 1, &token));
    }
}
