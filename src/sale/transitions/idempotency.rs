//! What a request did is kept under its key, and forgotten when its time is over.

use crate::sale::rows::{Done, IdempotencyKey, Replay};
use crate::sale::working_set::Book;

pub fn keep(book: &mut Book, key: &IdempotencyKey, done: Done) {
    let expires_at = book.now.plus_seconds(book.terms.idempotency_ttl_s);
    book.keep(Replay {
        key: key.clone(),
        done,
        expires_at,
    });
}

/// Says whether its time was over.
pub fn forget(book: &mut Book, key: &IdempotencyKey) -> bool {
    book.forget_lapsed(key)
}
