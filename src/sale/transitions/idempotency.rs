//! What a request did is kept under its key, and forgotten when its time is over.

use crate::sale::rows::{IdempotencyKey, IdempotencyRecord, Recorded};
use crate::sale::working_set::WorkingSet;

pub fn keep(set: &mut WorkingSet, key: &IdempotencyKey, recorded: Recorded) {
    let expires_at = set.now.plus_seconds(set.terms.idempotency_ttl_s);
    set.keep(IdempotencyRecord {
        key: key.clone(),
        recorded,
        expires_at,
    });
}

/// Says whether its time was over.
pub fn forget(set: &mut WorkingSet, key: &IdempotencyKey) -> bool {
    set.forget_lapsed(key)
}
