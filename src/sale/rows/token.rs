//! Bearer tokens for holds and orders: an HMAC of the id under the database's secret. Nothing is stored per row, and a
//! replayed answer carries the same token as the first.

use hmac::{Hmac, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::id::ProductId;

/// The database's own secret, drawn when the database was made. Shown nowhere. Kept as the HMAC that has read it as its key,
/// which spares each token half of its hashing.
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

pub const SECRET_BYTES: usize = 32;

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
    ReversalCursor,
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
            TokenKind::ReversalCursor => "reversal cursor",
            TokenKind::MovementCursor(_) => "movement cursor",
        }
    }
}

impl Secret {
    pub fn new(bytes: [u8; SECRET_BYTES]) -> Secret {
        let keyed = Hmac::new_from_slice(&bytes);
        Secret(keyed.expect("an HMAC takes a key of any length"))
    }

    /// 128 bits in hexadecimal.
    pub fn token(&self, kind: TokenKind, id: i64) -> String {
        let mut mac = self.0.clone();
        mac.update(kind.as_str().as_bytes());
        mac.update(&[0]);
        if let TokenKind::MovementCursor(product) = kind {
            mac.update(&product.get().to_be_bytes());
        }
        mac.update(&id.to_be_bytes());
        let code: [u8; 32] = mac.finalize().into_bytes().into();
        let token = code
            .first_chunk()
            .map_or(0, |half| u128::from_be_bytes(*half));
        format!("{token:032x}")
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
